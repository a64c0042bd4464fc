"""A vendor that is away for ten minutes costs nobody an attempt, loses nothing, and no other vendor notices it."""

from collections import defaultdict
from itertools import pairwise
from statistics import quantiles

import pytest

from testkit.engine.harness import LOST, UNSENT, Harness
from testkit.engine.vendors import configuration, event

MINUTES = 10
EVENTS = 10_000
"""Published evenly while the vendor is away."""
EVERY = MINUTES * 60 / EVENTS
USERS = 400
TAKES = 0.05
"""Seconds after which a vendor answers."""
SLOW = 20.0
"""The same of a vendor that answers slowly; with a hundred calls at once it takes half of what comes."""
CHAINS = {"calm": ["calm.key"], "away": ["away.key"], "both": ["calm.key", "away.key"]}
TURN = ("bystander", "away", "calm", "away", "bystander", "both", "away")
"""Of what kind the events are. A bystander's chains call the healthy vendor alone, the others' users have all kinds."""
AWAY = {
    "answers 503": (503, {}),
    "answers 429": (429, {"Retry-After": "20"}),
    "refuses our credentials": (401, {}),
    "takes no connection": (UNSENT, {}),
    "loses its answers": (LOST, {}),
}


class Outage:
    """Two vendors that answer after a while, one of which may be away; and what was seen at them."""

    def __init__(self, answer, headers, *, slow=TAKES):
        self.harness = Harness(configuration(CHAINS))
        self.away = False
        self._slow = slow
        self._answer_of_away = (answer, None, headers)
        self.published = {}
        self.latencies = defaultdict(list)
        """By phase and kind of user: seconds from an event's publishing to the healthy vendor's answer."""
        self.phase = ""
        self.effects = defaultdict(list)
        """By vendor: events whose call was answered well, in order."""
        self.refused = []
        """When the vendor that was away was called in vain."""
        self.most_in_flight = 0
        self.open_at = 0.0

    def publish(self, count):
        for _ in range(count):
            number = len(self.published)
            name, kind = f"e{number:05d}", TURN[number % len(TURN)]
            self.published[name] = self.harness.clock.now
            user = f"far{number % USERS}" if kind == "bystander" else f"ann{number % USERS}"
            prompt = "calm" if kind == "bystander" else kind
            self.harness.publish(event(name, user, prompt, self.harness.clock.now))
            self.pass_time(EVERY)

    def pass_time(self, seconds):
        """Let time pass, each call answered when it is due."""
        clock, transport = self.harness.clock, self.harness.transport
        end = clock.now + seconds
        while clock.now < end:
            next_answer = min(map(self._due, transport.open), default=end)
            self.harness.advance(min(end, max(next_answer, clock.now + 0.001)) - clock.now)
            for call in [one for one in transport.open if self._due(one) <= clock.now + 1e-6]:
                self._answer(call)
            self.most_in_flight = max(self.most_in_flight, self.harness.balance.in_flight)

    def _due(self, call):
        return call.at + (self._slow if self.away and call.host.startswith("away") else TAKES)

    def _answer(self, call):
        vendor, name = call.host.partition(".")[0], call.path.rpartition("/")[2]
        if vendor == "away" and self.away and self._slow == TAKES:
            self.refused.append(self.harness.clock.now)
            self.harness.transport.answer(call, *self._answer_of_away)
        else:
            self.effects[vendor].append(name)
            self.harness.transport.answer(call, 200)
        if vendor == "calm":
            bystander = TURN[int(name[1:]) % len(TURN)] == "bystander"
            self.latencies[self.phase, bystander].append(self.harness.clock.now - self.published[name])
        self.harness.turn(1)
        self.open_at = self.open_at or self.harness.gate("away").circuit.opened_at

    def percentile(self, phase, hundredth, *, bystander=True):
        return quantiles(self.latencies[phase, bystander], n=100)[hundredth - 1]


def through(run):
    """Two minutes in which all is well, ten in which a vendor is away, and what follows when it is back."""
    run.phase = "before"
    run.publish(2000)
    run.pass_time(2)
    began = run.harness.clock.now
    run.away, run.phase = True, "during"
    run.publish(EVENTS)
    assert run.harness.clock.now - began == pytest.approx(MINUTES * 60, abs=1)
    run.parked = run.harness.balance.parked
    run.ended_in_outage = {one.outcome for one in run.harness.world.results()}
    run.away, run.phase = False, "after"
    run.publish(2000)
    run.pass_time(30)
    run.harness.checkpoint()
    return run


def all_is_done(run):
    results = run.harness.world.results()
    kinds = [TURN[number % len(TURN)] for number in range(len(run.published))]
    wanted = sum(len(CHAINS["calm" if kind == "bystander" else kind]) for kind in kinds)
    assert len({(one.event_id, one.binding_id) for one in results}) == len(results) == wanted
    assert {(one.outcome, one.reason) for one in results} == {("succeeded", "")}
    assert not run.harness.world.letters()
    for names in run.effects.values():
        assert len(set(names)) == len(names)
    balance = run.harness.balance
    assert (balance.in_flight, balance.parked) == (0, 0)


def in_order(run):
    for names in run.effects.values():
        latest = {}
        for number in (int(name[1:]) for name in names):
            user = (TURN[number % len(TURN)] == "bystander", number % USERS)
            assert latest.get(user, -1) < number
            latest[user] = number


def undisturbed(run, phase, record_property):
    for hundredth in (50, 99):
        ratio = run.percentile(phase, hundredth) / run.percentile("before", hundredth)
        record_property(f"latency_ratio_{phase}_p{hundredth}", ratio)
        print(f"{phase}, p{hundredth}: {run.percentile(phase, hundredth) * 1000:.1f} ms, ratio {ratio:.3f}")  # noqa: T201
        assert ratio < 1.5


def no_attempts_were_used_up(run):
    """But of those whose failures opened the circuit: who came later has all of them left, though it probed."""
    results = [one for one in run.harness.world.results() if one.connector == "away"]
    assert max(one.attempts for one in results) < run.harness.options.retry.max_attempts
    repeated = [one.event_id for one in results if one.attempts > 1]
    assert all(run.published[name] <= run.open_at for name in repeated)


def was_not_stormed(run):
    """Nor left alone for longer than the longest pause."""
    opened = run.open_at or run.refused[0]
    late = [at for at in run.refused if at > opened + 30]
    assert 5 <= len(late) <= MINUTES * 60 / 5
    gaps = [later - earlier for earlier, later in pairwise(late)]
    assert max(gaps) <= run.harness.options.circuit.longest_pause * 1.2


@pytest.mark.parametrize("kind", AWAY)
def test_ten_minutes_without_a_vendor_cost_nobody_anything_but_time(kind, record_property):
    """One test a kind, since what it looks at takes seconds to come to pass."""
    run = through(Outage(*AWAY[kind]))
    assert run.parked > EVENTS * 4 // 7 - 10
    assert run.ended_in_outage == {"succeeded"}
    all_is_done(run)
    no_attempts_were_used_up(run)
    was_not_stormed(run)
    in_order(run)
    assert run.most_in_flight < run.harness.options.max_in_flight * 3 // 4 + USERS, "room for others, always"
    for phase in ("during", "after"):  # after: while what waited is worked off, users with nothing to be worked off
        undisturbed(run, phase, record_property)
    own = run.percentile("during", 99, bystander=False) / run.percentile("before", 99, bystander=False)
    assert own < 1.5


def test_a_vendor_that_is_slower_than_what_comes_disturbs_nobody_either(record_property):
    """Its calls do not take the room of all others: what waits for it is parked."""
    run = through(Outage(200, {}, slow=SLOW))
    assert run.parked > EVENTS // 10
    all_is_done(run)
    in_order(run)
    assert run.most_in_flight < run.harness.options.max_in_flight
    for phase in ("during", "after"):
        undisturbed(run, phase, record_property)
