import pytest

from benchmarks.table_beside import bytes_an_event, table_beside, users_a_second

STEPS = {"first_word": 0.5, "assigned": 0.75, "restored": 2.75, "events": 3.0, "ready": 3.0, "records": 50_000}
LATENCY = {"rate": 300.0, "missing": 0, "cores": 0.1, "generator": 0.03, "reader": 0.01, "others": 0.2,
           "added": {"p50": 60.0, "p99": 110.0, "p99.9": 120.0}, "called": {}}


def test_a_restore_is_measured_between_assignment_and_its_end():
    assert users_a_second(STEPS) == 25_000


def test_attributes_a_second_are_those_of_all_users():
    text = table_beside({"start": [{"users": 50_000, "attributes": 20, "runs": [STEPS]}]})[0]
    assert "| 25,000 | 500,000 |" in text


def test_bytes_an_event_leave_out_what_was_there_before():
    rows = [{"events": 100, "state_bytes": 5000}, {"events": 1100, "state_bytes": 35_000}]
    assert bytes_an_event(rows, "state_bytes") == pytest.approx(30)


def test_a_candidate_whose_vendor_wrote_nothing_down_has_no_figure_for_it():
    row = {"candidate": "ceiling", "load": "few", "checkpoint_ms": 0.0, "runs": [LATENCY]}
    line = table_beside({"latency": [row]})[0].splitlines()[-1]
    assert line == ("| ceiling | few | 300 | 60.0 | 110.0 / **110.0** / 110.0 | 120.0 | - | - | - | - "
                    "| 0.10, 0.03, 0.01, 0.20 | 0 |")
