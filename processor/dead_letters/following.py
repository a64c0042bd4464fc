"""Brings the index of dead letters up to what the topic has; builds it where there is none."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from processor.dead_letters.index import Change, Index
from processor.dead_letters.tables import FORMAT
from processor.kafka.reader import Extent, LogReader, Place, Progress
from processor.settings import ProcessorSettings

BATCH = 5000
LONGEST_PAUSE = 3.5 * 86400
"""Seconds after which nulls may have left the topic unseen: half of its delete.retention.ms."""
ANSWER_SECONDS = 10.0


class Follower:
    """Reads the topic of dead letters into an index, again and again."""

    def __init__(self, settings: ProcessorSettings, index: Index) -> None:
        self._settings = settings
        self._index = index
        self._topic = settings.topics.dead_letters
        self._opened: LogReader | None = None
        self._identity = ""

    @property
    def _reader(self) -> LogReader:
        """Opened when first needed: whoever only looks into the index needs no broker."""
        if self._opened is None:
            self._opened = LogReader(self._settings)
        return self._opened

    def close(self) -> None:
        """Free the clients."""
        if self._opened is not None:
            self._opened.__exit__(None, None, None)

    def follow(self, progress: Progress | None = None) -> int:
        """Read what is new; returns how many records. Raises LogError where the topic cannot be read."""
        with _alone(self._index.path):
            extents = self._reader.extents(self._topic)
            fresh = self._distrusted(extents)
            if fresh:
                self._index.forget_all()
                self._index.set_about(format=FORMAT, topic=self._who(), read_at=str(time.time()), filled="")
            starts = self._starts(extents)
            count = self._read({place: Extent(starts[place], one.high) for place, one in extents.items()}, progress)
            if not self._index.about("filled"):
                self._index.built()
            self._index.set_about(read_at=str(time.time()), filled="yes")
            return count

    def _starts(self, extents: Mapping[Place, Extent]) -> dict[Place, int]:
        positions = self._index.positions()
        starts: dict[Place, int] = {}
        for place, extent in extents.items():
            at = positions.get(place[1], extent.low)
            starts[place] = max(at, extent.low)
            self._index.aged_out(place[1], extent.low)
        return starts

    def _distrusted(self, extents: Mapping[Place, Extent]) -> bool:
        """Whether the index cannot be gone on with: of another topic, too old, or of another format."""
        index, positions = self._index, self._index.positions()
        read_at = float(index.about("read_at") or 0)
        return (
            index.about("format") != FORMAT or index.about("topic") != self._who()
            or time.time() - read_at > LONGEST_PAUSE
            or any(positions.get(place[1], 0) > extent.high for place, extent in extents.items())
        )

    def _who(self) -> str:
        """The topic's name and id: one made anew under the same name is another."""
        if not self._identity:
            self._identity = f"{self._topic} {_topic_id(self._settings, self._topic)}"
        return self._identity

    def _read(self, extents: Mapping[Place, Extent], progress: Progress | None) -> int:
        changes: list[Change] = []
        count, at = 0, {}
        for message in self._reader.read(extents, *([progress] if progress else [])):
            changes.append(Change(message.partition(), message.offset(), message.key() or b"", message.value()))
            at[message.partition()] = message.offset() + 1
            count += 1
            if len(changes) >= BATCH:
                self._index.apply(changes, at)
                changes.clear()
        self._index.apply(changes, {place[1]: extent.high for place, extent in extents.items()})
        return count


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time brings the index up to date: another's older record must not come after."""
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _topic_id(settings: ProcessorSettings, topic: str) -> str:
    admin = AdminClient(settings.kafka.client({"log_level": 0}))
    try:
        futures = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)
        return str(futures[topic].result(ANSWER_SECONDS).topic_id)
    except (KafkaException, TimeoutError):
        return ""  # an older broker, or a mock: the name must do
