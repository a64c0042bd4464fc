"""How often signing in may be tried: per account and per address, within a window."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

WINDOW = 900.0
PER_ACCOUNT = 8
PER_ADDRESS = 40
MOST = 10_000
"""Names that are remembered; the oldest are forgotten first."""


class Attempts:
    """Failed attempts of the last quarter of an hour, in memory."""

    def __init__(self, clock: Callable[[], float], account: int = PER_ACCOUNT, address: int = PER_ADDRESS) -> None:
        self._clock = clock
        self._limits = {"account": account, "address": address}
        self._failed: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, account: str, address: str) -> float:
        """Count an attempt; seconds to wait before the next one is taken, 0 where this one is."""
        now = self._clock()
        with self._lock:
            names = (("account", account), ("address", address))
            wait = max(self._wait(one, now) for one in names)
            if not wait:
                for one in names:
                    self._note(one, now)
            return wait

    def succeeded(self, account: str, address: str) -> None:
        """The account's own failures no longer count; the address's earlier ones do."""
        with self._lock:
            self._failed.pop(("account", account), None)
            times = self._failed.get(("address", address))
            if times:
                times.pop()

    def _wait(self, name: tuple[str, str], now: float) -> float:
        times = self._failed.get(name)
        while times and now - times[0] > WINDOW:
            times.popleft()
        if not times or len(times) < self._limits[name[0]]:
            return 0.0
        return max(times[0] + WINDOW - now, 1.0)

    def _note(self, name: tuple[str, str], now: float) -> None:
        self._failed.setdefault(name, deque()).append(now)
        self._failed.move_to_end(name)
        while len(self._failed) > MOST:
            self._failed.popitem(last=False)
