"""Checkpoints: results, dead letters, store records and offsets that become durable together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from processor.engine import room
from processor.engine.partition import Part
from processor.model.attributes import AttributesState
from processor.model.finished import Finished

if TYPE_CHECKING:
    from processor.engine.chain import Chain
    from processor.engine.counts import Counts
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition, Record


class Checkpoint(NamedTuple):
    """What is to be made durable in one go."""

    number: int
    parts: Sequence[Part]
    metadata: Any
    """The consumer group's metadata of the assignment that the parts belong to."""
    aside: Sequence[Record] = ()
    """Records that belong to no partition of ours; not sent again where the checkpoint is aborted."""


class CheckpointEnd(NamedTuple):
    """How a checkpoint ended."""

    number: int
    result: Literal["committed", "aborted", "lost"]
    """`aborted`: nothing of it is durable, send it again. `lost`: nobody can know; do as after a crash."""
    message: str
    positions: Mapping[tuple[str, int], int]
    """By changelog topic and partition: the offset behind the last record that was written."""
    seconds: float


class Committer(Protocol):
    """The checkpoint thread, as the engine sees it."""

    def heard(self) -> None:
        """The loop was woken: read the eventfd empty."""

    def submit(self, checkpoint: Checkpoint) -> None:
        """Begin; its end comes out of a later `ends`."""

    def ends(self) -> list[CheckpointEnd]:
        """Checkpoints that ended since the last call."""


class Checkpoints:
    """When a checkpoint begins, what is in it, and what follows from its end."""

    def __init__(
        self, committer: Committer, options: EngineOptions, metrics: Counts, codec: Any,
        send: Callable[[Chain], None],
    ) -> None:
        self._committer = committer
        self._options = options
        self._metrics = metrics
        self._codec = codec
        self._send = send
        self.too_large: Callable[[Chain], None]
        """Called with a chain whose mark does not fit into its record: its call must not go out."""
        self._unmarked: list[Chain] = []
        self.durable: Callable[[int], None]
        """Called with the number of each checkpoint that committed."""
        self.number = 0
        """Of the last checkpoint that was begun."""
        self._again: list[Part] = []
        self.under_way: Checkpoint | None = None
        self._begun_at = 0.0
        self._ended_at = 0.0
        self.metadata: Any = None
        self.wants_metadata = False
        """True after an abort: the group's metadata is stale, the consumer thread must give a new one."""
        self.forced = False
        self.aside: list[Record] = []
        """What goes out with the next checkpoint and belongs to no partition of ours."""

    def due(self, now: float, partitions: Mapping[int, Partition]) -> float:
        """When the next checkpoint may begin; infinity where there is nothing to make durable."""
        if self.under_way is not None or self.wants_metadata or self.metadata is None:
            return float("inf")
        options = self._options
        earliest = self._ended_at + options.checkpoint_gap
        if self.forced or any(one.marks or one.reach.asked for one in partitions.values()):
            return earliest
        timed = max(earliest, self._begun_at + options.checkpoint_interval)
        if self._again or (self.aside and partitions):
            return timed
        if now >= timed and not any(one.needs_checkpoint for one in partitions.values()):
            return float("inf")
        return timed

    def begin(self, now: float, partitions: Mapping[int, Partition]) -> None:
        """Take all that is to be made durable and hand it to the checkpoint thread."""
        again, self._again = self._again, []
        aside, self.aside = self.aside, []
        every = self.forced or bool(aside)  # a checkpoint is fenced by the offsets that it sends
        parts = again + [self._part(one, now) for one in partitions.values() if every or one.needs_checkpoint]
        self.forced = False
        self._begun_at = now
        if not parts:
            return
        self.number += 1
        self.under_way = Checkpoint(self.number, parts, self.metadata, aside)
        self._committer.submit(self.under_way)
        unmarked, self._unmarked = self._unmarked, []
        for chain in unmarked:
            self.too_large(chain)

    def _part(self, partition: Partition, now: float) -> Part:
        records = partition.outbox
        partition.outbox = []
        self._add_chains(partition, records)
        self._add_attributes(partition, records)
        ended, partition.ended_ids = partition.ended_ids, []
        for at in range(0, len(ended), room.FINISHED_IDS):
            ids = b"".join(ended[at:at + room.FINISHED_IDS])
            data = self._codec.encode_finished(Finished(ids, int(now * 1000)))
            records.append((partition.topics.finished, b"", data, partition.number))
        marks, partition.marks = partition.marks, []
        partition.last_offsets = offsets = partition.offsets()
        promise = partition.reach.promise(
            partition.interactions.next, partition.interactions.committable, int(now * 1000),
            leaving=partition.leaving)
        return Part(partition, records, offsets, partition.store.seal(), marks, promise)

    def _add_chains(self, partition: Partition, records: list[Record]) -> None:
        topic = partition.topics.chains
        largest = self._options.room(topic)
        for chain in partition.dirty:
            if partition.open.get(chain.key) is chain:
                data = room.running(self._codec.encode_chain, chain.record_running(), chain.key, largest,
                                    comes_again=chain.tracker is not None)
                if data is None:
                    self._leave_unmarked(partition, chain)
                    continue
                partition.store.put_chain(chain.key, data)
                records.append((topic, chain.key.encode(), data, partition.number))
                chain.stored = True
        partition.dirty = {}

    def _leave_unmarked(self, partition: Partition, chain: Chain) -> None:
        """The topic was given a smaller limit since the chain was parked: what is durable of it stays as it is."""
        if chain in partition.marks:
            partition.marks.remove(chain)
            self._unmarked.append(chain)

    def _add_attributes(self, partition: Partition, records: list[Record]) -> None:
        topic = partition.topics.attributes_changelog
        for user in partition.changed_users:
            stored = partition.store.attributes(user)
            data = None if stored is None else self._codec.encode_attributes_state(AttributesState(*stored))
            records.append((topic, user.encode(), data, partition.number))
        partition.changed_users = {}

    def ended(self, end: CheckpointEnd, now: float) -> None:
        """Act on the end of the checkpoint under way."""
        checkpoint: Checkpoint = self.under_way  # type: ignore[assignment]
        self.under_way = None
        self._ended_at = now
        records = sum(len(part.records) for part in checkpoint.parts)
        self._metrics.checkpoint(end.result, end.seconds, records)
        if end.result == "aborted":
            self._again = [part for part in checkpoint.parts if not part.partition.gone]
            self.wants_metadata = True
            return
        for part in checkpoint.parts:
            self._durable(part, end, now)
        self.durable(end.number)

    def _durable(self, part: Part, end: CheckpointEnd, now: float) -> None:
        number = part.partition.number
        if not part.partition.gone:
            positions = {topic: offset for (topic, where), offset in end.positions.items() if where == number}
            part.partition.store.commit(part.sealed, positions, now)
            part.partition.reach.keep(part.promise)
        for chain in part.marks:
            if chain.gone or part.partition.gone:
                continue
            if part.partition.leaving and not chain.effect_done:
                chain.started = None  # it was never sent: the next owner may begin it anew
                part.partition.dirty[chain] = None
            else:
                self._send(chain)

    def left(self, partitions: set[int]) -> None:
        """Partitions went to others: what was to be sent again for them is dropped."""
        self._again = [part for part in self._again if part.partition.number not in partitions
                       or not part.partition.gone]

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or to be sent again."""
        return self.under_way is None and not self._again
