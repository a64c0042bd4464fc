import pytest

from connectors.kit.moment import moment


@pytest.mark.parametrize(("value", "seconds"), [
    (1_800_000_000, 1_800_000_000), ("1800000000", 1_800_000_000), (1.5, 1.5),
    ("2027-01-15T08:00:00Z", 1_800_000_000), ("2027-01-15T00:00:00-08:00", 1_800_000_000),
    ("2027-01-15T08:00:00", 1_800_000_000), ("2027-01-15", 1_799_971_200),
])
def test_a_time_is_read_however_it_is_written(value, seconds):
    assert moment(value) == seconds


@pytest.mark.parametrize("value", [None, "", "soon", True, [], {}, "inf", float("nan"), 10**400])
def test_what_is_no_time_lies_before_everything(value):
    assert moment(value) == 0
