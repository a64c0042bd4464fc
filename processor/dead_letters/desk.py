"""The desk: everything that people do with dead letters, for the commands and for a console."""

from __future__ import annotations

import fcntl
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from connectors.kit.event import Event
from processor.audit.record import Actor
from processor.avro.codec import Codec
from processor.config.model import Configuration, configuration_of
from processor.config.source import told_where
from processor.dead_letters import closing, exporting, forgetting
from processor.dead_letters.audit import of_run
from processor.dead_letters.following import Follower
from processor.dead_letters.index import Entry, Group, Index
from processor.dead_letters.judging import Judge, Options, Verdict
from processor.dead_letters.looking import Look, Tally, look, tally
from processor.dead_letters.publishing import Publisher
from processor.dead_letters.replaying import Replayer, Stop
from processor.dead_letters.runs import Plan, Run
from processor.dead_letters.selection import Selection
from processor.kafka.reader import Progress
from processor.model.dead_letter import DeadLetter
from processor.settings import ProcessorSettings

PATIENCE = 30.0
"""Seconds without any end after which the ends of a run are not waited for any more."""


class DeskError(Exception):
    """Something cannot be done; the text says why and what to do instead."""


class Report(NamedTuple):
    """How the letters of a run stand."""

    run: str
    finished: bool
    """Whether every letter was sent; else it can be resumed."""
    counts: Mapping[str, int]
    failures: list[tuple[str, str, int]]
    """Of those that failed again: reason, code, how many."""


def _quiet(*_told: Any) -> None:
    """Progress that nobody looks at."""


class Desk:
    """Dead letters of one group of processors, searched on disk, changed by way of Kafka."""

    def __init__(
        self, settings: ProcessorSettings, codec: Codec, who: Actor, configuration: Configuration | None = None,
        folder: Path | None = None,
    ) -> None:
        """`folder` is where the index lies, if not with the other local stores."""
        self._settings = settings
        self._codec = codec
        self._who = who
        self._configuration = configuration
        self._open = ExitStack()
        self.index = self._open.enter_context(Index(folder or settings.state.folder, codec))
        self._follower = Follower(settings, self.index)
        self._open.callback(self._follower.close)
        self._replayer = Replayer(self.index, self._follower, codec, configuration or configuration_of({}),
                                  settings.topics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._open.close()

    # looking

    def follow(self, progress: Progress | None = None) -> int:
        """Bring the index up to what the topic has; returns how many records that were."""
        return self._follower.follow(progress)

    def list(self, wanted: Selection, *, limit: int = 50, after: str = "") -> list[Entry]:
        """Letters, newest first, page by page: `after` is the id of the last one of the page before."""
        return [*self.index.entries(wanted, limit=limit, after=after)]

    def look(self, wanted: Selection, seconds: float, *, limit: int = 50, after: str = "") -> Look:
        """The same within a time: it may be less than a page, and says where to go on. Raises ValueError."""
        return look(self.index, wanted, limit, after, seconds)

    def tally(self, wanted: Selection, seconds: float) -> Tally:
        """How many letters failed alike, as far as that can be counted within a time."""
        return tally(self.index, wanted, seconds)

    def stats(self, wanted: Selection) -> tuple[Group, ...]:
        """How many letters failed alike."""
        return tuple(self.index.groups(wanted))

    def find(self, name: str) -> Entry:
        """The one letter of an id (or its first digits), an event or a key; raises DeskError."""
        found = self.index.named(name)
        if not found:
            raise DeskError(f"no letter has the id, event or key '{name}'; `dead-letters list --state all` shows all")
        if len(found) > 1:
            raise DeskError(f"'{name}' means several letters: {', '.join(one.id for one in found)}")
        return found[0]

    def letter(self, entry: Entry) -> DeadLetter:
        """A letter in full."""
        found = self.index.letter(entry.key)
        if found is None:
            raise DeskError(f"letter {entry.id} is gone")
        return found

    def verdict(self, letter: DeadLetter, options: Options = Options()) -> Verdict | None:  # noqa: B008 - frozen
        """What a replay would do; None where the configuration is not known."""
        if self._configuration is None:
            return None
        return Judge(self._configuration, options, self._codec, self._settings.topics).judge(letter, time.time())

    def attributes_now(self, letter: DeadLetter) -> Mapping[str, Any]:
        """The attributes of a letter's user as they are now."""
        return forgetting.attributes_of(self._settings, self._codec, letter.app_id, letter.user_id)

    def export(self, wanted: Selection, form: exporting.Form, out: IO[bytes], *, hide: bool = False) -> int:
        """Write letters out; returns how many."""
        return exporting.export(self.index, wanted, form, out, hide=hide)

    # replaying

    def encode_event(self, event: Event) -> bytes:
        """An interaction as the processor reads it."""
        return self._codec.encode_event(event)

    def plan(
        self, wanted: Selection, options: Options, rate: float, edited: bytes | None = None, *, run: str = "",
        progress: Callable[[int], None] = _quiet,
    ) -> Plan:
        """What a replay would do; the run waits under its id, to be made by `replay` or forgotten by `drop`.

        `progress` is told how many letters were looked at; what it raises ends the planning.
        """
        if self._configuration is None:
            raise DeskError("a replay needs the apps' configuration, which could not be read from "
                            f"{told_where(self._settings)}: run it where it can, with the processors' settings")
        other = self._replayer.runs.unfinished(wanted)
        if other is not None:
            raise DeskError(f"run {other.id} of the same filter is not finished: `dead-letters replay --resume "
                            f"{other.id}` goes on with it, `--abandon {other.id}` gives it up")
        return self._replayer.plan(run or secrets.token_hex(4), wanted, options, self._who.name, rate, edited, progress)

    def drop(self, run: str) -> None:
        """A plan that nobody wants."""
        self._replayer.runs.forget(run)

    def drop_plans(self) -> None:
        """All plans that were made here and that nobody went on with."""
        self._replayer.runs.forget_plans()

    def unfinished(self, wanted: Selection) -> Run | None:
        """The run of the same filter that keeps another one from being planned."""
        return self._replayer.runs.unfinished(wanted)

    def counts(self, run: str) -> Counter[str]:
        """How the letters of a run stand."""
        return self._replayer.runs.counts(run)

    def failures(self, run: str) -> Sequence[tuple[str, str, int]]:
        """Why letters of a run failed again: reason, code, how many."""
        return self._replayer.runs.failures(run)

    def run(self, name: str) -> Run:
        """A run by its id; raises DeskError."""
        found = self._replayer.runs.run(name)
        if found is None:
            raise DeskError(f"there is no run '{name}' in {self.index.path}; `dead-letters runs` shows all")
        return found

    def runs(self) -> tuple[tuple[Run, Counter[str]], ...]:
        """All runs, newest first, and how their letters stand."""
        found = self._replayer.runs
        return tuple((one, found.counts(one.id)) for one in found.all())

    def abandon(self, run: str) -> None:
        """Give a run up: what was not sent stays as it is."""
        found = self.run(run)
        with self._one_at_a_time(found), (publisher := self._publisher(f"replay-{run}")).together():
            publisher.audit(of_run(self._who, "run abandoned", run, found.selection.said(), {"state": found.state},
                                   {"state": "abandoned"}))
        self._replayer.runs.set_state(run, "abandoned")

    def replay(
        self, run: str, rate: float, *, stop: Stop = lambda: False, progress: Callable[[Counter[str]], None] = _quiet,
        patience: float = PATIENCE,
    ) -> Report:
        """Make a run, or go on with it, and wait for its ends; `stop` is asked between steps."""
        found = self.run(run)
        with self._one_at_a_time(found):
            publisher = self._publisher(f"replay-{run}")
            done = self._replayer.make(found, publisher, self._who, rate, stop, progress)
            counts = self._replayer.await_ends(found, patience, stop, progress) if done else \
                self._replayer.runs.counts(run)
        return Report(run, done, counts, self._replayer.runs.failures(run))

    @contextmanager
    def _one_at_a_time(self, run: Run) -> Iterator[None]:
        name = blake2b(repr(run.selection.timeless).encode(), digest_size=8).hexdigest()
        with (self.index.path.parent / f"replay-{name}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DeskError("a run of the same filter is under way in another terminal") from None
            yield

    # deciding

    def close(self, wanted: Selection, reason: str, progress: Progress = _quiet) -> int:
        """Close letters that nobody will replay; returns how many."""
        keys, total = self.index.keys(wanted), self.index.count(wanted)
        publisher = self._publisher(f"close-{secrets.token_hex(4)}")
        count = closing.close(self.index, publisher, self._who, keys, reason, progress=progress, total=total)
        self.follow()
        return count

    def forget(self, app: str, user: str, seconds: float) -> forgetting.Forgotten:
        """Forget a user: attributes, what waits, letters."""
        publisher = self._publisher(f"forget-{secrets.token_hex(4)}")
        return forgetting.forget(self._settings, self.index, self._follower, publisher, self._who, self._codec,
                                 app=app, user=user, seconds=seconds)

    def _publisher(self, name: str) -> Publisher:
        return Publisher(self._settings, self._codec, name, self._settings.state.folder)
