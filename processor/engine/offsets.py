"""Which offset may be committed: the one below which everything is finished."""

from __future__ import annotations

from collections import deque
from typing import Final

CHAIN: Final = 0
EXPORTS: Final = 1
"""The two parts of an interaction that end each by itself."""


def place(offset: int, part: int = CHAIN) -> int:
    """Where one part of the message at `offset` stands in a tracker."""
    return offset << 1 | part


class OffsetTracker:
    """Places of one partition, begun in order and finished in any order; an offset has one or two of them."""

    __slots__ = ("_done", "_next", "_open")

    def __init__(self, start: int) -> None:
        self._open: deque[int] = deque()
        self._done: set[int] = set()
        self._next = start

    def begin(self, place: int) -> None:
        """Note that a part of a message is in hand; places only grow (gaps are compaction or markers)."""
        self._open.append(place)
        self._next = (place >> 1) + 1

    def finish(self, place: int) -> None:
        """Note that this part of the message needs nothing more."""
        still_open, done = self._open, self._done
        if still_open[0] != place:
            done.add(place)
            return
        still_open.popleft()
        while still_open and still_open[0] in done:
            done.remove(still_open.popleft())

    @property
    def committable(self) -> int:
        """The offset to commit: of the first message that is not finished, or behind the last one."""
        return self._open[0] >> 1 if self._open else self._next

    def skip(self, offset: int) -> None:
        """Note that the message at `offset` needs nothing at all."""
        if offset >= self._next:
            self._next = offset + 1

    @property
    def next(self) -> int:
        """The offset behind the last message in hand."""
        return self._next

    @property
    def unfinished(self) -> int:
        """Parts in hand that are not finished."""
        return len(self._open) - len(self._done)
