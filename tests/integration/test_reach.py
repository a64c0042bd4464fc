"""What may have been begun before a crash, told by the metadata of committed offsets over a real broker."""

import time

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from processor.engine.reach import VERSION, Reach
from testkit.processor.apps import event, one_app, stripe

HOUR = 3_600_000
DAY = 24 * HOUR


def told(site):
    """By partition, what the offsets of interactions were committed with."""
    topic = site.topics["interactions"]
    consumer = Consumer({"bootstrap.servers": site.servers, "group.id": site.group})
    try:
        found = consumer.committed([TopicPartition(topic, number) for number in range(4)], timeout=10)
    finally:
        consumer.close()
    assert [one.error for one in found] == [None] * 4
    return {one.partition: one.metadata or "" for one in found}


def leave(site, promise):
    """Commit as a process that ended with a promise would have, having read nothing."""
    topic = site.topics["interactions"]
    consumer = Consumer({"bootstrap.servers": site.servers, "group.id": site.group})
    try:
        consumer.commit(offsets=[TopicPartition(topic, number, 0, promise) for number in range(4)], asynchronous=False)
    finally:
        consumer.close()


def publish_as_of(site, time_ms, one):
    """An interaction that lies in the topic since then."""
    producer = Producer({"bootstrap.servers": site.servers, "partitioner": "murmur2_random"})
    producer.produce(site.topics["interactions"], site.codec.encode_event(one), f"alpha:{one.user_id}",
                     timestamp=time_ms)
    assert producer.flush(10) == 0


def keep_publishers_times(site):
    """Let the topic have its messages' own times, so that they can be old."""
    admin = AdminClient({"bootstrap.servers": site.servers})
    entry = ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
    [changed] = admin.incremental_alter_configs([ConfigResource(
        ResourceType.TOPIC, site.topics["interactions"], incremental_configs=[entry])]).values()
    changed.result(10)


pytestmark = pytest.mark.broker


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_every_commit_says_how_far_events_may_have_been_begun(site, vendors, delivery):
    site.configure(one_app(vendors.url))
    site.started(delivery=delivery)
    [place] = site.publish(event(1, time=int(time.time() * 1000)))
    with site.results() as results:
        results.at_least(1)
    reach = Reach(told(site)[place.partition])
    now = int(time.time() * 1000)
    assert reach.begun_since(place.offset + 1, now) >= now - HOUR
    assert reach.before_below > place.offset + 1000
    assert len(told(site)[place.partition]) < 400


def test_an_orderly_end_leaves_nothing_suspected_and_a_kill_what_was_begun(site, vendors):
    site.configure(one_app(vendors.url))
    processor = site.started()
    site.publish(event(1, time=int(time.time() * 1000)))
    with site.results() as results:
        results.at_least(1)
    processor.terminate()
    assert processor.wait() == 0
    vendors.fault("silence", vendor="custom_api", times=1)
    [place] = site.publish(event(2, time=int(time.time() * 1000)))
    now = int(time.time() * 1000)
    assert told(site)[place.partition].startswith(VERSION)
    assert Reach(told(site)[place.partition]).begun_since(place.offset, now) == 0
    processor = site.started()
    processor.until(lambda: vendors.taken().get("custom_api", 0) > 1, what="the call")
    processor.kill()
    assert Reach(told(site)[place.partition]).begun_since(place.offset, now) > 0
    site.started()
    with site.results() as results:
        assert [one.value.outcome for one in results.at_least(2)] == ["succeeded"] * 2


def test_after_two_days_what_may_have_been_begun_is_in_doubt_and_the_backlog_runs(site, vendors):
    files = one_app(vendors.url)
    files["alpha/connectors"]["stripe"] = stripe(vendors.url)  # keeps keys for a day
    files["alpha/prompts"]["coupon"] = {"accept": [
        {"action": "stripe.apply_coupon", "params": {"coupon_id": "missing20"}}]}
    site.configure(files)
    keep_publishers_times(site)
    then = int(time.time() * 1000) - 2 * DAY
    leave(site, f"{VERSION};10000,{then},{then - DAY}")
    publish_as_of(site, then, event(1, "u1", "coupon", time=then))
    publish_as_of(site, then + 1, event(2, "u1", "coupon", time=then))
    site.sync("alpha", {"u1": {"stripe_id": "cus_1"}})
    site.started()
    with site.results() as results:
        ended = {one.value.event_id: one.value for one in results.at_least(2)}
    assert (ended["e00001"].reason, ended["e00001"].code) == ("in_doubt", "key_expired")
    assert ended["e00002"].reason == "rejected", "Stripe was asked, and knows neither coupon nor customer"
    assert vendors.taken().get("stripe")
