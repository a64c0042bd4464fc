"""Whether memory stays what it is while a million events pass, and what is written to disk for each of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.candidates import Wanted, site_of
from benchmarks.measure import Watch
from benchmarks.place import Place
from benchmarks.proc import bytes_of, memory
from testkit.processor.site import Site

EVENTS = 1_000_000
AT = (0.1, 0.2, 0.5, 1.0)
"""The shares of the events after which it is looked at."""
CHANGELOGS = ("chains", "finished")
"""Attributes have one too, which no event writes to."""
STALLED = 30.0


class Look(NamedTuple):
    """One look at the process and at what it has written."""

    events: int
    seconds: float
    rss_mb: float
    own_mb: float
    """Of it what belongs to no file."""
    state_bytes: int
    changelog_bytes: int
    results_bytes: int


def million(place: Place, events: int = EVENTS) -> Sequence[Look]:
    """One run of case A with so many events."""
    topic = place.events(events)
    site = site_of(place, Wanted("at_once", topic, 64), topics__interactions=topic,
                   topics__attributes=place.attributes())
    processor = site.processor("p0")
    processor.start()
    watch = Watch(place.servers, site.topics["results"], [processor.pid])
    began = time.monotonic()
    try:
        looks = []
        for share in AT:
            wanted = int(events * share)
            watch.until(wanted, STALLED, STALLED * 10)
            looks.append(_look(place, site, processor.pid, wanted, time.monotonic() - began))
        return looks
    finally:
        processor.end()
        site.close()


def _look(place: Place, site: Site, pid: int, events: int, seconds: float) -> Look:
    now = memory(pid)
    state = bytes_of(one for one in (site.folder / "state").rglob("*") if one.is_file())
    changelogs = [site.topics[role] for role in CHANGELOGS]
    return Look(events, seconds, now.resident, now.own, state, _kept(place, *changelogs),
                _kept(place, site.topics["results"]))


def _kept(place: Place, *topics: str) -> int:
    """Bytes of topics, as the broker keeps them."""
    if place.kept is None:
        return 0
    return bytes_of(file for topic in topics for file in place.kept.glob(f"{topic}-*/*.log"))
