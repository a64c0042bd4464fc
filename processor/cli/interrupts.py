"""Ctrl-C heard between two steps: raised inside a callback of the Kafka client, it could be lost there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def until_interrupted() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C; a second one ends the command at once."""
    ended = threading.Event()

    def heard(_number: int, _frame: Any) -> None:
        if ended.is_set():
            raise KeyboardInterrupt
        ended.set()

    before = signal.signal(signal.SIGINT, heard)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)
