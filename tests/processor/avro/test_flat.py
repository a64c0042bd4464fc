"""The flat writer writes, byte for byte, what fastavro writes."""

from io import BytesIO
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given
from hypothesis import strategies as some

from processor.avro.flat import flat_writer

SCHEMA: Any = parse_schema({"type": "record", "name": "Flat", "fields": [
    {"name": "text", "type": "string"}, {"name": "number", "type": "int"}, {"name": "large", "type": "long"},
    {"name": "map", "type": {"type": "map", "values": "string"}}, {"name": "last", "type": "string"},
]})
TEXTS = some.text(some.characters(exclude_categories=("Cs",)), max_size=200)
write = flat_writer(SCHEMA)


def by_fastavro(*values: Any) -> bytes:
    stream = BytesIO()
    names = [field["name"] for field in SCHEMA["fields"]]
    schemaless_writer(stream, SCHEMA, dict(zip(names, values, strict=True)))
    return stream.getvalue()


@given(TEXTS, some.integers(-2**31, 2**31 - 1), some.integers(-2**63, 2**63 - 1), some.dictionaries(TEXTS, TEXTS),
       TEXTS)
def test_every_record_is_written_as_fastavro_writes_it(text, number, large, pairs, last):
    data = write(b"head", (text, number, large, pairs, last))
    assert data is not None
    assert data == b"head" + by_fastavro(text, number, large, pairs, last)


@pytest.mark.parametrize("size", [63, 64, 8191, 8192])
def test_lengths_at_the_borders_of_their_bytes(size):
    text = "x" * size
    data = write(b"head", (text, 0, 0, {}, text))
    assert data is not None
    assert data == b"head" + by_fastavro(text, 0, 0, {}, text)


@pytest.mark.parametrize("values", [
    (None, 0, 0, {}, ""), ("", True, 0, {}, ""), ("", 0, 0, None, ""), ("", "1", 0, {}, ""),
])
def test_a_value_of_another_type_is_left_to_fastavro(values):
    """It knows which of them can be written, and names what cannot."""
    assert write(b"", values) is None


def test_a_schema_with_other_fields_is_refused():
    """A result that gets such a field must not be written wrongly."""
    other = {"fields": [{"name": "maybe", "type": ["null", "string"]}]}
    with pytest.raises(ValueError, match="not written here"):
        flat_writer(other)
