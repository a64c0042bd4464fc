"""Shares of a vendor's rate limit: every process computes the same ones from what all of them said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from processor.model.demand import Demand, Want

if TYPE_CHECKING:
    from processor.engine.gate import Bucket, Gate

FLOOR: Final = 0.25
"""Share of an even part that each process has whatever the others want, so that it can begin at once."""
STALE: Final = 10.0
"""Seconds of silence after which a process no longer counts."""
SAY_EVERY: Final = 1.0
LINGER: Final = 10.0
"""Seconds for which a process that stopped calling keeps its place."""
RISE_AFTER: Final = 1.0
"""Seconds for which a larger share must stand before it is used: by then the others know of their smaller ones."""
Key = tuple[str, str]
"""App and connector."""


class Slots(NamedTuple):
    """Turns of one call each, where the limit is smaller than the number of processes."""

    length: float
    """Seconds."""
    rank: int
    """Place of the process among them."""
    processes: int
    holders: int
    """How many have the turn at once."""

    def holds(self, index: int) -> bool:
        """Whether the process has the turn with this number."""
        return (self.rank - index * self.holders) % self.processes < self.holders

    def turn(self, now: float) -> int:
        """The number of the turn at a time."""
        return int(now // self.length)

    def next(self, index: int) -> int:
        """The first turn of the process from this one on."""
        while not self.holds(index):
            index += 1
        return index


class Share(NamedTuple):
    """What one process may send."""

    rate: float
    """Calls a second, over all of its turns where there are slots; 0 while it has to be heard first."""
    slots: Slots | None = None


def shares(limit: float, wants: Mapping[str, float]) -> dict[str, Share]:
    """Shares of processes that want so many calls a second; together never more than the limit.

    Each gets a floor; what is left goes to those who want more, in equal parts up to what they want; what is left
    even then is spread, so that a sudden rise need not wait.
    """
    count = len(wants)
    if count > max(1.0, limit):
        return _in_turns(limit, sorted(wants))
    if not count:
        return {}
    floor = limit * FLOOR / count
    given = dict.fromkeys(wants, floor)
    left = _fill(given, wants, limit - floor * count)
    return {name: Share(rate + left / count) for name, rate in given.items()}


def _fill(given: dict[str, float], wants: Mapping[str, float], left: float) -> float:
    """Raise everybody to what he wants, the smallest wishes first, while there is something; returns the rest."""
    waiting = sorted(given, key=lambda name: (wants[name] - given[name], name))
    while waiting:
        name = waiting[0]
        step = min(max(0.0, wants[name] - given[name]), left / len(waiting))
        given[name] += step
        left -= step
        waiting.pop(0)
    return max(0.0, left)


def _in_turns(limit: float, names: list[str]) -> dict[str, Share]:
    length = max(1.0, 1.0 / limit)
    holders = max(1, int(limit * length))
    return {name: Share(limit / len(names), Slots(length, rank, len(names), holders))
            for rank, name in enumerate(names)}


class Heard:
    """The last word of every process, as the demand topic has it; the same words give everybody the same picture."""

    def __init__(self, stale: float = STALE) -> None:
        self._stale = stale
        self._last: dict[str, tuple[float, Mapping[Key, float]]] = {}
        self._newest = 0.0

    def take(self, demand: Demand, at: float) -> None:
        """A word with its broker time in seconds: the topic's own clock, which nobody's silence can stop for others."""
        self._newest = max(self._newest, at)
        self._last[demand.process] = (at, {(one.app_id, one.connector): one.calls for one in demand.wants})
        self._last = {name: said for name, said in self._last.items() if self._newest - said[0] <= self._stale}

    def wants(self, key: Key) -> dict[str, float]:
        """Who wants to call, and how often a second."""
        return {name: said[key] for name, (_, said) in self._last.items() if said.get(key, 0.0) > 0.0}


def share_of(process: str, limit: float, wants: Mapping[str, float]) -> Share:
    """The share of one process; one that was not heard yet has the floor of a newcomer, if the limit allows."""
    if process in wants:
        return shares(limit, wants)[process]
    count = len(wants) + 1
    return Share(0.0 if count > max(1.0, limit) else limit * FLOOR / count)


class Sharing:
    """Keeps the gates of one process to its shares, and says what it wants."""

    def __init__(
        self, process: str, gates: Mapping[Key, Gate], look_again: Callable[[Gate], None]
    ) -> None:
        self.process = process
        self.heard = Heard()
        self._gates = gates
        self._look_again = look_again
        """Called with a gate whose share is another one."""
        self._rising: dict[Key, tuple[float, Share]] = {}
        self._used: dict[Key, float] = {}
        """When a gate was last in demand."""
        self._said_at = 0.0
        self._said: frozenset[Key] = frozenset()

    def turn(self, now: float) -> Demand | None:
        """Apply what was heard; returns what is to be said now, if anything."""
        for key, gate in self._gates.items():
            if gate.bucket is not None and not gate.bucket.learned:
                self._apply(key, gate, gate.bucket, now)
        return self._word(now)

    def _apply(self, key: Key, gate: Gate, bucket: Bucket, now: float) -> None:
        wanted = share_of(self.process, bucket.rate, self.heard.wants(key))
        if wanted == bucket.share:
            self._rising.pop(key, None)
            return
        if bucket.share is not None and wanted.rate > bucket.share.rate and wanted.slots is None:
            since, least = self._rising.get(key, (now, wanted))
            least = min(least, wanted)
            self._rising[key] = (since, least)
            if now - since < RISE_AFTER:
                return
            wanted = least
        self._rising.pop(key, None)
        bucket.give(wanted, now)
        self._look_again(gate)

    def _word(self, now: float) -> Demand | None:
        for key, gate in self._limited():
            if gate.queued or gate.bucket.taken:  # type: ignore[union-attr]
                self._used[key] = now
        self._used = {key: at for key, at in self._used.items() if now - at < LINGER and key in self._gates}
        fresh = not self._used.keys() <= self._said
        if not fresh and (now - self._said_at < SAY_EVERY or not (self._used or self._said)):
            return None
        wants = tuple(self._want(key, self._gates[key], now) for key in sorted(self._used))
        self._said_at, self._said = now, frozenset(self._used)
        return Demand(self.process, int(now * 1000), wants)

    def _limited(self) -> Iterator[tuple[Key, Gate]]:
        return ((key, gate) for key, gate in self._gates.items()
                if gate.bucket is not None and not gate.bucket.learned)

    def _want(self, key: Key, gate: Gate, now: float) -> Want:
        bucket = gate.bucket
        if bucket is None:
            return Want(*key, 0.0)
        taken, bucket.taken = bucket.taken, 0
        calls = taken / max(now - self._said_at, 0.25) + gate.queued / SAY_EVERY
        # a place that lingers wants little, but not nothing: nothing would mean that it is gone
        return Want(*key, min(bucket.rate, max(calls, bucket.rate / 100)))
