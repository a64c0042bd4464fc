"""The index of dead letters: one file that follows the topic, so that a million letters are searched on disk."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson

from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.dead_letters.selection import (
    ID_DIGITS,
    Facets,
    Place,
    Selection,
    conditions,
    facets_asked,
    id_range,
    ids_asked,
    place_of,
)
from processor.dead_letters.tables import FILLED, FORMAT, INDEXES, PUT, TABLES
from processor.model.dead_letter import DeadLetter

FILE = "dead-letters.sqlite"
CACHE_KIB = 32768
BROAD = 10_000
SHOWN = ("hash", "key", "partition", "offset", "state", "at", "user", "event", "replays", "connector", "action",
         "reason", "code", "message")


class Entry(NamedTuple):
    """One letter as lists show it."""

    id: str
    key: bytes
    partition: int
    offset: int
    state: str
    at: int
    app: str
    prompt: str
    user: str
    event: str
    replays: int
    connector: str
    action: str
    reason: str
    code: str
    message: str


class Group(NamedTuple):
    """Letters that failed alike."""

    app: str
    connector: str
    action: str
    reason: str
    code: str
    state: str
    letters: int
    first: int
    last: int


class Change(NamedTuple):
    """One record of the topic; without a letter it forgets what had the key."""

    partition: int
    offset: int
    key: bytes
    data: bytes | None


def letter_hash(key: bytes) -> int:
    """The number by which the index knows a letter."""
    return int.from_bytes(blake2b(key, digest_size=8).digest()) >> 4


def letter_id(key: bytes) -> str:
    """The id of a letter, as people type it."""
    return f"{letter_hash(key):0{ID_DIGITS}x}"


class Index:
    """Letters on disk, as the topic had them when it was read last."""

    def __init__(self, folder: Path, codec: Codec) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        os.close(os.open(self.path, os.O_CREAT, 0o600))  # it holds what users did
        self._codec = codec
        self.db = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
        self.db.executescript(f"""
            PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; PRAGMA temp_store=FILE;
            PRAGMA cache_size=-{CACHE_KIB};""")
        self._kinds: dict[bytes, int] = {}
        self._drop_other_formats()
        self.db.executescript(TABLES)
        self.strange = 0
        """Records of the topic that were read by this one and are no letters."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.db.close()

    def _drop_other_formats(self) -> None:
        """What another version of the program has read is read anew; runs of replays stay."""
        if self._is_of_this_format():
            return
        with self.writing():
            if self._is_of_this_format():  # another one did it meanwhile, and may have begun to read
                return
            for table in FILLED:
                self.db.execute(f"DROP TABLE IF EXISTS {table}")
            self.db.execute(f"PRAGMA user_version = {FORMAT}")

    def _is_of_this_format(self) -> bool:
        return bool(self.db.execute("PRAGMA user_version").fetchone()[0] == int(FORMAT))

    # following the topic

    def about(self, name: str) -> str:
        """A fact of the index itself, "" where it is not known."""
        row = self.db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def set_about(self, **facts: str) -> None:
        """Note facts of the index itself."""
        self.db.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", facts.items())

    def positions(self) -> dict[int, int]:
        """By partition, the offset from which to read on."""
        return dict(self.db.execute("SELECT partition, offset FROM positions"))

    def forget_all(self) -> None:
        """Begin anew."""
        with self.writing():
            for table in FILLED:
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._kinds.clear()

    def apply(self, changes: Sequence[Change], positions: Mapping[int, int]) -> None:
        """Take records in the order of the topic, and the offsets up to which they were read, in one go."""
        last = {one.key: one for one in changes}
        with self.writing():
            self._forget(letter_hash(one.key) for one in last.values() if one.data is None)
            put, rows = self._readable([one for one in last.values() if one.data is not None])
            self.db.executemany(PUT, rows)
            self.db.executemany(
                "INSERT OR REPLACE INTO bodies VALUES ((SELECT row FROM letters WHERE hash = ?), ?)",
                ((letter_hash(one.key), zlib.compress(one.data or b"", 1)) for one in put))
            self.db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())

    def _readable(self, changes: Sequence[Change]) -> tuple[list[Change], list[tuple[Any, ...]]]:
        """Letters with their rows; what is none, whoever wrote it, is passed over and counted."""
        put: list[Change] = []
        rows: list[tuple[Any, ...]] = []
        for one in changes:
            try:
                rows.append(self._row(one))
            except Undecodable:
                self.strange += 1
            else:
                put.append(one)
        return put, rows

    def aged_out(self, partition: int, low: int) -> None:
        """Forget what the topic itself has deleted by age."""
        name = f"begins {partition}"
        if self.about(name) == str(low):
            return
        with self.writing():
            self.set_about(**{name: str(low)})
            self._forget(row[0] for row in self.db.execute(
                "SELECT hash FROM letters WHERE partition = ? AND offset < ?", (partition, low)).fetchall())

    def built(self) -> None:
        """After many letters at once: make the searches quick."""
        self.db.executescript(INDEXES)
        self.db.execute("ANALYZE")

    def scrub(self) -> None:
        """Leave nothing on disk of what was forgotten: free pages are overwritten already, the log is not."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget(self, hashes: Iterable[int]) -> None:
        gone = [(one,) for one in hashes]
        self.db.executemany("DELETE FROM bodies WHERE row = (SELECT row FROM letters WHERE hash = ?)", gone)
        self.db.executemany("DELETE FROM letters WHERE hash = ?", gone)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All that is written within, or nothing of it."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._kinds.clear()
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def _row(self, change: Change) -> tuple[Any, ...]:
        letter = self._codec.dead_letter(change.data)
        facets = facets_of(letter)
        first = facets[0]
        return (
            letter_hash(change.key), change.key, change.partition, change.offset, letter.state, letter.created_at,
            self._kind(facets), letter.user_id or _user_of(letter.origin.key), letter.event_id, letter.replays,
            len(letter.failures), first.connector, first.action, first.reason, first.code, _told(letter),
        )

    def _kind(self, facets: Sequence[Facets]) -> int:
        spec = orjson.dumps([tuple(one) for one in facets])
        known = self._kinds.get(spec)
        if known is None:
            row = self.db.execute("SELECT kind FROM kinds WHERE spec = ?", (spec,)).fetchone()
            known = self._kinds[spec] = row[0] if row else self._new_kind(spec, facets)
        return known

    def _new_kind(self, spec: bytes, facets: Sequence[Facets]) -> int:
        first = facets[0]
        kind = self.db.execute("INSERT INTO kinds(spec, app, prompt, alike) VALUES (?, ?, ?, ?)",
                               (spec, first.app, first.prompt, self._alike(first))).lastrowid or 0
        self.db.executemany("INSERT INTO facets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ((kind, *one) for one in facets))
        return kind

    def _alike(self, first: Facets) -> int:
        """The number of what lists count together."""
        values = (first.app, first.connector, first.action, first.reason, first.code)
        self.db.execute("INSERT OR IGNORE INTO alikes(app, connector, action, reason, code) VALUES (?, ?, ?, ?, ?)",
                        values)
        return int(self.db.execute("SELECT alike FROM alikes WHERE (app, connector, action, reason, code) "
                                   "= (?, ?, ?, ?, ?)", values).fetchone()[0])

    # searching

    def count(self, wanted: Selection) -> int:
        """How many letters match."""
        where, values = conditions(wanted)
        return int(self.db.execute(f"SELECT count(*) FROM letters WHERE {where}", values).fetchone()[0])  # noqa: S608

    def entries(self, wanted: Selection, *, limit: int = -1, after: str = "", down_to: Place | None = None
                ) -> Iterator[Entry]:
        """Matching letters, newest first, from behind the letter or the place `after`.

        With `down_to` only those above that place, each of them looked at; raises ValueError where `after` is unknown.
        """
        # A page of many is found sooner by going through the newest than by sorting them all.
        where, values = conditions(wanted, walking=down_to is not None or (limit > 0 and not self.is_few(wanted)))
        where, values = _between(where, values, self.place(after), down_to)
        names = ", ".join(f"letters.{name}" for name in SHOWN)
        rows = self.db.execute(
            f"SELECT {names}, app, prompt FROM letters JOIN kinds USING (kind) WHERE {where} "  # noqa: S608
            "ORDER BY at DESC, letters.hash DESC LIMIT ?", (*values, limit))
        for (hash_, key, partition, offset, state, at, user, event, replays, connector, action, reason, code, message,
             app, prompt) in rows:
            yield Entry(f"{hash_:0{ID_DIGITS}x}", key, partition, offset, state, at, app, prompt, user, event, replays,
                        connector, action, reason, code, message)

    def place(self, after: str) -> Place | None:
        """Where a list goes on behind a letter or a place; None at its beginning. Raises ValueError."""
        if not after:
            return None
        found = place_of(after) or self.db.execute(
            "SELECT at, hash FROM letters WHERE hash BETWEEN ? AND ?", id_range(after)).fetchone()
        if found is None:
            raise ValueError(f"there is no letter '{after}'")
        return Place(*found)

    def stretch(self, below: Place | None, oldest: Place, letters: int) -> tuple[int, Place | None]:
        """So many letters on, newest first: where that ends; or how many are left, and None."""
        where, values = _between("1", [], below, oldest)
        rows = f"FROM letters WHERE {where} ORDER BY at DESC, hash DESC LIMIT"
        last = self.db.execute(f"SELECT at, hash {rows} 1 OFFSET {letters - 1}", values).fetchone()
        if last is not None:
            return letters, Place(*last)
        count = self.db.execute(f"SELECT count(*) FROM (SELECT 1 {rows} {letters})", values)  # noqa: S608
        return int(count.fetchone()[0]), None

    def is_few(self, wanted: Selection) -> bool:
        """Whether what is asked leads to so few letters that they are all looked at in a moment."""
        asked, values = facets_asked(wanted)
        ids, bounds = ids_asked(wanted)
        if asked and not self._fewer(f"facets WHERE {asked}", values):
            asked = ""  # so many kinds have many letters: none needs to be touched to know it
        return any(self._fewer(rows, found) for rows, found, given in (
            ("letters WHERE user = ?", [wanted.user], wanted.user),
            ("letters WHERE event = ?", [wanted.event], wanted.event),
            (f"letters WHERE {ids}", bounds, wanted.ids),
            (f"(SELECT kind FROM facets WHERE {asked}) CROSS JOIN letters USING (kind)", values, asked),  # noqa: S608 - our own
        ) if given)

    def _fewer(self, rows: str, values: Sequence[Any]) -> bool:
        count = self.db.execute(f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {BROAD})", values)  # noqa: S608
        return bool(count.fetchone()[0] < BROAD)

    def keys(self, wanted: Selection) -> Iterator[bytes]:
        """Keys of matching letters, oldest first."""
        where, values = conditions(wanted)
        for row in self.db.execute(f"SELECT key FROM letters WHERE {where} ORDER BY at, hash", values):  # noqa: S608
            yield row[0]

    def groups(self, wanted: Selection, *, below: Place | None = None, down_to: Place | None = None) -> list[Group]:
        """How many letters failed alike, the most numerous first; with places, only those between them."""
        where, values = conditions(wanted, walking=down_to is not None)
        where, values = _between(where, values, below, down_to)
        return [Group(*row) for row in self.db.execute(f"""
            SELECT app, connector, action, reason, code, state, letters, since, until FROM (
                SELECT alike, state, count(*) AS letters, min(at) AS since, max(at) AS until
                FROM letters JOIN kinds USING (kind) WHERE {where} GROUP BY alike, state
            ) JOIN alikes USING (alike) ORDER BY letters DESC, 1, 2, 3, 4, 5, 6""", values)]  # noqa: S608

    def data(self, key: bytes) -> bytes | None:
        """A letter's own bytes."""
        row = self.db.execute("SELECT data FROM bodies WHERE row = (SELECT row FROM letters WHERE hash = ?)",
                              (letter_hash(key),)).fetchone()
        return zlib.decompress(row[0]) if row else None

    def letter(self, key: bytes) -> DeadLetter | None:
        """A letter in full."""
        data = self.data(key)
        return None if data is None else self._codec.dead_letter(data)

    def partition(self, key: bytes) -> int:
        """Where a letter lies: what supersedes it must lie there too."""
        row = self.db.execute("SELECT partition FROM letters WHERE hash = ?", (letter_hash(key),)).fetchone()
        return int(row[0]) if row else -1

    def named(self, name: str) -> list[Entry]:
        """The letters that a person means by an id, its first digits, an event's id, or a record's key."""
        found = list(self.entries(Selection(event=name), limit=10))
        found = found or list(self.entries(Selection(ids=(letter_id(name.encode()),)), limit=1))
        if not found and 6 <= len(name) <= ID_DIGITS and all(one in "0123456789abcdef" for one in name):
            found = list(self.entries(Selection(ids=(name,)), limit=10))
        return found


def _between(where: str, values: list[Any], below: Place | None, down_to: Place | None) -> tuple[str, list[Any]]:
    """Conditions, narrowed to the letters between two places."""
    for one, sign in ((below, "<"), (down_to, ">=")):
        if one is not None:
            where += f" AND (at, letters.hash) {sign} (?, ?)"
            values = [*values, *one]
    return where, values


def facets_of(letter: DeadLetter) -> list[Facets]:
    """What a letter is found by: each of its failures, or that it could not be read."""
    event = letter.event
    prompt, interaction = (event.prompt_id, event.interaction) if event else ("", "")
    found = [Facets(letter.app_id, prompt, interaction, one.connector, one.action, one.reason, one.code)
             for one in letter.failures]
    code = letter.message.partition(":")[0] if letter.reason == "undecodable" else ""
    return found or [Facets(letter.app_id, prompt, interaction, "", "", letter.reason, code)]


def _user_of(key: bytes | None) -> str:
    """Of a message that could not be read: the user, where its key is as it should be."""
    return (key or b"").decode("utf-8", "replace").partition(":")[2]


def _told(letter: DeadLetter) -> str:
    told = [f"{one.code}: {one.message}" if one.message else one.code for one in letter.failures]
    return "; ".join(told) or letter.message
