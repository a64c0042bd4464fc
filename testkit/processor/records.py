"""Topics as a reader outside sees them: read_committed, from the beginning, decoded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processor.kafka.clients import PARTITION_END

V = TypeVar("V")
ANSWER_SECONDS = 15.0


class Record(NamedTuple, Generic[V]):
    """One record of a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: V
    headers: Mapping[str, bytes | None]
    time: int
    """Broker time in milliseconds."""


class Records(Generic[V]):
    """All records of a topic so far; `decode` turns a value's bytes into what it stands for."""

    def __init__(self, servers: str, topic: str, decode: Callable[[bytes | None], V]) -> None:
        self._decode = decode
        self._consumer = Consumer({
            "bootstrap.servers": servers, "group.id": f"reader-{uuid.uuid4().hex}", "enable.auto.commit": False,
            "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20, "log_level": 0,
        })
        found = self._consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
        self._partitions = len(found.partitions)
        self._consumer.assign([TopicPartition(topic, number, 0) for number in found.partitions])
        self._read: list[Record[V]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.close()

    def close(self) -> None:
        """Free the client."""
        self._consumer.close()

    def now(self, seconds: float = 0.1) -> Sequence[Record[V]]:
        """What is there, after reading on for so long at most; what was read before stays."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            taken = [self._take(message) for message in self._consumer.consume(5000, min(left, 0.1))]
            if not any(taken):
                break
        return self._read

    def until(self, good: Callable[[Sequence[Record[V]]], bool], seconds: float = 30.0) -> Sequence[Record[V]]:
        """Read on until `good` is said of all that was read; after `seconds` whatever there is."""
        end = time.monotonic() + seconds
        while not good(self.now(0.2)) and time.monotonic() < end:
            pass
        return self._read

    def at_least(self, count: int, seconds: float = 30.0) -> Sequence[Record[V]]:
        """Read on until there are so many; fails where there are fewer in time."""
        found = self.until(lambda read: len(read) >= count, seconds)
        if len(found) < count:
            raise AssertionError(f"{len(found)} records within {seconds:g} s instead of {count}")
        return found

    def _take(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            self._read.append(Record(
                message.partition(), message.offset(), message.key(), self._decode(message.value()),
                dict(message.headers() or ()), message.timestamp()[1]))
            return True
        if error.code() != PARTITION_END and not error.retriable():
            raise KafkaException(error)
        return False
