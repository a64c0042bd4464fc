"""From produced to result: events at an even rate, results as a reader outside sees them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from confluent_kafka import Consumer

from benchmarks import workload
from benchmarks.measure import NUMBER, percentiles
from benchmarks.place import publisher, put

WARM = 3.0
"""Seconds whose events are not counted."""


class Pace:
    """Publishes at an even rate, and notes when."""

    def __init__(self, servers: str, topic: str, rate: float, seconds: float) -> None:
        self.sent: list[float] = []
        self.count = int(rate * seconds)
        self._rate, self._topic = rate, topic
        self._producer = publisher(servers)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        for number in range(self.count):
            while (wait := began + number / self._rate - time.monotonic()) > 0:
                self._producer.poll(0)
                time.sleep(min(wait, 0.002))
            who = workload.user_of(number, hot=False)
            data = workload.event(number, who)
            self.sent.append(time.monotonic())
            put(self._producer, self._topic, f"{workload.APP}:{who}", data)
        self._producer.flush(30)


def latencies(servers: str, events: str, results: str, rate: float, seconds: float) -> Mapping[str, float]:
    """Percentiles in milliseconds at this rate; the candidate must be ready."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench-latency", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "auto.offset.reset": "earliest", "fetch.wait.max.ms": 10,
                         "log_level": 0})
    consumer.subscribe([results])
    while not consumer.assignment():
        consumer.poll(0.1)
    pace = Pace(servers, events, rate, seconds)
    pace.start()
    found: list[float] = []
    end = time.monotonic() + seconds + 10
    seen = 0
    while seen < pace.count and time.monotonic() < end:
        for message in consumer.consume(500, 0.02):
            if message.error() is None:
                seen += 1
                number = int(message.value()[NUMBER])
                if number > WARM * rate:
                    found.append(time.monotonic() - pace.sent[number])
    consumer.close()
    return percentiles(found)
