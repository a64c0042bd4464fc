"""The cases: what is asked of whom, one run of it, and which runs make up the benchmark."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.candidates import (
    AT_LEAST,
    CANDIDATES,
    CEILING,
    CEILING_2,
    EXACTLY,
    EXACTLY_2,
    FAUST,
    INTERPRETED,
    MARKED,
    QUIX,
    THREADS,
    Candidate,
    Wanted,
)
from benchmarks.measure import Measured, Watch
from benchmarks.parallel import PARALLEL
from benchmarks.place import Place
from benchmarks.together import hold, wait_for_all

STALLED = 40.0
"""Seconds without a new result after which a run is over."""
LONGEST = 60.0
"""Seconds after which it is over in any case; what is missing then counts as lost."""
PEERS = (THREADS, QUIX, FAUST)


class Case(NamedTuple):
    """One row of columns in the table."""

    name: str
    title: str
    candidates: Sequence[str]
    vendor: str = "at_once"
    events: int = 80_000
    in_flight: int = 64
    steps: int = 1
    items: int = 1
    interaction: str = "accept"
    hot: bool = False
    down: bool = False
    """Whether as many events again go to a vendor that is down."""
    slow: Mapping[str, float] = {}
    """Share of the events that a candidate gets, where it differs from its own."""


QUICK = (CEILING, EXACTLY, INTERPRETED, AT_LEAST)
ALL = (*QUICK, CEILING_2, EXACTLY_2, *PEERS, PARALLEL)
TWO = (CEILING, EXACTLY)
CASES: Mapping[str, Case] = {one.name: one for one in (
    Case("A", "one action, vendor answers at once, 64 in flight", (*ALL, MARKED)),
    Case("B", "one action, vendor takes 50 ms, 1,000 in flight", ALL, vendor="50ms", in_flight=1000,
         slow={QUIX: 0.003}),
    Case("C", "a chain of three actions, vendor answers at once", TWO, steps=3, events=30_000),
    Case("D", "export, 100 items a request", (*TWO, *PEERS), items=100, interaction="impression", events=200_000,
         slow={THREADS: 0.5, QUIX: 0.5, FAUST: 0.2}),
    Case("E", "2 % of answers are 503, 1 % are 429 with Retry-After, 50 ms, 1,000 in flight", TWO, vendor="errors",
         in_flight=1000),
    Case("F", "1 % of the users make half of the events, vendor answers at once", (EXACTLY,), hot=True),
    Case("G", "as A, while a second vendor with as many events is down throughout", (EXACTLY,), down=True),
)}


def run(place: Place, case: Case, candidate: Candidate, *, scale: float = 1.0) -> Measured:
    """One run of one candidate."""
    events = max(50, int(case.events * scale * case.slow.get(candidate.name, candidate.share)))
    place.attributes()
    held = hold(place, events) if candidate.processes > 1 else None
    topic = held.topic if held else place.events(events, hot=case.hot, interaction=case.interaction, down=case.down)
    before = place.vendors.seen()
    running = candidate.start(place, wanted(case, topic))
    try:
        watch = Watch(place.servers, running.results, running.pids)
        if held:
            wait_for_all(place.servers, running.group, topic, candidate.processes)
            held.show()
        watch.until(events * case.steps, STALLED, LONGEST)
        watch.settle(events, case.steps)
        time.sleep(0.5)  # what is under way ends
        calls = max(0, place.vendors.seen() - before - 1)
    finally:
        running.end()
    return watch.judge(events, case.steps, calls, together=candidate.processes > 1)


def wanted(case: Case, topic: str) -> Wanted:
    """What the candidate is asked for."""
    return Wanted(case.vendor, topic, case.in_flight, case.steps, case.items, "down" if case.down else "")


def candidates_of(case: Case, *, quick: bool) -> list[Candidate]:
    """Who takes part."""
    return [CANDIDATES[name] for name in case.candidates if not quick or name in QUICK]
