"""Checks requests and answers against a vendor's API description in Google's discovery format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from connectors.kit import Request
from testkit.specs import Types, folder, load_discovery

Json = Mapping[str, Any]


def load_methods(vendor: str) -> Methods | None:
    """The methods of a vendor's description; None where it is not there."""
    place, types = folder(), load_discovery(vendor)
    if place is None or types is None:
        return None
    return Methods(orjson.loads(min((place / vendor).glob("*.json")).read_bytes()), types)


class Methods:
    """The methods of one description."""

    def __init__(self, document: Json, types: Types) -> None:
        self._types = types
        self._methods = [(one["httpMethod"], _pattern(one["flatPath"]), one) for one in _methods(document)]

    def problems(self, request: Request) -> list[str]:
        """What the description says against `request`."""
        found = self._found(request)
        if found is None:
            return [f"there is no method {request.method} {request.path}"]
        known = [name for name, one in found["parameters"].items() if one["location"] == "query"]
        strange = [f"query: {name} is unknown" for name, _value in request.query if name not in known]
        if "request" not in found:
            return strange + (["body: the method takes none"] if request.body else [])
        return strange + self._types.problems(found["request"]["$ref"], orjson.loads(request.body or b"null"))

    def answer_problems(self, request: Request, value: Any) -> list[str]:
        """What the description says against `value` as the answer to `request`."""
        found = self._found(request)
        if found is None or "response" not in found:
            return ["the method answers nothing"]
        return self._types.problems(found["response"]["$ref"], value)

    def _found(self, request: Request) -> Json | None:
        return next((one for method, pattern, one in self._methods
                     if method == request.method and pattern.fullmatch(request.path)), None)


def _methods(resource: Json) -> Iterator[Json]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", f"/{template}")
    return re.compile("".join("[^/:]+" if one.startswith("{") else re.escape(one) for one in parts))
