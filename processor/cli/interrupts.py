"""Ctrl-C heard between two steps: raised inside a callback of the Kafka client, it could be lost there."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENDS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and how a machine asks for the end."""


@contextmanager
def hearing(heard: Callable[..., object], signals: tuple[signal.Signals, ...] = ENDS) -> Iterator[None]:
    """Let `heard` be called by signals until the block ends; then they do what they did before."""
    before = {one: signal.signal(one, heard) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def until_interrupted(
    tell: Callable[[], object] = lambda: None, signals: tuple[signal.Signals, ...] = (signal.SIGINT,),
) -> Iterator[Callable[[], bool]]:
    """Whether the end was asked for, of which `tell` is to say something; who asks again ends the command at once."""
    asked = False

    def heard(_number: int, _frame: Any) -> None:
        nonlocal asked  # and no Event: one that is waited for holds a lock, which this would wait for without end
        if asked:
            raise KeyboardInterrupt
        asked = True
        tell()

    with hearing(heard, signals):
        yield lambda: asked
