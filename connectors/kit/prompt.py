"""What an interaction with a prompt is called at vendors of analytics and marketing, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, model_validator

from connectors.kit.event import Call, Event, Interaction, Value
from connectors.kit.fields import Params, field, refuse
from connectors.kit.template import Template, sound

EVENT_NAMES: Mapping[str, str] = {
    "accept": "Recurly Engage Prompt Click",
    "secondary_accept": "Recurly Engage Prompt Click 2",
    "decline": "Recurly Engage Prompt Decline",
    "dismiss": "Recurly Engage Prompt Dismiss",
    "timeout": "Recurly Engage Prompt Timeout",
    "impression": "Recurly Engage Prompt Impression",
    "custom_goal": "Recurly Engage Prompt Custom Goal",
    "holdout": "Recurly Engage Prompt Holdout",
}


def event_name(event: Event, chosen: str = "") -> str:
    """The chosen name, else the one that belongs to the interaction."""
    return chosen or EVENT_NAMES.get(event.interaction, f"Recurly Engage Prompt {event.interaction}")


def iso_time(event: Event) -> str:
    """The time of the interaction as ISO 8601 in UTC, with milliseconds: "2027-01-15T08:00:00.000Z"."""
    return event.moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def prompt_properties(event: Event) -> dict[str, str]:
    """Prompt, variation and time of the interaction by the names that all vendors are told; absent ones left out."""
    told = {
        "promo_id": event.prompt_id, "promo_name": event.prompt_name, "variation_id": event.variant_id,
        "variation_name": event.variant_name, "event_timestamp": iso_time(event),
    }
    return {name: value for name, value in told.items() if value is not None}


class EventParams(Params):
    """What the interactions of an export are called at the vendor, and what their properties are."""

    PROPERTIES: ClassVar[tuple[str, ...]] = (
        "promo_id", "promo_name", "variation_id", "variation_name", "event_timestamp",
    )
    """Properties that can be renamed."""

    event_name: str = field("Event name", default="", help="Instead of the name that belongs to the interaction.")
    event_names: dict[Interaction, str] = field(
        "Event names by interaction", default={}, help="Such as accept: Offer accepted. They go before the event name."
    )
    property_names: dict[str, str] = field(
        "Property names", default={},
        help="Such as promo_id: campaign. Others keep their name; an empty name leaves the property out.",
    )

    @model_validator(mode="after")
    def _known_properties(self) -> Self:
        strange = sorted(set(self.property_names) - set(self.PROPERTIES))
        why = f"has no property {', '.join(strange)} to rename; there are {', '.join(self.PROPERTIES)}"
        refuse({"property_names": why} if strange else {})
        return self

    def chosen(self, event: Event) -> str:
        """The name that was chosen for this interaction; "" where none was."""
        return self.event_names.get(event.interaction) or self.event_name  # type: ignore[call-overload]

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every event name that was chosen, for the vendor's own rules."""
        return tuple(name for name in (self.event_name, *self.event_names.values()) if name)

    def renamed(self, properties: Mapping[str, Value]) -> dict[str, Value]:
        """Properties under the names that were chosen for them."""
        if not self.property_names:
            return dict(properties)
        named = ((self.property_names.get(name, name), value) for name, value in properties.items())
        return {name: value for name, value in named if name}


def _readable(texts: dict[str, str]) -> dict[str, str]:
    for text in texts.values():
        Template.parse(text)
    return texts


Texts = Annotated[dict[str, str], AfterValidator(_readable)]
"""Parameter of a binding: by the vendor's names, values that may hold placeholders such as %first_name%."""


def filled(call: Call[Any, Any], texts: Mapping[str, str]) -> dict[str, Value]:
    """Values with their placeholders filled: from the event, from the prompt's form, from the user's attributes.

    A value that is one placeholder keeps its type; one with a placeholder that stands for nothing is left out.
    """
    templates = {name: Template.parse(text) for name, text in texts.items()}
    known, wanted = _known(call), {name for one in templates.values() for name in one.names}
    there = {name: sound(name, known[name]) for name in wanted if known.get(name) not in (None, "")}
    return {name: one.value(there.__getitem__) for name, one in templates.items() if there.keys() >= set(one.names)}


def _known(call: Call[Any, Any]) -> dict[str, Value]:
    """What placeholders can stand for; the event's own facts go before what was typed, that before attributes."""
    event = call.event
    return {
        **call.attributes, **{name: text.strip() for name, text in event.form.items() if text.strip()},
        **prompt_properties(event), "user_id": event.user_id, "prompt_id": event.prompt_id,
        "prompt_name": event.prompt_name, "activity": event.interaction, "event_id": event.event_id,
        "app_id": event.app_id, "outcome_id": call.outcome_id, **_goal(event),
    }


def _goal(event: Event) -> dict[str, Value]:
    """The goal that was reached, which only the interaction custom_goal has."""
    goal = {"goal_id": event.goal_id, "goal_name": event.goal_name, "goal_value": event.goal_value}
    return {name: value for name, value in goal.items() if value is not None}
