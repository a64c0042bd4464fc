"""How the processor is at one moment, read from its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from processor.metrics import Metrics
from processor.service import Service


class Pulse(NamedTuple):
    """What waits, what is under way, what was tried again."""

    events_in: int = 0
    finished: int = 0
    parked: int = 0
    in_flight: int = 0
    circuits: tuple[str, ...] = ()
    """Connectors whose circuit is open."""
    waits: Mapping[tuple[str, str], int] = {}
    """So far, by connector and cause."""
    retries: int = 0
    duplicates: int = 0


def pulse(service: Service) -> Pulse:
    """As of now."""
    engine, metrics = service.engine, service.metrics
    if engine is None:
        return Pulse()
    books = engine.books
    return Pulse(
        books.events_in, books.finished, books.parked, books.in_flight,
        tuple(sorted({labels["connector"] for labels, value in _rows(metrics, "circuits_open") if value})),
        {(labels["connector"], labels["cause"]): int(value) for labels, value in _rows(metrics, "waits")},
        int(sum(value for _, value in _rows(metrics, "retries"))), int(metrics.duplicates.value()),
    )


def _rows(metrics: Metrics, name: str) -> list[tuple[Mapping[str, str], float]]:
    family = getattr(metrics, name).family()
    return [(one.labels, one.value) for one in family.samples]
