"""What happened, told to a person who opens a support ticket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.kit.event import Call, Event, Value

SAID: Mapping[str, str] = {
    "accept": "accepted", "secondary_accept": "accepted (second button)", "decline": "declined",
    "dismiss": "dismissed", "timeout": "timed out",
}


def said(event: Event) -> str:
    """What the user did, as a past participle."""
    return SAID.get(event.interaction, event.interaction)


def prompt_label(event: Event) -> str:
    """The prompt's name, else its id."""
    return event.prompt_name or event.prompt_id


def story(call: Call[Any, Any]) -> list[str]:
    """Lines of plain text: what the user did, what was typed, which attributes are known."""
    event = call.event
    lines = [f"The prompt '{prompt_label(event)}' was {said(event)}.", "",
             f"User: {event.user_id}", f"Prompt: {event.prompt_id}", f"Interaction: {event.interaction}",
             f"Time: {datetime.fromtimestamp(event.time // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"]
    lines += [f"{name}: {value}" for name, value in event.form.items()]
    lines += [f"{name}: {_shown(value)}" for name, value in sorted(call.attributes.items()) if value is not None]
    return lines


def _shown(value: Value) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
