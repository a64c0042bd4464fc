"""A broker in a container, through testcontainers, where a Docker engine answers and the image can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any, Protocol

from testkit.kafka.errors import NoKafka
from testkit.kafka.jars import KAFKA_VERSION
from testkit.kafka.local import SHORT_SESSIONS, free_port

IMAGE_VARIABLE = "TESTKIT_KAFKA_IMAGE"
DEFAULT_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
ENGINE_SECONDS = 5.0
PULL_SECONDS = 180.0
START_SECONDS = 90

_ENVIRONMENT = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_NUM_PARTITIONS": "4",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    **{f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in SHORT_SESSIONS.items()},
}


class Container(Protocol):
    """What is asked of a started container."""

    def start(self) -> object:
        """Start it and wait until it is ready."""

    def stop(self) -> None:
        """End and remove it."""


class ContainerKafka:
    """One broker in a container."""

    def __init__(self, image: str = "") -> None:
        self.image = image or os.environ.get(IMAGE_VARIABLE) or DEFAULT_IMAGE
        self.bootstrap_servers = ""
        self._container: Container | None = None

    def start(self) -> ContainerKafka:
        """Start it; `NoKafka` where no engine answers, the image cannot be had or testcontainers is not installed."""
        have_image(self.image)
        # The reaper is one more image to be had; `stop` does what it would do for one container.
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
        os.environ.setdefault("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
        try:
            self._start_confluent() if "cp-kafka" in self.image else self._start_apache()
        except ImportError as error:
            raise NoKafka(f"testcontainers is not installed ({error}); pip install testcontainers") from error
        except Exception as error:
            self.stop()
            raise NoKafka(f"{self.image} did not start through testcontainers: {error}") from error
        return self

    def stop(self) -> None:
        """End and remove the container."""
        if self._container is not None:
            self._container.stop()
            self._container = None

    def _start_apache(self) -> None:
        """Apache's image has none of the scripts that testcontainers' own Kafka class calls, so its port is fixed."""
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - only where Docker is
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

        port = free_port()
        container = DockerContainer(self.image).with_bind_ports(9092, port)
        container.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START_SECONDS))
        self._container = _with_environment(container, {**_ENVIRONMENT, **_apache_listeners(port)})
        self._container.start()
        self.bootstrap_servers = f"127.0.0.1:{port}"

    def _start_confluent(self) -> None:
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415 - only where Docker is

        container = _with_environment(KafkaContainer(self.image).with_kraft(), _ENVIRONMENT)
        self._container = container
        container.start(timeout=START_SECONDS)
        self.bootstrap_servers = container.get_bootstrap_server()


def have_image(image: str) -> None:
    """Make sure that an engine answers and has the image, fetching it within a limit."""
    if shutil.which("docker") is None:
        raise NoKafka("no `docker` in PATH")
    if not _docker("version", seconds=ENGINE_SECONDS):
        raise NoKafka("no Docker engine answers")
    if _docker("image", "inspect", image, seconds=ENGINE_SECONDS):
        return
    if not _docker("pull", "--quiet", image, seconds=PULL_SECONDS):
        raise NoKafka(f"the Docker engine has no image {image} and could not fetch it")


def _docker(*words: str, seconds: float) -> bool:
    try:
        done = subprocess.run(["docker", *words], capture_output=True, timeout=seconds, check=False)  # noqa: S603, S607
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _with_environment(container: Any, environment: dict[str, str]) -> Any:
    for name, value in environment.items():
        container.with_env(name, value)
    return container


def _apache_listeners(port: int) -> dict[str, str]:
    """The image's defaults advertise port 9092, which need not be the one that clients reach.

    The broker calls itself too, to end transactions; the port that clients reach is none inside the container.
    """
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,INTERNAL://:9094,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port},INTERNAL://localhost:9094",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INTERNAL",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
