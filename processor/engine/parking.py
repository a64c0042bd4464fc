"""Waiting: short waits in memory, long ones parked in the chain store, where they cost no memory and no partition."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.errors import Broken, Failure, Misconfigured, MissingAttributes
from processor.engine import room
from processor.engine.backlog import Backlog
from processor.engine.chain import Chain, Parked, stub_of
from processor.engine.shelving import Shelving

if TYPE_CHECKING:
    from connectors.kit.errors import Unavailable
    from processor.engine.books import Books
    from processor.engine.counts import Counts
    from processor.engine.gate import Gate
    from processor.engine.options import EngineOptions
    from processor.engine.partition import Partition
    from processor.engine.plan import Step
    from processor.engine.runner import Runner
    from processor.engine.sender import Sender
    from processor.engine.timers import Timers

TOO_MANY: Final = 429
OVERDUE_HELPING: Final = 500
"""Chains that are let go after one more refusal, once their grace is over."""
PROBE_AGAIN: Final = 1.0
"""Seconds after which another chain may be woken to probe, if the one before never did."""


class Parking:
    """Decides where a chain waits, and wakes what is parked."""

    def __init__(
        self, sender: Sender, timers: Timers, options: EngineOptions, metrics: Counts, books: Books,
        encode: Callable[[Any], bytes], ready: deque[Chain], chance: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._timers = timers
        self._options = options
        self._metrics = metrics
        self._books = books
        self._encode = encode
        self._ready = ready
        self._chance = chance
        self.runner: Runner
        self.revive: Callable[[Parked], Chain | None]
        """Makes a chain of what was parked; None where its app is gone."""
        self.left_memory: Callable[[Chain], None]
        """Called when a chain no longer counts as in flight."""
        self.shelving = Shelving(sender, timers, options, books, self.wake)
        self.backlog = Backlog(sender, timers, options, books, self.wake, self._send_away, self.shelving.may_wake)
        self._wake = self.wake  # one for the timers of all
        self._wakeable: deque[Parked] = deque()
        """Whose time has come while there was no room."""

    # what a chain waits for

    def must_wait(self, chain: Chain, step: Step) -> bool:
        """Whether the binding may not begin: an earlier parked chain, an open circuit, wrong settings, a full gate."""
        lane = chain.partition.lanes.lane(chain.user)
        if lane is not None and (lane.parked or lane.queue) and lane.blocker(chain, step):
            self.park(chain, "order", 0.0)
            return True
        if self.circuit_holds(chain, step):
            return True
        if chain.probe or not self.backlog.sends_away(step.gate, chain.run):
            return False
        self._wait_for_room(chain, step.gate)
        return True

    def _wait_for_room(self, chain: Chain, gate: Gate) -> None:
        """Park what the vendor would not take for long, so that others find room."""
        until = gate.throttled_until if gate.throttled_until > self._sender.now else 0.0
        if (stub := self.park(chain, "limit", until)) is not None:
            self.wait_at(gate, stub)

    def circuit_holds(self, chain: Chain, step: Step) -> bool:
        """Whether the connector's circuit keeps the chain from calling now; if so it is parked."""
        gate = step.gate
        if gate.circuit.closed or (chain.probe and gate.circuit.probing) or not self._may_leave(chain, step):
            return False
        if gate.circuit.admits(self._sender.now):
            chain.probe = True
            return False
        if self.waited_out(gate, chain):
            self.runner.give_up(chain, step, self.still_refused(gate))
            return True
        stub = self.park(chain, "settings" if gate.paused_since else "circuit", gate.circuit.reopens_at)
        if stub is not None:
            self.wait_at(gate, stub)
        return True

    def retry(self, chain: Chain, step: Step, delay: float) -> None:
        """Try again after `delay` seconds."""
        due = self._sender.now + delay
        if delay <= self._options.park_after or not self._may_leave(chain, step):
            self._metrics.wait(step.connector_id, "retry")
            chain.waiting_for = "retry"
            chain.timer = self._timers.at(due, self.runner.resend, chain)
        else:
            self._park_until(chain, "retry", due)

    def throttled(self, chain: Chain, step: Step, failure: Unavailable) -> None:
        """A 429: the whole gate waits, or for a stray one its call alone; it costs nobody an attempt."""
        gate = step.gate
        self.release_probe(chain)
        wait = self.rest(gate, chain.sent_at, failure)
        if wait <= self._options.park_after or not self._may_leave(chain, step):
            chain.timer = self._timers.at(self._sender.now + wait, self.runner.resend, chain)
        elif gate.stray:
            self._park_until(chain, "limit", self._sender.now + wait)
        else:
            self._wait_for_room(chain, gate)
            self._send_away(gate, 0)

    def rest(self, gate: Gate, sent_at: float, failure: Unavailable) -> float:
        """The vendor wants no calls for some time, or not this one; returns the seconds."""
        retry, now, wait = self._options.retry, self._sender.now, failure.retry_after
        if failure.status != TOO_MANY:
            gate.throttled(sent_at, now)  # some vendors say it by other words than 429
        wait = min(retry.delay(max(1, gate.throttles), self._chance()) if wait is None else wait, retry.retry_after_cap)
        if not gate.stray:
            gate.throttled_until = max(gate.throttled_until, now + wait)
        return wait

    def missing(self, chain: Chain, step: Step, names: tuple[str, ...], failure: Failure | None = None) -> None:
        """Attributes that are absent may still come, within the grace; form inputs never do."""
        deadline = chain.arrived / 1000 + self._options.join_grace
        never_comes = any(name.startswith(("form.", "context.")) for name in names)
        if never_comes or self._sender.now >= deadline or not self._may_leave(chain, step):
            self.runner.give_up(chain, step, failure or MissingAttributes(names))
            return
        stub = self._park_until(chain, "attributes", deadline)
        if stub is not None:
            stub.partition.waiting_attributes.setdefault(stub.user, []).append(stub)

    def refused(self, chain: Chain, step: Step, failure: Failure) -> None:
        """Settings are wrong: the connector pauses for this app until they change or a probe passes."""
        gate, now = step.gate, self._sender.now
        gate.paused_since = gate.paused_since or now
        gate.settings_failure = failure.code
        gate.circuit.open(now, self._options.misconfigured_pause)
        self.outage(gate, True)
        if not self.circuit_holds(chain, step):
            self.runner.give_up(chain, step, failure)
        self._wake_overdue(gate)

    def waited_out(self, gate: Gate, one: Chain | Parked) -> bool:
        """Whether it has waited for other settings as long as the grace allows."""
        if not gate.paused_since:
            return False
        return self._sender.now - max(gate.paused_since, one.arrived / 1000) >= self._options.misconfigured_grace

    def still_refused(self, gate: Gate) -> Misconfigured:
        """The failure of what has waited out its grace without having been refused itself."""
        return Misconfigured(gate.settings_failure or "settings", "the connector's settings were not mended in time")

    def _wake_overdue(self, gate: Gate) -> None:
        """Let those end that have waited out their grace, in helpings."""
        overdue = [stub for stub in gate.parked if self.waited_out(gate, stub)][:OVERDUE_HELPING]
        for stub in overdue:
            gate.parked.remove(stub)
            self.wake(stub)
        self.shelving.wake_first(gate, OVERDUE_HELPING - len(overdue), self.waited_out)

    # the vendor's health

    def outage(self, gate: Gate, is_open: bool) -> None:
        """The circuit is open: have it probed in time, and park what queues at the gate."""
        if not is_open or gate.circuit.closed:
            return
        if gate.probe_timer is not None:
            gate.probe_timer.cancel()
        gate.probe_timer = self._timers.at(gate.circuit.reopens_at, self._probe, gate)
        self._send_away(gate, 0)

    def _send_away(self, gate: Gate, keep: int) -> None:
        """Park what queues at the gate behind so many, where it may still leave."""
        queued, gate.queue, gate.replays = [*gate.queue, *gate.replays], deque(), deque()
        for place, flight in enumerate(queued):
            stays = place < keep or not isinstance(flight, Chain) or flight.gone or bool(flight.exports)
            if stays or not self._leaves(flight, gate):  # type: ignore[arg-type]
                gate.enqueue(flight)

    def _leaves(self, chain: Chain, gate: Gate) -> bool:
        step: Step = chain.step  # type: ignore[assignment]
        if not gate.circuit.closed:
            return self.circuit_holds(chain, step)
        if chain.probe or not self._may_leave(chain, step):
            return False
        self._wait_for_room(chain, gate)
        return True

    def recovered(self, gate: Gate) -> None:
        """A probe passed: close, and wake what waited, oldest first, in helpings."""
        gate.circuit.succeeded(self._sender.now)
        gate.paused_since = 0.0
        gate.settings_failure = ""
        if gate.probe_timer is not None:
            gate.probe_timer.cancel()
            gate.probe_timer = None
        self.backlog.work_off(gate)

    def probe_ended(self, gate: Gate) -> None:
        """The probing chain ended without the vendor having answered: let another one probe."""
        if not gate.circuit.closed:
            gate.circuit.probing = False
            self.outage(gate, True)

    def release_probe(self, chain: Chain) -> None:
        """The chain ends or waits: if it was to probe, let another one."""
        if chain.probe and chain.step is not None:
            chain.probe = False
            self.probe_ended(chain.step.gate)

    def settings_changed(self, gates: list[Gate]) -> None:
        """Other settings were applied: probe at once."""
        for gate in gates:
            if not gate.circuit.closed:
                gate.circuit.reopens_at = self._sender.now
                gate.circuit.probing = False
                self.outage(gate, True)

    def _probe(self, gate: Gate) -> None:
        """Wake the chain that waits longest; look again soon, since it may end without having asked the vendor."""
        gate.probe_timer = None
        if not gate.parked and not gate.circuit.closed and not gate.circuit.probing:
            self.shelving.probe(gate)
        while gate.parked and not gate.circuit.closed and not gate.circuit.probing:
            stub = gate.parked.popleft()
            if stub.partition.open.get(stub.key) is stub:
                self.wake(stub)
                break
        if not gate.circuit.closed and (gate.waiting or gate.circuit.probing):
            gate.probe_timer = self._timers.at(self._sender.now + PROBE_AGAIN, self._probe, gate)

    # parking itself

    def _may_leave(self, chain: Chain, step: Step) -> bool:
        """A flow that has changed something which must not be repeated cannot begin anew later."""
        return not (chain.effect_done and step.never)

    def _park_until(self, chain: Chain, cause: str, due: float) -> Parked | None:
        if (stub := self.park(chain, cause, due)) is not None:
            self.wake_at(stub, due)
        return stub

    def too_large(self, chain: Chain) -> None:
        """Its record would not fit into its topic, so that it cannot wait: the binding ends."""
        step: Step = chain.step  # type: ignore[assignment]
        self.runner.give_up(chain, step, self.does_not_fit())

    def does_not_fit(self) -> Broken:
        """Why a binding ends whose chain cannot be kept."""
        topic = self._options.topics.chains
        return Broken("chain_too_large", f"it would have to wait, but its record is larger than {topic} accepts "
                      f"({self._options.room(topic)} bytes): raise max.message.bytes there, restart, and replay")

    def park(self, chain: Chain, cause: str, not_before: float) -> Parked | None:
        """Make the wait durable: the record goes out with the next checkpoint, and the offset may pass it.

        None where the record would not fit: nothing waits then, and the binding of a chain proper has failed.
        """
        partition = chain.partition
        chain.drop_flow()
        chain.waiting_for = cause
        data = room.parked(self._encode, chain.record("parked", not_before), chain.key, len(chain.remaining),
                           self._options.room(partition.topics.chains))
        if data is None:
            if not chain.exports_only:
                self.too_large(chain)
            return None
        chain.stored = True
        partition.store.put_chain(chain.key, data)
        partition.outbox.append((partition.topics.chains, chain.key.encode(), data, partition.number))
        partition.dirty.pop(chain, None)
        self.release_probe(chain)
        chain.gone = True
        stub = stub_of(chain, cause, self._sender.now)
        partition.open[chain.key] = stub
        self.shelving.place(stub)
        if chain.tracker is not None:
            chain.tracker.finish(chain.place)
            chain.tracker = None
        self._metrics.wait(chain.route.connector_id if chain.route else "", cause)
        self._books.parked += 1
        if not chain.exports_only:
            partition.lanes.park(stub)
        self.left_memory(chain)
        if not chain.exports_only:
            self.chain_ended(partition, chain.user)
        return stub

    def wait_at(self, gate: Gate, stub: Parked) -> None:
        """Have a parked chain woken once the gate's vendor is back; one that probed in vain stands behind the others.

        Else a chain that fails whatever the vendor's health would keep the circuit open for all.
        """
        if stub.filed:
            stub.partition.shelf.wait_at(gate, stub)
        else:
            gate.parked.append(stub)
        if gate.circuit.closed:
            self.backlog.work_off_later(gate)

    def wake_at(self, stub: Parked, due: float) -> None:
        """Have a parked chain woken at a time."""
        if stub.filed:
            self.shelving.wait_until(stub, due)
        else:
            stub.timer = self._timers.at(due, self._wake, stub)

    def wake(self, stub: Parked) -> None:
        """What a parked chain waited for is there, or its time is up: run it again, when there is room."""
        partition = stub.partition
        if partition.gone or partition.open.get(stub.key) is not stub:
            return
        if not self.shelving.may_wake(partition):
            stub.pinned = True
            self._wakeable.append(stub)
            return
        chain = self.revive(stub)
        if chain is None:
            self.wake_at(stub, self._sender.now + self._options.misconfigured_pause)
            return
        if not stub.exports_only:
            self.shelving.load(partition, stub.user)
        self._let_wait_no_more(stub)
        self._books.plan(len(chain.remaining) - stub.bindings)  # its plan may be another one now
        self._books.parked -= 1
        self._books.in_flight += 1
        partition.open[stub.key] = chain
        if stub.exports_only:
            self._ready.append(chain)
            return
        partition.lanes.unpark(stub)
        if partition.lanes.enter_first(chain):
            self._ready.append(chain)

    def let_go(self, stub: Parked) -> None:
        """A parked chain waits for nothing any more."""
        self._let_wait_no_more(stub)
        if not stub.exports_only:
            stub.partition.lanes.unpark(stub)

    def _let_wait_no_more(self, stub: Parked) -> None:
        if stub.timer is not None:
            stub.timer.cancel()
        self._forget_waiting(stub)
        self.shelving.give_up(stub)

    def wake_postponed(self) -> None:
        """There is room again: wake what could not be woken before."""
        for _ in range(len(self._wakeable)):  # some may be put back: their partition is leaving
            if self._books.in_flight >= self._options.max_in_flight:
                return
            stub = self._wakeable.popleft()
            stub.pinned = False
            self.wake(stub)

    def _forget_waiting(self, stub: Parked) -> None:
        waiting = stub.partition.waiting_attributes.get(stub.user)
        if waiting and stub in waiting:
            waiting.remove(stub)
            if not waiting:
                del stub.partition.waiting_attributes[stub.user]

    def attributes_arrived(self, partition: Partition, user: str) -> None:
        """Attributes of a user came: run again what waits for them."""
        self.shelving.load(partition, user)
        for stub in list(partition.waiting_attributes.get(user, ())):
            self.wake(stub)

    def chain_ended(self, partition: Partition, user: str) -> None:
        """A chain ended, or went as far as it can: wake those of its user that waited behind it and nothing else.

        Of those that wait for each other the first alone: the others would only stand in its lane, and take the room
        of other users' events.
        """
        lane = partition.lanes.lane(user)
        if lane is not None and lane.parked:
            for stub in lane.next_in_order():
                self.wake(stub)
