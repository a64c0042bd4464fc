"""Runs the demo from start to end: set up, sync, stream, settle, stop, look back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from processor.demo import trouble
from processor.demo.closing import closing
from processor.demo.face import Face, View
from processor.demo.people import Person, crowd
from processor.demo.pulse import Pulse, pulse
from processor.demo.records import Source, read_back, save
from processor.demo.script import Cue, Writer, rush, stream
from processor.demo.stage import Running, Stage, Wish, stage
from processor.demo.tally import Tally
from processor.demo.verdict import Evidence, verdict

PEOPLE = 120
TURN = 0.1
READY_SECONDS = 45.0
SETTLE_SECONDS = 60.0
"""What was published ends well within this, whatever the seed."""
TAIL = 5.0
"""At the end of the time asked for, nothing new is published."""
CUT = 2
"""So many requests to end leave what is open to the next start."""
GENTLE = 4.0
"""Events a second once the scripted part is over, with --keep."""


class DemoError(Exception):
    """The demo could not be shown."""


@dataclass
class Interrupts:
    """How often the user asked for the end: once lets all come to its end, twice cuts that short."""

    count: int = 0

    def __call__(self, *_signal: object) -> None:
        """Ask once more; a signal handler."""
        self.count += 1


def show(wish: Wish, face: Callable[[], Face], say: Callable[[str], None], interrupts: Interrupts) -> bool:
    """Show it all; whether every promise was kept. Raises DemoError where it cannot be shown."""
    with stage(wish) as stand:
        return Show(wish, stand, face(), interrupts).run(say)


class Show:
    """One showing."""

    def __init__(self, wish: Wish, stand: Stage, face: Face, interrupts: Interrupts) -> None:
        self._wish = wish
        self._stand = stand
        self._face = face
        self._interrupts = interrupts
        self._began = time.monotonic()
        self._tally = Tally(stand.configuration)
        self._running = Running(stand.settings, stand.source, self._tally.heard)
        self._source = Source(stand.settings, self._tally)
        self._control = stand.vendors.control()
        self._phase = "starting"
        self._last = Pulse()
        self._address = ""

    def run(self, say: Callable[[str], None]) -> bool:
        """From start to end."""
        try:
            refused, complete = self._play()
        finally:
            self._face.close()
            self._running.service.stop()
        return self._look_back(refused, say, complete=complete)

    def _play(self) -> tuple[int, bool]:
        rng = Random(self._wish.seed)  # noqa: S311  a made-up world, not a secret
        people = crowd(rng, PEOPLE)
        trouble.prepare(self._control)
        self._start(people)
        self._offer()
        self._publish(rng, people)
        refused = self._source.finish()
        complete = self._settle()
        self._phase = "stopping"
        if not complete:
            self._running.service.stop()  # the second time, which `stop` below makes it, cuts the drain short
        self._running.stop(self._turn)
        if self._running.alive:
            raise DemoError(f"the processor did not stop; its log: {self._stand.log_file}")
        return refused, complete

    def _start(self, people: Sequence[Person]) -> None:
        """Sync attributes first, then let the processor take them up."""
        self._phase = f"syncing attributes of {len(people)} users"
        for person in [*people, *trouble.cast()]:
            self._source.sync(person)
        self._source.finish()
        self._running.start()
        self._phase = "processor starts: restores, reads attributes"
        self._wait(lambda: self._running.ready, READY_SECONDS, "the processor was not ready")

    def _offer(self) -> None:
        """Say where the console is, and how one gets in."""
        offer = self._stand.offer
        if offer is not None:
            at = time.monotonic() - self._began
            self._face.note(at, f"console {offer.address}  {offer.email}  password {offer.password}")

    def _notice_changes(self) -> None:
        """What was promised by another configuration is promised no more."""
        store = self._stand.store
        if store is not None and not self._tally.reconfigured:
            digests = {name: store.outline(name, 1)[0].digest for name in store.names()}
            if digests != {name: app.version for name, app in self._stand.configuration.apps.items()}:
                self._tally.forget_promises()

    def _wait(self, until: Callable[[], bool], seconds: float, complaint: str) -> None:
        deadline = time.monotonic() + seconds
        while not until() and not self._interrupts.count:
            if time.monotonic() > deadline:
                raise DemoError(f"{complaint} within {seconds:g} s")
            self._turn()

    def _publish(self, rng: Random, people: Sequence[Person]) -> None:
        """Play the script and the stream; with --keep, a gentle stream without end behind it."""
        seconds = max(self._wish.seconds - TAIL, 1.0)
        writer = Writer(rng, time.time(), f"demo-{uuid4().hex[:6]}")
        cues = sorted([*trouble.script(writer, seconds), *stream(writer, rng, people, seconds, self._wish.rate),
                       *rush(writer, people, seconds)], key=lambda cue: cue.at)
        began, outage = time.monotonic(), trouble.Outage(self._control, seconds)
        self._phase = "users answer their prompts"
        for cue in self._endless(cues, writer, rng, people):
            while (at := time.monotonic() - began) < cue.at and not self._interrupts.count:
                self._turn(outage.turn(at))
            if self._interrupts.count:
                break
            self._source.play(cue)
        while outage.state == "down" and not self._interrupts.count:
            self._turn(outage.turn(time.monotonic() - began))
        self._turn(outage.end())

    def _endless(self, cues: Sequence[Cue], writer: Writer, rng: Random, people: Sequence[Person]) -> Iterator[Cue]:
        yield from cues
        at = cues[-1].at
        while self._wish.keep:
            at += rng.expovariate(min(GENTLE, self._wish.rate))
            yield Cue(at, "event", writer.event(*writer.choose(people), at))

    def _settle(self) -> bool:
        """Let everything come to its end; whether it was given the time for it."""
        again = " (Ctrl-C again cuts it short)" if self._interrupts.count else ""
        self._phase = f"what is open comes to its end{again}"
        deadline = time.monotonic() + SETTLE_SECONDS
        while not self._tally.settled and time.monotonic() < deadline and self._interrupts.count < CUT:
            self._turn()
        return self._interrupts.count < CUT

    def _turn(self, news: str = "") -> None:
        """One tenth of a second: take in what the processor told, and show it."""
        error = self._running.error
        if error is not None:
            raise DemoError(f"the processor ended: {type(error).__name__}: {error}") from error
        at = time.monotonic() - self._began
        self._notice_changes()
        if news:
            self._face.note(at, news)
        for facts in self._tally.news():
            self._face.heard(at, facts)
        self._face.turn(self._view())
        time.sleep(TURN)

    def _view(self) -> View:
        self._address = self._running.address or self._address
        self._last = pulse(self._running.service)
        return View(self._phase, time.monotonic() - self._began, self._tally, self._last, self._stand.home.says,
                    self._address)

    def _look_back(self, refused: int, say: Callable[[str], None], *, complete: bool) -> bool:
        """Read back what was written, hold it against the promises, and tell."""
        engine = self._running.service.engine
        if engine is None:
            say("Ended before the processor began.")
            return True
        for _ in self._tally.news():
            pass
        written = read_back(self._stand.home)
        if self._wish.save is not None:
            save(written, self._wish.save)
        found = Evidence(self._tally, engine.books.balance(), written, self._control.ledger(), complete, refused)
        checks = verdict(found)
        for line in closing(self._stand, self._wish, self._view(), found, checks):
            say(line)
        return all(one.good for one in checks)
