"""The loop's clock: the time of day, without its jumps."""

from __future__ import annotations

import time
from collections.abc import Callable

LARGEST_STEP = 0.005
"""Seconds by which one correction may move it."""


class SteadyClock:
    """Seconds since 1970 that never run backwards and never jump.

    It follows the monotonic clock from a start on the wall clock, and is drawn towards the wall clock
    by small steps, so that a clock set by hand, or stepped by NTP, neither fires nor stalls timers.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._base = wall() - monotonic()

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._base + self._monotonic()

    def correct(self) -> None:
        """Move a little towards the wall clock; called now and then."""
        off = self._wall() - self()
        if off > 0:
            self._base += min(LARGEST_STEP, off)
        else:
            self._base += max(-LARGEST_STEP / 2, off)
