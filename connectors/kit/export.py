"""An export: events of all prompts, sent in batches; each item ends in its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

from connectors.kit.action import NOTHING, Done, Repeat, Requires
from connectors.kit.errors import Failure
from connectors.kit.event import Call
from connectors.kit.fields import Params, Settings
from connectors.kit.http import Request, Response


class Item(NamedTuple):
    """One event as the vendor wants it, already encoded, so that bytes are known before batching."""

    body: bytes
    reference: str = ""
    """The deduplication id that we give it."""
    group: str = ""
    """Items of different groups never share a request (same list, same endpoint ...)."""


ItemEnd = Done | Failure
"""How one item of a batch ended."""

BatchFlow = Generator[Request, Response, Sequence[ItemEnd]]
"""Sends some items and returns how each ended, in their order. Raising a Failure fails all of them alike."""

S = TypeVar("S", bound=Settings)


def halved(
    send: Callable[[S, Sequence[Item]], BatchFlow], settings: S, items: Sequence[Item]
) -> BatchFlow:
    """Send each half by itself: how one finds the items that a vendor minds without naming them."""
    middle = len(items) // 2
    first = yield from send(settings, items[:middle])
    second = yield from send(settings, items[middle:])
    return [*first, *second]


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one request may hold, by the vendor's rules."""

    items: int
    bytes: int
    item_bytes: int
    age: float = 1.0
    """Longest time in seconds that an item waits for others."""


@dataclass(frozen=True, slots=True)
class Export:
    """A standing subscription of an analytics connector, or a sync of changed attributes."""

    id: str
    title: str
    item: Callable[[Call[Any, Any]], Item]
    send: Callable[[Settings, Sequence[Item]], BatchFlow]
    params: type[Params]
    limits: BatchLimits
    requires: Requires = NOTHING
    repeat: Repeat = Repeat.HARMLESS
    trigger: Literal["interaction", "attributes"] = "interaction"
    """`interaction`: events of all prompts. `attributes`: changes of the user's attributes."""
    help: str = ""
