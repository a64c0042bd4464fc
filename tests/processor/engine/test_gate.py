"""Gates: places, rates that adapt to 429s, and nobody else's trouble."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit import Limits
from processor.engine.circuit import CircuitPolicy
from processor.engine.gate import SHORTEST, Bucket, Gate

NOW = 1000.0


def gate(**limits):
    return Gate("app", "alpha", Limits(**limits), CircuitPolicy())


@given(st.floats(0.2, 50.0), st.lists(st.floats(0.0, 2.0), min_size=1, max_size=200), st.integers(0, 150),
       st.integers(1, 150))
def test_never_more_than_rate_and_burst_in_any_window(rate, gaps, start, length):
    bucket, now, taken = Bucket(rate), NOW, []
    for gap in gaps:
        now += gap
        while bucket.wait(now) == 0.0:
            taken.append(now)
    window = taken[start:start + length]
    if window:
        assert len(window) <= rate * (window[-1] - window[0]) + max(1.0, rate) + 1e-6


@given(st.floats(0.2, 50.0), st.floats(0.05, 1.0))
def test_after_the_wait_that_it_told_there_is_a_token(rate, factor):
    bucket = Bucket(rate)
    bucket.factor = factor
    while not (wait := bucket.wait(NOW)):
        pass
    assert wait <= SHORTEST / 1000 or bucket.wait(NOW + wait * 0.5) > 0  # all but a whole token was there
    assert bucket.wait(NOW + wait + 1e-6) == 0.0


def test_a_429_halves_the_rate_at_once_and_answers_bring_it_back_slowly():
    bucket = Bucket(100.0)
    bucket.throttled()
    assert bucket.factor == 0.5
    for _ in range(100):
        bucket.throttled()
    assert bucket.factor == 0.05
    bucket.passed()
    assert bucket.factor == pytest.approx(0.06)
    for _ in range(1000):
        bucket.passed()
    assert bucket.factor == 1.0


def test_a_429_takes_what_was_saved():
    bucket = Bucket(10.0)
    bucket.throttled()
    assert bucket.wait(NOW) > 0


def test_places_are_counted_and_full_means_waiting_for_an_end():
    one = gate(concurrency=2)
    assert one.wait(NOW) == one.wait(NOW) == 0.0
    assert one.wait(NOW) == float("inf")
    one.busy -= 1
    assert one.wait(NOW) == 0.0


def test_a_wish_for_rest_holds_all_calls_until_its_time():
    one = gate(concurrency=2)
    one.throttled_until = NOW + 3
    assert one.wait(NOW) == 3.0
    assert one.busy == 0
    assert one.wait(NOW + 3) == 0.0


def test_waiting_for_the_rate_takes_no_place():
    one = gate(rate=1.0)
    assert one.wait(NOW) == 0.0
    assert one.wait(NOW) > 0
    assert one.busy == 1


def test_other_limits_keep_what_is_in_flight_and_an_unchanged_rate_keeps_its_bucket():
    one = gate(rate=1.0, concurrency=1)
    one.wait(NOW)
    bucket = one.bucket
    one.limit(Limits(rate=1.0, concurrency=5))
    assert one.bucket is bucket
    assert (one.busy, one.concurrency) == (1, 5)
    one.limit(Limits(rate=0.0, concurrency=0))
    assert one.bucket is None
    assert one.wait(NOW) == 0.0
