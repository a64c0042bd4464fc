"""A small checker of JSON Schema, draft 7: the words that this project's schemas use; any other is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

TALK = frozenset({
    "$schema", "$comment", "$defs", "title", "description", "default", "examples", "format", "enumDescriptions",
    "deprecated",
})
"""Words that check nothing."""
KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}


class JsonSchema:
    """One schema, ready to check values."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema

    def problems(self, value: Any) -> list[str]:
        """What is wrong with a value, each with its place; none where it fits."""
        return list(self._check(self._root, value, "$"))

    def _check(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if schema is True:
            return
        if "$ref" in schema:  # beside it, draft 7 reads nothing
            yield from self._check(self._target(schema["$ref"]), value, at)
            return
        for word in schema:
            if word in TALK:
                continue
            check = getattr(self, "_" + word.lower(), None)
            if check is None:
                raise LookupError(f"the schema has the word '{word}', which nothing here checks")
            yield from check(schema, value, at)

    def _target(self, reference: str) -> Any:
        here: Any = self._root
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]
        return here

    def _fits(self, schema: Any, value: Any, at: str) -> bool:
        return next(self._check(schema, value, at), None) is None

    def _type(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(isinstance(value, KINDS[one]) and not (isinstance(value, bool) and one in ("integer", "number"))
                   for one in kinds):
            yield f"{at}: is no {' or '.join(kinds)}"

    def _enum(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if value not in schema["enum"]:
            yield f"{at}: {value!r} is not allowed"

    def _const(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if value != schema["const"]:
            yield f"{at}: is not {schema['const']!r}"

    def _anyof(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if not any(self._fits(one, value, at) for one in schema["anyOf"]):
            yield f"{at}: fits none of {len(schema['anyOf'])}"

    def _allof(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        for one in schema["allOf"]:
            yield from self._check(one, value, at)

    def _if(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        branch = "then" if self._fits(schema["if"], value, at) else "else"
        if branch in schema:
            yield from self._check(schema[branch], value, at)

    def _then(self, *_ignored: Any) -> Iterator[str]:
        return iter(())

    _else = _then

    def _properties(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        for name, one in schema["properties"].items():
            if isinstance(value, dict) and name in value:
                yield from self._check(one, value[name], f"{at}.{name}")

    def _additionalproperties(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        for name in value if isinstance(value, dict) else ():
            if name in schema.get("properties", {}):
                continue
            if schema["additionalProperties"] is False:
                yield f"{at}.{name}: is unknown"
            else:
                yield from self._check(schema["additionalProperties"], value[name], f"{at}.{name}")

    def _propertynames(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        for name in value if isinstance(value, dict) else ():
            yield from self._check(schema["propertyNames"], name, f"{at}.{name}")

    def _required(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (f"{at}.{name}: is missing" for name in schema["required"] if name not in value)

    def _items(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        for number, one in enumerate(value if isinstance(value, list) else ()):
            yield from self._check(schema["items"], one, f"{at}[{number}]")

    def _pattern(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if isinstance(value, str) and not re.search(schema["pattern"], value):
            yield f"{at}: does not match {schema['pattern']}"

    def _sized(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if isinstance(value, (str, list, dict)):
            least = max(schema.get(word, 0) for word in ("minLength", "minItems", "minProperties"))
            most = min(schema.get(word, float("inf")) for word in ("maxLength", "maxItems", "maxProperties"))
            if not least <= len(value) <= most:
                yield f"{at}: has the length {len(value)}"

    _minlength = _maxlength = _minitems = _maxitems = _minproperties = _maxproperties = _sized

    def _bounded(self, schema: Any, value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return
        if (value < schema.get("minimum", value) or value > schema.get("maximum", value)
                or value <= schema.get("exclusiveMinimum", value - 1)
                or value >= schema.get("exclusiveMaximum", value + 1)):
            yield f"{at}: is out of bounds"

    _minimum = _maximum = _exclusiveminimum = _exclusivemaximum = _bounded
