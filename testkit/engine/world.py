"""What outlives a process: the logs of the inputs, what was committed, and the records that became durable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from connectors.kit.event import Event, Value
from processor.avro.codec import Codec
from processor.engine.checkpoint import Checkpoint
from processor.engine.options import Topics
from processor.model.attributes import AttributesState, UserAttributes
from processor.model.chain import ChainRecord
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult
from processor.model.replay import Replay

CODEC = Codec()
TOPICS = Topics()
INPUTS = (TOPICS.interactions, TOPICS.attributes, TOPICS.replays)
CHANGELOGS = (TOPICS.attributes_changelog, TOPICS.chains, TOPICS.finished)


def partition_of(key: bytes, partitions: int) -> int:
    """A partitioner that a test can do in its head: by the last byte of the key, so `ann1` lies in partition 1."""
    return key[-1] % partitions


class WrongCheckpointError(AssertionError):
    """A checkpoint held what no checkpoint may hold."""


class EndOfPartition:
    """The error that a message carries where it only tells that a partition was read to its end."""


class Message:
    """A consumed message, with the methods of the client library's own."""

    def __init__(
        self, topic: str, partition: int, offset: int, *, key: bytes | None = None, value: bytes | None = None,
        timestamp: int = 0, headers: Sequence[tuple[str, bytes | None]] | None = None,
        error: EndOfPartition | None = None,
    ) -> None:
        self._place = (topic, partition, offset)
        self._key = key
        self._value = value
        self._timestamp = timestamp
        self._headers = headers
        self._error = error

    def topic(self) -> str:
        """The topic."""
        return self._place[0]

    def partition(self) -> int:
        """The partition."""
        return self._place[1]

    def offset(self) -> int:
        """The offset."""
        return self._place[2]

    def key(self) -> bytes | None:
        """The key."""
        return self._key

    def value(self) -> bytes | None:
        """The value."""
        return self._value

    def timestamp(self) -> tuple[int, int]:
        """Kind and broker time in milliseconds."""
        return 1, self._timestamp

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The headers, None where there are none."""
        return self._headers

    def error(self) -> EndOfPartition | None:
        """None, or that the end was reached."""
        return self._error


class Written(NamedTuple):
    """One durable record."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int
    headers: Sequence[tuple[str, bytes | None]] = ()


class World:
    """The broker's side: survives every crash of a harness."""

    def __init__(self, partitions: int = 2) -> None:
        self.partitions = partitions
        self.logs: dict[tuple[str, int], list[Message]] = {
            (topic, number): [] for topic in INPUTS for number in range(partitions)
        }
        self.committed: dict[tuple[str, int], int] = {}
        self.told: dict[int, str] = {}
        """By partition: the metadata of the offset of its interactions."""
        self.records: list[Written] = []

    # what is published

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, now: float, partition: int | None = None
    ) -> Message:
        """One message at the end of its partition's log."""
        number = partition_of(key or b"\0", self.partitions) if partition is None else partition
        log = self.logs[topic, number]
        message = Message(topic, number, len(log), key=key, value=value, timestamp=int(now * 1000))
        log.append(message)
        return message

    def publish(self, event: Event, now: float) -> Message:
        """A prompt interaction."""
        return self.append(
            TOPICS.interactions, f"{event.app_id}:{event.user_id}".encode(), CODEC.encode_event(event), now)

    def sync(self, app_id: str, user_id: str, attributes: Mapping[str, Value], now: float) -> Message:
        """A change of a user's attributes."""
        change = UserAttributes(app_id, user_id, "merge", attributes, int(now * 1000))
        return self.append(TOPICS.attributes, f"{app_id}:{user_id}".encode(), CODEC.encode_attributes(change), now)

    def ask_replay(self, replay: Replay, now: float) -> Message:
        """A replay that a person asked for."""
        return self.append(
            TOPICS.replays, f"{replay.app_id}:{replay.user_id}".encode(), CODEC.encode_replay(replay), now)

    # what becomes durable

    def commit(self, checkpoint: Checkpoint) -> dict[tuple[str, int], int]:
        """Records and offsets of a checkpoint, all of them; returns positions behind what was written."""
        positions: dict[tuple[str, int], int] = {}
        for part in checkpoint.parts:
            for record in part.records:
                written = Written(*record)
                self.records.append(written)
                if written.topic in self.logs_of_inputs:
                    self.append(written.topic, written.key, written.value, 0.0, written.partition)
                positions[written.topic, written.partition] = len(self.records)
        self.records += [Written(*record) for record in checkpoint.aside]
        latest = {(topic, part.partition.number): at for part in checkpoint.parts for topic, at in part.offsets}
        for place, at in latest.items():
            self._move(place, at)
        self.told.update({part.partition.number: part.promise.told for part in checkpoint.parts})
        return positions

    @property
    def logs_of_inputs(self) -> frozenset[str]:
        """Topics that are read again when they are written to."""
        return frozenset(INPUTS)

    def _move(self, place: tuple[str, int], at: int) -> None:
        before = self.committed.get(place, 0)
        if not before <= at <= len(self.logs[place]):
            raise WrongCheckpointError(f"offset of {place} set to {at}; it was {before} of {len(self.logs[place])}")
        self.committed[place] = at

    # what can be read of it

    def values(self, topic: str) -> list[bytes]:
        """All values ever written to a topic, without its nulls."""
        return [one.value for one in self.records if one.topic == topic and one.value is not None]

    def results(self, event_id: str = "") -> list[ActionResult]:
        """Durable outcomes, in order; of one event where one is named."""
        found = [CODEC.result(value) for value in self.values(TOPICS.results)]
        return [one for one in found if event_id in ("", one.event_id)]

    def letters(self, event_id: str = "") -> list[DeadLetter]:
        """Durable dead letters, in order; of one event where one is named."""
        found = [CODEC.dead_letter(value) for value in self.values(TOPICS.dead_letters)]
        return [one for one in found if event_id in ("", one.event_id)]

    def _compacted(self, topic: str, partition: int | None) -> dict[bytes, bytes]:
        found: dict[bytes, bytes | None] = {}
        for one in self.records:
            if one.topic == topic and partition in (None, one.partition):
                found.pop(one.key, None)
                found[one.key] = one.value
        return {key: value for key, value in found.items() if value is not None}

    def chains(self, partition: int | None = None) -> dict[str, bytes]:
        """Chain records that no later one supersedes, by key."""
        return {key.decode(): value for key, value in self._compacted(TOPICS.chains, partition).items()}

    def chain(self, key: str) -> ChainRecord | None:
        """One open chain's record."""
        data = self.chains().get(key)
        return None if data is None else CODEC.chain(data)

    def attributes(self, partition: int) -> dict[str, AttributesState]:
        """Merged attributes by user."""
        found = self._compacted(TOPICS.attributes_changelog, partition)
        return {key.decode(): CODEC.attributes_state(value) for key, value in found.items()}

    def finished(self, partition: int) -> Iterable[bytes]:
        """Ids of all events that ended."""
        for one in self.records:
            if one.topic == TOPICS.finished and one.partition == partition:
                yield from CODEC.finished(one.value).each()

    def finished_at(self, partition: int) -> Iterable[tuple[bytes, float]]:
        """The same ids with the time of their checkpoint in seconds, oldest first."""
        for one in self.records:
            if one.topic == TOPICS.finished and one.partition == partition:
                found = CODEC.finished(one.value)
                yield from ((id16, found.time / 1000) for id16 in found.each())

    def starts(self, partition: int) -> dict[str, int]:
        """Where consumption of a partition begins."""
        return {topic: self.committed.get((topic, partition), 0) for topic in INPUTS}
