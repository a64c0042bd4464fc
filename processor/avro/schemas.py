"""The Avro schemas of the project: every record's current schema and all earlier versions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from fastavro.schema import fingerprint as hex_fingerprint
from fastavro.schema import parse_schema, to_parsing_canonical_form

RECORDS = (
    "PromptInteraction", "UserAttributes", "ActionResult", "DeadLetter",
    "AttributesState", "ChainRecord", "Finished", "Replay", "Demand", "ConfigVersion",
)
"""All records that travel through Kafka; each has its file in `schemas/avro/`."""


class Schema(NamedTuple):
    """One version of one record's schema."""

    record: str
    """Name without namespace."""
    source: Mapping[str, Any]
    """As in the file, with docs and marks."""
    parsed: Any
    """As fastavro wants it."""
    fingerprint: bytes
    """CRC-64-AVRO of the canonical form, 8 bytes, little-endian as on the wire."""


class Schemas(NamedTuple):
    """All schemas of one folder."""

    current: Mapping[str, Schema]
    by_fingerprint: Mapping[bytes, Schema]
    """Current and earlier versions."""
    definitions: Mapping[str, Mapping[str, Any]]
    """Every record, nested ones too, by its name without namespace."""


def folder() -> Path:
    """Where the schemas lie: inside an installed package, or in a source checkout."""
    package = Path(__file__).parents[1]
    for place in (package / "_data" / "schemas" / "avro", package.parent / "schemas" / "avro"):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"no schemas/avro beside {package}: install the package again")


def parse(source: Mapping[str, Any]) -> Schema:
    """A schema from its JSON form; raises fastavro's SchemaParseException where it is none."""
    parsed = parse_schema(dict(source), named_schemas={})
    canonical = to_parsing_canonical_form(dict(source))
    name = str(source.get("name", "")).rpartition(".")[2]
    return Schema(name, source, parsed, bytes.fromhex(hex_fingerprint(canonical, "CRC-64-AVRO")))


def version_files(record: str, place: Path) -> list[Path]:
    """The files of all versions of `record`, oldest first."""
    pattern = re.compile(rf"{record}\.v(\d+)\.avsc")
    found = {int(match[1]): path for path in (place / "versions").glob(f"{record}.v*.avsc")
             if (match := pattern.fullmatch(path.name))}
    return [found[number] for number in sorted(found)]


def read(path: Path) -> Schema:
    """The schema in one file."""
    return parse(orjson.loads(path.read_bytes()))


def load(place: Path) -> Schemas:
    """All schemas of a folder."""
    current = {record: read(place / f"{record}.avsc") for record in RECORDS}
    earlier = [read(path) for record in RECORDS for path in version_files(record, place)]
    by_fingerprint = {one.fingerprint: one for one in [*earlier, *current.values()]}
    definitions = {name: source for one in current.values() for name, source in records_in(one.source)}
    return Schemas(current, by_fingerprint, definitions)


def records_in(source: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every record that is defined inside a schema, itself included."""
    if isinstance(source, list):
        for one in source:
            yield from records_in(one)
    elif isinstance(source, Mapping):
        if source.get("type") == "record":
            yield str(source["name"]).rpartition(".")[2], source
        for part in ("type", "items", "values", "fields"):
            yield from records_in(source.get(part))


@cache
def project() -> Schemas:
    """The project's own schemas, read once."""
    return load(folder())
