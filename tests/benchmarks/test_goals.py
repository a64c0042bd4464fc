from typing import Any

import pytest

from benchmarks.goals import goals, table_of_goals


def results(case: str, **medians: float) -> dict[str, Any]:
    """A run of one case: events a second by candidate, three rounds around the median."""
    candidates = {
        name: [{"events_per_second": one, "cpu_us": 1e6 / one, "rss_mb": 100.0, "results": 10, "succeeded": 10}
               for one in (value / 2, value, value * 3)]
        for name, value in medians.items()}
    return {"cases": {case: {"candidates": candidates}}}


def measured(given: dict[str, Any]) -> dict[str, tuple[float, bool]]:
    return {one.what: (round(one.measured, 2), one.reached) for one in goals(given)}


def test_a_ratio_is_one_of_medians_and_says_whether_it_suffices():
    found = measured(results("A", **{"ceiling": 20_000, "processor, exactly_once": 13_000}))
    assert found["A: events/s to the ceiling's"] == (0.65, False)
    assert found["A: the ceiling's CPU an event to ours"] == (0.65, False)
    assert measured(results("C", **{"ceiling": 100, "processor, exactly_once": 80})) == {
        "C: calls/s to the ceiling's": (0.8, True)}


def test_the_best_of_the_usual_ways_is_what_counts():
    given = {"processor, exactly_once": 14_000.0, "Quix Streams": 1000.0, "Faust with aiohttp": 2500.0}
    assert measured(results("A", **given))["A: events/s to the best usual way"] == (5.6, False)


def test_what_was_not_measured_has_no_row():
    assert goals(results("A", ceiling=20_000)) == []
    assert table_of_goals({"cases": {}}) == []


def test_two_processes_stand_beside_the_best_of_parallel_consumer():
    given = results("A", **{"processor, exactly_once, 2 processes": 20_000, "Parallel Consumer": 10_000,
                            "Parallel Consumer, core, 16 threads": 2500})
    assert measured(given) == {
        "A: events/s of two processes to Parallel Consumer's": (2.0, True),
        "A: CPU an event of two processes to Parallel Consumer's": (0.5, True),
        "A: memory of two processes to Parallel Consumer's": (1.0, False),
    }


@pytest.mark.parametrize(("p99", "reached"), [(299.0, True), (301.0, False)])
def test_what_is_added_is_measured_in_intervals_between_checkpoints(p99: float, reached: bool):
    runs = [{"added": {"p99": p99}, "called": {}}] * 3
    row = {"candidate": "processor, exactly_once", "load": "half of the maximum", "checkpoint_ms": 100.0, "runs": runs}
    assert measured({"cases": {}, "latency": [row]}) == {"added at half of the maximum, p99, ms": (p99, reached)}


def test_in_the_published_case_the_faster_of_theirs_is_beside_ours_for_each_number_of_keys():
    rows = [{"keys": 10, "candidate": name, "runs": [{"seconds": seconds}]} for name, seconds in (
        ("processor, exactly_once", 4.0), ("Parallel Consumer", 5.0), ("Parallel Consumer, core, 16 threads", 3.0))]
    assert measured({"cases": {}, "H": rows}) == {
        "H: seconds of Parallel Consumer to ours, 10 keys": (0.75, False)}


def test_the_table_says_no_where_a_goal_is_missed():
    rows = {"users": 0, "attributes": 0, "runs": [{"ready": 2.0}]}
    assert "| start with nothing to restore, s | at most 1.50 | 2.00 | **no** |" in table_of_goals(
        {"cases": {}, "start": [rows]})[0]
