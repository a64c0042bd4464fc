"""Runs of replays: which letters each has, what became of them; kept on disk, so that a run can be gone on with."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import orjson

from processor.dead_letters.index import Index, letter_hash
from processor.dead_letters.judging import Options, Verdict
from processor.dead_letters.selection import Selection

TABLES = """
    CREATE TABLE IF NOT EXISTS runs(run TEXT PRIMARY KEY, selection BLOB, options BLOB, by TEXT, created INTEGER,
        state TEXT);
    CREATE TABLE IF NOT EXISTS items(run TEXT, number INTEGER, hash INTEGER, key BLOB, replay INTEGER, state TEXT,
        edited BLOB, PRIMARY KEY (run, number)) WITHOUT ROWID;
"""
SETTLE = """
    UPDATE items SET state = CASE letters.state WHEN 'succeeded' THEN 'succeeded' WHEN 'closed' THEN 'closed'
        ELSE 'failed' END
    FROM letters WHERE items.run = ? AND items.state = 'sent' AND letters.hash = items.hash
    AND letters.replays >= items.replay AND letters.state <> 'replayed'
"""


class Item(NamedTuple):
    """One letter of a run."""

    number: int
    key: bytes
    replay: int
    """The run of its event that this replay is: 1, 2 ..."""
    edited: bytes | None = None
    """What is published in the place of a message that could not be read."""


class Run(NamedTuple):
    """One run of replays."""

    id: str
    selection: Selection
    options: Options
    by: str
    created: int
    state: str
    """`planned`, `running`, `interrupted`, `sent` (ends are awaited), `done`, `abandoned`."""


class Runs:
    """All runs of replays that were planned here."""

    def __init__(self, index: Index) -> None:
        self._index, self._db = index, index.db
        self._db.executescript(TABLES)

    def begin(self, run: str, selection: Selection, options: Options, by: str) -> Run:
        """A run without letters yet."""
        made = Run(run, selection, options, by, int(time.time() * 1000), "planned")
        self._db.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", (
            run, orjson.dumps(selection._asdict()), orjson.dumps(options._asdict()), by, made.created, made.state))
        return made

    def add(self, run: str, items: Iterable[Item]) -> None:
        """Letters of a run, in the order in which they are to be replayed."""
        with self._index.writing():
            self._db.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, 'planned', ?)", (
                (run, one.number, letter_hash(one.key), one.key, one.replay, one.edited) for one in items))

    def forget(self, run: str) -> None:
        """A plan that nobody wanted."""
        self._db.execute("DELETE FROM items WHERE run = ?", (run,))
        self._db.execute("DELETE FROM runs WHERE run = ?", (run,))

    def run(self, name: str) -> Run | None:
        """A run by its id."""
        return next(iter(self._runs("run = ?", name)), None)

    def all(self) -> list[Run]:
        """All runs, newest first."""
        return self._runs("state <> ?", "planned")

    def forget_plans(self) -> None:
        """All plans that were never made."""
        for one in self._runs("state = ?", "planned"):
            self.forget(one.id)

    def unfinished(self, selection: Selection) -> Run | None:
        """The run of the same filter that has letters still to be sent."""
        found = self._runs("state IN ('running', ?)", "interrupted")
        return next((one for one in found if one.selection.timeless == selection.timeless), None)

    def _runs(self, where: str, value: str | bytes) -> list[Run]:
        rows = self._db.execute(
            f"SELECT run, selection, options, by, created, state FROM runs WHERE {where} "  # noqa: S608 - our own words
            "ORDER BY created DESC", (value,))
        return [Run(run, _selection(selection), Options(**orjson.loads(options)), by, created, state)
                for run, selection, options, by, created, state in rows]

    def forget_letter(self, key: bytes) -> None:
        """Nothing of a letter stays but that a run had it: its key names its user."""
        self._db.execute("UPDATE items SET key = x'', edited = NULL, state = CASE state WHEN 'planned' THEN 'gone' "
                         "WHEN 'sent' THEN 'gone' ELSE state END WHERE hash = ?", (letter_hash(key),))

    def set_state(self, run: str, state: str) -> None:
        """How a run stands."""
        self._db.execute("UPDATE runs SET state = ? WHERE run = ?", (state, run))

    def waiting(self, run: str, limit: int) -> list[Item]:
        """The next letters to be sent."""
        return [Item(*row) for row in self._db.execute(
            "SELECT number, key, replay, edited FROM items WHERE run = ? AND state = 'planned' ORDER BY number LIMIT ?",
            (run, limit))]

    def mark(self, run: str, states: Mapping[int, str]) -> None:
        """What became of letters, by their numbers."""
        with self._index.writing():
            self._db.executemany("UPDATE items SET state = ? WHERE run = ? AND number = ?",
                                 ((state, run, number) for number, state in states.items()))

    def settle(self, run: str) -> int:
        """Take the ends that the index has seen; returns how many."""
        return self._db.execute(SETTLE, (run,)).rowcount

    def counts(self, run: str) -> Counter[str]:
        """How many letters of a run stand how: planned, sent, succeeded, failed, closed, skipped."""
        return Counter(dict(self._db.execute("SELECT state, count(*) FROM items WHERE run = ? GROUP BY state", (run,))))

    def failures(self, run: str) -> list[tuple[str, str, int]]:
        """Why letters failed again: (reason, code, how many)."""
        return list(self._db.execute(
            "SELECT reason, code, count(*) FROM items JOIN letters USING (hash) "
            "WHERE run = ? AND items.state = 'failed' GROUP BY reason, code ORDER BY count(*) DESC", (run,)))


class Plan(NamedTuple):
    """What a run would do; nothing of it has happened."""

    run: str
    letters: int
    chains: int
    """Letters whose chain or exports would run again from the failed step."""
    published: int
    """Messages that would be published again, since they can be read now."""
    refused: Mapping[str, int]
    """Letters that are left out, by reason."""
    calls: Mapping[tuple[str, str], int]
    """Bindings that would run, by app and connector; one that makes several requests counts once."""
    expired: int
    """Bindings that would end as expired."""
    repeats: Mapping[tuple[str, str], int]
    """Bindings that may have reached the vendor before, by action and by what keeps them from a second effect."""
    seconds: float
    """How long it takes at this rate and today's limits."""


class Sum:
    """Adds up verdicts to a plan."""

    def __init__(self) -> None:
        self.chains = self.published = self.expired = 0
        self.refused: Counter[str] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.repeats: Counter[tuple[str, str]] = Counter()

    def add(self, app_id: str, verdict: Verdict) -> bool:
        """Count one letter; whether it is part of the run."""
        if verdict.refused:
            self.refused[verdict.refused] += 1
            return False
        self.published += verdict.again
        self.chains += not verdict.again
        for one in verdict.reruns:
            self.expired += one.expired
            if not one.expired:
                self.calls[app_id, one.connector] += 1
                if one.may_repeat:
                    self.repeats[f"{one.connector}.{one.action}", one.protection] += 1
        return True

    def plan(self, run: str, seconds: float) -> Plan:
        """The sum."""
        return Plan(run, self.chains + self.published, self.chains, self.published, self.refused, self.calls,
                    self.expired, self.repeats, seconds)


def _selection(data: bytes) -> Selection:
    plain = orjson.loads(data)
    return Selection(**{**plain, "states": tuple(plain["states"]), "ids": tuple(plain["ids"])})


def said(selection: Selection, options: Options) -> Sequence[str]:
    """A run's filter and options in words."""
    chosen = [name.replace("_", "-") for name, value in options._asdict().items() if value]
    return [selection.said(), *chosen]
