"""The books of the emulators: every effect that happened, every repeat that was recognised."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

LIMIT = 1_000_000


class Effect(NamedTuple):
    """Something that changed at a vendor."""

    sequence: int
    """Counts effects of all vendors from 1, in the order in which they happened."""
    vendor: str
    kind: str
    """What happened, in the vendor's words: subscription.discount_added."""
    user: str
    """Whom it concerns: the customer, address or distinct id that the vendor was given."""
    key: str
    """The idempotency key, where one was sent."""
    mark: str
    """The caller's own reference inside the request (metadata, external id, $insert_id), where there is one."""
    detail: Mapping[str, Any]
    """Ids and amounts."""
    time: float
    request: int = 0
    """Which request did it, counted over all vendors: one request may do several things."""


class Replay(NamedTuple):
    """A repeat that the vendor recognised: the first answer was given again and nothing happened."""

    vendor: str
    key: str
    """The idempotency key, or the mark by which the vendor tells repeats."""
    user: str
    time: float


class Ledger:
    """Keeps effects and recognised repeats; the oldest go when there are more than `limit`."""

    def __init__(self, clock: Callable[[], float], limit: int = LIMIT) -> None:
        self._clock = clock
        self._effects: deque[Effect] = deque(maxlen=limit)
        self._replays: deque[Replay] = deque(maxlen=limit)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._sequence = 0
        self._request = 0

    def begin(self) -> None:
        """Another request is taken; what is noted from now on is its doing."""
        self._request += 1

    def effect(self, vendor: str, kind: str, user: str = "", *, key: str = "", mark: str = "",
               **detail: Any) -> Effect:
        """Note an effect that has just happened."""
        self._sequence += 1
        self._counts[vendor, kind] += 1
        entry = Effect(self._sequence, vendor, kind, user, key, mark, detail, self._clock(), self._request)
        self._effects.append(entry)
        return entry

    def replay(self, vendor: str, key: str, user: str = "") -> None:
        """Note a repeat that was recognised."""
        self._counts[vendor, "(replayed)"] += 1
        self._replays.append(Replay(vendor, key, user, self._clock()))

    def effects(self, vendor: str = "", kind: str = "", after: int = 0) -> Sequence[Effect]:
        """Effects in order, of one vendor and kind where named, behind the sequence number `after`."""
        return [one for one in self._effects if one.sequence > after
                and vendor in ("", one.vendor) and kind in ("", one.kind)]

    def replays(self, vendor: str = "") -> Sequence[Replay]:
        """Recognised repeats in order."""
        return [one for one in self._replays if vendor in ("", one.vendor)]

    def counts(self, vendor: str = "") -> Mapping[str, int]:
        """How many effects there were by kind, and `(replayed)`; of all vendors where none is named."""
        found: Counter[str] = Counter()
        for (name, kind), number in self._counts.items():
            if vendor in ("", name):
                found[kind] += number
        return dict(found)

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        self._effects.clear()
        self._replays.clear()
        self._counts.clear()
        self._sequence = 0
        self._request = 0


def by_mark(effect: Effect) -> Hashable:
    """What makes two effects the same one done twice: vendor, kind, user and the caller's reference or key.

    An effect with neither reference nor key is told by its details alone.
    """
    tell = effect.mark or effect.key or repr(sorted(effect.detail.items()))
    return effect.vendor, effect.kind, effect.user, tell


def silent_repeats(
    effects: Iterable[Effect], by: Callable[[Effect], Hashable] = by_mark
) -> Sequence[Sequence[Effect]]:
    """Groups of effects of two and more requests that `by` cannot tell apart: things done more than once."""
    groups: dict[Hashable, list[Effect]] = {}
    for one in effects:
        groups.setdefault(by(one), []).append(one)
    return [group for group in groups.values() if len({one.request for one in group}) > 1]
