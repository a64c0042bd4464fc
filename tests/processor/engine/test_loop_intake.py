"""What comes in: the join with attributes, what cannot be read or lies in the wrong place, and how much is taken."""

import pytest

from processor.engine.intake import BEHIND
from processor.engine.options import EngineOptions
from testkit.engine.harness import NOW, Harness
from testkit.engine.vendors import configuration, event
from testkit.engine.world import CODEC, TOPICS, EndOfPartition, Message

OPTIONS = EngineOptions(partitions=2)


def harness(*chain, options=OPTIONS, **more):
    return Harness(configuration({"p": list(chain), "q": ["beta.key"], "none": []}, **more), options=options)


# what comes in


def behind(process):
    """The attributes of partition 0 are read as of now, and more is to come."""
    process.deliver(process.world.sync("app", "dan0", {"plan": "gold"}, process.clock.now))
    process.turn()


def published_later(process, event_id, user_id, seconds):
    message = process.world.publish(event(event_id, user_id, time=NOW), process.clock.now + seconds)
    process.deliver(message)
    process.turn()


def test_an_interaction_waits_until_the_attributes_have_passed_its_time():
    process = harness("alpha.needs")
    process.sync("ann0", email="old")
    behind(process)
    published_later(process, "e1", "ann0", 5.0)
    assert process.sent == []
    process.deliver(process.world.sync("app", "ann0", {"email": "new"}, process.clock.now + 4.0))
    process.turn()
    assert process.sent == [], "what was synced after it may still come"
    process.deliver(process.world.sync("app", "dan0", {"plan": "silver"}, process.clock.now + 6.0))
    process.turn()
    assert process.sent == ["PUT alpha/needs/e1/new"]


def brought_with_an_end(process, event_id, beyond, user_id="ann0"):
    """An interaction, in an answer that tells of so many changes of attributes beyond those that were read."""
    process.advance(0.01)
    read = len(process.world.logs[TOPICS.attributes, 0])
    message = process.world.publish(event(event_id, user_id, time=NOW), process.clock.now)
    process.deliver(message, ends={0: read + beyond})
    process.turn()


def test_an_interaction_that_overtook_what_was_synced_before_it_waits_for_that():
    """Both may come in one answer of the broker, interactions first; that the end had been reached is old news."""
    process = harness("alpha.needs")
    process.sync("ann0", email="old")
    newer = process.world.sync("app", "ann0", {"email": "new"}, process.clock.now)
    brought_with_an_end(process, "e1", 0)
    assert process.sent == []
    process.deliver(newer, Message(TOPICS.attributes, 0, newer.offset() + 1, error=EndOfPartition()))
    process.turn()
    assert process.sent == ["PUT alpha/needs/e1/new"]


def test_what_is_synced_within_a_transaction_that_stays_open_is_waited_for_for_a_moment_only():
    process = harness("alpha.key")
    process.sync("ann0", email="old")
    brought_with_an_end(process, "e1", 1)
    assert process.sent == []
    process.advance(BEHIND + 0.1)
    assert process.sent == ["POST alpha/key/e1"]
    brought_with_an_end(process, "e2", 1, "cat0")
    assert process.sent[1:] == ["POST alpha/key/e2"], "it is known that nothing comes"


def test_an_interaction_waits_for_attributes_no_longer_than_the_grace():
    process = harness("alpha.key")
    behind(process)
    published_later(process, "e1", "ann0", 5.0)
    process.advance(OPTIONS.join_grace - 1.0)
    assert process.sent == []
    process.advance(1.1)
    assert process.sent == ["POST alpha/key/e1"]


def test_interactions_that_wait_for_attributes_keep_their_order_and_their_offsets():
    process = harness("alpha.key")
    behind(process)
    published_later(process, "e1", "ann0", 5.0)
    published_later(process, "e2", "cat0", -5.0)
    process.advance(1.0)
    assert process.sent == [], "the second would be due, but the first goes before"
    assert process.world.committed[TOPICS.interactions, 0] == 0
    process.feed()
    assert process.sent == ["POST alpha/key/e1", "POST alpha/key/e2"]


def test_a_partition_with_too_many_that_wait_is_paused_and_resumed():
    process = harness("none.key")
    behind(process)
    messages = [process.world.publish(event(f"e{number}", "ann0", "none", NOW), NOW + 5) for number in range(1001)]
    process.deliver(*messages)
    process.turn(10)
    assert (TOPICS.interactions, 0) not in process.source.resumed
    process.feed()
    process.turn(10)
    assert (TOPICS.interactions, 0) in process.source.resumed


def test_a_null_erases_a_user_and_merges_add_up():
    process = harness("alpha.needs")
    process.sync("ann0", email="a", plan="gold")
    process.sync("ann0", plan=None)
    process.checkpoint()
    assert process.world.attributes(0)["app:ann0"].attributes == {"email": "a"}
    process.world.append(TOPICS.attributes, b"app:ann0", None, NOW)
    process.feed()
    process.checkpoint()
    assert process.world.attributes(0) == {}


@pytest.mark.parametrize("value", [
    b"", b"nonsense", None, CODEC.encode_event(event("e", time=NOW, app_id="nobody")),
    CODEC.encode_event(event("e", time=NOW + 10 * 86400)), b"\xc3\x01" + b"x" * 1_000_001,
])
def test_what_cannot_be_read_is_a_dead_letter_with_its_bytes_and_never_stops_the_stream(value):
    process = harness("alpha.key")
    process.world.append(TOPICS.interactions, b"app:ann0", value, NOW)
    process.feed()
    process.accept("e2")
    assert process.lines == ["POST alpha/key/e2"]
    process.settle()
    letter, = process.world.letters()
    assert (letter.reason, letter.origin.value) == ("undecodable", value)
    assert process.world.committed[TOPICS.interactions, 0] == 2


def test_what_cannot_be_read_has_one_letter_though_a_crash_brings_it_again():
    """An earlier event that has not ended holds the offset below it."""
    process = harness("alpha.key")
    process.accept("e1")
    process.world.append(TOPICS.interactions, b"app:ann0", b"nonsense", NOW)
    process.feed()
    process.checkpoint()
    assert len(process.world.letters()) == 1
    process = process.crash()
    process.settle()
    assert process.world.committed[TOPICS.interactions, 0] == 2
    assert len(process.world.letters()) == 1


def test_a_misplaced_interaction_is_forwarded_to_its_own_partition():
    process = harness("alpha.key")
    process.world.append(TOPICS.interactions, b"app:bob1", CODEC.encode_event(event("e1", "bob1", time=NOW)), NOW, 0)
    process.feed()
    assert process.sent == []
    process.checkpoint()
    process.feed()
    process.settle()
    assert process.sent == ["POST alpha/key/e1"]


def test_no_more_events_are_taken_than_there_is_room_for():
    process = harness("alpha.key", options=EngineOptions(partitions=2, max_in_flight=2))
    for number in range(5):
        process.world.publish(event(f"e{number}", f"u{number}0", time=NOW), NOW)
    process.feed()
    assert len(process.calls) == 2
    process.answer("e0")
    assert len(process.calls) == 2
    process.settle(1.0)
    assert len(process.world.results()) == 5


def test_bytes_in_flight_are_bounded_too():
    process = harness("alpha.key", options=EngineOptions(partitions=2, max_in_flight_bytes=2000))
    for number in range(9):
        process.world.publish(event(f"e{number}", f"u{number}0", time=NOW), NOW)
        process.feed()
    assert 0 < len(process.calls) < 9
    process.settle(1.0)
    assert len(process.world.results()) == 9
    assert process.engine.events.bytes == 0


def test_a_prompt_that_was_removed_ends_its_parked_chains_and_keeps_the_books():
    process = harness("alpha.needs")
    process.accept("e1")
    process.engine.configure(configuration({"p": []}, version="v2"))
    process.sync("ann0", email="a")
    process.settle(31.0)
    balance = process.balance
    assert (balance.parked, balance.in_flight, balance.open_bindings) == (0, 0, 0)
