"""The compiled configuration: apps, their connectors, prompts and bindings, as the engine reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Literal

from connectors.kit.action import Action
from connectors.kit.connector import Connector, Limits
from connectors.kit.export import Export
from connectors.kit.fields import Params, Settings

OnError = Literal["stop", "continue"]
InDoubtRule = Literal["hold", "retry"]
Order = Literal["hold", "overtake"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Binding:
    """An action with its parameters at one place in a chain."""

    id: str
    """Unique in its chain: given, or "<connector>.<action>", with "#2", "#3" ... on repeats."""
    position: int
    """Place in the chain, from 0."""
    connector: Connector
    action: Action
    params: Params
    settings: Settings = field(repr=False)
    """Of the app's connector."""
    on_error: OnError = "stop"
    max_age: float | None = None
    """Seconds after the interaction until which the action still makes sense; None for any age."""
    in_doubt: InDoubtRule = "hold"
    order: Order = "hold"


Chain = tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class ExportBinding:
    """An app's standing subscription of an analytics connector."""

    id: str
    """Connector and export, with a dot between."""
    connector: Connector
    export: Export
    params: Params
    settings: Settings = field(repr=False)
    interactions: frozenset[str]
    prompts: frozenset[str] | None = None
    """Prompts whose events are exported; None for all."""


@dataclass(frozen=True, slots=True)
class AppConnector:
    """A connector as one app uses it."""

    connector: Connector
    settings: Settings = field(repr=False)
    active: bool
    limits: Limits
    """The connector's own, where the app does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt and what each interaction with it sets off."""

    id: str
    title: str
    chains: Mapping[str, Chain]
    """By interaction; absent where nothing is bound."""


@dataclass(frozen=True, slots=True)
class App:
    """A tenant: its connectors, prompts and exports."""

    id: str
    title: str
    addons: frozenset[str]
    version: str
    """12 hex digits over the app's content; secrets enter by their references, never by their values."""
    connectors: Mapping[str, AppConnector]
    prompts: Mapping[str, Prompt]
    exports: tuple[ExportBinding, ...]
    duplicates_window: float = DAY
    """Seconds within which an event that is published again is known as a duplicate."""

    def chain(self, prompt_id: str, interaction: str) -> Chain:
        """The bindings of one interaction of one prompt; empty where nothing is bound."""
        prompt = self.prompts.get(prompt_id)
        return prompt.chains.get(interaction, ()) if prompt else ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """All apps, as of one reading."""

    version: str
    apps: Mapping[str, App]


def configuration_of(apps: Mapping[str, App]) -> Configuration:
    """A configuration whose version follows from the versions of its apps."""
    text = "\n".join(f"{app.id}={app.version}" for app in sorted(apps.values(), key=lambda one: one.id))
    return Configuration(sha256(text.encode()).hexdigest()[:12], MappingProxyType(dict(apps)))
