"""Topics that accept little: what does not fit ends honestly, and the checkpoints of everybody else go on."""

import base64
import os
import time

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from testkit.processor.apps import event, one_app

LITTLE = 120_000


def limit(site, *roles, size=LITTLE):
    """Let topics accept no larger messages."""
    admin = AdminClient({"bootstrap.servers": site.servers})
    entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
    changed = admin.incremental_alter_configs([
        ConfigResource(ResourceType.TOPIC, site.topics[role], incremental_configs=[entry]) for role in roles])
    for future in changed.values():
        future.result(10)


def noise(size):
    """Text that compression does not make small."""
    return base64.b64encode(os.urandom(size * 3 // 4)).decode()


def by_event(results, count):
    return {one.value.event_id: (one.value.outcome, one.value.reason, one.value.code)
            for one in results.at_least(count, 40)}


pytestmark = pytest.mark.broker


def test_a_chain_too_large_for_its_topic_ends_as_broken_and_all_others_go_on(site, vendors):
    limit(site, "chains", "results", "finished")
    site.configure(one_app(vendors.url))
    vendors.fault("answer", vendor="custom_api", path="/e0000[12]$", status=503, retry_after=1, times=2)
    processor = site.started()
    now = int(time.time() * 1000)
    site.publish(event(1, "u1", time=now, form={"text": noise(150_000)}))
    site.publish(*(event(number, f"u{number}", time=now) for number in range(2, 12)))
    with site.results() as results, site.letters() as letters:
        ended = by_event(results, 11)
        assert ended.pop("e00001") == ("failed", "broken", "chain_too_large")
        assert set(ended.values()) == {("succeeded", "", "")}
        letter, = letters.at_least(1)
        assert len(letter.value.origin.value) > 150_000, "it can be replayed once the topic accepts more"
    assert not processor.said("beginning anew")


def test_a_burst_whose_records_would_make_a_batch_too_large_for_the_topics_goes_through(site, vendors):
    """A broker refuses a batch by the same limit as a message."""
    limit(site, "chains", "results", "finished", "dead_letters")
    site.configure(one_app(vendors.url))
    now = int(time.time() * 1000)
    site.publish(*(event(number, noise(800), time=now) for number in range(3000)))  # results repeat their users' ids
    processor = site.started(checkpoint__interval=1)
    with site.results() as results:
        assert set(by_event(results, 3000).values()) == {("succeeded", "", "")}
    assert not processor.said("beginning anew")


def test_attributes_that_grow_beyond_their_topic_stay_as_they_were(site, vendors):
    limit(site, "attributes_changelog")
    site.configure(one_app(vendors.url))
    processor = site.started()
    site.sync("alpha", {"u1": {"account": "a1"}, "u2": {"account": "a2"}})
    for number in range(4):
        site.sync("alpha", {"u1": {f"part{number}": noise(40_000), "account": f"a1-{number}"}})
    now = int(time.time() * 1000)
    with site.letters() as letters, site.results() as results:
        refused = letters.at_least(2)
        assert {one.value.message.partition(":")[0] for one in refused} == {"attributes_too_large"}
        site.publish(event(1, "u1", "account", time=now), event(2, "u2", "account", time=now))
        assert set(by_event(results, 2).values()) == {("succeeded", "", "")}
    assert any("a1-1" in str(one) for one in vendors.requests("custom_api")), "the last change that was kept"
    assert processor.metric("undecodable_total", code="attributes_too_large") == 2


def test_a_topic_that_accepts_next_to_nothing_is_named_at_the_start(site, vendors):
    limit(site, "results", size=2000)
    site.configure(one_app(vendors.url))
    processor = site.processor()
    processor.start()
    assert processor.wait() != 0
    assert f"{site.topics['results']} 2000" in processor.last_words()
