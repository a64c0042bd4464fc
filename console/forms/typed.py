"""What stands in a form's fields, and what was typed into them: between texts and the configuration's values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import yaml
from starlette.datastructures import FormData

from console.forms.fields import FormField
from processor.config import documents

Values = Mapping[str, Any]


class Typed(NamedTuple):
    """A form as it was sent."""

    values: dict[str, Any]
    """What the configuration keeps: what is left out has the default."""
    texts: dict[str, str]
    """What was typed, to be shown again; of secrets nothing."""
    wrong: dict[str, str]
    """What could not be read, by field."""


def typed(fields: Iterable[FormField], form: FormData, prefix: str = "") -> Typed:
    """Read the fields of a form; secrets are left to `console.forms.secret_fields`."""
    found = Typed({}, {}, {})
    for one in fields:
        if not one.is_secret:
            _read(one, form.getlist(prefix + one.name), found)
    return found


def _read(field: FormField, sent: list[Any], found: Typed) -> None:
    text = str(sent[-1]).replace("\r\n", "\n") if sent else ""
    found.texts[field.name] = text
    try:
        value = _value(field, text)
    except ValueError as error:
        found.wrong[field.name] = str(error)
        return
    if value is not None and value != _plain(field.default):
        found.values[field.name] = value


def _value(field: FormField, text: str) -> Any:
    """What the configuration keeps for a text; None for nothing. Raises ValueError."""
    if field.kind == "switch":
        return bool(text)
    if field.kind == "choice":
        return next((one.means for one in field.choices if one.value == text), text or None)
    if not text.strip():
        return None
    if field.kind in ("lines", "pairs", "yaml"):
        return {"lines": _lines, "pairs": _pairs, "yaml": _yaml}[field.kind](text)
    return _number(text.strip()) if field.kind == "number" or field.is_number else text.strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _lines(text):
        name, separator, value = line.partition(":")
        if not separator or not name.strip():
            raise ValueError(f"write each line as name: value; this one is '{line[:60]}'")
        found[name.strip()] = value.strip()
    return found


def _yaml(text: str) -> Any:
    document, errors = documents.parse(text, "here")
    if errors:
        raise ValueError("; ".join(f"line {one.line}: {one.message}" for one in errors))
    return document.data


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text  # the model says what is wrong with it


def shown(fields: Iterable[FormField], values: Values) -> dict[str, str]:
    """What the fields show for what the configuration has; of secrets nothing."""
    return {one.name: _shown(one, values.get(one.name)) for one in fields if not one.is_secret}


def _shown(field: FormField, value: Any) -> str:
    value = _plain(field.default) if value is None else value
    if value is None:
        return ""
    if field.kind == "switch":
        return "yes" if value in (True, "true") else ""
    if field.kind == "choice":
        return next((one.value for one in field.choices if one.means == value), str(value))
    return _written(field, value)


def _written(field: FormField, value: Any) -> str:
    if field.kind == "lines" and isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    if field.kind == "pairs" and isinstance(value, Mapping):
        return "\n".join(f"{name}: {one}" for name, one in value.items())
    return _dumped(value) if field.kind in ("pairs", "yaml") else str(value)


def _dumped(value: Any) -> str:
    if value in ({}, [], ""):
        return ""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False).rstrip()


def _plain(value: Any) -> Any:
    """A default as the configuration would have it."""
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value
