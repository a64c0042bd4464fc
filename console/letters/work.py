"""Work that takes longer than a page may: it runs in a thread, tells its progress, and can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog

MOST_AT_ONCE = 4
KEPT = 200
JOIN_SECONDS = 5.0

Kind = Literal["plan", "replay", "close", "books"]
State = Literal["under way", "done", "stopped", "failed"]

_log = structlog.get_logger("console")


class Busy(Exception):
    """So much is under way that nothing more is begun."""


class Stopped(Exception):
    """The work was stopped between two steps."""


@dataclass(slots=True)
class Work:
    """One piece of work; its own thread writes, pages read."""

    id: str
    kind: Kind
    by: str
    about: str
    """In words: the filter."""
    app: str
    """Whose page shows it; "" for those of all apps."""
    began: float
    state: State = "under way"
    seen: int = 0
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    result: Any = None
    said: str = ""
    """Why it failed."""
    _asked: threading.Event = field(default_factory=threading.Event)

    @property
    def under_way(self) -> bool:
        """Whether its thread runs."""
        return self.state == "under way"

    def stop(self) -> None:
        """End between two steps."""
        self._asked.set()

    def is_stopping(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._asked.is_set()

    def progress(self, seen: int, total: int = 0) -> None:
        """Note how far it is; raises Stopped where somebody asked for it."""
        self.seen, self.total = seen, total or self.total
        if self._asked.is_set():
            raise Stopped

    def tell(self, counts: Mapping[str, int]) -> None:
        """Note how the letters stand."""
        self.counts = dict(counts)

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        end = time.monotonic() + seconds
        while self.under_way and time.monotonic() < end:
            time.sleep(0.01)
        return not self.under_way


Task = Callable[[Work], Any]


class Works:
    """What is under way in this process, and what ended of late."""

    def __init__(self, expected: tuple[type[Exception], ...] = ()) -> None:
        self._expected = expected
        """Errors whose text is for people; all others are told as a bug."""
        self._known: dict[str, Work] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def begin(self, work: Work, task: Task) -> Work:
        """Do it in a thread; raises Busy."""
        with self._lock:
            known = self._known.get(work.id)
            if known is not None and known.under_way:
                raise Busy(f"{known.kind} {known.id} is under way already")
            if sum(one.under_way for one in self._known.values()) >= MOST_AT_ONCE:
                raise Busy(f"{MOST_AT_ONCE} pieces of work are under way: wait for one of them, or stop it")
            self._known.pop(work.id, None)
            self._known[work.id] = work
            self._forget_old()
        thread = threading.Thread(target=self._do, args=(work, task), name=f"{work.kind} {work.id}", daemon=True)
        self._threads[work.id] = thread
        thread.start()
        return work

    def _forget_old(self) -> None:
        ended = [one.id for one in self._known.values() if not one.under_way]
        for name in ended[:max(0, len(self._known) - KEPT)]:
            del self._known[name]

    def _do(self, work: Work, task: Task) -> None:
        try:
            work.result = task(work)
            work.state = "done"
        except Stopped:
            work.state = "stopped"
        except self._expected as error:
            work.said, work.state = str(error), "failed"
        except Exception:  # noqa: BLE001 - told, logged, and the console lives
            _log.exception("work failed", kind=work.kind, id=work.id)
            work.said, work.state = "A bug of ours: the console's log tells more.", "failed"
        finally:
            self._threads.pop(work.id, None)

    def of(self, name: str) -> Work | None:
        """By its id."""
        return self._known.get(name)

    def all(self, kind: Kind) -> list[Work]:
        """Those of a kind, newest first."""
        return [one for one in reversed(list(self._known.values())) if one.kind == kind]

    def close(self) -> None:
        """Stop all, and wait for them a while; what was being replayed can be resumed."""
        for one in list(self._known.values()):
            one.stop()
        for thread in list(self._threads.values()):
            thread.join(JOIN_SECONDS)
