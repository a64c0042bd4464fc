"""Settings and parameters as pydantic models: forms, validation, JSON Schema and pages come from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

_MISSING: Any = ...


class Settings(BaseModel):
    """What an administrator enters for a connector, in the order of the form; secrets are `SecretStr`.

    Errors show no input, since a mistyped key is a key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


class Params(BaseModel):
    """What an administrator picks when binding an action to a prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class NoParams(Params):
    """An action that asks for nothing."""


def field(
    title: str,
    *,
    help: str = "",
    default: Any = _MISSING,
    options: str = "",
    placeholder: str = "",
    group: str = "",
    public: bool = False,
    **rules: Any,
) -> Any:
    """A field of a form.

    `title` and `help` are read by marketers. `options` names one of the connector's pick lists.
    `public` says that a setting whose name sounds like a secret is none ("Key id" ...).
    `rules` are pydantic's own (ge, le, min_length, max_length, pattern ...).
    """
    extra: dict[str, Any] = {
        key: value
        for key, value in
        (("options", options), ("placeholder", placeholder), ("group", group), ("public", public))
        if value
    }
    return Field(default, title=title, description=help or None, json_schema_extra=extra or None, **rules)


def refuse(found: Mapping[str, str] | Mapping[tuple[str, ...], str]) -> None:
    """In a model's validator: raise what is wrong with fields that depend on one another, each at its own place.

    A place is the name of a field, or the way to a part of one.
    """
    if not found:
        return
    raise ValidationError.from_exception_data("settings", [
        InitErrorDetails(
            type=PydanticCustomError("setting", "{why}", {"why": why}),
            loc=(place,) if isinstance(place, str) else place, input=None,
        )
        for place, why in found.items()
    ], hide_input=True)
