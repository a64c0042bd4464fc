"""More is parked than memory may know: it lies on disk alone, survives kills and lost disks, and ends in order."""

import time

import pytest

from testkit.processor import apps
from testkit.processor.apps import call, event

EVENTS = 300
USERS = 60


@pytest.fixture
def app(site, vendors):
    """Prompt `offer` calls the customer."""
    site.configure({
        "alpha/app": {"title": "Alpha"}, "alpha/connectors": {"custom_api": apps.custom_api(vendors.url)},
        "alpha/prompts": {"offer": {"accept": [call()]}}})


def in_order(effects):
    """Whether each user's effects happened in the order of the events, which the paths tell."""
    latest = {}
    for one in effects:
        number = int(one.detail["path"].rsplit("/e")[-1])
        if number < latest.get(one.user, -1):
            return False
        latest[one.user] = number
    return True


@pytest.mark.parametrize("disk", ["kept", "lost"])
def test_what_lies_on_disk_alone_is_there_after_a_kill_and_is_delivered_in_order(site, vendors, app, disk):
    processor = site.started(flow__parked_in_memory=5)
    down = vendors.fault("answer", vendor="custom_api", status=503)
    for first in range(0, EVENTS, 100):
        now = int(time.time() * 1000)
        site.publish(*(event(number, f"u{number % USERS}", time=now) for number in range(first, first + 100)))
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked")
    time.sleep(0.3)  # one more checkpoint
    processor.kill()
    if disk == "lost":
        site.forget_state()
    processor.start()
    processor.wait_ready()
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS, what="all are parked again")
    site.publish(*(event(EVENTS + number, f"u{number}", time=int(time.time() * 1000)) for number in range(USERS)))
    processor.until(lambda: processor.metric("books_events_parked") == EVENTS + USERS, what="later ones are too")
    assert not vendors.ledger("custom_api")
    vendors.clear(down)
    with site.results() as results:
        found = results.at_least(EVENTS + USERS, 60)
        assert {one.value.outcome for one in found} == {"succeeded"}
        assert len({one.value.event_id for one in found}) == len(found) == EVENTS + USERS
    assert in_order(vendors.ledger("custom_api"))
    assert len(vendors.ledger("custom_api")) == EVENTS + USERS
    processor.until(lambda: processor.metric("books_events_parked") == 0, what="nothing is parked any more")
    processor.end()
