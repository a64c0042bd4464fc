"""What is counted about requests, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from processor.metrics import Counter, Gauge, Histogram, Series


class Counts:
    """The metrics of one process; no label names a key, an app or a user."""

    ingest_requests = Counter(
        "path", "status", meaning="Requests by path and status.",
        act="Many 401: a key was changed at one end only. Many 422: an app sends what is refused; its answers say why."
            " Many 503: Kafka is away or slow.",
    )  # fmt: skip
    ingest_records = Counter(
        "topic", meaning="Records that Kafka has acknowledged.", act="Compare with what the apps send.")
    ingest_seconds = Histogram(
        meaning="Time of a request that was taken, until Kafka had acknowledged.",
        act="If it rises, look at Kafka's produce latency, then add a process.")
    ingest_outstanding = Gauge(
        meaning="Records that wait for Kafka's word.",
        act="Near the setting ingest.outstanding: requests are answered with 503; look at Kafka.")
    declared: ClassVar[tuple[str, ...]] = ("ingest_requests", "ingest_records", "ingest_seconds", "ingest_outstanding")

    def __init__(self) -> None:
        for name in self.declared:
            setattr(self, name, getattr(Counts, name).empty())
        self.registry = CollectorRegistry()
        self.registry.register(_Scrape(self))
        ProcessCollector(registry=self.registry)


class _Scrape(Collector):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        for name in Counts.declared:
            series: Series = getattr(self._counts, name)
            yield series.family()
