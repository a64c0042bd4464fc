"""The store of late outcomes: bounded by number and age, each outcome once."""

import pytest

from console.activity.outcomes import OutcomeFilter, Outcomes, Record
from processor.model.outcome import ActionResult
from testkit.letters import CODEC, NOON

NOW = NOON / 1000


def result(event, **fields):
    return ActionResult(event, "shop", "anna", "offer", "accept", NOON - 2000, 0, "b", 0, "stripe", "apply_coupon",
                        "succeeded", "", "", "", "", "", "", 200, 1, NOON - 900, NOON - 500, "v1", -1, 0, {}, 1
                        )._replace(**fields)


def records(*results):
    return [Record(0, at, CODEC.encode_result(one)) for at, one in enumerate(results)]


@pytest.fixture
def outcomes(tmp_path):
    made = Outcomes(tmp_path, CODEC, most=3, age=60)
    yield made
    made.close()


def kept(outcomes):
    return [one.event for one in outcomes.newest(OutcomeFilter(), limit=100)]


def test_no_more_are_kept_than_asked_for(outcomes):
    outcomes.take(records(*(result(f"e{n}") for n in range(10))), {0: 10}, NOW)
    assert kept(outcomes) == ["e9", "e8", "e7"]
    assert outcomes.of_event("shop", "e0") == []
    assert [one.event_id for one in outcomes.of_event("shop", "e9")] == ["e9"]


def test_what_is_too_old_is_neither_taken_nor_kept(outcomes):
    outcomes.take(records(result("old", finished_at=NOON - 61_000), result("young")), {0: 2}, NOW)
    assert kept(outcomes) == ["young"]
    outcomes.take([], {}, NOW + 61)
    assert kept(outcomes) == []


def test_an_outcome_that_is_published_twice_is_shown_once_and_its_replay_besides(outcomes):
    apps = outcomes.take(records(result("e1"), result("e1"), result("e1", run=1)), {0: 3}, NOW)
    assert kept(outcomes) == ["e1", "e1"]
    assert apps == {"shop"}
    assert outcomes.take(records(result("e1")), {0: 4}, NOW) == set(), "nothing new"


def test_what_is_no_outcome_is_passed_over(outcomes):
    outcomes.take([Record(0, 0, b"nonsense"), Record(0, 1, None), *records(result("e1"))], {0: 3}, NOW)
    assert kept(outcomes) == ["e1"]


def test_reading_goes_on_where_it_ended_also_in_the_next_process(outcomes, tmp_path):
    outcomes.take(records(result("e1")), {0: 5, 3: 7}, NOW)
    outcomes.close()
    again = Outcomes(tmp_path, CODEC, most=3, age=60)
    assert again.positions() == {0: 5, 3: 7}
    assert kept(again) == ["e1"]
    again.close()


def test_ages_are_those_of_first_runs(outcomes):
    some = result("e1"), result("e2", event_time=NOON - 1500), result("e3", run=1, event_time=1)
    outcomes.take(records(*some), {}, NOW)
    assert outcomes.ages("shop", 0) == (2, 1500, 1500)
    assert outcomes.ages("other", 0) is None


def test_a_file_of_another_format_is_made_anew(outcomes, tmp_path, monkeypatch):
    outcomes.take(records(result("e1")), {0: 5}, NOW)
    outcomes.close()
    monkeypatch.setattr("console.activity.outcomes.FORM", "2")
    again = Outcomes(tmp_path, CODEC, most=3, age=60)
    assert again.positions() == {}
    again.close()
