"""Sets the gauges and the health snapshot, as of now; called by the loop a few times a second."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING, Any, Protocol

import confluent_kafka
import pycurl

from processor import __version__
from processor.compiled import engine
from processor.engine.chain import Parked
from processor.health import Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processor.engine.assembly import Engine
    from processor.engine.loop import Loop
    from processor.metrics import Metrics

SLOW_EVERY = 5.0
"""Seconds between two looks at what costs more than a moment: lag, what waits, sizes on disk."""


class Member(Protocol):
    """What the consumer thread tells about itself."""

    polled_at: float
    assigned: bool
    restored: bool
    ends: Mapping[tuple[str, int], int]
    """By input topic and partition: the end of the log, as the client knows it."""
    remaining: Mapping[str, int]
    """By changelog: records still to be read."""
    moves: Mapping[str, int]
    """How many partitions were assigned, revoked and lost so far."""


class Gauges:
    """Reads the engine and the consumer thread; takes no lock, since only the loop calls it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._slow_at = 0.0
        self._moves: dict[str, int] = {}
        version, _ = confluent_kafka.libversion()
        metrics.build_info.replace(
            {(__version__, platform.python_version(), version, pycurl.version_info()[1], engine()): 1})

    def show(self, running: Engine, loop: Loop, member: Member, *, stopping: bool) -> Snapshot:
        """Set all gauges; returns how it is."""
        self._books(running)
        self._gates(running)
        self._member(member)
        self._metrics.loop_turn_seconds.set(loop.longest_turn())
        now = time.monotonic()
        if now - self._slow_at > SLOW_EVERY:
            self._slow_at = now
            self._lag(loop, member)
            self._waiting(loop)
            self._sizes(loop)
        return Snapshot(
            moved_at=now, polled_at=member.polled_at, assigned=member.assigned,
            restored=member.restored and all(one.ready for one in loop.partitions.values()), stopping=stopping)

    def _books(self, engine: Engine) -> None:
        metrics, books = self._metrics, engine.books
        metrics.books_events_in.set(books.events_in - books.handed_over)
        metrics.books_events_finished.set(books.finished)
        metrics.books_events_parked.set(books.parked)
        metrics.books_events_in_flight.set(books.in_flight)
        metrics.books_bindings_planned.set(books.planned - books.open_bindings)
        metrics.books_outcomes.set(books.outcomes)
        metrics.in_flight_chains.set(books.in_flight)

    def _gates(self, engine: Engine) -> None:
        calls: dict[tuple[str, ...], float] = {}
        paused: dict[tuple[str, ...], float] = {}
        opened: dict[tuple[str, ...], float] = {}
        for (_, connector), gate in engine.plans.gates.items():
            calls[connector,] = calls.get((connector,), 0) + gate.busy
            paused[connector,] = paused.get((connector,), 0) + bool(gate.paused_since)
            opened[connector,] = opened.get((connector,), 0) + (not gate.circuit.closed)
        self._metrics.in_flight_calls.replace(calls)
        self._metrics.connector_paused.replace(paused)
        self._metrics.circuits_open.replace(opened)

    def _member(self, member: Member) -> None:
        self._metrics.restore_remaining.replace({(store,): left for store, left in member.remaining.items()})
        for kind, count in member.moves.items():
            self._metrics.rebalances.add(kind, by=count - self._moves.get(kind, 0))
            self._moves[kind] = count

    def restarted(self) -> None:
        """Another consumer thread begins to count from nothing."""
        self._moves = {}

    def _lag(self, loop: Loop, member: Member) -> None:
        lags: dict[tuple[str, ...], float] = {}
        for (topic, number), end in member.ends.items():
            partition = loop.partitions.get(number)
            if partition is not None:
                lags[topic, str(number)] = max(0, end - partition.tracker(topic).next)
        self._metrics.consumer_lag.replace(lags)

    def _waiting(self, loop: Loop) -> None:
        causes: dict[tuple[str, ...], float] = {}
        for partition in loop.partitions.values():
            for one in partition.open.values():
                if isinstance(one, Parked):
                    causes[one.waiting_for,] = causes.get((one.waiting_for,), 0) + 1
            for cause, count in partition.shelf.causes.items():
                causes[cause,] = causes.get((cause,), 0) + count
        self._metrics.waiting.replace(causes)

    def _sizes(self, loop: Loop) -> None:
        """Of the stores of all partitions together."""
        total: dict[str, int] = {}
        for partition in loop.partitions.values():
            store: Any = partition.store
            for name, size in store.sizes().items():
                total[name] = total.get(name, 0) + size
        self._metrics.state_bytes.replace({("all",): total.pop("disk_bytes", 0)})
        self._metrics.state_keys.replace({(name,): size for name, size in total.items()})
