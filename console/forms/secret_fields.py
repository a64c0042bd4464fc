"""Secret fields: never sent back, told only as set or not, since when and by whom; blank keeps what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import SecretStr
from starlette.datastructures import FormData

from console.forms.fields import FormField
from processor.config import secrets
from processor.config.errors import SecretError
from processor.config.keyring import SCHEME, Keyring
from processor.config.store import Version

LONG = 12
"""Shorter secrets show none of their characters."""
LAST = 4
FOREIGN = "references to secrets of the server are entered by Company administrators; enter the secret itself"


class SecretState(NamedTuple):
    """What may be told of a secret."""

    is_set: bool = False
    ends_in: str = ""
    comes_from: str = ""
    """The reference, where it is not kept here."""
    changed: int = 0
    by: str = ""


class Entered(NamedTuple):
    """What came of the secret fields of a form."""

    values: dict[str, Any]
    wrong: dict[str, str]


def state_of(kept: Any, opened: Any, history: Sequence[tuple[Version, Any]]) -> SecretState:
    """What may be told of one; `history` has what each version kept, the newest first."""
    if not kept:
        return SecretState()
    reference = secrets.reference(kept) or ""
    is_here = reference.startswith(f"{SCHEME}:")
    since = _since(kept, history)
    return SecretState(True, _end(opened), "" if is_here else reference, since.at if since else 0,
                       since.by if since else "")


def _end(opened: Any) -> str:
    text = opened.get_secret_value() if isinstance(opened, SecretStr) else ""
    return text[-LAST:] if len(text) >= LONG and text[-LAST:].isprintable() and "\n" not in text[-LAST:] else ""


def _since(kept: Any, history: Sequence[tuple[Version, Any]]) -> Version | None:
    found = None
    for version, value in history:
        if value != kept:
            break
        found = version
    return found


class Entering:
    """Seals what was typed; remembers what is wrong with it."""

    def __init__(self, app: str, keyring: Callable[[], Keyring], *, may_refer: bool) -> None:
        self._app = app
        self._keyring = keyring
        self._may_refer = may_refer

    def read(self, fields: Iterable[FormField], form: FormData, kept: Mapping[str, Any], prefix: str = "") -> Entered:
        """The secrets after the form: blank keeps, anything else takes the place of what was there."""
        found = Entered({}, {})
        for one in fields:
            if one.is_secret:
                self._field(one, form, kept.get(one.name), prefix + one.name, found)
        return found

    def _field(self, field: FormField, form: FormData, kept: Any, name: str, found: Entered) -> None:
        try:
            value = self._by_name(form, kept, name) if field.kind == "secrets" else self._one(form.get(name), kept)
        except SecretError as error:
            found.wrong[field.name] = str(error)
            value = kept
        if value:
            found.values[field.name] = value

    def _one(self, text: Any, kept: Any) -> Any:
        return self.sealed(text) if isinstance(text, str) and text.strip() else kept

    def _by_name(self, form: FormData, kept: Any, name: str) -> dict[str, Any]:
        """Several secrets: each keeps its name; a new one has a field for its name beside it."""
        values = {one: self._one(form.get(f"{name}.{one}"), value) for one, value in (kept or {}).items()}
        new, text = str(form.get(f"{name}+name") or "").strip(), form.get(f"{name}+value")
        if new and isinstance(text, str) and text.strip():
            values[new] = self.sealed(text)
        elif new or (isinstance(text, str) and text.strip()):
            raise SecretError("a new one needs both its name and its value")
        return values

    def given(self, value: Any, kept: Any) -> Any:
        """What is kept for what a program sent: a text, several of them by name, or None for nothing.

        Among several, one that is None is taken away, and one that is not named stays.
        """
        if isinstance(value, str):
            return self.sealed(value) if value.strip() else kept
        if isinstance(value, Mapping):
            merged = {**(kept or {}), **{name: one if one is None else self.sealed(str(one))
                                         for name, one in value.items()}}
            return {name: one for name, one in merged.items() if one is not None}
        return None

    def sealed(self, text: str) -> str:
        """What is kept for a typed secret; raises SecretError."""
        text = text.replace("\r\n", "\n").strip()
        reference = secrets.reference(text)
        if reference is None:
            return self._keyring().seal(text, self._app)
        if not self._may_refer and not reference.startswith(f"{SCHEME}:"):
            raise SecretError(FOREIGN)
        return reference


def without(kept: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The settings without one secret: a field's name, or `field.name` of one among several."""
    name, _, inner = place.partition(".")
    rest = {one: value for one, value in kept.items() if one != name}
    if inner and isinstance(kept.get(name), Mapping):
        return {**rest, name: {one: value for one, value in kept[name].items() if one != inner}}
    return rest
