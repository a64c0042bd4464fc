"""What the durable records say, as rows of a database on disk, so that a million events need no memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from processor.engine.chain import EXPORTS
from processor.model.chain import identity
from processor.model.finished import Finished
from processor.model.outcome import ActionResult

CACHE_KIB = 32768
BATCH = 5000
TABLES = """
    CREATE TABLE interactions(part, offset, time, id, exports_id, chain, exports, home, app, event, above);
    CREATE TABLE letters(part, offset);
    CREATE TABLE finished(id, early);
    CREATE TABLE chains(id, part, open, app, event);
    CREATE TABLE results(unit, outcome, planned, early, part, version, app, event, binding, run, finished_at);
"""


class Rows:
    """One reading's rows; gone when it is closed."""

    def __init__(self) -> None:
        # A database without a name lies in a temporary file of its own, and only its cache in memory.
        self.db = sqlite3.connect("")
        self.db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA temp_store=FILE;"
                              f"PRAGMA cache_size=-{CACHE_KIB}; {TABLES}")
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}

    def close(self) -> None:
        """Forget everything."""
        self.db.close()

    def interaction(self, part: int, offset: int, time: int, *, above: bool, app: str = "", event: str = "",
                    home: int = -1, chain: bool | None = None, exports: bool | None = None) -> None:
        """An interaction; without an event where it cannot be read. `chain`, `exports`: whether it should have them."""
        ids = (identity(app, event), identity(app, event + EXPORTS)) if event else (None, None)
        self._put("interactions", (part, offset, time, *ids, chain, exports, home, app, event, above))

    def letter(self, part: int, offset: int) -> None:
        """A dead letter, or the tombstone of one, of the interaction at an offset."""
        self._put("letters", (part, offset))

    def finished(self, record: Finished, *, early: bool) -> None:
        """Ids of events that ended."""
        for one in record.each():
            self._put("finished", (one, early))

    def chain(self, part: int, key: str, *, is_open: bool) -> None:
        """A record of an open chain, or the tombstone that ends it; in the order of the topic."""
        app, _, ident = key.partition(":")
        self._put("chains", (identity(app, ident), part, is_open, app, ident))

    def result(self, part: int, result: ActionResult, *, early: bool) -> None:
        """One outcome."""
        ident = unit_of(result)
        unit = identity(result.app_id, ident)
        self._put("results", (
            unit, identity(unit.hex(), result.binding_id), result.planned, early, part, result.config_version,
            result.app_id, ident, result.binding_id, result.run, result.finished_at))

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        waiting = self._waiting.setdefault(table, [])
        waiting.append(row)
        if len(waiting) >= BATCH:
            self._write(table, waiting)

    def _write(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        self.db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)  # noqa: S608  our names
        rows.clear()

    def settle(self, floors: Mapping[int, int]) -> None:
        """All rows are there: bring them into the form in which they are judged.

        `floors`: by partition, the broker time before which traces may have been deleted.
        """
        for table, rows in self._waiting.items():
            if rows:
                self._write(table, rows)
        self.db.execute("CREATE TABLE floors(part PRIMARY KEY, time)")
        self.db.executemany("INSERT INTO floors VALUES (?, ?)", floors.items())
        self.db.executescript(SETTLED)


def unit_of(result: ActionResult) -> str:
    """The chain, or the exports, of a run that an outcome belongs to: what its id in the books is made from."""
    run = f"#{result.run}" if result.run else ""
    return f"{result.event_id}{run}{EXPORTS if result.position == -1 else ''}"


SETTLED = """
    CREATE TABLE ended(id PRIMARY KEY, n, early) WITHOUT ROWID;
    INSERT INTO ended SELECT id, count(*), max(early) FROM finished GROUP BY id ORDER BY id;
    CREATE TABLE open(id PRIMARY KEY, part, app, event) WITHOUT ROWID;
    INSERT INTO open SELECT id, part, app, event FROM (
        SELECT id, max(rowid), part, open, app, event FROM chains GROUP BY id) WHERE open ORDER BY id;
    CREATE TABLE undecodable(part, offset, PRIMARY KEY(part, offset)) WITHOUT ROWID;
    INSERT INTO undecodable SELECT DISTINCT part, offset FROM letters ORDER BY part, offset;

    CREATE TABLE classed AS
    SELECT i.*, i.time >= f.time AS judged,
        CASE WHEN u.offset IS NOT NULL THEN 'undecodable'
             WHEN i.id IS NULL THEN 'unreadable'
             WHEN i.home <> i.part THEN 'forwarded'
             WHEN row_number() OVER (PARTITION BY i.id, u.offset IS NULL AND i.home = i.part ORDER BY i.offset) > 1
                 THEN 'duplicate'
             ELSE 'event' END AS class
    FROM interactions i JOIN floors f ON f.part = i.part
    LEFT JOIN undecodable u ON u.part = i.part AND u.offset = i.offset;

    CREATE TABLE units(id PRIMARY KEY, part, app, event, wanted, state) WITHOUT ROWID;
    INSERT OR IGNORE INTO units
    SELECT id, part, app, event, wanted,
        CASE WHEN id IN (SELECT id FROM ended) THEN 'ended' WHEN id IN (SELECT id FROM open) THEN 'open' END AS state
    FROM (
        SELECT id, part, app, event, chain AS wanted FROM classed WHERE class = 'event' AND judged AND NOT above
        UNION ALL
        SELECT exports_id, part, app, event || '#exports', exports
        FROM classed WHERE class = 'event' AND judged AND NOT above
    );
    CREATE TABLE copies(id PRIMARY KEY, n) WITHOUT ROWID;
    INSERT INTO copies SELECT id, count(*) FROM classed WHERE class IN ('event', 'duplicate') GROUP BY id
        UNION ALL SELECT exports_id, count(*) FROM classed WHERE class IN ('event', 'duplicate') GROUP BY exports_id;

    CREATE TABLE told(unit PRIMARY KEY, part, app, event, run, outcomes, least, most, versions, early, finished_at)
        WITHOUT ROWID;
    INSERT INTO told
    SELECT unit, min(part), min(app), min(event), max(run), count(*), min(planned), max(planned),
        count(DISTINCT version), max(early), max(finished_at)
    FROM results GROUP BY unit ORDER BY unit;
"""
