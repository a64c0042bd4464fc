"""The newest outcomes, bounded by number and by age, on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from connectors.kit.errors import Undecodable
from console.activity.database import Database
from processor.avro.codec import Codec
from processor.model.chain import identity
from processor.model.outcome import ActionResult

FILE, FORM = "outcomes.sqlite", "1"
TABLES = """
    CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, offset INTEGER);
    CREATE TABLE IF NOT EXISTS outcomes(row INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB UNIQUE, app TEXT, at INTEGER,
        outcome TEXT, reason TEXT, user TEXT, event TEXT, run INTEGER, prompt TEXT, interaction TEXT, connector TEXT,
        action TEXT, binding TEXT, code TEXT, message TEXT, status INTEGER, reference TEXT, began INTEGER,
        happened INTEGER);
    CREATE TABLE IF NOT EXISTS records(row INTEGER PRIMARY KEY, data BLOB);
    CREATE INDEX IF NOT EXISTS outcomes_app ON outcomes(app);
    CREATE INDEX IF NOT EXISTS outcomes_prompt ON outcomes(app, prompt);
    CREATE INDEX IF NOT EXISTS outcomes_connector ON outcomes(app, connector, outcome);
    CREATE INDEX IF NOT EXISTS outcomes_outcome ON outcomes(app, outcome);
    CREATE INDEX IF NOT EXISTS outcomes_at ON outcomes(at, app, outcome);
    CREATE INDEX IF NOT EXISTS outcomes_user ON outcomes(user);
    CREATE INDEX IF NOT EXISTS outcomes_event ON outcomes(event);
"""
NAMES = ("app", "at", "outcome", "reason", "user", "event", "run", "prompt", "interaction", "connector", "action",
         "binding", "code", "message", "status", "reference", "began", "happened")
PUT = f"INSERT OR IGNORE INTO outcomes(id, {', '.join(NAMES)}) VALUES ({', '.join('?' * (len(NAMES) + 1))})"  # noqa: S608
AGES = 2000
"""Newest outcomes that the age of events is told from."""


class OutcomeFilter(NamedTuple):
    """Which outcomes; "" and 0 for all. Times are milliseconds since 1970."""

    app: str = ""
    prompt: str = ""
    interaction: str = ""
    user: str = ""
    event: str = ""
    connector: str = ""
    action: str = ""
    outcome: str = ""
    reason: str = ""
    since: int = 0
    until: int = 0
    find: str = ""
    """A user or an event."""


class Row(NamedTuple):
    """One outcome as lists show it."""

    row: int
    app: str
    at: int
    outcome: str
    reason: str
    user: str
    event: str
    run: int
    prompt: str
    interaction: str
    connector: str
    action: str
    binding: str
    code: str
    message: str
    status: int
    reference: str
    began: int
    happened: int


class Ages(NamedTuple):
    """How old events were when a binding of theirs ended, in milliseconds; of the newest outcomes."""

    of: int
    median: int
    slow: int
    """The age below which 95 in 100 were."""


class Record(NamedTuple):
    """A record of the results topic."""

    partition: int
    offset: int
    data: bytes | None


class Outcomes:
    """Written by one thread, read by many."""

    def __init__(self, folder: Path, codec: Codec, *, most: int, age: float) -> None:
        self._codec = codec
        self._most = most
        self._age = int(age * 1000)
        self._database = Database(folder / FILE, TABLES, FORM)

    def close(self) -> None:
        """Free the file."""
        self._database.close()

    # writing

    def positions(self) -> dict[int, int]:
        """By partition, the offset from which to read on."""
        return dict(self._database.db.execute("SELECT partition, offset FROM positions"))

    def forget_all(self) -> None:
        """Begin anew."""
        with self._database.writing() as db:
            for table in ("outcomes", "records", "positions"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def take(self, records: Iterable[Record], positions: Mapping[int, int], now: float) -> set[str]:
        """Keep what is young enough, forget what is too much; returns the apps with something new."""
        oldest, apps = int(now * 1000) - self._age, set()
        with self._database.writing() as db:
            for one in self._readable(records):
                result, data = one
                if result.finished_at < oldest:
                    continue
                put = db.execute(PUT, (_id(result), *_row(result)))
                if put.rowcount:
                    db.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (put.lastrowid, data))
                    apps.add(result.app_id)
            db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            newest = db.execute("SELECT coalesce(max(row), 0) FROM outcomes").fetchone()[0]
            db.execute("DELETE FROM records WHERE row <= ?", (newest - self._most,))
            db.execute("DELETE FROM outcomes WHERE row <= ?", (newest - self._most,))
            db.execute("DELETE FROM records WHERE row IN (SELECT row FROM outcomes WHERE at < ?)", (oldest,))
            db.execute("DELETE FROM outcomes WHERE at < ?", (oldest,))
        return apps

    def _readable(self, records: Iterable[Record]) -> Iterator[tuple[ActionResult, bytes]]:
        for one in records:
            if one.data is None:
                continue
            try:
                yield self._codec.result(one.data), one.data
            except Undecodable:
                continue  # not ours, or of a later version

    # reading

    def newest(self, wanted: OutcomeFilter, *, limit: int, before: int = 0) -> list[Row]:
        """Those that fit, newest first, from behind the row `before`."""
        where, values = _conditions(wanted)
        if before:
            where, values = f"{where} AND row < ?", [*values, before]
        with self._database.reading() as db:
            return [Row(*one) for one in db.execute(
                f"SELECT row, {', '.join(NAMES)} FROM outcomes WHERE {where} "  # noqa: S608 - our own names
                "ORDER BY row DESC LIMIT ?", (*values, limit))]

    def of_event(self, app: str, event: str) -> list[ActionResult]:
        """All that is known of an event, as they came."""
        with self._database.reading() as db:
            found = db.execute("SELECT data FROM records JOIN outcomes USING (row) WHERE event = ? AND app = ? "
                               "ORDER BY row", (event, app)).fetchall()
        return [self._codec.result(data) for (data,) in found]

    def counts(self, app: str, since: int) -> dict[str, int]:
        """How many ended how since then; of all apps where none is named."""
        with self._database.reading() as db:
            return dict(db.execute("SELECT outcome, count(*) FROM outcomes WHERE at >= ? AND (? IN ('', app)) "
                                   "GROUP BY outcome", (since, app)))

    def ages(self, app: str, since: int) -> Ages | None:
        """How old events were at their outcomes since then; None where there were none."""
        with self._database.reading() as db:
            ages = sorted(one for (one,) in db.execute(
                "SELECT at - happened FROM outcomes WHERE at >= ? AND (? IN ('', app)) AND run = 0 AND happened > 0 "
                "ORDER BY at DESC LIMIT ?", (since, app, AGES)))
        return Ages(len(ages), ages[len(ages) // 2], ages[len(ages) * 95 // 100]) if ages else None

    def extent(self) -> tuple[int, int]:
        """How many there are, and since when (milliseconds since 1970; 0 where there is none)."""
        with self._database.reading() as db:
            count, first = db.execute("SELECT count(*), min(at) FROM outcomes").fetchone()
        return int(count), int(first or 0)


def _id(result: ActionResult) -> bytes:
    return identity(result.app_id, f"{result.event_id}\0{result.run}\0{result.binding_id}")


def _row(result: ActionResult) -> tuple[object, ...]:
    return (
        result.app_id, result.finished_at, result.outcome, result.reason, result.user_id, result.event_id, result.run,
        result.prompt_id, result.interaction, result.connector, result.action, result.binding_id, result.code,
        result.message, result.status, result.reference, result.started_at, result.event_time)


def _conditions(wanted: OutcomeFilter) -> tuple[str, list[object]]:
    equal = ("app", "prompt", "interaction", "user", "event", "connector", "action", "outcome", "reason")
    found = [(f"{name} = ?", [getattr(wanted, name)]) for name in equal if getattr(wanted, name)]
    found += [(text, [value]) for text, value in (("at >= ?", wanted.since), ("at < ?", wanted.until)) if value]
    if wanted.find:
        found.append(("row IN (SELECT row FROM outcomes WHERE user = ? UNION SELECT row FROM outcomes WHERE event = ?)",
                      [wanted.find, wanted.find]))
    if wanted.app and (wanted.find or wanted.user or wanted.event):
        found[0] = (f"+{found[0][0]}", found[0][1])  # the others are far more telling than the app
    return " AND ".join(text for text, _ in found) or "1", [one for _, values in found for one in values]
