"""When to try again: exponential, full jitter, the vendor's own wish obeyed but clamped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits on attempts and on time; a call is given up only when both are used up."""

    base: float = 0.5
    cap: float = 60.0
    max_attempts: int = 8
    max_time: float = 3600.0
    """Seconds since the first failure."""
    retry_after_cap: float = 300.0

    def exhausted(self, attempts: int, since_first: float) -> bool:
        """Whether `attempts` failed tries over `since_first` seconds are enough."""
        return attempts >= self.max_attempts and since_first >= self.max_time

    def delay(self, attempts: int, chance: float, retry_after: float | None = None) -> float:
        """Seconds until the next try after `attempts` failed ones.

        `chance` in [0, 1) draws from the whole span (full jitter). A `retry_after` is a lower bound,
        itself at most `retry_after_cap`, so that a hostile header cannot park an event for a year.
        """
        span = min(self.cap, self.base * 2.0 ** min(attempts - 1, 40))
        planned = span * chance
        if retry_after is None:
            return planned
        return max(planned, min(retry_after, self.retry_after_cap)) + min(span, self.base) * chance
