"""The life of an event in memory: admitted, in its turn, ended, left to another process, revived."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from connectors.kit.event import Event
from processor.engine.chain import EXPORTS, Chain, Parked
from processor.engine.offsets import CHAIN, place
from processor.engine.offsets import EXPORTS as EXPORTS_PART
from processor.model.attributes import AttributesState
from processor.model.chain import ChainRecord, identity
from processor.model.dead_letter import Origin

if TYPE_CHECKING:
    from processor.engine.books import Books
    from processor.engine.counts import Counts
    from processor.engine.exporter import Exporter
    from processor.engine.ledger import Ledger
    from processor.engine.offsets import OffsetTracker
    from processor.engine.parking import Parking
    from processor.engine.partition import Partition
    from processor.engine.plan import Plan, Plans
    from processor.engine.runner import Runner
    from processor.engine.sender import Sender


def origin_of(message: Any) -> Origin:
    """The consumed message as a value that outlives it."""
    return Origin(
        message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(),
        message.value(), message.headers() or (),
    )


def sync_event(app_id: str, user_id: str, origin: Origin) -> Event:
    """A change of attributes as the event that its exports see."""
    name = f"{origin.topic}-{origin.partition}-{origin.offset}"
    return Event(name, app_id, user_id, "", "attributes", origin.timestamp)


def known_of(record: ChainRecord) -> AttributesState:
    """The attributes that a record kept."""
    return AttributesState(record.attributes, record.attributes_offset, record.attributes_time)


class Events:
    """Admits events as chains and exports, and closes them."""

    def __init__(
        self, runner: Runner, exporter: Exporter, parking: Parking, ledger: Ledger, sender: Sender, plans: Plans,
        metrics: Counts, books: Books, codec: Any, ready: deque[Chain],
    ) -> None:
        self._runner = runner
        self._exporter = exporter
        self._parking = parking
        self._ledger = ledger
        self._sender = sender
        self._plans = plans
        self._metrics = metrics
        self._books = books
        self._codec = codec
        self._ready = ready
        self.bytes = 0
        """Of the messages of all chains in memory."""
        runner.ended = self._chain_ended
        exporter.ended = self._exports_ended
        parking.revive = self._revive
        parking.left_memory = self._left_memory

    def admit(self, partition: Partition, event: Event, plan: Plan, user: str, message: Any, size: int) -> None:
        """Begin what the plan holds for an interaction, unless it was begun or has ended before."""
        offset, tracker = message.offset(), partition.interactions
        tracker.skip(offset)
        self._parking.shelving.load(partition, user)
        arrived, origin = message.timestamp()[1], partial(origin_of, message)
        since = partition.reach.begun_since(offset, arrived) if offset < partition.reach.before_below else 0
        for steps, ident, part in (
            (plan.steps, event.event_id, CHAIN), (plan.exports, event.event_id + EXPORTS, EXPORTS_PART),
        ):
            if not steps:
                continue
            where = place(offset, part)
            chain = Chain(
                self._runner.answered, partition, event, plan, user, ident, run=0, seq=offset, tracker=tracker,
                place=where, size=size, arrived=arrived, origin_of=origin,
            )
            chain.begun_since = since
            if self._is_new(chain):
                tracker.begin(where)
                self._enter(chain, len(steps))

    def admit_replay(
        self, partition: Partition, event: Event, plan: Plan, user: str, replay: Any, message: Any,
        tracker: OffsetTracker | None = None,
    ) -> None:
        """Begin a replay: what has a receipt is not done again; `tracker` is that of the message's topic."""
        offset, tracker = message.offset(), tracker or partition.replays
        tracker.skip(offset)
        self._parking.shelving.load(partition, user)
        exports = {step.id for step in plan.exports}
        wanted = [one for one in replay.only if one in exports]
        parts: list[tuple[Any, str, int]] = []
        if len(wanted) < len(replay.only) or not replay.only:
            parts.append((plan.steps, f"{event.event_id}#{replay.run}", CHAIN))
        if wanted:
            parts.append((plan.exports, f"{event.event_id}#{replay.run}{EXPORTS}", EXPORTS_PART))
        for steps, ident, part in parts:
            chain = Chain(
                self._runner.answered, partition, event, plan, user, ident, run=replay.run, seq=-1, tracker=tracker,
                place=place(offset, part), size=len(message.value() or b""), arrived=message.timestamp()[1],
                origin_of=lambda: replay.origin,
            )
            for receipt in replay.receipts:
                chain.keep(receipt)
            chain.only = replay.only
            chain.generations = replay.generations
            chain.begun_since = chain.arrived if chain.arrived < partition.taken_at else 0
            if replay.attributes_as_they_were:
                chain.known, chain.as_they_were = chain.look_up()._replace(attributes=replay.attributes), True
            if self._is_new(chain):
                tracker.begin(chain.place)
                self._enter(chain, sum(1 for step in steps if step.id not in chain.ended
                                       and (not chain.only or step.id in chain.only)))

    def admit_sync(self, partition: Partition, plan: Plan, user: str, message: Any, change: Any) -> None:
        """Begin what a change of attributes sets off."""
        where = place(message.offset(), EXPORTS_PART)
        origin = origin_of(message)
        event = sync_event(change.app_id, change.user_id, origin)
        chain = Chain(
            self._runner.answered, partition, event, plan, user, event.event_id + EXPORTS, run=0, seq=-1,
            tracker=partition.attributes, place=where, size=len(origin.value or b""), arrived=origin.timestamp,
            origin_of=lambda: origin,
        )
        if self._is_new(chain):
            partition.attributes.begin(where)
            self._enter(chain, len(plan.exports))

    def _is_new(self, chain: Chain) -> bool:
        """Whether the event is not open and has not ended within the window; a crashed run is taken up."""
        partition = chain.partition
        found = partition.open.get(chain.key)
        chain.id16 = identity(chain.event.app_id, chain.ident)
        if found is None and not (partition.shelf.filed and partition.store.chain(chain.key) is not None):
            ended = partition.store.ended_at(chain.id16)
            if ended is None or chain.arrived / 1000 - ended > chain.plan.app.duplicates_window:
                return True
            self._metrics.duplicate()
            return False
        if type(found) is bytes:
            record: ChainRecord = self._codec.chain(found)
            chain.resume(record)
            if (record.attempts or record.receipts) and record.origin.value is not None:  # else it is a cut one
                chain.known = known_of(record)
            return True
        self._metrics.duplicate()
        return False

    def _enter(self, chain: Chain, bindings: int) -> None:
        partition, books = chain.partition, self._books
        partition.open[chain.key] = chain
        chain.planned = bindings
        books.events_in += 1
        books.in_flight += 1
        books.plan(len(chain.remaining))
        self.bytes += chain.size
        if chain.exports_only:
            self._exporter.take(chain)
        elif partition.lanes.enter(chain):
            self._runner.advance(chain)

    def run_ready(self) -> None:
        """Run the chains whose turn has come."""
        ready = self._ready
        while ready:
            chain = ready.popleft()
            if chain.gone:
                continue
            if chain.exports_only:
                self._exporter.take(chain)
            else:
                self._runner.advance(chain)

    def _chain_ended(self, chain: Chain) -> None:
        self._ledger.event_ended(chain, self._sender.now)
        self._close(chain)
        partition = chain.partition
        following = partition.lanes.leave(chain)
        if following is not None:
            self._ready.append(following)
        if partition.lanes.lane(chain.user) is not None:
            self._parking.chain_ended(partition, chain.user)

    def _exports_ended(self, chain: Chain) -> None:
        self._ledger.event_ended(chain, self._sender.now)
        self._close(chain)

    def _close(self, chain: Chain) -> None:
        """Everything has an outcome: remember the event, let its offset go, forget the rest."""
        partition = chain.partition
        del partition.open[chain.key]
        id16 = chain.id16 or identity(chain.event.app_id, chain.ident)
        partition.store.finish(id16)
        partition.ended_ids.append(id16)
        partition.dirty.pop(chain, None)
        if chain.stored:
            partition.store.put_chain(chain.key, None)
            partition.outbox.append((partition.topics.chains, chain.key.encode(), None, partition.number))
        if chain.tracker is not None:
            chain.tracker.finish(chain.place)
        chain.gone = True
        books = self._books
        books.finished += 1
        books.in_flight -= 1
        self.bytes -= chain.size
        self._metrics.finished(self._sender.now - chain.event.time / 1000)

    def _left_memory(self, chain: Chain) -> None:
        """A chain was parked: its place is free, its user's next chain may run."""
        self._books.in_flight -= 1
        self.bytes -= chain.size
        if chain.exports_only:
            return
        following = chain.partition.lanes.leave(chain)
        if following is not None:
            self._ready.append(following)

    def forget(self, partition: Partition, user: str) -> None:
        """A user is to be forgotten: what is parked of him ends without a call; what is under way ends by itself."""
        self._parking.shelving.load(partition, user)
        partition.shelf.load_exports(user)
        parked = [one for one in partition.open.values() if isinstance(one, Parked) and one.user == user]
        for stub in parked:
            chain = self._revive(stub)
            if chain is not None:
                self._parking.let_go(stub)
                self._forget(chain, stub)
            elif stub.filed and stub.exports_only:
                partition.shelf.put_back(stub)
        if parked:
            self._parking.chain_ended(partition, user)

    def _forget(self, chain: Chain, stub: Parked) -> None:
        books, remaining = self._books, chain.remaining
        books.plan(len(remaining) - stub.bindings)
        books.parked -= 1
        books.in_flight += 1
        chain.partition.open[stub.key] = chain
        for step in remaining:
            self._ledger.outcome(
                chain, step, "skipped", self._sender.now, code="forgotten", message="the user was forgotten",
                action_id=getattr(step, "export_id", ""), keep=False)
        self._close(chain)

    def leave(self, partition: Partition) -> None:
        """The partition goes to another process: forget its chains; what was durable is taken up there."""
        partition.gone = True
        for chain in partition.open.values():
            if isinstance(chain, Chain):
                chain.gone = True  # each of them before any gives up a probe: none is to be parked, or to end, by that
        for chain in partition.open.values():
            if isinstance(chain, Chain):
                self._parking.release_probe(chain)
                if chain.timer is not None:
                    chain.timer.cancel()
                self._books.in_flight -= 1
                self._books.handed_over += 1
                self.bytes -= chain.size
                self._books.plan(-len(chain.remaining))  # they are planned anew where it goes
            elif isinstance(chain, Parked):
                if chain.timer is not None:
                    chain.timer.cancel()
                if not chain.filed:
                    self._parking.shelving.known -= 1
                self._hand_over(1, chain.bindings)
        self._hand_over(*self._parking.shelving.leave(partition))
        partition.open.clear()

    def _hand_over(self, parked: int, bindings: int) -> None:
        self._books.parked -= parked
        self._books.handed_over += parked
        self._books.plan(-bindings)

    # parked chains

    def _revive(self, stub: Parked) -> Chain | None:
        data = stub.partition.store.chain(stub.key)
        if data is None:
            return None
        return self.from_record(stub.partition, self._codec.chain(data), stub.key)

    def from_record(self, partition: Partition, record: ChainRecord, key: str) -> Chain | None:
        """A chain as its record left it, with the configuration of now; None where its app is gone."""
        plans = self._plans.apps.get(record.app_id)
        if plans is None:
            return None
        if record.origin.topic == partition.topics.attributes:
            event, plan = sync_event(record.app_id, record.user_id, record.origin), plans.sync_plan
        else:
            event = self._codec.event(record.origin.value)
            plan = plans.plan(event.prompt_id, event.interaction)
        chain = Chain(
            self._runner.answered, partition, event, plan, f"{record.app_id}:{record.user_id}",
            key[len(record.app_id) + 1:], run=record.run, seq=record.origin.offset if record.run == 0 else -1,
            tracker=None, place=0, size=len(record.origin.value or b""), arrived=record.origin.timestamp,
            origin_of=lambda: record.origin,
        )
        chain.resume(record)
        chain.planned = sum(1 for step in (plan.exports if chain.exports_only else plan.steps)
                            if not chain.only or step.id in chain.only)
        self._attributes_for(chain, record)
        self.bytes += chain.size
        return chain

    def _attributes_for(self, chain: Chain, record: ChainRecord) -> None:
        """A chain that has called keeps what it began with; one that waited for attributes takes what is there now."""
        stored = chain.partition.store.attributes(chain.user)
        called = record.attempts or record.first_failed_at or (record.receipts and record.waiting_for != "attributes")
        if called or record.attributes_as_they_were or stored is None:
            chain.known = known_of(record)
        else:
            chain.known = stored
