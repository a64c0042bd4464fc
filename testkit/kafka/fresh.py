"""Topics of one test: their names are nobody else's, so tests share a broker without meeting."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from confluent_kafka.admin import AdminClient, NewTopic

from testkit.kafka.broker import Broker

ADMIN_SECONDS = 30.0
SEEN_SECONDS = 0.02


class FreshTopics:
    """Makes topics under one prefix, and removes them from a broker that stays."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.broker = broker
        self.prefix = prefix
        self.made: list[str] = []

    def __call__(self, name: str, *, partitions: int = 4, config: Mapping[str, str] | None = None) -> str:
        """Make one topic; its full name."""
        return self.make(name, partitions=partitions, config=config)[name]

    def make(self, *names: str, partitions: int = 4, config: Mapping[str, str] | None = None) -> dict[str, str]:
        """Make several topics at once; from the short names to the full ones."""
        full = {name: f"{self.prefix}.{name}" for name in names}
        # The mock has no admin calls; there a topic comes into being on first use, with four partitions.
        if self.broker.real:
            self._create(NewTopic(one, partitions, 1, config=dict(config or {})) for one in full.values())
        self.made.extend(full.values())
        return full

    def remove(self) -> None:
        """Delete what was made where the broker outlives the tests."""
        if self.broker.kind == "given" and self.made:
            admin = self._admin()
            for future in admin.delete_topics(self.made).values():
                future.result(ADMIN_SECONDS)

    def _create(self, topics: Iterable[NewTopic]) -> None:
        admin = self._admin()  # the answers die with it
        made = admin.create_topics(list(topics))
        for future in made.values():
            future.result(ADMIN_SECONDS)
        end = time.monotonic() + ADMIN_SECONDS
        # A broker answers before it shows what it has made; a consumer would be told that there is no such topic.
        while not _seen(admin, made) and time.monotonic() < end:
            time.sleep(SEEN_SECONDS)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.broker.bootstrap_servers})


def _seen(admin: AdminClient, names: Iterable[str]) -> bool:
    there = admin.list_topics(timeout=ADMIN_SECONDS).topics
    return all(name in there and there[name].error is None for name in names)
