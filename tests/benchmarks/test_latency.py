from array import array

import pytest

from benchmarks.latency import Called, Seen, calls_of, figures, percentiles
from benchmarks.workload import EVENT, event, result, user


def seen(number: int, at: float, reference: str) -> Seen:
    """A result as a candidate writes it."""
    fields = EVENT.read(event(number, user(1)))
    return Seen(at, result(fields, 0, reference, 200, 0))


def test_percentiles_are_of_what_was_found_and_in_milliseconds():
    assert percentiles([one / 1000 for one in range(1000)]) == {"p50": 500.0, "p99": 990.0, "p99.9": 999.0}
    assert percentiles([0.004]) == {"p50": 4.0, "p99": 4.0, "p99.9": 4.0}
    assert percentiles([]) == {}


def test_a_call_came_before_the_vendor_wrote_it_down_by_what_it_took():
    assert dict(calls_of(["abc 1700000000.120 0.050\n"])) == {"abc": Called(pytest.approx(1_700_000_000.07), 0.05)}


def test_the_vendors_time_is_taken_off_and_the_call_is_measured_from_the_brokers_time():
    found = figures([seen(1, 10.2, "abc")], array("d", [0.0, 10.0]), {"abc": Called(1_700_000_000.003, 0.05)},
                    {1: 1_700_000_000_000}, 0)
    assert found["added"]["p50"] == pytest.approx(150)
    assert found["called"]["p50"] == pytest.approx(3)


def test_events_of_the_start_and_those_of_the_vendor_that_is_down_do_not_count():
    sent = array("d", [0.0, 1.0])
    assert figures([seen(0, 9.0, ""), seen(1, 1.5, ""), seen(2, 9.0, "")], sent, {}, {}, 1)["added"]["p99"] == 500.0


def test_without_a_vendor_that_writes_down_its_calls_only_the_whole_is_known():
    found = figures([seen(0, 0.5, "unknown")], array("d", [0.0]), {}, {0: 0}, 0)
    assert found["added"]["p50"] == 500.0
    assert found["called"] == {}
