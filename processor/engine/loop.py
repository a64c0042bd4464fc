"""The loop: one thread between the consumer thread, the transport and the checkpoint thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from processor.engine.chain import Chain
from processor.engine.intake import HELD_LIMIT
from processor.engine.partition import Partition
from processor.engine.ports import Batch, Failed, Lost, Metadata, Restored, Revoking

if TYPE_CHECKING:
    from processor.engine.assembly import Engine
    from processor.engine.ports import Source
    from processor.engine.takeover import Takeover

LONGEST_WAIT: Final = 0.5
HOUSEKEEPING: Final = 0.25
FULL_WAIT: Final = 0.01
"""Seconds to wait for something at a time while a partition is taken over and nothing more may begin."""
HELPING: Final = 128
"""Messages that are taken in one turn, so that answers and timers wait for milliseconds only."""


class LoopError(Exception):
    """The loop cannot go on: do as after a crash."""


class Drain(NamedTuple):
    """Partitions that leave, until when, and whom to tell."""

    partitions: frozenset[int]
    deadline: float
    tell: Callable[[], None]


class Loop:
    """Turns until it is told to stop."""

    def __init__(
        self, engine: Engine, source: Source, clock: Callable[[], float], is_end: Callable[[Any], bool],
        housekeeping: Callable[[Loop], None],
    ) -> None:
        self._engine = engine
        self._source = source
        self._clock = clock
        self._is_end = is_end
        """Tells an end-of-partition event, and raises for errors; True means that nothing is to be read."""
        self._housekeeping = housekeeping
        engine.sender.clock = clock
        self.partitions: dict[int, Partition] = {}
        self._takeovers: dict[int, Takeover] = {}
        self._drains: list[Drain] = []
        self._rest: deque[Any] = deque()
        self._rest_epoch = 0
        self._turned_at = 0.0
        self._proof = 0
        """The first checkpoint whose commit proves, after a stall, that the partitions are still ours."""
        self._stopping = False
        self.stopped = False
        self.stop_requested = 0
        """How often a signal asked for the end; the second time the drain is cut short."""
        self.turns = 0
        self._longest_turn = 0.0

    def longest_turn(self) -> float:
        """Seconds that the longest turn took since this was asked last, waiting apart."""
        longest, self._longest_turn = self._longest_turn, 0.0
        return longest

    def run(self) -> None:
        """Turn until stopped; raises LoopError where only a new start helps."""
        self.begin()
        while not self.stopped:
            self.turn()

    def begin(self) -> None:
        """Set the clock and the house-keeping going, before the first turn."""
        engine = self._engine
        now = self._turned_at = self._clock()
        engine.sender.turn(now)
        engine.timers.at(now + HOUSEKEEPING, self._keep_house)

    def turn(self) -> None:
        """One turn: wait for something, then do all that can be done without waiting."""
        engine = self._engine
        completions = engine.transport.wait(self._patience())
        self._source.heard()
        engine.committer.heard()
        now = self._clock()
        engine.sender.turn(now)
        self._watch_for_stall(now)
        for completion in completions:
            engine.sender.completed(completion)
        if self._source.controls:
            self._control()
        if self._takeovers:
            self._take_over()
        self._take()
        engine.timers.fire(now)
        engine.events.run_ready()
        engine.parking.shelving.tidy()
        for end in engine.committer.ends():
            self._checkpoint_ended(end, now)
        if self._drains:
            self._drain(now)
        if engine.checkpoints.due(now, self.partitions) <= now:
            engine.checkpoints.begin(now, self.partitions)
        if self.stop_requested:
            self._heed_stop()
        self.turns += 1
        self._longest_turn = max(self._longest_turn, self._clock() - now)

    def _patience(self) -> float:
        engine, now = self._engine, self._clock()
        if self._takeovers:
            return 0.0 if self._room() > 0 else FULL_WAIT
        if (self._rest or self._source.batches) and self._room() > 0:
            return 0.0
        due = min(engine.timers.next_due(), engine.checkpoints.due(now, self.partitions))
        return max(0.0, min(due - now, LONGEST_WAIT))

    def _watch_for_stall(self, now: float) -> None:
        """Nothing may go out after a long stop until a checkpoint has proven that the partitions are ours."""
        sender = self._engine.sender
        noticed = sender.holding and not self._proof  # in the middle of a turn, by the sender
        if noticed or (now - self._turned_at > self._engine.options.stall and self.partitions):
            sender.holding = True
            self._proof = self._engine.checkpoints.number + 1
            self._engine.checkpoints.forced = True
            self._engine.report("stalled", None, now - self._turned_at)
        self._turned_at = now

    # what comes in

    def _room(self) -> int:
        engine = self._engine
        if engine.events.bytes >= engine.options.max_in_flight_bytes or engine.sender.holding:
            return 0
        return 0 if engine.sender.has_enough() else engine.options.max_in_flight - engine.books.in_flight

    def _take(self) -> None:
        room = self._release_held(self._room())
        if room > 0 and (self._rest or self._next_batch()):
            self._messages(min(room, HELPING))

    def _release_held(self, room: int) -> int:
        """Begin what was held and need not be any more; returns the room that is left."""
        for partition in self.partitions.values():
            if partition.held and room > 0:
                room -= self._engine.intake.release_held(partition, room)
                if partition.held_back and len(partition.held) < HELD_LIMIT // 2:
                    partition.held_back = False
                    self._source.resume(partition.topics.interactions, partition.number)
        return room

    def _next_batch(self) -> bool:
        if not self._source.batches:
            return False
        batch: Batch = self._source.batches.popleft()
        self._rest.extend(batch.messages)
        self._rest_epoch = batch.epoch
        for number, end in batch.ends.items():
            partition = self.partitions.get(number)
            if partition is not None and partition.epoch <= batch.epoch:
                partition.heard_of(end, self._engine.sender.now)
        self._source.taken()
        return True

    def _messages(self, room: int) -> None:
        rest, topics = self._rest, self._engine.options.topics
        intake, partitions = self._engine.intake, self.partitions
        metrics = self._engine.metrics
        interactions = topics.interactions
        count = 0
        for _ in range(min(room, len(rest))):
            message = rest.popleft()
            partition = partitions.get(message.partition())
            if partition is None or partition.leaving or partition.epoch > self._rest_epoch:
                continue
            if message.error() is not None:
                if self._is_end(message):
                    self._end_reached(partition, message)
                continue
            topic = message.topic()
            if topic == interactions:
                count += 1
                intake.interaction(partition, message)
                if len(partition.held) > HELD_LIMIT and not partition.held_back:
                    partition.held_back = True
                    self._source.pause(topic, partition.number)
            elif topic == topics.attributes:
                metrics.consumed(topic)
                intake.attributes(partition, message)
            else:
                metrics.consumed(topic)
                intake.replay(partition, message)
        if count:
            metrics.consumed(interactions, count)

    def _end_reached(self, partition: Partition, message: Any) -> None:
        topics = self._engine.options.topics
        if message.topic() == topics.attributes:
            partition.caught_up = True
            partition.attributes_end = message.offset()
            partition.behind_since = 0.0
            if not partition.ready:
                partition.ready = True
                self._source.resume(topics.interactions, partition.number)
                self._source.resume(topics.replays, partition.number)
                self._engine.report("partition_ready", None, partition.number)

    # assignments

    def _control(self) -> None:
        controls = self._source.controls
        while controls:
            control = controls.popleft()
            if isinstance(control, Metadata):
                self._engine.checkpoints.metadata = control.value
                self._engine.checkpoints.wants_metadata = False
            elif isinstance(control, Restored):
                self._restored(control)
            elif isinstance(control, Revoking):
                self.drain(control.partitions, control.done.set)
            elif isinstance(control, Lost):
                self._leave(control.partitions)
                control.done.set()
            elif isinstance(control, Failed):
                raise LoopError(control.message)

    def _restored(self, restored: Restored) -> None:
        engine, topics = self._engine, self._engine.options.topics
        if self._stopping:
            return
        partition = Partition(
            restored.partition, restored.epoch, restored.store, topics, restored.starts, restored.told,
            int(engine.sender.now * 1000))
        self.partitions[restored.partition] = partition
        self._takeovers[restored.partition] = engine.takeover(partition, restored.chains, restored.starts)

    def _take_over(self) -> None:
        """Go on taking up what partitions came with, one helping a turn."""
        number, takeover = next(iter(self._takeovers.items()))
        if takeover.step():
            del self._takeovers[number]
            self._source.resume(self._engine.options.topics.attributes, number)

    def _drop_takeover(self, number: int) -> None:
        if (takeover := self._takeovers.pop(number, None)) is not None:
            takeover.drop()

    def drain(self, numbers: frozenset[int], tell: Callable[[], None]) -> None:
        """Begin nothing more on these partitions, wait for their calls, then let them go."""
        for number in numbers:
            partition = self.partitions.get(number)
            if partition is not None:
                partition.leaving = True
                self._drop_takeover(number)
                partition.held.clear()
                self._keep_attempts(partition)
        self._engine.exporter.flush()
        self._drains.append(Drain(numbers, self._clock() + self._engine.options.drain, tell))

    def _keep_attempts(self, partition: Partition) -> None:
        """Attempts so far survive the hand-over; a mark whose call has not gone out does not."""
        for chain in partition.open.values():
            if not isinstance(chain, Chain):
                continue
            if chain.attempts or chain.started is not None:
                partition.dirty[chain] = None
            if chain.flow is not None and not chain.out and not chain.effect_done:
                chain.started = None

    def _drain(self, now: float) -> None:
        for drain in list(self._drains):
            there = [self.partitions[number] for number in drain.partitions if number in self.partitions]
            late = now >= drain.deadline
            if not late and any(one.calls or self._engine.exporter.busy(one) for one in there):
                continue
            if late:
                self._cut(there)
            if self._all_durable(there) or now >= drain.deadline + self._engine.options.drain:
                self._drains.remove(drain)
                self._leave(drain.partitions)
                drain.tell()
            else:
                self._engine.checkpoints.forced = True

    def _cut(self, partitions: list[Partition]) -> None:
        for partition in partitions:
            for chain in list(partition.open.values()):  # others may end by the place that is free then
                if isinstance(chain, Chain) and chain.out:
                    self._engine.sender.cut(chain)
                    self._mark_cut(partition, chain)

    def _mark_cut(self, partition: Partition, chain: Chain) -> None:
        """Whoever goes on with the chain must know that the call may have been done."""
        if chain.request is not None and chain.request.effect:
            chain.doubtful = True
            chain.first_failed_at = chain.first_failed_at or self._engine.sender.now
            partition.dirty[chain] = None

    def _all_durable(self, partitions: list[Partition]) -> bool:
        return self._engine.checkpoints.idle and not any(one.needs_checkpoint for one in partitions)

    def _leave(self, numbers: frozenset[int]) -> None:
        for number in numbers:
            self._drop_takeover(number)
            partition = self.partitions.pop(number, None)
            if partition is not None:
                self._engine.events.leave(partition)
            self._source.forget(number)
        self._engine.checkpoints.left(set(numbers))

    # checkpoints, house-keeping, end

    def _checkpoint_ended(self, end: Any, now: float) -> None:
        if end.result == "lost":
            raise LoopError(end.message)
        self._engine.checkpoints.ended(end, now)
        if end.result == "aborted":
            self._engine.report("checkpoint_aborted", None, end.message)
            self._source.fresh_metadata()
        elif self._engine.sender.holding and 0 < self._proof <= end.number:
            self._proof = 0
            self._engine.sender.release()
        self._release_held(self._room())  # what waited for the promise that is durable now

    def _keep_house(self, _arg: Any) -> None:
        engine = self._engine
        engine.parking.wake_postponed()
        engine.parking.backlog.make_room(engine.plans.gates.values())
        self._housekeeping(self)
        engine.timers.at(engine.sender.now + HOUSEKEEPING, self._keep_house)

    def stop(self) -> None:
        """Drain everything, make it durable, then end the loop."""
        if self._stopping:
            return
        self._stopping = True
        self.drain(frozenset(self.partitions), self._finish)

    def _heed_stop(self) -> None:
        if not self._stopping:
            self.stop()
        elif self.stop_requested > 1:
            self._drains = [drain._replace(deadline=0.0) for drain in self._drains]
            self.stopped = self.stopped or not self._drains

    def _finish(self) -> None:
        self.stopped = True
