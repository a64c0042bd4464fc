"""The prompts of an app as a list: found by words, a page at a time, without making anything of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.kit.event import CHAIN_INTERACTIONS
from console.prompts.chains import chain_of
from processor.config.store import Content

PAGE = 50


class Listed(NamedTuple):
    """One prompt."""

    id: str
    title: str
    actions: Mapping[str, tuple[str, ...]]
    """By interaction that sets off any: their ids, in order."""


class Listing(NamedTuple):
    """A page of the prompts that fit."""

    prompts: tuple[Listed, ...]
    total: int
    """How many fit."""
    page: int
    """From 1."""
    pages: int


def listing(content: Content, words: str, page: int, size: int = PAGE) -> Listing:
    """The prompts whose id, title or actions hold all the words; a page beyond the last is the last."""
    prompts: Mapping[str, Any] = content.get("prompts") or {}
    wanted = words.lower().split()
    fitting = [name for name, raw in prompts.items() if _fits(name, raw, wanted)] if wanted else list(prompts)
    pages = max(1, -(-len(fitting) // size))
    at = max(1, min(page, pages))
    shown = fitting[(at - 1) * size:at * size]
    return Listing(tuple(listed(name, prompts[name]) for name in shown), len(fitting), at, pages)


def listed(name: str, raw: Any) -> Listed:
    """One prompt as lists show it."""
    prompt = raw if isinstance(raw, Mapping) else {}
    found = {one: tuple(str(each.get("action", "")) for each in chain_of(prompt, one)) for one in CHAIN_INTERACTIONS}
    return Listed(name, str(prompt.get("title") or name), {one: actions for one, actions in found.items() if actions})


def _fits(name: str, raw: Any, wanted: list[str]) -> bool:
    one = listed(name, raw)
    text = " ".join((name, one.title, *(action for actions in one.actions.values() for action in actions))).lower()
    return all(word in text for word in wanted)
