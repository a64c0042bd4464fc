"""One partition of all user-keyed topics: its offsets, its users' order, its store, what waits for a checkpoint."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from processor.engine.lanes import Lanes
from processor.engine.offsets import OffsetTracker
from processor.engine.reach import Reach
from processor.engine.shelf import Shelf

if TYPE_CHECKING:
    from processor.engine.chain import Chain, Parked
    from processor.engine.options import Topics
    from processor.engine.reach import Promise

Headers = list[tuple[str, bytes | None]]
Record = tuple[str, bytes, bytes | None, int] | tuple[str, bytes, bytes | None, int, Headers]
"""Topic, key, value, partition of a message to be produced; and headers, where it has any."""


class StoredAttributes(Protocol):
    """A user's attributes as the store has them."""

    attributes: Mapping[str, Any]
    offset: int
    time: int


class Index(Protocol):
    """Notes on disk about parked chains, by keys in their order; they need not outlive the process."""

    def get(self, key: bytes) -> bytes | None:
        """The note of a key."""

    def put(self, key: bytes, value: bytes) -> None:
        """Note something."""

    def delete(self, key: bytes) -> None:
        """Forget a note."""

    def scan(self, start: bytes, prefix: bytes, most: int) -> list[tuple[bytes, bytes]]:
        """Notes whose keys begin with `prefix`, from the key `start` on."""


class Store(Protocol):
    """What the engine asks of a partition's store; writes are seen at once and become durable by `commit`."""

    index: Index

    def attributes(self, user_key: str) -> Any | None:
        """The user's StoredAttributes."""

    def put_attributes(self, user_key: str, stored: Any | None) -> None:
        """Replace, or erase, a user's attributes."""

    def chain(self, key: str) -> bytes | None:
        """A chain record."""

    def put_chain(self, key: str, value: bytes | None) -> None:
        """Keep, or forget, a chain record."""

    def seen(self, id16: bytes) -> bool:
        """Whether an event ended, as far back as is kept."""

    def ended_at(self, id16: bytes) -> float | None:
        """When an event ended last, in seconds: infinite where just now; None where that is not known."""

    def finish(self, id16: bytes) -> None:
        """Note that an event ended."""

    def seal(self) -> Any:
        """Take all that was written since the last seal."""

    def commit(self, sealed: Any, positions: Mapping[str, int], now: float) -> None:
        """Write a sealed set to disk."""

    def expire(self, before: float) -> int:
        """Forget ended events older than a time."""

    def sizes(self) -> dict[str, int]:
        """Bytes on disk (`disk_bytes`) and estimated numbers of entries, for metrics."""

    def close(self) -> None:
        """Free it."""


class Partition:
    """All that one process knows of a partition during one assignment."""

    __slots__ = (
        "attributes", "attributes_end", "attributes_time", "behind_since", "calls", "caught_up", "changed_users",
        "dirty", "ended_ids", "epoch", "gone", "held", "held_back", "interactions", "lanes", "last_offsets",
        "leaving", "marks", "number", "open", "outbox", "reach", "ready", "replays", "restored", "shelf", "store",
        "taken_at", "topics", "waiting_attributes",
    )

    def __init__(
        self, number: int, epoch: int, store: Store, topics: Topics, starts: Mapping[str, int], told: str = "",
        taken_at: int = 0,
    ) -> None:
        self.number = number
        self.epoch = epoch
        self.store = store
        self.topics = topics
        self.interactions = OffsetTracker(starts[topics.interactions])
        self.attributes = OffsetTracker(starts[topics.attributes])
        self.replays = OffsetTracker(starts[topics.replays])
        self.reach = Reach(told)
        self.taken_at = taken_at
        """Since when it is this process's, in milliseconds."""
        self.lanes = Lanes()
        self.open: dict[str, Chain | Parked | bytes] = {}
        """By chain key: in memory, parked, or a record of a crashed run whose event will come again."""
        self.held: deque[tuple[float, Any]] = deque()
        """Interactions that wait until the attributes have passed their time: (deadline, message)."""
        self.waiting_attributes: dict[str, list[Parked]] = {}
        self.shelf = Shelf(self, store.index)
        """What is parked and not kept in memory."""
        self.caught_up = False
        self.attributes_time = 0
        self.attributes_end = starts[topics.attributes]
        """Up to which its attributes have been read."""
        self.behind_since = 0.0
        """Since when more of them are known to be there; 0 where not."""
        self.outbox: list[Record] = []
        self.dirty: dict[Chain, None] = {}
        self.ended_ids: list[bytes] = []
        self.changed_users: dict[str, None] = {}
        self.marks: list[Chain] = []
        self.calls = 0
        """Calls of its chains that are in flight."""
        self.held_back = False
        """Whether its interactions are paused because too many wait for attributes."""
        self.last_offsets: tuple[tuple[str, int], ...] = ()
        self.ready = self.leaving = self.gone = False
        self.restored = False
        """Whether all that was parked when it came has been taken up: only then may any of it run."""

    def offsets(self) -> tuple[tuple[str, int], ...]:
        """What may be committed now, for each input."""
        topics = self.topics
        return (
            (topics.interactions, self.interactions.committable),
            (topics.attributes, self.attributes.committable),
            (topics.replays, self.replays.committable),
        )

    def heard_of(self, end: int, now: float) -> None:
        """Attributes are there up to `end`: more than have been read, or not."""
        if end <= self.attributes_end:
            self.behind_since = 0.0
        elif not self.behind_since:
            self.behind_since = now

    def tracker(self, topic: str) -> OffsetTracker:
        """The offsets of one input topic."""
        topics = self.topics
        return {topics.interactions: self.interactions, topics.attributes: self.attributes}.get(topic, self.replays)

    @property
    def needs_checkpoint(self) -> bool:
        """Whether anything happened that is not durable yet."""
        return bool(
            self.outbox or self.dirty or self.ended_ids or self.changed_users or self.marks
            or self.offsets() != self.last_offsets or self.reach.asked or (self.leaving and not self.reach.closed)
        )


class Part(NamedTuple):
    """One partition's share of a checkpoint."""

    partition: Partition
    records: list[Record]
    offsets: tuple[tuple[str, int], ...]
    """Topic and offset to commit, of all inputs, moved or not."""
    sealed: Any
    marks: list[Chain]
    """Chains whose call may go out once this is durable."""
    promise: Promise
    """How far interactions may be begun once this is durable."""
