"""A circuit: stops calls to a vendor that is down, at no attempt's cost, and probes until it is back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a circuit opens and how it probes."""

    window: float = 30.0
    """Seconds over which answers are counted, in two halves."""
    minimum: int = 20
    """Fewer answers than this say nothing."""
    share: float = 0.5
    """Share of failures at which it opens."""
    pause: float = 5.0
    """Seconds until the first probe; doubles with each failed one."""
    longest_pause: float = 60.0


class Circuit:
    """Closed, open until a time, or half open (one probe under way)."""

    __slots__ = ("_failed", "_half_start", "_last", "_ok", "_pause", "_policy", "opened_at", "probing", "reopens_at")

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._ok = self._failed = 0
        self._last = (0, 0)
        self._half_start = 0.0
        self._pause = policy.pause
        self.reopens_at = 0.0
        """When the next probe may go; 0 while closed."""
        self.opened_at = 0.0
        self.probing = False

    @property
    def closed(self) -> bool:
        """Whether calls go out freely."""
        return self.reopens_at == 0.0

    def admits(self, now: float) -> bool:
        """Whether one call may go out at `now`; while open, the first after the pause is the probe."""
        if self.reopens_at == 0.0:
            return True
        if self.probing or now < self.reopens_at:
            return False
        self.probing = True
        return True

    def succeeded(self, now: float) -> bool:
        """Note an answer; True where this closes the circuit."""
        if self.reopens_at == 0.0:
            self._ok += 1
            return False
        self.reopens_at = self.opened_at = 0.0
        self.probing = False
        self._pause = self._policy.pause
        self._ok = self._failed = 0
        self._last = (0, 0)
        self._half_start = now
        return True

    def failed(self, now: float) -> bool:
        """Note that the vendor was not there; True where this opens the circuit."""
        if self.reopens_at:
            if self.probing:  # others were sent before it opened and say nothing new
                self._pause = min(self._pause * 2, self._policy.longest_pause)
                self.reopens_at = now + self._pause
                self.probing = False
            return False
        self._turn(now)
        self._failed += 1
        ok, failed = self._ok + self._last[0], self._failed + self._last[1]
        if ok + failed < self._policy.minimum or failed < self._policy.share * (ok + failed):
            return False
        return self.open(now)

    def open(self, now: float, pause: float | None = None) -> bool:
        """Open at once, whatever the counts say; always True."""
        self.opened_at = self.opened_at or now
        self.reopens_at = now + (self._pause if pause is None else pause)
        self.probing = False
        return True

    def _turn(self, now: float) -> None:
        half = self._policy.window / 2
        if now - self._half_start >= half:
            stale = now - self._half_start >= self._policy.window
            self._last = (0, 0) if stale else (self._ok, self._failed)
            self._ok = self._failed = 0
            self._half_start = now
