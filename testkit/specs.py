"""Checks requests against vendors' published OpenAPI files, where somebody has put them beside the project."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml

from connectors.kit import Request

VARIABLE = "TESTKIT_VENDOR_SPECS"
"""Environment variable that names the folder with one folder of specifications a vendor."""
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "vendor-specs"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
    "null": type(None), "any": object,
}
Json = Mapping[str, Any]


def folder() -> Path | None:
    """Where the specifications lie; None where there are none."""
    named = os.environ.get(VARIABLE)
    place = Path(named) if named else BESIDE
    return place if place.is_dir() else None


def load(vendor: str) -> Specs | None:
    """All OpenAPI files (JSON or YAML) of a vendor; None where they are not there."""
    found = _documents(vendor)
    return Specs(found) if found else None


def load_components(vendor: str) -> Types | None:
    """The named schemas of a vendor's first OpenAPI file, for canned answers; None where it is not there."""
    found = _documents(vendor)
    return Types({**found[0], "types": found[0]["components"]["schemas"]}) if found else None


def _documents(vendor: str) -> Sequence[Json]:
    place = folder()
    files = sorted((place / vendor).glob("*")) if place else []
    files = [file for file in files if file.suffix in (".json", ".yml", ".yaml")]
    return [orjson.loads(file.read_bytes()) if file.suffix == ".json" else _yaml(file.read_bytes()) for file in files]


def _yaml(text: bytes) -> Json:
    """By the C reader where there is one: these files are long."""
    found: Json = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return found


def load_types(vendor: str) -> Types | None:
    """The file of named JSON schemas of a vendor whose OpenAPI is not at hand; None where it is not there."""
    place = folder()
    file = place / vendor / "schemas.cut.json" if place else None
    return Types(orjson.loads(file.read_bytes())) if file and file.is_file() else None


def load_discovery(vendor: str) -> Types | None:
    """The schemas of a vendor's API description in Google's discovery format; None where it is not there."""
    place = folder()
    files = sorted((place / vendor).glob("*.json")) if place else []
    return Types({"types": _pointed(orjson.loads(files[0].read_bytes())["schemas"])}) if files else None


def load_schema(vendor: str, file: str) -> Types | None:
    """One JSON Schema file of a vendor as the type "whole"; None where it is not there."""
    place = folder()
    path = place / vendor / file if place else None
    if path is None or not path.is_file():
        return None
    document = orjson.loads(path.read_bytes())
    return Types({**document, "types": {"whole": document}})


def _pointed(part: Any) -> Any:
    """Discovery names a schema where JSON Schema points to it."""
    if isinstance(part, list):
        return [_pointed(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: f"#/types/{one}" if name == "$ref" and isinstance(one, str) else _pointed(one)
            for name, one in part.items()}


class Types:
    """Named JSON schemas."""

    def __init__(self, document: Json) -> None:
        self._document = document

    def problems(self, name: str, value: Any) -> list[str]:
        """What the schema of this name says against a value."""
        return list(_checked(self._document, self._document["types"][name], value, name, ()))


class Operation(NamedTuple):
    """One operation, with the document that its references point into."""

    document: Json
    spec: Json


class Specs:
    """A vendor's OpenAPI documents."""

    def __init__(self, documents: Sequence[Json]) -> None:
        self._documents = documents

    def problems(self, request: Request, *, free: Sequence[str] = ()) -> list[str]:
        """What the specification says against `request`; members named in `free` may hold anything."""
        operation = self._operation(request)
        if operation is None:
            return [f"there is no operation {request.method} {request.path}"]
        return [*_query(operation, request), *_body(operation, request, free)]

    def _operation(self, request: Request) -> Operation | None:
        path = request.path.partition("?")[0]
        for document in self._documents:
            for template, operations in document["paths"].items():
                if request.method.lower() in operations and re.fullmatch(_pattern(template), path):
                    return Operation(document, operations[request.method.lower()])
        return None


def _pattern(template: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template))


def _query(operation: Operation, request: Request) -> Iterator[str]:
    known = [_resolved(operation.document, one) for one in operation.spec.get("parameters", ())]
    names = {one["name"]: one for one in known if one["in"] == "query"}
    given = [name for name, _value in request.query]
    yield from (f"query: {name} is unknown" for name in given if name not in names)
    required = [name for name, one in names.items() if one.get("required")]
    yield from (f"query: {name} is required" for name in required if name not in given)


def _body(operation: Operation, request: Request, free: Sequence[str]) -> Iterator[str]:
    described = operation.spec.get("requestBody")
    if not described:
        if request.body:
            yield "body: the operation takes none"
        return
    schema = _resolved(operation.document, described)["content"]["application/json"]["schema"]
    yield from _checked(operation.document, schema, orjson.loads(request.body or b"null"), "body", free)


def _resolved(document: Json, part: Json) -> Json:
    here: Any = part
    while "$ref" in here:
        target: Any = document
        for name in here["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        here = target
    return here  # type: ignore[no-any-return]


def _whole(document: Json, schema: Json) -> Json:
    """A schema with the parts of its `allOf` in it: what one part knows, the others need not."""
    schema = _resolved(document, schema)
    parts = [_whole(document, one) for one in schema.get("allOf", ())]
    if not parts:
        return schema
    one = {name: rule for part in reversed([schema, *parts]) for name, rule in part.items() if name != "allOf"}
    one["properties"] = {name: rule for part in [*parts, schema] for name, rule in part.get("properties", {}).items()}
    one["required"] = [name for part in [*parts, schema] for name in part.get("required", ())]
    return one


def _checked(document: Json, schema: Json, value: Any, where: str, free: Sequence[str]) -> Iterator[str]:
    """What a schema says against a value; of JSON Schema only what vendors' request bodies use."""
    schema = _whole(document, schema)
    if value is None and schema.get("nullable"):
        return
    choices = schema.get("anyOf", schema.get("oneOf"))
    if choices:
        found = [list(_checked(document, one, value, where, free)) for one in choices]
        if all(found):  # what the alternative of the right type says, where there is one
            yield from min(found, key=lambda problems: problems[0].startswith(f"{where}: {value!r} is no "))
        return
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(kind, value) for kind in kinds):
        yield f"{where}: {value!r} is no {' or '.join(kinds)}"
        return
    yield from (f"{where}: {rule} is broken" for rule in _broken(schema, value))
    if isinstance(value, dict) and where.rpartition(".")[2] not in free:
        yield from _members(document, schema, value, where, free)
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _checked(document, schema.get("items", {}), one, f"{where}[{place}]", free)


def _is(kind: str, value: Any) -> bool:
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[kind])


def _broken(schema: Json, value: Any) -> Iterator[str]:
    """Rules of lengths, sizes and choices that a value breaks."""
    size = len(value) if isinstance(value, (str, list)) else value if isinstance(value, (int, float)) else None
    least = schema.get("minLength", schema.get("minItems", schema.get("minimum")))
    most = schema.get("maxLength", schema.get("maxItems", schema.get("maximum")))
    if size is not None and least is not None and size < least:
        yield f"at least {least}"
    if size is not None and most is not None and size > most:
        yield f"at most {most}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"one of {schema['enum']}"
    if schema.get("uniqueItems") and isinstance(value, list) and len(value) != len({repr(one) for one in value}):
        yield "unique items"


def _members(document: Json, schema: Json, value: Json, where: str, free: Sequence[str]) -> Iterator[str]:
    known: Json = schema.get("properties", {})
    others = schema.get("additionalProperties", False)
    yield from (f"{where}: {name} is required" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if name in known:
            yield from _checked(document, known[name], one, f"{where}.{name}", free)
        elif known and others is False:
            yield f"{where}: {name} is unknown"
        elif isinstance(others, dict):
            yield from _checked(document, others, one, f"{where}.{name}", free)
