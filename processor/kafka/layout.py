"""The topics as they are when the processor starts: all there, and with equal numbers of partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource

from processor.kafka.clients import SILENT, consumer_properties
from processor.settings import ProcessorSettings

LEAST_MESSAGE = 100_000
"""Bytes of a message that every topic must accept: receipts of a long chain, and what is left of a cut dead letter."""
USUAL_SESSION = 45.0
"""Kafka's default for both protocols."""


class LayoutError(Exception):
    """Topics are missing or do not fit together; the text says which and how to mend it."""


class Layout(NamedTuple):
    """What the processor needs to know of its topics."""

    partitions: int
    """Of each topic with a user in its key."""
    changelog_ids: Mapping[str, str]
    """Topic ids of the changelogs: a topic made anew under the same name is another."""
    session: float
    """Seconds after which the group gives the partitions of a silent member to others."""
    largest: Mapping[str, int] = {}
    """By topic: the largest message that it accepts; absent where the broker does not tell."""


def read_layout(settings: ProcessorSettings, timeout: float) -> Layout:
    """Ask the brokers; raises LayoutError, and KafkaException where no broker answers."""
    topics = settings.topics
    names = (topics.interactions, topics.attributes, topics.replays, topics.results, topics.dead_letters,
             topics.attributes_changelog, topics.chains, topics.finished)
    admin = AdminClient(settings.kafka.client(SILENT))
    counts = {name: _count(admin, name, timeout) for name in names}
    missing = [name for name, count in counts.items() if not count]
    if missing:
        raise LayoutError(f"topics are missing: {', '.join(missing)}; make them with `prompt-actions topics apply`")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise LayoutError(f"topics with users in their keys need equal numbers of partitions, but have: {told}; "
                          "see `prompt-actions topics plan`")
    changelogs = (topics.attributes_changelog, topics.chains, topics.finished)
    ids, session = _ids(admin, changelogs, timeout), _session(admin, settings, timeout)
    # without ids the broker is one that tells nothing more, and asking would wait in vain
    return Layout(counts[topics.interactions], ids, session, _largest(admin, names, timeout) if ids else {})


def _session(admin: AdminClient, settings: ProcessorSettings, timeout: float) -> float:
    """The session time-out: under KIP-848 the group's own or the broker's, else the client's; the usual if untold."""
    if settings.group_protocol == "classic":
        properties = consumer_properties(settings)
        return float(properties["session.timeout.ms"]) / 1000
    cluster = admin.list_topics(settings.topics.interactions, timeout=timeout)
    if cluster.controller_id not in cluster.brokers:
        return USUAL_SESSION
    kinds = ConfigResource.Type
    told = (_told(admin, kinds.GROUP, settings.group, "consumer.session.timeout.ms", timeout)
            or _told(admin, kinds.BROKER, str(cluster.controller_id), "group.consumer.session.timeout.ms", timeout))
    return told / 1000 or USUAL_SESSION


def _told(admin: AdminClient, kind: ConfigResource.Type, of: str, name: str, timeout: float) -> float:
    """A number among the settings of a group or broker; 0 where it is not told (groups have none before Kafka 4.0)."""
    try:
        [future] = admin.describe_configs([ConfigResource(kind, of)], request_timeout=timeout).values()
        return float(future.result(timeout)[name].value)
    except (KafkaException, TimeoutError, KeyError):
        return 0.0


def _largest(admin: AdminClient, names: tuple[str, ...], timeout: float) -> dict[str, int]:
    """By topic, the largest message that it accepts; raises LayoutError where that is too little to work with."""
    told = {name: int(_told(admin, ConfigResource.Type.TOPIC, name, "max.message.bytes", timeout)) for name in names}
    small = [f"{name} {limit}" for name, limit in told.items() if 0 < limit < LEAST_MESSAGE]
    if small:
        raise LayoutError(f"topics accept too small messages: {', '.join(small)} bytes; raise their max.message.bytes "
                          f"to {LEAST_MESSAGE} or more (`prompt-actions topics plan`)")
    return {name: limit for name, limit in told.items() if limit}


def _count(admin: AdminClient, name: str, timeout: float) -> int:
    found = admin.list_topics(name, timeout=timeout).topics.get(name)
    return len(found.partitions) if found is not None and found.error is None else 0


def _ids(admin: AdminClient, names: tuple[str, ...], timeout: float) -> dict[str, str]:
    """Topic ids; none where the broker tells none (librdkafka's mock: without a controller, asking waits in vain)."""
    cluster = admin.list_topics(names[0], timeout=timeout)
    if cluster.controller_id not in cluster.brokers:
        return {}
    try:
        futures = admin.describe_topics(TopicCollection(list(names)), request_timeout=timeout)
        return {name: str(future.result(timeout).topic_id) for name, future in futures.items()}
    except (KafkaException, TimeoutError):
        return {}
