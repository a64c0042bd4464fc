"""Where the demo's records go: the broker that librdkafka carries, or a real one with topics of the demo's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from processor.settings import KafkaSettings, TopicSettings
from testkit.kafka.mock import MockKafka

QUIET: Mapping[str, str] = {"log_level": "0"}
"""Clients tell the log what matters through the processor; librdkafka's own lines would tear the picture."""
REMOVE_SECONDS = 20.0
GROUP = "prompt-actions-demo"


class Home(NamedTuple):
    """A broker that serves the demo, and how it is used."""

    kafka: KafkaSettings
    topics: TopicSettings
    delivery: str
    says: str
    """For the screen."""
    real: bool


@contextmanager
def embedded() -> Iterator[Home]:
    """Librdkafka's mock; it cannot keep offsets that a transaction sent, so delivery is at least once."""
    with MockKafka() as mock:
        kafka = KafkaSettings(bootstrap_servers=mock.bootstrap_servers)
        yield Home(_quiet(kafka), TopicSettings(), "at_least_once",
                   f"embedded broker {mock.bootstrap_servers}", real=False)


@contextmanager
def given(servers: str, kafka: KafkaSettings, prefix: str, config_folder: Path, *, keep: bool) -> Iterator[Home]:
    """A real broker: topics with a prefix of their own, made now and removed at the end, unless they are to stay."""
    from processor.kafka.admin import TopicAdmin  # noqa: PLC0415  only where it is asked for
    from processor.kafka.topics_file import read_topics, topics_path  # noqa: PLC0415

    reached = _quiet(kafka.model_copy(update={"bootstrap_servers": servers}))
    topics = TopicSettings(**{role: f"{prefix}.{name}" for role, name in TopicSettings()})
    admin = TopicAdmin(reached.client())
    admin.partitions()  # raises at once, with the reason, where no broker answers
    admin.create(read_topics(topics_path(config_folder), dict(topics)))
    try:
        yield Home(reached, topics, "exactly_once", f"Kafka at {servers}, topics {prefix}.*", real=True)
    finally:
        if not keep:
            _remove(reached.client(), [name for _, name in topics], f"{prefix}.{GROUP}")


def _remove(properties: dict[str, Any], names: list[str], group: str) -> None:
    """What cannot be removed stays: its name says whose it was."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    admin = AdminClient(properties)
    futures = [*admin.delete_topics(names, operation_timeout=REMOVE_SECONDS).values(),
               *admin.delete_consumer_groups([group], request_timeout=REMOVE_SECONDS).values()]
    for future in futures:
        future.exception(REMOVE_SECONDS)


def _quiet(kafka: KafkaSettings) -> KafkaSettings:
    return kafka.model_copy(update={"properties": {**kafka.properties, **QUIET}})
