"""Pick lists of vendors, kept for some minutes: plans, coupons, agents; a vendor that is down holds nobody up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

from connectors.kit.connector import Option

FRESH = 300.0
"""Seconds for which a list is kept ..."""
REFUSED = 20.0
"""... and that the vendor did not tell it."""
MOST = 500
"""Lists that are kept; the oldest go first."""
Key = tuple[str, str, str, str]
"""App, connector, digest of its settings, name of the list."""


class Picked(NamedTuple):
    """What there is to pick."""

    options: Sequence[Option] = ()
    why: str = ""
    """Why nothing can be told; "" where it was."""
    more: int = 0
    """Entries that are left out."""


class Picks:
    """In memory; each list is asked for by one visitor at a time, the others wait for the same answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Key, tuple[float, Picked]] = {}
        self._asking: dict[Key, Lock] = {}
        self._lock = Lock()

    def of(self, key: Key, ask: Callable[[], Picked]) -> Picked:
        """A list, of the vendor or as it was told a little ago."""
        with self._lock:
            asking = self._asking.setdefault(key, Lock())
        with asking:
            kept = self._kept.get(key)
            if kept is None or self._clock() >= kept[0]:
                found = ask()
                kept = (self._clock() + (REFUSED if found.why else FRESH), found)
                self._keep(key, kept)
        return kept[1]

    def _keep(self, key: Key, kept: tuple[float, Picked]) -> None:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = kept
            while len(self._kept) > MOST:
                oldest = next(iter(self._kept))
                del self._kept[oldest]
                self._asking.pop(oldest, None)
