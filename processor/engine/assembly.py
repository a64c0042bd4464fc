"""The engine put together: its parts and who knows whom."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from processor.engine.books import Books
from processor.engine.checkpoint import Checkpoints, Committer
from processor.engine.events import Events
from processor.engine.exporter import Exporter
from processor.engine.intake import Intake
from processor.engine.ledger import Ledger
from processor.engine.parking import Parking
from processor.engine.plan import Plans
from processor.engine.runner import Runner
from processor.engine.sender import Sender
from processor.engine.takeover import Takeover
from processor.engine.timers import Timers

if TYPE_CHECKING:
    from processor.config.model import Configuration
    from processor.engine.chain import Chain
    from processor.engine.counts import Counts
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition
    from processor.http.transport import Transport

Report = Callable[[str, Any, Any], None]
"""Told of what happened: (kind, chain or None, facts)."""


class Engine:
    """Everything between decoded messages and encoded records; no thread, no I/O of its own."""

    def __init__(
        self, *, options: EngineOptions, transport: Transport, committer: Committer, codec: Any, metrics: Counts,
        report: Report, chance: Callable[[], float], nonce: Callable[[], str],
        partition_of: Callable[[bytes, int], int], stored: Callable[[Mapping[str, Any], int, int], Any],
    ) -> None:
        self.options = options
        self.transport = transport
        self.committer = committer
        self.metrics = metrics
        self.report = report
        self.timers = Timers()
        self.books = Books()
        self.plans = Plans(options)
        self._decode_chain = codec.chain
        ready: deque[Chain] = deque()
        self.sender = Sender(transport, self.timers, options, metrics, nonce)
        self.ledger = Ledger(codec, options, metrics, self.books, report)
        self.runner = Runner(self.sender, self.timers, options, self.ledger, metrics, chance)
        self.parking = Parking(
            self.sender, self.timers, options, metrics, self.books, codec.encode_chain, ready, chance)
        self.runner.parking = self.parking
        self.sender.begin = self.runner.advance
        self.parking.runner = self.runner
        self.exporter = Exporter(self.sender, self.timers, options, self.ledger, metrics, chance)
        self.exporter.parking = self.parking
        self.events = Events(
            self.runner, self.exporter, self.parking, self.ledger, self.sender, self.plans, metrics, self.books,
            codec, ready)
        self.intake = Intake(
            self.events, self.parking, self.ledger, self.sender, self.plans, options, metrics, codec, stored,
            partition_of)
        self.checkpoints = Checkpoints(committer, options, metrics, codec, self.sender.send)
        self.checkpoints.too_large = self.parking.too_large
        self.checkpoints.durable = self.exporter.durable
        self.exporter.next_checkpoint = lambda: self.checkpoints.number + 1

    def configure(self, configuration: Configuration) -> set[str]:
        """Take up another configuration; paused connectors of changed apps are probed at once."""
        changed = self.plans.take(configuration)
        gates = [gate for (app_id, _), gate in self.plans.gates.items() if app_id in changed]
        self.parking.settings_changed(gates)
        return changed

    def takeover(
        self, partition: Partition, records: Iterable[tuple[str, bytes]], committed: Mapping[str, int]
    ) -> Takeover:
        """Begin to take up the chain records of a partition."""
        return Takeover(self, partition, records, committed, self._decode_chain)
