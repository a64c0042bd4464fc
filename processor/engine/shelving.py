"""Which parked chains memory knows: a window of bounded size; those beyond it are filed on their partition's shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.engine.books import Books
    from processor.engine.chain import Parked
    from processor.engine.gate import Gate
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition
    from processor.engine.sender import Sender
    from processor.engine.shelf import Shelf
    from processor.engine.timers import Timers

LOOK_AGAIN: Final = 0.05
"""Seconds between two helpings of what is due, and between two looks for room."""
DUE_HELPING: Final = 500
BESIDE: Final = 4
"""One such part of the window more may be in memory of what is filed, for users who have events at the moment."""


class Shelving:
    """Keeps the window, and wakes what is due on the shelves."""

    def __init__(
        self, sender: Sender, timers: Timers, options: EngineOptions, books: Books, wake: Callable[[Parked], None],
    ) -> None:
        self._sender = sender
        self._timers = timers
        self._books = books
        self._wake = wake
        self._most = options.parked_in_memory
        self._most_in_flight = options.max_in_flight
        self._used: dict[Shelf, None] = {}
        """Shelves of which something may be in memory."""
        self.known = 0
        """Parked chains in the window."""

    def place(self, stub: Parked) -> None:
        """A chain was parked: give it a place in the window, or file it where there is none."""
        if self.known < self._most:
            self.known += 1
        else:
            stub.partition.shelf.add(stub)
            self._used[stub.partition.shelf] = None

    def give_up(self, stub: Parked) -> None:
        """It is parked no more."""
        if stub.filed:
            stub.partition.shelf.take(stub)
        else:
            self.known -= 1

    def load(self, partition: Partition, user: str) -> None:
        """Bring what is filed of a user into memory, before any of his chains moves."""
        if partition.shelf.filed:
            partition.shelf.load(user)
            self._used[partition.shelf] = None

    def wait_until(self, stub: Parked, due: float) -> None:
        """Have a filed chain woken at a time."""
        shelf = stub.partition.shelf
        shelf.wait_until(due, stub)
        if due < shelf.next_due:
            self._look(shelf, due)

    def _look(self, shelf: Shelf, at: float) -> None:
        if shelf.timer is not None:
            shelf.timer.cancel()
        shelf.next_due, shelf.timer = at, self._timers.at(at, self._due, shelf)

    def _due(self, shelf: Shelf) -> None:
        """Wake what is due, in helpings and as far as there is room."""
        shelf.next_due, shelf.timer = float("inf"), None
        now, most = self._sender.now, min(self._room(shelf.partition), DUE_HELPING)
        for due, key, user in shelf.due(most) if most > 0 else ():
            if due > now:
                self._look(shelf, min(due, shelf.next_due))
                return
            self._used[shelf] = None
            stub = shelf.find(key, user)
            if stub is not None:
                self._wake(stub)
        if following := shelf.due(1):
            self._look(shelf, max(following[0][0], now + LOOK_AGAIN))

    def probe(self, gate: Gate) -> None:
        """Wake one that waits at the gate, of each partition and of all chains there in turn."""
        for shelf in list(gate.shelves):
            if self.may_wake(shelf.partition) and (stub := shelf.to_probe(gate)) is not None:
                self._used[shelf] = None
                del gate.shelves[shelf]
                gate.shelves[shelf] = None
                self._wake(stub)
                return

    def wake_first(self, gate: Gate, most: int, wanted: Callable[[Gate, Parked], bool]) -> None:
        """Wake those that wait at the gate longest, as long as they are wanted."""
        for shelf in list(gate.shelves):
            for _, key, user in shelf.oldest(gate, most) if most > 0 else ():
                stub = shelf.find(key, user) if self.may_wake(shelf.partition) else None
                self._used[shelf] = None
                if stub is None or not wanted(gate, stub):
                    break
                self._wake(stub)

    def _room(self, partition: Partition) -> int:
        if partition.gone or partition.leaving or not partition.restored:
            return 0
        return self._most_in_flight - self._books.in_flight

    def may_wake(self, partition: Partition) -> bool:
        """Whether what its shelf has can run now; else it had better stay there."""
        return self._room(partition) > 0

    def tidy(self) -> None:
        """Let what is filed leave memory, when it is not needed there."""
        used = self._used
        if used and sum(shelf.in_memory for shelf in used) > self._most // BESIDE:
            most = self._most // BESIDE // len(used)
            for shelf in list(used):
                shelf.make_room(most)
                if not shelf.in_memory:
                    del used[shelf]

    def leave(self, partition: Partition) -> tuple[int, int]:
        """A partition goes to another process; how many chains and bindings its shelf had that memory had not."""
        self._used.pop(partition.shelf, None)
        return partition.shelf.leave()
