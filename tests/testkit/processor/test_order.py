"""The judge of order: it excuses one case after a takeover, told by all of its signs, and nothing beside it."""

import pytest

from processor.engine.runner import outcome_id
from testkit.processor import apps, expected, order
from testkit.processor.doubts import Blow
from testkit.vendors.client import SeenRequest

LOAD = expected.Load({}, [
    apps.event(0, "ann", "coupon", "decline", time=0, app="beta"),
    apps.event(1, "ann", "coupon", "decline", time=0, app="beta"),
    apps.event(2, "bob", "coupon", "decline", time=0, app="beta"),
])
"""Of each event binding `a` may be repeated and stops the chain where it fails; `b` is called once only."""
REFUSED = "inner_error"


def seen(*calls):
    """Calls in the order in which the vendor got them: `"one 0a"` is process, event, binding; a fault may follow."""
    by_outcome = {}
    for number, call in enumerate(calls, 1):
        process, where, fault = (*call.split(), "")[:3]
        mark = outcome_id("beta", f"e{int(where[0]):05d}", where[1], 0)
        by_outcome.setdefault(mark, []).append(SeenRequest(
            number, "custom_api", "POST", "/", "", {"user-agent": process}, b"", float(number), 200, fault))
    return expected.Calls(by_outcome, ())


def disorder(*calls, killed=True, blows=()):
    return order.disorder(LOAD, seen(*calls), killed=killed, blows=blows)


TAKEN_OVER = (f"one 0a {REFUSED}", "one 1a", "two 0a", "two 0b", "two 1a", "two 1b")
"""Event 0 was refused for the first process, which called event 1; the second was told otherwise."""


@pytest.mark.parametrize("killed", [False, True])
def test_calls_in_order_are_no_disorder(killed):
    assert disorder("one 0a", "one 2a", "one 0b", "one 2b", "one 1a", "one 1b", killed=killed) == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_call_behind_a_later_event_of_its_user_is_told(killed):
    assert disorder("one 1a", "one 0a", killed=killed) == [
        "custom_api: event 0 of beta:ann was called by one after 1 by one"]


def test_what_an_heir_begins_anew_is_no_disorder():
    assert disorder("one 0a", "one 0b", "one 1a", "two 0a", "two 1a", "two 1b") == []


def test_a_binding_is_late_where_only_the_heir_was_not_refused_before_it():
    assert disorder(*TAKEN_OVER) == []
    assert disorder(f"one 0a {REFUSED}", f"one 1a {REFUSED}", f"two 0a {REFUSED}", "three 0a answer", "three 0a",
                    "three 0b delay", "three 1a") == [], "an heir that comes later may be told otherwise too"


@pytest.mark.parametrize("calls", [
    (f"one 0a {REFUSED}", "one 1a", "two 0b", "two 1a"),
    (f"one 0a {REFUSED}", "one 1a", f"two 0a {REFUSED}", "two 0b", "two 1a"),
    (f"one 0a {REFUSED}", "one 1a", "two 0b", "two 0a", "two 1a"),
], ids=["it was not asked again", "it was refused again", "it was asked again afterwards"])
def test_a_late_binding_is_told_unless_another_answer_came_before_it(calls):
    assert disorder(*calls)


@pytest.mark.parametrize("calls", [
    ("one 0a", "one 1a", "two 0a", "two 0b"),
    ("one 0a answer", "one 1a", "two 0a", "two 0b"),
    (f"one 0a {REFUSED}", "one 0a", "one 1a", "two 0a", "two 0b"),
    (f"two 0a {REFUSED}", "one 1a", "three 0a", "three 0b"),
    ("one 0a answer", "one 1a", f"one 0a {REFUSED}", "two 0a", "two 0b"),
], ids=["a success", "a failure that is tried again", "no refusal at last", "refused for another", "refused later"])
def test_a_late_binding_is_told_unless_the_process_that_went_on_had_been_refused(calls):
    assert disorder(*calls)


@pytest.mark.parametrize(("blows", "excused"), [
    ((), False), ((Blow("one", 2.5, 2.5),), True), ((Blow("two", 2.5, 2.5),), False),
    ((Blow("one", 1.2, 1.8), Blow("one", 3.5, 9.0)), False), ((Blow("one", 1.5, 2.5),), True),
], ids=["none", "between", "of another", "before and after", "while the later event was called"])
def test_one_process_alone_has_an_excuse_only_where_it_began_anew(blows, excused):
    found = disorder(f"one 0a {REFUSED}", "one 1a", "one 0a", "one 0b", blows=blows)
    assert (found == []) is excused


def test_without_a_kill_there_is_no_excuse():
    assert disorder(*TAKEN_OVER, killed=False)


def test_behind_a_call_that_is_never_repeated_there_is_no_excuse():
    """It is sent when the end of all before it is durable."""
    assert disorder(f"one 0a {REFUSED}", "one 1a", "one 1b", "two 0a", "two 0b")


def test_the_order_of_an_heir_is_judged_though_its_calls_are_no_first_ones():
    assert disorder("one 0a", "one 0b", "one 1a", "two 1a", "two 0a") == [
        "custom_api: event 0 of beta:ann was called by two after 1 by two"]
