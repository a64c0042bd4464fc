"""One process takes over from another: what is parked, and what the other commits late: nothing lost or repeated."""

import time

import pytest
from confluent_kafka.admin import AdminClient

from testkit.crash.point import Point
from testkit.crash.trial import command
from testkit.crash.zombie import halted
from testkit.kafka.sessions import shorten
from testkit.processor import apps
from testkit.processor.apps import call, event
from testkit.processor.site import PARTITIONS

EVENTS = 40
SESSION = 3.0


@pytest.fixture
def app(site, vendors):
    """Prompt `offer` calls the customer, under an idempotency key."""
    site.configure({
        "alpha/app": {"title": "Alpha"}, "alpha/connectors": {"custom_api": apps.custom_api(vendors.url)},
        "alpha/prompts": {"offer": {"accept": [call()]}}})
    vendors.seed("custom_api", "dedupe", on=True)


def publish(site, count=EVENTS):
    now = int(time.time() * 1000)
    site.publish(*(event(number, f"u{number % 20}", time=now) for number in range(count)))


def members(site):
    """Client ids of the group's members, as the broker knows them."""
    admin = AdminClient({"bootstrap.servers": site.servers, "log_level": 0})
    [found] = admin.describe_consumer_groups([site.group]).values()
    return {one.client_id for one in found.result(10).members}


def called(vendors, name):
    return sum(one.headers["user-agent"] == name for one in vendors.requests("custom_api"))


def parked(*processes):
    return sum(one.metric("books_events_parked") for one in processes)


def all_succeeded(site, results):
    found = results.at_least(EVENTS, 60)
    assert len(results.now(0.5)) == EVENTS
    assert {one.value.outcome for one in found} == {"succeeded"}
    assert len({one.value.event_id for one in found}) == EVENTS


def in_order(vendors):
    """Whether the effects of each user came in the order of the events."""
    latest = {}
    for one in vendors.ledger("custom_api"):
        number = int(one.detail["path"].rsplit("/e")[-1])
        if number < latest.get(one.user, -1):
            return False
        latest[one.user] = number
    return True


def test_parked_chains_move_with_their_partitions_and_back(site, vendors, app):
    """Through a join and through a leave: each is at one process, and all end in order when the vendor is back."""
    down = vendors.fault("answer", vendor="custom_api", status=503)
    one = site.started("one")
    publish(site)
    one.until(lambda: parked(one) == EVENTS, what="all are parked")
    two = site.started("two")
    two.until(lambda: len(two.said("partition_ready")) == PARTITIONS // 2, what="half of the partitions are its own")
    two.until(lambda: parked(two) > 0 and parked(one, two) == EVENTS, what="each is parked at one of them")
    one.end()
    two.until(lambda: parked(two) == EVENTS, what="all are parked at the one that is left")
    vendors.clear(down)
    with site.results() as results:
        all_succeeded(site, results)
    assert len(vendors.ledger("custom_api")) == EVENTS
    assert in_order(vendors)


def test_what_a_former_owner_commits_while_another_restores_is_waited_for_and_not_done_again(site, vendors, app):
    """It stood still right before a commit, lost its partitions, and commits after all."""
    if not shorten(site.servers, site.group, SESSION):
        pytest.skip("this broker takes no shorter sessions")
    publish(site)
    former = site.processor("former", http__user_agent="former", checkpoint__transaction_timeout=60,
                            checkpoint__interval=0.3)
    former.start(command(Point("Producer.commit_transaction", 3, "before"), stop=True))
    former.until(lambda: halted(former), what="it stands still before its commit")
    with site.results() as results:
        before = len(results.now(1))
        heir = site.processor("heir", http__user_agent="heir")
        heir.start()
        heir.until(lambda: members(site) == {"prompt-actions-heir"}, what="the former owner is no member any more")
        heir.until(lambda: heir.metric("rebalances_total", kind="assigned") > 0, what="the heir has its partitions")
        time.sleep(2)  # it could restore meanwhile, if it did not wait
        assert not heir.said("restored")
        assert called(vendors, "heir") == 0
        former.resume()
        all_succeeded(site, results)
    by_former = {one.path for one in vendors.requests("custom_api") if one.headers["user-agent"] == "former"}
    by_heir = {one.path for one in vendors.requests("custom_api") if one.headers["user-agent"] == "heir"}
    assert len(by_former - by_heir) >= before, "what the former owner committed was taken over as done"
    assert len(vendors.ledger("custom_api")) == EVENTS
    former.end()
    heir.end()
