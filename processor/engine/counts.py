"""What the engine counts, in its own words; each is one or two dictionary additions."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from processor.metrics import status_class

if TYPE_CHECKING:
    from processor.metrics import Histogram, Metrics

_CLASSES: Final = {status: status_class(status) for status in range(100, 600)} | {0: "none"}
_ALL: Final = ()
"""The labels of what has none."""


class Counts:
    """The engine's side of the metrics; what is counted for each event goes straight to the rows."""

    __slots__ = ("_ages", "_calls", "_consumed", "_durations", "_finished", "_outcomes", "_waits", "metrics")

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._calls = metrics.calls.rows
        self._consumed = metrics.events_consumed.rows
        self._finished = metrics.events_finished.rows
        self._outcomes = metrics.outcomes.rows
        self._waits = metrics.waits.rows
        self._durations = metrics.call_duration_seconds
        self._ages = metrics.event_age_seconds

    def call(self, connector: str, status: int, seconds: float) -> None:
        """A call ended; status 0 where no answer came."""
        self._calls[connector, _CLASSES.get(status, "other")] += 1
        _observe(self._durations, (connector,), seconds)

    def outcome(self, connector: str, action: str, outcome: str, reason: str) -> None:
        """A binding ended."""
        self._outcomes[connector, action, outcome, reason] += 1

    def finished(self, age: float) -> None:
        """An event ended, `age` seconds after it happened."""
        self._finished[_ALL] += 1
        _observe(self._ages, _ALL, age)

    def consumed(self, topic: str, count: int = 1) -> None:
        """Messages were read."""
        self._consumed[topic,] += count

    def wait(self, connector: str, cause: str) -> None:
        """A chain waits: for a limit, a circuit, settings, attributes, order, a retry."""
        self._waits[connector, cause] += 1

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


def _observe(histogram: Histogram, labels: tuple[str, ...], value: float) -> None:
    """As the histogram's own `observe`, without the call into what is not compiled."""
    row = histogram.rows.get(labels) or histogram.row(labels)
    row[bisect_left(histogram.buckets, value)] += 1
    row[-1] += value
