"""Records as JSON, for command lines: read with every error named, shown, shown without personal data."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any, NamedTuple

from connectors.kit.event import EXPORT_INTERACTIONS, Event
from processor.avro.schemas import project
from processor.model.attributes import MODES, UserAttributes

MASK = "***"
"""What stands in place of a personal value."""

_ALLOWED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("PromptInteraction", "interaction"): EXPORT_INTERACTIONS,
    ("UserAttributes", "mode"): MODES,
}
_NOT_EMPTY = frozenset({"event_id", "app_id", "user_id", "prompt_id"})
_LONG = range(-(1 << 63), 1 << 63)
_VALUE = "null, true or false, a whole number of 64 bits, a number, text, or a list of texts"


class Problem(NamedTuple):
    """One thing that is wrong with a JSON form."""

    field: str
    what: str
    allowed: str = ""
    nearest: str = ""
    """The valid name or value that was probably meant."""

    def __str__(self) -> str:
        """The problem in one line."""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        nearest = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.field}: {self.what}{allowed}{nearest}"


class JsonFormError(ValueError):
    """A JSON form that is no valid record; `problems` has all that is wrong with it."""

    def __init__(self, record: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"no valid {record}: " + " | ".join(map(str, problems)))
        self.record = record
        self.problems = tuple(problems)


def event_from_json(form: Mapping[str, Any]) -> Event:
    """A prompt interaction; `time` in milliseconds or as ISO 8601 with a zone."""
    return Event(**_checked("PromptInteraction", form))


def attributes_from_json(form: Mapping[str, Any]) -> UserAttributes:
    """A change of attributes; `time` in milliseconds or as ISO 8601 with a zone, `mode` merge if absent."""
    return UserAttributes(**{"mode": "merge", **_checked("UserAttributes", form)})


def to_json(value: NamedTuple) -> dict[str, Any]:
    """A record as plain JSON values; bytes as text where they are UTF-8, else as {"base64": ...}."""
    return _record(_record_name(value), value, masking=False)


def masked(value: NamedTuple) -> dict[str, Any]:
    """As `to_json`, with `***` for every value whose field the schema marks as personal."""
    return _record(_record_name(value), value, masking=True)


def _checked(record: str, form: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a form, or JsonFormError with all problems."""
    if not isinstance(form, Mapping):
        raise JsonFormError(record, [Problem(record, "is no object", 'an object, {"app_id": ...}')])
    fields = {str(field["name"]): field for field in project().current[record].source["fields"]}
    found: dict[str, Any] = {}
    problems = [_unknown(name, fields) for name in form if name not in fields]
    for name, field in fields.items():
        if name in form:
            found[name] = _time(form[name]) if name == "time" else form[name]
            problems.extend(_problems(record, field, found[name]))
        elif "default" not in field:
            problems.append(Problem(name, "is missing", _allowed(record, field)))
    if problems:
        raise JsonFormError(record, problems)
    return found


def _unknown(name: str, fields: Mapping[str, Any]) -> Problem:
    """A member that no field has the name of."""
    nearest = get_close_matches(name, fields, 1)
    return Problem(name, "is no field", "" if nearest else ", ".join(fields), nearest[0] if nearest else "")


def _time(value: Any) -> Any:
    """Milliseconds since 1970 of an ISO 8601 text with a zone; anything else as it is."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return value if moment.tzinfo is None else round(moment.timestamp() * 1000)


def _problems(record: str, field: Mapping[str, Any], value: Any) -> Iterator[Problem]:
    """What is wrong with the value of one field."""
    name, allowed = str(field["name"]), _ALLOWED.get((record, str(field["name"])))
    if _is_map(field["type"]) and isinstance(value, Mapping):
        yield from _map_problems(name, field["type"]["values"], value)
    elif not _fits(field["type"], value):
        yield Problem(name, f"is {_shown(field, value)}", _allowed(record, field))
    elif name in _NOT_EMPTY and not value:
        yield Problem(name, "is empty", "text of at least one character")
    elif allowed and value not in allowed:
        yield Problem(name, f"is {value!r}", ", ".join(allowed), next(iter(get_close_matches(value, allowed, 1)), ""))


def _map_problems(name: str, values: Any, given: Mapping[Any, Any]) -> Iterator[Problem]:
    """What is wrong with the members of a map."""
    words = _VALUE if isinstance(values, list) else "text"
    for key, value in given.items():
        if not isinstance(key, str) or not _fits(values, value):
            yield Problem(f"{name}.{key}", f"is {type(value).__name__}", words)


def _shown(field: Mapping[str, Any], value: Any) -> str:
    """A wrong value for an error: its type only, where it is personal."""
    kind = "null" if value is None else type(value).__name__
    return kind if value is None or field.get("personal") else f"{value!r:.60} ({kind})"


def _allowed(record: str, field: Mapping[str, Any]) -> str:
    """What a field takes, in words."""
    named = _ALLOWED.get((record, str(field["name"])))
    if named:
        return ", ".join(named)
    if field["name"] == "time":
        return "milliseconds since 1970, or ISO 8601 with a zone such as 2026-01-31T12:00:00Z"
    return _words(field["type"])


def _words(kind: Any) -> str:
    """An Avro type in words."""
    if isinstance(kind, list):
        return " or ".join(map(_words, kind))
    if _is_map(kind):
        return "an object of " + (f"values, each {_VALUE}" if isinstance(kind["values"], list) else "texts")
    return {"string": "text", "long": "a whole number of 64 bits", "double": "a number"}.get(kind, str(kind))


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool) and value in _LONG,
    "double": lambda value: (isinstance(value, float) and isfinite(value)) or _CHECKS["long"](value),
    "string": lambda value: isinstance(value, str) and _is_unicode(value),
}


def _fits(kind: Any, value: Any) -> bool:
    """Whether a JSON value is of an Avro type."""
    if isinstance(kind, list):
        return any(_fits(one, value) for one in kind)
    if isinstance(kind, str):
        return _CHECKS[kind](value)
    return kind["type"] == "array" and isinstance(value, list) and all(_fits(kind["items"], one) for one in value)


def _is_map(kind: Any) -> bool:
    """Whether an Avro type is a map."""
    return isinstance(kind, Mapping) and kind["type"] == "map"


def _is_unicode(text: str) -> bool:
    """Whether text can be written as UTF-8; JSON can hold halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _record_name(value: NamedTuple) -> str:
    """The record that a value of the model stands for."""
    name = type(value).__name__
    return "PromptInteraction" if name == "Event" else name


def _record(record: str, value: Sequence[Any], *, masking: bool) -> dict[str, Any]:
    """One record, field by field."""
    fields = project().definitions[record]["fields"]
    return {field["name"]: _hidden(part) if masking and field.get("personal") else _part(field["type"], part, masking)
            for field, part in zip(fields, value, strict=True)}


def _part(kind: Any, value: Any, masking: bool) -> Any:
    """A value inside a record, by its Avro type."""
    if isinstance(kind, list):
        return None if value is None else _part(next((one for one in kind if one != "null"), None), value, masking)
    if isinstance(kind, Mapping) and kind["type"] == "record":
        return _record(kind["name"], value, masking=masking)
    if isinstance(kind, Mapping) and kind["type"] == "array":
        return [_part(kind["items"], one, masking) for one in value]
    if isinstance(value, Mapping):
        return dict(value)
    return _text(value) if isinstance(value, bytes) else value


def _text(value: bytes) -> str | dict[str, str]:
    """Bytes as JSON can hold them."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(value).decode()}


def _hidden(value: Any) -> Any:
    """A personal value, hidden; that there is none may be seen, and so may names in maps."""
    if value is None or value in ("", b""):
        return value if value is None else ""
    if isinstance(value, Mapping):
        return {name: _hidden(part) for name, part in value.items()}
    return [_hidden(one) for one in value] if isinstance(value, (list, tuple)) else MASK
