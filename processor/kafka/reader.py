"""Reads topics once, from their beginning to the end that they had, as a reader outside of every group sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processor.kafka.clients import PARTITION_END
from processor.settings import ProcessorSettings

ANSWER_SECONDS = 30.0
STALL_SECONDS = 60.0
"""Seconds without a record after which reading is given up; a transaction that is open is waited for, for so long."""
HELPING = 2000
Place = tuple[str, int]
"""Topic and partition."""
Extents = Mapping[Place, "Extent"]
Progress = Callable[[int, int], None]
"""Told how many offsets of how many have been read."""


class LogError(Exception):
    """Topics cannot be read; the text says which and what may be the cause."""


class Extent(NamedTuple):
    """What a partition holds: from its first offset up to, but not including, another."""

    low: int
    high: int


def _nothing(_read: int, _total: int) -> None:
    """Progress that nobody looks at."""


class LogReader:
    """Reads up to what is committed, joins no group and commits nothing."""

    def __init__(self, settings: ProcessorSettings) -> None:
        kafka = settings.kafka
        own = {
            "group.id": f"{settings.group}-reader", "client.id": "prompt-actions-reader", "enable.auto.commit": False,
            "enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50,
            "queued.max.messages.kbytes": 16384, "allow.auto.create.topics": False,
            "log_level": 0,  # a broker that is away is told once, by our own error
        }
        self._consumer = Consumer(kafka.client(own, kafka.consumer_properties, {"isolation.level": "read_committed"}))
        # A read_committed client is told the last stable offset where the end is asked for.
        self._ends = Consumer(kafka.client(own, kafka.consumer_properties, {"isolation.level": "read_uncommitted"}))
        self._member = Consumer(kafka.client(own, kafka.consumer_properties, {"group.id": settings.group}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        for one in (self._consumer, self._ends, self._member):
            one.close()

    def has(self, topic: str) -> bool:
        """Whether there is such a topic; raises LogError where no broker answers."""
        return bool(self._numbers(topic))

    def partitions(self, topic: str) -> list[int]:
        """Numbers of a topic's partitions; raises LogError where there is no such topic."""
        found = self._numbers(topic)
        if not found:
            raise LogError(f"there is no topic '{topic}'; `prompt-actions topics plan` says what is missing")
        return found

    def _numbers(self, topic: str) -> list[int]:
        try:
            found = self._ends.list_topics(topic, timeout=ANSWER_SECONDS).topics.get(topic)
        except KafkaException as error:
            raise LogError(f"no broker answers: {error.args[0].str()}; is kafka.bootstrap_servers right?") from error
        return sorted(found.partitions) if found is not None and found.error is None else []

    def extents(self, *topics: str) -> dict[Place, Extent]:
        """What each partition holds now."""
        return {(topic, number): self.extent(topic, number) for topic in topics for number in self.partitions(topic)}

    def extent(self, topic: str, number: int) -> Extent:
        """What one partition holds now."""
        try:
            return Extent(*self._ends.get_watermark_offsets(TopicPartition(topic, number), timeout=ANSWER_SECONDS))
        except KafkaException as error:
            raise LogError(f"{topic}, partition {number}: {error.args[0].str()}") from error

    def since(self, extents: Extents, moment: int) -> dict[Place, Extent]:
        """The same from the first record of a broker's time on: milliseconds since 1970."""
        asked = [TopicPartition(*place, moment) for place in extents]
        try:
            found = self._ends.offsets_for_times(asked, timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise LogError(f"offsets of a time cannot be read: {error.args[0].str()}") from error
        begins = {(one.topic, one.partition): one.offset for one in found}
        return {place: Extent(min(one.high, max(one.low, begins[place])) if begins[place] >= 0 else one.high, one.high)
                for place, one in extents.items()}

    def committed(self, topic: str) -> dict[int, int]:
        """By partition, the offset that the processor's group has committed; absent where there is none."""
        wanted = [TopicPartition(topic, number) for number in self.partitions(topic)]
        try:
            found = self._member.committed(wanted, timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise LogError(f"the group's offsets cannot be read: {error.args[0].str()}") from error
        return {one.partition: one.offset for one in found if one.error is None and one.offset >= 0}

    def first_time(self, topic: str, number: int, extent: Extent) -> int:
        """Broker time in milliseconds of the first record that is still there; 0 where there is none."""
        for message in self.read({(topic, number): Extent(extent.low, extent.high)}):
            return int(message.timestamp()[1])
        return 0

    def read(self, extents: Extents, progress: Progress = _nothing) -> Iterator[Any]:
        """All records within, partitions mixed, each partition's in order."""
        left = {place: extent.high for place, extent in extents.items() if extent.low < extent.high}
        total = sum(extents[place].high - extents[place].low for place in left)
        at = {place: extents[place].low for place in left}
        self._consumer.assign([TopicPartition(*place, extents[place].low) for place in left])
        moved = time.monotonic()
        try:
            while left:
                messages = self._consumer.consume(HELPING, 0.5)
                if messages:
                    moved = time.monotonic()
                elif time.monotonic() - moved > STALL_SECONDS:
                    raise _stalled(left)
                yield from self._within(messages, left, at)
                self._let_go(left, at)
                progress(total - sum(end - at[place] for place, end in left.items()), total)
        finally:
            self._consumer.unassign()

    def _within(self, messages: Iterable[Any], left: Mapping[Place, int], at: dict[Place, int]) -> Iterator[Any]:
        for message in messages:
            place = (message.topic(), message.partition())
            end = left.get(place)
            if end is None:
                continue  # what it still held of a partition that was read to its end
            if message.error() is not None:
                _check(message)
                at[place] = max(at[place], message.offset())
                continue
            at[place] = min(message.offset() + 1, end)
            if message.offset() < end:
                yield message

    def _let_go(self, left: dict[Place, int], at: Mapping[Place, int]) -> None:
        done = [place for place, end in left.items() if at[place] >= end]
        for place in done:
            del left[place]
        if done:
            self._consumer.incremental_unassign([TopicPartition(*place) for place in done])


def _check(message: Any) -> None:
    """The end of a partition is no error, and some errors mend themselves."""
    error = message.error()
    if error.code() != PARTITION_END and not error.retriable():
        raise LogError(f"{message.topic()}, partition {message.partition()}: {error.str()}")


def _stalled(left: Mapping[Place, int]) -> LogError:
    topic, number = next(iter(left))
    return LogError(f"nothing more comes from {topic}, partition {number}: a transaction is open there, or the "
                    "broker is not well; try again in a minute")
