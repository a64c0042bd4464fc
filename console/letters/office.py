"""The office of dead letters: opens a desk for each request, follows the topic, and does the long work."""

from __future__ import annotations

import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import structlog

from console.configured import Configured
from console.letters.work import Stopped, Work, Works
from processor.audit.record import Actor
from processor.avro.codec import Codec
from processor.avro.registry import RegistryError
from processor.config.model import Configuration
from processor.dead_letters import Desk, DeskError, Group, Look, Options, Selection, Tally
from processor.dead_letters.sums import Sums, answers
from processor.kafka.reader import LogError
from processor.settings import ProcessorSettings

LOOK_EVERY = 1.0
"""Seconds between two looks at the topic."""
CONFIGURATION_EVERY = 5.0
SUMS_EVERY = 2.0
AGAIN_AFTER = 5.0
MANY = 20_000
"""Letters from which on the sums are used, a few seconds old; fewer are counted as they are."""
PATIENCE = 600.0
LOOK_SECONDS = 0.025
"""For which a page looks for letters; what it has not seen then, the next one looks at."""
COUNT_SECONDS = 0.012
"""For which a page counts them."""
EXACT_SECONDS = 5.0
"""For which programs let them be counted."""
STEPS = 20_000
"""Of SQLite between two looks at the clock."""
TELLABLE = (DeskError, LogError, RegistryError, OSError)

Opening = Callable[[Actor, Configuration | None], Desk]
_log = structlog.get_logger("console")


class TooSlowError(Exception):
    """Counting would take too long."""


class Standing(NamedTuple):
    """How the index stands."""

    filled: bool = False
    """Whether all that the topic had was read once."""
    read_at: float = 0.0
    """Seconds since 1970 of the last look at the topic."""
    read: int = 0
    total: int = 0
    """Of the first reading."""
    trouble: str = ""
    """Why the topic cannot be read."""
    strange: int = 0


class Letters:
    """All that the console does with dead letters; safe from many threads."""

    def __init__(
        self, settings: ProcessorSettings, codec: Codec, configured: Configured, opening: Opening | None = None,
    ) -> None:
        folder = settings.console_folder
        self._opening = opening or (lambda who, configuration: Desk(settings, codec, who, configuration, folder))
        self.configured = configured
        self.works = Works(TELLABLE)
        self.standing = Standing()
        self._host = socket.gethostname()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._sums_at = 0.0
        self._drawn = 0
        self._total = 0
        self._groups: dict[Selection, tuple[int, list[Group]]] = {}

    # life

    def start(self) -> None:
        """Follow the topic in the background."""
        self._thread = threading.Thread(target=self._follow, name="dead-letters", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End all threads."""
        self._stop.set()
        self.works.close()
        if self._thread is not None:
            self._thread.join(AGAIN_AFTER)

    def _follow(self) -> None:
        begun = False
        while not self._stop.is_set():
            try:
                with self.desk() as desk:
                    if not begun:
                        desk.drop_plans()
                    begun = True
                    self._keep_up(desk)
            except Stopped:
                return
            except (*TELLABLE, sqlite3.Error) as error:
                if str(error) != self.standing.trouble:
                    _log.warning("dead letters cannot be followed", error=str(error))
                self.standing = self.standing._replace(trouble=str(error))
            self._stop.wait(AGAIN_AFTER)

    def _keep_up(self, desk: Desk) -> None:
        configured_at, owed = 0.0, True
        while not self._stop.is_set():
            if time.monotonic() - configured_at > CONFIGURATION_EVERY:
                self.configured.refresh()
                configured_at = time.monotonic()
            owed = bool(desk.follow(self._read)) or owed
            self.standing = Standing(True, time.time(), strange=desk.index.strange)
            if owed and time.monotonic() - self._sums_at > SUMS_EVERY:
                self.add_up(desk)
                owed = False
            self._stop.wait(LOOK_EVERY)

    def _read(self, read: int, total: int) -> None:
        if self._stop.is_set():
            raise Stopped
        if not self.standing.filled:
            self.standing = self.standing._replace(read=read, total=total)

    def add_up(self, desk: Desk) -> None:
        """Draw the sums anew; takes longer to come back to it where it took long."""
        began = time.monotonic()
        sums = Sums(desk.index)
        sums.refresh()
        self._total = sums.total()
        ended = time.monotonic()
        self._sums_at = ended + 10 * (ended - began)
        self._drawn += 1
        self._groups.clear()

    # looking

    @contextmanager
    def desk(self, who: str = "") -> Iterator[Desk]:
        """The desk for this thread alone."""
        with self._opening(Actor(who or "console", self._host), self.configured.configuration) as desk:
            yield desk

    @contextmanager
    def searching(self, desk: Desk, seconds: float) -> Iterator[None]:
        """Bound what is asked of the index within; raises TooSlowError."""
        end = time.monotonic() + seconds
        desk.index.db.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            raise TooSlowError from None
        finally:
            desk.index.db.set_progress_handler(None, 0)

    def look(self, desk: Desk, wanted: Selection, limit: int, after: str) -> Look:
        """A page of letters, or as much of it as a page's time allows; raises ValueError for a strange `after`."""
        return desk.look(wanted, LOOK_SECONDS, limit=limit, after=after)

    def tally(self, desk: Desk, wanted: Selection) -> Tally:
        """How many letters failed alike, as far as a page's time allows."""
        if self._are_summed(wanted):
            return Tally(self._summed(desk, wanted))
        return desk.tally(wanted, COUNT_SECONDS)

    def groups(self, desk: Desk, wanted: Selection) -> Sequence[Group]:
        """How many letters failed alike, all of them; raises TooSlowError."""
        if self._are_summed(wanted):
            return self._summed(desk, wanted)
        with self.searching(desk, EXACT_SECONDS):
            return desk.stats(wanted)

    def _are_summed(self, wanted: Selection) -> bool:
        return answers(wanted) and self._total >= MANY

    def _summed(self, desk: Desk, wanted: Selection) -> list[Group]:
        known = self._groups.get(wanted)
        if known is None or known[0] != self._drawn:
            if len(self._groups) > 500:
                self._groups.clear()
            known = self._groups[wanted] = (self._drawn, Sums(desk.index).groups(wanted))
        return known[1]

    # working

    def plan(self, who: str, app: str, wanted: Selection, options: Options, rate: float, edited: bytes | None = None
             ) -> Work:
        """Plan a replay; the run has the work's id."""
        work = Work(secrets.token_hex(4), "plan", who, wanted.said(), app, time.time())

        def task(work: Work) -> object:
            self.configured.refresh()
            with self.desk(who) as desk:
                work.total = desk.index.count(wanted)
                try:
                    return desk.plan(wanted, options, rate, edited, run=work.id, progress=work.progress)
                except (Stopped, DeskError):
                    desk.drop(work.id)
                    raise

        return self.works.begin(work, task)

    def replay(self, who: str, app: str, run: str, about: str, rate: float) -> Work:
        """Make a run, or go on with it."""
        work = Work(run, "replay", who, about, app, time.time())

        def task(work: Work) -> object:
            self.configured.refresh()
            with self.desk(who) as desk:
                report = desk.replay(run, rate, stop=work.is_stopping, progress=work.tell, patience=PATIENCE)
            work.tell(report.counts)
            return report

        return self.works.begin(work, task)

    def close_letters(self, who: str, app: str, wanted: Selection, reason: str) -> Work:
        """Close letters that nobody will replay."""
        work = Work(secrets.token_hex(4), "close", who, wanted.said(), app, time.time())

        def task(work: Work) -> object:
            with self.desk(who) as desk:
                return desk.close(wanted, reason, work.progress)

        return self.works.begin(work, task)
