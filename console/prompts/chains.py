"""Changes of a prompt's chains, as plain data: add, put, move, copy, remove.

Receipts and parked chains name bindings by their ids. A binding that keeps its meaning keeps its id through all of
these, also where the same action stands in a chain twice and its id comes from its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.kit.event import CHAIN_INTERACTIONS

Raw = Mapping[str, Any]
"""A prompt, or a binding, as its file has it."""
Chain = Sequence[Raw]


class Place(NamedTuple):
    """Where a binding stands."""

    interaction: str
    at: int
    """From 0."""


def chain_of(prompt: Raw, interaction: str) -> list[Raw]:
    """The bindings of one interaction, in order."""
    found = prompt.get(interaction)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def with_chain(prompt: Raw, interaction: str, chain: Chain) -> dict[str, Any]:
    """The prompt with another chain; an empty one is left out."""
    made = dict(prompt)
    if chain:
        made[interaction] = [dict(one) for one in chain]
    else:
        made.pop(interaction, None)
    return made


def tidy(prompt: Raw) -> dict[str, Any]:
    """The prompt without what says nothing: empty chains, an empty title."""
    kept = {name: value for name, value in prompt.items() if value not in (None, "", [])}
    order = ["title", *CHAIN_INTERACTIONS]
    return {name: kept[name] for name in [*order, *(one for one in kept if one not in order)] if name in kept}


def ids_of(chain: Chain) -> list[str]:
    """The ids that the bindings of a chain have, given or by their places."""
    seen: Counter[str] = Counter()
    found = []
    for one in chain:
        action = str(one.get("action", ""))
        seen[action] += 1
        found.append(str(one.get("id") or (action if seen[action] == 1 else f"{action}#{seen[action]}")))
    return found


def inserted(chain: Chain, binding: Raw, at: int | None = None) -> list[Raw]:
    """The chain with one more binding, at its end or before the one at `at`; the others keep their ids."""
    place = len(chain) if at is None else max(0, min(at, len(chain)))
    action = binding.get("action")
    rest = _pinned(chain, action) if place < len(chain) else list(chain)
    made = [*rest[:place], binding, *rest[place:]]
    ids = ids_of(made)
    if ids.count(ids[place]) > 1:
        made[place] = {**binding, "id": _free(str(action), ids_of(rest))}
    return made


def without(chain: Chain, at: int) -> list[Raw]:
    """The chain without one binding; the others keep their ids."""
    action = chain[at].get("action")
    several = sum(one.get("action") == action for one in chain) > 1
    rest = _pinned(chain, action) if several else list(chain)
    return [*rest[:at], *rest[at + 1:]]


def moved(prompt: Raw, source: Place, target: Place) -> dict[str, Any]:
    """The prompt with a binding elsewhere: in its chain at place `target.at`, or in another chain before that place."""
    old = chain_of(prompt, source.interaction)
    binding = old[source.at]
    if source.interaction == target.interaction:
        several = sum(one.get("action") == binding.get("action") for one in old) > 1
        rest = _pinned(old, binding.get("action")) if several else old
        moving = rest.pop(source.at)
        rest.insert(max(0, target.at), moving)
        return with_chain(prompt, source.interaction, rest)
    left = with_chain(prompt, source.interaction, without(old, source.at))
    return with_chain(left, target.interaction, inserted(chain_of(left, target.interaction), binding, target.at))


def copied(prompt: Raw, source: Place, interaction: str) -> dict[str, Any]:
    """The prompt with a binding once more, at the end of a chain."""
    binding = chain_of(prompt, source.interaction)[source.at]
    fresh = {name: value for name, value in binding.items() if name != "id"}
    return with_chain(prompt, interaction, inserted(chain_of(prompt, interaction), fresh))


def replaced(prompt: Raw, place: Place, binding: Raw) -> dict[str, Any]:
    """The prompt with another binding at a place."""
    chain = chain_of(prompt, place.interaction)
    chain[place.at] = binding
    return with_chain(prompt, place.interaction, chain)


def _pinned(chain: Chain, action: Any) -> list[Raw]:
    """The chain where the bindings of an action have their ids written down."""
    return [{**one, "id": name} if one.get("action") == action else one
            for one, name in zip(chain, ids_of(chain), strict=True)]


def _free(action: str, taken: Sequence[str]) -> str:
    names = [action, *(f"{action}#{number}" for number in range(2, len(taken) + 2))]
    return next(one for one in names if one not in taken)
