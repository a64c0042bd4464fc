"""One trial: a group with vendors of its own, whose process is ended at one point after another, and then judged."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from processor.engine.runner import outcome_id
from testkit.crash import judging
from testkit.crash.beside import APP, Beside
from testkit.crash.point import Point
from testkit.crash.provoked import PROVOKED
from testkit.kafka.broker import Broker
from testkit.kafka.fresh import FreshTopics
from testkit.kafka.sessions import shorten
from testkit.processor import apps, expected, judgement
from testkit.processor.doubts import Blow, explain
from testkit.processor.process import Processor
from testkit.processor.site import Site
from testkit.vendors import credentials
from testkit.vendors.client import Control
from testkit.vendors.server import VendorServer

EVENTS = 30
"""Published for each life."""
POOR = 3
"""Of those: such whose attributes never come."""
USERS = 40
SESSION = 2.5
LIFE_SECONDS = 60.0
QUICK: dict[str, Any] = {
    "join_grace": 1, "retry__base": 0.05, "retry__cap": 0.5, "retry__park_after": 0.3, "drain": 5,
    "http__timeout": 5, "checkpoint__interval": 0.05, "flow__max_in_flight": 50, "misconfigured_pause": 0.5,
}
"""Settings under which nothing takes as long as it would in earnest."""
OF_REPLAYS = frozenset({"Intake.replay", "Events.admit_replay"})
"""Steps to which a process comes by a replay only."""
VENDORS = ("custom_api", "sendgrid", "zendesk", "stripe", "mixpanel")


def trouble(vendors: Control) -> None:
    """One request in six meets trouble, so that few events come to every kind of wait."""
    for vendor in VENDORS:
        vendors.fault("answer", vendor=vendor, status=429, retry_after=1, share=0.03)
        vendors.fault("answer", vendor=vendor, status=503, retry_after=1, share=0.05)
        vendors.fault("answer", vendor=vendor, status=503, share=0.03)
        vendors.fault("reset", vendor=vendor, taken=False, share=0.02)
        vendors.fault("reset", vendor=vendor, taken=True, share=0.02)
        vendors.fault("delay", vendor=vendor, delay=0.2, share=0.04)
    vendors.fault("inner_error", vendor="custom_api", share=0.03)


def strike(vendors: Control) -> None:
    """What each life is to meet, that chance might spare it: a limit, a short and a long retry, a refusal."""
    vendors.fault("answer", vendor="custom_api", status=429, retry_after=1, times=1)
    vendors.fault("answer", vendor="custom_api", status=503, times=1)
    vendors.fault("answer", vendor="custom_api", status=503, retry_after=1, times=2)
    vendors.fault("inner_error", vendor="custom_api", times=1)


def the_load(seed: int, lives: int, now: int) -> expected.Load:
    """Events for all lives; each life has some that wait for attributes which never come."""
    drawn = expected.load(seed, lives * EVENTS, USERS, now)
    [poor] = [user for user in drawn.attributes["alpha"] if user.startswith("poor")][:1]
    events = list(drawn.events)
    for place in range(0, len(events), EVENTS):
        for number in range(place, place + POOR):
            events[number] = apps.event(number, poor, "account", "decline" if number % 2 else "accept", time=now)
    return drawn._replace(events=events)


def command(point: Point, *, stop: bool = False, noting: Path | None = None) -> Sequence[str]:
    """The command line of a processor that ends, or stands still, at a point; it may note its last call in a file."""
    more = [*(["--stop"] if stop else []), *(["--noting", str(noting)] if noting else [])]
    return [sys.executable, "-m", "testkit.crash", "--at", str(point), *more, "--", "run"]


class Trial:
    """Lives of one processor, and what came out of all of them together."""

    def __init__(self, broker: Broker, folder: Path, seed: int, lives: int) -> None:
        self._broker = broker
        self._folder = folder
        self._seed = seed
        self._lives = lives
        self._life = 0
        self._published = self._unreadable = 0
        self._stack = ExitStack()
        self._finished: list[tuple[int, set[expected.Key]]] = []
        """Life, and the bindings whose results could be read when it ended."""
        self.blows: list[Blow] = []
        """What befell the lives: all but the last."""
        self._guests: list[Processor] = []
        self.wrong: list[str] = []
        self.killed = self.in_doubt = 0

    def __enter__(self) -> Self:
        server = self._stack.enter_context(VendorServer(keep=200_000))
        self.vendors = server.control()
        self.vendors.reset(seed=self._seed)
        topics = FreshTopics(self._broker, f"crash-{uuid.uuid4().hex[:12]}")
        self._stack.callback(topics.remove)
        environ = dict(credentials.environment(server.base_url))
        self.site = Site(topics, self._folder, environ=environ, **QUICK)
        self._stack.callback(self.site.close)
        self.quick_sessions = shorten(self.site.servers, self.site.group, SESSION)
        self.beside = Beside(self.site, self.vendors)
        self._stack.callback(self.beside.close)
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._stack.close()

    def _begin(self) -> None:
        self.site.configure(expected.configuration(self.vendors.url))
        self.beside.configure()
        self.load = the_load(self._seed, self._lives + 1, int(time.time() * 1000))
        expected.seed_vendors(self.vendors)
        trouble(self.vendors)
        self._sync()
        self.results = self._stack.enter_context(self.site.results())

    # lives

    def processor(self, instance: str = "one") -> Processor:
        """A process whose requests tell which life sent them."""
        self._life += 1
        return self.site.processor(instance, http__user_agent=f"life-{self._life}")

    def _sync(self) -> None:
        """All users' attributes, again and again the same."""
        for app, synced in self.load.attributes.items():
            self.site.sync(app, synced)

    def publish(self, events: int = EVENTS, *, sync: bool = True) -> None:
        """The next events, attributes between them, and something that nobody can read."""
        if sync:
            strike(self.vendors)
            self._sync()
            self.beside.publish()
        self.site.publish(*self.load.events[self._published:self._published + events])
        self._published += events
        self.site.send("interactions", (b"x", b"no avro"), partition=self._published % 4)
        self._unreadable += 1

    @property
    def due(self) -> int:
        """Outcomes that there must be of what was published so far."""
        return self.load._replace(events=self.load.events[:self._published]).outcomes + self.beside.due

    def all_in(self) -> bool:
        """Whether these outcomes can be read."""
        return len(self.results.now(0.05)) >= self.due

    def kill_at(self, point: Point) -> None:
        """One life that ends at a point, while it works or, where the point lies there, while it ends."""
        if point.step.startswith(("Store.load", "Store.set_topic_ids")):
            self.site.forget_state()
        self.publish(EVENTS // 2)
        process = self.processor()
        life = self._life
        process.start(command(point))
        self.wait(lambda: not process.running or bool(process.said("partition_ready")))
        self.await_letter(point, lambda: not process.running)
        self.publish(EVENTS - EVENTS // 2)
        self.beside.configure()
        provoke = PROVOKED.get(point.step)
        if provoke is not None:
            provoke(self, process)
        self.wait(lambda: not process.running or self.all_in())
        if process.running:
            process.terminate()
            self.wait(lambda: not process.running)
        self._take_leave()
        self.befell(life)
        code = process.wait()
        if code == 0:
            self.wrong.append(f"{point} was never come to\n{process.last_words()}")
        elif code != -9:
            self.wrong.append(f"{point}: ended with exit code {code}\n{process.last_words()}")
        self.note_end()

    def await_letter(self, point: Point, over: Callable[[], bool]) -> None:
        """Where the point lies in a replay, have something that can be replayed: the life before may have left none."""
        if point.step in OF_REPLAYS:
            self.wait(lambda: over() or self.beside.has_letter(), 10)

    def leaves(self, guest: Processor) -> None:
        """Another process of this life, which ends in good order after the one that is ended at its point."""
        self._guests.append(guest)

    def _take_leave(self) -> None:
        for guest in self._guests:
            guest.end()
        self._guests.clear()

    def befell(self, life: int) -> None:
        """A life was killed, or stood still, at some time until now."""
        self.blows.append(Blow(f"life-{life}", 0.0, time.time()))

    def note_end(self) -> None:
        """A life ended, or stands still for good: what can be read now must never be done again."""
        found = {(one.value.app_id, one.value.event_id, one.value.binding_id) for one in self.results.now(0.3)}
        self._finished.append((self._life, found))

    def finish(self) -> None:
        """A last life that nobody disturbs, then the judgement."""
        self.publish(len(self.load.events) - self._published, sync=False)
        process = self.processor()
        process.start()
        try:
            self.wait(self.all_in)
            process.until(lambda: process.metric("books_events_in_flight") + process.metric("books_events_parked") == 0,
                          what="nothing is open")
            process.end()
        except AssertionError as error:
            self.wrong.append(str(error))
        self.judge()

    def wait(self, good: Callable[[], bool], seconds: float = LIFE_SECONDS) -> bool:
        """Until `good`; False where it is not in time, which the judgement will tell."""
        end = time.monotonic() + seconds
        while not good():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    # judgement

    def judge(self) -> None:
        """Compare with the model, the vendors' ledgers, the books and the dead letters."""
        read = [one.value for one in self.results.now(0.5)]
        self.wrong += self.beside.wrongs(read)
        ended = [one for one in read if one.app_id != APP]
        self.in_doubt = sum(one.reason == "in_doubt" for one in ended)
        self.wrong += explain(read, expected.calls(self.vendors).by_outcome, self.blows).unexplained
        self.wrong += judgement.wrongs(self.load, self.vendors, ended, killed=True, besides=self.beside.marks())
        self.wrong += self._done_again()
        self.wrong += [*judging.letters(self.site, ended, self._unreadable, besides=APP), *judging.books(self.site)]

    def _done_again(self) -> list[str]:
        seen = expected.calls(self.vendors).by_outcome
        return [f"{key} was called by {one.headers['user-agent']}, although its result could be read when life {life} "
                "ended" for life, keys in self._finished for key in keys
                for one in seen.get(outcome_id(*key, 0), ()) if _life(one.headers) > life]


def _life(headers: Any) -> int:
    name = str(headers.get("user-agent", ""))
    return int(name.removeprefix("life-")) if name.startswith("life-") else 0


def run(broker: Broker, folder: Path, seed: int, points: Sequence[Point]) -> Trial:
    """A trial whose lives end at these points, one after the other."""
    with Trial(broker, folder, seed, len(points)) as trial:
        for point in points:
            trial.kill_at(point)
        trial.finish()
    return trial
