"""Asks brokers about topics and changes them; errors say which address did not answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from processor.kafka.topics import TopicSpec, TopicState

ANSWER_SECONDS = 10.0
CHANGE_SECONDS = 30.0
SEEN_SECONDS = 0.02


class KafkaUnreachableError(Exception):
    """No broker answered."""


class TopicChangeError(Exception):
    """The brokers refused a change."""


class TopicAdmin:
    """What is asked of the brokers about topics."""

    def __init__(self, properties: Mapping[str, Any], answer_seconds: float = ANSWER_SECONDS) -> None:
        self._address = str(properties.get("bootstrap.servers", ""))
        self._answer_seconds = answer_seconds
        self._last_error = ""
        self._client = AdminClient({**properties, "error_cb": self._note, "log_level": 0})

    def partitions(self) -> dict[str, int]:
        """The number of partitions of every topic that there is."""
        try:
            found = self._client.list_topics(timeout=self._answer_seconds).topics
        except KafkaException as error:
            raise KafkaUnreachableError(self._unreachable(error)) from error
        return {name: len(topic.partitions) for name, topic in found.items() if topic.error is None}

    def state(self, names: Iterable[str]) -> dict[str, TopicState]:
        """Those of the named topics that there are, with their settings."""
        counts = self.partitions()
        there = [name for name in names if name in counts]
        return {name: TopicState(counts[name], settings) for name, settings in self._settings(there).items()}

    def create(self, specs: Iterable[TopicSpec]) -> None:
        """Make topics and wait until they are seen; raises TopicChangeError with all that were refused."""
        made = [NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.settings)) for spec in specs]
        if made:
            _finish(self._client.create_topics(made, operation_timeout=CHANGE_SECONDS), "made")
            self._wait_for({topic.topic for topic in made})

    def alter(self, name: str, settings: Mapping[str, str]) -> None:
        """Set some settings of a topic, leaving its others."""
        entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                   for key, value in settings.items()]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        _finish(self._client.incremental_alter_configs([resource]), "changed")

    def _wait_for(self, names: set[str]) -> None:
        """A broker answers before it shows what it has made."""
        end = time.monotonic() + CHANGE_SECONDS
        while not names <= self.partitions().keys() and time.monotonic() < end:
            time.sleep(SEEN_SECONDS)

    def _settings(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        try:
            answers = {resource.name: future.result(CHANGE_SECONDS)
                       for resource, future in self._client.describe_configs(resources).items()}
        except KafkaException as error:
            raise KafkaUnreachableError(f"{self._address} does not describe topics: {_text(error)}") from error
        return {name: {key: str(entry.value) for key, entry in entries.items()} for name, entries in answers.items()}

    def _note(self, error: KafkaError) -> None:
        """The first reason is the telling one; 'all brokers are down' follows each."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own codes are spelled so
            self._last_error = error.str()

    def _unreachable(self, error: KafkaException) -> str:
        self._client.poll(0)  # hands over what was noted
        why = self._last_error or _text(error)
        return f"no broker answers at {self._address} within {self._answer_seconds:g} s: {why}"


def _finish(futures: Mapping[Any, Any], what: str) -> None:
    refused: list[str] = []
    for topic, future in futures.items():
        try:
            future.result(CHANGE_SECONDS)
        except KafkaException as error:
            refused.append(f"{getattr(topic, 'name', topic)} was not {what}: {_text(error)}")
    if refused:
        raise TopicChangeError("; ".join(refused))


def _text(error: KafkaException) -> str:
    found = error.args[0] if error.args else error
    return found.str() if isinstance(found, KafkaError) else str(found)
