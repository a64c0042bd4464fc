"""Puts records of commands onto input topics: the right partition, acknowledged, each with its end told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from processor.settings import ProcessorSettings

if TYPE_CHECKING:
    from processor.avro.codec import Codec

TIMEOUT = 15.0
"""Seconds after which a record that no broker took is given up."""


class Delivery(NamedTuple):
    """Where a record went, or why it did not."""

    topic: str
    partition: int | None = None
    offset: int | None = None
    error: str = ""


def key(app_id: str, user_id: str) -> bytes:
    """The key of all records of one user."""
    return f"{app_id}:{user_id}".encode()


def codec(settings: ProcessorSettings) -> Codec:
    """The codec that writes what the processor reads, by the settings."""
    from processor.avro.codec import Codec
    from processor.avro.registry import RegistryError
    from processor.kafka.schema_ids import connect_registry

    if settings.registry is None or settings.framing == "single_object":
        return Codec()
    try:
        return Codec("confluent", connect_registry(settings))
    except RegistryError as error:
        raise click.ClickException(str(error)) from None


class Publisher:
    """Sends records and collects how each ended."""

    def __init__(self, settings: ProcessorSettings) -> None:
        from confluent_kafka import KafkaException, Producer

        own = {
            "partitioner": "murmur2_random", "acks": "all", "enable.idempotence": True, "linger.ms": 5,
            "message.timeout.ms": int(TIMEOUT * 1000), "log_level": 0,
        }
        kafka = settings.kafka
        try:
            self._producer = Producer(kafka.client(own, kafka.producer_properties, {"partitioner": "murmur2_random"}))
        except KafkaException as error:
            raise click.ClickException(f"the settings of Kafka are not accepted: {error.args[0].str()}") from None
        self._brokers = kafka.bootstrap_servers
        self.deliveries: list[Delivery | None] = []

    def send(self, topic: str, key: bytes, value: bytes | None) -> int:
        """Hand a record over; returns the place of its delivery in `deliveries`."""
        place = len(self.deliveries)
        self.deliveries.append(None)

        def ended(error: Any, message: Any) -> None:
            self.deliveries[place] = self._delivery(topic, error, message)

        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=ended)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return place

    def finish(self) -> list[Delivery]:
        """Wait until each record has ended."""
        self._producer.flush(TIMEOUT + 5)
        return [one or Delivery("", error="no answer of the broker") for one in self.deliveries]

    def _delivery(self, topic: str, error: Any, message: Any) -> Delivery:
        if error is None:
            return Delivery(topic, message.partition(), message.offset())
        why = f"no broker at {self._brokers} took it within {TIMEOUT:g} s" if error.name() == "_MSG_TIMED_OUT" \
            else error.str()
        return Delivery(topic, error=why)
