"""Reach: which events of a partition may have been begun, told durably before they are.

After a crash, the events above the committed offset come again, and nothing tells which of them had been begun. Where
that is long ago, a vendor may have forgotten the idempotency keys of those that were.
"""

from __future__ import annotations

from typing import Final, NamedTuple

AHEAD: Final = 10_000
"""Offsets beyond the last one read that a promise covers, so that nothing waits for the next promise."""
LEASE: Final = 60_000
"""Milliseconds of broker time that it covers, beyond now."""
ROTATION: Final = 600_000
"""Milliseconds after which another span begins: how exactly is known when an event can have been begun first."""
MOST_SPANS: Final = 6
VERSION: Final = "1"


class Span(NamedTuple):
    """Events below an offset that came to the broker until a time, none of which was begun before another time."""

    below: int
    until: int
    since: int
    """Times in milliseconds since 1970."""


class Promise(NamedTuple):
    """What a checkpoint makes durable: no other event was begun."""

    told: str
    """The metadata of the committed offset."""
    below: int
    until: int


class Reach:
    """The promises of one partition: those of processes before this one, and its own."""

    __slots__ = ("_earlier", "_own", "_wanted", "before_below", "below", "closed", "newest", "until")

    def __init__(self, told: str = "") -> None:
        self._earlier = _spans(told)
        self._own: list[Span] = []
        self._wanted = (0, 0)
        self.before_below = max((one.below for one in self._earlier), default=0)
        """Offsets from here on were surely begun by nobody before."""
        self.below = self.until = 0
        """What is durable: only events below this offset, which came until this time, may be begun."""
        self.newest = 0
        """Broker time of the newest event that was begun."""
        self.closed = False
        """Whether it was told that nothing more will be begun."""

    @property
    def asked(self) -> bool:
        """Whether a further promise is wanted at once: for an event that none covers, or for the first one to come."""
        if self.closed or not self._own:
            return not self.closed
        last, (below, until) = self._own[-1], self._wanted
        return below > last.below or until > last.until

    def ask(self, offset: int, arrived: int) -> None:
        """Have the next promise cover an event, unless the one under way does."""
        self._wanted = (max(self._wanted[0], offset + 1), max(self._wanted[1], arrived))

    def begun_since(self, offset: int, arrived: int) -> int:
        """Since when a process before this one may have begun an event; 0 where none can have."""
        for span in self._earlier:
            if offset < span.below and arrived <= span.until:
                return max(arrived, span.since)
        return 0

    def promise(self, following: int, committable: int, now: int, *, leaving: bool) -> Promise:
        """The next promise; `following` is the offset behind the last event that was begun."""
        if leaving:
            self._close(following)
        else:
            self._extend(following, now)
        self._own = _fewer([one for one in self._own[:-1] if one.below > committable] + self._own[-1:])
        spans = _fewer([one for one in (*self._earlier, *self._own) if one.below > committable])
        last = self._own[-1] if self._own else Span(0, 0, 0)
        return Promise(_told(spans), last.below, last.until)

    def _extend(self, following: int, now: int) -> None:
        below, until = max(following, self._wanted[0]) + AHEAD, max(now, self._wanted[1]) + LEASE
        if self._own and now - self._own[-1].since < ROTATION:
            last = self._own.pop()
            self._own.append(Span(max(below, last.below), max(until, last.until), last.since))
        else:
            self._own.append(Span(below, until, now))

    def _close(self, following: int) -> None:
        """Nothing more is begun: what was promised and not begun is free again."""
        self.closed = True
        self._own = [one._replace(below=min(one.below, following)) for one in self._own]

    def keep(self, promise: Promise) -> None:
        """A promise became durable."""
        self.below, self.until = promise.below, promise.until


def _fewer(spans: list[Span]) -> list[Span]:
    """At most so many as are told: the oldest become one, which covers what they did and begins where they did."""
    while len(spans) > MOST_SPANS:
        first, second, *rest = spans
        spans = [Span(max(first.below, second.below), max(first.until, second.until), first.since), *rest]
    return spans


def _told(spans: list[Span]) -> str:
    return ";".join([VERSION, *(",".join(map(str, one)) for one in spans)])


def _spans(told: str) -> tuple[Span, ...]:
    """What an offset's metadata tells; nothing where somebody else committed it."""
    version, *parts = told.split(";")
    if version != VERSION:
        return ()
    try:
        return tuple(Span(*map(int, one.split(","))) for one in parts)
    except (ValueError, TypeError):
        return ()
