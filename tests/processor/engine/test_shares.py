"""Shares of a rate limit: never more than the limit together, something for everybody, the same from the same words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit import Limits
from processor.engine.circuit import CircuitPolicy
from processor.engine.gate import Gate
from processor.engine.shares import FLOOR, RISE_AFTER, STALE, Heard, Share, Sharing, Slots, share_of, shares
from processor.model.demand import Demand, Want

NOW = 1_800_000_000.0
KEY = ("shop", "stripe")
limits = st.floats(0.05, 500.0)
wants = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.floats(0.01, 1000.0), min_size=1, max_size=12)


@given(limits, wants)
def test_together_they_are_never_more_than_the_limit(limit, wanted):
    assert sum(one.rate for one in shares(limit, wanted).values()) <= limit * (1 + 1e-9)


@given(limits, wants)
def test_nothing_of_the_limit_lies_idle(limit, wanted):
    assert sum(one.rate for one in shares(limit, wanted).values()) == pytest.approx(limit)


@given(limits, wants)
def test_everybody_has_at_least_the_floor_or_turns(limit, wanted):
    for one in shares(limit, wanted).values():
        assert one.slots is not None or one.rate >= limit * FLOOR / len(wanted) * (1 - 1e-9)


@given(limits, wants)
def test_who_wants_little_gets_it_before_others_get_more(limit, wanted):
    given_ = shares(limit, wanted)
    if any(one.slots for one in given_.values()):
        return
    least = min(one.rate for one in given_.values())
    for name, want in wanted.items():
        assert given_[name].rate >= min(want, least) * (1 - 1e-9)


@given(limits, wants)
def test_the_order_in_which_words_were_heard_changes_nothing(limit, wanted):
    assert shares(limit, wanted) == shares(limit, dict(reversed(wanted.items())))


def test_a_busy_process_gets_what_a_quiet_one_leaves():
    given_ = shares(20.0, {"a": 100.0, "b": 1.0})
    assert given_["b"].rate == pytest.approx(2.5)
    assert given_["a"].rate == pytest.approx(17.5)


@given(st.floats(0.05, 9.9), st.integers(2, 30), st.floats(0.0, 10_000.0))
def test_turns_come_to_everybody_and_never_to_too_many_at_once(limit, processes, start):
    given_ = shares(limit, {f"p{number:02d}": 1.0 for number in range(processes)})
    slots = [one.slots for one in given_.values()]
    if None in slots:
        assert processes <= max(1.0, limit)
        return
    length, holders = slots[0].length, slots[0].holders
    index = slots[0].turn(start)
    assert sum(one.holds(index) for one in slots) == holders
    assert holders <= limit * length * (1 + 1e-9)
    around = range(index, index + -(-processes // holders) + 1)
    assert all(any(one.holds(number) for number in around) for one in slots)


def test_one_process_alone_has_no_turns_however_small_the_limit():
    assert shares(0.2, {"a": 5.0}) == {"a": Share(0.2)}


def word(process, at, calls, heard):
    heard.take(Demand(process, 0, (Want(*KEY, calls),) if calls else ()), at)


def test_the_last_word_of_a_process_counts_and_an_empty_one_takes_it_out():
    heard = Heard()
    word("a", NOW, 5.0, heard)
    word("a", NOW + 1, 7.0, heard)
    word("b", NOW + 1, 1.0, heard)
    assert heard.wants(KEY) == {"a": 7.0, "b": 1.0}
    word("b", NOW + 2, 0.0, heard)
    assert heard.wants(KEY) == {"a": 7.0}


def test_a_silent_process_is_dropped_by_the_words_of_others():
    heard = Heard()
    word("a", NOW, 5.0, heard)
    word("b", NOW + STALE, 5.0, heard)
    assert set(heard.wants(KEY)) == {"a", "b"}
    word("b", NOW + STALE + 1, 5.0, heard)
    assert set(heard.wants(KEY)) == {"b"}


def test_who_hears_nothing_drops_nobody():
    """A process that cannot read the topic must not believe that it is alone."""
    heard = Heard()
    word("a", NOW, 5.0, heard)
    word("b", NOW, 5.0, heard)
    assert set(heard.wants(KEY)) == {"a", "b"}


def test_old_words_that_are_read_at_the_start_do_not_bring_the_dead_back():
    heard = Heard()
    word("b", NOW, 5.0, heard)
    word("dead", NOW - 100, 5.0, heard)
    assert set(heard.wants(KEY)) == {"b"}


def test_a_newcomer_has_a_floor_until_it_is_heard_and_waits_where_turns_are_taken():
    assert share_of("new", 20.0, {"a": 5.0}) == Share(20.0 * FLOOR / 2)
    assert share_of("new", 1.0, {"a": 5.0}) == Share(0.0)


@pytest.fixture
def gate():
    return Gate(*KEY, Limits(rate=20.0), CircuitPolicy())


@pytest.fixture
def sharing(gate):
    return Sharing("a", {KEY: gate}, lambda _gate: None)


def test_a_process_speaks_once_a_second_while_it_calls_and_once_more_at_the_end(sharing, gate):
    assert sharing.turn(NOW) is None
    gate.wait(NOW)
    assert sharing.turn(NOW + 0.25).wants[0][:2] == KEY
    said = [sharing.turn(NOW + 0.25 * step) for step in range(2, 80)]
    told = [one for one in said if one is not None]
    assert len(told) in (10, 11)
    assert told[-1].wants == ()


def test_a_larger_share_waits_until_the_others_know_of_their_smaller_one(sharing, gate):
    gate.wait(NOW)
    sharing.heard.take(sharing.turn(NOW), NOW)
    sharing.turn(NOW)
    assert gate.bucket.share.rate == pytest.approx(20.0 * FLOOR)
    sharing.turn(NOW + RISE_AFTER / 2)
    assert gate.bucket.share.rate == pytest.approx(20.0 * FLOOR)
    sharing.turn(NOW + RISE_AFTER)
    assert gate.bucket.share == Share(20.0)


def test_a_smaller_share_holds_at_once(sharing, gate):
    word("a", NOW, 20.0, sharing.heard)
    sharing.turn(NOW)
    sharing.turn(NOW + RISE_AFTER)
    word("b", NOW + 1, 20.0, sharing.heard)
    sharing.turn(NOW + 1.25)
    assert gate.bucket.share.rate == pytest.approx(10.0)


def test_nothing_that_was_saved_comes_with_another_share(gate):
    gate.bucket.give(Share(0.5), NOW)
    gate.bucket.give(Share(20.0), NOW + 100)
    taken = 0
    while gate.bucket.wait(NOW + 100) == 0.0:
        taken += 1
    assert taken == 1


def test_in_turns_one_call_goes_out_in_each_turn_and_in_fewer_while_the_vendor_takes_less(gate):
    slots = Slots(1.0, 0, 3, 1)
    gate.bucket.give(Share(1 / 3, slots), NOW)

    def sent(until):
        now, at = NOW, []
        while now < until:
            wait = gate.bucket.wait(now)
            at += [now] if not wait else []
            now += wait or 0.01
        return at

    times = sent(NOW + 30)
    assert len(times) == 10
    assert all(slots.holds(slots.turn(one)) for one in times)
    gate.bucket.throttled()
    assert len(sent(NOW + 60)) in (5, 6)
