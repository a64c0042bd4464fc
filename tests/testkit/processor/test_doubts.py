"""Each `in_doubt` must have a reason; what has none is told."""

import pytest

from connectors.kit.event import Event
from processor.engine.runner import outcome_id
from processor.model.outcome import ActionResult
from testkit.processor.doubts import A_BLOW, AFTERWARDS, LATE, REACH, Blow, explain
from testkit.vendors.client import SeenRequest

AT = 1_800_000_000.0
KEY = ("alpha", "e1", "a")


def doubt(event_id="e1", code="started", told=AT + 5):
    event = Event(event_id, "alpha", "u", "p", "accept", int(AT * 1000))
    return ActionResult(
        event.event_id, event.app_id, event.user_id, "p", "accept", event.time, 0, "a", 0, "custom_api", "call_api",
        "failed", "", "in_doubt", code, "", "", "", 0, 1, 0, int(told * 1000), "v1", -1, 0, {}, 1)


def call(name="p1-1", status=200, fault="", at=AT):
    return SeenRequest(1, "custom_api", "POST", "/once/e1", "", {"user-agent": name}, b"", at, status, fault)


def seen(*requests):
    return {outcome_id(*KEY, 0): requests}


def test_without_blows_and_faults_nothing_may_be_in_doubt():
    assert explain([doubt()], seen(call()), []).unexplained
    assert explain([doubt()], {}, []).unexplained


def test_a_fault_that_hid_the_answer_is_a_reason():
    found = explain([doubt(code="answer")], seen(call(status=0, fault="reset")), [])
    assert (found.by_fault, found.unexplained) == (1, [])


def test_a_refusal_is_none():
    assert explain([doubt()], seen(call(status=503, fault="answer")), []).unexplained


@pytest.mark.parametrize(("at", "until", "explained"), [
    (AT + 0.1, AT + 0.1, True), (AT + REACH - 1, AT + REACH, True), (AT + REACH + 1, AT + REACH + 1, False),
    (AT - LATE - 1, AT - LATE - 0.5, False), (AT - 1, AT - 0.5, True), (AT - 1, AT + 1, True),
])
def test_a_blow_is_a_reason_while_the_call_was_in_flight_or_its_end_not_durable(at, until, explained):
    """And a busy vendor may come to hear of a call after its process was killed."""
    found = explain([doubt()], seen(call()), [Blow("p1-1", at, until)])
    assert (not found.unexplained) is explained
    assert found.by_blow == explained


def test_a_blow_to_another_process_is_none():
    assert explain([doubt()], seen(call()), [Blow("p2-1", AT + 0.1, AT + 0.1)]).unexplained


def test_a_call_that_was_never_sent_needs_a_blow_before_it_was_told():
    blow = Blow("p1-1", AT, AT)
    assert explain([doubt()], {}, [blow]).never_sent == 1
    assert not explain([doubt()], {}, [blow]).unexplained
    assert explain([doubt(told=AT - 1)], {}, [blow]).unexplained
    assert explain([doubt(told=AT + AFTERWARDS + 1)], {}, [blow]).unexplained


def test_one_blow_explains_no_more_than_what_can_have_been_between_mark_and_call():
    many = [doubt(f"e{number}") for number in range(A_BLOW + 1)]
    assert explain(many, {}, [Blow("p1-1", AT, AT)]).unexplained
    assert not explain(many, {}, [Blow("p1-1", AT, AT), Blow("p2-1", AT, AT)]).unexplained


def test_other_outcomes_need_no_reason():
    done = doubt()._replace(outcome="succeeded", reason="")
    assert explain([done], seen(call()), []) == (0, 0, 0, [])
