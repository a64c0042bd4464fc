"""An action: one operation of a connector, declared as data around a generator."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from connectors.kit.errors import MissingAttributes
from connectors.kit.event import Call, Value
from connectors.kit.fields import Params, Settings
from connectors.kit.http import Request, Response

Note = Literal["", "accepted", "already_done"]


class Done(NamedTuple):
    """What a successful action returns."""

    reference: str = ""
    """The vendor's id of what was made or changed."""
    note: Note = ""
    """`accepted`: taken, not confirmed. `already_done`: it was so before."""
    detail: Mapping[str, str] = {}
    """Further facts worth keeping in the outcome (new trial end, status ...); no personal data."""


Flow = Generator[Request, Response, Done]
"""A generator that yields requests, is sent responses, and returns what it did."""


class Repeat(enum.Enum):
    """How safe it is to do an action again when nobody knows whether the first try arrived."""

    HARMLESS = "harmless"
    """Doing it twice leaves the same state."""
    KEY = "key"
    """The vendor recognises the idempotency key (header or unique reference field)."""
    LOOK_BEFORE = "look_before"
    """The flow looks at the vendor first and finds what an earlier try did."""
    NEVER = "never"
    """Nothing protects it: an unknown outcome is `in_doubt`."""


@dataclass(frozen=True, slots=True)
class Requires:
    """Attributes that must be synced before the action can run; `form.<name>` stands for a form input."""

    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()

    @property
    def asks_form(self) -> bool:
        """Whether a form input can stand in for an attribute."""
        return any(name.startswith("form.") for name in self.any_of + self.all_of)

    def missing(self, attributes: Mapping[str, Value]) -> tuple[str, ...]:
        """Names that are absent; of `any_of` all are named where none is there."""
        absent = [name for name in self.all_of if attributes.get(name) in (None, "")]
        if self.any_of and all(attributes.get(name) in (None, "") for name in self.any_of):
            absent.extend(self.any_of)
        return tuple(absent)


def any_of(*names: str) -> Requires:
    """At least one of the named attributes."""
    return Requires(any_of=names)


def all_of(*names: str) -> Requires:
    """Each of the named attributes."""
    return Requires(all_of=names)


NOTHING = Requires()


@dataclass(frozen=True, slots=True)
class FormInput:
    """A value that the user types into the prompt."""

    name: str
    title: str
    required: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """One operation that an administrator can bind to an interaction of a prompt."""

    id: str
    title: str
    run: Callable[[Call[Any, Any]], Flow]
    params: type[Params]
    requires: Requires = NOTHING
    form_inputs: tuple[FormInput, ...] = ()
    repeat: Repeat = Repeat.NEVER
    keeps_keys: float = 0.0
    """Seconds for which the vendor keeps idempotency keys, for `Repeat.KEY`."""
    help: str = ""
    kind: Literal["call", "instruction"] = "call"
    """`instruction`: no call is made; the outcome tells the app's SDK what to do."""
    repeat_of: Callable[[Any, Any], Repeat] | None = None
    """Of (params, settings), where the safety of a repeat depends on them."""

    def safety(self, params: Params, settings: Settings) -> Repeat:
        """How safe a repeat is with these parameters and settings."""
        return self.repeat_of(params, settings) if self.repeat_of else self.repeat

    def absent(self, attributes: Mapping[str, Value], form: Mapping[str, str]) -> tuple[str, ...]:
        """Required attributes and form inputs that this user and event lack."""
        needed = self.requires
        typed = {f"form.{name}": value.strip() for name, value in form.items()} if needed.asks_form else {}
        lacking = needed.missing({**attributes, **typed} if typed else attributes)
        inputs = tuple(f"form.{one.name}" for one in self.form_inputs
                       if one.required and not form.get(one.name, "").strip())
        return lacking + inputs

    def check_present(self, attributes: Mapping[str, Value], form: Mapping[str, str]) -> None:
        """Raise MissingAttributes naming each required attribute and form input that is absent."""
        lacking = self.absent(attributes, form)
        if lacking:
            raise MissingAttributes(lacking)


def instruct(type: str, reference: str = "", **fields: Any) -> Done:
    """The end of a client instruction: `fields` travel in the outcome as `instruction.<name>`."""
    detail = {"instruction": type}
    detail.update({f"instruction.{name}": str(value) for name, value in fields.items() if value is not None})
    return Done(reference=reference, detail=detail)


