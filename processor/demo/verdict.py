"""Holds the demo to its promises: the books, one outcome each, dead letters, nothing done twice at a vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from processor.demo.records import Written
from processor.demo.tally import Tally
from processor.engine.books import Balance
from testkit.vendors import Effect, silent_repeats


class Check(NamedTuple):
    """One promise, and whether it was kept."""

    good: bool
    says: str


class Evidence(NamedTuple):
    """What a verdict is made from."""

    tally: Tally
    books: Balance
    written: Written
    effects: Sequence[Effect]
    complete: bool
    """Whether everything was given the time to end; not so after an impatient Ctrl-C."""
    refused: int = 0
    """Records that the broker did not take."""


def verdict(found: Evidence) -> Sequence[Check]:
    """Every promise that can be looked at from outside."""
    return [*_books(found.books), *_outcomes(found), *_topics(found), *_vendors(found.effects)]


def _books(books: Balance) -> Iterator[Check]:
    left = f" + {books.handed_over} left for the next start" if books.handed_over else ""
    whole = books.finished + books.parked + books.in_flight + books.handed_over
    yield Check(books.events_in == whole, f"events in {books.events_in} = finished {books.finished} + parked "
                f"{books.parked} + in flight {books.in_flight}{left}")
    left = f" + {books.open_bindings} to come" if books.open_bindings else ""
    yield Check(books.planned == books.outcomes + books.open_bindings,
                f"bindings planned {books.planned} = outcomes {books.outcomes}{left}")


def _outcomes(found: Evidence) -> Iterator[Check]:
    tally = found.tally
    yield Check(not found.refused, f"records that the broker did not take: {found.refused}")
    if tally.reconfigured:
        yield Check(True, "the configuration was changed meanwhile: what was promised to which event is not checked")
        return
    if found.complete:
        missing = sorted({event for event, _ in tally.open})
        named = f" ({', '.join(missing[:3])} ...)" if missing else ""
        yield Check(not missing, f"published events without an outcome: {len(missing)}{named}")
    yield Check(not tally.strays, f"outcomes that no binding asked for: {len(tally.strays)}")


def _topics(found: Evidence) -> Iterator[Check]:
    on_topic = Counter((one.event_id, one.binding_id) for one in found.written.results)
    twice = sum(1 for count in on_topic.values() if count > 1)
    yield Check(not twice and set(on_topic) == set(found.tally.ends),
                f"results read back from their topic: {len(found.written.results)}, of these twice: {twice}")
    failed = {(one.event_id, one.position < 0) for one in found.written.results if one.outcome == "failed"}
    lettered = {(one.event_id, one.failures[0].position < 0) for one in found.written.letters if one.failures}
    unreadable = sum(1 for one in found.written.letters if not one.failures)
    good = failed == lettered and (unreadable == found.tally.garbage or not found.complete)
    yield Check(good, f"dead letters read back: {len(found.written.letters)}, one for each of {len(failed)} failed "
                f"events and {unreadable} unreadable")


def _vendors(effects: Sequence[Effect]) -> Iterator[Check]:
    repeats = silent_repeats(effects)
    named = "".join(f"; {group[0].vendor} {group[0].kind} for {group[0].user}" for group in repeats[:3])
    yield Check(not repeats, f"silent repeats at the vendors: {len(repeats)}{named} (of {len(effects)} effects)")
