"""Order: chains of one user run one after another, in the order of the topic; users side by side."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processor.engine.chain import Chain, Parked
    from processor.engine.plan import Step


class Lane:
    """One user's chains: the running one, those behind it, those that are parked."""

    __slots__ = ("parked", "queue", "running")

    def __init__(self, running: Chain | None) -> None:
        self.running = running
        self.queue: deque[Chain] | None = None
        self.parked: list[Parked] | None = None

    def blocker(self, chain: Chain, step: Step) -> Parked | Chain | None:
        """The earlier chain, parked or just woken, that has still to call the same connector, if there is one."""
        if chain.seq < 0 or step.overtakes:
            return None
        for parked in self.parked or ():
            if 0 <= parked.seq < chain.seq and step.connector_id in parked.connectors:
                return parked
        for queued in self.queue or ():
            if queued.seq >= chain.seq:
                break  # those behind came later
            if queued.seq >= 0 and step.connector_id in queued.left:
                return queued
        return None


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
        lane = self._lanes.setdefault(parked[0].user, Lane(None))
        if lane.parked is None:
            lane.parked = []
        lane.parked.extend(parked)
        lane.parked.sort(key=lambda one: one.seq)

    def shelve(self, user: str) -> list[Parked] | None:
        """Give up the places of the user's chains that lie on the shelf; None while any of his chains may move."""
        lane = self._lanes.get(user)
        if lane is None:
            return []
        parked = lane.parked or ()
        if lane.running is not None or lane.queue or any(one.pinned for one in parked):
            return None
        lane.parked = [one for one in parked if not one.filed] or None
        if lane.parked is None:
            del self._lanes[user]
        return [one for one in parked if one.filed]

    def unpark(self, parked: Parked) -> None:
        """Give up the place of a parked chain that runs again."""
        lane = self._lanes[parked.user]
        lane.parked.remove(parked)  # type: ignore[union-attr]
        if not lane.parked:
            lane.parked = None
            if lane.running is None and not lane.queue:
                del self._lanes[parked.user]
