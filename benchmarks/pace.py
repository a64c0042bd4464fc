"""Publishes events at an even rate, in a process of its own, with as little CPU as it can: `python -m benchmarks.pace`.

All events are made before the first goes out. Those of one tick go to one partition, so the broker gets one request
for all of them; the next tick's go to the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Producer

from benchmarks import workload
from processor.kafka.murmur2 import partition_of

VARIABLE = "BENCH_PACE"
TICK = 0.004
"""Seconds between two lots."""
LINGER_MS = 0.5
"""That a lot goes out as one."""
LATE = 60.0
"""Seconds beyond its time after which it is given up."""
Lot = deque[tuple[int, str, Sequence[bytes]]]
"""Events of one partition: number, key, and what is published under it."""


class Pace(NamedTuple):
    """What is to be published, handed over in the environment."""

    servers: str
    topic: str
    rate: float
    seconds: float
    out: str
    """The file that takes the times at which each event was handed to the producer, on the monotonic clock."""
    down: bool = False
    """Whether each event is followed by one of the same user for the vendor that is down; those are not counted."""

    @property
    def events(self) -> int:
        """How many there are."""
        return int(self.rate * self.seconds)


class Paced:
    """The publishing process, from outside."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pace"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {VARIABLE: json.dumps(pace._asdict())}, cwd=Path(__file__).parent.parent)

    def _line(self) -> str:
        line: str = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            raise RuntimeError("benchmarks.pace has ended early, see above")
        return line

    def start(self) -> None:
        """Let it begin, once it has made its events."""
        self._line()
        self._process.stdin.write("go\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]

    def end(self) -> tuple[array[float], float]:
        """When each event was sent, and the cores that it took to do it."""
        cores = float(self._line())
        self._process.wait(LATE)
        sent = array("d")
        sent.frombytes(Path(self._pace.out).read_bytes())
        return sent, cores

    def close(self) -> None:
        """Whatever it does, it is gone afterwards."""
        self._process.kill()
        self._process.wait()


def lots(count: int, *, down: bool) -> list[Lot]:
    """Events by partition."""
    made: list[Lot] = [deque() for _ in range(workload.PARTITIONS)]
    for number in range(count):
        who = workload.user_of(number, hot=False)
        key = f"{workload.APP}:{who}"
        values = [workload.event(number, who)]
        if down:
            values.append(workload.event(count + number, who, prompt="down"))
        made[partition_of(key.encode(), workload.PARTITIONS)].append((number, key, values))
    return made


def publish(pace: Pace, producer: Producer, waiting: list[Lot]) -> array[float]:
    """All of them at their times; returns these."""
    sent = array("d", bytes(8 * pace.events))
    began, done, tick = time.monotonic(), 0, 0
    while done < pace.events:
        tick += 1
        if (wait := began + tick * TICK - time.monotonic()) > 0:
            time.sleep(wait)
        now = time.monotonic()
        due = min(pace.events, int((now - began) * pace.rate))
        while done < due:
            partition, lot = _next(waiting, tick)
            for number, key, values in [lot.popleft() for _ in range(min(due - done, len(lot)))]:
                for data in values:
                    producer.produce(pace.topic, data, key, partition)
                sent[number] = now
                done += 1
        producer.poll(0)
    return sent


def _next(waiting: list[Lot], tick: int) -> tuple[int, Lot]:
    """The tick's partition, or the next with events left."""
    turns = ((tick + more) % len(waiting) for more in range(len(waiting)))
    return next((turn, waiting[turn]) for turn in turns if waiting[turn])


def main() -> None:
    """Make the events, wait for a line, publish, tell the cores that it took."""
    pace = Pace(**json.loads(os.environ[VARIABLE]))
    producer = Producer({"bootstrap.servers": pace.servers, "linger.ms": LINGER_MS, "enable.idempotence": True,
                         "compression.type": "lz4", "log_level": 0})
    producer.list_topics(pace.topic, timeout=10)
    waiting = lots(pace.events, down=pace.down)
    print("made", flush=True)
    sys.stdin.readline()
    began, cpu = time.monotonic(), time.process_time()
    sent = publish(pace, producer, waiting)
    cores = (time.process_time() - cpu) / (time.monotonic() - began)
    producer.flush(30)
    Path(pace.out).write_bytes(sent.tobytes())
    print(cores, flush=True)


if __name__ == "__main__":
    main()
