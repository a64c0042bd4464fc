"""What waits parked for a vendor: who is sent away from a full gate, and how all of it is worked off again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from processor.engine.books import Books
    from processor.engine.chain import Parked
    from processor.engine.gate import Gate
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition
    from processor.engine.sender import Sender
    from processor.engine.shelf import Shelf
    from processor.engine.timers import Timers

DRAIN_EVERY: Final = 0.05
"""Seconds between two helpings of woken chains."""
DRAIN_HELPING: Final = 50
"""Chains of one helping, at least: of a vendor that has answered more in that time, as many as it has."""
CROWDED_AFTER: Final = 1.0
"""Seconds for which a gate must have been full before anybody is sent away: a burst is no crowd."""
MOST_AWAY: Final = 10
"""How often as many as may be in flight are sent away from one gate; then consumption waits for its vendor."""


class Backlog:
    """Keeps one vendor's calls from taking the room of all others."""

    def __init__(
        self, sender: Sender, timers: Timers, options: EngineOptions, books: Books, wake: Callable[[Parked], None],
        send_away: Callable[[Gate, int], None], may_wake: Callable[[Partition], bool],
    ) -> None:
        self._sender = sender
        self._timers = timers
        self._options = options
        self._books = books
        self._wake = wake
        self._send_away = send_away
        self._may_wake = may_wake
        self._most = max(4, options.max_in_flight // 4)
        """Calls that one gate may have, out and waiting, while its vendor is slower than what comes."""
        self._least = self._most // 4
        """The same where little room is left."""

    def sends_away(self, gate: Gate, run: int = 0) -> bool:
        """Whether what is to call next would wait so long that it must leave memory meanwhile.

        Replays that wait, which live traffic passes, send away replays only.
        """
        if gate.throttled_until - self._sender.now > self._options.park_after:
            return True
        if gate.busy + gate.queued < self._least:
            gate.crowded_since = 0.0
            return False
        return self._crowded(gate) and (run > 0 or gate.busy + len(gate.queue) >= self._allowed(gate))

    def make_room(self, gates: Iterable[Gate]) -> None:
        """Where little room is left: send away what queues for the slow, and holds its users' later events too."""
        if self._narrow:
            for gate in gates:
                if gate.queued and self._crowded(gate):
                    self._send_away(gate, max(0, self._allowed(gate) - gate.busy))

    @property
    def _narrow(self) -> bool:
        return self._books.in_flight >= self._options.max_in_flight // 2

    def _allowed(self, gate: Gate) -> int:
        if self._narrow:
            return self._least
        return self._most // 2 if gate.waiting else self._most

    def _crowded(self, gate: Gate) -> bool:
        now, load = self._sender.now, gate.busy + gate.queued
        if load < self._allowed(gate):
            gate.crowded_since = 0.0
            return False
        gate.crowded_since = gate.crowded_since or now
        # a first rest that the vendor asked for is no crowd, and after it nobody has seen yet what it bears
        since = gate.crowded_since if gate.bucket is not None else max(gate.crowded_since, gate.throttled_until)
        return (now - since > CROWDED_AFTER
                and load > gate.borne_of_late(now) * self._options.park_after
                and gate.waiting < MOST_AWAY * self._options.max_in_flight)

    def work_off(self, gate: Gate) -> None:
        """Wake what waits at the gate, in helpings, as far as there is room; oldest first."""
        if not gate.draining and gate.waiting:
            gate.draining = True
            gate.parked = deque(sorted(gate.parked, key=lambda stub: stub.arrived))
            self._drain(gate)

    def work_off_later(self, gate: Gate) -> None:
        """The same, once the vendor's wish for rest is over."""
        if not gate.draining:
            gate.draining = True
            self._again(gate)

    def _drain(self, gate: Gate) -> None:
        if not gate.circuit.closed:
            gate.draining = False
            return
        room = self._room(gate)
        shelved = self._shelved(gate, room)
        for _ in range(room):
            stub = self._oldest(gate, shelved)
            if stub is None:
                break
            if not stub.partition.gone:
                self._wake(stub)
        if gate.waiting:
            self._again(gate)
        else:
            gate.draining = False

    def _shelved(self, gate: Gate, most: int) -> deque[tuple[int, str, str, Shelf]]:
        """The oldest on the shelves of all partitions that may run."""
        found = [(*one, shelf) for shelf in gate.shelves if self._may_wake(shelf.partition)
                 for one in shelf.oldest(gate, most)]
        return deque(sorted(found, key=lambda one: one[0])[:most])

    def _oldest(self, gate: Gate, shelved: deque[tuple[int, str, str, Shelf]]) -> Parked | None:
        """The next one to be woken: of those in memory, and of those on shelves."""
        while shelved and (not gate.parked or shelved[0][0] < gate.parked[0].arrived):
            _, key, user, shelf = shelved.popleft()
            stub = shelf.find(key, user)
            if stub is not None and stub.gate is gate:
                return stub
        return gate.parked.popleft() if gate.parked else None

    def _again(self, gate: Gate) -> None:
        self._timers.at(max(self._sender.now + DRAIN_EVERY, gate.throttled_until), self._drain, gate)

    def _room(self, gate: Gate) -> int:
        """How many may be woken: at least one where nothing is at the gate, else as others leave room."""
        if self._sender.now < gate.throttled_until:
            return 0
        in_all = self._options.max_in_flight * 3 // 4 - self._books.in_flight
        load = gate.busy + gate.queued
        here = max(self._allowed(gate) - load, 0 if load else 1)
        helping = max(DRAIN_HELPING, int(gate.borne_of_late(self._sender.now) * DRAIN_EVERY))
        return min(helping, max(1, in_all), here)
