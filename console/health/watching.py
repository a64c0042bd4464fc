"""Looks at the group's lag and at the processors every few seconds, in a thread; draws up the books when asked."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import requests
import structlog

from console.configured import Configured
from console.health.processors import Processor, ask
from console.letters.work import Work, Works
from processor.avro.codec import Codec
from processor.avro.registry import RegistryError
from processor.books import Books, read_books
from processor.kafka.reader import LogError, LogReader
from processor.settings import ProcessorSettings

LOOK_EVERY = 5.0
TELLABLE = (LogError, RegistryError, OSError)

_log = structlog.get_logger("console")


class Reading(NamedTuple):
    """How it was at the last look."""

    at: float = 0.0
    """Seconds since 1970; 0 before the first look."""
    lag: Mapping[str, int] = {}
    """By input topic: messages that the group has not committed yet."""
    processors: Sequence[Processor] = ()
    trouble: str = ""
    """Why the lag is not known."""


class DrawnUp(NamedTuple):
    """Books, and when they were drawn up."""

    books: Books
    at: float
    hours: float


class Health:
    """The state of the whole; safe from many threads."""

    def __init__(
        self, settings: ProcessorSettings, codec: Codec, configured: Configured,
        reader: Callable[[], LogReader] | None = None,
    ) -> None:
        self._settings = settings
        self._codec = codec
        self._configured = configured
        self._reader = reader or (lambda: LogReader(settings))
        self._session = requests.Session()
        self.reading = Reading()
        self.books: DrawnUp | None = None
        self.works = Works(TELLABLE)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="health", daemon=True)

    def start(self) -> None:
        """Look in the background."""
        self._thread.start()

    def close(self) -> None:
        """End all threads."""
        self._stop.set()
        self.works.close()
        if self._thread.ident is not None:
            self._thread.join(LOOK_EVERY)
        self._session.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                with self._reader() as reader:
                    while not self._stop.is_set():
                        self.look(reader)
                        self._stop.wait(LOOK_EVERY)
            except TELLABLE as error:
                if str(error) != self.reading.trouble:
                    _log.warning("health cannot be looked at", error=str(error))
                self.reading = Reading(time.time(), {}, self._processors(), str(error))
                self._stop.wait(LOOK_EVERY)

    def look(self, reader: LogReader) -> None:
        """Look once; raises LogError where Kafka does not answer."""
        topics = self._settings.topics
        lag = {topic: _behind(reader, topic) for topic in (topics.interactions, topics.attributes)}
        self.reading = Reading(time.time(), lag, self._processors())

    def _processors(self) -> list[Processor]:
        before = {one.url for one in self.reading.processors if one.answers and not one.balanced}
        found = [ask(url, self._session) for url in self._settings.console.metrics_urls]
        return [one._replace(differed=one.url in before) for one in found]

    def draw_up(self, who: str, hours: float) -> Work:
        """Begin to draw up the books of the last hours, from the topics alone."""
        work = Work(secrets.token_hex(4), "books", who, f"books of the last {hours:g} hours", "", time.time())

        def task(work: Work) -> object:
            now = time.time()
            found = read_books(self._settings, configuration=self._configured.refresh(), codec=self._codec,
                               since=now - hours * 3600, progress=work.progress)
            self.books = DrawnUp(found, now, hours)
            return found

        return self.works.begin(work, task)


def _behind(reader: LogReader, topic: str) -> int:
    committed = reader.committed(topic)
    return sum(max(0, one.high - max(committed.get(number, one.low), one.low))
               for (_, number), one in reader.extents(topic).items())
