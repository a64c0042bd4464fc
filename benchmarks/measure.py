"""Watches a run from outside: results by the topic's ends, CPU and memory from /proc; judges what came out."""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.workload import PARTITIONS

TICKS = os.sysconf("SC_CLK_TCK")
EVERY = 0.1
SETTLE = 20.0
"""Seconds that are waited for the last results."""
FROM, TO = 0.15, 0.9
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

    @property
    def correct(self) -> str:
        """In words."""
        found = [f"{count} {word}" for count, word in (
            (self.lost, "lost"), (self.repeated, "repeated"), (self.reordered, "out of order")) if count]
        return ", ".join(found) or "all there, in order"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds() -> float:
    """Busy time of all cores."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process ever had."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


class Watch:
    """Looks at one run."""

    def __init__(self, servers: str, results: str, pids: Sequence[int]) -> None:
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench-watch", "log_level": 0,
                                   "enable.auto.commit": False, "enable.partition.eof": True,
                                   "isolation.level": "read_committed", "auto.offset.reset": "earliest"})
        self._parts = [TopicPartition(results, number, 0) for number in range(PARTITIONS)]
        self._pids = pids
        self._began = time.monotonic()
        self.samples: list[Sample] = []
        self.rss = 0.0

    def sample(self) -> int:
        """Look once; how many records (control records included) are there."""
        ends = tuple(map(self._end, self._parts))
        cpu = sum(map(cpu_seconds, self._pids))
        self.samples.append(Sample(time.monotonic(), ends, cpu, machine_seconds() - cpu))
        return sum(ends)

    def _end(self, part: TopicPartition) -> int:
        """Behind the last record that is committed; a topic that was just made has no leader for a moment."""
        try:
            return int(self._consumer.get_watermark_offsets(part, timeout=10)[1])
        except KafkaException:
            return self.samples[-1].ends[part.partition] if self.samples else 0

    def until(self, count: int, limit: float, longest: float) -> None:
        """Look until so many results are there, or nothing has come for `limit` seconds, or `longest` are over."""
        moved, last = time.monotonic(), 0
        end = moved + longest
        while (found := self.sample()) < count and time.monotonic() < min(moved + limit, end):
            if found != last:
                moved, last = time.monotonic(), found
            time.sleep(EVERY)
        self.rss = sum(map(peak_rss_mb, self._pids))

    def judge(self, events: int, steps: int, calls: int) -> Measured:
        """Read all results and put the figures together."""
        read = Read(self._consumer, self._parts)
        read.until(events * steps)
        self._consumer.close()
        counts = [read.count_below(one.ends) for one in self.samples]
        a = next((i for i, one in enumerate(counts) if one >= FROM * events * steps), 0)
        b = next((i for i, one in enumerate(counts) if one >= TO * events * steps), len(counts) - 1)
        first, last, done = self.samples[a], self.samples[b], (counts[b] - counts[a]) / steps
        seconds = max(last.at - first.at, 1e-9)
        began = next((one.at for one, count in zip(self.samples, counts, strict=True) if count), self._began)
        return Measured(
            events, read.total, done / seconds, (last.cpu - first.cpu) / max(done, 1) * 1e6,
            (last.cpu - first.cpu) / seconds, (last.others - first.others) / seconds, self.rss, calls, read.succeeded,
            events * steps - read.unique(steps), read.total - read.unique(steps), read.reordered, began - self._began)


class Read:
    """All results of a run, as a reader outside sees them."""

    def __init__(self, consumer: Consumer, parts: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._offsets: list[list[int]] = [[] for _ in parts]
        self._seen: dict[int, int] = defaultdict(int)
        self._last: dict[bytes, int] = {}
        self.total = self.succeeded = self.reordered = 0
        consumer.assign(list(parts))

    def until(self, count: int) -> None:
        """Read until so many are there, or no more come."""
        end = time.monotonic() + SETTLE
        while self.total < count and time.monotonic() < end:
            self._take()
        for _ in range(5):
            self._take()

    def _take(self) -> None:
        for message in self._consumer.consume(5000, 0.1):
            if message.error() is None:
                data = message.value()
                self._offsets[message.partition()].append(message.offset())
                self._note(message.key(), int(data[NUMBER]), data)

    def _note(self, key: bytes, number: int, data: bytes) -> None:
        self.total += 1
        self.succeeded += b"succeeded" in data
        self._seen[number] += 1
        if number < self._last.get(key, -1):
            self.reordered += 1
        else:
            self._last[key] = number

    def unique(self, steps: int) -> int:
        """Results without repeats."""
        return sum(min(count, steps) for count in self._seen.values())

    def count_below(self, ends: Sequence[int]) -> int:
        """How many results lay below these ends."""
        return sum(bisect_left(offsets, end) for offsets, end in zip(self._offsets, ends, strict=True))


def percentiles(seconds: Sequence[float]) -> Mapping[str, float]:
    """Of latencies, in milliseconds."""
    ranked = sorted(seconds)
    if not ranked:
        return {}
    return {name: round(ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000, 1)
            for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))}
