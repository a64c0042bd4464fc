"""Reads what the processes of the group would send: a small client of its own, polled by the consumer thread."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from processor.kafka.clients import SILENT
from processor.settings import ProcessorSettings

HELPING = 500


class DemandReader:
    """All records of the demand topic from its beginning; in no group, since every process needs them all."""

    def __init__(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self.heard: deque[tuple[bytes, float]] = deque()
        """Values with their broker time in seconds, for the loop to take."""
        consumer.assign(partitions)

    def poll(self) -> None:
        """Take what is there, without waiting."""
        for message in self._consumer.consume(HELPING, 0):
            if message.error() is None and message.value():
                self.heard.append((message.value(), message.timestamp()[1] / 1000))

    def close(self) -> None:
        """Free the client."""
        with suppress(KafkaException, RuntimeError):
            self._consumer.close()


def open_demand(settings: ProcessorSettings, timeout: float) -> DemandReader | None:
    """A reader of the topic; None where there is no such topic, and limits are each process's own."""
    kafka, topic = settings.kafka, settings.topics.demand
    own: dict[str, Any] = {
        "group.id": f"{settings.group}-demand", "client.id": f"prompt-actions-{settings.instance}-demand",
        "enable.auto.commit": False, "auto.offset.reset": "earliest", "allow.auto.create.topics": False,
        # What is said is advice: nobody's open transaction may hold it back.
        "isolation.level": "read_uncommitted", "fetch.wait.max.ms": 500, "queued.max.messages.kbytes": 1024,
        **SILENT,
    }
    consumer = Consumer(kafka.client(own, kafka.consumer_properties, {"isolation.level": "read_uncommitted"}))
    found = consumer.list_topics(topic, timeout=timeout).topics.get(topic)
    if found is None or found.error is not None or not found.partitions:
        consumer.close()
        return None
    return DemandReader(consumer, [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions])
