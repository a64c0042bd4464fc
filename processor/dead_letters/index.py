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
from processor.dead_letters.selection import ID_DIGITS, Facets, Selection, conditions, id_range, kinds
from processor.model.dead_letter import DeadLetter

FILE = "dead-letters.sqlite"
FORMAT = "1"
CACHE_KIB = 32768
BROAD = 10_000
COLUMNS = ("hash", "key", "partition", "offset", "state", "at", "kind", "user", "event", "replays", "failures",
           "connector", "action", "reason", "code", "message")
SHOWN = ("hash", "key", "partition", "offset", "state", "at", "user", "event", "replays", "connector", "action",
         "reason", "code", "message")
TABLES = """
    CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, offset INTEGER);
    CREATE TABLE IF NOT EXISTS letters(row INTEGER PRIMARY KEY, hash INTEGER UNIQUE, key BLOB, partition INTEGER,
        offset INTEGER, state TEXT, at INTEGER, kind INTEGER, user TEXT, event TEXT, replays INTEGER,
        failures INTEGER, connector TEXT, action TEXT, reason TEXT, code TEXT, message TEXT);
    CREATE TABLE IF NOT EXISTS bodies(row INTEGER PRIMARY KEY, data BLOB);
    CREATE TABLE IF NOT EXISTS kinds(kind INTEGER PRIMARY KEY, spec BLOB UNIQUE, app TEXT, prompt TEXT);
    CREATE TABLE IF NOT EXISTS facets(kind INTEGER, app TEXT, prompt TEXT, interaction TEXT, connector TEXT,
        action TEXT, reason TEXT, code TEXT);
"""
INDEXES = """
    CREATE INDEX IF NOT EXISTS letters_at ON letters(at, hash);
    CREATE INDEX IF NOT EXISTS letters_kind ON letters(kind, at, hash, state);
    CREATE INDEX IF NOT EXISTS letters_user ON letters(user);
    CREATE INDEX IF NOT EXISTS letters_event ON letters(event);
"""
# A letter that succeeded tells no failure any more: what it was known by before stays, and when it failed.
_KEPT = " ".join(f"{name} = CASE WHEN excluded.failures = 0 AND excluded.event <> '' THEN letters.{name} "
                 f"ELSE excluded.{name} END," for name in ("at", "kind", "connector", "action", "reason", "code"))
PUT = f"""
    INSERT INTO letters({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT(hash) DO UPDATE SET
    {_KEPT} partition = excluded.partition, offset = excluded.offset, state = excluded.state,
    user = excluded.user, event = excluded.event, replays = excluded.replays, failures = excluded.failures,
    message = excluded.message
"""  # noqa: S608 - names of columns, no input


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
            PRAGMA cache_size=-{CACHE_KIB};{TABLES}""")
        self._kinds: dict[bytes, int] = {}
        self.strange = 0
        """Records of the topic that were read by this one and are no letters."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.db.close()

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
            for table in ("letters", "bodies", "kinds", "facets", "positions"):
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
        kind = self.db.execute("INSERT INTO kinds(spec, app, prompt) VALUES (?, ?, ?)",
                               (spec, first.app, first.prompt)).lastrowid or 0
        self.db.executemany("INSERT INTO facets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", ((kind, *one) for one in facets))
        return kind

    # searching

    def count(self, wanted: Selection) -> int:
        """How many letters match."""
        where, values = conditions(wanted)
        return int(self.db.execute(f"SELECT count(*) FROM letters WHERE {where}", values).fetchone()[0])  # noqa: S608

    def entries(self, wanted: Selection, *, limit: int = -1, after: str = "") -> Iterator[Entry]:
        """Matching letters, newest first, from behind the one of the id `after`."""
        where, values = conditions(wanted)
        if limit > 0 and self._is_broad(wanted):
            where = f"+{where}"  # a page of many is found sooner by going through the newest than by sorting them all
        if after:
            where += " AND (at, letters.hash) < (SELECT at, hash FROM letters WHERE hash BETWEEN ? AND ?)"
            values += id_range(after)
        names = ", ".join(f"letters.{name}" for name in SHOWN)
        rows = self.db.execute(
            f"SELECT {names}, app, prompt FROM letters JOIN kinds USING (kind) WHERE {where} "  # noqa: S608
            "ORDER BY at DESC, letters.hash DESC LIMIT ?", (*values, limit))
        for (hash_, key, partition, offset, state, at, user, event, replays, connector, action, reason, code, message,
             app, prompt) in rows:
            yield Entry(f"{hash_:0{ID_DIGITS}x}", key, partition, offset, state, at, app, prompt, user, event, replays,
                        connector, action, reason, code, message)

    def _is_broad(self, wanted: Selection) -> bool:
        """Whether so many letters failed as asked that the newest of them are never far."""
        where, values = kinds(wanted)
        if not where or wanted.user or wanted.event or wanted.ids:
            return False
        row = self.db.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM letters WHERE {where} LIMIT {BROAD})", values).fetchone()  # noqa: S608
        return bool(row[0] >= BROAD)

    def keys(self, wanted: Selection) -> Iterator[bytes]:
        """Keys of matching letters, oldest first."""
        where, values = conditions(wanted)
        for row in self.db.execute(f"SELECT key FROM letters WHERE {where} ORDER BY at, hash", values):  # noqa: S608
            yield row[0]

    def groups(self, wanted: Selection) -> list[Group]:
        """How many letters failed alike, the most numerous first."""
        where, values = conditions(wanted)
        return [Group(*row) for row in self.db.execute(f"""
            SELECT first.app, first.connector, first.action, first.reason, first.code, state, sum(letters), min(since),
                max(until) FROM (
                SELECT kind, state, count(*) AS letters, min(at) AS since, max(at) AS until FROM letters
                WHERE {where} GROUP BY kind, state
            ) JOIN (SELECT * FROM facets WHERE rowid IN (SELECT min(rowid) FROM facets GROUP BY kind)) AS first
            USING (kind) GROUP BY first.app, first.connector, first.action, first.reason, first.code, state
            ORDER BY sum(letters) DESC, 1, 2, 3, 4, 5, 6""", values)]  # noqa: S608

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
