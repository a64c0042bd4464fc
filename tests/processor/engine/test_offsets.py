"""Offsets: what is committed is never beyond the first message that is not finished."""

from hypothesis import given
from hypothesis import strategies as st

from processor.engine.offsets import CHAIN, EXPORTS, OffsetTracker, place


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["skip", "chain", "exports", "both"])), max_size=30),
    st.data(),
)
def test_committable_is_always_the_lowest_unfinished(messages, data):
    """In any order of completion, with gaps (compaction), skipped messages and two parts an offset."""
    tracker, offset = OffsetTracker(5), 5
    unfinished, last = [], 5
    for gap, kind in messages:
        offset += gap
        tracker.skip(offset)
        parts = {"skip": (), "chain": (CHAIN,), "exports": (EXPORTS,), "both": (CHAIN, EXPORTS)}[kind]
        for part in parts:
            tracker.begin(place(offset, part))
            unfinished.append(place(offset, part))
        last = offset + 1
        while unfinished and data.draw(st.booleans()):
            one = data.draw(st.sampled_from(unfinished))
            tracker.finish(one)
            unfinished.remove(one)
        expected = min(unfinished) >> 1 if unfinished else last
        assert tracker.committable == expected
        assert tracker.unfinished == len(unfinished)
        assert tracker.next == last


def test_an_offset_waits_for_both_its_parts():
    tracker = OffsetTracker(0)
    tracker.begin(place(0, CHAIN))
    tracker.begin(place(0, EXPORTS))
    tracker.finish(place(0, EXPORTS))
    assert tracker.committable == 0
    tracker.finish(place(0, CHAIN))
    assert tracker.committable == 1


def test_a_message_skipped_behind_an_unfinished_one_does_not_move_the_offset():
    tracker = OffsetTracker(0)
    tracker.begin(place(0))
    tracker.skip(1)
    assert tracker.committable == 0
    tracker.finish(place(0))
    assert tracker.committable == 2


def test_skipping_what_lies_behind_changes_nothing():
    tracker = OffsetTracker(10)
    tracker.skip(3)
    assert tracker.committable == 10
