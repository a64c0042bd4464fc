"""Records that a topic would not take: the binding or the change ends honestly, and nobody else notices."""

import pytest

from connectors.kit import Done, post
from processor.engine import room
from processor.engine.options import EngineOptions
from processor.model.attributes import AttributesState
from processor.model.outcome import ActionResult
from testkit.engine.harness import UNSENT, Harness
from testkit.engine.vendors import Bind, configuration, event, vendor
from testkit.engine.world import CODEC, TOPICS

LARGE = {"text": "x" * 30_000}
ROOM = 20_000


def harness(*chain, topic=TOPICS.chains, limit=ROOM, **more):
    options = EngineOptions(partitions=2, park_after=0.0, largest={topic: limit}, **more.pop("options", {}))
    return Harness(configuration({"p": list(chain)}, **more), options=options)


def sizes(process, topic):
    return [room.size_of((*one[:4], list(one[4]))) for one in process.world.records if one.topic == topic]


def failure(process, event_id):
    letter, = process.world.letters(event_id)
    return letter.failures[0].code


# chains


def test_a_chain_that_would_wait_but_does_not_fit_fails_and_the_next_binding_runs():
    process = harness(Bind("alpha.key", on_error="continue"), "beta.key")
    process.accept("big", "ann0", form=LARGE)
    process.accept("small", "bob0")
    process.answer("alpha/key/big", 503)
    process.answer("alpha/key/small", 503)
    process.settle(5.0)
    assert process.outcomes("big") == [("alpha.key", "failed", "broken"), ("beta.key", "succeeded", "")]
    assert failure(process, "big") == "chain_too_large"
    assert process.outcomes("small") == [("alpha.key", "succeeded", ""), ("beta.key", "succeeded", "")]
    assert max(sizes(process, TOPICS.chains)) <= ROOM
    assert process.balance.parked == 0


@pytest.mark.parametrize("cause", ["circuit", "limit", "attributes", "order"])
def test_whatever_a_chain_would_wait_for_it_ends_where_it_does_not_fit(cause):
    process = harness("alpha.needs" if cause == "attributes" else "alpha.key")
    if cause == "circuit":
        process.gate("alpha").circuit.open(process.clock.now, 100.0)
    if cause == "order":
        process.accept("first", "ann0")
        process.answer("alpha/key/first", 429, headers={"Retry-After": "60"})
    process.accept("big", "ann0", form=LARGE)
    if cause == "limit":
        process.answer("alpha/key/big", 429, headers={"Retry-After": "60"})
    process.checkpoint()
    assert process.outcomes("big") == [("alpha.needs" if cause == "attributes" else "alpha.key", "failed", "broken")]
    assert failure(process, "big") == "chain_too_large"
    assert process.world.chain("app:big") is None


def test_a_chain_that_just_fits_keeps_room_for_the_receipts_to_come():
    """Else it could not be written down any more once its bindings have ended."""
    process = harness("alpha.key", "beta.key", "gamma.key", limit=room.RESERVE * 3 + 3000)
    process.accept("e1", form={"text": "x" * 2000})
    process.answer(answer=503)
    assert process.world.chain("app:e1") is None, "nothing is durable yet"
    process.settle(5.0)
    assert [one[1] for one in process.outcomes("e1")] == ["succeeded"] * 3
    process = harness("alpha.key", "beta.key", "gamma.key", limit=room.RESERVE * 3 + 2000)
    process.accept("e1", form={"text": "x" * 2000})
    process.answer(answer=503)
    process.settle(5.0)
    assert [one[1] for one in process.outcomes("e1")] == ["failed", "skipped", "skipped"]


def test_receipts_of_a_large_running_chain_are_durable_without_what_its_message_brings_again():
    process = harness("alpha.key", "beta.never")
    process.accept("big", form=LARGE)
    process.answer("alpha/key/big")
    process.checkpoint()
    assert process.lines == ["POST beta/never/big"], "its mark is durable, so it went out"
    kept = process.world.chain("app:big")
    assert (kept.origin.value, [one.binding_id for one in kept.receipts]) == (None, ["alpha.key"])
    after = process.crash()
    after.settle()
    assert after.sent == []
    assert after.outcomes("big") == [("alpha.key", "succeeded", ""), ("beta.never", "failed", "in_doubt")]
    assert max(sizes(after, TOPICS.chains)) <= ROOM


def test_a_mark_that_does_not_fit_since_the_limit_was_lowered_ends_its_binding_unsent():
    process = harness("alpha.never", limit=200_000)
    process.accept("big", form=LARGE)
    process.checkpoint()
    process.answer(answer=UNSENT)
    process.checkpoint()
    assert process.world.chain("app:big").state == "parked"
    after = Harness(process.configuration, world=process.world, clock=process.clock,
                    options=EngineOptions(partitions=2, largest={TOPICS.chains: ROOM}))
    after.settle(10.0)
    assert after.sent == []
    assert after.outcomes("big") == [("alpha.never", "failed", "broken")]


def test_exports_that_would_wait_but_do_not_fit_end_each():
    process = harness(exports=["mix", "pix"])
    for name in ("mix", "pix"):
        process.gate(name).circuit.open(process.clock.now, 100.0)
    process.accept("big", form=LARGE)
    process.accept("small", "bob0")
    process.advance(2.0)
    assert sorted(process.outcomes("big")) == [("mix.events", "failed", "broken"), ("pix.events", "failed", "broken")]
    assert process.outcomes("small") == []
    assert process.balance.parked == 1


# results and letters


def _talkative(_call):
    yield post("/much")
    return Done("r" * 50_000, detail={"answer": "y" * 200_000})


def test_a_result_that_does_not_fit_is_cut_and_says_so():
    process = harness("alpha.much", topic=TOPICS.results, limit=100_000,
                      connectors=[vendor("alpha", more={"much": _talkative})])
    process.accept("e1")
    process.settle()
    result, = process.world.results("e1")
    assert (result.outcome, result.detail, result.reference) == ("succeeded", {}, "r" * room.LONG)
    assert "too large" in result.message
    assert max(sizes(process, TOPICS.results)) <= 100_000


def test_a_result_with_the_longest_ids_fits_into_the_least_that_a_topic_must_take():
    long = "\U0001f600" * (room.IDS // 3)
    result = ActionResult(long, "app", long, long, "accept", 0, 0, "b" * 100, 0, "c", "a", "failed", "", "rejected",
                          "c" * 999, "m" * 99_999, "r" * 99_999, "", 0, 1, 0, 0, "v", -1, 0, {"x": "y" * 99_999})
    data = CODEC.encode_result(room.cut_result(result))
    assert room.size_of((TOPICS.results, f"app:{long}".encode(), data, 0)) < 100_000


def test_a_letter_whose_own_parts_are_too_large_is_cut_to_the_bare_facts():
    process = harness("alpha.much", "beta.key", topic=TOPICS.dead_letters, limit=20_000,
                      connectors=[vendor("alpha", more={"much": _talkative})])
    process.accept("e1", form=LARGE)
    process.answer("alpha/much")
    process.answer("beta/key/e1", 400)
    process.checkpoint()
    letter, = process.world.letters("e1")
    assert [one.binding_id for one in letter.receipts] == ["alpha.much"]
    assert (list(letter.remaining), letter.origin.value, letter.origin.offset) == (["beta.key"], None, 0)
    assert max(sizes(process, TOPICS.dead_letters)) <= 20_000


def test_a_letter_does_not_repeat_an_endless_key_that_would_not_fit():
    process = harness("alpha.key", topic=TOPICS.dead_letters, limit=20_000)
    process.world.append(TOPICS.interactions, b"k" * 50_000 + b"0", b"no event", process.clock.now, 0)
    process.feed()
    process.checkpoint()
    letter, = process.world.letters()
    assert (letter.origin.key, letter.origin.offset) == (None, 0)


@pytest.mark.parametrize("field", ["event_id", "user_id", "prompt_id"])
def test_ids_longer_than_any_topic_could_repeat_are_undecodable(field):
    process = harness("alpha.key")
    ids = {"event_id": "e1", "user_id": "ann0", field: "i" * room.IDS + "0"}
    process.accept(**ids)
    process.checkpoint()
    letter, = process.world.letters()
    assert (letter.reason, letter.message.partition(":")[0]) == ("undecodable", "too_long")


def test_ids_of_very_many_ended_events_lie_in_several_records():
    process = harness("alpha.key")
    partition = process.loop.partitions[0]
    ids = [number.to_bytes(16, "big") for number in range(room.FINISHED_IDS * 2 + 1)]
    partition.ended_ids += ids
    process.checkpoint()
    assert list(process.world.finished(0)) == ids
    assert len(process.world.values(TOPICS.finished)) == 3
    assert max(sizes(process, TOPICS.finished)) < 100_000


# attributes


def test_a_change_that_makes_attributes_too_large_is_a_dead_letter_and_the_earlier_ones_stay():
    process = harness("alpha.needs", topic=TOPICS.attributes_changelog, limit=100_000)
    process.sync("ann0", email="a@b.c")
    for number in range(4):
        process.sync("ann0", **{f"part{number}": "x" * 30_000})
    process.sync("bob0", email="b@b.c")
    process.checkpoint()
    kept = process.world.attributes(0)
    assert sorted(kept["app:ann0"].attributes) == ["email", "part0", "part1", "part2"]
    assert kept["app:bob0"].attributes == {"email": "b@b.c"}
    letter, = process.world.letters()
    assert (letter.reason, letter.message.partition(":")[0]) == ("undecodable", "attributes_too_large")
    assert letter.origin.offset == 4
    assert process.metrics.undecodable.value("attributes_too_large") == 1
    process.sync("ann0", part0=None, part4="x" * 30_000)
    process.checkpoint()
    assert "part4" in process.world.attributes(0)["app:ann0"].attributes, "there is room again"


def test_attributes_are_measured_only_where_they_may_be_too_large():
    assert not room.may_exceed({"a": "x" * 200, "b": 1, "c": ["y" * 10] * 3}, 2000)
    assert room.may_exceed({"a": "x" * 500}, 2000)
    assert room.may_exceed({"a": ["y" * 10] * 60}, 2000)
    assert room.may_exceed({f"n{number}": None for number in range(100)}, 2000)


def test_the_estimate_is_never_below_the_size():
    values = {"é" * 5: "\U0001f600" * 50, "f": 1.5, "n": -(2**62), "b": True, "l": ["ü" * 9] * 40, "none": None}
    assert room.may_exceed(values, len(CODEC.encode_attributes_state(AttributesState(values, 2**40, 2**42))))


# sent on


def test_a_misplaced_message_that_its_topic_would_not_take_from_us_is_a_dead_letter():
    process = harness("alpha.key", topic=TOPICS.interactions, limit=20_000)
    one = CODEC.encode_event(event("big", time=process.clock.now, form=LARGE))
    process.world.append(TOPICS.interactions, b"app:ann0", one, process.clock.now, 1)
    process.feed()
    process.checkpoint()
    letter, = process.world.letters()
    assert letter.message.startswith("too_large")
    assert process.sent == []
