"""What a connector's page tells beside the form: what its actions need, where they are bound, what changed when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import SecretStr

from connectors.kit.action import Requires
from connectors.kit.connector import Connector
from connectors.kit.event import CHAIN_INTERACTIONS
from console.activity import Share
from console.editing import part_of
from console.forms.fields import FormField
from console.forms.secret_fields import SecretState, state_of
from console.pasts import Past
from console.visit import Visit
from console.words import needed
from processor.config import secrets
from processor.config.content_changes import Change, changes
from processor.config.errors import SecretError
from processor.config.keyring import SCHEME
from processor.config.store import Content, Version

Sharing = Callable[[Requires], Share | None]
SHOWN = 10
"""Entries of the history on the page."""


class Need(NamedTuple):
    """An action or export, and what it must know of the user."""

    title: str
    help: str
    kind: str
    attributes: str
    share: Share | None = None
    """For how many users they are there, where that is known."""
    id: str = ""
    is_on: bool = False
    """Of an export: whether the app has it."""


class Bound(NamedTuple):
    """A place where one of its actions is bound."""

    prompt: str
    title: str
    interaction: str
    action: str


class Changed(NamedTuple):
    """One change of the connector."""

    version: Version
    changes: Sequence[Change]


def needs_of(connector: Connector, entry: Mapping[str, Any], share: Sharing) -> list[Need]:
    """All that the connector can do, with the attributes that must be synced for it."""
    found = [Need(one.title, one.help, "action", needed(one.requires), share(one.requires))
             for one in connector.actions.values()]
    on = entry.get("exports") or {}
    return found + [Need(one.title, one.help, "export", needed(one.requires), share(one.requires), one.id, one.id in on)
                    for one in connector.exports.values()]


def sharing(visit: Visit) -> Sharing:
    """Tells for how many users of the app all is there that an action needs."""
    activity = visit.options.activity
    return lambda requires: activity.share(visit.app, requires) if activity else None


def bound_at(content: Content, connector: str) -> list[Bound]:
    """Where actions of the connector are bound, in the order of the prompts."""
    found = []
    for prompt, raw in (content.get("prompts") or {}).items():
        for interaction in CHAIN_INTERACTIONS:
            for one in (raw or {}).get(interaction) or ():
                name, _, action = str(one.get("action", "")).partition(".")
                if name == connector:
                    found.append(Bound(prompt, str(raw.get("title") or prompt), interaction, action))
    return found


def history_of(past: Sequence[Past], connector: str, *, complete: bool) -> list[Changed]:
    """The last changes of the connector in this app, newest first; `past` may lack the oldest versions."""
    found: list[Changed] = []
    for one, older in zip(past, [*past[1:], None], strict=True):
        after, before = one.connectors.get(connector), older.connectors.get(connector) if older else None
        is_first = older is None and complete and one.version.number == 1
        if after != before and (older is not None or is_first):
            found.append(Changed(one.version, changes(before, after)))
    return found[:SHOWN]


def secret_states(
    visit: Visit, past: Sequence[Past], connector: Connector, fields: Iterable[FormField]
) -> Mapping[str, Any]:
    """By secret field, what may be told of it; of several secrets, by their names."""
    versions = [(one.version, part_of(one.connectors, (connector.id, "settings")) or {}) for one in past]
    kept = part_of(visit.content, ("connectors", connector.id, "settings")) or {}
    made: dict[str, Any] = {}
    for one in fields:
        if one.kind == "secrets":
            made[one.name] = {name: _state(visit, value, [(version, (then.get(one.name) or {}).get(name))
                                                          for version, then in versions])
                              for name, value in (kept.get(one.name) or {}).items()}
        elif one.is_secret:
            made[one.name] = _state(visit, kept.get(one.name), [(version, then.get(one.name))
                                                                for version, then in versions])
    return made


def _state(visit: Visit, kept: Any, history: Sequence[tuple[Version, Any]]) -> SecretState:
    reference = secrets.reference(kept) or ""
    opened = None
    if reference.startswith(f"{SCHEME}:"):
        try:
            opened = SecretStr(visit.options.keyring().open(reference, visit.app))
        except SecretError:
            opened = None
    return state_of(kept, opened, history)
