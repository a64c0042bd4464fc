"""Segment's shapes, `track` and `identify`, as members of our records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.kit.event import EXPORT_INTERACTIONS, Event
from processor.ingest.problems import Wrong, escaped

_WORDS = {
    "accepted": "accept", "secondary_accepted": "secondary_accept", "declined": "decline", "dismissed": "dismiss",
    "timed_out": "timeout", "viewed": "impression", "shown": "impression", "goal_reached": "custom_goal",
}
_OWN = frozenset(Event._fields) - {"event_id", "app_id", "user_id", "interaction", "time", "form", "context"}
_OF_CONTEXT = {"locale": ("locale",), "ip_address": ("ip",), "platform": ("os", "name")}
MOST_DEPTH = 8
EXAMPLE = "'accept', or 'Prompt Accepted'; one of " + ", ".join(EXPORT_INTERACTIONS)


class Members(NamedTuple):
    """Members of a record out of a Segment message, and what stands against it."""

    members: Mapping[str, Any]
    wrong: tuple[Wrong, ...]
    places: Mapping[str, str]
    """By field of the record, the JSON pointer inside the message."""


def track(form: Mapping[str, Any]) -> Members:
    """`track`: the event is the interaction, its properties are the prompt and what is known of it."""
    properties = _mapping(form, "properties")
    members: dict[str, Any] = {"interaction": interaction(form.get("event"))}
    places = {"interaction": "event", "event_id": "messageId", "user_id": "userId", "time": "timestamp",
              "form": "properties/form", "context": "properties/context"}
    facts: dict[str, Any] = {}
    for name, value in properties.items():
        own = snake(name)
        if own in _OWN or own in ("form", "context"):
            members[own] = value
            places[own] = f"properties/{escaped(name)}"
        else:
            facts[name] = value
    if isinstance(members.get("context", {}), Mapping):
        members["context"] = {**_texts(facts), **members.get("context", {})}
    members |= _of_context(form, members) | _shared(form, "event_id")
    wrong = [] if isinstance(form.get("event"), str) else [Wrong("event", "is missing", EXAMPLE)]
    return Members(members, tuple(wrong), {"prompt_id": "properties/prompt_id", **places})


def identify(form: Mapping[str, Any]) -> Members:
    """`identify`: the traits are attributes; those inside others are named with dots."""
    wrong: list[Wrong] = []
    traits = form.get("traits", {})
    if not isinstance(traits, Mapping):
        return Members({}, (Wrong("traits", f"is {type(traits).__name__}", "an object of attributes"),), {})
    members = {"attributes": dict(_flat(traits, "", 0, wrong)), "mode": "merge", **_shared(form, None)}
    return Members(members, tuple(wrong), {"attributes": "traits", "user_id": "userId", "time": "timestamp"})


def interaction(event: Any) -> Any:
    """The interaction that a name of an event means; anything else as it is."""
    if not isinstance(event, str):
        return event
    name = snake(event).removeprefix("prompt_")
    return _WORDS.get(name, name if name in EXPORT_INTERACTIONS else event)


def snake(name: str) -> str:
    """`Prompt Accepted`, `promptId` and `prompt-id` by the same rule."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()[:200])
    return re.sub(r"[\s_.-]+", "_", parted).lower()


def _shared(form: Mapping[str, Any], identity: str | None) -> dict[str, Any]:
    given = {"user_id": form.get("userId"), "time": form.get("timestamp", form.get("originalTimestamp")),
             "app_id": form.get("app_id", form.get("appId"))}
    if identity is not None:
        given[identity] = form.get("messageId")
    return {name: value for name, value in given.items() if value is not None}


def _of_context(form: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """What the library tells about the device, where the properties do not."""
    found: dict[str, Any] = {}
    for name, path in _OF_CONTEXT.items():
        value: Any = form.get("context")
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if name not in members and isinstance(value, str) and value:
            found[name] = value
    return found


def _mapping(form: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = form.get(name)
    return value if isinstance(value, Mapping) else {}


def _texts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Further properties as texts; what is none, such as a list of products, says nothing to an action."""
    return {name: value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value}"
            for name, value in facts.items() if isinstance(value, (str, bool, int, float))}


def _flat(traits: Mapping[str, Any], before: str, depth: int, wrong: list[Wrong]) -> Iterator[tuple[str, Any]]:
    for name, value in traits.items():
        full = f"{before}{name}"
        if not isinstance(value, Mapping):
            yield full, value
        elif depth >= MOST_DEPTH:
            wrong.append(Wrong(f"traits/{escaped(full)}", f"lies more than {MOST_DEPTH} objects deep"))
        else:
            yield from _flat(value, f"{full}.", depth + 1, wrong)
