"""The broker that librdkafka carries, as a broker of one's own: no Java, no Docker, gone with the process.

It produces, consumes, groups, and commits transactions; it serves no admin calls, keeps no offsets that were sent
within a transaction, and shows records of open transactions. Topics come into being on first use, with four partitions.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from testkit.kafka.errors import NoKafka

ANSWER_SECONDS = 10.0


class MockKafka:
    """Librdkafka's mock cluster; it lives as long as the client that owns it."""

    def __init__(self) -> None:
        self._owner: Producer | None = None
        self.bootstrap_servers = ""

    def start(self) -> Self:
        """Bring it up; other clients of any process reach it at `bootstrap_servers`."""
        self._owner = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        brokers = self._owner.list_topics(timeout=ANSWER_SECONDS).brokers.values()
        self.bootstrap_servers = ",".join(f"{one.host}:{one.port}" for one in brokers)
        if not self.bootstrap_servers:
            raise NoKafka("librdkafka's mock cluster named no broker")
        return self

    def stop(self) -> None:
        """Let it go, with all that it held."""
        self._owner = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()
