"""A full gate: who is sent away, who is not, and what a new owner makes of those who were."""

from connectors.kit.connector import Limits
from processor.engine.options import EngineOptions
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration, event

OPTIONS = EngineOptions(partitions=2, max_in_flight=80)
FULL = OPTIONS.max_in_flight // 4
"""Calls of one slow gate beyond which others are sent away."""


def harness(**more):
    return Harness(configuration({"p": ["alpha.key"], "q": ["beta.key"]}, limits=Limits(concurrency=5)),
                   options=OPTIONS, **more)


def crowd(process, count, prompt="p"):
    now = process.clock.now
    process.publish(*(event(f"{prompt}{number:03d}", f"{prompt}{number}", prompt, now) for number in range(count)))


def test_a_burst_is_no_crowd():
    process = harness()
    crowd(process, FULL * 3)
    assert process.balance.parked == 0
    process.settle()
    assert process.balance.finished == FULL * 3


def test_who_comes_to_a_full_gate_of_a_slow_vendor_is_parked_and_comes_when_there_is_room():
    process = harness()
    crowd(process, FULL + 5)
    process.advance(2.0)
    crowd(process, FULL, "q")
    assert len([one for one in process.lines if "beta" in one]) == 5, "the other vendor is called at once"
    process.accept("late", "cat1")
    process.advance(2.0)
    process.accept("later", "dog1")
    assert process.balance.parked >= 1
    process.settle(5.0)
    assert process.balance.parked == process.balance.in_flight == 0
    assert {one.attempts for one in process.world.results()} == {1}


def test_a_long_wish_for_rest_empties_the_gate():
    process = harness()
    crowd(process, FULL)
    process.answer("p000", 429, headers={"retry-after": "60"})
    assert process.balance.parked == FULL - 4, "all but those that are out already"
    process.accept("late", "cat1")
    assert process.balance.parked == FULL - 3
    process.advance(50)
    assert len(process.lines) == 4
    process.settle(30)
    assert process.balance.finished == FULL + 1


def test_a_wish_for_rest_is_obeyed_by_a_new_owner_too():
    process = harness()
    crowd(process, FULL)
    process.answer("p000", 429, headers={"retry-after": "60"})
    for call in list(process.calls):
        process.transport.answer(call, 200)
    process.checkpoint()
    heir = process.crash()
    heir.advance(50)
    assert heir.sent == []
    heir.advance(15)
    assert 1 <= len(heir.lines) <= 5
    heir.settle(10)
    assert heir.balance.parked == heir.balance.in_flight == 0


def test_exports_obey_a_wish_for_rest_and_leave_memory_meanwhile():
    process = Harness(configuration({"p": []}, exports=["alpha"]), options=OPTIONS)
    crowd(process, 30)
    process.advance(5)
    for call in list(process.calls):
        process.transport.answer(call, 429, headers={"retry-after": "60"})
    process.turn()
    process.checkpoint()
    assert process.balance.parked == 30
    crowd(process, 40, "q")
    process.advance(40)
    assert process.lines == []
    assert process.balance.in_flight == 0
    process.settle(40)
    assert {one.attempts for one in process.world.results()} == {1}


def test_a_first_short_rest_makes_no_crowd_of_those_who_came_meanwhile():
    """They would be parked, and their users' later events behind them, for a second's rest."""
    process = harness()
    crowd(process, FULL + 5)
    process.answer("p000", 429, headers={"retry-after": "1"})
    process.advance(1.5)
    process.accept("late", "cat1")
    assert process.balance.parked == 0
    process.advance(2.0)
    process.accept("later", "dog1")
    assert process.balance.parked >= 1, "by now it is known to be slow"


def test_a_backlog_is_worked_off_as_fast_as_the_vendor_answers():
    process = Harness(configuration({"p": ["alpha.key"]}, limits=Limits(concurrency=10)),
                      options=EngineOptions(partitions=2, max_in_flight=4000))
    crowd(process, 600)
    process.answer("p000", 429, headers={"retry-after": "60"})
    parked = process.balance.parked
    gate, = process.engine.plans.gates.values()
    gate.throttled_until, gate.draining = 0.0, False
    for _ in range(5000):
        gate.answered(process.clock.now)
    process.engine.parking.recovered(gate)
    assert parked - process.balance.parked == 250, "what it answers in a twentieth of a second"
