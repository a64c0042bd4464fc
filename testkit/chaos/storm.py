"""A storm from its first event to its judgement."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from processor.engine.runner import outcome_id
from testkit.chaos.fleet import Fleet
from testkit.chaos.weather import VENDORS, Blow, storm
from testkit.crash import judging
from testkit.kafka.broker import Broker
from testkit.kafka.fresh import FreshTopics
from testkit.kafka.local import LocalKafka
from testkit.kafka.sessions import shorten
from testkit.processor import expected, judgement
from testkit.processor.doubts import explain
from testkit.processor.site import Site
from testkit.vendors import credentials
from testkit.vendors.client import Control
from testkit.vendors.server import VendorServer

SESSION = 3.0
KEEP = 2_000_000
CONTROL_SECONDS = 600.0
SETTINGS: Mapping[str, Any] = {
    "join_grace": 2, "retry__base": 0.05, "retry__cap": 0.5, "retry__park_after": 0.4, "drain": 5,
    "http__timeout": 3, "checkpoint__interval": 0.05, "checkpoint__transaction_timeout": 10,
    "flow__max_in_flight": 300, "log__level": "info",
}
CHUNK = 50
"""Events that are published together."""
UNREADABLE_EVERY = 20
"""Chunks after which there is a message that nobody can read."""
TURN = 0.02
LATER = 0.5
"""Seconds after which a kill that found nobody is tried again."""


class Plan(NamedTuple):
    """How large a storm is to be."""

    seed: int
    events: int
    kills: int
    seconds: float
    patience: float = 300.0
    """Seconds after the storm within which everything must have ended."""


class Account(NamedTuple):
    """What happened, and what was wrong."""

    plan: Plan
    counts: Mapping[str, int]
    seconds: float
    wrong: list[str]


def faults(vendors: Control) -> None:
    """What the model's vendors suffer anyhow, and the dear kinds: no answer at all, half of one, one byte at a time."""
    expected.faults(vendors)
    for vendor in VENDORS:
        if vendor != "sendgrid":  # whose answers have no body: half of it is all of it
            vendors.fault("half_body", vendor=vendor, share=0.002)
        vendors.fault("slow_body", vendor=vendor, gap=0.005, share=0.002)
        vendors.fault("silence", vendor=vendor, share=0.0005)


class Storm:
    """One storm in a folder of its own, with a broker and emulators that are its alone."""

    def __init__(self, plan: Plan, folder: Path, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._folder = folder
        self._say = say
        self._stack = ExitStack()
        self._published = self._unreadable = 0
        self._seen_at: list[float] = []
        """Wall time by which each result could be read, in the order of reading."""
        self._outages: list[tuple[float, int]] = []
        self._broker_back = 0.0
        self.done: Counter[str] = Counter()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self._kafka = enter(LocalKafka())
        server = enter(VendorServer(own_process=True, keep=KEEP))
        self.vendors = Control(server.base_url, CONTROL_SECONDS)
        self.vendors.reset(seed=self._plan.seed)
        broker = Broker(self._kafka.bootstrap_servers, "local", self._kafka)
        environ = dict(credentials.environment(server.base_url))
        self.site = Site(FreshTopics(broker, "storm"), self._folder, environ=environ, **SETTINGS)
        self._stack.callback(self.site.close)
        shorten(self.site.servers, self.site.group, SESSION)
        self._prepare()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._stack.close()

    def _prepare(self) -> None:
        plan = self._plan
        self.site.configure(expected.configuration(self.vendors.url))
        self.load = expected.load(plan.seed, plan.events, max(200, plan.events // 20), int(time.time() * 1000))
        expected.seed_vendors(self.vendors)
        faults(self.vendors)
        for app, synced in self.load.attributes.items():
            self.site.sync(app, synced)
        self.results = self._stack.enter_context(self.site.results())

    def odd(self) -> list[str]:
        """Ends of processors that nobody asked for: a start while the broker is away, for one."""
        return self._fleet.odd

    # the storm

    def rage(self) -> Account:
        """Everything: the storm, the calm after it, the judgement."""
        began = time.monotonic()
        fleet = self._fleet = Fleet(self.site, began)
        blows = storm(self._plan.seed, self._plan.kills, self._plan.seconds)
        while blows or self._published < len(self.load.events):
            self._turn(fleet, blows)
        self._say(f"the storm is over after {fleet.now():.0f} s: {_told(fleet.done + self.done)}")
        wrong = self._calm(fleet)
        wrong += self._judge(fleet)
        counts = fleet.done + self.done + Counter(events=self._published, outcomes=len(self._seen_at))
        return Account(self._plan, counts, time.monotonic() - began, wrong)

    def _turn(self, fleet: Fleet, blows: list[Blow]) -> None:
        now = fleet.now()
        if self._broker_back and now >= self._broker_back:
            self._broker_back = 0.0
            self._kafka.resume()
        fleet.tend()
        while blows and blows[0].at <= now:
            blow = blows.pop(0)
            if not self._strike(fleet, blow):
                bisect.insort(blows, blow._replace(at=now + LATER))
        for until, number in [one for one in self._outages if one[0] <= now]:
            self._outages.remove((until, number))
            self.vendors.clear(number)
        if not self._broker_back:
            self._publish(now)
            self._read()
        time.sleep(TURN)

    def _strike(self, fleet: Fleet, blow: Blow) -> bool:
        """Whether it struck: a kill that finds nobody waits."""
        if blow.kind == "kill":
            return fleet.kill(blow.slot, blow.lasts)
        self._strike_otherwise(fleet, blow)
        return True

    def _strike_otherwise(self, fleet: Fleet, blow: Blow) -> None:
        if blow.kind == "halt":
            fleet.halt(blow.slot, blow.lasts)
        elif blow.kind == "end":
            fleet.end(blow.slot, blow.lasts)
        elif blow.kind == "stop":
            fleet.end(blow.slot, float("inf"))
        elif blow.kind == "start":
            fleet.join(blow.slot)
        elif blow.kind == "outage":
            number = self.vendors.fault("answer", vendor=blow.vendor, status=503, retry_after=1)
            self._outages.append((fleet.now() + blow.lasts, number))
            self.done["outages of a vendor"] += 1
        else:
            self._strike_broker(blow, fleet)

    def _strike_broker(self, blow: Blow, fleet: Fleet) -> None:
        if self._broker_back:
            return
        if blow.kind == "broker_halt":
            self._kafka.pause()
            self._broker_back = fleet.now() + blow.lasts
            self.done["halts of the broker"] += 1
        else:
            self._kafka.restart(kill=True)
            self.done["kills of the broker"] += 1

    def _publish(self, now: float) -> None:
        """Evenly over the storm's time."""
        wanted = min(len(self.load.events), int(len(self.load.events) * now / self._plan.seconds))
        if wanted - self._published < CHUNK and wanted < len(self.load.events):
            return
        chunk = self.load.events[self._published:self._published + CHUNK]
        self.site.publish(*chunk)
        self._published += len(chunk)
        if self._published // CHUNK % UNREADABLE_EVERY == 0 and chunk:
            self.site.send("interactions", (b"x", b"no avro"), partition=self._unreadable % 4)
            self._unreadable += 1

    def _read(self) -> None:
        found, at = len(self.results.now(0.01)), time.time()
        self._seen_at += [at] * (found - len(self._seen_at))

    # the calm

    def _calm(self, fleet: Fleet) -> list[str]:
        """Nothing befalls anybody any more: all must end."""
        if self._broker_back:
            self._kafka.resume()
        for _, number in self._outages:
            self.vendors.clear(number)
        fleet.calm()
        end = time.monotonic() + self._plan.patience
        while not self._at_rest(fleet) and time.monotonic() < end:
            fleet.tend()
            self._read()
            time.sleep(0.1)
        self._say(f"calm after {fleet.now():.0f} s: {len(self._seen_at)} outcomes of {self.load.outcomes}")
        return fleet.end_all()

    def _at_rest(self, fleet: Fleet) -> bool:
        if len(self._seen_at) < self.load.outcomes:
            return False
        alive = [slot.process for slot in fleet.slots if slot.process is not None and slot.process.running]
        return bool(alive) and all(one.metric("books_events_in_flight") + one.metric("books_events_parked") == 0
                                   for one in alive)

    # the judgement

    def _judge(self, fleet: Fleet) -> list[str]:
        self._read()
        ended = [one.value for one in self.results.now(0.5)]
        blows = [*fleet.blows, *fleet.began_anew()]
        doubts = explain(ended, expected.calls(self.vendors).by_outcome, blows)
        self.done["in doubt by a vendor's fault"] = doubts.by_fault
        self.done["in doubt by a blow to the process that called"] = doubts.by_blow
        self.done["in doubt, marked and never sent"] = doubts.never_sent
        self.done["failed"] = sum(one.outcome == "failed" for one in ended)
        return [
            *judgement.wrongs(self.load, self.vendors, ended, killed=True, blows=blows), *doubts.unexplained,
            *self._done_again(fleet, ended), *judging.letters(self.site, ended, self._unreadable),
            *judging.books(self.site),
        ]

    def _done_again(self, fleet: Fleet, ended: list[Any]) -> list[str]:
        """Calls by processes that were started when the binding's result could be read already."""
        seen = expected.calls(self.vendors).by_outcome
        self.done["calls of bindings"] = sum(map(len, seen.values()))
        found = []
        for one, at in zip(ended, self._seen_at, strict=False):
            for request in seen.get(outcome_id(one.app_id, one.event_id, one.binding_id, 0), ()):
                name = request.headers.get("user-agent", "")
                if fleet.started.get(name, 0.0) > at:
                    found.append(f"{one.event_id} {one.binding_id} was called by {name}, which was started "
                                 f"{fleet.started[name] - at:.2f} s after its result could be read")
        return found


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())
