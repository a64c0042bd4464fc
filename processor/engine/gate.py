"""One gate per app and connector: calls in flight, rate, circuit. Nobody else's trouble passes through it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from processor.engine.circuit import Circuit, CircuitPolicy

if TYPE_CHECKING:
    from connectors.kit.connector import Limits
    from processor.engine.chain import Parked
    from processor.engine.flight import Flight
    from processor.engine.timers import Timer


class Bucket:
    """A token bucket: `rate` a second on the long run, at most one second's worth saved up."""

    __slots__ = ("_at", "_tokens", "factor", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.factor = 1.0
        """Share of the rate that the vendor takes at present: down fast on 429, slowly up."""
        self._tokens = max(1.0, rate)
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Take a token (0), or tell how many seconds until there is one."""
        rate = self.rate * self.factor
        if self._at:
            self._tokens = min(max(1.0, rate), self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / rate

    def throttled(self) -> None:
        """The vendor said 429: halve, never below a twentieth."""
        self.factor = max(0.05, self.factor / 2)
        self._tokens = min(self._tokens, 0.0)

    def passed(self) -> None:
        """An answer that was no 429: creep back to the full rate."""
        if self.factor < 1.0:
            self.factor = min(1.0, self.factor + 0.01)


class Gate:
    """What calls of one app to one connector share, over all versions of the configuration."""

    __slots__ = (
        "app_id", "bucket", "busy", "circuit", "concurrency", "connector_id", "draining", "parked", "paused_since",
        "probe_timer", "queue", "rate_timer", "settings_failure", "throttled_until", "throttles",
    )

    def __init__(self, app_id: str, connector_id: str, limits: Limits, policy: CircuitPolicy) -> None:
        self.app_id = app_id
        self.connector_id = connector_id
        self.circuit = Circuit(policy)
        self.busy = 0
        self.queue: deque[Flight] = deque()
        """Flights that wait for a free place, oldest first."""
        self.paused_since = 0.0
        """Since when its settings are refused; 0 where they are not."""
        self.settings_failure = ""
        self.throttled_until = 0.0
        self.throttles = 0
        """429s in a row, across all calls."""
        self.rate_timer = False
        self.parked: deque[Parked] = deque()
        """Chains that wait for the vendor to be back or for other settings, oldest first."""
        self.probe_timer: Timer | None = None
        self.draining = False
        self.concurrency = 1
        self.bucket: Bucket | None = None
        self.limit(limits)

    def limit(self, limits: Limits) -> None:
        """Take up other limits; what is in flight goes on."""
        self.concurrency = limits.concurrency or 1_000_000
        if not limits.rate:
            self.bucket = None
        elif self.bucket is None or self.bucket.rate != limits.rate:
            self.bucket = Bucket(limits.rate)

    def wait(self, now: float) -> float:
        """Take a place and a token (0); else seconds to wait, infinite while all places are taken."""
        if self.busy >= self.concurrency:
            return float("inf")
        if now < self.throttled_until:
            return self.throttled_until - now
        if self.bucket is not None:
            seconds = self.bucket.wait(now)
            if seconds:
                return seconds
        self.busy += 1
        return 0.0
