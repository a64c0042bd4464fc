"""The processors of a storm: each in its slot, started again after every end, known to the vendors by name."""

from __future__ import annotations

import signal
import time
from collections import Counter

from testkit.chaos.weather import SLOTS
from testkit.processor.doubts import Blow
from testkit.processor.process import Processor
from testkit.processor.site import Site

TRIES_AGAIN = 1.0
"""Seconds after which one that ended by itself, as it does where the broker is away at its start, is started again."""
PATIENCE = 30.0
ASKED_FOR = (0, -signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of those that were ended; before it handles signals, SIGTERM ends a process as it ends any other."""
FEWEST = 2
"""Slots that are never left empty for good."""


class Slot:
    """Place of a processor; `due` is when it is to be started, infinity where it is not."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.lives = 0
        self.process: Processor | None = None
        self.due = 0.0
        self.halted_until = 0.0

    @property
    def name(self) -> str:
        """By which the vendors know its process."""
        return f"p{self.number}-{self.lives}"


class Fleet:
    """All slots."""

    def __init__(self, site: Site, began: float) -> None:
        self._site = site
        self.began = began
        self.slots = [Slot(number) for number in range(SLOTS)]
        self.slots[-1].due = float("inf")  # joins later
        self.started: dict[str, float] = {}
        """By name at the vendors: wall time of the start."""
        self.done: Counter[str] = Counter()
        """What was done to them, and what they did."""
        self.blows: list[Blow] = []
        """What befell them and may leave calls in doubt: an orderly end does not."""
        self.odd: list[str] = []
        """Ends that nobody asked for, with their last words."""

    def now(self) -> float:
        """Seconds since the storm began."""
        return time.monotonic() - self.began

    def tend(self) -> None:
        """Start what is due, wake what has stood still for long enough, notice who ended by itself."""
        now = self.now()
        for slot in self.slots:
            if slot.halted_until and now >= slot.halted_until:
                self._wake(slot)
            if slot.process is not None and not slot.process.running:
                self._ended(slot)
            if slot.process is None and now >= slot.due:
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        slot.lives += 1
        name = slot.name
        self.started[name] = time.time()
        slot.process = self._site.processor(f"p{slot.number}", http__user_agent=name)
        slot.process.start()
        self.done["starts"] += 1

    def _ended(self, slot: Slot) -> None:
        process: Processor = slot.process  # type: ignore[assignment]
        code = process.wait()
        if code not in ASKED_FOR:
            self.done["ended by itself"] += 1
            self.odd.append(f"{slot.name} ended with {code}\n{process.last_words()[-600:]}")
            self._note(slot)
        slot.process = None
        slot.due = max(slot.due, self.now() + TRIES_AGAIN) if code not in ASKED_FOR else slot.due

    def _wake(self, slot: Slot) -> None:
        slot.halted_until = 0.0
        if slot.process is not None and slot.process.running:
            slot.process.resume()

    def _note(self, slot: Slot, seconds: float = 0.0) -> None:
        now = time.time()
        self.blows.append(Blow(slot.name, now, now + seconds))

    def began_anew(self) -> list[Blow]:
        """Processes that lost what they had in memory by their own decision, as their logs tell."""
        return [Blow(name, at, at) for slot in self.slots if slot.process is not None
                for at in slot.process.times("beginning anew") for name in [self._life(slot.number, at)]]

    def _life(self, number: int, at: float) -> str:
        """The life of a slot at a moment."""
        lives = [(started, name) for name, started in self.started.items() if name.startswith(f"p{number}-")]
        return max(((started, name) for started, name in lives if started <= at), default=(0.0, ""))[1]

    def running(self, slot: int) -> Slot | None:
        """A slot with a process in it: the one named, or the next."""
        for step in range(SLOTS):
            one = self.slots[(slot + step) % SLOTS]
            if one.process is not None and one.process.running:
                return one
        return None

    def kill(self, slot: int, again_after: float) -> bool:
        """SIGKILL, be it standing still or not; False where nobody is there."""
        one = self.running(slot)
        if one is None:
            return False
        self._note(one)
        one.process.kill()  # type: ignore[union-attr]
        one.halted_until, one.due = 0.0, self.now() + again_after
        self.done["kills"] += 1
        return True

    def halt(self, slot: int, seconds: float) -> None:
        """SIGSTOP for a while, which may be longer than its session."""
        one = self.running(slot)
        if one is not None and not one.halted_until:
            self._note(one, seconds)
            one.process.halt()  # type: ignore[union-attr]
            one.halted_until = self.now() + seconds
            self.done["halts"] += 1

    def end(self, slot: int, again_after: float) -> None:
        """SIGTERM; it is started again once it has ended, or never."""
        one = self.running(slot)
        if again_after == float("inf") and sum(other.due != again_after for other in self.slots) <= FEWEST:
            return
        if one is not None and not one.halted_until:
            one.process.terminate()  # type: ignore[union-attr]
            one.due = self.now() + again_after
            self.done["orderly ends"] += 1

    def join(self, slot: int) -> None:
        """Start what was not to be started."""
        for one in (*self.slots[slot:], *self.slots[:slot]):
            if one.due == float("inf"):
                one.due = 0.0
                self.done["joins"] += 1
                return

    def calm(self) -> None:
        """All awake, all that may run there."""
        for slot in self.slots:
            slot.halted_until = slot.halted_until and self.now()
            slot.due = 0.0
        self.tend()

    def end_all(self) -> list[str]:
        """End everybody; what was wrong with it."""
        alive = [slot.process for slot in self.slots if slot.process is not None and slot.process.running]
        for one in alive:
            one.terminate()
        codes = [(one.wait(PATIENCE), one) for one in alive]
        return [f"ended with {code}\n{one.last_words()}" for code, one in codes if code]
