"""The last records of topics, looked at without being in a group: what lies where, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

READ_SECONDS = 10.0
_POLL_SECONDS = 0.5


class Sampled(NamedTuple):
    """What is known of a record without reading its value."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    time_ms: int


def last_records(
    properties: Mapping[str, Any], partitions: Iterable[tuple[str, int]], each: int, seconds: float = READ_SECONDS
) -> list[Sampled]:
    """Up to `each` of the last records of every partition; fewer where time runs out."""
    consumer = Consumer({**properties, "group.id": "prompt-actions-doctor", "enable.auto.commit": False,
                         "enable.partition.eof": True, "isolation.level": "read_uncommitted", "log_level": 0})
    try:
        return _read(consumer, partitions, each, time.monotonic() + seconds)
    finally:
        consumer.close()


def _read(consumer: Consumer, partitions: Iterable[tuple[str, int]], each: int, end: float) -> list[Sampled]:
    starts = [_start(consumer, topic, number, each, end) for topic, number in partitions]
    waiting = {(one.topic, one.partition) for one in starts}
    consumer.assign(starts)
    found: list[Sampled] = []
    while waiting and time.monotonic() < end:
        for message in consumer.consume(each, _POLL_SECONDS):
            place = (message.topic() or "", message.partition() or 0)
            if message.error() is not None:
                waiting.discard(place)  # its end, or nothing can be read there
            else:
                found.append(Sampled(*place, message.offset() or 0, _key(message.key()), message.timestamp()[1]))
    return found


def _start(consumer: Consumer, topic: str, number: int, each: int, end: float) -> TopicPartition:
    place = TopicPartition(topic, number)
    try:
        marks = consumer.get_watermark_offsets(place, timeout=max(0.1, end - time.monotonic()))
    except KafkaException:
        marks = None
    place.offset = max(marks[0], marks[1] - each) if marks else OFFSET_END
    return place


def _key(key: str | bytes | None) -> bytes | None:
    return key.encode() if isinstance(key, str) else key
