"""The flat reader reads what fastavro reads, and leaves to it all that is unusual or broken."""

from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given
from hypothesis import strategies as some

from connectors.kit.errors import Undecodable
from connectors.kit.event import Event
from processor.avro.codec import Codec
from processor.avro.flat_reader import flat_reader

SCHEMA: Any = parse_schema({"type": "record", "name": "Flat", "fields": [
    {"name": "text", "type": "string"}, {"name": "number", "type": "int"}, {"name": "large", "type": "long"},
    {"name": "map", "type": {"type": "map", "values": "string"}}, {"name": "maybe", "type": ["null", "string"]},
    {"name": "never", "type": ["null", "double"]}, {"name": "last", "type": "string"},
]})
NAMES = [field["name"] for field in SCHEMA["fields"]]
TEXTS = some.text(some.characters(exclude_categories=("Cs",)), max_size=200)
RECORDS = some.tuples(
    TEXTS, some.integers(-2**31, 2**31 - 1), some.integers(-2**63, 2**63 - 1), some.dictionaries(TEXTS, TEXTS),
    some.none() | TEXTS, some.none() | some.floats(allow_nan=False), TEXTS)
USUAL = ("text", 7, 1_760_000_000_000, {"name": "value", "größe": "élève"}, "maybe", None, "x" * 100)
HEAD = b"0123456789"


def written(values: Any) -> bytes:
    stream = BytesIO()
    schemaless_writer(stream, SCHEMA, dict(zip(NAMES, values, strict=True)))
    return HEAD + stream.getvalue()


def read(data: bytes) -> list[Any] | None:
    reader = flat_reader(SCHEMA)
    assert reader is not None
    return reader(data, len(HEAD))


def test_usual_values_are_read_without_the_library():
    """Else it would be slow without anybody noticing."""
    assert read(written(USUAL)) == list(USUAL)


@given(RECORDS)
def test_what_is_read_is_what_was_written(values):
    found = read(written(values))
    assert found is None or tuple(found) == values


@given(RECORDS, some.data())
def test_broken_bytes_are_never_read_as_something_else_than_the_library_reads(values, data):
    """Cut, made longer or changed in one byte: the same values as fastavro's, or none."""
    whole = written(values)
    place = data.draw(some.integers(len(HEAD), len(whole) - 1))
    broken = data.draw(some.sampled_from([
        whole[:place], whole + b"\0", whole[:place] + bytes([data.draw(some.integers(0, 255))]) + whole[place + 1:]]))
    found = read(broken)
    if found is not None:
        stream = BytesIO(broken[len(HEAD):])
        assert dict(zip(NAMES, found, strict=True)) == schemaless_reader(stream, SCHEMA, None)
        assert not stream.read()


def test_a_length_below_zero_is_left_to_the_library_and_does_not_lead_back():
    """The number -1 is written as the length -1 is: without the length before it, the bytes still fit."""
    whole = written(("", -1, *USUAL[2:]))
    assert read(whole) == ["", -1, *USUAL[2:]]
    assert read(HEAD + whole[len(HEAD) + 1:]) is None


@pytest.mark.parametrize("declared", [
    "boolean", "bytes", ["string", "null"], {"type": "map", "values": "long"}, {"type": "array", "items": "string"},
    ["null", {"type": "map", "values": "long"}],
])
def test_a_schema_with_other_fields_is_left_to_the_library(declared):
    assert flat_reader({"fields": [{"name": "other", "type": declared}]}) is None


def test_an_event_with_a_value_that_is_no_text_is_undecodable():
    """What the flat reader refuses is judged by the library."""
    data = Codec().encode_event(Event("e", "a", "u", "p", "accept", 1, prompt_name="name"))
    codec = Codec()
    assert codec.event(data).prompt_name == "name"
    with pytest.raises(Undecodable) as refused:
        codec.event(data.replace(b"name", b"na\xffe"))
    assert refused.value.code == "broken_avro"
