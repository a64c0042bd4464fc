"""The writer writes, byte for byte, what fastavro writes."""

from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as some

from processor.avro.schemas import project
from processor.avro.writer import writer

SCHEMA: Any = parse_schema({"type": "record", "name": "Flat", "fields": [
    {"name": "text", "type": "string"}, {"name": "number", "type": "int"}, {"name": "large", "type": "long"},
    {"name": "map", "type": {"type": "map", "values": "string"}}, {"name": "last", "type": "string"},
]})
TEXTS = some.text(some.characters(exclude_categories=("Cs",)), max_size=200)
PLAIN = {
    "string": some.sampled_from(["", "é", "x" * 64, "cus_1"]), "bytes": some.sampled_from([b"", b"\xff" * 70]),
    "int": some.integers(-2**31, 2**31 - 1), "long": some.integers(-2**60, 2**60),
    "double": some.floats(allow_nan=False), "boolean": some.booleans(),
    "null": some.none(),
}
write = writer(SCHEMA)


def fastavro_writes(schema: Any, fields: Any) -> bytes:
    stream = BytesIO()
    schemaless_writer(stream, schema, fields)
    return stream.getvalue()


def by_fastavro(*values: Any) -> bytes:
    names = [field["name"] for field in SCHEMA["fields"]]
    return fastavro_writes(SCHEMA, dict(zip(names, values, strict=True)))


@given(TEXTS, some.integers(-2**31, 2**31 - 1), some.integers(-2**61 + 1, 2**61 - 1), some.dictionaries(TEXTS, TEXTS),
       TEXTS)
def test_every_record_is_written_as_fastavro_writes_it(text, number, large, pairs, last):
    assert write(b"head", (text, number, large, pairs, last)) == b"head" + by_fastavro(text, number, large, pairs, last)


def values_of(declared: Any, known: dict[str, Any]) -> Any:
    """Pairs of a value for us and the same for fastavro, of any type of the schema."""
    if isinstance(declared, list):
        return some.one_of(*(values_of(branch, known) for branch in declared))
    name = declared["type"] if isinstance(declared, dict) else declared
    if name == "map":
        return some.dictionaries(PLAIN["string"], values_of(declared["values"], known), max_size=3).map(lambda found: (
            {key: ours for key, (ours, _) in found.items()}, {key: theirs for key, (_, theirs) in found.items()}))
    if name == "array":
        return some.lists(values_of(declared["items"], known), max_size=2).map(lambda found: (
            tuple(ours for ours, _ in found), [theirs for _, theirs in found]))
    if name == "record":
        fields = [(field["name"], values_of(field["type"], known)) for field in declared["fields"]]
        known[declared["name"]] = made = some.tuples(*(one for _, one in fields)).map(lambda found: (
            tuple(ours for ours, _ in found),
            {name: theirs for (name, _), (_, theirs) in zip(fields, found, strict=True)}))
        return made
    return known[name] if name in known else PLAIN[name].map(lambda value: (value, value))


@pytest.mark.parametrize("record", ["ActionResult", "ChainRecord", "AttributesState", "DeadLetter"])
@settings(max_examples=30)
@given(data=some.data())
def test_our_own_records_are_written_as_fastavro_writes_them(record, data):
    """A chain's record that a later process cannot read is an event that is lost."""
    schema = project().current[record].parsed
    ours, theirs = data.draw(values_of(schema, {}))
    assert writer(schema)(b"", ours) == fastavro_writes(schema, theirs)


@pytest.mark.parametrize("size", [63, 64, 8191, 8192])
def test_lengths_at_the_borders_of_their_bytes(size):
    text = "x" * size
    assert write(b"", (text, 0, 0, {}, text)) == by_fastavro(text, 0, 0, {}, text)


@pytest.mark.parametrize("values", [
    (None, 0, 0, {}, ""), ("", True, 0, {}, ""), ("", 0, 0, None, ""), ("", "1", 0, {}, ""), ("", 0, 2**63, {}, ""),
    ("", 0, 0, {1: ""}, ""), ("", 0, 0, {"": 1}, ""), ("", 0, 0, {}), ("", 0, 0, {}, "", ""), ["", 0, 0, {}, ""],
])
def test_a_value_of_another_type_is_left_to_fastavro(values):
    """It knows which of them can be written, and names what cannot."""
    assert write(b"", values) is None


def test_a_value_that_no_branch_of_a_union_takes_is_left_to_fastavro():
    schema = {"type": "record", "name": "Maybe", "fields": [{"name": "one", "type": ["null", "string"]}]}
    assert writer(schema)(b"", (b"bytes",)) is None


@pytest.mark.parametrize("declared", ["float", ["int", "long"], {"type": "fixed", "name": "Few", "size": 4}])
def test_a_schema_with_other_types_is_refused(declared):
    """A record that gets such a field must not be written wrongly."""
    with pytest.raises(ValueError, match="not written here"):
        writer({"type": "record", "name": "Other", "fields": [{"name": "one", "type": declared}]})
