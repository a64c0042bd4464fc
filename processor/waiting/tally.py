"""How many chains wait, by app, connector and cause; a million of them cost disk, not memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from processor.model.chain import identity
from processor.waiting.place import Waiting

BATCH = 5000
CACHE_KIB = 16384


class Group(NamedTuple):
    """What waits for the same."""

    app_id: str
    connector: str
    cause: str
    chains: int
    oldest: int
    """Milliseconds since 1970 since when the oldest waits."""
    oldest_event: str
    next_at: int
    """The earliest next try; 0 where no time is set."""


class Tally:
    """Records in the order of the topic; of each key the last one counts."""

    def __init__(self) -> None:
        # A database without a name lies in a temporary file of its own, and only its cache in memory.
        self._db = sqlite3.connect("")
        self._db.executescript(f"""
            PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE; PRAGMA cache_size=-{CACHE_KIB};
            CREATE TABLE chains(id, app, connector, cause, since, next, ident);""")
        self._rows: list[tuple[bytes, str, str, str, int, int, str]] = []

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def add(self, one: Waiting) -> None:
        """A record of an open chain."""
        self._put((identity(one.app_id, one.ident), one.app_id, one.connector, one.cause, one.since, one.next_at,
                   one.ident))

    def end(self, key: str) -> None:
        """A tombstone: the chain is open no more."""
        app_id, _, ident = key.partition(":")
        self._put((identity(app_id, ident), "", "", "", 0, 0, ""))

    def _put(self, row: tuple[bytes, str, str, str, int, int, str]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._write()

    def _write(self) -> None:
        self._db.executemany("INSERT INTO chains VALUES (?, ?, ?, ?, ?, ?, ?)", self._rows)
        self._rows.clear()

    def groups(self, *, app: str = "", connector: str = "", cause: str = "") -> Iterator[Group]:
        """What waits, the most numerous first; only of an app, a connector, a cause where one is named."""
        self._write()
        # With max(), SQLite takes the other columns from the row that holds the greatest.
        for row in self._db.execute("""
            SELECT app, connector, cause, count(*), min(since),
                substr(min(printf('%015d', since) || ident), 16), coalesce(min(nullif(next, 0)), 0)
            FROM (SELECT id, max(rowid), app, connector, cause, since, next, ident FROM chains GROUP BY id) AS last
            WHERE cause <> '' AND (? IN ('', app)) AND (? IN ('', connector))
            AND (cause = ? OR ? = '' AND cause <> 'running')
            GROUP BY app, connector, cause ORDER BY count(*) DESC, app, connector, cause
            """, (app, connector, cause, cause)):
            yield Group(*row)
