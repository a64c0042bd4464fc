"""Names and properties of interactions, as vendors are told them."""

import pytest

from connectors.kit.event import EXPORT_INTERACTIONS
from connectors.kit.prompt import EVENT_NAMES, event_name, iso_time, prompt_properties
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
