"""Restores the stores of assigned partitions from their changelogs, a little at each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processor.avro.codec import Codec
from processor.engine.options import Topics
from processor.kafka.clients import PARTITION_END
from processor.model.attributes import AttributesState
from processor.state.folder import StateFolder
from processor.state.store import PartitionStore

TIMEOUT = 30.0
HELPING = 5000
TELL_EVERY = 5.0
"""Seconds between two words about a restore that takes long."""


class Restoring:
    """One partition on its way."""

    __slots__ = ("began", "epoch", "left", "loaded", "number", "reached", "starts", "store", "targets",
                 "told_at")

    def __init__(self, number: int, epoch: int, store: PartitionStore, starts: Mapping[str, int]) -> None:
        self.number = number
        self.epoch = epoch
        self.store = store
        self.starts = starts
        self.targets: dict[str, int] = {}
        self.reached: dict[str, int] = {}
        self.left: set[str] = set()
        """Changelogs that have not been read to their end."""
        self.loaded = 0
        self.began = self.told_at = time.monotonic()

    def remaining(self, topic: str) -> int:
        """Records of a changelog still to be read, at most."""
        return max(0, self.targets[topic] - self.reached.get(topic, 0))


class Ends(NamedTuple):
    """First and last offsets of a changelog partition."""

    low: int
    high: int


class Restore:
    """All partitions that are being restored; lives in the consumer thread."""

    def __init__(
        self, properties: dict[str, Any], end_properties: dict[str, Any], folder: StateFolder, topics: Topics,
        topic_ids: Mapping[str, str], report: Callable[[str, Any], None],
    ) -> None:
        self._consumer = Consumer(properties)
        self._ends = Consumer(end_properties)
        self._folder = folder
        self._topics = topics
        self._topic_ids = topic_ids
        self._report = report
        self._codec = Codec()
        self._under_way: dict[int, Restoring] = {}

    def __bool__(self) -> bool:
        return bool(self._under_way)

    def begin(self, number: int, epoch: int, starts: Mapping[str, int]) -> None:
        """Open the store of a partition, and read what its changelogs have beyond it."""
        topics = self._topics
        changelogs = (topics.attributes_changelog, topics.chains, topics.finished)
        ends = {topic: self._ends_of(topic, number) for topic in changelogs}
        store = self._trusted(number, ends)
        one = Restoring(number, epoch, store, starts)
        positions = store.positions()
        reads = []
        for topic, (low, high) in ends.items():
            start = positions.get(topic, low)
            one.targets[topic], one.reached[topic] = high, start
            if start < high:
                one.left.add(topic)
                reads.append(TopicPartition(topic, number, start))
        self._under_way[number] = one
        if reads:
            self._consumer.incremental_assign(reads)

    def _ends_of(self, topic: str, number: int) -> Ends:
        return Ends(*self._ends.get_watermark_offsets(TopicPartition(topic, number), timeout=TIMEOUT))

    def _trusted(self, number: int, ends: Mapping[str, Ends]) -> PartitionStore:
        """The local store, or an empty one where it does not fit the changelogs."""
        store = self._folder.open(number)
        why = store.discarded
        known = store.topic_ids()
        other = [topic for topic in ends if topic in known and known[topic] != self._topic_ids.get(topic, "")]
        outside = [topic for topic, at in store.positions().items()
                   if topic in ends and not ends[topic].low <= at <= ends[topic].high]
        if other or outside:
            why = f"its changelogs are others now: {', '.join(other or outside)}"
            self._folder.discard(number)
            store = self._folder.open(number)
        if why:
            self._report("store_discarded", {"partition": number, "why": why})
        store.set_topic_ids(self._topic_ids)
        return store

    def remaining(self) -> dict[str, int]:
        """By changelog: records still to be read, at most."""
        left: dict[str, int] = {}
        for one in list(self._under_way.values()):
            for topic in one.left:
                left[topic] = left.get(topic, 0) + one.remaining(topic)
        return left

    def has(self, number: int) -> bool:
        """Whether a partition is being restored."""
        return number in self._under_way

    def drop(self, numbers: frozenset[int]) -> None:
        """Partitions left before they were restored."""
        for number in numbers & set(self._under_way):
            one = self._under_way.pop(number)
            self._unassign(one)
            self._folder.close(number)

    def _unassign(self, one: Restoring, *topics: str) -> None:
        gone = [TopicPartition(topic, one.number) for topic in (topics or tuple(one.left))]
        if gone:
            self._consumer.incremental_unassign(gone)

    def step(self, patience: float) -> list[Restoring]:
        """Read some; returns the partitions that are complete now."""
        if any(one.left for one in self._under_way.values()):
            self._load(self._consumer.consume(HELPING, patience))
            self._tell_progress()
        ready = [one for one in self._under_way.values() if not one.left]
        for one in ready:
            del self._under_way[one.number]
            one.store.set_positions(one.targets, time.time())
            self._report("restored", {"partition": one.number, "records": one.loaded,
                                      "seconds": round(time.monotonic() - one.began, 3)})
        return ready

    def _tell_progress(self) -> None:
        now = time.monotonic()
        for one in self._under_way.values():
            if one.left and now - one.told_at >= TELL_EVERY:
                one.told_at = now
                left = sum(map(one.remaining, one.left))
                self._report("restoring", {"partition": one.number, "records": one.loaded, "left": left,
                                           "percent": 100 * one.loaded // max(1, one.loaded + left)})

    def _load(self, messages: list[Any]) -> None:
        grouped: dict[tuple[str, int], list[Any]] = {}
        for message in messages:
            error = message.error()
            if error is None:
                grouped.setdefault((message.topic(), message.partition()), []).append(message)
            elif error.code() != PARTITION_END:
                if not error.retriable():
                    raise KafkaException(error)
            else:
                self._reached(message.topic(), message.partition(), message.offset())
        for (topic, number), some in grouped.items():
            one = self._under_way.get(number)
            if one is not None:
                self._load_some(one, topic, some)
                self._reached(topic, number, some[-1].offset() + 1)

    def _reached(self, topic: str, number: int, offset: int) -> None:
        one = self._under_way.get(number)
        if one is None:
            return
        one.reached[topic] = offset
        if topic in one.left and offset >= one.targets[topic]:
            one.left.discard(topic)
            self._unassign(one, topic)

    def _load_some(self, one: Restoring, topic: str, messages: list[Any]) -> None:
        one.loaded += len(messages)
        if topic == self._topics.attributes_changelog:
            one.store.load_attributes((m.key().decode(), self._state(m.value())) for m in messages)
        elif topic == self._topics.chains:
            one.store.load_chains((m.key().decode(), m.value()) for m in messages)
        else:
            for message in messages:
                finished = self._codec.finished(message.value())
                ids = finished.ids
                one.store.load_finished([ids[i:i + 16] for i in range(0, len(ids), 16)], finished.time / 1000)

    def _state(self, value: bytes | None) -> AttributesState | None:
        return None if value is None else self._codec.attributes_state(value)

    def close(self) -> None:
        """Free the clients."""
        self._consumer.close()
        self._ends.close()
