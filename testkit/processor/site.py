"""A place where processors run: topics that are theirs alone, a folder with configuration and state, publishers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml
from confluent_kafka import Producer

from connectors.kit.event import Event
from processor.avro.codec import Codec
from processor.model.attributes import UserAttributes
from processor.model.dead_letter import DeadLetter
from processor.model.outcome import ActionResult
from testkit.kafka.fresh import FreshTopics
from testkit.processor.process import Processor
from testkit.processor.records import Records

PARTITIONS = 4
BIG = {"max.message.bytes": "4194304"}
TOPICS: Mapping[str, Mapping[str, str]] = {
    "interactions": {"message.timestamp.type": "LogAppendTime", **BIG},
    "attributes": {"message.timestamp.type": "LogAppendTime", **BIG},
    "replays": BIG,
    "results": {},
    "dead_letters": {"cleanup.policy": "compact,delete", **BIG},
    "attributes_changelog": {"cleanup.policy": "compact", **BIG},
    "chains": {"cleanup.policy": "compact", **BIG},
    "finished": {},
}
FLUSH_SECONDS = 30.0
Configuration = Mapping[str, Any]
"""By path below `apps/`, without suffix: what the YAML file holds."""


class Published(NamedTuple):
    """Where a record came to lie."""

    partition: int
    offset: int


class Site:
    """Everything around processors of one group; `settings` are the processor's, by their names in the environment."""

    def __init__(self, topics: FreshTopics, folder: Path, *, partitions: int = PARTITIONS, **settings: Any) -> None:
        self.servers = topics.broker.bootstrap_servers
        self.folder = folder
        self.group = topics.prefix
        self.topics = {role: f"{topics.prefix}.{role}" for role in TOPICS}
        for config in {tuple(one.items()) for one in TOPICS.values()}:
            roles = [role for role, its in TOPICS.items() if tuple(its.items()) == config]
            topics.make(*roles, partitions=partitions, config=dict(config))
        self.codec = Codec()
        self._settings = settings
        self._processors: dict[str, Processor] = {}
        self._producer = Producer({
            "bootstrap.servers": self.servers, "partitioner": "murmur2_random", "enable.idempotence": True,
            "linger.ms": 5, "message.max.bytes": 4 << 20, "log_level": 0})

    # processors

    def environment(self, instance: str, **settings: Any) -> dict[str, str]:
        """The environment of a processor: `kafka__bootstrap_servers` and the like, upper or lower case."""
        given: dict[str, Any] = {
            "kafka__bootstrap_servers": self.servers, "group": self.group, "instance": instance, "server__port": 0,
            "state__folder": self.folder / "state", "config_folder": self.folder / "config",
            "log__success_sample": 0.0001,
            **{f"topics__{role}": name for role, name in self.topics.items()}, **self._settings, **settings,
        }
        extra: dict[str, str] = given.pop("environ", {})
        return extra | {f"PROMPT_ACTIONS_{name.upper()}": _spelled(value) for name, value in given.items()}

    def processor(self, instance: str = "one", **settings: Any) -> Processor:
        """A processor that is not started yet; the same `instance` goes on with the same state and log."""
        made = Processor(self.environment(instance, **settings), self.folder / f"{instance}.log")
        self._processors[instance] = made
        return made

    def started(self, instance: str = "one", **settings: Any) -> Processor:
        """A processor that is ready."""
        made = self.processor(instance, **settings)
        made.start()
        made.wait_ready()
        return made

    def forget_state(self) -> None:
        """Remove the local stores, as a new machine has none."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def close(self) -> None:
        """End all processors that still run."""
        for one in self._processors.values():
            one.close()

    # configuration

    def configure(self, files: Configuration) -> None:
        """Write files below `apps/`, each at once, as an editor does."""
        for name, content in files.items():
            path = self.folder / "config" / "apps" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(path)

    # what goes in

    def publish(self, *events: Event) -> list[Published]:
        """Publish interactions in order; returns where they lie."""
        return self.send("interactions", *(
            (f"{one.app_id}:{one.user_id}".encode(), self.codec.encode_event(one)) for one in events))

    def sync(self, app: str, users: Mapping[str, Mapping[str, Any] | None], mode: str = "merge") -> list[Published]:
        """Sync attributes by user; None erases the user."""
        changes = {user: None if values is None else UserAttributes(app, user, mode, values, 1)
                   for user, values in users.items()}
        return self.send("attributes", *(
            (f"{app}:{user}".encode(), None if change is None else self.codec.encode_attributes(change))
            for user, change in changes.items()))

    def send(self, role: str, *records: tuple[bytes | None, bytes | None], partition: int = -1,
             headers: Iterable[tuple[str, bytes]] = ()) -> list[Published]:
        """Put raw records onto an input topic, all acknowledged."""
        places: list[Published | None] = [None] * len(records)

        def ended(number: int, error: Any, message: Any) -> None:
            if error is None:
                places[number] = Published(message.partition(), message.offset())

        for number, (key, value) in enumerate(records):
            self._put(role, key, value, partition, list(headers), number, ended)
        self._producer.flush(FLUSH_SECONDS)
        if None in places:
            raise AssertionError(f"{places.count(None)} of {len(records)} records were not taken by the broker")
        return [place for place in places if place is not None]

    def _put(self, role: str, key: bytes | None, value: bytes | None, partition: int, headers: list[Any], number: int,
             ended: Any) -> None:
        while True:
            try:
                self._producer.produce(self.topics[role], value, key, partition, headers=headers,
                                       on_delivery=lambda error, message: ended(number, error, message))
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    # what comes out

    def results(self) -> Records[ActionResult]:
        """The results topic, from its beginning."""
        return Records(self.servers, self.topics["results"], self.codec.result)

    def letters(self) -> Records[DeadLetter]:
        """The dead letters, from their beginning."""
        return Records(self.servers, self.topics["dead_letters"], self.codec.dead_letter)


def _spelled(value: Any) -> str:
    """A setting as the environment has it."""
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else str(value)
