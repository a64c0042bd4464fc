"""Circuits: what opens one, how it probes, what closes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.engine.circuit import Circuit, CircuitPolicy

POLICY = CircuitPolicy(window=30.0, minimum=4, share=0.5, pause=5.0, longest_pause=15.0)
NOW = 1000.0


def opened(now=NOW):
    circuit = Circuit(POLICY)
    circuit.open(now)
    return circuit


@given(st.lists(st.booleans(), max_size=40))
def test_it_opens_with_the_first_failure_that_makes_the_share_and_never_before(answers):
    circuit, ok, failed = Circuit(POLICY), 0, 0
    circuit._half_start = NOW
    for good in answers:
        ok, failed = ok + good, failed + (not good)
        opens = circuit.succeeded(NOW) if good else circuit.failed(NOW)
        expected = not good and ok + failed >= 4 and failed >= 0.5 * (ok + failed)
        assert opens is expected
        assert circuit.closed is not expected
        if opens:
            return


def test_old_failures_are_forgotten():
    circuit = Circuit(POLICY)
    for number in range(3):
        assert not circuit.failed(NOW + number)
    assert not circuit.failed(NOW + 100)
    assert circuit.closed


def test_failures_of_the_half_before_still_count():
    circuit = Circuit(POLICY)
    for _ in range(3):
        circuit.failed(NOW)
    assert circuit.failed(NOW + 16)


def test_one_probe_goes_out_after_the_pause():
    circuit = opened()
    assert not circuit.admits(NOW + 4.9)
    assert circuit.admits(NOW + 5.0)
    assert not circuit.admits(NOW + 5.0), "one probe is under way"


def test_each_failed_probe_doubles_the_pause_up_to_the_longest():
    circuit, now, pauses = opened(), NOW, []
    for _ in range(4):
        pauses.append(circuit.reopens_at - now)
        now = circuit.reopens_at
        assert circuit.admits(now)
        assert circuit.failed(now) is False
    assert pauses == [5.0, 10.0, 15.0, 15.0]


def test_failures_of_calls_sent_before_it_opened_change_nothing():
    circuit = opened()
    for _ in range(50):
        circuit.failed(NOW + 1)
    assert circuit.reopens_at == NOW + 5.0


def test_a_probe_that_passes_closes_it_and_begins_all_counts_anew():
    circuit = opened()
    circuit.admits(NOW + 5)
    assert circuit.succeeded(NOW + 6)
    assert circuit.closed
    assert circuit.admits(NOW + 6)
    assert not any(circuit.failed(NOW + 6) for _ in range(3))
    assert circuit.failed(NOW + 6)
    assert circuit.reopens_at == NOW + 11, "the pause is the first one again"


@pytest.mark.parametrize("pause", [None, 0.0, 30.0])
def test_it_can_be_opened_whatever_the_counts_say(pause):
    circuit = Circuit(POLICY)
    assert circuit.open(NOW, pause)
    assert circuit.reopens_at == NOW + (5.0 if pause is None else pause)
    assert circuit.opened_at == NOW
