"""What an interaction with a prompt is called at vendors of analytics and marketing, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC

from connectors.kit.event import Event

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
