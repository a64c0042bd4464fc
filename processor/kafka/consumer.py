"""The consumer thread: owns the Consumer, hands batches to the loop, serves rebalances, restores stores."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from processor.engine.options import EngineOptions
from processor.engine.ports import Batch, Control, Failed, Lost, Metadata, Restored, Revoking
from processor.kafka.demand import DemandReader
from processor.kafka.restore import Restore

MAX_BATCHES = 4
"""Batches that wait for the loop; beyond this nothing is consumed."""
LONG_PRESSURE = 1.0
"""Seconds of back-pressure after which partitions are paused, which costs their prefetch."""
ROUSING = 0.2
"""Seconds that an answer is waited for which only makes the library look."""
PATIENCE = 0.1
LOOK_EVERY = 1.0
COMMITTING_PATIENCE = 0.01
"""The same where offsets are committed by this thread, so that a checkpoint does not wait for it."""
TIMEOUT = 30.0


class _Commit:
    """Offsets to commit, and how that ended."""

    __slots__ = ("done", "error", "offsets")

    def __init__(self, offsets: list[TopicPartition]) -> None:
        self.offsets = offsets
        self.done = threading.Event()
        self.error: KafkaException | None = None


class ConsumerThread(threading.Thread):
    """Speaks with the loop through `batches`, `controls` and `fd` (an eventfd)."""

    def __init__(
        self, properties: dict[str, Any], options: EngineOptions, batch: int, make_restore: Callable[[], Restore],
        forget: Callable[[int], None], demand: DemandReader | None = None,
    ) -> None:
        super().__init__(name="consumer", daemon=True)
        topics = options.topics
        self.batches: deque[Batch] = deque()
        self.controls: deque[Control] = deque()
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._options = options
        self._inputs = (topics.interactions, topics.attributes, topics.replays)
        self._batch = batch
        self._make_restore = make_restore
        self._forget = forget
        self._demand = demand
        self._consumer = Consumer(properties)
        self._incremental = properties.get("group.protocol") == "consumer"
        self._restore: Restore
        self._commands: deque[Callable[[], None]] = deque()
        self._commits: deque[_Commit] = deque()
        self._idle: list[TopicPartition] = []
        """Partitions that were just resumed."""
        self._patience = PATIENCE
        self._room = threading.Event()
        self._assigned: dict[int, dict[str, int]] = {}
        """By partition and topic: where its consumption starts."""
        self._told: dict[int, str] = {}
        """By partition: what the offset of its interactions was committed with."""
        self._active: set[int] = set()
        """Partitions that the loop has, or will get."""
        self._resumed: set[tuple[str, int]] = set()
        self._epoch = 0
        self._rebalanced = False
        self._wanted_metadata = False
        self._throttled = False
        self._full_since = 0.0
        self._stopping = False
        self._error: Exception | None = None
        """What went wrong in a rebalance callback."""
        self.polled_at = 0.0
        self.ends: dict[tuple[str, int], int] = {}
        """By input topic and partition: the end of the log, as the client last heard it."""
        self.remaining: dict[str, int] = {}
        """By changelog: records still to be read before the assigned partitions start."""
        self.moves = {"assigned": 0, "revoked": 0, "lost": 0}
        self._looked_at = 0.0

    @property
    def assigned(self) -> bool:
        """Whether the group has spoken: partitions were assigned, be it none."""
        return self._epoch > 0

    @property
    def restored(self) -> bool:
        """Whether nothing is being restored."""
        return self._epoch > 0 and not self._restore

    # called by the loop

    def heard(self) -> None:
        """The loop was woken: read the eventfd empty."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.fd)

    def taken(self) -> None:
        """The loop took a batch: there is room for another."""
        self._room.set()

    def pause(self, topic: str, partition: int) -> None:
        """Stop fetching one partition of one topic."""
        self._commands.append(lambda: self._set_paused(topic, partition, paused=True))

    def resume(self, topic: str, partition: int) -> None:
        """Fetch it again."""
        self._commands.append(lambda: self._set_paused(topic, partition, paused=False))

    def fresh_metadata(self) -> None:
        """Ask for the group's metadata, taken after pending rebalance callbacks."""
        self._wanted_metadata = True

    def forget(self, partition: int) -> None:
        """Close the store of a partition that has left."""
        self._forget(partition)

    def commit(self, offsets: list[TopicPartition]) -> None:
        """Commit outside of a transaction (at_least_once); called by the checkpoint thread.

        Done by the consumer's own thread: the client is locked while it polls, and one that polls without a gap, or
        waits in a rebalance callback, lets no other thread in.
        """
        commit = _Commit(offsets)
        self._patience = COMMITTING_PATIENCE
        self._commits.append(commit)
        if not commit.done.wait(TIMEOUT):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "offsets were not committed"))  # noqa: SLF001  its name
        if commit.error is not None:
            raise commit.error

    def _commit_asked(self) -> None:
        while self._commits:
            commit = self._commits.popleft()
            try:
                self._consumer.commit(offsets=commit.offsets, asynchronous=False)
            except KafkaException as error:
                commit.error = error
            commit.done.set()

    def stop(self) -> None:
        """Leave the group and end; the loop has drained its partitions before."""
        self._stopping = True
        self._room.set()

    # the thread

    def run(self) -> None:
        """Poll until stopped; whatever goes wrong is told to the loop."""
        try:
            self._restore = self._make_restore()
            self._consumer.subscribe(
                list(self._inputs), on_assign=self._kept(self._on_assign), on_revoke=self._kept(self._on_revoke),
                on_lost=self._kept(self._on_lost))
            while not self._stopping:
                self._turn()
        except Exception as error:  # noqa: BLE001  the loop decides what follows
            self._stopping = True
            self._tell(Failed(f"consumer: {type(error).__name__}: {error}"))
        finally:
            if not self._stopping:
                self._tell(Failed("consumer: ended by itself"))
            self._stopping = True
            self._close()

    def _kept(self, callback: Callable[[Any, Sequence[TopicPartition]], None]) -> Callable[[Any, Any], None]:
        """A callback whose error is kept for this thread to raise.

        The library raises a KafkaException of a callback as its bare KafkaError, which is no exception: nothing would
        catch it, and the thread would end without a word.
        """
        def called(consumer: Any, partitions: Sequence[TopicPartition]) -> None:
            try:
                callback(consumer, partitions)
            except Exception as error:  # noqa: BLE001  whatever it is, it is raised below
                self._error = self._error or error

        return called

    def _close(self) -> None:
        try:
            self._consumer.close()
            self._restore.close()
            if self._demand is not None:
                self._demand.close()
        except Exception:  # noqa: BLE001,S110  nothing is left to be saved here
            pass

    def _turn(self) -> None:
        if self._demand is not None:
            self._demand.poll()
        self._commit_asked()
        while self._commands:
            self._commands.popleft()()
        if self._idle:
            self._rouse()
        self._look()
        if self._restore:
            for one in self._restore.step(0.02):
                self._tell(Restored(one.number, one.epoch, one.store, one.starts, one.store.chains(),
                                    self._told.get(one.number, "")))
        if len(self.batches) >= MAX_BATCHES:
            self._pressed()
        else:
            if self._throttled:
                self._throttle(on=False)
            self._full_since = 0.0
            self._poll(0.0 if self._restore else self._patience)
        if self._rebalanced or self._wanted_metadata:
            self._rebalanced = False
            self._ask_metadata()

    def _look(self) -> None:
        """Now and then: how far the logs go, how much is to be restored; from what the clients know already."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        self.remaining = self._restore.remaining()
        ends: dict[tuple[str, int], int] = {}
        for number, topics in self._assigned.items():
            for topic in topics:
                _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
                if high >= 0:
                    ends[topic, number] = high
        self.ends = ends

    def _poll(self, patience: float) -> None:
        """Wait for one message, then take with it all that is there; callbacks run inside."""
        consumer = self._consumer
        first = consumer.poll(patience)
        self.polled_at = time.monotonic()
        if self._error is not None:
            raise self._error
        if first is None:
            return
        epoch = self._epoch
        more = consumer.consume(self._batch, 0)
        if self._error is not None:
            raise self._error
        if self._epoch != epoch:
            # a rebalance came between: its partitions' messages in `first` belong to the earlier assignment
            self.batches.append(Batch(epoch, [first]))
            self.batches.append(Batch(self._epoch, more, self._attribute_ends(more)))
        else:
            messages = [first, *more]
            self.batches.append(Batch(epoch, messages, self._attribute_ends(messages)))
        os.eventfd_write(self.fd, 1)

    def _attribute_ends(self, messages: Sequence[Any]) -> dict[int, int]:
        """How far attributes reach: one answer may bring an interaction before what was synced ahead of it."""
        topic = self._options.topics.attributes
        return {number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)[1]
                for number in {one.partition() for one in messages} & self._active}

    def _pressed(self) -> None:
        """The loop is full: short pressure just waits, a long one pauses so that the group is still served."""
        now = time.monotonic()
        self._full_since = self._full_since or now
        if self._throttled:
            self._poll(0.0)
        elif now - self._full_since > LONG_PRESSURE:
            self._throttle(on=True)
        self._room.clear()
        if len(self.batches) >= MAX_BATCHES:
            self._room.wait(0.05)

    def _throttle(self, *, on: bool) -> None:
        partitions = [TopicPartition(topic, number) for topic, number in self._resumed]
        if partitions:
            (self._consumer.pause if on else self._consumer.resume)(partitions)
        self._throttled = on

    def _tell(self, control: Control) -> None:
        self.controls.append(control)
        os.eventfd_write(self.fd, 1)

    def _ask_metadata(self) -> None:
        self._wanted_metadata = False
        self._tell(Metadata(self._consumer.consumer_group_metadata()))

    def _set_paused(self, topic: str, number: int, *, paused: bool) -> None:
        if topic not in self._assigned.get(number, ()):
            return  # it left meanwhile
        partition = [TopicPartition(topic, number)]
        if paused:
            self._resumed.discard((topic, number))
            self._consumer.pause(partition)
        else:
            self._resumed.add((topic, number))
            if not self._throttled:
                self._consumer.resume(partition)
                self._idle.append(partition[0])

    def _rouse(self) -> None:
        """Have resumed partitions fetched now.

        The library's thread of a broker from which nothing else is fetched looks a second later; a question makes it.
        """
        resumed, self._idle = self._idle, []
        try:
            known = {topic: self._consumer.list_topics(topic, timeout=ROUSING).topics[topic].partitions
                     for topic in {one.topic for one in resumed}}
            leaders = {known[one.topic][one.partition].leader: one for one in resumed}
            for one in leaders.values():
                self._consumer.get_watermark_offsets(one, timeout=ROUSING)
        except (KafkaException, KeyError):
            return  # then it begins a second later

    # rebalances, inside poll

    def _on_assign(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        """Assign first, then pause: a pause before is ignored."""
        self._epoch += 1
        self._rebalanced = True
        self.moves["assigned"] += len({one.partition for one in partitions})
        starts = self._starts(consumer, partitions)
        placed = [TopicPartition(one.topic, one.partition, starts[one.topic, one.partition]) for one in partitions]
        if self._incremental:
            consumer.incremental_assign(placed)
        else:
            consumer.assign(placed)
        if placed:
            consumer.pause([TopicPartition(one.topic, one.partition) for one in placed])
        for one in partitions:
            self._assigned.setdefault(one.partition, {})[one.topic] = starts[one.topic, one.partition]
        for number, topics in self._assigned.items():
            if number not in self._active and len(topics) == len(self._inputs):
                self._active.add(number)
                self._restore.begin(number, self._epoch, dict(topics))

    def _starts(self, consumer: Any, partitions: Sequence[TopicPartition]) -> Mapping[tuple[str, int], int]:
        """Committed offsets; a partition without one starts at the beginning of its log."""
        wanted = [TopicPartition(one.topic, one.partition) for one in partitions]
        found: dict[tuple[str, int], int] = {}
        for one in consumer.committed(wanted, timeout=TIMEOUT) if wanted else ():
            if one.error is not None:
                raise KafkaException(one.error)
            offset = one.offset
            if offset < 0 or offset == OFFSET_INVALID:
                offset = consumer.get_watermark_offsets(TopicPartition(one.topic, one.partition), timeout=TIMEOUT)[0]
            found[one.topic, one.partition] = max(offset, 0)
            if one.topic == self._options.topics.interactions:
                self._told[one.partition] = one.metadata or ""
        return found

    def _on_revoke(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        """Drain inside the callback: until it returns, nobody else gets the partitions."""
        self._leave(partitions, drained=True)
        self._unassign(consumer, partitions)

    def _on_lost(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        self._leave(partitions, drained=False)
        self._unassign(consumer, partitions)

    def _await_drain(self, done: threading.Event) -> None:
        """Until the loop has let go; its last checkpoint may need the metadata, which is still this member's."""
        deadline = time.monotonic() + self._options.drain * 2 + TIMEOUT
        while not done.wait(self._patience / 2) and time.monotonic() < deadline and not self._stopping:
            self._commit_asked()
            if self._wanted_metadata:
                self._ask_metadata()

    def _unassign(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        if self._incremental:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()

    def _leave(self, partitions: Sequence[TopicPartition], *, drained: bool) -> None:
        self._rebalanced = True
        self.moves["revoked" if drained else "lost"] += len({one.partition for one in partitions})
        numbers = frozenset(one.partition for one in partitions) & self._active
        restoring = frozenset(number for number in numbers if self._restore.has(number))
        self._restore.drop(restoring)
        held = numbers - restoring
        if held and not self._stopping:
            done = threading.Event()
            self._tell(Revoking(held, done) if drained else Lost(held, done))
            self._await_drain(done)
        self._epoch += 1
        for one in partitions:
            self._assigned.get(one.partition, {}).pop(one.topic, None)
            self._resumed.discard((one.topic, one.partition))
        self._active -= numbers
