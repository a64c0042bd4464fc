"""One gate per app and connector: calls in flight, rate, circuit. Nobody else's trouble passes through it."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

from processor.engine.circuit import Circuit, CircuitPolicy

if TYPE_CHECKING:
    from connectors.kit.connector import Limits
    from processor.engine.chain import Parked
    from processor.engine.flight import Flight
    from processor.engine.shares import Share, Slots
    from processor.engine.shelf import Shelf
    from processor.engine.timers import Timer

UNTROUBLED: Final = 60.0
"""Seconds without a 429 after which a learned rate is forgotten."""
HEARD_AFTER: Final = 0.25
"""Seconds after which a process without a share looks again whether it was heard."""
RAISE_EVERY: Final = 1.0
"""Seconds between two steps back up, however many answers come."""
FAST: Final = 1.5
NEAR: Final = 0.9
SLOW: Final = 0.01
"""A step up: by half, until it is near what was too much the last time; then by a hundredth of the rate."""
STRAY: Final = 20
"""So many good answers make up for one 429: one that comes among many of them is a hiccup of the vendor, no limit."""
MOST_CREDIT: Final = 200
"""Good answers beyond these are not remembered: a limit is believed after ten 429s at the latest."""
SHORTEST: Final = 0.001
LEAST_LEARNED: Final = 2.0
"""A learned rate is at least this, and at least one call a second goes out under it; longer waits are the gate's."""
SHORTEST_LOOK: Final = 0.05
"""Seconds over which answers must be counted to be called a pace."""
MANY: Final = 1_000_000


class Bucket:
    """A token bucket: `rate` a second on the long run, at most one second's worth saved up."""

    __slots__ = (
        "_at", "_most", "_sure", "_tokens", "_too_much", "_turn", "factor", "learned", "rate", "share", "taken",
    )

    def __init__(self, rate: float, *, learned: bool = False, sure: bool = True) -> None:
        self.rate = rate
        self._most = 1.0 if sure else float("inf")
        """Of the factor: a rate that was learned from next to nothing may be far too low."""
        self._sure = sure
        self._too_much = float("inf")
        """The factor at which the vendor said 429 the last time."""
        self.learned = learned
        """Whether the vendor names no rate, and this one was taken from what it bore before a 429."""
        self.share: Share | None = None
        """What of the rate is this process's; None where it is not shared, and the whole may be used."""
        self.taken = 0
        """Tokens taken since it was last asked what this process wants."""
        self._turn = -1
        self.factor = 1.0
        """Share of the rate that the vendor takes at present: down fast on 429, slowly up."""
        self._tokens = max(1.0, rate)
        self._at = 0.0

    @property
    def _rate(self) -> float:
        return (self.rate if self.share is None else self.share.rate) * self.factor

    def _fill(self, now: float) -> None:
        rate = self._rate
        if self._at:
            self._tokens = min(max(1.0, rate), self._tokens + (now - self._at) * rate)
        self._at = now

    def wait(self, now: float) -> float:
        """Take a token (0), or tell how many seconds until there is one."""
        if self.share is not None and self.share.slots is not None:
            return self._wait_for_turn(now, self.share.slots)
        self._fill(now)
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            self.taken += 1
            return 0.0
        rate = self._rate
        # a shorter wait than the clock can tell would be over before it began, again and again
        return max((1.0 - self._tokens) / rate, SHORTEST / 1000) if rate else HEARD_AFTER

    def _wait_for_turn(self, now: float, slots: Slots) -> float:
        """One call in each turn of ours; only in some of them while the vendor takes less."""
        index = slots.turn(now)
        left_out = slots.processes * (math.ceil(1.0 / self.factor) - 1)
        first = slots.next(max(index, self._turn + 1 + left_out))
        if first > index:
            return max(first * slots.length - now, SHORTEST)
        self._turn = index
        self.taken += 1
        return 0.0

    def give_back(self) -> None:
        """A token that was taken is not used."""
        self._tokens += 1.0
        self.taken -= 1

    def give(self, share: Share, now: float) -> None:
        """Another share from now on; nothing that was saved comes with it."""
        self._fill(now)
        self._tokens = min(self._tokens, 1.0 if share.rate else 0.0)
        self.share = share

    def throttled(self) -> None:
        """The vendor said 429: halve, never below a twentieth."""
        self._too_much, self._sure = (self.factor if self._sure else float("inf")), True
        self.factor = max(1.0 / self.rate if self.learned else 0.0, 0.05, self.factor / 2)
        self._tokens = min(self._tokens, 0.0)

    def passed(self) -> None:
        """Answers that were no 429: up again, fast at first, slowly near what was too much."""
        near = self._too_much * NEAR
        factor = min(near, self.factor * FAST) if self.factor < near else self.factor + SLOW
        self.factor = min(self._most, factor)


class Gate:
    """What calls of one app to one connector share, over all versions of the configuration."""

    __slots__ = (
        "_borne", "_credit", "_raised_at", "app_id", "bucket", "busy", "circuit", "concurrency", "connector_id",
        "crowded_since", "draining", "parked", "paused_since", "probe_timer", "queue", "rate_timer", "replays",
        "settings_failure", "shelved", "shelves", "stray", "throttled_at", "throttled_until", "throttles",
    )

    def __init__(self, app_id: str, connector_id: str, limits: Limits, policy: CircuitPolicy) -> None:
        self.app_id = app_id
        self.connector_id = connector_id
        self.circuit = Circuit(policy)
        self.busy = 0
        self.queue: deque[Flight] = deque()
        """Flights that wait for a free place, oldest first."""
        self.replays: deque[Flight] = deque()
        """Those of replays that have not begun: live traffic goes before them."""
        self.paused_since = 0.0
        """Since when its settings are refused; 0 where they are not."""
        self.settings_failure = ""
        self.throttled_until = 0.0
        self.throttled_at = 0.0
        """When the last 429 came that told something new."""
        self.throttles = 0
        """429s in a row, across all calls; those of calls that were out together count once."""
        self._raised_at = 0.0
        self._credit = 0
        """Good answers that have not made up for a 429 yet."""
        self.stray = False
        """Whether the last 429 concerns its own call only."""
        self._borne = (0.0, 0, 0)
        """A second, answers that were no 429 in it, and in the one before."""
        self.rate_timer = False
        self.parked: deque[Parked] = deque()
        """Chains that wait for the vendor to be back or for other settings, oldest first."""
        self.shelves: dict[Shelf, None] = {}
        """Where more of them lie that memory does not keep."""
        self.shelved = 0
        """How many these are."""
        self.probe_timer: Timer | None = None
        self.draining = False
        self.crowded_since = 0.0
        """Since when more is out or waits than the vendor should have of all that may be in flight; 0 where not."""
        self.concurrency = 1
        self.bucket: Bucket | None = None
        self.limit(limits)

    @property
    def queued(self) -> int:
        """Flights that wait for a free place."""
        return len(self.queue) + len(self.replays)

    def enqueue(self, flight: Flight) -> None:
        """Let it wait for a free place, behind its like."""
        (self.replays if flight.run and not flight.sent_at else self.queue).append(flight)

    @property
    def waiting(self) -> int:
        """Chains that are parked until the vendor is back, in memory and on disk."""
        return len(self.parked) + self.shelved

    def limit(self, limits: Limits) -> None:
        """Take up other limits; what is in flight goes on."""
        self.concurrency = limits.concurrency or MANY
        if not limits.rate:
            self.bucket = self.bucket if self.bucket is not None and self.bucket.learned else None
        elif self.bucket is None or self.bucket.learned or self.bucket.rate != limits.rate:
            self.bucket = Bucket(limits.rate)

    def wait(self, now: float) -> float:
        """Take a place and a token (0); else seconds to wait, infinite while all places are taken."""
        if self.busy >= self.concurrency:
            return float("inf")
        if now < self.throttled_until:
            return self.throttled_until - now
        if self.bucket is not None:
            seconds = self.bucket.wait(now)
            if seconds:
                return seconds
        self.busy += 1
        return 0.0

    def give_back(self) -> None:
        """Nothing was sent on the place and the token that were taken."""
        self.busy -= 1
        if self.bucket is not None:
            self.bucket.give_back()

    def answered(self, now: float) -> None:
        """An answer that was no 429 came: the row of them is over, and the rate goes up again."""
        self.throttles = 0
        if self._credit < MOST_CREDIT:
            self._credit += 1
        bucket = self.bucket
        if bucket is not None and now - self._raised_at >= RAISE_EVERY:
            self._raised_at = now
            bucket.passed()
            if bucket.learned and bucket.factor >= 1.0 and now - self.throttled_at > UNTROUBLED:
                self.bucket = None
        second, count, before = self._borne
        if now - second < 1.0:
            self._borne = (second, count + 1, before)
        else:
            self._borne = (now, 1, count if now - second < 2.0 else 0)

    def throttled(self, sent_at: float, now: float) -> bool:
        """A 429 came; whether it tells of a limit, and something new: calls that were out together are told the same.

        One among many good answers, come or, where no limit is known, still to come, tells of none: it is a stray, and
        concerns its own call only.
        """
        self.stray = False
        if sent_at <= self.throttled_at:
            return False
        # refusals come back sooner than answers: those that are out may still make up for this one
        due = 0 if self.bucket is not None else self.busy
        if self._credit + due >= STRAY:
            self._credit -= STRAY
            self.stray = True
            return False
        self._credit = 0
        warned = now - self.throttled_at < UNTROUBLED
        self.throttled_at = now
        self.throttles += 1
        borne = self.borne_of_late(now)
        known = borne >= (STRAY if self._borne[2] else MOST_CREDIT)
        # the first answers ever say too little: then the vendor gets its rest, and only a second time a rate
        if self.bucket is None and (known or self.throttles > 1 or (borne and warned)):
            self.bucket = Bucket(max(LEAST_LEARNED, borne), learned=True, sure=known)
        if self.bucket is not None:
            self.bucket.throttled()
        return True

    def pace(self, now: float) -> float:
        """Calls a second that the vendor answers, also right after it was called first."""
        second, count, before = self._borne
        return self.borne_of_late(now) if before else count / max(now - second, SHORTEST_LOOK)

    def borne_of_late(self, now: float) -> float:
        """Answers a second that the vendor gave, but for such that said 429."""
        second, count, before = self._borne
        return float(max(before, count)) if now - second < 2.0 else 0.0
