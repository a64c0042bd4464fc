"""A connector: one vendor with its settings, signing, reading of answers, actions and exports."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from connectors.kit.action import NOTHING, Action, Flow, FormInput, Repeat, Requires
from connectors.kit.errors import Failure
from connectors.kit.event import Call
from connectors.kit.export import BatchFlow, BatchLimits, Export, Item
from connectors.kit.fields import NoParams, Params, Settings
from connectors.kit.http import Request, Response, Sign, TokenFlow
from connectors.kit.reading import read_status

Category = Literal["billing", "crm_marketing", "analytics", "push", "custom"]
Read = Callable[[Request, Response], Failure | None]
"""Tells whether an answer is a failure; None lets the flow go on with it."""


class Option(NamedTuple):
    """One entry of a pick list."""

    value: str
    title: str


class Account(NamedTuple):
    """What a connection test found."""

    name: str = ""
    mode: Literal["", "live", "sandbox"] = ""


CheckFlow = Generator[Request, Response, Account]
OptionsFlow = Generator[Request, Response, Sequence[Option]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What the vendor allows, per app, and how patient a call is."""

    rate: float = 0.0
    """Requests a second; 0 where the vendor names none."""
    concurrency: int = 100
    """Calls in flight at once."""
    timeout: float = 30.0
    """Total seconds of one request."""


F = TypeVar("F", bound=Callable[..., Flow])


@dataclass(frozen=True, slots=True)
class Connector:
    """One vendor. Module-level value named `connector` in a file of `connectors/`; being there is registering."""

    id: str
    title: str
    category: Category
    settings: type[Settings]
    signer: Callable[[Any], Sign]
    """Makes the signing function, once for each app's settings."""
    help: str = ""
    docs: str = ""
    """The vendor's own API reference."""
    api_version: str = ""
    read: Read = read_status
    tokens: Mapping[str, Callable[[Any, float], TokenFlow]] = field(default_factory=dict)
    """By realm: a flow of (settings, now) that gets or signs a token."""
    check: Callable[[Any], CheckFlow] | None = None
    """The cheapest authenticated read; None where a connection cannot be tested."""
    options: Mapping[str, Callable[[Any], OptionsFlow]] = field(default_factory=dict)
    limits: Limits = Limits()
    addon: bool = False
    request_id_header: str = ""
    """Lower-case header in which the vendor names a request."""
    foreign_addresses: bool = False
    """True where customers choose the host: private addresses are refused when connecting."""
    confidence: str = ""
    """What of the vendor's API could not be verified, said on the page and in the settings help."""
    doubt: str = ""
    """Which answers of the vendor leave it open whether something was done, beside lost ones; said on the page."""
    actions: dict[str, Action] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)

    def action(
        self,
        id: str,
        title: str,
        *,
        params: type[Params] = NoParams,
        requires: Requires = NOTHING,
        form_inputs: Sequence[FormInput] = (),
        repeat: Repeat = Repeat.NEVER,
        keeps_keys: float = 0.0,
        help: str = "",
        kind: Literal["call", "instruction"] = "call",
        repeat_of: Callable[[Any, Any], Repeat] | None = None,
    ) -> Callable[[F], F]:
        """Declare the decorated generator function as an action of this connector."""

        def register(run: F) -> F:
            """Keep the function under its id."""
            self._claim(id)
            self.actions[id] = Action(
                id, title, run, params, requires, tuple(form_inputs), repeat, keeps_keys, help, kind, repeat_of
            )
            return run

        return register

    def export(
        self,
        id: str,
        title: str,
        *,
        item: Callable[[Call[Any, Any]], Item],
        limits: BatchLimits,
        params: type[Params] = NoParams,
        requires: Requires = NOTHING,
        repeat: Repeat = Repeat.HARMLESS,
        trigger: Literal["interaction", "attributes"] = "interaction",
        help: str = "",
    ) -> Callable[[Callable[[Any, Sequence[Item]], BatchFlow]], Callable[[Any, Sequence[Item]], BatchFlow]]:
        """Declare the decorated generator function, which sends a batch, as an export of this connector."""

        def register(
            send: Callable[[Any, Sequence[Item]], BatchFlow],
        ) -> Callable[[Any, Sequence[Item]], BatchFlow]:
            """Keep the function under its id."""
            self._claim(id)
            self.exports[id] = Export(id, title, item, send, params, limits, requires, repeat, trigger, help)
            return send

        return register

    def _claim(self, id: str) -> None:
        if id in self.actions or id in self.exports:
            raise ValueError(f"connector {self.id}: '{id}' is declared twice")
