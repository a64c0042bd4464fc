"""A batch: items of an export on their way in one run of its flow; and those that wait for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Done, Repeat
from connectors.kit.errors import Failure
from processor.engine.flight import Flight

if TYPE_CHECKING:
    from connectors.kit.errors import Misconfigured, Unavailable
    from connectors.kit.export import Item
    from processor.engine.chain import Chain
    from processor.engine.plan import ExportStep
    from processor.engine.timers import Timer
    from processor.model.dead_letter import Exchange

Entry = tuple["Chain", "Item"]


class Batch(Flight):
    """Items on their way in one run of an export's flow."""

    __slots__ = ("attempts", "entries", "exchange", "first_failed_at", "marked", "probe", "step")

    def __init__(self, deliver: Callable[[Any, Any, float], None], step: ExportStep, entries: list[Entry]) -> None:
        super().__init__(deliver)
        self.step = step
        self.route = step.route
        self.entries = entries
        self.attempts = 0
        self.first_failed_at = 0.0
        self.probe = False
        """Whether the vendor's health hangs on its answer."""
        self.exchange: Exchange | None = None
        self.marked = False
        """Whether its items count as under way."""

    @property
    def never(self) -> bool:
        """Whether the vendor would take a repeat for something new."""
        return self.step.export.repeat is Repeat.NEVER

    def may_have_arrived(self, failure: Unavailable | Misconfigured) -> bool:
        """Whether items that must not be repeated are at the vendor, or may be."""
        unknown = getattr(failure, "unknown", False) and self.request is not None and self.request.effect
        return self.never and (self.effect_done or unknown)


class Filling:
    """Items of one export that wait for others."""

    __slots__ = ("bytes", "entries", "step", "timer")

    def __init__(self, step: ExportStep) -> None:
        self.step = step
        self.entries: list[Entry] = []
        self.bytes = 0
        self.timer: Timer | None = None


def are_ends(ends: Any, count: int) -> bool:
    """Whether an export's flow returned what it must: one end for each item."""
    return isinstance(ends, Sequence) and len(ends) == count and all(isinstance(one, (Done, Failure)) for one in ends)


def no_longer_begun(chain: Chain, step: ExportStep) -> None:
    """The item of an export is no longer under way."""
    if step.id in chain.exports_begun:
        chain.exports_begun = tuple(one for one in chain.exports_begun if one != step.id)
