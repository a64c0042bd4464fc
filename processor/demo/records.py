"""Puts the demo's records onto the topics, and reads back what the processor wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition

from processor.avro.codec import Codec
from processor.avro.jsonform import to_json
from processor.cli.publishing import Publisher, key
from processor.demo.broker import Home
from processor.demo.people import STREAMLY, Person
from processor.demo.script import Cue
from processor.demo.tally import Tally
from processor.model.attributes import UserAttributes
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult
from processor.settings import ProcessorSettings

GARBAGE = b"\xc3\x01 this is no Avro record"
READ_SECONDS = 15.0


class Source:
    """The product app's side: syncs attributes and publishes interactions."""

    def __init__(self, settings: ProcessorSettings, tally: Tally) -> None:
        self._topics = settings.topics
        self._publisher = Publisher(settings)
        self._codec = Codec()
        self._tally = tally

    def sync(self, person: Person) -> None:
        """Sync what is known about a user."""
        change = UserAttributes(person.app_id, person.user_id, "merge", person.attributes, _now(), "demo")
        self._tally.synced += 1
        self._publisher.send(self._topics.attributes, key(person.app_id, person.user_id),
                             self._codec.encode_attributes(change))

    def play(self, cue: Cue) -> None:
        """Publish what a cue says."""
        if cue.event is not None:
            self._tally.publish(cue.event)
            value = self._codec.encode_event(cue.event)
            self._publisher.send(self._topics.interactions, key(cue.event.app_id, cue.event.user_id), value)
        elif cue.person is not None:
            self.sync(cue.person)
        else:
            self._tally.published += 1
            self._tally.garbage += 1
            self._publisher.send(self._topics.interactions, key(STREAMLY, "somebody"), GARBAGE)

    def finish(self) -> int:
        """Wait until all is with the broker; how many records it did not take."""
        return sum(1 for one in self._publisher.finish() if one.error)


class Written(NamedTuple):
    """What lies on the output topics."""

    results: Sequence[ActionResult]
    letters: Sequence[DeadLetter]


def read_back(home: Home) -> Written:
    """All results and dead letters, as any reader of committed records sees them."""
    codec = Codec()
    return Written([codec.result(value) for value in _values(home, home.topics.results)],
                   [codec.dead_letter(value) for value in _values(home, home.topics.dead_letters)])


def save(written: Written, folder: Path) -> None:
    """Write them as JSON lines."""
    for name, records in (("results", written.results), ("dead-letters", written.letters)):
        lines = [json.dumps(to_json(one), ensure_ascii=False, default=str) for one in records]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _values(home: Home, topic: str) -> Iterator[bytes]:
    consumer = Consumer(home.kafka.client({
        "group.id": f"demo-reader-{uuid4().hex[:8]}", "enable.auto.commit": False, "auto.offset.reset": "earliest",
        "isolation.level": "read_committed", "enable.partition.eof": True,
    }))
    try:
        found = consumer.list_topics(topic, timeout=READ_SECONDS).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in found])
        yield from _to_the_end(consumer, len(found))
    finally:
        consumer.close()


def _to_the_end(consumer: Any, partitions: int) -> Iterator[bytes]:
    ends: set[int] = set()
    deadline = time.monotonic() + READ_SECONDS
    while len(ends) < partitions and time.monotonic() < deadline:
        for message in consumer.consume(500, 0.2):
            if message.error() is not None:
                ends.add(message.partition())
            elif message.value() is not None:
                yield message.value()


def _now() -> int:
    return int(time.time() * 1000)
