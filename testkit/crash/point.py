"""A point: before or after the n-th call of a step; and what makes a process end there."""

from __future__ import annotations

import functools
import importlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Self

from testkit.crash.steps import CLASSES, CLIENTS

Side = Literal["before", "after"]


class Point(NamedTuple):
    """Written `Runner.advance:3:before`."""

    step: str
    call: int
    side: Side

    def __str__(self) -> str:
        return f"{self.step}:{self.call}:{self.side}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The point that a text names; raises ValueError."""
        step, call, side = text.split(":")
        owner = step.partition(".")[0]
        if side not in ("before", "after") or not (owner in CLASSES or owner in CLIENTS):
            raise ValueError(f"'{text}' is no point: write Class.method:call:before, or ...:after")
        return cls(step, int(call), side)  # type: ignore[arg-type]


def install(point: Point, end: Callable[[], None]) -> None:
    """Have `end` called at a point; to be done before anything is made of the classes."""
    owner, _, method = point.step.partition(".")
    module_name, _, name = {**CLASSES, **CLIENTS}[owner].partition(":")
    module = importlib.import_module(module_name)
    target = getattr(module, name)
    if owner in CLIENTS:  # a class in C takes no methods: the module gets a class of its own
        target = type(name, (target,), {})
        setattr(module, name, target)
    setattr(target, method, _counted(getattr(target, method), point, end))


def _counted(original: Callable[..., Any], point: Point, end: Callable[[], None]) -> Callable[..., Any]:
    lock, count = threading.Lock(), 0

    @functools.wraps(original)
    def step(self: Any, *args: Any, **more: Any) -> Any:
        nonlocal count
        with lock:
            count += 1
            here = count == point.call
        if here and point.side == "before":
            end()
        result = original(self, *args, **more)
        if here and point.side == "after":
            end()
        return result

    return step


def killed() -> None:
    """End at once, as a process does that nobody asked."""
    os.kill(os.getpid(), signal.SIGKILL)


def halted() -> None:
    """Stand still with all threads, until somebody sends SIGCONT.

    Sent to this thread: on a busy machine it would go on, until another one came to take the process's signal.
    """
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
