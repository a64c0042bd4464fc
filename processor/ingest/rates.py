"""How much each key may send: so many records a second, with some saved up for a burst."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil


class Rates:
    """One bucket a key; a batch larger than what is in it is let through once and paid for afterwards."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, key: str) -> int:
        """Whole seconds until `key` may send again; 0 for now."""
        if self._rate <= 0:
            return 0
        level = self._level(key)
        return 0 if level >= 1 else max(1, ceil((1 - level) / self._rate))

    def took(self, key: str, records: int) -> None:
        """`key` has sent so many."""
        if self._rate > 0:
            self._buckets[key] = self._level(key) - records, self._clock()

    def _level(self, key: str) -> float:
        level, at = self._buckets.get(key, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - at) * self._rate)
