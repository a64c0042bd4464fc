"""Many items through two exports at once, of which the vendors refuse one in a hundred each.

The variable TEST_EXPORT_ITEMS says how many: 10,000 by default, 100,000 for the full proof. With -s it tells how fast.
"""

import os
import sys
import time
from collections import Counter

import pytest

from connectors.kit.event import Event
from processor.engine.runner import outcome_id
from testkit.vendors import settings

ITEMS = int(os.environ.get("TEST_EXPORT_ITEMS", "10000"))
USERS = ITEMS // 10
SECONDS = 30 + ITEMS / 500
APP = "alpha"
EXPORTS = ("mixpanel.export_prompt_event", "iterable.export_prompt_event")
AHEAD = 2 * 3_600_000
"""Mixpanel refuses what lies more than an hour ahead, milliseconds."""
FAST = {"rate": 100000, "concurrency": 10, "timeout": "10s"}


def is_ahead(number):
    """Whether Mixpanel refuses this event: its time lies in the future."""
    return number % 100 == 7


def is_forgotten(number):
    """Whether Iterable refuses this event: its user asked to be forgotten."""
    return number % USERS % 100 == 13


REFUSED = {EXPORTS[0]: is_ahead, EXPORTS[1]: is_forgotten}


def name(number):
    return f"user{number % USERS:06d}"


@pytest.fixture
def load(site, vendors):
    """All users synced, all interactions published; who asked to be forgotten is forgotten at Iterable."""
    site.configure({f"{APP}/app": {"title": "Alpha"}, f"{APP}/prompts": {}, f"{APP}/connectors": {
        one.partition(".")[0]: {
            "limits": FAST, "settings": settings.referring(one.partition(".")[0], vendors.url),
            "exports": {one.partition(".")[2]: {}}}
        for one in EXPORTS}})
    for number in filter(is_forgotten, range(USERS)):
        vendors.seed("iterable", "forgotten", email=f"{name(number)}@example.com")
    site.sync(APP, {name(number): {"email_address": f"{name(number)}@example.com"} for number in range(USERS)})
    now = int(time.time() * 1000)
    site.publish(*(Event(f"e{number:06d}", APP, name(number), "offer", "accept", now + AHEAD * is_ahead(number))
                   for number in range(ITEMS)))


def test_exactly_the_refused_items_are_dead_letters_and_all_others_arrive_once(site, vendors, load, record_property):
    processor = site.started(environ=settings.environment(one.partition(".")[0] for one in EXPORTS))
    with site.results() as results:
        found = [one.value for one in results.at_least(len(EXPORTS) * ITEMS, SECONDS)]
        processor.until(lambda: processor.metric("books_events_in_flight") == 0, what="nothing in flight")
        processor.end()
        assert len(results.now(1)) == len(EXPORTS) * ITEMS
    for export in EXPORTS:
        outcomes_are_right(export, found)
        arrived_once(export, vendors)
    letters_are_right(site)
    seconds = (max(one.finished_at for one in found) - min(one.started_at for one in found)) / 1000
    record_property("items_per_second", round(len(found) / seconds))
    requests = {one: vendors.taken()[one.partition(".")[0]] for one in EXPORTS}
    sys.stdout.write(f"\n{len(found):,} items in {seconds:.1f} s, {len(found) / seconds:,.0f} a second; {requests}\n")


def bad_ones(export):
    return {f"e{number:06d}" for number in range(ITEMS) if REFUSED[export](number)}


def outcomes_are_right(export, found):
    ended = {one.event_id: (one.outcome, one.reason) for one in found if one.binding_id == export}
    assert len(ended) == ITEMS
    bad = bad_ones(export)
    assert {one for one, ending in ended.items() if ending == ("failed", "rejected")} == bad
    assert {one for one, ending in ended.items() if ending == ("succeeded", "")} == set(ended) - bad


def arrived_once(export, vendors):
    vendor = export.partition(".")[0]
    bad = bad_ones(export)
    good = {f"e{number:06d}" for number in range(ITEMS)} - bad
    marks = Counter(one.mark for one in vendors.ledger(vendor))
    assert marks == Counter(outcome_id(APP, one, export, 0) for one in good)
    assert "(replayed)" not in vendors.counts(vendor)
    assert ITEMS / vendors.taken()[vendor] >= 100, f"{vendors.taken()[vendor]} requests for {ITEMS} items"


def letters_are_right(site):
    expected = Counter((one, export) for export in EXPORTS for one in bad_ones(export))
    with site.letters() as letters:
        found = letters.until(lambda read: sum(len(one.value.failures) for one in read) >= expected.total(), 20)
    failures = Counter((one.value.event_id, failed.binding_id) for one in found for failed in one.value.failures)
    assert failures == expected
