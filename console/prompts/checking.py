"""What is wrong with a draft and what it would change: made of the prompt alone, however many others there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit.event import CHAIN_INTERACTIONS
from console.prompts.chains import Place
from console.prompts.draft import Draft
from console.visit import Visit
from console.words import INTERACTIONS
from processor.config.difference import Change, difference
from processor.config.errors import ConfigError, ConfigErrors
from processor.config.model import App, configuration_of

_INSIDE = re.compile(rf"\.({'|'.join(CHAIN_INTERACTIONS)})\[(\d+)\]\.?(.*)", re.DOTALL)


class Row(NamedTuple):
    """One difference, for people."""

    what: str
    before: str
    after: str


class Judged(NamedTuple):
    """What saving a draft would do."""

    rows: Sequence[Row] = ()
    mistakes: Mapping[Place, Sequence[str]] = {}
    """By the binding that they belong to; nothing is saved while there are any."""
    others: Sequence[str] = ()

    @property
    def is_sound(self) -> bool:
        """Whether it can be saved."""
        return not self.mistakes and not self.others


def judged(visit: Visit, draft: Draft) -> Judged:
    """What saving the draft would change, or what is wrong with it."""
    try:
        after = alone(visit, draft.prompt, draft.raw)
    except ConfigErrors as found:
        return _mistaken(draft.prompt, found.errors)
    try:
        before = alone(visit, draft.prompt, draft.live)
    except ConfigErrors:  # made by another release, say: then all of it is new
        before = alone(visit, draft.prompt, None)
    changes = difference(configuration_of({visit.app: before}), configuration_of({visit.app: after}))
    return Judged([_row(draft.prompt, one) for one in changes if one.part == "prompt"])


def alone(visit: Visit, prompt: str, raw: Any) -> App:
    """The app with this prompt only, and no exports; raises ConfigErrors."""
    content = visit.content
    connectors = {name: {part: value for part, value in (entry or {}).items() if part != "exports"}
                  for name, entry in (content.get("connectors") or {}).items()}
    prompts = {} if raw is None else {prompt: raw}
    return visit.options.store.compiled(visit.app, {**content, "connectors": connectors, "prompts": prompts})


def beside(visit: Visit, prompt: str, raw: Any) -> App:
    """The app with this prompt and its exports; the other prompts are there without actions. Raises ConfigErrors."""
    content = visit.content
    others: dict[str, Any] = {name: {} for name in content.get("prompts") or {}}
    prompts = {**others, **({} if raw is None else {prompt: raw})}
    return visit.options.store.compiled(visit.app, {**content, "prompts": prompts})


def inside(prompt: str, error: ConfigError) -> tuple[Place, str] | None:
    """The binding that a mistake belongs to, and the rest of the way; None where it belongs to none."""
    found = _INSIDE.fullmatch(error.field.removeprefix(prompt)) if error.field.startswith(prompt) else None
    return (Place(found[1], int(found[2])), found[3]) if found else None


def _mistaken(prompt: str, errors: Iterable[ConfigError]) -> Judged:
    mistakes: dict[Place, list[str]] = {}
    others = []
    for one in errors:
        place = inside(prompt, one)
        if place is None:
            others.append(f"{one.field}: {one.said}" if one.field else one.said)
        else:
            name = place[1].removeprefix("params").strip(".")
            mistakes.setdefault(place[0], []).append(f"{name}: {one.said}" if name else one.said)
    return Judged((), mistakes, others)


def _row(prompt: str, one: Change) -> Row:
    inner = one.name.removeprefix(prompt).removeprefix(".")
    if not inner:
        words = {"added": "made", "removed": "removed"}.get(one.kind, "")
        return Row(f"Prompt: {one.what}" if one.kind == "changed" else "Prompt",
                   one.before or ("there" if one.kind == "removed" else ""), one.after or words)
    where = f"{INTERACTIONS.get(inner, inner)}: {one.what}"
    if one.kind == "changed":
        return Row(where, one.before, one.after)
    return Row(where, "there" if one.kind == "removed" else "", one.kind)
