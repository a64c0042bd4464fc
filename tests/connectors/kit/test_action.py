"""What an action declares: requirements, form inputs, safety of a repeat, instructions; and the call it gets."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from connectors.kit import (
    Action,
    Call,
    Connector,
    Done,
    FormInput,
    MissingAttributes,
    NoParams,
    Params,
    Repeat,
    Requires,
    Settings,
    all_of,
    any_of,
    field,
    instruct,
    sign_with,
)
from connectors.kit.action import NOTHING
from testkit import flows


def nothing_to_do(_call):
    return Done()
    yield


def action(**more):
    return Action("a", "A", nothing_to_do, NoParams, **more)


def call(attributes=None, **event):
    return Call(flows.event(**event), attributes or {}, NoParams(), Settings(), now=0.0, outcome_id="o")


@pytest.mark.parametrize(("requires", "attributes", "missing"), [
    (NOTHING, {}, ()), (all_of("a", "b"), {"a": 1}, ("b",)), (all_of("a"), {"a": ""}, ("a",)),
    (all_of("a"), {"a": None}, ("a",)), (all_of("a"), {"a": 0}, ()), (all_of("a"), {"a": False}, ()),
    (any_of("a", "b"), {"b": "x"}, ()), (any_of("a", "b"), {"a": ""}, ("a", "b")),
    (Requires(any_of=("a", "b"), all_of=("c",)), {}, ("c", "a", "b")),
])
def test_missing_attributes_are_named_and_zero_is_not_missing(requires, attributes, missing):
    assert requires.missing(attributes) == missing


@pytest.mark.parametrize(("attributes", "form", "absent"), [
    ({}, {}, ("email_address", "form.email")), ({"email_address": "x"}, {}, ()), ({}, {"email": "x"}, ()),
    ({}, {"email": "  "}, ("email_address", "form.email")), ({}, {"other": "x"}, ("email_address", "form.email")),
])
def test_a_form_input_can_stand_in_for_an_attribute(attributes, form, absent):
    assert action(requires=any_of("email_address", "form.email")).absent(attributes, form) == absent


def test_an_attribute_named_like_a_form_input_does_not_stand_in_for_it_unseen():
    inputs = (FormInput("email", "E-mail"),)
    assert action(form_inputs=inputs).absent({"form.email": "x"}, {}) == ("form.email",)


@pytest.mark.parametrize(("form", "absent"), [
    ({}, ("form.reason",)), ({"reason": " "}, ("form.reason",)), ({"reason": "x"}, ()),
])
def test_only_required_form_inputs_must_be_filled(form, absent):
    inputs = (FormInput("reason", "Why?"), FormInput("more", "More?", required=False))
    assert action(form_inputs=inputs).absent({}, form) == absent


def test_what_is_absent_is_raised_by_name():
    with pytest.raises(MissingAttributes) as caught:
        action(requires=all_of("stripe_id")).check_present({}, {})
    assert caught.value.names == ("stripe_id",)
    action(requires=all_of("stripe_id")).check_present({"stripe_id": "cus_1"}, {})


def test_the_safety_of_a_repeat_is_declared_or_depends_on_parameters_and_settings():
    assert action(repeat=Repeat.HARMLESS).safety(NoParams(), Settings()) is Repeat.HARMLESS
    seen = []
    chosen = action(repeat_of=lambda *both: seen.append(both) or Repeat.KEY)
    assert chosen.safety(NoParams(), Settings()) is Repeat.KEY
    assert seen == [(NoParams(), Settings())]


def test_nothing_is_safe_to_repeat_unless_it_says_so():
    assert action().repeat is Repeat.NEVER


def test_an_instruction_travels_in_the_outcome_without_what_is_none():
    done = instruct("open_url", reference="r", url="https://a.example", code=None, tries=2)
    assert done == Done("r", detail={"instruction": "open_url", "instruction.url": "https://a.example",
                                     "instruction.tries": "2"})


def test_the_default_detail_of_an_outcome_is_empty():
    assert Done().detail == {}


def connector():
    return Connector(id="x", title="X", category="custom", settings=Settings, signer=lambda _s: sign_with("https://a"))


def test_a_decorated_generator_is_registered_as_it_is():
    made = connector()
    found = made.action("a", "A", repeat=Repeat.KEY, keeps_keys=5, form_inputs=[FormInput("i", "I")])(nothing_to_do)
    assert found is nothing_to_do
    assert made.actions["a"] == Action("a", "A", nothing_to_do, NoParams, form_inputs=(FormInput("i", "I"),),
                                       repeat=Repeat.KEY, keeps_keys=5)


def test_an_id_is_declared_once():
    made = connector()
    made.action("a", "A")(nothing_to_do)
    with pytest.raises(ValueError, match="'a' is declared twice"):
        made.action("a", "A again")(nothing_to_do)


def test_two_connectors_do_not_share_their_actions():
    connector().action("a", "A")(nothing_to_do)
    assert connector().actions == {}


def test_a_call_gives_attributes_as_text_and_the_first_that_is_there():
    made = call({"a": "", "b": 5, "c": None})
    assert (made.attribute("b"), made.attribute("c"), made.attribute("d")) == ("5", "", "")
    assert made.first("a", "c", "b") == "5"
    with pytest.raises(MissingAttributes) as caught:
        made.first("a", "c")
    assert caught.value.names == ("a", "c")


def test_a_call_gives_attributes_under_the_vendors_names():
    made = call({"plan": "gold", "seats": 0, "gone": None, "empty": ""})
    assert made.mapped({"Plan": "plan", "Copy": "plan", "N": "seats", "X": "gone", "Y": "empty", "Z": "unknown"}) == {
        "Plan": "gold", "Copy": "gold", "N": 0}


def test_a_call_gives_what_was_typed_without_the_blanks_around_it():
    made = call(form={"email": " a@example.com "})
    assert (made.form("email"), made.form("other")) == ("a@example.com", "")


def test_a_key_is_the_same_for_every_repeat_of_a_step():
    assert (call().key(), call().key("create"), call().key("create")) == ("o", "o:create", "o:create")


def test_parameters_refuse_what_they_do_not_know_and_cannot_be_changed():
    with pytest.raises(ValidationError):
        NoParams(unknown=1)

    class Named(Params):
        name: str = field("Name", help="of it", options="names", min_length=1)

    made = Named(name=" x ")
    assert made.name == "x"
    with pytest.raises(ValidationError):
        made.name = "y"
    assert Named.model_fields["name"].json_schema_extra == {"options": "names"}


def test_a_flow_is_a_generator_that_returns_what_it_did():
    flow = nothing_to_do(None)
    assert isinstance(flow, Iterator)
    with pytest.raises(StopIteration) as end:
        next(flow)
    assert end.value.value == Done()
