"""Kafka brokers for tests and for trying things out: a real one, one in a container, an embedded mock."""

from testkit.kafka.errors import NoKafka

__all__ = ["NoKafka"]
