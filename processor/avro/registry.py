"""Schema ids of a Confluent-compatible registry: fetched at start, never registered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from connectors.kit.errors import Undecodable
from processor.avro.schemas import Schema, parse

FORGET_AFTER = 60.0
"""Seconds for which an id that could not be found is not looked up again."""
IMPATIENT = {"timeout": 5, "max.retries": 1}
"""Settings of the client unless others are given: an id that is looked up later holds up the stream meanwhile."""
MOST_FAILED = 100
"""So many unknown ids within that time: they are garbage, and no further one is looked up."""


class RegistryError(Exception):
    """The registry lacks something, cannot be reached, or its client is not installed."""


class Client(Protocol):
    """What is used of `confluent_kafka.schema_registry.SchemaRegistryClient`."""

    def get_versions(self, subject_name: str) -> list[int]:
        """Numbers of a subject's versions."""

    def get_version(self, subject_name: str, version: int) -> Any:
        """One version of a subject."""

    def get_schema(self, schema_id: int) -> Any:
        """The schema of an id."""


def connect(settings: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> Registry:
    """A registry by the client's own settings (`url`, `basic.auth.user.info`, `ssl.ca.location` ...)."""
    try:
        from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise RegistryError(f"a schema registry is configured, but its client is not installed ({error}): "
                            "pip install 'prompt-actions[registry]'") from error
    try:
        return Registry(SchemaRegistryClient({**IMPATIENT, **settings}), clock)
    except (TypeError, ValueError) as error:
        raise RegistryError(f"settings of the schema registry: {error}") from error


class Registry:
    """Writer's schemas by id."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._by_id: dict[int, Schema] = {}
        self._failed: dict[int, tuple[float, str]] = {}
        self._subjects: list[str] = []

    def load(self, subjects: Iterable[str]) -> None:
        """Fetch every version of the subjects (`<topic>-value`); raises RegistryError naming what is wrong."""
        for subject in subjects:
            self._subjects.append(subject)
            for version in self._ask(subject, partial(self._client.get_versions, subject)):
                self._load_version(subject, version)

    def schema(self, schema_id: int) -> Schema:
        """The writer's schema of an id; raises Undecodable `unknown_schema`."""
        found = self._by_id.get(schema_id)
        if found is None:
            found = self._by_id[schema_id] = self._look_up(schema_id)
        return found

    def id_of(self, schema: Schema) -> int:
        """The newest id under which just this schema is registered; raises RegistryError where there is none."""
        ids = [schema_id for schema_id, one in self._by_id.items()
               if one.fingerprint == schema.fingerprint and one.record == schema.record]
        if not ids:
            raise RegistryError(f"no subject of {', '.join(self._subjects) or 'none loaded'} holds the current "
                                f"{schema.record}: register schemas/avro/{schema.record}.avsc as the newest version of "
                                "the value's subject of its topic")
        return max(ids)

    def _load_version(self, subject: str, version: int) -> None:
        """Keep one version of a subject."""
        registered = self._ask(subject, partial(self._client.get_version, subject, version))
        try:
            self._by_id[registered.schema_id] = _parse(registered.schema)
        except ValueError as error:
            raise RegistryError(f"schema registry, subject {subject}, version {version}: {error}") from error

    def _ask(self, subject: str, question: Callable[[], Any]) -> Any:
        """An answer of the registry about a subject, or an error that names it."""
        try:
            return question()
        except Exception as error:
            if getattr(error, "http_status_code", 0) == 404:
                raise RegistryError(f"schema registry: no subject {subject}; register the schema of its topic first, "
                                    "from schemas/avro") from error
            raise RegistryError(f"schema registry, subject {subject}: {error or type(error).__name__}") from error

    def _look_up(self, schema_id: int) -> Schema:
        """Ask for an id that was not there at start; a failure is remembered for a while."""
        why = self._refused(schema_id)
        if not why:
            try:
                return _parse(self._client.get_schema(schema_id))
            except Exception as error:  # noqa: BLE001  # the client raises its transport's errors too
                why = f"{error or type(error).__name__}"
                self._failed[schema_id] = (self._clock(), why)
        raise Undecodable("unknown_schema", f"schema id {schema_id}: {why}")

    def _refused(self, schema_id: int) -> str:
        """Why an id is not looked up now; "" where it is."""
        start = self._clock() - FORGET_AFTER
        if schema_id in self._failed and self._failed[schema_id][0] > start:
            return self._failed[schema_id][1]
        if len(self._failed) >= MOST_FAILED:
            self._failed = {one: failed for one, failed in self._failed.items() if failed[0] > start}
        return "not looked up, after too many other unknown ids" if len(self._failed) >= MOST_FAILED else ""


def _parse(schema: Any) -> Schema:
    """A registered schema, without logical types: they would turn numbers into dates."""
    if schema.schema_type != "AVRO":
        raise ValueError(f"is a {schema.schema_type} schema, and no Avro one")
    if schema.references:
        raise ValueError("refers to other subjects: register it in one piece, as schemas/avro has it")
    source = _plain(orjson.loads(schema.schema_str))
    if not isinstance(source, dict):
        raise ValueError("is no record")  # noqa: TRY004  # of the schema's text, not of an argument
    try:
        return parse(source)
    except Exception as error:
        raise ValueError(f"is no valid Avro schema: {error}") from error


def _plain(source: Any) -> Any:
    """A schema's JSON form without `logicalType`."""
    if isinstance(source, dict):
        return {name: _plain(part) for name, part in source.items() if name != "logicalType"}
    return [_plain(part) for part in source] if isinstance(source, list) else source
