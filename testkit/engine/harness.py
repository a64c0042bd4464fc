"""The harness: one process's engine and loop on fake ports, turned step by step, killed and begun anew at will."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.kit.event import Event, Value
from connectors.kit.http import Response
from processor.config.model import Configuration
from processor.engine.assembly import Engine
from processor.engine.books import Balance
from processor.engine.counts import Counts
from processor.engine.loop import Loop
from processor.engine.options import EngineOptions
from processor.engine.ports import Batch, Lost, Metadata, Restored, Revoking
from processor.http.transport import TransportError
from processor.metrics import Metrics
from processor.model.attributes import AttributesState
from processor.model.replay import Replay
from testkit.engine.ports import FakeCommitter, FakeSource, FakeTransport, Sent
from testkit.engine.store import MemoryStore
from testkit.engine.vendors import event
from testkit.engine.world import CODEC, TOPICS, EndOfPartition, Message, World, partition_of

NO_ENDS: Mapping[int, int] = {}
NOW = 1_800_000_000.0
"""When every harness begins: 15 January 2027, 08:00 UTC."""
LOST = TransportError("answer", "the connection broke while the answer was awaited")
UNSENT = TransportError("connect", "connection refused")


class UnbalancedError(AssertionError):
    """The books of the engine do not add up."""


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


class Harness:
    """A process of the group, in the hands of a test."""

    def __init__(
        self, configuration: Configuration, *, world: World | None = None, clock: Clock | None = None,
        options: EngineOptions | None = None, assigned: Sequence[int] = (0, 1),
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.configuration = configuration
        self.world = world or World()
        self.clock = clock or Clock()
        self.options = options or EngineOptions(partitions=self.world.partitions)
        self.transport = FakeTransport(self.clock, self.world)
        self.committer = FakeCommitter(self.world)
        self.source = FakeSource()
        self.told: list[tuple[str, Any, Any]] = []
        self.metrics = Metrics()
        self._chance = chance
        self.engine = Engine(
            options=self.options, transport=self.transport, committer=self.committer, codec=CODEC,
            metrics=Counts(self.metrics), report=lambda *told: self.told.append(told), chance=chance,
            nonce=lambda: "nonce", partition_of=partition_of, stored=AttributesState)
        self.engine.configure(configuration)
        self.loop = Loop(self.engine, self.source, self.clock, _is_end, lambda _loop: None)
        self.loop.begin()
        self._epoch = 0
        self._fed: dict[tuple[str, int], int] = {}
        if assigned:
            self.assign(*assigned)

    # the group

    def assign(self, *numbers: int) -> None:
        """Partitions are given to this process, and restored."""
        self._epoch += 1
        for number in numbers:
            store = MemoryStore(self.world, number)
            starts = self.world.starts(number)
            chains = sorted(self.world.chains(number).items())
            self.source.controls.append(Restored(
                number, self._epoch, store, starts, chains, self.world.told.get(number, "")))
            self._fed.update({(topic, number): at for topic, at in starts.items()})
        self.source.controls.append(Metadata(f"metadata {self._epoch}"))
        self.turn()
        if self.committer.automatic and not all(one.reach.below for one in self.loop.partitions.values()):
            self.advance(self.options.checkpoint_gap)  # nothing is begun before it is durable that it may be
        self.feed()

    def revoke(self, *numbers: int) -> threading.Event:
        """Partitions are about to leave; the returned event is set once they may."""
        done = threading.Event()
        self._epoch += 1
        self.source.controls.append(Revoking(frozenset(numbers), done))
        self.turn()
        return done

    def lose(self, *numbers: int) -> None:
        """Partitions belong to others already."""
        self._epoch += 1
        self.source.controls.append(Lost(frozenset(numbers), threading.Event()))
        self.turn()

    def give_metadata(self) -> None:
        """The consumer thread answers the loop's wish for the group's metadata."""
        self.source.metadata_wanted = 0
        self.source.controls.append(Metadata(f"metadata {self._epoch}"))
        self.turn()

    def crash(self, *, assigned: Sequence[int] = (0, 1), configuration: Configuration | None = None) -> Harness:
        """Another process takes over what was durable; this one is not to be used any more."""
        return Harness(configuration or self.configuration, world=self.world, clock=self.clock, options=self.options,
                       assigned=assigned, chance=self._chance)

    # what comes in

    def publish(self, *events: Event) -> None:
        """Publish interactions and let the engine take them."""
        for one in events:
            self.world.publish(one, self.clock.now)
        self.feed()

    def accept(self, event_id: str, user_id: str = "ann0", prompt_id: str = "p", **more: Any) -> None:
        """Publish one accepted prompt, just now."""
        self.publish(event(event_id, user_id, prompt_id, self.clock.now, **more))

    def sync(self, user_id: str, **attributes: Value) -> None:
        """Sync attributes of a user."""
        self.world.sync("app", user_id, attributes, self.clock.now)
        self.feed()

    def replay(self, replay: Replay) -> None:
        """Ask for a replay."""
        self.world.ask_replay(replay, self.clock.now)
        self.feed()

    def feed(self, *, ends: bool = True) -> None:
        """Hand over what was published since, attributes first, and turn the loop."""
        for topic in (TOPICS.attributes, TOPICS.interactions, TOPICS.replays):
            for number in sorted(self.loop.partitions):
                self._feed(topic, number, ends=ends)
        self._take_all()

    def _feed(self, topic: str, number: int, *, ends: bool) -> None:
        log, at = self.world.logs[topic, number], self._fed.get((topic, number), 0)
        if (topic, number) not in self.source.resumed:
            return
        messages = log[at:]
        self._fed[topic, number] = len(log)
        if ends and topic == TOPICS.attributes:
            messages = [*messages, Message(topic, number, len(log), error=EndOfPartition())]
        if messages:
            self.deliver(*messages)
        if ends and topic == TOPICS.attributes:
            self._take_all()

    def _take_all(self) -> None:
        """Turn until all batches are taken, or until there is no room for more."""
        self.turn()
        before = -1
        while self.source.batches and before != self.source.taken_batches:
            before = self.source.taken_batches
            self.turn()

    def deliver(self, *messages: Message, epoch: int | None = None, ends: Mapping[int, int] = NO_ENDS) -> None:
        """A batch as the consumer thread hands it over; `ends` are of the attributes, by partition."""
        self.source.batches.append(Batch(self._epoch if epoch is None else epoch, messages, ends))

    # time and answers

    def turn(self, times: int = 2) -> None:
        """Turn the loop, and see that the books balance after each turn."""
        for _ in range(times):
            self.loop.turn()
            if not self.balance.balanced:
                raise UnbalancedError(str(self.balance))

    def advance(self, seconds: float) -> None:
        """Let time pass, from one thing that is due to the next."""
        target = self.clock.now + seconds
        while self.clock.now < target:
            engine = self.engine
            due = min(engine.timers.next_due(), engine.checkpoints.due(self.clock.now, self.loop.partitions))
            self.clock.now = min(target, max(due, self.clock.now + 1e-3))
            self.turn(1)
        self.turn()

    def jump(self, seconds: float) -> None:
        """Let time pass without a turn: the process was stopped."""
        self.clock.now += seconds

    def checkpoint(self) -> None:
        """Let what happened become durable, where checkpoints commit by themselves."""
        self.advance(self.options.checkpoint_interval * 2)

    @property
    def calls(self) -> list[Sent]:
        """Calls that wait for their answer, oldest first."""
        return self.transport.open

    @property
    def lines(self) -> list[str]:
        """Calls that wait for their answer: `POST alpha/key/e1`."""
        return [one.line for one in self.calls]

    @property
    def sent(self) -> list[str]:
        """All calls ever begun by this process."""
        return [one.line for one in self.transport.sent]

    def call(self, line: str = "") -> Sent:
        """The open call whose line ends so; without one, the only open call."""
        found = [one for one in self.calls if one.line.endswith(line)]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} open calls end with '{line}': {self.lines}")
        return found[0]

    def answer(
        self, line: str = "", answer: int | Response | TransportError = 200, json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer one call and turn the loop."""
        self.transport.answer(self.call(line), answer, json, headers)
        self.turn()

    def settle(self, seconds: float = 0.0, limit: int = 1000) -> None:
        """Answer every call by a 200 until none is open; then let time pass and do it again."""
        for _ in range(limit):
            while self.calls:
                self.transport.answer(self.calls[0], 200, {"token": "t"})
                self.turn()
            if seconds <= 0.0:
                break
            step = min(seconds, 1.0)
            seconds -= step
            self.advance(step)
        self.checkpoint()

    # what is to be seen

    @property
    def balance(self) -> Balance:
        """The books."""
        return self.engine.books.balance()

    def gate(self, connector_id: str, app_id: str = "app") -> Any:
        """What calls of an app to a connector share."""
        return self.engine.plans.gates[app_id, connector_id]

    def outcomes(self, event_id: str = "") -> list[tuple[str, str, str]]:
        """Durable outcomes: (binding, outcome, reason)."""
        return [(one.binding_id, one.outcome, one.reason) for one in self.world.results(event_id)]


def _is_end(message: Message) -> bool:
    return isinstance(message.error(), EndOfPartition)
