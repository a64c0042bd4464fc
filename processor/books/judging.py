"""Draws up the balance from settled rows, and names what does not balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from processor.books.balance import SHOWN, Books, Difference, PartitionBooks
from processor.books.rows import Rows


class Question(NamedTuple):
    """One way in which the books can be wrong: rows of (partition, app, event, a, b) that must not be there."""

    kind: str
    query: str
    says: str
    only_once: bool = False
    """Whether it is wrong only where records are written exactly once."""


QUESTIONS = (
    Question("unreadable", """
        SELECT part, '', '', offset, 0 FROM classed WHERE class = 'unreadable' AND judged AND NOT above""",
             "the interaction at offset {a} cannot be read and has no dead letter"),
    Question("lost", """
        SELECT part, app, event, home, 0 FROM classed f WHERE class = 'forwarded' AND judged AND NOT above
        AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.id = f.id)""",
             "it was to be forwarded to partition {a} of its user, and is not there"),
    Question("lost", "SELECT part, app, event, 0, 0 FROM units WHERE state IS NULL AND wanted",
             "its offset is committed and something is bound to it, but it neither ended nor is it open; if its "
             "bindings were made after it came, look at later events only (--since)"),
    Question("half_done", """
        SELECT t.part, t.app, t.event, t.outcomes, 0 FROM told t JOIN floors f ON f.part = t.part
        WHERE t.early AND t.finished_at >= f.time
        AND t.unit NOT IN (SELECT id FROM ended) AND t.unit NOT IN (SELECT id FROM open)""",
             "it has {a} outcomes, but neither ended nor is it open"),
    Question("ended_and_open", """
        SELECT o.part, o.app, o.event, 0, 0 FROM open o JOIN ended e ON e.id = o.id
        WHERE e.early AND coalesce((SELECT n FROM copies c WHERE c.id = o.id), 1) <= 1""",
             "it ended, and is still there as an open chain", only_once=True),
    Question("ended_twice", """
        SELECT u.part, u.app, u.event, e.n, c.n FROM units u JOIN ended e ON e.id = u.id JOIN copies c ON c.id = u.id
        WHERE e.n > c.n""", "it ended {a} times, and was published {b} times", only_once=True),
    Question("outcome_twice", """
        SELECT min(part), min(app), min(event) || ', binding ' || min(binding), count(*), coalesce(min(n), 1) FROM (
            SELECT r.*, e.n FROM results r LEFT JOIN ended e ON e.id = r.unit)
        GROUP BY outcome HAVING count(*) > coalesce(min(n), 1)""",
             "it has {a} outcomes in one run, {b} would be right", only_once=True),
    Question("outcome_missing", """
        SELECT part, app, event, outcomes, planned FROM judged_units WHERE outcomes < planned""",
             "it ended with {a} outcomes, {b} were planned"),
    Question("outcome_twice", """
        SELECT part, app, event, outcomes, planned FROM judged_units WHERE outcomes > planned""",
             "it ended with {a} outcomes, only {b} were planned", only_once=True),
)
JUDGED_UNITS = """
    CREATE TABLE judged_units AS
    SELECT u.part, u.app, u.event, coalesce(t.outcomes, 0) AS outcomes, coalesce(t.most, 1) * e.n AS planned
    FROM units u JOIN ended e ON e.id = u.id LEFT JOIN told t ON t.unit = u.id
    WHERE t.unit IS NULL OR (t.least = t.most AND t.versions = 1 AND t.most > 0)
    UNION ALL
    SELECT t.part, t.app, t.event, t.outcomes, t.most * e.n
    FROM told t JOIN ended e ON e.id = t.unit JOIN whole w ON w.part = t.part
    WHERE t.unit NOT IN (SELECT id FROM units) AND t.unit NOT IN (SELECT id FROM copies)
    AND t.least = t.most AND t.versions = 1 AND t.most > 0
"""
"""Units whose number of bindings is known: those of judged events, and replays where no result was deleted yet.

A chain that went on under another configuration may have had other bindings before.
"""
SUMS = """
    SELECT part, count(*), sum(class = 'undecodable'), sum(class = 'forwarded'), sum(class = 'duplicate'),
        sum(class = 'event' AND NOT has_unit AND chain IS NOT NULL),
        sum(class = 'event' AND NOT has_unit AND chain IS NULL),
        sum(class = 'event' AND has_unit)
    FROM (
        SELECT c.*, coalesce(chain, 0) OR coalesce(exports, 0)
            OR EXISTS (SELECT 1 FROM units u WHERE u.id = c.id AND u.state IS NOT NULL)
            OR EXISTS (SELECT 1 FROM units u WHERE u.id = c.exports_id AND u.state IS NOT NULL) AS has_unit
        FROM classed c WHERE judged AND NOT above
    ) GROUP BY part
"""
UNIT_SUMS = """
    SELECT part, sum(state IS NOT NULL OR coalesce(wanted, 0)), sum(state IS 'ended'), sum(state IS 'open'),
        sum(state IS NULL AND coalesce(wanted, 0))
    FROM units GROUP BY part
"""
OUTCOME_SUMS = "SELECT part, sum(planned), sum(outcomes) FROM judged_units GROUP BY part"


def judge(
    rows: Rows, floors: Mapping[int, int], in_flight: Mapping[int, int], *, whole: frozenset[int],
    exactly_once: bool, notes: tuple[str, ...] = (),
) -> Books:
    """The books of settled rows; `whole`: partitions of whose results nothing was deleted yet."""
    rows.settle(floors)
    rows.db.execute("CREATE TABLE whole(part PRIMARY KEY)")
    rows.db.executemany("INSERT INTO whole VALUES (?)", [(one,) for one in whole])
    rows.db.execute(JUDGED_UNITS)
    found: list[Difference] = []
    count = 0
    for question in QUESTIONS:
        if question.only_once and not exactly_once:
            continue
        count += rows.db.execute(f"SELECT count(*) FROM ({question.query})").fetchone()[0]  # noqa: S608  our own query
        found += _named(rows, question)
    return Books(_sums(rows, in_flight), found, count, notes)


def _named(rows: Rows, question: Question) -> Iterator[Difference]:
    for part, app, event, a, b in rows.db.execute(f"{question.query} LIMIT {SHOWN}"):
        yield Difference(question.kind, part, app, event, question.says.format(a=a, b=b))


def _sums(rows: Rows, in_flight: Mapping[int, int]) -> list[PartitionBooks]:
    records = {row[0]: row[1:] for row in rows.db.execute(SUMS)}
    units = {row[0]: row[1:] for row in rows.db.execute(UNIT_SUMS)}
    outcomes = {row[0]: row[1:] for row in rows.db.execute(OUTCOME_SUMS)}
    return [PartitionBooks._make((
        part, *records.get(part, (0,) * 7), *units.get(part, (0,) * 4), *outcomes.get(part, (0,) * 2),
        in_flight.get(part, 0))) for part in sorted({*in_flight, *records})]
