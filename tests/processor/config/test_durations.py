"""Lengths of time are read as people write them, and nothing else is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.config.durations import UNITS, seconds, spoken


@given(st.integers(0, 10**9), st.sampled_from(sorted(UNITS)))
def test_whole_numbers_with_a_unit_mean_that_many_units(count, unit):
    assert seconds(f"{count}{unit}") == pytest.approx(count * UNITS[unit])


@given(st.integers(1, 10**9))
def test_what_is_spoken_is_read_back(count):
    assert seconds(spoken(float(count))) == count


@given(st.text())
def test_any_text_is_either_a_length_of_time_or_refused_with_examples(text):
    try:
        assert seconds(text) >= 0
    except ValueError as error:
        assert "90s" in str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 days", "1h30m", "1e3s", "٣s", "5S", "nan s", "inf s"])
def test_what_is_no_number_with_a_unit_is_refused(text):
    with pytest.raises(ValueError, match="no length of time"):
        seconds(text)
