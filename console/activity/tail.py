"""Follows a topic in a thread, in no group: from where it was, or from so far back as is worth it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from processor.kafka.clients import PARTITION_END
from processor.kafka.reader import ANSWER_SECONDS, Extent, LogError
from processor.settings import ProcessorSettings

BATCH = 2000
PAUSE = 0.25
"""Seconds between two batches: what comes quicker than eight thousand a second is passed over, not stored."""
AGAIN_AFTER = 5.0

_log = structlog.get_logger("console")


class Condition(NamedTuple):
    """How the following stands."""

    caught_up: bool = False
    read_at: float = 0.0
    """Seconds since 1970 of the last look."""
    passed_over: int = 0
    """Records that were skipped, since too many came."""
    trouble: str = ""


class Tail:
    """One topic, one thread, one sink."""

    def __init__(
        self, settings: ProcessorSettings, topic: str, *, start: Callable[[Mapping[int, Extent]], Mapping[int, int]],
        take: Callable[[Sequence[Any], Mapping[int, int]], None], most_behind: int = 0,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._start_of = start
        self._take = take
        self._most_behind = most_behind
        """Records of a partition beyond which it jumps ahead; 0 for never."""
        self.condition = Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tail {topic}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(AGAIN_AFTER)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except (KafkaException, LogError, OSError) as error:
                if _told(error) != self.condition.trouble:
                    _log.warning("a topic cannot be followed", topic=self._topic, error=_told(error))
                self.condition = self.condition._replace(trouble=_told(error))
                self._stop.wait(AGAIN_AFTER)

    def _consumer(self) -> Consumer:
        kafka = self._settings.kafka
        return Consumer(kafka.client({
            "group.id": f"{self._settings.group}-console", "client.id": "prompt-actions-console",
            "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100, "queued.max.messages.kbytes": 8192, "allow.auto.create.topics": False,
            "log_level": 0,
        }, kafka.consumer_properties, {"isolation.level": "read_committed"}))

    def _follow(self) -> None:
        consumer = self._consumer()
        try:
            left = self._assign(consumer)
            while not self._stop.is_set():
                messages = consumer.consume(BATCH, 0.5)
                self._check(messages, left)
                good = [one for one in messages if one.error() is None]
                if good:
                    self._take(good, {one.partition(): one.offset() + 1 for one in good})
                passed = self.condition.passed_over + self._jump(consumer, good)
                self.condition = Condition(not left, time.time(), passed)
                if len(messages) >= BATCH and not left:
                    self._stop.wait(PAUSE)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> set[int]:
        """Begin to read; returns the partitions whose end has not been seen yet."""
        found = consumer.list_topics(self._topic, timeout=ANSWER_SECONDS).topics.get(self._topic)
        if found is None or found.error is not None or not found.partitions:
            raise LogError(f"there is no topic '{self._topic}'; `prompt-actions topics plan` says what is missing")
        extents = {number: Extent(*consumer.get_watermark_offsets(
            TopicPartition(self._topic, number), timeout=ANSWER_SECONDS)) for number in sorted(found.partitions)}
        starts = self._start_of(extents)
        consumer.assign([TopicPartition(self._topic, number, at) for number, at in starts.items()])
        return set(extents)

    def _check(self, messages: Sequence[Any], left: set[int]) -> None:
        for one in messages:
            error = one.error()
            if error is None:
                continue
            if error.code() == PARTITION_END:
                left.discard(one.partition())
            elif not error.retriable():
                raise KafkaException(error)

    def _jump(self, consumer: Consumer, messages: Sequence[Any]) -> int:
        """Go ahead where too much is behind; returns how many records were passed over."""
        passed, last = 0, {one.partition(): one.offset() + 1 for one in messages}
        for number, at in last.items() if self._most_behind else ():
            _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, number), cached=True)
            if high - at > self._most_behind:
                consumer.seek(TopicPartition(self._topic, number, high - self._most_behind))
                passed += high - self._most_behind - at
        return passed


def _told(error: Exception) -> str:
    if isinstance(error, KafkaException):
        return f"no broker answers: {error.args[0].str()}"
    return str(error)
