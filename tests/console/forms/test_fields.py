"""Which widget a field gets, where a vendor's list stands behind it."""

from starlette.datastructures import FormData

from connectors.kit.fields import Params, field
from console.forms.fields import fields_of
from console.forms.typed import typed


class Picking(Params):
    plan: str = field("Plan", options="plans")
    group: int | None = field("Group", default=None, options="groups")
    map: dict[str, str] = field("Map", default={}, options="fields")
    tags: tuple[str, ...] = field("Tags", default=(), options="tags")


def test_only_single_values_are_picked():
    assert {one.name: one.kind for one in fields_of(Picking)} == {
        "plan": "pick", "group": "pick", "map": "pairs", "tags": "lines"}


def test_a_number_that_is_picked_is_kept_as_one_and_a_text_of_digits_as_a_text():
    form = FormData([("p.plan", "42"), ("p.group", "42"), ("p.map", "a: b"), ("p.tags", "x\ny")])
    assert typed(fields_of(Picking), form, "p.").values == {
        "plan": "42", "group": 42, "map": {"a": "b"}, "tags": ["x", "y"]}


def test_what_cannot_be_a_number_is_left_to_the_model_to_refuse():
    assert typed(fields_of(Picking), FormData([("p.group", "none of it")]), "p.").values == {"group": "none of it"}
