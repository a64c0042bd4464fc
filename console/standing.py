"""How a connector stands in an app: what people set, and what the system found, kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from connectors.kit.connector import Connector
from processor.waiting.tally import Group

State = Literal["not_configured", "active", "inactive", "paused", "attention"]

WHY: Mapping[str, str] = {
    "settings": "The vendor refuses the credentials or settings (401 or 403).",
    "circuit": "Too many calls failed, so none is made but a probe now and then.",
}
"""By the cause that chains wait for."""


class Standing(NamedTuple):
    """One connector of one app."""

    connector: Connector
    state: State
    why: str = ""
    since: int = 0
    """Milliseconds since 1970, from which on the oldest chain waits."""
    next_at: int = 0
    """When it is tried again; 0 where no time is set."""
    chains: int = 0
    """How many wait for it."""
    addon_missing: bool = False
    """An add-on that the app has not got."""


def standings(known: Mapping[str, Connector], content: Mapping[str, Any], waiting: Sequence[Group]) -> list[Standing]:
    """All connectors there are, as the app has them."""
    return [standing(one, content, waiting) for one in known.values()]


def standing(connector: Connector, content: Mapping[str, Any], waiting: Sequence[Group]) -> Standing:
    """One connector, as the app has it."""
    used = content.get("connectors") or {}
    addons = (content.get("app") or {}).get("addons") or ()
    missing = connector.addon and connector.id not in addons
    if connector.id not in used:
        return Standing(connector, "not_configured", addon_missing=missing)
    if (used[connector.id] or {}).get("active") is False:
        return Standing(connector, "inactive", addon_missing=missing)
    return _at_work(connector, [one for one in waiting if one.connector == connector.id])


def _at_work(connector: Connector, groups: Sequence[Group]) -> Standing:
    states: tuple[tuple[str, State], ...] = (("settings", "attention"), ("circuit", "paused"))
    for cause, state in states:
        for one in groups:
            if one.cause == cause:
                return Standing(connector, state, WHY[cause], one.oldest, one.next_at, one.chains)
    return Standing(connector, "active")
