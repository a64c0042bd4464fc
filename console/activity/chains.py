"""Open chains as the topic has them: what waits, for what and since when, and of one event why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from connectors.kit.errors import Undecodable
from console.activity.database import Database
from processor.avro.codec import Codec
from processor.config.model import Configuration
from processor.engine.chain import EXPORTS
from processor.waiting import Account, Group, account, where

FILE, FORM = "chains.sqlite", "1"
TABLES = """
    CREATE TABLE IF NOT EXISTS positions(partition INTEGER PRIMARY KEY, offset INTEGER);
    CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE IF NOT EXISTS chains(key TEXT PRIMARY KEY, partition INTEGER, app TEXT, event TEXT, user TEXT,
        connector TEXT, cause TEXT, since INTEGER, next INTEGER, ident TEXT, data BLOB) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS chains_waiting ON chains(app, connector, cause, since, next, ident);
    CREATE INDEX IF NOT EXISTS chains_event ON chains(event);
    CREATE INDEX IF NOT EXISTS chains_user ON chains(user);
"""
FRESH = 1.0


class KeyedRecord(NamedTuple):
    """A record of the topic of open chains."""

    partition: int
    offset: int
    key: bytes
    data: bytes | None


class Chains:
    """Written by one thread, read by many."""

    def __init__(self, folder: Path, codec: Codec, configuration: Callable[[], Configuration | None]) -> None:
        self._codec = codec
        self._configuration = configuration
        self._database = Database(folder / FILE, TABLES, FORM)
        self._groups: tuple[float, list[Group]] = (0.0, [])

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
            for table in ("chains", "positions"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def take(self, records: Iterable[KeyedRecord], positions: Mapping[int, int]) -> None:
        """Keep what is open, forget what has ended."""
        last = {one.key: one for one in records}
        with self._database.writing() as db:
            db.executemany("DELETE FROM chains WHERE key = ?", ((_text(one.key),) for one in last.values()
                                                                if one.data is None))
            db.executemany("INSERT OR REPLACE INTO chains VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (
                row for one in last.values() if one.data is not None and (row := self._row(one)) is not None))
            db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            db.execute("INSERT OR REPLACE INTO about VALUES ('read_at', ?)", (str(time.time()),))

    def read_at(self) -> float:
        """Seconds since 1970 when the topic was read last; 0 for never."""
        found = self._database.db.execute("SELECT value FROM about WHERE name = 'read_at'").fetchone()
        return float(found[0]) if found else 0.0

    def _row(self, one: KeyedRecord) -> tuple[object, ...] | None:
        key = _text(one.key)
        try:
            record = self._codec.chain(one.data)
            found = where(key, record, self._codec, self._configuration())
        except Undecodable:
            return None
        return (key, one.partition, found.app_id, record.event_id, record.user_id, found.connector, found.cause,
                found.since, found.next_at, found.ident, one.data)

    # reading

    def groups(self, app: str = "") -> Sequence[Group]:
        """What waits, the most numerous first; a moment old."""
        now = time.monotonic()
        if now >= self._groups[0]:
            found = self._all_groups()
            ended = time.monotonic()
            self._groups = (ended + max(FRESH, 10 * (ended - now)), found)
        return [one for one in self._groups[1] if app in ("", one.app_id)]

    def _all_groups(self) -> list[Group]:
        with self._database.reading() as db:
            return [Group(*row) for row in db.execute("""
                SELECT app, connector, cause, count(*), min(since),
                    substr(min(printf('%015d', since) || ident), 16), coalesce(min(nullif(next, 0)), 0)
                FROM chains WHERE cause <> 'running' GROUP BY app, connector, cause
                ORDER BY count(*) DESC, app, connector, cause""")]

    def of_event(self, app: str, event: str) -> list[Account]:
        """Everything that is open of one event: its chain, its exports, its replays."""
        configuration = self._configuration()
        with self._database.reading() as db:
            rows = db.execute("SELECT key, partition, data FROM chains WHERE event = ? AND app = ? ORDER BY ident",
                              (event, app)).fetchall()
            found = []
            for key, partition, data in rows:
                record = self._codec.chain(data)
                waiting = where(key, record, self._codec, configuration)
                earlier = [(_ident(other), self._codec.chain(body)) for other, body in db.execute(
                    "SELECT key, data FROM chains WHERE user = ? AND app = ? AND partition = ?",
                    (record.user_id, app, partition)) if not other.endswith(EXPORTS)] if waiting.cause == "order" \
                    else []
                found.append(account(waiting, record, earlier))
        return found


def _text(key: bytes) -> str:
    return key.decode("utf-8", "replace")


def _ident(key: str) -> str:
    return key.partition(":")[2]
