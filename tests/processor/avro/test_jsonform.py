"""JSON forms: every error is named, everything is shown, and personal data can be left out."""

import orjson
import pytest

from processor.avro.jsonform import MASK, JsonFormError, attributes_from_json, event_from_json, masked, to_json
from processor.model.chain import Started
from processor.model.finished import Finished

FORM = {"event_id": "e1", "app_id": "demo", "user_id": "anna", "prompt_id": "stay", "interaction": "accept",
        "time": 1_760_000_000_000}
ATTRIBUTES = {"app_id": "demo", "user_id": "anna", "attributes": {"email_address": "anna@example.com"}, "time": 5}


def problems(read, form):
    with pytest.raises(JsonFormError) as caught:
        read(form)
    return {one.field: one for one in caught.value.problems}


def test_the_least_event_is_filled_with_defaults():
    event = event_from_json(FORM)
    assert event.user_id == "anna"
    assert (event.form, event.locale) == ({}, None)


def test_a_full_event_comes_back_from_its_json(event):
    assert event_from_json(orjson.loads(orjson.dumps(to_json(event)))) == event


def test_a_change_of_attributes_comes_back_from_its_json(change):
    assert attributes_from_json(orjson.loads(orjson.dumps(to_json(change)))) == change


def test_attributes_are_merged_unless_told_otherwise():
    assert attributes_from_json(ATTRIBUTES).mode == "merge"
    assert attributes_from_json({**ATTRIBUTES, "mode": "replace"}).mode == "replace"


def test_all_errors_are_told_at_once_with_what_is_allowed_and_meant():
    found = problems(event_from_json, {
        "event_id": "", "app_id": 5, "user_di": "anna", "prompt_id": "stay", "interaction": "acept",
        "time": "yesterday", "form": {"age": 40}, "goal_value": "9", "zzzz": 1,
    })
    assert set(found) == {"event_id", "app_id", "user_id", "user_di", "interaction", "time", "form.age", "goal_value",
                          "zzzz"}
    assert str(found["event_id"]) == "event_id: is empty; allowed: text of at least one character"
    assert str(found["app_id"]) == "app_id: is 5 (int); allowed: text"
    assert str(found["user_id"]) == "user_id: is missing; allowed: text"
    assert str(found["user_di"]) == "user_di: is no field; did you mean user_id?"
    assert found["interaction"].nearest == "accept"
    assert "secondary_accept" in found["interaction"].allowed
    assert "ISO 8601" in found["time"].allowed
    assert str(found["form.age"]) == "form.age: is int; allowed: text"
    assert "goal_value" in found["zzzz"].allowed


@pytest.mark.parametrize(("text", "milliseconds"), [
    ("1970-01-01T00:00:01Z", 1000), ("1970-01-01T01:00:00.001+01:00", 1), ("2026-01-31T12:00:00.123Z", 1769860800123),
])
def test_times_may_be_written_as_people_do(text, milliseconds):
    assert event_from_json({**FORM, "time": text}).time == milliseconds


@pytest.mark.parametrize("time", ["2026-01-31T12:00:00", True, 1.5, None, 2**63])
def test_a_time_that_could_mean_several_is_refused(time):
    assert set(problems(event_from_json, {**FORM, "time": time})) == {"time"}


@pytest.mark.parametrize("value", [None, True, 5, -(2**63), 0.5, "x", [], ["a"]])
def test_attributes_may_be_all_that_the_schema_allows(value):
    assert attributes_from_json({**ATTRIBUTES, "attributes": {"a": value}}).attributes == {"a": value}


@pytest.mark.parametrize("value", [{"b": 1}, [1], [None], 2**63, float("nan"), float("inf"), "\ud800", b"x"])
def test_attributes_that_avro_could_not_hold_are_refused(value):
    # A whole number above 64 bits would silently become a rounded one.
    found = problems(attributes_from_json, {**ATTRIBUTES, "attributes": {"a": value, "b": 1}})
    assert set(found) == {"attributes.a"}


def test_an_error_shows_no_personal_value():
    found = problems(attributes_from_json, {**ATTRIBUTES, "user_id": 4711, "attributes": "anna@example.com"})
    assert "4711" not in str(found["user_id"])
    assert "anna" not in str(found["attributes"])


@pytest.mark.parametrize("form", [None, [], "text", 5])
def test_a_form_that_is_no_object_is_refused(form):
    assert set(problems(event_from_json, form)) == {"PromptInteraction"}


def test_everything_embedded_is_shown_and_can_be_written_as_json(letter):
    shown = orjson.loads(orjson.dumps(to_json(letter)))
    assert shown["origin"]["key"] == "demo:anna"
    assert shown["origin"]["value"] == {"base64": "/wByYXc="}
    assert shown["origin"]["headers"] == [{"name": "trace", "value": "1"}, {"name": "trace", "value": None}]
    assert shown["event"]["form"] == {"reason": "zu teuer"}
    assert shown["failures"][0]["exchange"]["path"] == "/v1/subscriptions/sub_1"
    assert shown["failures"][1]["exchange"] is None
    assert shown["remaining"] == ["b1", "b2"]


def test_every_record_has_a_json_form(chain, result, change):
    for one in (chain, result, change, Finished(b"\xff" * 16, 5), Started("b1", "s", b"", 1)):
        assert list(orjson.loads(orjson.dumps(to_json(one)))) == list(type(one)._fields)


def test_personal_values_are_masked_wherever_they_are_embedded(letter):
    shown = masked(letter)
    text = orjson.dumps(shown).decode()
    for secret in ("anna", "zu teuer", "203.0.113.9", "cus_1", "/wByYXc="):
        assert secret not in text
    assert shown["user_id"] == MASK
    assert shown["attributes"] == {"stripe_id": MASK, "n": MASK}
    assert shown["event"]["form"] == {"reason": MASK}
    assert shown["origin"]["headers"] == [{"name": "trace", "value": MASK}, {"name": "trace", "value": None}]
    assert (shown["event_id"], shown["failures"][0]["message"]) == ("e1", "No such coupon")


def test_that_there_is_no_value_may_be_seen(event):
    shown = masked(event._replace(ip_address=None, user_id="", form={}))
    assert (shown["ip_address"], shown["user_id"], shown["form"]) == (None, "", {})
