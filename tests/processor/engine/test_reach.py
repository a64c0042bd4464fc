"""A call under a key that the vendor may have forgotten is not repeated, and what nobody had begun is no such call."""

import pytest

from processor.engine.options import EngineOptions
from processor.engine.reach import AHEAD, LEASE, MOST_SPANS, ROTATION, Reach
from processor.model.dead_letter import Origin
from processor.model.replay import Replay
from testkit.engine.harness import UNSENT, Harness
from testkit.engine.vendors import KEPT, Bind, configuration, event
from testkit.engine.world import CODEC, TOPICS

OPTIONS = EngineOptions(partitions=2, park_after=0.0)
MINUTE = 60_000
IN_DOUBT = [("alpha.key", "failed", "in_doubt")]
DONE = [("alpha.key", "succeeded", "")]


def harness(*chain, **more):
    return Harness(configuration({"p": list(chain or ("alpha.key",)), "q": ["alpha.needs", "beta.key"]}),
                   options=OPTIONS, **more)


def key(call):
    return call.headers["Idempotency-Key"]


def down_for(process, seconds):
    process.clock.now += seconds


# the promises themselves


def told(reach, following, committable, now, *, leaving=False):
    promise = reach.promise(following, committable, now, leaving=leaving)
    reach.keep(promise)
    return promise.told


def test_what_nobody_promised_was_begun_by_nobody():
    assert Reach("").begun_since(0, 0) == 0
    assert Reach("what another tool committed with").begun_since(0, 0) == 0
    assert Reach("1;no,numbers").begun_since(0, 0) == 0


def test_an_event_beyond_the_promised_offset_or_time_was_begun_by_nobody():
    after = Reach(told(Reach(), 100, 90, MINUTE))
    assert after.before_below == 100 + AHEAD
    assert after.begun_since(95, MINUTE) == MINUTE
    assert after.begun_since(100 + AHEAD, MINUTE) == 0
    assert after.begun_since(150, MINUTE + LEASE) == MINUTE + LEASE
    assert after.begun_since(150, MINUTE + LEASE + 1) == 0


def test_what_came_before_was_begun_no_earlier_than_the_process_that_may_have_begun_it():
    after = Reach(told(Reach(), 100, 90, 500 * MINUTE))
    assert after.begun_since(95, 3) == 500 * MINUTE


def test_a_second_crash_leaves_what_only_the_second_process_can_have_begun_to_its_time():
    first = told(Reach(), 100, 90, 0)
    second = Reach(told(Reach(first), 100, 90, 1000 * MINUTE))
    assert second.begun_since(95, 1) == 1
    assert second.begun_since(120, 10 * MINUTE) == 1000 * MINUTE, "it came while nobody ran"


def test_the_longer_a_process_runs_the_later_its_latest_events_can_have_been_begun():
    reach = Reach()
    told(reach, 100, 90, 0)
    text = told(reach, 100 + AHEAD, 90, ROTATION)
    assert Reach(text).begun_since(95, 7) == 7
    assert Reach(text).begun_since(100 + AHEAD, 7) == ROTATION


def test_spans_that_are_done_are_forgotten_and_many_become_few():
    reach = Reach()
    for turn in range(20):
        text = told(reach, 100 + turn * AHEAD, 0, turn * ROTATION)
    assert len(text.split(";")) == 1 + MOST_SPANS
    assert len(text) < 400, "the broker takes 4 kB"
    assert Reach(text).begun_since(0, 5) == 5
    assert told(reach, 10**9, 10**9, 21 * ROTATION).count(";") == 1


def test_an_orderly_end_gives_back_what_was_promised_and_not_begun():
    reach = Reach()
    told(reach, 100, 90, MINUTE)
    after = Reach(told(reach, 100, 90, MINUTE, leaving=True))
    assert after.begun_since(99, MINUTE) == MINUTE
    assert after.begun_since(100, MINUTE) == 0
    assert reach.closed


def test_a_partition_that_leaves_asks_for_no_further_promise_so_that_its_drain_ends():
    reach = Reach()
    reach.ask(500, 7)
    told(reach, 100, 90, MINUTE, leaving=True)
    assert not reach.asked


# what follows for calls


def test_a_call_that_may_have_been_made_longer_ago_than_keys_are_kept_is_in_doubt():
    process = harness()
    process.accept("e1")
    assert process.lines == ["POST alpha/key/e1"]
    down_for(process, KEPT + 1)
    after = process.crash()
    after.checkpoint()
    assert after.sent == []
    assert after.outcomes("e1") == IN_DOUBT
    assert after.world.letters("e1")[0].failures[0].code == "key_expired"


def test_while_keys_are_kept_it_is_repeated_under_the_same():
    process = harness()
    process.accept("e1")
    down_for(process, KEPT - 10)
    after = process.crash()
    assert key(after.call()) == key(process.call())
    after.settle()
    assert after.outcomes("e1") == DONE


def test_the_hour_may_also_pass_while_it_is_tried_again():
    process = harness()
    process.accept("e1")
    down_for(process, KEPT - 10)
    after = process.crash()
    after.answer(answer=UNSENT)
    down_for(after, 20)
    after.advance(30.0)
    after.answer(answer=UNSENT) if after.calls else None
    after.checkpoint()
    assert after.outcomes("e1") == IN_DOUBT


def test_an_admin_may_say_that_it_is_repeated_all_the_same():
    process = harness(Bind("alpha.key", in_doubt="retry"))
    process.accept("e1")
    down_for(process, KEPT + 1)
    after = process.crash()
    assert after.lines == ["POST alpha/key/e1"]


def test_a_backlog_that_came_while_nobody_ran_is_run_however_old():
    process = harness()
    process.accept("e1")
    down_for(process, LEASE / 1000 + 1)
    for name in ("e2", "e3"):
        process.world.publish(event(name, "bob0", time=process.clock.now), process.clock.now)
    down_for(process, KEPT * 10)
    after = process.crash()
    after.settle()
    assert after.outcomes("e1") == IN_DOUBT
    assert [after.outcomes(name) for name in ("e2", "e3")] == [DONE] * 2


def test_a_backlog_is_run_though_a_process_crashes_while_it_catches_up():
    process = harness()
    down_for(process, LEASE / 1000 + 1)
    for name in ("e1", "e2"):
        process.world.publish(event(name, "bob0", time=process.clock.now), process.clock.now)
    down_for(process, KEPT * 10)
    second = process.crash()
    assert second.lines == ["POST alpha/key/e1"]
    down_for(second, 10)
    third = second.crash()
    third.settle()
    assert [third.outcomes(name) for name in ("e1", "e2")] == [DONE] * 2


def test_no_event_is_begun_before_it_is_durable_that_it_may_be():
    process = harness(assigned=())
    process.committer.automatic = False
    process.assign(0, 1)
    process.accept("e1")
    process.advance(1.0)
    assert process.lines == []
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST alpha/key/e1"]


def test_a_promise_that_was_aborted_is_none():
    process = harness(assigned=())
    process.committer.automatic = False
    process.assign(0, 1)
    process.accept("e1")
    process.committer.finish("aborted")
    process.turn()
    assert process.lines == []
    process.give_metadata()
    process.advance(0.2)
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST alpha/key/e1"]


def test_after_a_long_rest_the_first_event_waits_for_a_promise_and_for_nothing_else():
    process = harness()
    process.advance(LEASE / 1000 + 5)
    process.committer.automatic = False
    process.accept("e1")
    assert process.lines == []
    assert process.committer.under_way is not None, "at once"
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST alpha/key/e1"]
    process.accept("e2", "bob0")
    assert process.lines == ["POST alpha/key/e1", "POST alpha/key/e2"], "the promise is far enough"


def test_what_waits_for_a_promise_that_is_under_way_asks_for_no_other_one():
    process = harness()
    process.advance(LEASE / 1000 + 5)
    process.committer.automatic = False
    process.accept("e1")
    begun = len(process.committer.seen)
    process.advance(OPTIONS.checkpoint_interval)  # many turns, in each of which the event is looked at
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST alpha/key/e1"]
    process.advance(OPTIONS.checkpoint_interval)
    assert len(process.committer.seen) == begun, "nothing else is to be made durable"


def test_the_order_is_kept_while_events_wait_for_a_promise():
    process = harness()
    process.advance(LEASE / 1000 + 5)
    process.committer.automatic = False
    for number in range(4):
        process.accept(f"e{number}")
    process.committer.finish()
    process.turn()
    process.committer.automatic = True
    process.settle(1.0)
    assert process.sent == [f"POST alpha/key/e{number}" for number in range(4)]


def test_after_an_orderly_end_nothing_is_suspected():
    process = harness()
    process.accept("e1")
    process.settle()
    process.loop.stop()
    process.advance(1.0)
    process.world.publish(event("e2", time=process.clock.now), process.clock.now)
    down_for(process, KEPT * 2)
    after = process.crash()
    after.settle()
    assert after.outcomes("e2") == DONE


def test_what_looks_before_is_told_that_an_earlier_try_may_have_arrived():
    process = harness("alpha.look")
    process.accept("e1")
    assert "doubtful=false" in process.call().signed.url
    after = process.crash()
    assert "doubtful=true" in after.call().signed.url


# what was parked, and replays


def woken(**more):
    """A chain whose second binding is called after it was parked."""
    process = harness(**more)
    process.accept("e1", "ann0", prompt_id="q")
    process.checkpoint()
    process.sync("ann0", email="a")
    process.answer("needs/e1/a")
    return process


def test_a_woken_chain_is_marked_before_it_calls_under_a_key():
    process = woken()
    process.committer.automatic = False
    process.advance(1.0)
    assert process.lines == []
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST beta/key/e1"]
    assert process.world.chain("app:e1").started.binding_id == "beta.key"


def test_a_woken_chain_that_crashed_looks_knowing_that_it_may_have_called():
    process = harness("alpha.needs", "beta.look")
    process.accept("e1", "ann0")
    process.checkpoint()
    process.sync("ann0", email="a")
    process.answer("needs/e1/a")
    process.answer("look/e1?doubtful=false", 404)
    process.advance(0.1)
    assert process.lines == ["POST beta/look/e1"]
    after = process.crash()
    after.advance(10.0)
    assert after.lines == ["GET beta/look/e1?doubtful=true"]


def test_a_woken_chain_that_had_not_called_when_it_crashed_is_in_no_doubt():
    process = harness("alpha.needs", "beta.look")
    process.accept("e1", "ann0")
    process.checkpoint()
    process.sync("ann0", email="a")
    process.answer("needs/e1/a")
    process.advance(0.2)
    assert process.lines == ["GET beta/look/e1?doubtful=false"]
    after = process.crash()
    after.advance(10.0)
    assert after.lines == ["GET beta/look/e1?doubtful=false"]


@pytest.mark.parametrize(("down", "ending"), [(KEPT + 1, "failed"), (KEPT - 100, "succeeded")])
def test_a_woken_chain_that_crashed_is_in_doubt_only_once_keys_are_forgotten(down, ending):
    process = woken()
    process.advance(0.1)
    sent = key(process.call("beta/key/e1"))
    down_for(process, down)
    after = process.crash()
    after.advance(10.0)
    if ending == "succeeded":
        assert key(after.call("beta/key/e1")) == sent
    after.settle(5.0)
    assert after.outcomes("e1")[-1][1] == ending


def test_a_chain_that_waited_long_and_never_called_is_not_in_doubt():
    process = harness()
    process.gate("alpha").circuit.open(process.clock.now, 1000.0)
    process.accept("e1")
    process.checkpoint()
    assert process.world.chain("app:e1").state == "parked"
    down_for(process, KEPT * 5)
    after = process.crash()
    after.settle(10.0)
    assert after.outcomes("e1") == DONE


def test_that_it_may_have_been_begun_survives_parking():
    process = harness()
    process.accept("e1")
    after = process.crash()
    after.answer(answer=503, headers={"Retry-After": "300"})
    after.checkpoint()
    assert after.world.chain("app:e1").begun_since == int(process.calls[0].at * 1000)
    down_for(after, KEPT + 1)
    last = after.crash()
    last.settle(10.0)
    assert last.outcomes("e1") == IN_DOUBT


@pytest.mark.parametrize(("down", "outcomes"), [(KEPT + 1, IN_DOUBT), (KEPT - 100, DONE)])
def test_a_replay_that_a_crash_cut_short_is_in_doubt_once_keys_are_forgotten(down, outcomes):
    process = harness()
    one = event("old", time=process.clock.now)
    origin = Origin(TOPICS.interactions, 0, 0, int(process.clock.now * 1000), b"app:ann0", CODEC.encode_event(one))
    process.replay(Replay("app", "ann0", "old", 1, origin, (), ("alpha.key",), False, "me", 0))
    assert process.lines == ["POST alpha/key/old"]
    down_for(process, down)
    after = process.crash()
    after.settle()
    assert after.outcomes("old") == outcomes
