"""Case H: the set-up whose figures Parallel Consumer's authors published, run here by the processor and by theirs.

10,000 events, one partition, 0 to 5 ms of work each, one to 10,000 keys: "Illustrative Performance Example" in the
README of github.com/confluentinc/parallel-consumer, at default options. There the work is a thread that sleeps, and
Kafka's clients are mocks; here it is a call to a vendor that takes as long, and the broker is real.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks import workload
from benchmarks.candidates import CANDIDATES, EXACTLY, Candidate, Running, Wanted, script
from benchmarks.measure import NUMBER
from benchmarks.parallel import PARALLEL, PARALLEL_CORE, command, not_built
from benchmarks.place import APPEND_TIME, Place, put
from benchmarks.proc import cpu_seconds

if TYPE_CHECKING:
    from benchmarks.beside import Asked

TAKING_PART = (
    CANDIDATES[EXACTLY],
    Candidate(PARALLEL, script(command(linger_ms=0)), 1.0, not_built),
    Candidate(PARALLEL_CORE, script(command(client="core", concurrency=16, linger_ms=0)), 1.0, not_built),
)
"""The last has the options that theirs had: as many threads as are the default."""
THEIRS: Mapping[int, float] = {1: 26.743, 10: 3.310, 100: 2.178, 1_000: 2.056, 10_000: 2.128}
"""By number of keys, the seconds that their README tells for order by key."""
EVENTS, WARM_UP = 10_000, 30_000
USERS, IN_FLIGHT = max(THEIRS), 1_000
VENDOR = "work"
LONGEST = 120.0
"""Seconds after which a row is over; what is missing then counts as lost."""
ONCE = 1
"""So many keys are run in the first round only: half a minute of little but sleep, which does not vary."""
QUIET = 1.0
"""Seconds between two rows, in which what the last one left behind is done."""


class Took(NamedTuple):
    """One run of one row."""

    seconds: float
    """From the moment in which the events can be read until the last result can."""
    cpu_us: float
    """Of the candidate, an event."""
    lost: int
    repeated: int
    reordered: int


def published(place: Place, asked: Asked) -> list[dict[str, Any]]:
    """All rows of all that can run here, the candidates in turns."""
    rows: dict[tuple[int, str], list[Any]] = {}
    for number in range(asked.rounds):
        for one in TAKING_PART:
            why = one.why_not() or ("" if VENDOR in place.vendors.urls else "no such vendor")
            if why:
                asked.results["left_out"][one.name] = why
                continue
            for keys, took in _rows(place, one, [keys for keys in THEIRS if keys > ONCE or not number], asked.scale):
                rows.setdefault((keys, one.name), []).append(took._asdict())
                asked.tell(f"H {number + 1}/{asked.rounds} {one.name}, {keys:,} keys: {took}")
    return [{"keys": keys, "candidate": name, "theirs": THEIRS[keys], "runs": runs}
            for (keys, name), runs in sorted(rows.items(), key=lambda one: one[0][0])]


def _rows(place: Place, candidate: Candidate, keys: Sequence[int], scale: float) -> Iterator[tuple[int, Took]]:
    """One process for all rows, as theirs was, warmed by three times as many events as a row has."""
    topic = place.topics()("published", partitions=1, config=APPEND_TIME)
    running = candidate.start(place, Wanted(VENDOR, topic, IN_FLIGHT, users=USERS, partitions=1))
    try:
        one = _Measurement(place.servers, topic, running)
        one.row(USERS, int(WARM_UP * scale))
        for count in keys:
            time.sleep(QUIET)
            yield count, one.row(count, int(EVENTS * scale))
        one.close()
    finally:
        running.end()


class _Measurement:
    """Publishes for a process that is there, and reads what comes of it."""

    def __init__(self, servers: str, topic: str, running: Running) -> None:
        self._topic, self._pids = topic, running.pids
        self._next = 0
        self._producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "compression.type": "lz4",
                                   "transactional.id": topic, "log_level": 0})
        self._producer.init_transactions(30)
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": topic, "enable.auto.commit": False,
                                   "isolation.level": "read_committed", "fetch.wait.max.ms": 10, "log_level": 0})
        self._consumer.assign([TopicPartition(running.results, 0, 0)])

    def close(self) -> None:
        """End the reader."""
        self._consumer.close()

    def row(self, keys: int, events: int) -> Took:
        """So many events under so many keys; they lie in the topic before, and show themselves at once."""
        numbers = range(self._next, self._next + events)
        self._next += events
        self._publish(numbers, keys)
        cpu, began = self._cpu(), time.monotonic()
        self._producer.commit_transaction(30)
        found = self._read(events, began + LONGEST)
        seconds = time.monotonic() - began
        times = Counter(found)
        return Took(seconds, (self._cpu() - cpu) / events * 1e6, sum(one not in times for one in numbers),
                    sum(times.values()) - len(times), reordered(found, keys))

    def _publish(self, numbers: range, keys: int) -> None:
        self._producer.begin_transaction()
        for number in numbers:
            who = workload.user(number % keys)
            put(self._producer, self._topic, f"{workload.APP}:{who}", workload.event(number, who))
        self._producer.flush(30)

    def _read(self, count: int, end: float) -> list[int]:
        found: list[int] = []
        while len(found) < count and time.monotonic() < end:
            found.extend(int(one.value()[NUMBER]) for one in self._consumer.consume(1000, 0.02) if one.error() is None)
        return found

    def _cpu(self) -> float:
        return sum(map(cpu_seconds, self._pids))


def reordered(found: list[int], keys: int) -> int:
    """How many results came behind that of a later event of the same key."""
    last: dict[int, int] = {}
    count = 0
    for number in found:
        count += number < last.get(number % keys, -1)
        last[number % keys] = max(number, last.get(number % keys, -1))
    return count
