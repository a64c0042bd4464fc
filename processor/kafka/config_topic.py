"""The config topic's two rims: a reader that follows it, and transactions of which only the newest writer's commit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from processor.config.store import StoreError
from processor.kafka.clients import PARTITION_END
from processor.settings import ProcessorSettings

ANSWER_SECONDS = 30.0
LOOK_SECONDS = 10.0
"""For an answer of a broker that is well; one that is away is told so soon."""
HELPING = 500
WAIT_SECONDS = 0.02
PATIENCE_SECONDS = 2.0


class Told(NamedTuple):
    """A record of the topic."""

    key: bytes
    value: bytes | None
    place: str
    """Partition and offset, for people."""
    anew: bool = False
    """Whether the topic was made anew: all that was told before is no more."""


class TopicReader:
    """All committed records of the topic from its beginning; in no group, since every process needs them all.

    `idle` is how many milliseconds the broker waits before it tells that there is nothing new.
    """

    def __init__(self, settings: ProcessorSettings, idle: int = 50) -> None:
        kafka, self.topic = settings.kafka, settings.topics.config
        own: dict[str, Any] = {
            "group.id": f"{settings.group}-config", "client.id": f"prompt-actions-{settings.instance}-config",
            "enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest",
            "allow.auto.create.topics": False, "fetch.wait.max.ms": idle, "queued.max.messages.kbytes": 8192,
            "log_level": 0,  # a broker that is away is told by our own error
        }
        self._consumer = Consumer(kafka.client(own, kafka.consumer_properties, {"isolation.level": "read_committed"}))
        # A read_committed client is told the last stable offset where the end is asked for.
        self._ends = Consumer(kafka.client(own, kafka.consumer_properties, {"isolation.level": "read_uncommitted"}))
        self._at: dict[int, int] = {}
        self._anew = False
        try:
            self._numbers = self._partitions()
        except BaseException:
            self.close()
            raise
        self._assign()

    def close(self) -> None:
        """Free the clients."""
        for one in (self._consumer, self._ends):
            with suppress(KafkaException, RuntimeError):
                one.close()

    def poll(self) -> Iterator[Told]:
        """What has come, without waiting."""
        return self._told(self._consumer.consume(HELPING, 0))

    def catch_up(self, *, whole: bool) -> Iterator[Told]:
        """All up to the end that the topic has now; raises StoreError where it cannot be reached.

        A transaction that is open hides what lies behind it. Where not `whole`, it is waited for only a while.
        """
        ends = {number: self._end(number) for number in self._numbers}
        if any(self._at.get(number, 0) > high for number, high in ends.items()):
            self._at.clear()
            self._anew = True
            self._assign()
        begun = time.monotonic()
        while any(self._at.get(number, 0) < high for number, high in ends.items()):
            if not whole and self._at and time.monotonic() - begun > PATIENCE_SECONDS:
                return
            if time.monotonic() - begun > ANSWER_SECONDS:
                raise StoreError(f"nothing more comes from {self.topic}: a transaction is open there, or the broker is"
                                 " not well; try again in a minute")
            yield from self._told(self._consumer.consume(HELPING, WAIT_SECONDS))

    def _told(self, messages: Iterable[Any]) -> Iterator[Told]:
        for message in messages:
            error, number = message.error(), message.partition()
            if error is None:
                anew, self._anew = self._anew or message.offset() < self._at.get(number, 0), False
                self._at[number] = message.offset() + 1
                yield Told(message.key() or b"", message.value(), f"{self.topic}:{number}:{message.offset()}", anew)
            elif error.code() == PARTITION_END:
                self._at[number] = max(self._at.get(number, 0), message.offset())

    def _assign(self) -> None:
        self._consumer.assign([TopicPartition(self.topic, one, OFFSET_BEGINNING) for one in self._numbers])

    def _partitions(self) -> list[int]:
        try:
            # all topics: asking for one by its name can make it
            found = self._ends.list_topics(timeout=LOOK_SECONDS).topics.get(self.topic)
        except KafkaException as error:
            raise StoreError(f"no broker answers: {said(error)}; is kafka.bootstrap_servers right?") from error
        if found is None or found.error is not None or not found.partitions:
            raise StoreError(f"there is no topic '{self.topic}'; make it with `prompt-actions topics apply`")
        return sorted(found.partitions)

    def _end(self, number: int) -> int:
        try:
            place = TopicPartition(self.topic, number)
            return int(self._ends.get_watermark_offsets(place, timeout=LOOK_SECONDS)[1])
        except KafkaException as error:
            raise StoreError(f"{self.topic} cannot be read: {said(error)}") from error


_FENCED = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})  # noqa: SLF001


class OvertakenError(Exception):
    """The transaction did not commit, or it is not known whether it did."""


class Writer:
    """A transactional producer of one app: whoever opens another of the same name ends this one's transactions."""

    def __init__(self, settings: ProcessorSettings, name: str) -> None:
        kafka, topics = settings.kafka, settings.topics
        self._producer = Producer(kafka.client({
            "client.id": "prompt-actions-config", "partitioner": "murmur2_random", "enable.idempotence": True,
            "acks": "all", "linger.ms": 0, "compression.type": "lz4", "message.max.bytes": 4 << 20, "log_level": 0,
        }, kafka.producer_properties, {
            # of the topic and the app, not of who writes: all writers of an app's configuration fence one another
            "transactional.id": f"{topics.config}.{name}", "partitioner": "murmur2_random",
            "transaction.timeout.ms": 15_000,
        }))
        try:
            self._producer.init_transactions(ANSWER_SECONDS)
        except KafkaException as error:
            if error.args[0].code() in _FENCED:
                raise OvertakenError(said(error)) from error  # another began at the same moment
            raise StoreError(f"the transaction {topics.config}.{name} cannot be begun: {said(error)}") from error

    def has(self, topic: str) -> bool:
        """Whether there is such a topic; raises StoreError where no broker answers."""
        try:
            found = self._producer.list_topics(timeout=LOOK_SECONDS).topics.get(topic)
        except KafkaException as error:
            raise StoreError(f"no broker answers: {said(error)}") from error
        return found is not None and found.error is None

    @contextmanager
    def together(self) -> Iterator[Writer]:
        """What is put within becomes visible at once, or never; raises OvertakenError."""
        try:
            self._producer.begin_transaction()
            yield self
            self._commit()
        except (KafkaException, BufferError) as error:
            with suppress(KafkaException):
                self._producer.abort_transaction(ANSWER_SECONDS)
            raise OvertakenError(said(error)) from error

    def put(self, topic: str, key: bytes, value: bytes | None) -> None:
        """One record."""
        self._producer.produce(topic, value, key)

    def _commit(self) -> None:
        """A commit whose answer did not come is asked for again; it commits once."""
        try:
            self._producer.commit_transaction(ANSWER_SECONDS)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            self._producer.commit_transaction(ANSWER_SECONDS)


def said(error: BaseException) -> str:
    """An error of the library in its own words."""
    found = error.args[0] if error.args else error
    return str(found.str()) if isinstance(found, KafkaError) else str(found)
