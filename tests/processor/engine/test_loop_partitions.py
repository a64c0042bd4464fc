"""Partitions that leave, stops, and stalls: what is under way ends, nothing new begins, nothing is done twice."""

import pytest

from connectors.kit import Limits
from processor.engine.options import EngineOptions
from processor.engine.ports import Batch
from testkit.engine.harness import LOST, NOW, Harness
from testkit.engine.vendors import configuration, event
from testkit.engine.world import TOPICS

OPTIONS = EngineOptions(partitions=2, drain=10.0, stall=15.0)


def harness(*chain, options=OPTIONS, **more):
    return Harness(configuration({"p": list(chain), "q": ["beta.key"], "none": []}, **more), options=options)


# partitions that leave


def test_a_partition_that_leaves_waits_for_its_running_calls():
    process = harness("alpha.key")
    process.accept("e1")
    done = process.revoke(0)
    process.advance(3.0)
    assert not done.is_set()
    process.answer()
    process.advance(1.0)
    assert done.is_set()
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")], "the last checkpoint holds it"
    assert process.world.committed[TOPICS.interactions, 0] == 1
    assert process.source.forgotten == [0]


def test_nothing_new_begins_while_a_partition_leaves():
    process = harness("alpha.key", "beta.key", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.accept("e2", "ann0")
    process.accept("e3", "cat0")
    done = process.revoke(0)
    process.accept("e4", "dan0")
    process.answer("alpha/key/e1")
    process.advance(1.0)
    assert done.is_set()
    assert process.sent == ["POST alpha/key/e1"]
    after = process.crash()
    after.settle()
    assert [one.event_id for one in after.world.results()].count("e1") == 2
    assert after.sent.count("POST alpha/key/e1") == 0, "its receipt went along"
    assert len(after.world.results()) == 8


def test_a_binding_that_ends_last_while_the_partition_leaves_ends_its_event():
    process = harness("alpha.never")
    process.accept("e1")
    process.advance(0.1)
    process.revoke(0)
    process.answer()
    process.advance(1.0)
    after = process.crash()
    after.settle()
    assert after.sent == []
    assert after.outcomes("e1") == [("alpha.never", "succeeded", "")]


def test_a_flow_that_changed_something_goes_on_while_its_partition_leaves():
    process = harness("alpha.twice")
    process.accept("e1")
    process.advance(0.1)
    done = process.revoke(0)
    process.answer("first/e1")
    process.advance(0.1)
    process.answer("second/e1")
    process.answer("end/e1")
    process.advance(1.0)
    assert done.is_set()
    assert process.outcomes("e1") == [("alpha.twice", "succeeded", "")]


def test_a_mark_whose_call_never_went_out_is_not_in_doubt_elsewhere():
    process = harness("alpha.never", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.accept("e2", "cat0")
    process.advance(0.2)
    assert process.lines == ["POST alpha/never/e1"]
    assert process.world.chain("app:e2").started is not None
    process.revoke(0)
    process.answer()
    process.advance(1.0)
    after = process.crash()
    after.advance(0.2)
    assert after.lines == ["POST alpha/never/e2"]


def test_calls_unanswered_at_the_deadline_are_cut_and_free_their_place():
    process = harness("alpha.never", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.advance(0.1)
    done = process.revoke(0)
    process.advance(11.0)
    assert done.is_set()
    assert [one.line for one in process.transport.cut] == ["POST alpha/never/e1"]
    assert process.gate("alpha").busy == 0
    after = process.crash()
    after.checkpoint()
    assert after.outcomes("e1") == [("alpha.never", "failed", "in_doubt")]


def test_what_was_cut_is_known_as_perhaps_done():
    process = harness("alpha.look")
    process.accept("e1")
    process.answer("look/e1?doubtful=false", 404)
    process.revoke(0)
    process.advance(11.0)
    after = process.crash()
    assert after.lines == ["GET alpha/look/e1?doubtful=true"]


def test_parked_chains_that_cannot_be_woken_do_not_hold_a_drain():
    process = harness("alpha.needs")
    process.accept("e1", "ann0")
    process.accept("e2", "cat0", prompt_id="q")
    process.revoke(0)
    process.advance(31.0)
    process.turn()
    after = process.crash()
    after.settle(1.0)
    assert sorted(one.event_id for one in after.world.results()) == ["e1", "e2"]


def test_late_answers_of_a_lost_partition_are_dropped():
    process = harness("alpha.key")
    process.accept("e1")
    process.lose(0)
    process.assign(0)
    first, second = process.calls
    process.transport.answer(first, 400)
    process.turn()
    process.transport.answer(second, 200)
    process.turn()
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")]
    assert process.balance.handed_over == 1


def test_messages_of_an_earlier_assignment_are_dropped():
    process = harness("alpha.key")
    process.lose(0)
    message = process.world.publish(event("e1", time=NOW), NOW)
    process.source.batches.append(Batch(1, [message]))
    process.turn()
    process.assign()
    assert process.sent == []


def test_books_forget_what_went_to_others():
    process = harness("alpha.needs", "beta.key")
    process.accept("e1", "ann0")
    process.accept("e2", "cat0", prompt_id="q")
    process.checkpoint()
    process.lose(0)
    balance = process.balance
    assert (balance.in_flight, balance.parked, balance.handed_over, balance.open_bindings) == (0, 0, 2, 0)
    assert process.engine.events.bytes == 0


# stop and stall


def test_a_stop_drains_makes_durable_and_ends():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.loop.stop_requested = 1
    process.turn()
    assert not process.loop.stopped
    process.answer("alpha/key/e1")
    process.advance(1.0)
    assert process.loop.stopped
    assert process.outcomes("e1") == [("alpha.key", "succeeded", "")]
    assert process.sent == ["POST alpha/key/e1"]


@pytest.mark.parametrize(("chain", "answer"), [("alpha.needs", None), ("alpha.key", 503)])
def test_a_stop_waits_for_nothing_that_is_parked_or_waits_for_a_retry(chain, answer):
    process = harness(chain)
    process.accept("e1")
    if answer:
        process.answer(answer=answer)
    process.loop.stop_requested = 1
    process.advance(1.0)
    assert process.loop.stopped
    after = process.crash()
    after.sync("ann0", email="a")
    after.settle(1.0)
    assert [one.outcome for one in after.world.results("e1")] == ["succeeded"]


def test_attempts_survive_a_stop():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=LOST)
    process.loop.stop_requested = 1
    process.advance(1.0)
    after = process.crash()
    after.settle(1.0)
    assert after.world.results("e1")[0].attempts == 2


def test_attempts_first_failure_and_next_try_survive_a_crash():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=503, headers={"retry-after": "60"})
    failed_at = int(process.clock.now * 1000)
    process.checkpoint()
    process.advance(20.0)
    after = process.crash()
    after.advance(39.0)
    assert after.lines == [], "the vendor asked for a minute"
    after.advance(3.0)
    after.answer(answer=400)
    after.checkpoint()
    failure = after.world.letters()[0].failures[0]
    assert (failure.attempts, failure.first_failed_at // 1000) == (2, failed_at // 1000)


def test_a_second_stop_cuts_the_drain_short():
    process = harness("alpha.key")
    process.accept("e1")
    process.loop.stop_requested = 1
    process.turn()
    process.loop.stop_requested = 2
    process.turn()
    assert process.loop.stopped


def test_after_a_stall_nothing_is_sent_until_a_later_checkpoint_has_committed():
    process = harness("alpha.key", "beta.key")
    process.accept("e1")
    process.accept("e2", "bob1", prompt_id="q")
    process.advance(1.0)
    process.committer.automatic = False
    process.answer("beta/key/e2")
    process.advance(0.2)
    process.transport.answer(process.call("alpha/key/e1"), 200)
    process.jump(20.0)
    process.turn()
    process.accept("e3", "cat0")
    assert process.sent == ["POST alpha/key/e1", "POST beta/key/e2"]
    process.committer.finish()
    process.turn()
    assert len(process.sent) == 2, "the checkpoint that was under way proves nothing"
    process.advance(0.01)
    process.committer.finish()
    process.turn()
    process.turn(4)
    assert process.sent[2:] == ["POST beta/key/e1", "POST alpha/key/e3"]


def test_what_queued_at_a_gate_goes_on_after_a_stall():
    process = harness("alpha.key", limits=Limits(concurrency=1))
    process.accept("e1", "ann0")
    process.accept("e2", "bob1")
    process.advance(1.0)
    process.transport.answer(process.call("e1"), 200)
    process.jump(20.0)
    process.turn()
    process.advance(1.0)
    assert process.lines == ["POST alpha/key/e2"]


def test_a_process_that_stood_still_within_a_turn_sends_nothing_more_of_it():
    process = harness("alpha.key")
    process.advance(1.0)
    process.committer.automatic = False
    start = process.transport.start

    def stands_still_after_the_first(*given, **named):
        start(*given, **named)
        process.jump(20.0)

    process.transport.start = stands_still_after_the_first
    users = {"e1": "ann0", "e2": "bob1", "e3": "cat0"}
    process.publish(*(event(name, user, "p", process.clock.now) for name, user in users.items()))
    process.transport.start = start
    assert process.sent == ["POST alpha/key/e1"]
    process.turn(3)
    assert process.sent == ["POST alpha/key/e1"]
    process.committer.finish()
    process.turn(4)
    assert sorted(process.sent) == ["POST alpha/key/e1", "POST alpha/key/e2", "POST alpha/key/e3"]
