"""Checkpoints, and what follows from them: crashes, duplicates, replays."""

import pytest

from processor.engine.loop import LoopError
from processor.engine.options import EngineOptions
from processor.engine.ports import Failed
from processor.engine.runner import outcome_id
from processor.model.chain import identity
from processor.model.dead_letter import Origin
from processor.model.outcome import Receipt
from processor.model.replay import Replay
from testkit.engine.harness import NOW, Harness
from testkit.engine.vendors import configuration
from testkit.engine.world import CODEC, TOPICS

OPTIONS = EngineOptions(partitions=2)


def harness(*chain, options=OPTIONS, **more):
    return Harness(configuration({"p": list(chain), "q": ["beta.key"], "none": []}, **more), options=options)


# checkpoints


def test_what_happened_is_durable_within_the_interval():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer()
    process.advance(OPTIONS.checkpoint_interval + 0.01)
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")]
    assert identity("app", "e1") in set(process.world.finished(0))


def test_a_checkpoint_carries_the_offsets_of_all_inputs():
    process = harness("alpha.key")
    process.accept("e1")
    process.advance(1.0)
    part = next(one for one in process.committer.seen[-1].parts if one.partition.number == 0)
    assert {topic for topic, _ in part.offsets} == {TOPICS.interactions, TOPICS.attributes, TOPICS.replays}


def test_nothing_happens_and_no_checkpoint_is_made():
    process = harness("alpha.key")
    process.advance(1.0)
    count = len(process.committer.seen)
    process.advance(60.0)
    assert len(process.committer.seen) == count


def test_the_offset_stays_before_the_first_event_that_has_not_ended():
    process = harness("alpha.key")
    for name, user in (("e1", "ann0"), ("e2", "cat0"), ("e3", "dan0")):
        process.accept(name, user)
    process.answer("e2")
    process.answer("e3")
    process.checkpoint()
    assert process.world.committed[TOPICS.interactions, 0] == 0
    process.answer("e1")
    process.checkpoint()
    assert process.world.committed[TOPICS.interactions, 0] == 3


def test_an_aborted_checkpoint_is_sent_again_with_new_metadata():
    process = harness("alpha.key")
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1")
    process.answer()
    process.advance(0.2)
    process.committer.finish("aborted")
    process.turn()
    assert process.world.results() == []
    assert process.source.metadata_wanted == 1
    process.advance(5.0)
    assert process.committer.under_way is None, "no checkpoint with stale metadata"
    process.committer.automatic = True
    process.give_metadata()
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")]


def test_what_was_aborted_of_a_partition_that_left_is_dropped():
    process = harness("alpha.key")
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.answer("e1")
    process.answer("e2")
    process.advance(0.2)
    process.committer.finish("aborted")
    process.lose(0)
    process.committer.automatic = True
    process.give_metadata()
    process.checkpoint()
    assert [one.event_id for one in process.world.results()] == ["e2"]


def test_a_checkpoint_whose_end_nobody_knows_ends_the_loop():
    process = harness("alpha.key")
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1")
    process.answer()
    process.advance(0.2)
    process.committer.finish("lost")
    with pytest.raises(LoopError):
        process.turn()


def test_a_consumer_thread_that_ended_ends_the_loop():
    process = harness("alpha.key")
    process.source.controls.append(Failed("broken pipe"))
    with pytest.raises(LoopError, match="broken pipe"):
        process.turn()


def test_receipts_are_durable_while_the_chain_runs_on():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.answer("alpha/key/e1")
    process.checkpoint()
    record = process.world.chain("app:e1")
    assert record.state == "running"
    assert [one.binding_id for one in record.receipts] == ["alpha.key"]


# crashes and duplicates


def test_after_a_crash_what_has_a_receipt_is_not_done_again():
    process = harness("alpha.never", "beta.key")
    process.accept("e1")
    process.advance(0.1)
    process.answer("never/e1")
    process.checkpoint()
    after = process.crash()
    assert after.lines == ["POST beta/key/e1"]
    after.settle()
    assert after.outcomes("e1") == [("alpha.never", "succeeded", ""), ("beta.key", "succeeded", "")]


def test_after_a_crash_what_was_not_durable_is_done_again():
    process = harness("alpha.key")
    process.committer.automatic = False
    process.accept("e1")
    process.answer()
    process.advance(0.2)
    after = process.crash()
    assert after.lines == ["POST alpha/key/e1"]


def test_a_parked_chain_is_taken_up_though_its_message_has_passed():
    process = harness("alpha.needs")
    process.accept("e1")
    process.checkpoint()
    after = process.crash()
    after.sync("ann0", email="a")
    assert after.lines == ["PUT alpha/needs/e1/a"]
    after.settle()
    assert after.outcomes("e1") == [("alpha.needs", "succeeded", "")]


def test_a_woken_chain_that_was_running_is_taken_up_though_its_message_has_passed():
    process = harness("alpha.needs", "beta.key")
    process.accept("e1")
    process.checkpoint()
    process.sync("ann0", email="a")
    process.answer("needs/e1/a")
    process.checkpoint()
    after = process.crash()
    after.turn()
    assert after.lines == ["POST beta/key/e1"]


@pytest.mark.parametrize("after_crash", [False, True])
def test_a_duplicate_is_not_run_again(after_crash):
    process = harness("alpha.key")
    process.accept("e1")
    process.accept("e1")
    process.settle()
    if after_crash:
        process = process.crash()
    process.accept("e1")
    process.settle()
    assert len(process.world.results("e1")) == 1
    assert process.world.committed[TOPICS.interactions, 0] == 3


def test_a_duplicate_of_a_parked_event_is_not_run():
    process = harness("alpha.needs")
    process.accept("e1")
    process.accept("e1")
    process.sync("ann0", email="a")
    process.settle()
    assert process.sent == ["PUT alpha/needs/e1/a"]


# replays


def replay_of(process, event_id, *, run=1, receipts=(), only=(), **more):
    message = next(one for log in process.world.logs.values() for one in log
                   if one.topic() == TOPICS.interactions and CODEC.event(one.value()).event_id == event_id)
    origin = Origin(message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(),
                    message.value())
    return Replay("app", "ann0", event_id, run, origin, receipts, only, False, "olga", int(NOW * 1000), **more)


def test_a_replay_runs_what_has_no_receipt():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.answer("alpha/key/e1")
    process.answer("beta/key/e1", 400)
    process.checkpoint()
    letter, = process.world.letters()
    process.replay(replay_of(process, "e1", receipts=letter.receipts, only=letter.remaining))
    assert process.lines == ["POST beta/key/e1"]
    process.settle()
    last = process.world.results("e1")[-1]
    assert (last.run, last.binding_id, last.outcome) == (1, "beta.key", "succeeded")
    assert process.balance.open_bindings == 0
    assert process.world.committed[TOPICS.replays, 0] == 1


def test_a_replay_with_receipts_only_keeps_the_books():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.settle()
    process.replay(replay_of(process, "e1", receipts=[Receipt("alpha.key", "succeeded")]))
    assert process.lines == ["POST beta/key/e1"]
    process.settle()
    assert process.balance.open_bindings == 0


def test_the_same_replay_runs_once():
    process = harness("alpha.key")
    process.accept("e1")
    process.settle()
    replay = replay_of(process, "e1")
    process.replay(replay)
    process.replay(replay)
    process.settle()
    assert [one.run for one in process.world.results("e1")] == [0, 1]


def test_a_replay_that_fails_again_makes_another_letter_of_the_same_key():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=400)
    process.replay(replay_of(process, "e1"))
    process.answer(answer=400)
    process.checkpoint()
    keys = [one.key for one in process.world.records if one.topic == TOPICS.dead_letters]
    assert keys == [b"app:ann0:e1"] * 2
    assert [one.replays for one in process.world.letters()] == [0, 1]


def test_a_parked_replay_holds_no_live_chain_and_survives_a_crash():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=400)
    process.replay(replay_of(process, "e1", only=["alpha.key"]))
    process.answer(answer=503, headers={"retry-after": "60"})
    process.accept("e2")
    assert process.lines == ["POST alpha/key/e2"]
    process.checkpoint()
    after = process.crash()
    after.settle(120.0)
    assert [(one.event_id, one.run, one.outcome) for one in after.world.results()] == [
        ("e1", 0, "failed"), ("e2", 0, "succeeded"), ("e1", 1, "succeeded")]
    assert after.balance.open_bindings == 0


def test_a_woken_replay_that_runs_is_taken_up_after_a_crash():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.answer(answer=400)
    process.replay(replay_of(process, "e1"))
    process.answer(answer=503, headers={"retry-after": "60"})
    process.advance(120.0)
    process.answer("alpha/key/e1")
    process.checkpoint()
    after = process.crash()
    after.settle(10.0)
    assert [(one.run, one.outcome) for one in after.world.results("e1")][-2:] == [(1, "succeeded"), (1, "succeeded")]


def test_a_replay_that_was_parked_keeps_the_generations_that_were_asked_for():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=400)
    process.accept("e0")
    process.answer(answer=503, headers={"retry-after": "60"})
    gate = process.gate("alpha")
    gate.circuit.open(process.clock.now)
    process.engine.parking.outage(gate, is_open=True)
    process.replay(replay_of(process, "e1", only=["alpha.key"], generations={"alpha.key": 1}))
    process.settle(90.0)
    keys = [one.headers["Idempotency-Key"] for one in process.transport.sent if one.line.endswith("e1")]
    assert keys == [f"{outcome_id('app', 'e1', 'alpha.key', generation)}:post" for generation in (0, 1)]


def test_a_replay_that_was_parked_keeps_the_attributes_as_they_were():
    process = harness("alpha.needs")
    process.sync("ann0", email="then")
    process.accept("e1")
    process.answer(answer=400)
    process.sync("ann0", email="now")
    gate = process.gate("alpha")
    gate.circuit.open(process.clock.now)
    process.engine.parking.outage(gate, is_open=True)
    process.replay(replay_of(process, "e1")._replace(attributes_as_they_were=True, attributes={"email": "then"}))
    process.settle(30.0)
    assert process.sent == ["PUT alpha/needs/e1/then"] * 2
