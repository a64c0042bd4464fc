"""One process, four, one again, under load: nothing is lost, nothing done again, order is kept, nothing is in doubt."""

import time

import pytest

from testkit.crash import judging
from testkit.processor import expected, judgement

pytestmark = [pytest.mark.broker, pytest.mark.trouble]

EVENTS = 6_000
CHUNK = 100
JOINED = ("two", "three", "four")
SECONDS = 30.0
"""Over which the load is published: all joins and leaves fall into it."""


class Load:
    """Published evenly, while processes come and go."""

    def __init__(self, site):
        self._site = site
        self.load = expected.load(6, EVENTS, 600, int(time.time() * 1000))
        for app, synced in self.load.attributes.items():
            site.sync(app, synced)
        self._published = 0
        self._began = time.monotonic()

    def until(self, share):
        """Publish on until so much of the load is out."""
        while self._published < EVENTS * share:
            self._site.publish(*self.load.events[self._published:self._published + CHUNK])
            self._published += CHUNK
            time.sleep(max(0.0, self._began + self._published / EVENTS * SECONDS - time.monotonic()))


def callers(vendors):
    """Who called: processes name themselves."""
    return {one.headers["user-agent"] for vendor in set(expected.VENDOR.values())
            for one in vendors.requests(vendor, limit=200_000)}


def test_one_four_one_under_load(site, vendors):
    site.configure(expected.configuration(vendors.url))
    expected.seed_vendors(vendors)
    expected.faults(vendors)
    first = site.started("one", http__user_agent="one")
    work = Load(site)
    work.until(0.2)
    others = [site.processor(name, http__user_agent=name) for name in JOINED]
    for one in others:
        one.start()
    work.until(0.5)
    for one in others:
        one.until(lambda one=one: bool(one.said("partition_ready")), what="all four have partitions")
    work.until(0.7)
    for one in others:
        one.terminate()
        work.until(0.8)
    assert [one.wait() for one in others] == [0, 0, 0]
    work.until(1.0)
    with site.results() as results:
        results.at_least(work.load.outcomes, 90)
        first.until(lambda: first.metric("books_events_parked") + first.metric("books_events_in_flight") == 0,
                    what="nothing is open")
        ended = [one.value for one in results.now(0.5)]
    first.end()
    assert callers(vendors) == {"one", *JOINED}
    wrong = [*judgement.wrongs(work.load, vendors, ended), *judging.letters(site, ended, 0), *judging.books(site)]
    assert not wrong, f"{len(wrong)} things are wrong:\n" + "\n".join(wrong[:20])
