"""Reads the books' records from Kafka, in an order in which a live system gives a true picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kit.errors import Undecodable
from processor.avro.codec import Codec
from processor.books.judging import judge
from processor.books.rows import Rows
from processor.kafka.murmur2 import partition_of
from processor.kafka.reader import Extent, LogReader, Place, Progress

if TYPE_CHECKING:
    from connectors.kit.event import Event
    from processor.books.balance import Books
    from processor.config.model import Configuration
    from processor.settings import ProcessorSettings


class Marks(NamedTuple):
    """Where each topic is read to; taken one after another, see `_marks`."""

    committed: Mapping[int, int]
    early: Mapping[Place, Extent]
    """Results and finished ids that were there before the chains were marked."""
    ends: Mapping[Place, Extent]
    """All topics, as far as they are read."""


def read_books(
    settings: ProcessorSettings, *, configuration: Configuration | None = None, codec: Codec | None = None,
    since: float = 0.0, now: Callable[[], float] = time.time, progress: Progress | None = None,
) -> Books:
    """The books of the processors that run with these settings; raises LogError where topics cannot be read.

    `configuration` tells which events have bindings: without it, an event without any trace cannot be called lost.
    `since`: seconds since 1970; earlier events are left out.
    """
    with LogReader(settings) as reader, closing(Rows()) as rows:
        reading = _Reading(settings, reader, rows, codec or Codec(), configuration)
        floors, notes = reading.floors(since, now())
        reading.take(progress)
        return judge(
            rows, floors, reading.in_flight(), whole=reading.whole(),
            exactly_once=settings.delivery == "exactly_once", notes=notes)


class _Reading:
    """One drawing-up."""

    def __init__(self, settings: ProcessorSettings, reader: LogReader, rows: Rows, codec: Codec,
                 configuration: Configuration | None) -> None:
        self._topics = settings.topics
        self._reader = reader
        self._rows = rows
        self._codec = codec
        self._configuration = configuration
        self._marks = self._take_marks()
        self._partitions = len(self._numbers)

    @property
    def _numbers(self) -> list[int]:
        return sorted(number for topic, number in self._marks.ends if topic == self._topics.interactions)

    def _take_marks(self) -> Marks:
        """Offsets first: what they cover is durable by then. Then each topic after those that must not know more.

        An event's end removes its chain and adds its id in one transaction. So ids seen before the chains were marked
        must not be open there; and what is no longer open there has its id among those seen afterwards.
        """
        reader, topics = self._reader, self._topics
        committed = reader.committed(topics.interactions)
        early = reader.extents(topics.results, topics.finished)
        ends = reader.extents(topics.interactions, topics.chains)
        for topic in (topics.finished, topics.results, topics.dead_letters):
            ends |= reader.extents(topic)
        return Marks(committed, early, ends)

    def in_flight(self) -> dict[int, int]:
        """By partition, how many offsets of interactions lie at or above the committed one."""
        return {number: max(0, self._end(self._topics.interactions, number).high - self._committed(number))
                for number in self._numbers}

    def whole(self) -> frozenset[int]:
        """Partitions of whose results nothing was deleted yet."""
        return frozenset(number for number in self._numbers if self._end(self._topics.results, number).low == 0)

    def _end(self, topic: str, number: int) -> Extent:
        return self._marks.ends.get((topic, number), Extent(0, 0))

    def _committed(self, number: int) -> int:
        return self._marks.committed.get(number, self._end(self._topics.interactions, number).low)

    def floors(self, since: float, now: float) -> tuple[dict[int, int], tuple[str, ...]]:
        """By partition, from when on everything that an event leaves behind is still there; and where that cuts off."""
        floors, notes = {}, []
        for number in self._numbers:
            deleted = {topic: self._first_time(topic, number, now)
                       for topic in (self._topics.finished, self._topics.results)
                       if self._end(topic, number).low > 0}
            floors[number] = max(int(since * 1000), *deleted.values(), 0)
            notes += [f"partition {number}: older records of {topic} were deleted; events before "
                      f"{_spoken(first)} are left out" for topic, first in deleted.items()
                      if first == floors[number]]
        return floors, tuple(notes)

    def _first_time(self, topic: str, number: int, now: float) -> int:
        return self._reader.first_time(topic, number, self._end(topic, number)) or int(now * 1000)

    def take(self, progress: Progress | None) -> None:
        """Read everything."""
        taken = {self._topics.interactions: self._interaction, self._topics.chains: self._chain,
                 self._topics.finished: self._finished, self._topics.results: self._result,
                 self._topics.dead_letters: self._letter}
        more = {} if progress is None else {"progress": progress}
        for message in self._reader.read(self._marks.ends, **more):
            taken[message.topic()](message)

    def _interaction(self, message: Any) -> None:
        number, offset, moment = message.partition(), message.offset(), message.timestamp()[1]
        above = offset >= self._committed(number)
        try:
            event = self._codec.event(message.value())
        except Undecodable:
            self._other(message, above=above)
            return
        home = partition_of(f"{event.app_id}:{event.user_id}".encode(), self._partitions)
        chain, exports = self._bound(event)
        self._rows.interaction(number, offset, moment, above=above, app=event.app_id, event=event.event_id, home=home,
                               chain=chain, exports=exports)

    def _other(self, message: Any, *, above: bool) -> None:
        """No interaction: a letter that some tool sent again, which is a replay, or what cannot be read."""
        number, offset, moment = message.partition(), message.offset(), message.timestamp()[1]
        try:
            letter = self._codec.dead_letter(message.value())
        except Undecodable:
            self._rows.interaction(number, offset, moment, above=above)
            return
        if letter.reason == "undecodable":
            self._rows.interaction(number, offset, moment, above=above)
            return
        home = partition_of(f"{letter.app_id}:{letter.user_id}".encode(), self._partitions)
        runs = letter.state == "open" and all(one.reason != "in_doubt" for one in letter.failures)
        exports = all(one.position < 0 for one in letter.failures)
        self._rows.interaction(
            number, offset, moment, above=above, app=letter.app_id, event=f"{letter.event_id}#{letter.replays + 1}",
            home=home, chain=runs and not exports, exports=runs and exports)

    def _bound(self, event: Event) -> tuple[bool | None, bool | None]:
        """Whether an event has a chain and exports; None where the configuration does not tell."""
        app = self._configuration.apps.get(event.app_id) if self._configuration else None
        if app is None:
            return None, None
        exports = any(one.export.trigger == "interaction" and event.interaction in one.interactions
                      and (one.prompts is None or event.prompt_id in one.prompts) for one in app.exports)
        return bool(app.chain(event.prompt_id, event.interaction)), exports

    def _is_early(self, message: Any) -> bool:
        return bool(message.offset() < self._marks.early[message.topic(), message.partition()].high)

    def _chain(self, message: Any) -> None:
        key = (message.key() or b"").decode("utf-8", "replace")
        self._rows.chain(message.partition(), key, is_open=message.value() is not None)

    def _finished(self, message: Any) -> None:
        self._rows.finished(self._codec.finished(message.value()), early=self._is_early(message))

    def _result(self, message: Any) -> None:
        self._rows.result(message.partition(), self._codec.result(message.value()), early=self._is_early(message))

    def _letter(self, message: Any) -> None:
        """Of letters only those count whose key tells where an interaction stood that could not be taken."""
        topic, _, place = (message.key() or b"").decode("utf-8", "replace").partition(":")
        number, _, offset = place.partition(":")
        if topic == self._topics.interactions and number.isdigit() and offset.isdigit():
            self._rows.letter(int(number), int(offset))


def _spoken(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment / 1000))
