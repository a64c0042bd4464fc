"""Finds the broker that tests run against: the one given, one in Docker, one by Maven, or librdkafka's mock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal, NamedTuple

from testkit.kafka.containers import ContainerKafka
from testkit.kafka.errors import NoKafka
from testkit.kafka.local import LocalKafka, answers
from testkit.kafka.mock import MockKafka

Kind = Literal["given", "testcontainers", "local", "mock"]

SERVERS_VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
ANSWER_SECONDS = 10.0
_SOURCES: Mapping[Kind, str] = {
    "given": f"given by {SERVERS_VARIABLE}",
    "testcontainers": "in a container",
    "local": "Apache Kafka by Maven",
    "mock": "librdkafka's mock",
}


class Broker(NamedTuple):
    """A broker that answers."""

    bootstrap_servers: str
    kind: Kind
    local: LocalKafka | None = None
    """The process, where tests may stop, kill and halt it."""
    passed_over: tuple[str, ...] = ()
    """Why better brokers were not to be had."""

    @property
    def real(self) -> bool:
        """Whether this is Kafka itself."""
        return self.kind != "mock"

    def __str__(self) -> str:
        reasons = f" (passed over: {'; '.join(self.passed_over)})" if self.passed_over else ""
        return f"{_SOURCES[self.kind]}, {self.bootstrap_servers}{reasons}"


Opener = Callable[[ExitStack], Broker]


@contextmanager
def open_broker(openers: tuple[Opener, ...] | None = None) -> Iterator[Broker]:
    """The best broker that can be had here, ended afterwards if it was started for this."""
    with ExitStack() as stack:
        yield _first(openers or (_given, _container, _local, _mock), stack)


def _first(openers: tuple[Opener, ...], stack: ExitStack) -> Broker:
    passed_over: list[str] = []
    for opener in openers:
        try:
            broker = opener(stack)
        except _NotAsked:
            continue
        except NoKafka as error:
            passed_over.append(str(error).splitlines()[0])
        else:
            return broker._replace(passed_over=tuple(passed_over))
    raise NoKafka(f"No broker could be had: {'; '.join(passed_over)}")


class _NotAsked(Exception):
    """This kind was not asked for, which is worth no word."""


def _given(_stack: ExitStack) -> Broker:
    """A broker that was named must serve: falling back would test something else than what was asked for."""
    servers = os.environ.get(SERVERS_VARIABLE, "")
    if not servers:
        raise _NotAsked
    if not answers(servers, ANSWER_SECONDS):
        raise UnreachableError(f"{SERVERS_VARIABLE} names {servers}, where no broker answers within "
                               f"{ANSWER_SECONDS:.0f} s. Start it there, or unset the variable.")
    return Broker(servers, "given")


class UnreachableError(RuntimeError):
    """The broker that was named does not answer."""


def _container(stack: ExitStack) -> Broker:
    kafka = ContainerKafka().start()
    stack.callback(kafka.stop)
    return Broker(kafka.bootstrap_servers, "testcontainers")


def _local(stack: ExitStack) -> Broker:
    kafka = stack.enter_context(LocalKafka())
    return Broker(kafka.bootstrap_servers, "local", kafka)


def _mock(stack: ExitStack) -> Broker:
    return Broker(stack.enter_context(MockKafka()).bootstrap_servers, "mock")
