"""Several processes in one run: events that show themselves at once, when all of them have their partitions.

Without that, who comes first takes everything, and a run is over before its second process has begun.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from benchmarks.place import APPEND_TIME, Place, put

ASSIGNED = 30.0
"""Seconds that are waited for it."""
SETTLED = 2.0
"""Seconds more, for what an assignment begins: state is restored, attributes are read."""


class Held(NamedTuple):
    """Events that lie in a topic, in a transaction that is open: nobody who reads what is committed sees them."""

    topic: str
    producer: Producer

    def show(self) -> None:
        """Let everybody see them, all at once; no publisher takes any CPU of the run."""
        self.producer.commit_transaction(60)


def hold(place: Place, events: int) -> Held:
    """Publish so many events unseen."""
    topic = place.topics()("held", config=APPEND_TIME)
    producer = Producer({"bootstrap.servers": place.servers, "partitioner": "murmur2_random", "linger.ms": 5,
                         "compression.type": "lz4", "transactional.id": topic, "transaction.timeout.ms": 600_000,
                         "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    for key, data in place.records(events):
        put(producer, topic, key, data)
    producer.flush(60)
    return Held(topic, producer)


def wait_for_all(servers: str, group: str, topic: str, processes: int) -> None:
    """Return when each of so many members of the group has partitions of the topic, or when it has lasted too long."""
    admin, end = AdminClient({"bootstrap.servers": servers, "log_level": 0}), time.monotonic() + ASSIGNED
    while members(admin, group, topic) < processes:
        if time.monotonic() > end:
            return  # what comes of it is seen in the figures: cores, and what each did
        time.sleep(0.2)
    time.sleep(SETTLED)


def members(admin: AdminClient, group: str, topic: str) -> int:
    """How many members of a group have partitions of a topic."""
    try:
        found = admin.describe_consumer_groups([group], request_timeout=10)[group].result()
    except KafkaException:  # it is not there yet
        return 0
    return sum(any(part.topic == topic for part in one.assignment.topic_partitions) for one in found.members)
