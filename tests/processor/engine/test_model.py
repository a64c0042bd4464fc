"""Whatever happens in whatever order, the promises hold: told by a model that knows nothing of the engine's inside."""

import os
from collections import defaultdict
from dataclasses import dataclass, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from connectors.kit.http import Response
from processor.engine.circuit import CircuitPolicy
from processor.engine.options import EngineOptions
from processor.engine.retry import RetryPolicy
from processor.model.replay import Replay
from testkit.engine.harness import LOST, UNSENT, Clock, Harness
from testkit.engine.ports import Sent
from testkit.engine.vendors import Bind, configuration, event
from testkit.engine.world import TOPICS, World

EXAMPLES = int(os.environ.get("ENGINE_MODEL_EXAMPLES", "300"))
USERS = ("ann0", "bob1", "cat0")
PROMPTS: dict[str, list[Bind]] = {
    "coupon": [Bind("alpha.key"), Bind("beta.never", on_error="continue"), Bind("gamma.harmless")],
    "ticket": [Bind("beta.look"), Bind("alpha.never")],
    "pause": [Bind("gamma.needs", on_error="continue"), Bind("alpha.twice")],
    "mail": [Bind("beta.never", order="overtake"), Bind("alpha.tokened")],
    "offer": [Bind("gamma.key"), Bind("gamma.instruct"), Bind("beta.key", max_age=50.0)],
}
OPTIONS = EngineOptions(
    partitions=2, join_grace=30.0, park_after=2.0, misconfigured_grace=400.0, misconfigured_pause=10.0, drain=5.0,
    stall=1e6, retry=RetryPolicy(0.5, 20.0, 3, 60.0, 30.0), circuit=CircuitPolicy(20.0, 4, 0.5, 2.0, 10.0),
)
EVENTS = st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(sorted(PROMPTS))), min_size=1, max_size=6)
ANSWERS = {
    "ok": 200, "bad": 400, "boom": 500, "busy": 503, "slow": 429, "denied": 403, "lost": LOST, "unsent": UNSENT,
}
UNKNOWN = {"boom", "lost", "cut"}
"""Ends of a call after which nobody knows whether the vendor did it."""
ONCE = {"never", "first", "second"}
"""Paths of effects that must not be repeated."""


EXPORT = "mix.events"
REPLAYED = "replayed"
"""In the model's log: from here on the event runs again because somebody asked for it."""


def configured(version="v", secret="s"):
    return configuration(PROMPTS, exports=["mix"], version=version, secret=secret)


@dataclass
class Called:
    """One call as the vendor and the model saw it."""

    connector: str
    method: str
    action: str
    event_id: str
    life: int
    key: str
    end: str = ""


@dataclass
class Published:
    """An event as the model knows it."""

    event_id: str
    user_id: str
    prompt: str
    place: tuple[int, int]
    """Partition and offset of its first message."""
    at: float
    had_email: bool


class EngineMachine(RuleBasedStateMachine):
    """Events, answers, faults, crashes and rebalances in any order."""

    options = OPTIONS

    @initialize()
    def begin(self):
        self.world, self.clock = World(), Clock()
        self.configuration = configured()
        self.process = Harness(self.configuration, world=self.world, clock=self.clock, options=self.options)
        self.life = 0
        self.events: dict[str, Published] = {}
        self.emails: set[str] = set()
        self.calls: dict[int, Called] = {}
        self.log: list[Called] = []
        self.done: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self.open_events: set[str] = set()
        self.replays: dict[str, list[str]] = {}
        """By event: binding ids that its one replay is to run."""

    # what comes in

    @rule(some=EVENTS)
    def accept_some(self, some):
        self.accept(some)

    def accept(self, some):
        for user, prompt in some:
            self._accept(user, prompt)
        self.process.feed()

    def _accept(self, user, prompt):
        name = f"e{len(self.events)}"
        message = self.world.publish(event(name, user, prompt, self.clock.now), self.clock.now)
        self.events[name] = Published(name, user, prompt, (message.partition(), message.offset()), self.clock.now,
                                      user in self.emails)
        self.open_events.add(name)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def publish_again(self, data):
        one = self.events[data.draw(st.sampled_from(sorted(self.events)))]
        self.world.publish(event(one.event_id, one.user_id, one.prompt, one.at), self.clock.now)
        self.process.feed()

    @rule(user=st.sampled_from(USERS))
    def sync(self, user):
        self.emails.add(user)
        self.process.sync(user, email=f"{user}@example.org")

    @rule(data=st.data())
    def ask_for_a_replay(self, data):
        """Of an event whose chain, or export, ended in a dead letter; each event once."""
        letters = {one.event_id: one for one in self.world.letters() if one.event_id not in self.replays}
        if not letters:
            return
        letter = letters[data.draw(st.sampled_from(sorted(letters)))]
        self._learn()
        self.replays[letter.event_id] = sorted(letter.remaining)
        self.log.append(Called("", "", REPLAYED, letter.event_id, self.life, "", ""))
        self.process.replay(Replay("app", letter.user_id, letter.event_id, 1, letter.origin, letter.receipts,
                                   letter.remaining, False, "olga", 0))

    # what vendors do

    def _learn(self):
        """Note the calls that the engine has begun since."""
        for sent in self.process.transport.sent[self._known():]:
            _, action, *rest = sent.path.partition("?")[0].split("/")
            called = Called(sent.host.partition(".")[0], sent.signed.method, action, rest[0] if rest else "",
                            self.life, sent.headers.get("Idempotency-Key", ""))
            self.calls[id(sent)] = called
            self.log.append(called)
            sent.model = called

    def _known(self):
        count = getattr(self.process, "model_known", 0)
        self.process.model_known = len(self.process.transport.sent)
        return count

    def _answer(self, sent: Sent, end: str, *, happened: bool):
        called = sent.model
        answer = ANSWERS[end]
        place = (called.connector, called.action, called.event_id)
        if called.action == "look" and called.method == "GET" and end == "ok":
            answer = Response(200 if self.done[place] else 404)
        elif called.action == "token" and end == "ok":
            answer = Response(200, None, b'{"token": "t"}')
        called.end = end
        self._effect(called, end == "ok" or (happened and end in UNKNOWN))
        self.process.transport.answer(sent, answer)
        self.process.turn()

    def _effect(self, called, happened):
        if happened and called.method == "POST":
            self.done[called.connector, called.action, called.event_id] += 1

    @precondition(lambda self: self.process.calls)
    @rule(some=st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["ok", "ok", "ok", *sorted(ANSWERS)]), st.booleans()),
        min_size=1, max_size=6))
    def answer(self, some):
        for which, end, happened in some:
            self._learn()
            if self.process.calls:
                self._answer(self.process.calls[which % len(self.process.calls)], end, happened=happened)

    @precondition(lambda self: self.process.calls)
    @rule(end=st.sampled_from(["ok", "ok", "ok", "ok", *sorted(ANSWERS)]), happened=st.booleans(),
          times=st.integers(1, 4))
    def answer_all_alike(self, end, happened, times):
        self._answer_all(end, times, happened=happened)

    def _answer_all(self, end, times, *, happened=True):
        for _ in range(times):
            self._learn()
            for sent in list(self.process.calls):
                if sent in self.process.calls:
                    self._answer(sent, end, happened=happened)
                    self._learn()
            self.process.advance(0.01)

    # time and durability

    @rule(seconds=st.sampled_from([0.01, 0.2, 1.0, 3.0, 11.0, 40.0]))
    def advance(self, seconds):
        self.process.advance(min(seconds, 1.0))
        for _ in range(int(seconds)):
            self.clock.now += 1.0
            self.process.turn(1)

    @rule(what=st.sampled_from(["hold", "committed", "aborted", "automatic"]))
    def checkpoints(self, what):
        if what == "hold":
            self.process.committer.automatic = False
        elif what == "automatic":
            self._let_checkpoints_go()
        else:
            self._end_checkpoint(what)

    def _end_checkpoint(self, result):
        if self.process.committer.under_way is not None:
            self.process.committer.finish(result)
            self.process.turn()
        if self.process.source.metadata_wanted:
            self.process.give_metadata()

    def _let_checkpoints_go(self):
        self._end_checkpoint("committed")
        self.process.committer.automatic = True

    # crashes and rebalances

    @rule(what=st.sampled_from(["crash", "revoke", "revoke", "lose"]), number=st.sampled_from([0, 1]),
          one=st.booleans(), done=st.booleans(), some=EVENTS, rounds=st.integers(0, 3))
    def upheaval(self, what, number, one, done, some, rounds):
        """The process, or a partition, goes in the middle of something."""
        self.accept(some)
        self._answer_all("ok", rounds)
        if what == "crash":
            self._crash(happened=one, done=done)
        elif what == "revoke":
            self._revoke(number, waits=one, done=done)
        else:
            self._lose(number, done=done)

    def _crash(self, *, happened, done):
        """The process is killed; a checkpoint under way, and calls in flight, may have happened or not."""
        self._learn()
        if self.process.committer.under_way is not None:
            self.process.committer.finish("lost", happened=happened)
        for sent in self.process.calls:
            sent.model.end = "cut"
            self._effect(sent.model, done)
        self.life += 1
        self.process = self.process.crash()

    def _revoke(self, number, *, waits, done):
        """A partition leaves and comes back; calls in flight are answered within the drain, or cut."""
        self._learn()
        self._let_checkpoints_go()
        mine = [one for one in self.process.calls if getattr(one.ticket.home, "number", None) == number]
        may_go = self.process.revoke(number)
        self._learn()
        begun = len(self.log)
        for sent in mine:
            if waits and sent in self.process.calls:
                self._answer(sent, "ok", happened=True)
                self._drain_flow(number)
        for _ in range(8):
            self.clock.now += 1.0
            self.process.turn()
        self._learn()
        assert may_go.is_set(), "the partition never left"
        assert all(one.action in ("first", "second", "end", "look", "token", "import") or not self._of(one, number)
                   for one in self.log[begun:]), "something began while the partition left"
        for sent in self.process.transport.cut:
            if not sent.model.end:
                sent.model.end = "cut"
                self._effect(sent.model, done)
        self.life += 1
        self.process.assign(number)

    def _of(self, called, number):
        return called.event_id in self.events and self.events[called.event_id].place[0] == number

    def _drain_flow(self, number):
        """Flows that have changed something go on to their end."""
        self._learn()
        while more := [one for one in self.process.calls if getattr(one.ticket.home, "number", None) == number
                       and not one.model.end and one.ticket.effect_done]:
            self._answer(more[0], "ok", happened=True)
            self._learn()

    def _lose(self, number, *, done):
        """A partition belongs to another process already; what it had in flight comes to nothing here."""
        self._learn()
        self.process.lose(number)
        for sent in list(self.process.calls):
            if sent.ticket.gone:
                sent.model.end = "cut"
                self._effect(sent.model, done)
                self.process.transport.answer(sent, LOST)
        self.process.turn()
        if self.process.committer.under_way is not None:
            self._end_checkpoint("aborted")
        self.life += 1
        self.process.assign(number)

    @rule()
    def change_configuration(self):
        self.process.engine.configure(configured(f"v{self.life}", f"s{len(self.log)}"))
        self.process.turn()

    # promises, at any time

    @invariant()
    def no_offset_passes_an_event_that_is_not_safe(self):
        results = self.world.results()
        chains = self.world.chains()
        ended = defaultdict(set)
        for one in results:
            ended[one.event_id].add(one.binding_id)
        for name in sorted(self.open_events):
            one = self.events[name]
            chain_open = len(ended[name] - {EXPORT}) < len(PROMPTS[one.prompt])
            export_open = EXPORT not in ended[name]
            if not chain_open and not export_open:
                self.open_events.discard(name)
            elif self.world.committed.get((TOPICS.interactions, one.place[0]), 0) > one.place[1]:
                assert not chain_open or f"app:{name}" in chains, f"{name} was passed by the committed offset"
                assert not export_open or f"app:{name}#exports" in chains, f"export of {name} was passed"

    @invariant()
    def what_must_not_be_repeated_is_not(self):
        self._learn()
        sure = defaultdict(bool)
        for one in self.log:
            if one.action == REPLAYED:
                for place in [place for place in sure if place[2] == one.event_id]:
                    sure[place] = False
            elif one.action in ONCE:
                place = (one.connector, one.action, one.event_id)
                assert not sure[place], f"{place} was sent again"
                sure[place] = one.end in {"", "ok", "bad"} | UNKNOWN
        assert all(count <= 1 for (_, action, _), count in self.done.items() if action == "look")

    # and in the end

    def teardown(self):
        if hasattr(self, "process"):
            self._settle()
            self._check_outcomes()
            self._check_letters()
            self._check_order()
            self._check_keys()

    def _settle(self):
        self._let_checkpoints_go()
        for _ in range(60 + self.process.balance.events_in):  # those of one user end one after another
            for _ in range(200):
                self._learn()
                if not self.process.calls:
                    break
                self._answer(self.process.calls[0], "ok", happened=True)
            books = self.process.balance
            held = any(one.held for one in self.process.loop.partitions.values())  # until it is durable that they may
            if not (books.in_flight or books.parked or self.process.calls or held):
                break
            for _ in range(10):
                self.clock.now += 1.0
                self.process.turn(1)
        self.process.checkpoint()
        self.no_offset_passes_an_event_that_is_not_safe()
        self.what_must_not_be_repeated_is_not()
        books = self.process.balance
        assert (books.in_flight, books.parked, books.open_bindings) == (0, 0, 0), f"not settled: {books}"
        assert not self.world.chains(), f"chain records stay: {sorted(self.world.chains())}"
        assert self.process.engine.events.bytes == 0
        self._check_window()
        gates = self.process.engine.plans.gates.values()
        assert all(gate.busy == 0 and not gate.queued and not gate.waiting for gate in gates)
        for (topic, number), log in self.world.logs.items():
            assert self.world.committed.get((topic, number), 0) == len(log), f"{topic} {number} is not finished"

    def _check_window(self):
        """Nothing is left on a shelf, nor counted that is not there."""
        assert self.process.engine.parking.shelving.known == 0
        for partition in self.process.loop.partitions.values():
            shelf = partition.shelf
            shelf.make_room(0)
            assert (shelf.filed, shelf.away, shelf.bindings, shelf.loaded) == (0, 0, 0, {})
            assert not any(shelf.causes.values())
            assert not partition.store.index.notes, f"notes stay: {sorted(partition.store.index.notes)}"

    def _check_outcomes(self):
        found = defaultdict(list)
        for one in self.world.results():
            found[one.event_id, one.run, one.binding_id == EXPORT].append(one)
        expected = {(name, 0, export) for name in self.events for export in (False, True)}
        expected |= {(name, 1, one == EXPORT) for name, bindings in self.replays.items() for one in bindings}
        assert set(found) == expected
        for (name, run, export), results in found.items():
            ids = [one.binding_id for one in results]
            if export:
                assert ids == [EXPORT]
            elif run:
                assert sorted(ids) == self.replays[name]
            else:
                self._check_chain(self.events[name], results)

    def _check_chain(self, published, results):
        bindings = PROMPTS[published.prompt]
        assert [one.binding_id for one in results] == [one.action for one in bindings]
        stopped = False
        for binding, one in zip(bindings, results, strict=True):
            assert (one.outcome == "skipped") == stopped, f"{one}"
            stopped = stopped or (one.outcome == "failed" and binding.on_error == "stop")
            self._check_outcome(published, binding.action, one)

    def _check_outcome(self, published, action, one):
        connector, _, name = action.partition(".")
        paths = {"twice": ("second",)}.get(name, (name,))
        ends = {call.end for call in self.log
                if call.connector == connector and call.action in paths and call.event_id == published.event_id}
        if one.outcome == "succeeded":
            assert "ok" in ends or name == "instruct"
        if one.reason == "rejected":
            assert "bad" in {call.end for call in self.log if call.event_id == published.event_id}
        if one.reason == "in_doubt":
            assert name in ("never", "twice"), f"{name} can be repeated"
        if one.reason == "missing_attributes":
            assert name == "needs"
            assert not published.had_email
        if one.outcome == "expired":
            assert action == "beta.key"

    def _check_letters(self):
        failed = {(one.event_id, one.run, one.binding_id == EXPORT)
                  for one in self.world.results() if one.outcome == "failed"}
        letters = [(one.event_id, one.run, one.failures[0].binding_id == EXPORT) for one in self.world.letters()
                   if one.failures]
        assert sorted(letters) == sorted(failed)

    def _check_order(self):
        for user in USERS:
            mine = sorted((one.place[1], name) for name, one in self.events.items() if one.user_id == user)
            for connector in ("alpha", "beta", "gamma"):
                self._check_calls_in_order(connector, [name for _, name in mine])

    def _check_calls_in_order(self, connector, names):
        ranks = {name: rank for rank, name in enumerate(names)}
        highest: dict[int, int] = {}
        replayed = set()
        for one in self.log:
            if one.action == REPLAYED:
                replayed.add(one.event_id)
            if one.connector != connector or one.event_id not in ranks or one.event_id in replayed:
                continue
            if self.events[one.event_id].prompt == "mail" and connector == "beta":
                continue  # it may overtake
            rank = ranks[one.event_id]
            assert rank >= highest.get(one.life, 0), f"{one} came after a call of a later event"
            highest[one.life] = rank

    def _check_keys(self):
        keys = defaultdict(set)
        for one in self.log:
            if one.action == "key":
                keys[one.connector, one.event_id].add(one.key)
        assert all(len(found) == 1 and "" not in found for found in keys.values())


class NothingKept(EngineMachine):
    """Whatever is parked lies on disk alone as soon as its user is idle."""

    options = replace(OPTIONS, parked_in_memory=0)


class FewKept(EngineMachine):
    """Some are in memory, others not, also of the same user."""

    options = replace(OPTIONS, parked_in_memory=2)


SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=40, deadline=None, derandomize="ENGINE_MODEL_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
for machine in (EngineMachine, NothingKept, FewKept):
    machine.TestCase.settings = SETTINGS
TestTheEngineKeepsItsPromises = EngineMachine.TestCase
TestItKeepsThemWithNothingParkedInMemory = NothingKept.TestCase
TestItKeepsThemWithFewParkedInMemory = FewKept.TestCase
