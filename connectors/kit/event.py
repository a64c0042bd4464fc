"""What an action sees of an event: the interaction, the user's attributes, the binding's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Generic, Literal, NamedTuple, TypeVar

from connectors.kit.errors import MissingAttributes
from connectors.kit.fields import Params, Settings

Value = None | bool | int | float | str | list[str]
"""What an attribute can be."""

Interaction = Literal[
    "accept", "secondary_accept", "decline", "dismiss", "timeout", "impression", "custom_goal", "holdout"
]
CHAIN_INTERACTIONS: tuple[Interaction, ...] = ("accept", "secondary_accept", "decline", "dismiss", "timeout")
"""Interactions that actions can be bound to; the others are only exported."""
EXPORT_INTERACTIONS: tuple[Interaction, ...] = (*CHAIN_INTERACTIONS, "impression", "custom_goal", "holdout")


class Event(NamedTuple):
    """One prompt interaction, as published; field for field the Avro record PromptInteraction."""

    event_id: str
    app_id: str
    user_id: str
    prompt_id: str
    interaction: str
    time: int
    """Milliseconds since 1970, by the publisher's clock."""
    form: Mapping[str, str] = {}
    """What the user typed or chose in the prompt, by input name."""
    context: Mapping[str, str] = {}
    """Further facts of this event, such as `transaction_id` of a store purchase."""
    prompt_name: str | None = None
    prompt_type: str | None = None
    variant_id: str | None = None
    variant_name: str | None = None
    segment_id: str | None = None
    segment_name: str | None = None
    goal_id: str | None = None
    goal_name: str | None = None
    goal_value: float | None = None
    platform: str | None = None
    locale: str | None = None
    session_id: str | None = None
    ip_address: str | None = None

    @property
    def moment(self) -> datetime:
        """The time of the interaction, in UTC."""
        return datetime.fromtimestamp(self.time / 1000, UTC)


S = TypeVar("S", bound=Settings)
P = TypeVar("P", bound=Params)


class Call(Generic[S, P]):
    """Everything one run of one action may know. Frozen by convention; built once a binding and run."""

    __slots__ = ("attributes", "doubtful", "event", "now", "outcome_id", "params", "settings")

    def __init__(
        self,
        event: Event,
        attributes: Mapping[str, Value],
        params: P,
        settings: S,
        *,
        now: float,
        outcome_id: str,
        doubtful: bool = False,
    ) -> None:
        self.event = event
        self.attributes = attributes
        self.params = params
        self.settings = settings
        """The connector's settings; secrets stay wrapped and are opened by signers and token flows only."""
        self.now = now
        """Seconds since 1970 when this run of the action began."""
        self.outcome_id = outcome_id
        """A UUID of event, binding and generation: the same for every repeat whose outcome is unknown."""
        self.doubtful = doubtful
        """True where an earlier try of this very action may have reached the vendor."""

    def key(self, step: str = "") -> str:
        """The idempotency key of `step`: stable over retries, crashes and replays of unknown outcomes."""
        return f"{self.outcome_id}:{step}" if step else self.outcome_id

    def attribute(self, name: str) -> str:
        """The user's attribute as text, or "" where it is absent or empty."""
        value = self.attributes.get(name)
        return "" if value is None else str(value)

    def first(self, *names: str) -> str:
        """The first of the named attributes that is there; raises MissingAttributes where none is."""
        for name in names:
            value = self.attributes.get(name)
            if value is not None and value != "":
                return str(value)
        raise MissingAttributes(names)

    def mapped(self, names: Mapping[str, str]) -> dict[str, Value]:
        """Attributes by the vendor's names (`names`: theirs to ours); absent ones are left out."""
        found = {theirs: self.attributes.get(ours) for theirs, ours in names.items()}
        return {theirs: value for theirs, value in found.items() if value is not None and value != ""}

    def form(self, name: str) -> str:
        """What the user typed into the form input `name`, stripped; "" where nothing was."""
        return self.event.form.get(name, "").strip()
