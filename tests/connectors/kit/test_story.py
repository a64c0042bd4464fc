from connectors.kit import Call, NoParams, Settings
from connectors.kit.story import prompt_label, said, story
from testkit import flows


def test_a_story_tells_what_happened_what_was_typed_and_what_is_known():
    call = Call(flows.event(form={"why": "too dear"}), {"plan": "gold", "lists": ["a", "b"], "none": None}, NoParams(),
                Settings(), now=flows.NOW, outcome_id=flows.OUTCOME)
    assert story(call) == [
        "The prompt 'Stay with us' was accepted.", "", "User: u-1", "Prompt: p-1", "Interaction: accept",
        "Time: 2027-01-15 07:59:59 UTC", "why: too dear", "lists: a, b", "plan: gold"]


def test_an_unnamed_prompt_goes_by_its_id_and_a_foreign_interaction_by_its_own_name():
    assert prompt_label(flows.event(prompt_name=None)) == "p-1"
    assert said(flows.event(interaction="secondary_accept")) == "accepted (second button)"
    assert said(flows.event(interaction="holdout")) == "holdout"
