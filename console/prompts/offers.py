"""What can be put into a chain: the actions of connectors that are switched on, and what first must be set up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from connectors.kit.connector import Connector
from console.standing import State, standing
from console.visit import Visit
from console.words import CATEGORIES


class Offer(NamedTuple):
    """A connector that is switched on, with its actions."""

    connector: Connector
    category: str
    state: State


class Offers(NamedTuple):
    """All connectors that have actions."""

    ready: Sequence[Offer]
    idle: Sequence[Offer]
    """Set up, but off."""
    more: int
    """How many there are beside those."""


def offers(visit: Visit) -> Offers:
    """By category, then by title."""
    found = [standing(one, visit.content, ()) for one in visit.options.known.values() if one.actions]
    order = {name: at for at, name in enumerate(CATEGORIES)}
    found.sort(key=lambda one: (order[one.connector.category], one.connector.title.lower()))
    made = {state: [Offer(one.connector, CATEGORIES[one.connector.category], one.state) for one in found
                    if one.state == state and (not one.addon_missing or state == "not_configured")]
            for state in ("active", "inactive", "not_configured")}
    return Offers(made["active"], made["inactive"], len(made["not_configured"]))
