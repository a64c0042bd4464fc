"""What is parked beyond the window in memory: notes on disk by user, by gate and by due time, until its turn comes."""

from __future__ import annotations

import marshal
from collections import Counter, OrderedDict
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Final

from processor.engine.chain import EXPORTS, Parked, unpacked

if TYPE_CHECKING:
    from processor.engine.gate import Gate
    from processor.engine.partition import Index, Partition
    from processor.engine.timers import Timer

AT_ONCE: Final = 0.001
"""A due time in the past; zero says that there is none."""


class Shelf:
    """The filed chains of one partition.

    Each is found by its gate or its due time. The chains of one user are in memory together while any of them, or an
    event of his, may move, for his order rests on all of them; exports keep no order and come one by one.
    """

    __slots__ = ("_at", "_index", "_low", "_probed", "away", "bindings", "causes", "filed", "gates",
                 "loaded", "next_due", "partition", "timer")

    def __init__(self, partition: Partition, index: Index) -> None:
        self.partition = partition
        self._index = index
        self.filed = 0
        """All that belong to the shelf, in memory at the moment or not."""
        self.away = 0
        """Those of them that are not in memory."""
        self.bindings = 0
        """Of those: bindings without an outcome."""
        self.causes: Counter[str] = Counter()
        """Of those: what they wait for."""
        self.loaded: OrderedDict[str, bool] = OrderedDict()
        """Users whose filed chains are in memory, least recently used first; whether disk has them otherwise."""
        self._at: Counter[Gate] = Counter()
        self._low: dict[bytes, bytes] = {}
        """By prefix: no key lies before this one. Else each look would pass over all that was taken before."""
        self._probed: dict[Gate, bytes] = {}
        self.gates: dict[tuple[str, str], Gate] = {}
        self.next_due = float("inf")
        """When `timer` looks for what is due."""
        self.timer: Timer | None = None

    # filing

    def add(self, stub: Parked) -> None:
        """A chain was parked while the window was full; its user's others must be in memory."""
        stub.filed = True
        self.filed += 1
        if not stub.exports_only:
            self.loaded[stub.user] = True

    def wait_at(self, gate: Gate, stub: Parked) -> None:
        """Have it found by its gate, oldest first."""
        self.gates[gate.app_id, gate.connector_id] = gate
        self._put(_gate_key(gate, stub), _gate_prefix(gate), stub)
        stub.gate = gate
        self._at[gate] += 1
        gate.shelved += 1
        gate.shelves[self] = None
        self._noted(stub)

    def wait_until(self, due: float, stub: Parked) -> None:
        """Have it found by its time alone."""
        self._unfile(stub)
        stub.due = max(due, AT_ONCE)
        self._put(_due_key(stub), b"t", stub)
        self._noted(stub)

    def take(self, stub: Parked) -> None:
        """It runs again, or has ended: forget it."""
        self._unfile(stub)
        self.filed -= 1
        if stub.exports_only:
            self._index.delete(_export_key(stub.user, stub.key))
        else:
            self.loaded[stub.user] = True

    def _put(self, key: bytes, prefix: bytes, stub: Parked) -> None:
        self._index.put(key, stub.user.encode())
        self._low[prefix] = min(self._low.get(prefix, key), key)

    def _noted(self, stub: Parked) -> None:
        if stub.exports_only:
            self._index.put(_export_key(stub.user, stub.key), stub.packed())
            self.put_back(stub)
        else:
            self.loaded[stub.user] = True

    def _unfile(self, stub: Parked) -> None:
        if stub.due:
            self._index.delete(_due_key(stub))
            stub.due = 0.0
        gate, stub.gate = stub.gate, None
        if gate is not None:
            self._index.delete(_gate_key(gate, stub))
            gate.shelved -= 1
            self._at[gate] -= 1
            if not self._at[gate]:
                self._forget_gate(gate)

    def _forget_gate(self, gate: Gate) -> None:
        del self._at[gate]
        gate.shelves.pop(self, None)
        self._low.pop(_gate_prefix(gate), None)
        self._probed.pop(gate, None)

    # finding

    def oldest(self, gate: Gate, most: int) -> list[tuple[int, str, str]]:
        """What waits at a gate longest: when it arrived, key, user."""
        prefix = _gate_prefix(gate)
        return [_at_gate(key, user, prefix) for key, user in self._first(prefix, most)]

    def due(self, most: int) -> list[tuple[float, str, str]]:
        """What is due first: when, key, user."""
        found = self._first(b"t", most)
        return [(unpack_from(">d", key, 1)[0], key[9:].decode(), user.decode()) for key, user in found]

    def _first(self, prefix: bytes, most: int) -> list[tuple[bytes, bytes]]:
        found = self._index.scan(self._low.get(prefix, prefix), prefix, most)
        if found:
            self._low[prefix] = found[0][0]
        return found

    def to_probe(self, gate: Gate) -> Parked | None:
        """The next one that waits at a gate, in turn: one that fails for its own sake must not be tried for ever."""
        prefix = _gate_prefix(gate)
        found = (self._index.scan(self._probed.get(gate, prefix) + b"\0", prefix, 1)
                 or self._index.scan(prefix, prefix, 1))
        if not found:
            return None
        self._probed[gate] = found[0][0]
        _, key, user = _at_gate(*found[0], prefix)
        return self.find(key, user)

    def find(self, key: str, user: str) -> Parked | None:
        """A filed chain, brought into memory."""
        if key.endswith(EXPORTS):
            data = None if key in self.partition.open else self._index.get(_export_key(user, key))
            if data is not None:
                self._bring(self._unpacked(data))
        else:
            self.load(user)
        stub = self.partition.open.get(key)
        return stub if isinstance(stub, Parked) else None

    # memory

    def load(self, user: str) -> None:
        """Bring the filed chains of a user into memory, before any of his chains moves."""
        if user in self.loaded:
            self.loaded.move_to_end(user)
            return
        data = self._index.get(b"u" + user.encode()) if self.filed else None
        if data is None:
            return
        stubs = [self._unpacked(one) for one in marshal.loads(data)]  # noqa: S302  # our own bytes
        for stub in stubs:
            self._bring(stub)
            if stub.waiting_for == "attributes":
                self.partition.waiting_attributes.setdefault(user, []).append(stub)
        self.partition.lanes.park(*stubs)
        self.loaded[user] = False

    def load_exports(self, user: str) -> None:
        """Bring what is filed of a user's exports into memory."""
        prefix = start = _export_key(user, "")
        while found := self._index.scan(start, prefix, 100):
            for _, data in found:
                stub = self._unpacked(data)
                if stub.user == user and stub.key not in self.partition.open:
                    self._bring(stub)
            start = found[-1][0] + b"\0"

    @property
    def in_memory(self) -> int:
        """How much of what is filed is in memory at the moment."""
        return max(self.filed - self.away, len(self.loaded))

    def make_room(self, most: int) -> None:
        """Let users leave memory, the least recently used first, until so few chains are there; busy ones stay."""
        for _ in range(len(self.loaded)):
            if self.in_memory <= most:
                return
            user, changed = self.loaded.popitem(last=False)
            stubs = self.partition.lanes.shelve(user)
            if stubs is None:
                self.loaded[user] = changed
            else:
                self._put_away(user, stubs, changed)

    def _put_away(self, user: str, stubs: list[Parked], changed: bool) -> None:
        key = b"u" + user.encode()
        if changed and stubs:
            self._index.put(key, marshal.dumps([stub.packed() for stub in stubs]))
        elif changed:
            self._index.delete(key)
        for stub in stubs:
            self._away(stub)
        waiting = self.partition.waiting_attributes.pop(user, None)
        if waiting and (kept := [stub for stub in waiting if not stub.filed]):
            self.partition.waiting_attributes[user] = kept

    def put_back(self, stub: Parked) -> None:
        """An export leaves memory again, unless it is to run once there is room."""
        if not stub.pinned and self.partition.open.get(stub.key) is stub:
            self._away(stub)

    def _away(self, stub: Parked) -> None:
        del self.partition.open[stub.key]
        self.away += 1
        self.bindings += stub.bindings
        self.causes[stub.waiting_for] += 1

    def _bring(self, stub: Parked) -> None:
        self.partition.open[stub.key] = stub
        self.away -= 1
        self.bindings -= stub.bindings
        self.causes[stub.waiting_for] -= 1

    def _unpacked(self, data: bytes) -> Parked:
        return unpacked(data, self.partition, self.gates)

    # a partition that comes, and one that goes

    def look_at_order(self, user: str) -> None:
        """Note a user of whom something waits behind another chain, until all of them are there."""
        self._index.put(b"o" + user.encode(), b"")

    def to_look_at(self, most: int) -> list[str]:
        """Some of those users, each once."""
        found = self._first(b"o", most)
        for key, _ in found:
            self._index.delete(key)
        if found:
            self._low[b"o"] = found[-1][0]
        return [key[1:].decode() for key, _ in found]

    def leave(self) -> tuple[int, int]:
        """The partition goes to another process: how many chains and bindings were not in memory."""
        for gate, count in list(self._at.items()):
            gate.shelved -= count
            self._forget_gate(gate)
        if self.timer is not None:
            self.timer.cancel()
        left = (self.away, self.bindings)
        self.filed = self.away = self.bindings = 0
        self.loaded.clear()
        self.causes.clear()
        return left


def _gate_prefix(gate: Gate) -> bytes:
    return f"g{gate.app_id}\0{gate.connector_id}\0".encode()


def _gate_key(gate: Gate, stub: Parked) -> bytes:
    return _gate_prefix(gate) + pack(">q", stub.arrived) + stub.key.encode()


def _at_gate(key: bytes, user: bytes, prefix: bytes) -> tuple[int, str, str]:
    at = len(prefix)
    return unpack_from(">q", key, at)[0], key[at + 8:].decode(), user.decode()


def _due_key(stub: Parked) -> bytes:
    return b"t" + pack(">d", stub.due) + stub.key.encode()


def _export_key(user: str, key: str) -> bytes:
    return f"e{user}\0{key}".encode()
