"""What is to be done at a later time, in order of its time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class Timer:
    """One thing to be done; `cancel` makes it do nothing."""

    __slots__ = ("arg", "due", "run")

    def __init__(self, due: float, run: Callable[[Any], None], arg: Any) -> None:
        self.due = due
        self.run: Callable[[Any], None] | None = run
        self.arg = arg

    def cancel(self) -> None:
        """Forget it."""
        self.run = None
        self.arg = None


class Timers:
    """A heap of timers on a clock that the caller turns (seconds)."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()

    def at(self, due: float, run: Callable[[Any], None], arg: Any = None) -> Timer:
        """Have `run(arg)` called once `due` has come."""
        timer = Timer(due, run, arg)
        heapq.heappush(self._heap, (due, next(self._order), timer))
        return timer

    def next_due(self) -> float:
        """When the next timer is due; infinity where there is none."""
        heap = self._heap
        while heap and heap[0][2].run is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else float("inf")

    def fire(self, now: float) -> int:
        """Run what is due at `now`; returns how many ran."""
        heap, fired = self._heap, 0
        while heap and heap[0][0] <= now:
            timer = heapq.heappop(heap)[2]
            if timer.run is not None:
                run, arg = timer.run, timer.arg
                timer.cancel()
                run(arg)
                fired += 1
        return fired
