"""A real Apache Kafka on this machine without Docker: one node, from Maven's jars, on Java 17 or later.

`python -m testkit.kafka.local --port 9092` runs one in the foreground.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from testkit.kafka.errors import NoKafka
from testkit.kafka.jars import java, kafka_jars

START_SECONDS = 90.0
STOP_SECONDS = 20.0

# Below the range from which Linux gives ports to outgoing connections, so that nothing takes the port of a broker
# that is down for a moment.
_PORTS = range(15_000, 32_000)

SHORT_SESSIONS: Mapping[str, str] = {
    # Under KIP-848 the broker sets these; with its defaults each killed member would be missed after 45 s only.
    # A group of its own may be given less: testkit.kafka.sessions.
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "200",
    "group.consumer.heartbeat.interval.ms": "1000",
}
"""Settings under which a member that was killed leaves its group after six seconds."""


def settings(port: int, controller_port: int, folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The broker's `server.properties`: one node that holds everything itself."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "log"),
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "8",
        "group.initial.rebalance.delay.ms": "0",
        "group.consumer.assignors": "uniform,range",
        "log.cleaner.dedupe.buffer.size": str(16 << 20),
        # A broker that was killed is let in again at once instead of after nine seconds.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        **SHORT_SESSIONS,
        **extra,
    }


class LocalKafka:
    """One broker process: started, stopped, killed, halted, and started again on what it had written."""

    def __init__(self, port: int = 0, folder: Path | None = None, extra: Mapping[str, str] | None = None,
                 heap: str = "512m") -> None:
        self.port = port or free_port()
        self._controller_port = free_port(besides=self.port)
        self._extra = dict(extra or {})
        self._heap = heap
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="kafka-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """What clients are given."""
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the broker said."""
        return self.folder / "kafka.log"

    @property
    def running(self) -> bool:
        """Whether the process is alive (a halted one is)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the broker, on what it had written before if it had; returns when it answers a client.

        The broker ends with the thread that calls this, where the kernel is asked to see to that: call it from one
        that lives as long as the broker shall.
        """
        if self.running:
            return self
        classes = f"{kafka_jars()}/*"
        properties = self._write_properties()
        if not (self.folder / "log" / "meta.properties").exists():
            self._format(classes, properties)
        with self.log.open("ab") as log:
            command = [*_dies_with_us(), *self._java(classes), "kafka.Kafka", str(properties)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
        self._wait_until_it_answers()
        return self

    def stop(self) -> None:
        """Orderly end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """The end that nobody had time for: SIGKILL."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let the broker hang: connections stay, nothing answers."""
        self._alive().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a broker that hangs go on."""
        self._alive().send_signal(signal.SIGCONT)

    def restart(self, *, kill: bool = False) -> Self:
        """End and start again on the same folder and port."""
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def wait(self) -> int:
        """Wait until the broker ends by itself; its exit code."""
        return self._alive().wait()

    def remove(self) -> None:
        """End the broker and remove the folder that it made for itself."""
        self.kill()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.remove()

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise NoKafka("This broker has not been started")
        return self._process

    def _java(self, classes: str) -> list[str]:
        return [java(), f"-Xmx{self._heap}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes]

    def _write_properties(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "server.properties"
        wanted = settings(self.port, self._controller_port, self.folder, self._extra)
        path.write_text("".join(f"{name}={value}\n" for name, value in wanted.items()))
        return path

    def _format(self, classes: str, properties: Path) -> None:
        tool = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties)]
        command = [*self._java(classes), *tool]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise NoKafka(f"Kafka could not format {self.folder}:\n{done.stdout}{done.stderr}")

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if not self.running:
                raise NoKafka(f"Kafka ended while starting; its last words ({self.log}):\n{self._last_words()}")
            if _listens(self.port) and answers(self.bootstrap_servers, timeout=2.0):
                return
            time.sleep(0.1)
        words = self._last_words()
        self.kill()
        raise NoKafka(f"Kafka did not answer within {START_SECONDS:.0f} s; its last words ({self.log}):\n{words}")

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)  # a halted one would never see SIGTERM
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._process = None


def answers(bootstrap_servers: str, timeout: float) -> bool:
    """Whether a broker answers a client there."""
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=timeout).brokers)
    except KafkaException:
        return False


def free_port(besides: int = 0) -> int:
    """A port that nothing listens on."""
    for port in random.SystemRandom().sample(_PORTS, 200):
        if port != besides and _can_bind(port):
            return port
    raise NoKafka(f"No free port found between {_PORTS.start} and {_PORTS.stop}")


def _can_bind(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        trial.settimeout(1.0)
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _cluster_id() -> str:
    """A random id as Kafka writes them; hexadecimal letters first, since one that begins with a dash is refused."""
    return base64.urlsafe_b64encode(b"\x00" + uuid.uuid4().bytes[1:]).rstrip(b"=").decode()


def _dies_with_us() -> list[str]:
    """A prefix for a command that the kernel kills when this process ends, however it ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


@click.command()
@click.option("--port", default=9092, show_default=True, help="Where clients connect.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path),
              help="Where topics are kept; without it they go with the broker.")
@click.option("--set", "extra", multiple=True, metavar="NAME=VALUE", help="A setting of server.properties.")
def main(port: int, folder: Path | None, extra: tuple[str, ...]) -> None:
    """Run one Apache Kafka in the foreground until Ctrl-C."""
    pairs = dict(one.split("=", 1) for one in extra if "=" in one)
    try:
        with LocalKafka(port, folder, pairs) as kafka:
            click.echo(f"Kafka answers at {kafka.bootstrap_servers}, its log is {kafka.log}. Ctrl-C ends it.")
            _until_told(kafka)
    except NoKafka as error:
        raise click.ClickException(str(error)) from error


def _until_told(kafka: LocalKafka) -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = kafka.wait()
        raise NoKafka(f"Kafka ended by itself with exit code {code}")
    except KeyboardInterrupt:
        kafka.stop()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
