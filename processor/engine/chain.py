"""A chain in memory: one event on its way through its bindings."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from processor.engine.flight import Flight
from processor.model.attributes import AttributesState
from processor.model.chain import ChainRecord, Started
from processor.model.dead_letter import Origin

if TYPE_CHECKING:
    from connectors.kit.event import Event, Value
    from processor.engine.gate import Gate
    from processor.engine.offsets import OffsetTracker
    from processor.engine.partition import Partition
    from processor.engine.plan import ExportStep, Plan, Step
    from processor.engine.timers import Timer
    from processor.model.dead_letter import Exchange, FailedBinding
    from processor.model.outcome import Receipt

EXPORTS: Final = "#exports"
"""What the id of an event's exports ends with."""
MOST_KEPT: Final = 10_000
NOTHING_ENDED: Final[Mapping[str, Receipt]] = {}
NOTHING_KNOWN: Final = AttributesState({}, -1, 0)
"""Of a user whose attributes nobody synced."""


class Chain(Flight):
    """One event, or one replay of it, from its turn until each of its bindings has an outcome."""

    __slots__ = (
        "arrived", "as_they_were", "attempts", "begun_at", "begun_since", "doubtful", "ended", "event", "exchange",
        "exports", "exports_begun", "exports_only", "exports_waiting", "failures", "first_failed_at", "generation",
        "generations", "id16", "ident", "key", "known", "only", "origin_of", "partition", "place", "plan", "planned",
        "position", "probe", "run", "seq", "size", "started", "step", "stopped", "stored", "timer", "tracker", "user",
        "waiting_for",
    )

    def __init__(
        self, deliver: Callable[[Any, Any, float], None], partition: Partition, event: Event, plan: Plan, user: str,
        ident: str, *, run: int, seq: int, tracker: OffsetTracker | None, place: int, size: int, arrived: int,
        origin_of: Callable[[], Origin],
    ) -> None:
        self.deliver = deliver
        self.flow = None
        self.request = None
        self.route = None
        self.token = None
        self.turn = None
        self.sent_at = 0.0
        self.renewed = self.fresh = self.gone = self.out = False
        self.partition = self.home = partition
        self.event = event
        self.plan = plan
        self.user = user
        self.ident = ident
        """The event's id; with "#exports" for its exports, with "#1" for its first replay."""
        self.key = f"{event.app_id}:{ident}"
        self.id16 = b""
        """By which the duplicates window knows it, once it was looked up there."""
        self.exports_only = ident.endswith(EXPORTS)
        """Whether it stands for the exports of its event, not for its chain."""
        self.run = run
        self.seq = seq
        """Place in its user's order: the offset of the interaction; -1 for replays, which wait for nobody."""
        self.tracker = tracker
        """Where its place is to be finished; None once it was parked."""
        self.place = place
        self.arrived = arrived
        """Broker time of the message, in milliseconds."""
        self.size = size
        self.origin_of = origin_of
        self._blank()

    def _blank(self) -> None:
        """Nothing has run yet."""
        self.planned = 0
        """Bindings that it has in this run, with and without an outcome."""
        self.generations: Mapping[str, int] = {}
        """Of a replay: by binding id, the generation of its idempotency keys."""
        self.as_they_were = False
        """Of a replay: whether it keeps the attributes of its dead letter."""
        self.position = 0
        self.step: Step | None = None
        self.known: AttributesState | None = None
        """The user's attributes as the chain uses them; None until they are needed."""
        self.ended: Mapping[str, Receipt] = NOTHING_ENDED
        """Receipts of the bindings that ended, by binding id; kept only where the chain goes on."""
        self.failures: list[FailedBinding] | None = None
        self.only: Sequence[str] = ()
        self.exports: int = 0
        """Export bindings that have no outcome yet; a chain proper has none."""
        self.exports_begun: tuple[str, ...] = ()
        """Those that must not be repeated and whose items may be under way."""
        self.exports_waiting = 0
        """Those of them that want to be parked."""
        self.begun_at = 0.0
        self.begun_since = 0
        """Since when (milliseconds) a process that crashed may have begun it; 0 where none can have."""
        self.attempts = 0
        self.first_failed_at = 0.0
        self.generation = 0
        self.doubtful = False
        self.effect_done = False
        self.stopped = False
        self.stored = False
        self.started: Started | None = None
        self.timer: Timer | None = None
        self.exchange: Exchange | None = None
        self.probe = False
        self.waiting_for = ""

    @property
    def attributes(self) -> Mapping[str, Value]:
        """The user's attributes, looked up on first use: a chain that waits for its vendor needs none."""
        return (self.known or self.look_up()).attributes

    def look_up(self) -> AttributesState:
        """Take the attributes that are there now."""
        self.known = known = self.partition.store.attributes(self.user) or NOTHING_KNOWN
        return known

    def keep(self, receipt: Receipt) -> None:
        """Add a receipt."""
        if self.ended is NOTHING_ENDED:
            self.ended = {}
        self.ended[receipt.binding_id] = receipt  # type: ignore[index]

    def fail(self, failed: FailedBinding) -> None:
        """Add a failure for the dead letter."""
        if self.failures is None:
            self.failures = []
        self.failures.append(failed)

    def drop_flow(self) -> None:
        """End the flow under way, whatever it does about that."""
        flow, self.flow = self.flow, None
        if flow is not None:
            with suppress(Exception):
                flow.close()

    def next_binding(self) -> None:
        """Forget what belongs to the binding that just ended."""
        self.position += 1
        self.step = None
        self.flow = None
        self.request = None
        self.attempts = 0
        self.first_failed_at = 0.0
        self.generation = 0
        self.doubtful = self.effect_done = self.renewed = False
        self.started = None
        self.exchange = None

    def record(self, state: str, not_before: float) -> ChainRecord:
        """The durable form of the chain as it stands; attributes that nobody asked for are looked up when it runs."""
        known = self.known or NOTHING_KNOWN
        return ChainRecord(
            self.event.app_id, self.event.user_id, self.event.event_id, self.run, state, self.waiting_for,
            int(not_before * 1000), self.origin_of(), self.plan.version, known.attributes, known.offset, known.time,
            list(self.ended.values()), self.failures or (), self.attempts, self.generation,
            int(self.first_failed_at * 1000), self.started, self.only, self.generations, self.as_they_were,
            self.begun_since, self.exports_begun,
        )

    def record_running(self) -> ChainRecord:
        """Its durable form while it runs; one that was parked before is taken up by it, for its message has passed."""
        if self.tracker is None:
            return self.record("parked", 0.0)._replace(waiting_for="retry")
        return self.record("running", 0.0)._replace(waiting_for="")

    def resume(self, record: ChainRecord) -> None:
        """Take up what a record kept: receipts, failures, attempts, a call that was under way."""
        for receipt in record.receipts:
            self.keep(receipt)
        self.failures = list(record.failures) or None
        self.attempts = record.attempts
        self.generation = record.generation
        self.first_failed_at = record.first_failed_at / 1000
        self.doubtful = record.first_failed_at > 0
        self.started = record.started
        self.only = record.only
        self.generations = record.generations
        self.as_they_were = record.attributes_as_they_were
        self.begun_before(record.begun_since)
        self.exports_begun = tuple(record.exports_begun)
        self.stored = True

    def begun_before(self, since: int) -> None:
        """A process that crashed may have begun it, or what it is at, since then; 0 says nothing."""
        if since:
            self.begun_since = min(self.begun_since or since, since)

    @property
    def remaining(self) -> list[Step | ExportStep]:
        """Bindings that have no outcome in this run."""
        steps: Sequence[Step | ExportStep] = self.plan.exports if self.exports_only else self.plan.steps
        return [one for one in steps if one.id not in self.ended and (not self.only or one.id in self.only)]

    @property
    def left(self) -> frozenset[str]:
        """Connectors that the chain has still to call."""
        return frozenset(one.connector_id for one in self.plan.steps if one.id not in self.ended)


_kept: dict[frozenset[str], frozenset[str]] = {}


def _same(connectors: frozenset[str]) -> frozenset[str]:
    """One set for all parked chains with the same connectors: there are few of them, and many chains."""
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    return _kept.setdefault(connectors, connectors)


class Parked:
    """What memory keeps of a parked chain: enough to find, order and wake it."""

    __slots__ = (
        "arrived", "bindings", "connectors", "due", "exports_only", "filed", "gate", "key", "next", "partition",
        "pinned", "seq", "since", "timer", "user", "waiting_for",
    )

    def __init__(
        self, partition: Partition, key: str, user: str, seq: int, connectors: frozenset[str], *, next: str,
        exports_only: bool, bindings: int, arrived: int, waiting_for: str, since: float,
    ) -> None:
        self.partition = partition
        self.key = key
        self.user = user
        self.seq = seq
        self.connectors = _same(connectors)
        """Connectors that it has still to call."""
        self.next = next
        """The one that it will call first when it runs again."""
        self.exports_only = exports_only
        self.bindings = bindings
        """How many have no outcome."""
        self.arrived = arrived
        """Broker time of its message: what waits longest goes first."""
        self.waiting_for = intern(waiting_for)
        self.since = since
        self.timer: Timer | None = None
        self.filed = False
        """Whether it belongs to the shelf: then disk knows who is to wake it, and memory may forget it."""
        self.gate: Gate | None = None
        self.due = 0.0
        """Where, and until when, the shelf has it wait."""
        self.pinned = False
        """Whether it is to be woken once there is room."""

    def packed(self) -> bytes:
        """Its form on the shelf."""
        gate = self.gate
        return marshal.dumps((
            self.key, self.user, self.seq, tuple(self.connectors), self.next, self.exports_only, self.bindings,
            self.arrived, self.waiting_for, self.since, self.due, (gate.app_id, gate.connector_id) if gate else None,
        ))


def stub_of(chain: Chain, waiting_for: str, since: float) -> Parked:
    """What is kept of a chain that waits from now on."""
    return Parked(
        chain.partition, chain.key, chain.user, chain.seq, chain.left,
        next=chain.step.connector_id if chain.step is not None else "", exports_only=chain.exports_only,
        bindings=len(chain.remaining), arrived=chain.arrived, waiting_for=waiting_for, since=since)


def unpacked(data: bytes, partition: Partition, gates: Mapping[tuple[str, str], Gate]) -> Parked:
    """The parked chain as the shelf has it."""
    (key, user, seq, connectors, following, exports_only, bindings, arrived, waiting_for, since, due,
     gate) = marshal.loads(data)  # noqa: S302  # our own bytes
    found = Parked(
        partition, key, user, seq, frozenset(connectors), next=following, exports_only=exports_only,
        bindings=bindings, arrived=arrived, waiting_for=waiting_for, since=since)
    found.filed, found.due = True, due
    found.gate = gate and gates[gate]
    return found
