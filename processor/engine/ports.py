"""What passes between the consumer thread and the loop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Batch(NamedTuple):
    """Messages as they were consumed, ends of partitions among them."""

    epoch: int
    """The assignment that was in force; messages of an earlier one than their partition's are dropped."""
    messages: Sequence[Any]
    ends: Mapping[int, int] = {}
    """By partition of these: the end of its attributes as the client heard it last, uncommitted ones included."""


class Restored(NamedTuple):
    """A partition of all inputs is ours, and its stores are there."""

    partition: int
    epoch: int
    store: Any
    starts: Mapping[str, int]
    """By input topic: the offset from which it is consumed."""
    chains: Iterable[tuple[str, bytes]]
    """All that are open, read from the store one by one: there may be very many."""
    told: str = ""
    """What the offset of its interactions was committed with."""


class Revoking(NamedTuple):
    """Partitions are about to leave: drain them, then set `done`."""

    partitions: frozenset[int]
    done: threading.Event


class Lost(NamedTuple):
    """Partitions belong to others already: nothing of them may be written any more."""

    partitions: frozenset[int]
    done: threading.Event


class Metadata(NamedTuple):
    """The group's metadata, taken after the rebalance callbacks."""

    value: Any


class Failed(NamedTuple):
    """The consumer thread ended by an error that needs a new start."""

    message: str


Control = Restored | Revoking | Lost | Metadata | Failed


class Source(Protocol):
    """The consumer thread, as the loop sees it."""

    batches: deque[Batch]
    controls: deque[Control]

    def heard(self) -> None:
        """The loop was woken: read the eventfd empty."""

    def taken(self) -> None:
        """The loop took a batch: there is room for another."""

    def pause(self, topic: str, partition: int) -> None:
        """Stop fetching one partition of one topic."""

    def resume(self, topic: str, partition: int) -> None:
        """Fetch it again."""

    def fresh_metadata(self) -> None:
        """Ask for the group's metadata, taken after pending rebalance callbacks; it comes as a control."""

    def forget(self, partition: int) -> None:
        """Close the store of a partition that has left."""
