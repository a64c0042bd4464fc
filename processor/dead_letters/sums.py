"""How many letters failed alike, added up beforehand, so that a million of them are counted in milliseconds."""

from __future__ import annotations

from processor.dead_letters.index import Group, Index
from processor.dead_letters.selection import FACETS, Selection, kinds

TABLE = """
    CREATE TABLE IF NOT EXISTS sums(kind INTEGER, state TEXT, app TEXT, connector TEXT, action TEXT, reason TEXT,
        code TEXT, letters INTEGER, since INTEGER, until INTEGER, PRIMARY KEY (kind, state)) WITHOUT ROWID;
"""
REFRESH = """
    INSERT INTO sums SELECT kind, state, alikes.app, alikes.connector, alikes.action, alikes.reason, alikes.code,
        letters, since, until FROM (
            SELECT kind, state, count(*) AS letters, min(at) AS since, max(at) AS until FROM letters
            GROUP BY kind, state
        ) CROSS JOIN kinds USING (kind) CROSS JOIN alikes USING (alike)
"""
ALIKE = "app, connector, action, reason, code, state"
ANSWERED = {*FACETS, "states"}
"""The filters that the sums know; all others need the letters themselves."""


class Sums:
    """The sums of an index, as they were when they were last drawn."""

    def __init__(self, index: Index) -> None:
        self._index, self._db = index, index.db
        self._db.executescript(TABLE)

    def refresh(self) -> None:
        """Add up anew; a fraction of a second for a million letters."""
        with self._index.writing():
            self._db.execute("DELETE FROM sums")
            self._db.execute(REFRESH)

    def total(self) -> int:
        """How many letters there are."""
        return int(self._db.execute("SELECT coalesce(sum(letters), 0) FROM sums").fetchone()[0])

    def groups(self, wanted: Selection) -> list[Group]:
        """As those of the index; raises ValueError where `answers` is false."""
        if not answers(wanted):
            raise ValueError("the sums know nothing of single letters")
        where, values = kinds(wanted)
        found = [where] if where else []
        if wanted.states:
            found.append(f"state IN ({', '.join('?' * len(wanted.states))})")
            values += wanted.states
        return [Group(*row) for row in self._db.execute(
            f"SELECT {ALIKE}, sum(letters), min(since), max(until) FROM sums "  # noqa: S608 - our own names
            f"WHERE {' AND '.join(found) or '1'} GROUP BY {ALIKE} "
            "ORDER BY sum(letters) DESC, 1, 2, 3, 4, 5, 6", values)]


def answers(wanted: Selection) -> bool:
    """Whether the sums know how many letters these filters match."""
    return not any(value for name, value in wanted._asdict().items() if name not in ANSWERED)
