"""Takes up what a former owner of a partition left, parked or half done, a little in each turn of the loop."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from processor.engine.chain import Parked, stub_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from processor.engine.assembly import Engine
    from processor.engine.chain import Chain
    from processor.engine.gate import Gate
    from processor.engine.partition import Partition
    from processor.model.chain import ChainRecord

HELPING = 200
"""Records that are taken up in one turn, so that other partitions go on."""


class Takeover:
    """One partition's chain records on their way into the engine; nothing parked there runs before all are there."""

    def __init__(
        self, engine: Engine, partition: Partition, records: Iterable[tuple[str, bytes]], committed: Mapping[str, int],
        decode: Any,
    ) -> None:
        self._engine = engine
        self._partition = partition
        self._records: Iterator[tuple[str, bytes]] = iter(records)
        self._committed = committed
        self._decode = decode

    def step(self) -> bool:
        """Take up some; whether all is done now."""
        if not self._partition.restored:
            some = list(islice(self._records, HELPING))
            for key, data in some:
                self._take_up(key, data)
            self._engine.parking.shelving.tidy()
            if len(some) == HELPING:
                return False
            self._partition.restored = True
            self.drop()
        return self._look_at_order()

    def drop(self) -> None:
        """The records are not needed any more: an iterator would keep the store open."""
        self._records = iter(())

    def _take_up(self, key: str, data: bytes) -> None:
        """Parked chains wait on, running ones wait for their event."""
        partition, record = self._partition, self._decode(data)
        origin = record.origin
        comes_again = record.state == "running" and (
            record.run > 0 or origin.offset >= self._committed.get(origin.topic, 0))
        chain = None if comes_again else self._engine.events.from_record(partition, record, key)
        if chain is None:
            partition.open[key] = data
        else:
            self._adopt(chain, record)

    def _adopt(self, chain: Chain, record: ChainRecord) -> None:
        engine, partition = self._engine, self._partition
        engine.events.bytes -= chain.size
        chain.step = next((step for step in chain.plan.steps if step.id not in chain.ended), None)
        stub = stub_of(chain, record.waiting_for or "retry", engine.sender.now)
        if not stub.exports_only:
            engine.parking.shelving.load(partition, stub.user)
        partition.open[stub.key] = stub
        engine.parking.shelving.place(stub)
        engine.books.events_in += 1
        engine.books.plan(stub.bindings)
        engine.books.parked += 1
        if not stub.exports_only:
            partition.lanes.park(stub)
        self._wait_on(stub, chain.step.gate if chain.step is not None else None, record.not_before / 1000)

    def _wait_on(self, stub: Parked, gate: Gate | None, due: float) -> None:
        """Check it at once where that makes sense."""
        parking = self._engine.parking
        if stub.waiting_for in ("circuit", "settings") and gate is not None:
            self._wait_for_vendor(stub, gate)
        elif stub.waiting_for == "limit" and gate is not None:
            gate.throttled_until = max(gate.throttled_until, due)
            parking.wait_at(gate, stub)
        elif stub.waiting_for == "attributes":
            stub.partition.waiting_attributes.setdefault(stub.user, []).append(stub)
            parking.wake_at(stub, due)
        elif stub.waiting_for != "order":
            parking.wake_at(stub, due)
        else:
            stub.partition.shelf.look_at_order(stub.user)

    def _wait_for_vendor(self, stub: Parked, gate: Gate) -> None:
        now, parking = self._engine.sender.now, self._engine.parking
        if gate.circuit.closed:
            gate.circuit.open(now, 0.0)
        if stub.waiting_for == "settings":  # how long they have been refused survives a restart, about
            gate.paused_since = min(gate.paused_since or now, stub.arrived / 1000)
        parking.wait_at(gate, stub)
        if gate.probe_timer is None:  # not anew for each of many
            parking.outage(gate, True)

    def _look_at_order(self) -> bool:
        """Wake what waited behind a chain that is not there any more; whether all have been looked at."""
        partition, parking = self._partition, self._engine.parking
        if not parking.shelving.may_wake(partition):
            return False
        users = partition.shelf.to_look_at(HELPING)
        for user in users:
            parking.shelving.load(partition, user)
            parking.chain_ended(partition, user)
        parking.shelving.tidy()
        return len(users) < HELPING
