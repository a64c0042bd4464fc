"""The checker of requests finds what it is there to find."""

import pytest

from connectors.kit import get, post
from testkit.specs import (
    VARIABLE,
    Specs,
    Types,
    folder,
    load,
    load_components,
    load_discovery,
    load_schema,
    load_types,
)

DOCUMENT = {
    "paths": {"/things/{id}": {
        "get": {"parameters": [{"$ref": "#/components/parameters/Size"}, {"name": "id", "in": "path"}]},
        "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
    }},
    "components": {
        "parameters": {"Size": {"name": "size", "in": "query", "required": True}},
        "schemas": {"Thing": {
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 3}, "count": {"type": "integer", "minimum": 1},
                "tags": {"type": "array", "maxItems": 2, "uniqueItems": True, "items": {"enum": ["a", "b"]}},
                "note": {"type": "string", "nullable": True}, "more": {"type": "object", "properties": {"x": {}}},
            },
        }},
    },
}
SPEC = Specs([DOCUMENT])


def problems(**body):
    return SPEC.problems(post("/things/1", json=body), free=["more"])


def test_a_request_that_keeps_to_the_specification_has_no_problems():
    assert problems(name="abc", count=1, tags=["a", "b"], note=None, more={"anything": 1}) == []
    assert SPEC.problems(get("/things/1", query={"size": 5})) == []


@pytest.mark.parametrize(("body", "problem"), [
    ({}, "body: name is required"), ({"name": "abcd"}, "body.name: at most 3 is broken"),
    ({"name": "a", "count": 0}, "body.count: at least 1 is broken"),
    ({"name": "a", "count": True}, "body.count: True is no integer"),
    ({"name": "a", "tags": ["a", "a"]}, "body.tags: unique items is broken"),
    ({"name": "a", "tags": ["c"]}, "body.tags[0]: one of ['a', 'b'] is broken"),
    ({"name": "a", "naem": "b"}, "body: naem is unknown"), ({"name": None}, "body.name: None is no string"),
])
def test_each_kind_of_mistake_in_a_body_is_named_with_its_place(body, problem):
    assert problems(**body) == [problem]


@pytest.mark.parametrize(("request_", "problem"), [
    (get("/things/1"), "query: size is required"), (get("/things/1", query={"size": 1, "x": 1}), "query: x is unknown"),
    (get("/things/1/2", query={"size": 1}), "there is no operation GET /things/1/2"),
    (get("/things/1", query={"size": 1})._replace(body=b"x"), "body: the operation takes none"),
])
def test_mistakes_of_path_and_query_are_found(request_, problem):
    assert SPEC.problems(request_) == [problem]


def test_the_variable_names_the_folder_and_an_absent_one_holds_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert folder() == tmp_path
    assert load("vendor") is None
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "api.json").write_text('{"paths": {}}')
    assert load("vendor") is not None
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    assert folder() is None


def test_a_specification_in_yaml_is_read_and_so_are_its_named_schemas(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load_components("vendor") is None
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "api.yml").write_text(
        "paths: {/things: {get: {}}}\ncomponents: {schemas: {Thing: {properties: {size: {type: integer}}}}}")
    assert load("vendor").problems(get("/things")) == []
    assert load_components("vendor").problems("Thing", {"size": "big"}) == ["Thing.size: 'big' is no integer"]


def test_what_one_part_of_a_whole_knows_the_other_parts_need_not():
    parts = [{"properties": {"code": {"type": "string"}}, "required": ["code"]}, {"properties": {"name": {}}}]
    whole = Specs([{"paths": {"/things": {"post": {"requestBody": {"content": {"application/json": {"schema": {
        "allOf": parts}}}}}}}}])
    assert whole.problems(post("/things", json={"code": "a", "name": "b"})) == []
    assert whole.problems(post("/things", json={"name": "b", "size": 1})) == [
        "body: code is required", "body: size is unknown"]


TYPES = Types({
    "types": {"Order": {"type": "object", "required": ["day"], "properties": {
        "day": {"type": "string"}, "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "part": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Part"}]}}}},
    "$defs": {"Part": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}},
})


@pytest.mark.parametrize(("value", "problems"), [
    ({"day": "x", "count": None, "part": {"id": "1"}}, []), ({}, ["Order: day is required"]),
    ({"day": "x", "count": 0}, ["Order.count: at least 1 is broken"]),
    ({"day": "x", "part": {}}, ["Order.part: id is required"]),
    ({"day": "x", "part": 1}, ["Order.part: 1 is no null"]), ({"day": "x", "dya": 1}, ["Order: dya is unknown"]),
])
def test_a_value_is_held_against_a_named_schema_with_alternatives(value, problems):
    assert TYPES.problems("Order", value) == problems


def test_named_schemas_of_an_absent_vendor_are_none():
    assert load_types("nobody") is None
    assert load_discovery("nobody") is None


def test_a_description_in_googles_format_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "api.json").write_text(
        '{"schemas": {"Send": {"type": "object", "properties": {"what": {"$ref": "What"}}},'
        ' "What": {"type": "object", "properties": {"ttl": {"type": "string"}}}}}')
    found = load_discovery("vendor")
    assert found.problems("Send", {"what": {"ttl": "1s"}}) == []
    assert found.problems("Send", {"what": {"ttl": 1, "tll": 1}}) == [
        "Send.what.ttl: 1 is no string", "Send.what: tll is unknown"]


STRICT = Types({
    "definitions": {"Text": {"type": ["string", "null"]}},
    "types": {"whole": {
        "type": "object", "additionalProperties": False, "properties": {
            "names": {"type": "object", "additionalProperties": {"$ref": "#/definitions/Text"}},
            "event": {"oneOf": [{"type": "object", "required": ["a"], "properties": {"a": {"enum": ["x"]}}},
                                {"type": "string"}]},
        },
    }},
})


@pytest.mark.parametrize(("value", "problems"), [
    ({"names": {"b": "c", "d": None}, "event": {"a": "x"}}, []), ({"event": "y"}, []),
    ({"other": 1}, ["whole: other is unknown"]), ({"names": {"b": 1}}, ["whole.names.b: 1 is no string or null"]),
    ({"event": {"a": "y"}}, ["whole.event.a: one of ['x'] is broken"]),
])
def test_members_beyond_the_named_ones_are_refused_or_held_against_their_own_schema(value, problems):
    assert STRICT.problems("whole", value) == problems


def test_a_schema_file_of_a_vendor_is_one_type(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load_schema("acme", "batch.json") is None
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "batch.json").write_text(
        '{"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"type": "string"}}}')
    assert load_schema("acme", "batch.json").problems("whole", {"a": 1}) == ["whole.a: 1 is no string"]
