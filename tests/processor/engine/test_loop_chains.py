"""How chains run through the loop: order of bindings, failures by who must act, waits, what broken code does."""

import pytest

from processor.engine.options import EngineOptions
from processor.engine.retry import RetryPolicy
from processor.engine.runner import outcome_id
from testkit.engine.harness import LOST, NOW, UNSENT, Harness
from testkit.engine.vendors import Bind, configuration, event
from testkit.engine.world import TOPICS


def harness(*chain, **more):
    options = more.pop("options", None)
    return Harness(configuration({"p": list(chain)}, **more), options=options)


def test_bindings_run_one_after_another_and_each_has_its_outcome():
    process = harness("alpha.key", "beta.harmless")
    process.accept("e1")
    assert process.lines == ["POST alpha/key/e1"]
    process.answer(json={"id": "coupon-7"})
    assert process.lines == ["PUT beta/harmless/e1"]
    process.answer()
    process.checkpoint()
    first, second = process.world.results("e1")
    assert (first.binding_id, first.outcome, first.reference, first.position) == (
        "alpha.key", "succeeded", "coupon-7", 0)
    assert (second.binding_id, second.outcome, second.position) == ("beta.harmless", "succeeded", 1)
    assert process.world.letters() == []
    assert process.world.committed[TOPICS.interactions, 0] == 1


def test_an_interaction_without_bindings_is_passed():
    process = harness("alpha.key")
    process.accept("e1", prompt_id="unknown")
    process.checkpoint()
    assert process.sent == []
    assert process.world.committed[TOPICS.interactions, 0] == 1
    assert process.balance.events_in == 0


def test_behind_a_failure_that_stops_the_rest_is_skipped():
    process = harness("alpha.key", "beta.key", "gamma.key")
    process.accept("e1")
    process.answer(answer=400, json={"why": "no such coupon"})
    process.checkpoint()
    assert process.outcomes("e1") == [
        ("alpha.key", "failed", "rejected"), ("beta.key", "skipped", ""), ("gamma.key", "skipped", "")]
    letter, = process.world.letters()
    assert list(letter.remaining) == ["alpha.key", "beta.key", "gamma.key"]
    assert letter.failures[0].exchange.status == 400
    assert "no such coupon" in letter.failures[0].exchange.response_body


def test_behind_a_failure_that_continues_the_rest_runs():
    process = harness(Bind("alpha.key", on_error="continue"), "beta.key")
    process.accept("e1")
    process.answer(answer=404)
    process.answer("beta/key/e1")
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "rejected"), ("beta.key", "succeeded", "")]
    letter, = process.world.letters()
    assert list(letter.remaining) == ["alpha.key"]
    assert [one.binding_id for one in letter.receipts] == ["beta.key"]


def test_what_is_too_old_expires_without_a_dead_letter():
    process = harness(Bind("alpha.key", max_age=60.0), "beta.key")
    process.publish(event("e1", time=NOW - 61))
    assert process.lines == ["POST beta/key/e1"]
    process.settle()
    assert process.outcomes("e1") == [("alpha.key", "expired", ""), ("beta.key", "succeeded", "")]
    assert process.world.letters() == []


def test_what_becomes_too_old_while_it_waits_for_a_retry_expires():
    process = harness(Bind("alpha.key", max_age=0.4), options=EngineOptions(partitions=2, retry=RetryPolicy(2.0)))
    process.accept("e1")
    process.answer(answer=503)
    process.advance(2.0)
    assert process.lines == []
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "expired", "")]


def test_an_instruction_ends_without_a_call():
    process = harness("alpha.instruct")
    process.accept("e1")
    process.checkpoint()
    result, = process.world.results("e1")
    assert (result.outcome, result.detail["instruction"]) == ("succeeded", "open_url")
    assert process.sent == []


# missing attributes


def test_a_chain_waits_for_attributes_and_is_woken_by_them():
    process = harness("alpha.needs")
    process.accept("e1")
    assert process.lines == []
    process.checkpoint()
    assert process.world.chain("app:e1").waiting_for == "attributes"
    assert process.world.committed[TOPICS.interactions, 0] == 1, "parked durably, so the offset moves on"
    process.sync("ann0", email="a@example.org")
    assert process.lines == ["PUT alpha/needs/e1/a@example.org"]
    process.settle()
    assert process.outcomes("e1") == [("alpha.needs", "succeeded", "")]
    assert process.world.chains() == {}


def test_attributes_of_another_user_wake_nobody():
    process = harness("alpha.needs")
    process.accept("e1", "ann0")
    process.sync("cat0", email="c@example.org")
    assert process.lines == []


def test_attributes_that_never_come_are_named_in_the_dead_letter_after_the_grace():
    process = harness("alpha.needs", options=EngineOptions(partitions=2, join_grace=30.0))
    process.accept("e1")
    process.advance(29.5)
    assert process.outcomes("e1") == []
    process.advance(1.0)
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.needs", "failed", "missing_attributes")]
    assert "email" in process.world.letters("e1")[0].failures[0].message


def test_a_chain_that_did_something_before_uses_the_attributes_that_it_waited_for():
    process = harness("beta.key", "alpha.needs")
    process.accept("e1")
    process.answer()
    process.sync("ann0", email="a@example.org")
    assert process.lines == ["PUT alpha/needs/e1/a@example.org"]


def test_a_form_input_never_comes_later():
    process = harness("alpha.asks")
    process.accept("e1")
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.asks", "failed", "missing_attributes")]
    process.accept("e2", form={"reason": "too dear"})
    assert process.lines == ["PUT alpha/harmless/e2"]


# calls that must not be repeated


def test_started_is_durable_before_a_call_that_must_not_be_repeated_goes_out():
    process = harness("alpha.never")
    process.checkpoint()
    process.committer.automatic = False
    process.accept("e1")
    process.advance(0.01)
    assert process.lines == [], "the checkpoint that holds the mark is under way"
    process.committer.finish()
    process.turn()
    call = process.call("never/e1")
    assert process.world.chain("app:e1").started.binding_id == "alpha.never"
    assert call.durable == len(process.world.records), "sent after the mark was durable"
    assert call.fresh, "no idle connection that may be closing"


def test_an_aborted_mark_sends_nothing_until_it_is_durable():
    process = harness("alpha.never")
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1")
    process.advance(0.01)
    process.committer.finish("aborted")
    process.turn()
    assert process.lines == []
    process.give_metadata()
    process.advance(0.2)
    process.committer.finish()
    process.turn()
    assert process.lines == ["POST alpha/never/e1"]


def test_a_lost_answer_to_what_must_not_be_repeated_is_in_doubt():
    process = harness("alpha.never")
    process.accept("e1")
    process.advance(0.1)
    process.answer(answer=LOST)
    process.advance(10.0)
    assert process.sent == ["POST alpha/never/e1"]
    assert process.outcomes("e1") == [("alpha.never", "failed", "in_doubt")]


@pytest.mark.parametrize("answer", [UNSENT, 503, 429])
def test_what_surely_did_not_happen_is_tried_again(answer):
    process = harness("alpha.never")
    process.accept("e1")
    process.advance(0.1)
    process.answer(answer=answer)
    process.advance(5.0)
    assert process.sent == ["POST alpha/never/e1"] * 2
    process.settle()
    assert process.outcomes("e1") == [("alpha.never", "succeeded", "")]


def test_a_refused_call_that_was_parked_is_not_in_doubt():
    process = harness("alpha.never")
    process.accept("e1")
    process.advance(0.1)
    process.answer(answer=503, headers={"retry-after": "60"})
    process.advance(1.0)
    assert process.world.chain("app:e1").waiting_for == "retry"
    process.advance(90.0)
    assert process.lines == ["POST alpha/never/e1"]
    process.settle()
    assert process.outcomes("e1") == [("alpha.never", "succeeded", "")]


def test_a_binding_that_says_retry_repeats_what_is_in_doubt():
    process = harness(Bind("alpha.never", in_doubt="retry"))
    process.accept("e1")
    process.answer(answer=LOST)
    process.advance(5.0)
    assert process.sent == ["POST alpha/never/e1"] * 2


def test_a_crash_after_the_mark_is_in_doubt_and_before_it_is_not():
    process = harness("alpha.never")
    process.advance(1.0)
    process.committer.automatic = False
    process.accept("e1")
    process.advance(0.01)
    after = process.crash()
    after.advance(0.2)
    assert after.lines == ["POST alpha/never/e1"], "the mark was never durable, so nothing was sent"
    again = after.crash()
    again.checkpoint()
    assert again.sent == []
    assert again.outcomes("e1") == [("alpha.never", "failed", "in_doubt")]


def test_a_second_effect_that_is_refused_waits_in_memory_for_the_first_cannot_be_undone():
    process = harness("alpha.twice")
    process.accept("e1")
    process.advance(0.1)
    process.answer("first/e1")
    process.advance(0.1)
    process.answer("second/e1", 503, headers={"retry-after": "60"})
    process.advance(90.0)
    assert process.sent == ["POST alpha/first/e1", "POST alpha/second/e1", "POST alpha/second/e1"]


# repeating


def test_a_keyed_call_is_repeated_with_the_same_key():
    process = harness("alpha.key")
    process.accept("e1")
    for answer in (LOST, 500, UNSENT):
        process.answer(answer=answer)
        process.advance(5.0)
    keys = {one.headers["Idempotency-Key"] for one in process.transport.sent}
    assert len(process.sent) == 4
    assert keys == {outcome_id("app", "e1", "alpha.key", 0) + ":post"}


def test_a_keyed_call_is_in_doubt_once_the_vendor_forgot_the_key():
    process = harness("alpha.key", options=EngineOptions(partitions=2, retry=RetryPolicy(0.5, 60.0, 8, 1e9)))
    process.accept("e1")
    process.answer(answer=LOST)
    for _ in range(60):
        process.advance(65.0)
        for call in list(process.calls):
            process.transport.answer(call, 503)
        process.turn()
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "in_doubt")]


def test_a_flow_that_looks_first_begins_anew_and_knows_that_it_may_have_done_it():
    process = harness("alpha.look")
    process.accept("e1")
    process.answer("look/e1?doubtful=false", 404)
    process.answer("POST alpha/look/e1", LOST)
    process.advance(2.0)
    process.answer("look/e1?doubtful=true", 200)
    process.checkpoint()
    result, = process.world.results("e1")
    assert (result.outcome, result.note) == ("succeeded", "already_done")


def test_a_call_is_given_up_only_when_attempts_and_time_are_used_up():
    process = harness("alpha.key", options=EngineOptions(partitions=2, retry=RetryPolicy(0.5, 4.0, 3, 60.0)))
    process.accept("e1")
    while process.clock.now < NOW + 59:
        for call in list(process.calls):
            process.transport.answer(call, 503)
        process.advance(1.0)
    assert process.outcomes("e1") == []
    assert len(process.sent) > 3
    process.advance(4.0)
    for call in list(process.calls):
        process.transport.answer(call, 503)
    process.turn()
    process.checkpoint()
    assert process.outcomes("e1") == [("alpha.key", "failed", "unavailable")]


@pytest.mark.parametrize(("action", "last", "reason"), [
    ("alpha.key", 400, "rejected"), ("alpha.never", LOST, "in_doubt"), ("alpha.key", 200, "")])
def test_the_try_that_ends_a_binding_is_counted_whatever_its_end(action, last, reason):
    process = harness(action)
    process.accept("e1")
    for seconds, answer in ((0.2, UNSENT), (5.0, last)):
        process.advance(seconds)
        process.advance(0.2)  # what must not be repeated is marked first
        process.answer(answer=answer)
    process.checkpoint()
    (result,) = process.world.results()
    assert (result.reason, result.attempts) == (reason, 2)
    assert [one.failures[0].attempts for one in process.world.letters()] == ([2] if reason else [])


def test_the_wish_of_the_vendor_is_obeyed_but_clamped():
    process = harness("alpha.key", options=EngineOptions(partitions=2, retry=RetryPolicy(retry_after_cap=100.0)))
    process.accept("e1")
    process.answer(answer=503, headers={"retry-after": "86400"})
    process.advance(99.0)
    assert process.lines == []
    process.advance(2.0)
    assert process.lines == ["POST alpha/key/e1"]


def test_a_rate_limit_costs_no_attempt_and_holds_the_whole_connector():
    process = harness("alpha.key")
    process.accept("e1")
    process.answer(answer=429, headers={"retry-after": "3"})
    process.accept("e2", "bob1")
    process.advance(2.5)
    assert process.lines == [], "nobody calls while the vendor wants a rest"
    process.advance(1.0)
    assert sorted(process.lines) == ["POST alpha/key/e1", "POST alpha/key/e2"]
    process.settle()
    assert [one.attempts for one in process.world.results()] == [1, 1]


def test_rate_limits_lengthen_in_a_row_only():
    process = harness("alpha.key")
    for name in ("e1", "e2"):
        process.accept(name)
        for _ in range(4):
            process.answer(answer=429)
            process.advance(5.0)
        process.answer()
    assert process.gate("alpha").throttles == 0
