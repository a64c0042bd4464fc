"""What a single event waits for: from produced to result as a reader outside sees it, and until the vendor is called.

Events come at an even rate from a process of its own (benchmarks/pace.py); the vendor writes down each call.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer

from benchmarks.candidates import Candidate, Running, Wanted
from benchmarks.measure import NUMBER
from benchmarks.pace import Pace, Paced
from benchmarks.place import APPEND_TIME, Place
from benchmarks.proc import cpu_seconds, machine_seconds
from benchmarks.together import wait_for_all
from benchmarks.workload import RESULT

WARM = 2.0
"""Seconds whose events are not counted."""
PATIENCE = 10.0
"""Seconds that are waited for the last results."""
VENDOR = "timed"
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


IN_FLIGHT = 64


class Seen(NamedTuple):
    """A result, when it was seen."""

    at: float
    data: bytes


class Called(NamedTuple):
    """A call, as the vendor wrote it down."""

    at: float
    """Wall time in seconds, to the millisecond."""
    took: float


class Load(NamedTuple):
    """What a candidate is measured under."""

    name: str
    rate: float
    """Events a second."""
    seconds: float = 12.0
    down: bool = False
    """Whether as many events again are for a vendor that is down."""


def latency(place: Place, candidate: Candidate, load: Load) -> Mapping[str, Any]:
    """One run: percentiles in milliseconds, and the cores that measuring took itself."""
    topic = place.topics()("live", config=APPEND_TIME)
    vendor = VENDOR if VENDOR in place.vendors.urls else "at_once"
    pace = Pace(place.servers, topic, load.rate, load.seconds, str(place.folder / f"{topic}.sent"), load.down)
    log_from = _size(place.vendors.log)
    running = candidate.start(place, Wanted(vendor, topic, IN_FLIGHT, pull="down" if load.down else ""))
    paced = Paced(pace)
    try:
        wait_for_all(place.servers, running.group, topic, candidate.processes)
        watched = watch(place.servers, running, paced, pace.events)
        sent, generator = paced.end()
    finally:
        paced.close()
        running.end()
    calls = dict(calls_of(_lines(place.vendors.log, log_from)))
    arrived = arrivals(place.servers, topic, pace.events)
    found = figures(watched.seen, sent, calls, arrived, int(WARM * load.rate))
    return {"rate": load.rate, **found, "missing": pace.events - len(watched.seen), "cores": watched.cores,
            "others": watched.others, "generator": generator, "reader": watched.own}


class Watched(NamedTuple):
    """What a run showed: results, and the cores used by the candidate, by this reader, by all but the candidate."""

    seen: Sequence[Seen]
    cores: float
    own: float
    others: float


def watch(servers: str, running: Running, paced: Paced, count: int) -> Watched:
    """Read results as they come, and nothing else meanwhile: they are looked at afterwards."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench-latency", "enable.auto.commit": False,
                         "isolation.level": "read_committed", "auto.offset.reset": "earliest", "log_level": 0})
    consumer.subscribe([running.results])
    while not consumer.assignment():
        consumer.poll(0.1)
    seen: list[Seen] = []
    paced.start()
    before = _clocks(running.pids)
    last = time.monotonic() + PATIENCE
    while len(seen) < count and time.monotonic() < last:
        if some := list(_take(consumer)):
            seen.extend(some)
            last = some[-1].at + PATIENCE
    seconds, own, cpu, machine = (b - a for a, b in zip(before, _clocks(running.pids), strict=True))
    consumer.close()
    return Watched(seen, cpu / seconds, own / seconds, (machine - cpu) / seconds)


def _take(consumer: Consumer) -> Iterator[Seen]:
    """The next result as soon as it is there, and those that came with it."""
    first = consumer.poll(0.1)
    if first is None:
        return
    some = [first, *consumer.consume(5000, 0)]
    at = time.monotonic()
    for message in some:
        if message.error() is None:
            yield Seen(at, message.value())


def _clocks(pids: Sequence[int]) -> tuple[float, float, float, float]:
    return time.monotonic(), time.process_time(), sum(map(cpu_seconds, pids)), machine_seconds()


def figures(seen: Sequence[Seen], sent: array[float], calls: Mapping[str, Called], arrived: Mapping[int, int],
            first: int) -> Mapping[str, Mapping[str, float]]:
    """Percentiles of the events from this number on: what is added to the vendor's time, and when it is called."""
    added, called = [], []
    for one in seen:
        number = int(one.data[NUMBER])
        if not first <= number < len(sent):
            continue
        call = calls.get(RESULT.read(one.data)["reference"])
        added.append(one.at - sent[number] - (call.took if call else 0.0))
        if call is not None and number in arrived:
            called.append(call.at - arrived[number] / 1000)
    return {"added": percentiles(added), "called": percentiles(called)}


def percentiles(seconds: Sequence[float]) -> Mapping[str, float]:
    """In milliseconds; empty where there is nothing."""
    ranked = sorted(seconds)
    if not ranked:
        return {}
    return {name: round(ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000, 1)
            for name, share in SHARES.items()}


def calls_of(lines: Iterable[str]) -> Iterator[tuple[str, Called]]:
    """The calls in the vendor's log, by the id of their answer. It writes when a call ended, and what it took."""
    for line in lines:
        identity, ended, took = line.split()
        yield identity, Called(float(ended) - float(took), float(took))


def _size(log: Path | None) -> int:
    if log is not None:
        with suppress(OSError):
            return log.stat().st_size
    return 0


def _lines(log: Path | None, start: int) -> Sequence[str]:
    if log is None or not log.exists():
        return ()
    time.sleep(0.5)  # what the vendor holds back is written out
    with log.open() as file:
        file.seek(start)
        return [line for line in file if line.endswith("\n")]


def arrivals(servers: str, topic: str, count: int) -> Mapping[int, int]:
    """When the broker took each event that counts, by its number, in milliseconds of the broker's clock."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench-arrivals", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "log_level": 0})
    consumer.subscribe([topic])
    found: dict[int, int] = {}
    end = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < end:
        for message in consumer.consume(5000, 0.5):
            if message.error() is None and (number := int(message.value()[NUMBER])) < count:
                found[number] = message.timestamp()[1]
    consumer.close()
    return found
