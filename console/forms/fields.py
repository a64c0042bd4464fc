"""Which fields a form has: made from a pydantic model, in its order, with its words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

Kind = Literal["text", "number", "date", "switch", "choice", "pick", "lines", "pairs", "yaml", "secret", "secret_text",
               "secrets"]
"""Which widget a field gets; each is one macro of `fields.html`.

`pairs` are lines of `name: value`; `yaml` is for what has parts of its own; `secret_text` is a secret of several
lines; `secrets` are several of them, by name.
"""

SEVERAL_LINES = ("private_key", "_json", "token_key")
"""Parts of the names of secrets that are whole files."""
TESTING = "testing"
"""The group of fields that are for tests only."""
MULTIPLE = (tuple, list, set, frozenset)
NUMBERS = (int, float, Decimal)
SIMPLE: Mapping[Any, Kind] = {
    int: "number", float: "number", Decimal: "number", str: "text", dt.date: "date", bool: "switch"}
BY_NAME: Mapping[Any, Kind] = {SecretStr: "secrets", str: "pairs"}
"""Of what has names and values: by the type of the values."""


class Choice(NamedTuple):
    """One of what can be chosen."""

    value: str
    title: str
    means: Any
    """What the configuration keeps for it."""


class FormField(NamedTuple):
    """One field."""

    name: str
    title: str
    kind: Kind
    help: str = ""
    placeholder: str = ""
    group: str = ""
    is_required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()
    options: str = ""
    """The connector's pick list, for `pick`."""
    is_number: bool = False
    """Whether what is picked is a number."""

    @property
    def is_secret(self) -> bool:
        """Whether what it holds is never sent back."""
        return self.kind in ("secret", "secret_text", "secrets")


@cache
def fields_of(model: type[BaseModel]) -> tuple[FormField, ...]:
    """The fields of a model's form, in the model's order."""
    return tuple(_field(name, one) for name, one in model.model_fields.items())


def groups_of(fields: Iterable[FormField]) -> Mapping[str, tuple[FormField, ...]]:
    """Fields by their group, in order; those without one under ""."""
    found: dict[str, list[FormField]] = {}
    for one in fields:
        found.setdefault(one.group, []).append(one)
    return {name: tuple(some) for name, some in found.items()}


def _field(name: str, one: FieldInfo) -> FormField:
    extra = one.json_schema_extra if isinstance(one.json_schema_extra, dict) else {}
    options = str(extra.get("options", ""))
    kind = _kind(name, one.annotation, options)
    default = None if one.is_required() else one.get_default(call_default_factory=True)
    return FormField(
        name, one.title or name.replace("_", " ").capitalize(), kind, one.description or "",
        str(extra.get("placeholder", "")), str(extra.get("group", "")), one.is_required(), default,
        _choices(one.annotation) if kind == "choice" else (), options, plain_types(one.annotation)[0] in NUMBERS)


def plain_types(annotation: Any) -> list[Any]:
    """The types that a value may have, without None and without what only annotates."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return plain_types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [inner for one in get_args(annotation) for inner in plain_types(one) if inner is not type(None)]
    return [annotation]


def _kind(name: str, annotation: Any, options: str) -> Kind:
    kinds = plain_types(annotation)
    if len(kinds) != 1:
        return "yaml"
    kind = kinds[0]
    if kind is SecretStr:
        return "secret_text" if any(part in name for part in SEVERAL_LINES) else "secret"
    if options and kind in (str, *NUMBERS):
        return "pick"
    if kind is bool and type(None) in get_args(annotation):
        return "choice"
    return SIMPLE.get(kind) or _compound(kind)


def _compound(kind: Any) -> Kind:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "choice"
    if origin in MULTIPLE and plain_types(parts[0]) == [str]:
        return "lines"
    return BY_NAME.get(parts[1], "yaml") if origin is dict else "yaml"


def _choices(annotation: Any) -> tuple[Choice, ...]:
    kind = plain_types(annotation)[0]
    values = (True, False) if kind is bool else get_args(kind)
    made = [Choice(_text(one), _text(one).replace("_", " ") if one != "" else "none", one) for one in values]
    if kind is bool or type(None) in get_args(annotation):
        made.insert(0, Choice("", "as it is", None))
    return tuple(made)


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
