"""Notices that the process stood still: what was to be sent before may belong to another process by now."""

from __future__ import annotations

from time import perf_counter


class Awake:
    """Whoever drives calls looks in often; a gap between two looks longer than `stall` means that it stood still."""

    __slots__ = ("_seen", "_since", "_stall")

    def __init__(self, stall: float) -> None:
        self._stall = stall
        self._seen = perf_counter()
        self._since = 0.0

    def since(self) -> float:
        """Look in; returns since when (of `perf_counter`) it has been moving without a stop, 0 where it never stood."""
        now = perf_counter()
        if now - self._seen > self._stall:
            self._since = now
        self._seen = now
        return self._since
