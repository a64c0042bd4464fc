"""Retries: how long until the next, and when it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine.retry import RetryPolicy

CHANCES = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), CHANCES)
def test_the_delay_lies_within_the_doubling_span_and_the_cap(attempts, chance):
    policy = RetryPolicy(base=0.5, cap=60.0)
    delay = policy.delay(attempts, chance)
    assert 0 <= delay <= min(60.0, 0.5 * 2.0 ** min(attempts - 1, 40))


def test_the_whole_span_is_drawn_from():
    policy = RetryPolicy(base=1.0, cap=60.0)
    assert policy.delay(4, 0.0) == 0.0
    assert policy.delay(4, 0.5) == 4.0


@given(st.integers(1, 100), CHANCES, st.floats(0, 1e9))
def test_the_vendors_wish_is_a_lower_bound_up_to_its_cap(attempts, chance, wish):
    policy = RetryPolicy(base=0.5, cap=60.0, retry_after_cap=300.0)
    delay = policy.delay(attempts, chance, wish)
    assert min(wish, 300.0) <= delay <= max(60.0, min(wish, 300.0)) + 0.5


@pytest.mark.parametrize(("attempts", "since", "enough"), [
    (8, 3600.0, True), (80, 3599.9, False), (7, 1e9, False), (9, 3601.0, True), (0, 0.0, False),
])
def test_it_is_enough_only_when_both_limits_are_used_up(attempts, since, enough):
    assert RetryPolicy(max_attempts=8, max_time=3600.0).exhausted(attempts, since) is enough
