"""Names and properties of interactions, as vendors are told them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.kit import Call, NoParams, Rejected, Settings
from connectors.kit.event import EXPORT_INTERACTIONS
from connectors.kit.prompt import EVENT_NAMES, EventParams, Texts, event_name, filled, iso_time, prompt_properties
from testkit import flows


def test_every_interaction_that_can_be_exported_has_a_name_of_its_own():
    assert set(EVENT_NAMES) == set(EXPORT_INTERACTIONS)
    assert len(set(EVENT_NAMES.values())) == len(EVENT_NAMES)


@pytest.mark.parametrize(("interaction", "chosen", "name"), [
    ("accept", "", "Recurly Engage Prompt Click"), ("accept", "Saved", "Saved"),
    ("something_new", "", "Recurly Engage Prompt something_new"),
])
def test_a_chosen_name_goes_before_the_interactions_own(interaction, chosen, name):
    assert event_name(flows.event(interaction=interaction), chosen) == name


def test_times_are_utc_with_milliseconds():
    assert iso_time(flows.event(time=1_800_000_000_007)) == "2027-01-15T08:00:00.007Z"
    assert iso_time(flows.event(time=1_800_000_000_000)) == "2027-01-15T08:00:00.000Z"


def test_properties_name_prompt_variation_and_time_and_leave_out_what_is_absent():
    assert prompt_properties(flows.event(variant_id="v-1")) == {
        "promo_id": "p-1", "promo_name": "Stay with us", "variation_id": "v-1",
        "event_timestamp": "2027-01-15T07:59:59.000Z",
    }


def fill(texts, attributes=None, **event):
    call = Call(flows.event(**event), attributes or {}, NoParams(), Settings(), now=flows.NOW, outcome_id=flows.OUTCOME)
    return filled(call, texts)


@pytest.mark.parametrize(("text", "value"), [
    ("20% off", "20% off"), ("%seats%", 3), ("Hi %first_name%, %prompt_id%", "Hi Ann, p-1"),
    ("%promoInput1Value%", "x"),
    ("%user_id%/%activity%", "u-1/accept"), ("%outcome_id%", flows.OUTCOME), ("%plans%", ["a", "b"]), ("%zero%", 0),
])
def test_values_are_filled_from_form_event_and_attributes(text, value):
    attributes = {"seats": 3, "first_name": "Ann", "plans": ["a", "b"], "zero": 0}
    assert fill({"field": text}, attributes, form={"promoInput1Value": " x "}) == {"field": value}


@pytest.mark.parametrize("text", ["%gone%", "Hi %gone%", "%none%", "%empty%", "%promoInput1Value%"])
def test_a_value_whose_placeholder_stands_for_nothing_is_left_out(text):
    attributes = {"none": None, "empty": ""}
    assert fill({"field": text, "other": "x"}, attributes, form={"promoInput1Value": " "}) == {"other": "x"}


def test_nothing_that_was_filled_in_is_read_as_a_placeholder():
    assert fill({"field": "%name%"}, {"name": "%secret%", "secret": "s"}) == {"field": "%secret%"}


def test_what_was_typed_goes_before_attributes_of_the_same_name_and_is_kept_sound():
    assert fill({"field": "%city%"}, {"city": "Oslo"}, form={"city": "Rome"}) == {"field": "Rome"}
    assert fill({"field": "%user_id%"}, {"user_id": "a"}, form={"user_id": "b"}) == {"field": "u-1"}
    with pytest.raises(Rejected):
        fill({"field": "%city%"}, form={"city": "x" * 70_000})


def test_ambiguous_percent_signs_are_refused_when_saved():
    with pytest.raises(ValidationError):
        TypeAdapter(Texts).validate_python({"field": "%dead%41"})


def test_the_goal_that_was_reached_can_be_told():
    texts = {"goal": "%goal_name%", "value": "%goal_value%", "id": "%goal_id%"}
    assert fill(texts, {"goal_id": "theirs"}, goal_name="Stayed", goal_value=9.5) == {
        "goal": "Stayed", "value": 9.5, "id": "theirs",
    }


@pytest.mark.parametrize(("params", "name"), [
    ({}, ""), ({"event_name": "Prompt"}, "Prompt"), ({"event_names": {"accept": "Saved"}}, "Saved"),
    ({"event_name": "Prompt", "event_names": {"accept": "Saved"}}, "Saved"),
    ({"event_name": "Prompt", "event_names": {"decline": "Lost", "accept": ""}}, "Prompt"),
])
def test_events_are_named_by_interaction_else_all_alike(params, name):
    assert EventParams(**params).chosen(flows.event(interaction="accept")) == name


def test_all_chosen_names_can_be_looked_at():
    chosen = EventParams(event_name="a", event_names={"accept": "b", "decline": ""})
    assert chosen.all_names == ("a", "b")


def test_properties_get_the_names_that_were_chosen_and_go_where_the_name_is_empty():
    params = EventParams(property_names={"promo_id": "campaign", "promo_name": ""})
    assert params.renamed({"promo_id": "p", "promo_name": "P", "variation_id": "v"}) == {
        "campaign": "p", "variation_id": "v",
    }
    assert EventParams().renamed({"promo_id": "p"}) == {"promo_id": "p"}


@pytest.mark.parametrize(("params", "place"), [
    ({"event_names": {"click": "x"}}, "event_names"), ({"property_names": {"promo": "x"}}, "property_names"),
])
def test_interactions_and_properties_that_do_not_exist_are_refused_when_saved(params, place):
    with pytest.raises(ValidationError) as refused:
        EventParams(**params)
    assert refused.value.errors()[0]["loc"][0] == place
