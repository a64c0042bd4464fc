"""Timers: in order of time, then of their making; cancelled ones never."""

from hypothesis import given
from hypothesis import strategies as st

from processor.engine.timers import Timers


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30), st.integers(0, 25))
def test_what_is_due_runs_once_in_order_and_nothing_else(wanted, now):
    timers, ran = Timers(), []
    for number, (due, cancelled) in enumerate(wanted):
        timer = timers.at(float(due), ran.append, number)
        if cancelled:
            timer.cancel()
    alive = [(due, number) for number, (due, cancelled) in enumerate(wanted) if not cancelled]
    expected = [number for due, number in sorted(alive) if due <= now]
    assert timers.next_due() == min((due for due, _ in alive), default=float("inf"))
    assert timers.fire(float(now)) == len(expected)
    assert ran == expected
    assert timers.fire(float(now)) == 0
    timers.fire(1e9)
    assert sorted(ran) == sorted(number for _, number in alive)


def test_a_timer_may_set_another_that_is_due_at_once():
    timers, ran = Timers(), []
    timers.at(1.0, lambda _arg: timers.at(1.0, ran.append, "second"))
    timers.fire(1.0)
    assert ran == ["second"]


def test_a_timer_that_ran_may_be_cancelled():
    timers, ran = Timers(), []
    timer = timers.at(1.0, ran.append, 1)
    timers.fire(1.0)
    timer.cancel()
    assert ran == [1]
