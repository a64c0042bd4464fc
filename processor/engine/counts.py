"""What the engine counts, in its own words; each is one or two dictionary additions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.metrics import status_class

if TYPE_CHECKING:
    from processor.metrics import Metrics

_CLASSES = {status: status_class(status) for status in range(100, 600)} | {0: "none"}


class Counts:
    """The engine's side of the metrics."""

    __slots__ = ("_calls", "_durations", "_finished", "_outcomes", "metrics")

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._calls = metrics.calls.add
        self._durations = metrics.call_duration_seconds.observe
        self._outcomes = metrics.outcomes.add
        self._finished = metrics.event_age_seconds.observe

    def call(self, connector: str, status: int, seconds: float) -> None:
        """A call ended; status 0 where no answer came."""
        self._calls(connector, _CLASSES.get(status, "other"))
        self._durations(seconds, connector)

    def outcome(self, connector: str, action: str, outcome: str, reason: str) -> None:
        """A binding ended."""
        self._outcomes(connector, action, outcome, reason)

    def finished(self, age: float) -> None:
        """An event ended, `age` seconds after it happened."""
        self.metrics.events_finished.add()
        self._finished(age)

    def consumed(self, topic: str, count: int = 1) -> None:
        """Messages were read."""
        self.metrics.events_consumed.add(topic, by=count)

    def wait(self, connector: str, cause: str) -> None:
        """A chain waits: for a limit, a circuit, settings, attributes, order, a retry."""
        self.metrics.waits.add(connector, cause)

    def retry(self, connector: str, code: str) -> None:
        """A call is made again; statuses and phases are few, vendors' own codes are not, so those share a label."""
        known = code.startswith(("http_", "no_", "timeout_", "token_"))
        self.metrics.retries.add(connector, code if known else "vendor_code")

    def dead_letter(self, connector: str, reason: str) -> None:
        """A dead letter was written."""
        self.metrics.dead_letters.add(connector, reason)

    def undecodable(self, code: str) -> None:
        """A message could not be read."""
        self.metrics.undecodable.add(code)

    def misplaced(self, topic: str) -> None:
        """A message was forwarded to its own partition."""
        self.metrics.misplaced.add(topic)

    def duplicate(self) -> None:
        """An event came again and was not run again."""
        self.metrics.duplicates.add()

    def checkpoint(self, result: str, seconds: float, records: int) -> None:
        """A checkpoint ended."""
        self.metrics.checkpoints.add(result)
        self.metrics.checkpoint_duration_seconds.observe(seconds)
        self.metrics.checkpoint_records.set(records)
