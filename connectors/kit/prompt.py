"""What an interaction with a prompt is called at vendors of analytics and marketing, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any

from pydantic import AfterValidator

from connectors.kit.event import Call, Event, Value
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
        "app_id": event.app_id, "outcome_id": call.outcome_id,
    }
