"""Ctrl-C as commands hear it: the first is noted between two steps, the second ends."""

import signal

import pytest

from processor.cli.interrupts import ENDS, hearing, until_interrupted


@pytest.fixture(autouse=True)
def before():
    """What signals do outside of the blocks, so that a test that fails ends no test run."""
    kept, heard = {one: signal.getsignal(one) for one in ENDS}, []
    for one in ENDS:
        signal.signal(one, lambda number, _frame: heard.append(number))
    yield heard
    for one, handler in kept.items():
        signal.signal(one, handler)


def test_the_first_is_noted_and_told_and_the_second_ends_at_once(before):
    told = []
    with until_interrupted(lambda: told.append("stopping")) as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (told, before) == (["stopping"], [])


def test_sigterm_is_noted_where_that_is_asked_for_and_else_does_what_it_did(before):
    with until_interrupted() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert (stop(), before) == (False, [signal.SIGTERM])
    with until_interrupted(signals=ENDS) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert (stop(), before) == (True, [signal.SIGTERM])


def test_behind_the_block_signals_do_what_they_did_before_it(before):
    heard = []
    with hearing(lambda number, _frame: heard.append(number)):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert (heard, before) == ([signal.SIGTERM], [signal.SIGTERM, signal.SIGINT])
