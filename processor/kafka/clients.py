"""Properties of the Kafka clients that the processor uses, each with its reason."""

from __future__ import annotations

import logging
from typing import Any

from confluent_kafka import KafkaError

from processor.log import LIBRDKAFKA
from processor.settings import ProcessorSettings

PARTITION_END: int = KafkaError._PARTITION_EOF  # noqa: SLF001  the library's public name of it
"""The code of what is no error: a consumer has read a partition to its end."""
SILENT = {"log_level": 0}
"""For clients that nobody polls all the time: what they say would pile up, and the consumer says it too."""


def consumer_properties(settings: ProcessorSettings) -> dict[str, Any]:
    """Of the group member that reads the inputs."""
    own: dict[str, Any] = {
        "group.id": settings.group,
        "client.id": f"prompt-actions-{settings.instance}",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,  # tells that the attributes have reached their end
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 16384,  # bounds the prefetch, hence memory
        "fetch.wait.max.ms": 50,
        "fetch.queue.backoff.ms": 20,  # a resumed partition is fetched at once
        "allow.auto.create.topics": False,
        "logger": logging.getLogger(LIBRDKAFKA),
    }
    if settings.group_protocol == "consumer":
        own |= {"group.protocol": "consumer", "group.remote.assignor": "range"}
    else:
        # range alone brings partition p of all inputs to one member
        own |= {"group.protocol": "classic", "partition.assignment.strategy": "range", "session.timeout.ms": 45000}
    if settings.static_membership:
        own["group.instance.id"] = settings.instance
    kafka = settings.kafka
    return kafka.client(own, kafka.consumer_properties)


def restore_properties(settings: ProcessorSettings) -> dict[str, Any]:
    """Of the client that reads changelogs: up to what is committed, never a member of the group."""
    kafka = settings.kafka
    return kafka.client({
        "group.id": f"{settings.group}-restore",
        "client.id": f"prompt-actions-{settings.instance}-restore",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "queued.max.messages.kbytes": 32768,
        "fetch.wait.max.ms": 20,
        **SILENT,
    }, kafka.consumer_properties)


def watermark_properties(settings: ProcessorSettings) -> dict[str, Any]:
    """Of the client that asks for the true end of a log: a read_committed one gets the last stable offset."""
    return restore_properties(settings) | {
        "isolation.level": "read_uncommitted", "client.id": f"prompt-actions-{settings.instance}-ends",
    }


def producer_properties(settings: ProcessorSettings) -> dict[str, Any]:
    """Of the one producer: transactional where delivery is exactly once."""
    own: dict[str, Any] = {
        "client.id": f"prompt-actions-{settings.instance}",
        "partitioner": "murmur2_random",  # as Java does: the join depends on it
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 0,
        "compression.type": "lz4",
        "message.max.bytes": 4 << 20,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 262_144,
        # Begun anew from its bootstrap addresses, librdkafka 2.16 waits for ever for the group's coordinator that it
        # knew before (issues 5511 and 5456 there): no checkpoint would end after all brokers were away at once.
        "metadata.recovery.strategy": "none",
        **SILENT,
    }
    if settings.delivery == "exactly_once":
        own |= {
            # stable over restarts, so that a new process ends its predecessor's transaction at once
            "transactional.id": f"{settings.group}.{settings.instance}",
            "transaction.timeout.ms": int(settings.checkpoint.transaction_timeout * 1000),
        }
    kafka = settings.kafka
    return kafka.client(own, kafka.producer_properties)
