"""Where a benchmark runs: a broker of its own, vendors, topics filled beforehand, the processor's plug-in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from confluent_kafka import Producer

from benchmarks import workload
from benchmarks.vendor import Vendors, open_vendors
from testkit.kafka.broker import Broker
from testkit.kafka.fresh import FreshTopics
from testkit.kafka.local import LocalKafka

PLUGIN = Path(__file__).parent / "plugin"
APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
HEAP = "1g"


class Place:
    """Everything around the candidates."""

    def __init__(self, servers: str, vendors: Vendors, folder: Path, plugin: Path, kept: Path | None = None) -> None:
        self.servers = servers
        self.kept = kept
        """Where the broker keeps its topics."""
        self.vendors = vendors
        self.folder = folder
        self.plugin = plugin
        self._broker = Broker(servers, "local")
        self._numbers = count(1)
        self._filled: dict[str, str] = {}
        self._made: dict[int, list[tuple[str, bytes]]] = {}

    def topics(self) -> FreshTopics:
        """Topics under a name that nobody has used yet."""
        return FreshTopics(self._broker, f"run{next(self._numbers):03d}")

    def events(self, number: int, *, hot: bool = False, interaction: str = "accept", down: bool = False) -> str:
        """The topic with so many events; made and filled once. `down`: as many again for a vendor that is down."""
        name = f"events-{interaction}-{number}{'-hot' * hot}{'-down' * down}"
        if name not in self._filled:
            self._filled[name] = topic = self._topic(name)
            self._fill(topic, self._events(number, hot=hot, interaction=interaction, down=down))
        return self._filled[name]

    def records(self, number: int) -> list[tuple[str, bytes]]:
        """Keys and values of so many events, made once."""
        if number not in self._made:
            self._made[number] = [(f"{workload.APP}:{who}", data)
                                  for who, data in self._events(number, hot=False, interaction="accept", down=False)]
        return self._made[number]

    def attributes(self, users: int = workload.USERS, partitions: int = workload.PARTITIONS) -> str:
        """The topic with everybody's attributes."""
        name = f"attributes-{users}-{partitions}"
        if name not in self._filled:
            self._filled[name] = topic = self._topic(name, partitions)
            self._fill(topic, ((workload.user(one), workload.change(one)) for one in range(users)))
        return self._filled[name]

    def _topic(self, name: str, partitions: int = workload.PARTITIONS) -> str:
        return FreshTopics(self._broker, "bench")(name, partitions=partitions, config=APPEND_TIME)

    def _events(self, number: int, *, hot: bool, interaction: str, down: bool) -> Iterator[tuple[str, bytes]]:
        for one in range(number):
            who = workload.user_of(one, hot=hot)
            yield who, workload.event(one, who, interaction)
            if down:
                yield who, workload.event(number + one, who, interaction, "down")

    def _fill(self, topic: str, records: Iterator[tuple[str, bytes]]) -> None:
        producer = publisher(self.servers)
        for who, data in records:
            put(producer, topic, f"{workload.APP}:{who}", data)
        producer.flush(60)


def publisher(servers: str) -> Producer:
    """A producer that partitions as Java does."""
    return Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random", "linger.ms": 1,
                     "enable.idempotence": True,  # else a batch that is sent again can overtake another
                     "compression.type": "lz4", "log_level": 0})


def put(producer: Producer, topic: str, key: str | bytes, data: bytes) -> None:
    """Publish one record, once there is room for it."""
    while True:
        try:
            producer.produce(topic, data, key)
        except BufferError:
            producer.poll(0.05)
        else:
            producer.poll(0)
            return


@contextmanager
def open_place() -> Iterator[Place]:
    """A place until the end of the block."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        plugin = _install_plugin(folder / "plugin")
        with LocalKafka(heap=HEAP) as kafka, \
                open_vendors(folder) as vendors:
            yield Place(kafka.bootstrap_servers, vendors, folder, plugin, kafka.folder / "log")


def _install_plugin(folder: Path) -> Path:
    """The measured connectors, beside the environment and not in it, so that no test finds them."""
    source = folder.with_name("plugin-source")
    shutil.copytree(PLUGIN, source)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
                    "--disable-pip-version-check", "--target", str(folder), str(source)], check=True,
                   env=os.environ | {"PIP_ROOT_USER_ACTION": "ignore"})
    return folder
