"""Settings > Actions: all connectors by category, each with its state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from starlette.responses import Response

from console.standing import Standing, standings
from console.visit import Here
from console.words import CATEGORIES, STATES


class Shelf(NamedTuple):
    """The connectors of one category."""

    title: str
    connectors: tuple[Standing, ...]


def catalogue(visit: Here, q: str = "", state: str = "") -> Response:
    """The catalogue, of what fits the words and the state asked for."""
    found = standings(visit.options.known, visit.content, visit.options.waiting(visit.app))
    wanted = [one for one in found if _fits(one, q) and state in ("", one.state)]
    return visit.page("connectors.html", shelves=_shelves(wanted), q=q, state=state, states=STATES,
                      troubled=[one for one in found if one.state in ("paused", "attention")])


def _fits(one: Standing, words: str) -> bool:
    connector = one.connector
    text = " ".join((connector.id, connector.title, connector.help, CATEGORIES[connector.category],
                     *(action.title for action in connector.actions.values()))).lower()
    return all(word in text for word in words.lower().split())


def _shelves(found: Iterable[Standing]) -> list[Shelf]:
    """By category, those in use first, then by title."""
    order = {name: at for at, name in enumerate(("attention", "paused", "active", "inactive", "not_configured"))}
    ranked = sorted(found, key=lambda one: (order[one.state], one.connector.title.lower()))
    shelves = [Shelf(title, tuple(one for one in ranked if one.connector.category == name))
               for name, title in CATEGORIES.items()]
    return [one for one in shelves if one.connectors]
