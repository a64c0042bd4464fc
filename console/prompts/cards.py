"""The bindings of a prompt as its panel shows them: what each does, what it asks for, why it cannot work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit.action import Action, Requires
from connectors.kit.connector import Connector
from connectors.kit.event import CHAIN_INTERACTIONS
from console.activity import OutcomeFilter
from console.connector_facts import sharing
from console.forms.fields import fields_of
from console.prompts.chains import Place, Raw, chain_of, ids_of
from console.prompts.checking import Judged
from console.standing import Standing, standing
from console.visit import Visit
from console.words import needed
from processor.config import content_changes

LOOKED_AT = 100
"""Failures."""
LONGEST = 80
"""Characters of a value."""
CANNOT: Mapping[str, str] = {
    "not_configured": "{title} is not set up for this app, so this cannot run.",
    "inactive": "{title} is switched off, so this cannot run.",
}
WAITS: Mapping[str, str] = {
    "paused": "{title} is paused by the system: chains wait here until it answers again.",
    "attention": "{title} refuses the credentials: chains wait here until its settings are mended.",
}


class Card(NamedTuple):
    """One binding."""

    place: Place
    id: str
    action: str
    """Connector and action, with a dot between."""
    title: str
    vendor: str
    facts: Sequence[tuple[str, str]]
    """Its parameters: title and value."""
    on_error: str
    notes: Sequence[str]
    """How it departs from what is usual: age, doubt, order."""
    needs: str
    """Attributes that must be synced."""
    inputs: Sequence[str]
    """Form inputs that the prompt must ask the user for."""
    cannot: Sequence[str]
    """Why it cannot work."""
    waits: str = ""
    link: str = ""
    """The connector's page."""
    unsynced: str = ""
    """That it will find its attributes for nobody, as far as the users synced last tell."""
    lacking: int = 0
    """Of the newest events, how many failed here because attributes were missing."""


class Column(NamedTuple):
    """One interaction with its chain."""

    interaction: str
    cards: Sequence[Card]


def columns(visit: Visit, name: str, prompt: Raw, judged: Judged) -> list[Column]:
    """All interactions, in order, with their chains."""
    standings: dict[str, Standing] = {}
    lacking = _lacking(visit, name)
    found = []
    for interaction in CHAIN_INTERACTIONS:
        chain = chain_of(prompt, interaction)
        cards = [_card(visit, Place(interaction, at), ident, one, judged, standings)
                 ._replace(lacking=lacking[interaction, ident])
                 for at, (ident, one) in enumerate(zip(ids_of(chain), chain, strict=True))]
        found.append(Column(interaction, cards))
    return found


def _lacking(visit: Visit, prompt: str) -> Counter[tuple[str, str]]:
    """By interaction and binding, the failures for missing attributes among the newest outcomes of the prompt."""
    activity = visit.options.activity
    if activity is None:
        return Counter()
    wanted = OutcomeFilter(app=visit.app, prompt=prompt, reason="missing_attributes")
    return Counter((one.interaction, one.binding) for one in activity.outcomes.newest(wanted, limit=LOOKED_AT))


def target_of(visit: Visit, action: str) -> tuple[Connector | None, Action | None]:
    """Connector and action that a binding names, where there are such."""
    name, _, inner = action.partition(".")
    connector = visit.options.known.get(name)
    return connector, connector.actions.get(inner) if connector else None


def _card(visit: Visit, place: Place, name: str, raw: Raw, judged: Judged, standings: dict[str, Standing]) -> Card:
    text = str(raw.get("action", ""))
    connector, action = target_of(visit, text)
    wrong = list(judged.mistakes.get(place, ()))
    if connector is None or action is None:
        return Card(place, name, text, text, "", _plain(raw), str(raw.get("on_error", "stop")), _notes(raw), "", (),
                    wrong or ["This console does not know this action."])
    if connector.id not in standings:
        standings[connector.id] = standing(connector, visit.content, visit.options.waiting(visit.app))
    now = standings[connector.id]
    return Card(
        place, name, text, action.title, connector.title, _facts(action, raw), str(raw.get("on_error", "stop")),
        _notes(raw), needed(action.requires), [one.title for one in action.form_inputs if one.required],
        wrong or reasons(now), WAITS.get(now.state, "").format(title=connector.title),
        f"/apps/{visit.app}/connectors/{connector.id}", unsynced(visit, action.requires))


def unsynced(visit: Visit, requires: Requires) -> str:
    """That no user has what an action needs, in words; "" where some have, or where it is not known."""
    share = sharing(visit)(requires)
    return share.said if share is not None and share.is_none else ""


def reasons(now: Standing) -> list[str]:
    """Why a connector's actions cannot work in an app."""
    title = now.connector.title
    found = [CANNOT[now.state].format(title=title)] if now.state in CANNOT else []
    return [f"{title} is an add-on that this app has not got."] if now.addon_missing else found


def _facts(action: Action, raw: Raw) -> list[tuple[str, str]]:
    titles = {one.name: one.title for one in fields_of(action.params)}
    return [(titles.get(name, name), shortened(value)) for name, value in _params(raw).items()]


def _plain(raw: Raw) -> list[tuple[str, str]]:
    return [(name, shortened(value)) for name, value in _params(raw).items()]


def _params(raw: Raw) -> Mapping[str, Any]:
    found = raw.get("params")
    return found if isinstance(found, Mapping) else {}


def shortened(value: Any) -> str:
    """A value for people, not too long."""
    text = content_changes.said(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _notes(raw: Raw) -> list[str]:
    found = [f"not if older than {raw['max_age']}"] if raw.get("max_age") else []
    if raw.get("in_doubt") == "retry":
        found.append("repeated when in doubt")
    if raw.get("order") == "overtake":
        found.append("does not wait for earlier events")
    return found
