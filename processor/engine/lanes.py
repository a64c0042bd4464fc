"""Order: chains of one user run one after another, in the order of the topic; users side by side."""

from __future__ import annotations

from bisect import insort_right
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from processor.engine.chain import Chain, Parked
    from processor.engine.plan import Step


FEW: Final = 8
"""Parked chains of one user that are looked through; of more, the first one at each connector is known."""


class Lane:
    """One user's chains: the running one, those behind it, those that are parked."""

    __slots__ = ("_rows", "parked", "queue", "running")

    def __init__(self, running: Chain | None) -> None:
        self.running = running
        self.queue: deque[Chain] | None = None
        self.parked: list[Parked] = []
        """By their order."""
        self._rows: _Rows | None = None
        """The same by connector; None while there are few."""

    def blocker(self, chain: Chain, step: Step) -> Parked | Chain | None:
        """The earlier chain, parked or just woken, that has still to call the same connector, if there is one."""
        if chain.seq < 0 or step.overtakes:
            return None
        first = self._first(step.connector_id)
        if first is not None and first.seq < chain.seq:
            return first
        for queued in self.queue or ():
            if queued.seq >= chain.seq:
                break  # those behind came later
            if queued.seq >= 0 and step.connector_id in queued.left:
                return queued
        return None

    def park(self, stub: Parked) -> None:
        """Keep the place of a parked chain."""
        _insert(self.parked, stub)
        if self._rows is not None:
            self._rows.add(stub)
        elif len(self.parked) > FEW:
            self._rows = _Rows(self.parked)

    def unpark(self, stub: Parked) -> None:
        """Give up the place of a parked chain."""
        self.parked.remove(stub)
        if len(self.parked) <= FEW // 2:
            self._rows = None
        elif self._rows is not None:
            self._rows.remove(stub)

    def keep(self, parked: list[Parked]) -> None:
        """Keep the places of these alone, which are in order."""
        self.parked = parked
        self._rows = _Rows(parked) if len(parked) > FEW else None

    def next_in_order(self) -> list[Parked]:
        """Those that wait for their order alone, and have nobody before them any more."""
        found = self.parked if self._rows is None else self._rows.in_front()
        return [one for one in found if one.waiting_for == "order" and self._is_first(one)]

    def _is_first(self, stub: Parked) -> bool:
        """Whether no earlier parked chain has still to call what `stub` calls next."""
        first = self._first(stub.next)
        return first is None or first.seq >= stub.seq

    def _first(self, connector: str) -> Parked | None:
        """The earliest parked chain, replays apart, that has still to call a connector."""
        if self._rows is not None:
            return self._rows.first(connector)
        for parked in self.parked:
            if parked.seq >= 0 and connector in parked.connectors:
                return parked
        return None


class _Rows:
    """Many parked chains of one user by the connectors that they have still to call, each row by their order."""

    __slots__ = ("_astray", "_rows")

    def __init__(self, parked: list[Parked]) -> None:
        self._rows: dict[str, list[Parked]] = {}
        self._astray: list[Parked] = []
        """Those that wait for their order and will head no row that tells when it is theirs."""
        for stub in parked:
            self.add(stub)

    def add(self, stub: Parked) -> None:
        """One more."""
        if stub.waiting_for == "order" and (stub.next not in stub.connectors or stub.seq < 0):
            self._astray.append(stub)
        for connector in stub.connectors if stub.seq >= 0 else ():
            _insert(self._rows.setdefault(connector, []), stub)

    def remove(self, stub: Parked) -> None:
        """One less."""
        if stub in self._astray:
            self._astray.remove(stub)
        for connector in stub.connectors if stub.seq >= 0 else ():
            row = self._rows[connector]
            row.remove(stub)
            if not row:
                del self._rows[connector]

    def first(self, connector: str) -> Parked | None:
        """The earliest that has still to call a connector."""
        row = self._rows.get(connector)
        return row[0] if row else None

    def in_front(self) -> list[Parked]:
        """All that may have nobody before them, by their order."""
        return sorted({*(row[0] for row in self._rows.values()), *self._astray}, key=_seq)


def _insert(row: list[Parked], stub: Parked) -> None:
    """Add to what stands by its order; nearly always it comes last."""
    if row and row[-1].seq > stub.seq:
        insort_right(row, stub, key=_seq)
    else:
        row.append(stub)


def _seq(stub: Parked) -> int:
    return stub.seq


class Lanes:
    """The lanes of one partition."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    def enter(self, chain: Chain) -> bool:
        """Take a place; True where it is the chain's turn at once."""
        lane = self._lanes.get(chain.user)
        if lane is None:
            self._lanes[chain.user] = Lane(chain)
            return True
        if lane.running is None:
            lane.running = chain
            return True
        if lane.queue is None:
            lane.queue = deque()
        lane.queue.append(chain)
        return False

    def enter_first(self, chain: Chain) -> bool:
        """Take the place before all that wait (a woken chain); True where it is its turn at once."""
        lane = self._lanes.setdefault(chain.user, Lane(None))
        if lane.running is None:
            lane.running = chain
            return True
        if lane.queue is None:
            lane.queue = deque()
        place = next((i for i, one in enumerate(lane.queue) if one.seq > chain.seq), len(lane.queue))
        lane.queue.insert(place, chain)
        return False

    def lane(self, user: str) -> Lane | None:
        """The lane of a user who has open chains."""
        return self._lanes.get(user)

    def leave(self, chain: Chain) -> Chain | None:
        """The running chain ends or parks; returns the one whose turn it is now."""
        lane = self._lanes[chain.user]
        lane.running = None
        if lane.queue:
            lane.running = lane.queue.popleft()
            return lane.running
        if not lane.parked:
            del self._lanes[chain.user]
        return None

    def park(self, *parked: Parked) -> None:
        """Keep the places of parked chains of one user."""
        user = parked[0].user
        lane = self._lanes.get(user)
        if lane is None:
            lane = self._lanes[user] = Lane(None)
        for stub in parked:
            lane.park(stub)

    def shelve(self, user: str) -> list[Parked] | None:
        """Give up the places of the user's chains that lie on the shelf; None while any of his chains may move."""
        lane = self._lanes.get(user)
        if lane is None:
            return []
        parked = lane.parked
        if lane.running is not None or lane.queue or any(one.pinned for one in parked):
            return None
        lane.keep([one for one in parked if not one.filed])
        if not lane.parked:
            del self._lanes[user]
        return [one for one in parked if one.filed]

    def unpark(self, parked: Parked) -> None:
        """Give up the place of a parked chain that runs again."""
        lane = self._lanes[parked.user]
        lane.unpark(parked)
        if not lane.parked and lane.running is None and not lane.queue:
            del self._lanes[parked.user]
