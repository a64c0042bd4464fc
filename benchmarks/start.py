"""How long `prompt-actions run` takes until it is ready: with nothing to restore, and with a million attributes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from benchmarks import workload
from benchmarks.candidates import Wanted, site_of
from benchmarks.place import Place, publisher, put
from processor.avro.codec import Codec
from processor.model.attributes import AttributesState
from testkit.processor.process import Processor
from testkit.processor.site import PARTITIONS, Site

LONGEST = 180.0
LOOK = 0.01
"""Seconds between two looks; it tells that it is ready to the quarter of a second."""


ANYTHING = Wanted("at_once", "", 64)


class Shape(NamedTuple):
    """What is to be restored: nothing, or a million attributes, of some users or of as many."""

    users: int
    attributes: int
    """Of each user."""


SHAPES = (Shape(0, 0), Shape(50_000, 20), Shape(1_000_000, 1))


class Started(NamedTuple):
    """When things happened, in seconds since exec."""

    first_word: float
    assigned: float
    """Partitions are there, and what they need is looked for."""
    restored: float
    events: float
    """Events are taken from every partition."""
    ready: float
    """`/ready` says so, which looks four times a second."""
    records: int
    """That were restored."""


def starts(place: Place, shape: Shape, rounds: int) -> Iterator[Started]:
    """So many starts without any state on disk; one before them, with topics just made, does not count."""
    site = site_of(place, ANYTHING)
    try:
        _start(site)
        _fill(site, shape)
        for _ in range(rounds):
            site.forget_state()
            yield _start(site)
    finally:
        site.close()


def _fill(site: Site, shape: Shape) -> None:
    """Onto the changelog itself, as if the users had been synced long ago."""
    codec, now, producer = Codec(), int(time.time() * 1000), publisher(site.servers)
    for number in range(shape.users):
        known = dict(list(workload.attributes(number).items())[:shape.attributes])
        put(producer, site.topics["attributes_changelog"], f"{workload.APP}:user-{number:07d}",
            codec.encode_attributes_state(AttributesState(known, number, now)))
    producer.flush(120)


def _start(site: Site) -> Started:
    """Start it, and end it again."""
    processor, wall, began = site.processor("p0"), time.time(), time.monotonic()
    processor.start()
    try:
        while not _is_ready(processor):
            if not processor.running or time.monotonic() > began + LONGEST:
                raise RuntimeError(f"does not become ready:\n{processor.last_words()}")
            time.sleep(LOOK)
        ready = time.monotonic() - began
        processor.until(lambda: len(processor.said("partition_ready")) == PARTITIONS, LONGEST)
        return _steps(processor, wall, ready)
    finally:
        processor.end()


def _is_ready(processor: Processor) -> bool:
    return processor.port != 0 and processor.get("/ready").status == 200


def _steps(processor: Processor, wall: float, ready: float) -> Started:
    """From what it logged."""
    restored = processor.said("restored")
    return Started(
        _time(processor.said("starting")[0]) - wall,
        min(_time(one) - one["seconds"] for one in restored) - wall,
        max(map(_time, restored)) - wall,
        max(map(_time, processor.said("partition_ready"))) - wall,
        ready, sum(one["records"] for one in restored))


def _time(line: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(line["time"]).timestamp()
