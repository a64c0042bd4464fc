"""Watches a run from outside: results by the topic's ends, CPU and memory from /proc; judges what came out."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.proc import cpu_seconds, librdkafka_seconds, machine_seconds, peak_rss_mb
from benchmarks.workload import PARTITIONS

EVERY = 0.1
SETTLE, SETTLE_QUIET = 60.0, 15.0
"""Seconds that are waited for the last results, and without a new one among them: some wait for their retry."""
FROM, HALF, TO = 0.15, 0.5, 0.9
"""The share of the results between which rate and CPU are taken: neither the start nor the end of a run."""
NUMBER = slice(17, 27)
"""Where an event's number stands in a result: behind ten bytes of head, one of length and `event-`."""


class Sample(NamedTuple):
    """One look at a run."""

    at: float
    ends: tuple[int, ...]
    cpu: float
    others: float
    """CPU seconds of everything else on the machine."""
    librdkafka: float = 0.0
    """Of `cpu`, what librdkafka's threads took."""


class Measured(NamedTuple):
    """What a run showed."""

    events: int
    results: int
    events_per_second: float
    cpu_us: float
    cores: float
    others: float
    """Cores that everything else used meanwhile, broker and vendor included."""
    rss_mb: float
    calls: int
    succeeded: int
    lost: int
    repeated: int
    reordered: int
    start_seconds: float
    """From the process's start to its first result."""
    librdkafka_us: float = 0.0
    """Of `cpu_us`, what librdkafka's threads took: all that has to do with the broker but the calls themselves."""
    late_per_second: float = 0.0
    """Rate of the second half, when whatever compiles while it runs has done so."""
    late_cpu_us: float = 0.0
    whole_per_second: float = 0.0
    """Rate from the first result to the last, with all that compiling takes meanwhile."""
    whole_cpu_us: float = 0.0
    unfinished: bool = False
    """Whether results still came when it was ended: then what counts as lost was not done in time."""

    @property
    def correct(self) -> str:
        """In words."""
        missing = "not done in time" if self.unfinished else "lost"
        found = [f"{count} {word}" for count, word in (
            (self.lost, missing), (self.repeated, "repeated"), (self.reordered, "out of order")) if count]
        return ", ".join(found) or "all there, in order"


def reader(servers: str) -> Consumer:
    """A client that reads what is committed, in no group."""
    return Consumer({"bootstrap.servers": servers, "group.id": "bench-watch", "log_level": 0,
                     "enable.auto.commit": False, "enable.partition.eof": True,
                     "isolation.level": "read_committed", "auto.offset.reset": "earliest"})


class Watch:
    """Looks at one run."""

    def __init__(self, servers: str, results: str, pids: Sequence[int]) -> None:
        self._servers = servers
        self._client = reader(servers)
        self._parts = [TopicPartition(results, number, 0) for number in range(PARTITIONS)]
        self._pids = pids
        self._began = time.monotonic()
        self._read: Read | None = None
        self._unfinished = False
        self.samples: list[Sample] = []
        self.rss = 0.0

    def sample(self) -> int:
        """Look once; how many records (control records included) are there."""
        ends = tuple(map(self._end, self._parts))
        cpu = sum(map(cpu_seconds, self._pids))
        self.samples.append(Sample(time.monotonic(), ends, cpu, machine_seconds() - cpu,
                                   sum(map(librdkafka_seconds, self._pids))))
        return sum(ends)

    def _end(self, part: TopicPartition) -> int:
        """Behind the last record that is committed; a topic that was just made has no leader for a moment."""
        try:
            return int(self._client.get_watermark_offsets(part, timeout=10)[1])
        except KafkaException:
            return self.samples[-1].ends[part.partition] if self.samples else 0

    def until(self, count: int, limit: float, longest: float) -> None:
        """Look until so many records are there, or nothing has come for `limit` seconds, or `longest` are over."""
        moved, last = time.monotonic(), 0
        end = moved + longest
        while (found := self.sample()) < count and time.monotonic() < min(moved + limit, end):
            if found != last:
                moved, last = time.monotonic(), found
            time.sleep(EVERY)

    def settle(self, events: int, steps: int) -> None:
        """Read the results, and go on looking until all are there: the last may wait for their retry."""
        self._read = read = Read(self._servers, self._parts, steps)
        moved, last = time.monotonic(), 0
        end = moved + SETTLE
        while read.unique < events * steps and time.monotonic() < min(moved + SETTLE_QUIET, end):
            read.take()
            self.sample()
            if read.unique != last:
                moved, last = time.monotonic(), read.unique
        self._unfinished = time.monotonic() >= end
        self.rss = sum(map(peak_rss_mb, self._pids))

    def judge(self, events: int, steps: int, calls: int, *, together: bool = False) -> Measured:
        """Put the figures together. `together`: only while every partition, hence every process, still had work."""
        read = self._read or Read(self._servers, self._parts, steps)
        for _ in range(5):
            read.take()  # what came at its end, or should not have come
        read.close()
        self._client.close()
        counts = [read.counts_below(one.ends) for one in self.samples]
        first, last = window([sum(one) for one in counts], events * steps)
        if together:
            last = max(first, min(last, first_end(counts)))
        late = self._between(middle(counts, events * steps, last), last, counts, steps)
        whole = self._between(*ends_of([sum(one) for one in counts]), counts, steps)
        a, b, done = self.samples[first], self.samples[last], (sum(counts[last]) - sum(counts[first])) / steps
        seconds, per_event = max(b.at - a.at, 1e-9), 1e6 / max(done, 1)
        began = next((one.at for one, count in zip(self.samples, counts, strict=True) if sum(count)), self._began)
        return Measured(
            events, read.total, done / seconds, (b.cpu - a.cpu) * per_event, (b.cpu - a.cpu) / seconds,
            (b.others - a.others) / seconds, self.rss, calls, read.succeeded, events * steps - read.unique,
            read.total - read.unique, read.reordered, began - self._began,
            (b.librdkafka - a.librdkafka) * per_event, *late, *whole, unfinished=self._unfinished)

    def _between(self, first: int, last: int, counts: Sequence[Sequence[int]], steps: int) -> tuple[float, float]:
        """Events a second and CPU microseconds an event between two samples."""
        a, b, done = self.samples[first], self.samples[last], (sum(counts[last]) - sum(counts[first])) / steps
        return done / max(b.at - a.at, 1e-9), (b.cpu - a.cpu) / max(done, 1) * 1e6


def window(counts: Sequence[int], expected: int) -> tuple[int, int]:
    """The samples between which rate and CPU are taken."""
    first = next((at for at, one in enumerate(counts) if one >= FROM * expected), 0)
    last = next((at for at, one in enumerate(counts) if one >= TO * expected), len(counts) - 1)
    return first, last


def ends_of(counts: Sequence[int]) -> tuple[int, int]:
    """The sample before the first results, and the first that has all there ever are."""
    first = next((at for at, one in enumerate(counts) if one), 0)
    return max(0, first - 1), counts.index(counts[-1])


def middle(counts: Sequence[Sequence[int]], expected: int, last: int) -> int:
    """The sample from which the second half is taken, which ends with `last`."""
    return min(last, next((at for at, one in enumerate(counts) if sum(one) >= HALF * expected), last))


def first_end(counts: Sequence[Sequence[int]]) -> int:
    """The last sample at which no partition had all of its results yet."""
    final = counts[-1]
    return next((at for at, one in enumerate(counts) if any(map(int.__eq__, one, final))), len(counts)) - 1


class Read:
    """All results of a run, as a reader outside sees them."""

    def __init__(self, servers: str, parts: Sequence[TopicPartition], steps: int) -> None:
        self._consumer = reader(servers)  # of its own: who asks for ends would stand behind its fetches
        self._steps = steps
        self._offsets: list[list[int]] = [[] for _ in parts]
        self._seen: dict[int, int] = defaultdict(int)
        self._last: dict[bytes, int] = {}
        self.total = self.unique = self.succeeded = self.reordered = 0
        self._consumer.assign(list(parts))

    def close(self) -> None:
        """Free its client."""
        self._consumer.close()

    def take(self) -> None:
        """Read what is there, for a moment."""
        for message in self._consumer.consume(5000, EVERY):
            if message.error() is None:
                data = message.value()
                self._offsets[message.partition()].append(message.offset())
                self._note(message.key(), int(data[NUMBER]), data)

    def _note(self, key: bytes, number: int, data: bytes) -> None:
        self.total += 1
        self.succeeded += b"succeeded" in data
        self._seen[number] += 1
        self.unique += self._seen[number] <= self._steps
        if number < self._last.get(key, -1):
            self.reordered += 1
        else:
            self._last[key] = number

    def counts_below(self, ends: Sequence[int]) -> list[int]:
        """How many results of each partition lay below these ends."""
        return [bisect_left(offsets, end) for offsets, end in zip(self._offsets, ends, strict=True)]
