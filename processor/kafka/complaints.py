"""What the Kafka client complains of, as log lines of ours: one when trouble begins, one when it is over.

The library repeats itself with every try, twenty times a second while no broker listens.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable

from processor.log import LIBRDKAFKA

QUIET = 15.0
"""Seconds without a complaint after which the trouble is over; the library tries again every ten at least."""
_BROKER = re.compile(r"\[thrd:([^\]]*)\]")


class Complaints(logging.Filter):
    """Lets the first complaint of each kind about each broker pass, and counts those that follow it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written."""
        if record.levelno <= logging.INFO:
            return True  # an operator who sets `debug` wants to see all
        kind = _kind(record)
        with self._lock:
            _, repeats = self._latest.get(kind, (0.0, -1))
            self._latest[kind] = (self._clock(), repeats + 1)
        return repeats < 0

    def over(self) -> list[tuple[str, str, int]]:
        """Troubles that are over: kind, broker, and how many complaints were kept back."""
        if not self._latest:
            return []
        before = self._clock() - QUIET
        with self._lock:
            ended = [(kind, repeats) for kind, (at, repeats) in self._latest.items() if at < before]
            for kind, _ in ended:
                del self._latest[kind]
        return [(*kind, repeats) for kind, repeats in ended]


def _kind(record: logging.LogRecord) -> tuple[str, str]:
    """Facility and broker; the library hands over facility, client and text."""
    given = record.args if isinstance(record.args, tuple) else ()
    text = record.getMessage()
    broker = _BROKER.search(text)
    return (str(given[0]) if given else text), (broker.group(1) if broker else "")


def complaints() -> Complaints:
    """Put between the Kafka clients' logger and its handlers; the one there is, if there is one."""
    logger = logging.getLogger(LIBRDKAFKA)
    found = [one for one in logger.filters if isinstance(one, Complaints)]
    if not found:
        found = [Complaints()]
        logger.addFilter(found[0])
    return found[0]
