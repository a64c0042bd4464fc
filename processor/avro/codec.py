"""Records to bytes and back: one typed pair of methods a record, failures named for the publisher."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple, Protocol

from fastavro import schemaless_reader, schemaless_writer

from connectors.kit.errors import Undecodable
from connectors.kit.event import EXPORT_INTERACTIONS, Event
from processor.avro import framing as frames
from processor.avro import shapes
from processor.avro.flat_reader import FlatReader, flat_reader
from processor.avro.schemas import Schema, Schemas, project
from processor.avro.writer import writer
from processor.model.attributes import MODES, AttributesState, UserAttributes
from processor.model.chain import ChainRecord
from processor.model.config_version import ConfigVersion
from processor.model.dead_letter import DeadLetter
from processor.model.demand import Demand, Want
from processor.model.finished import Finished
from processor.model.outcome import ActionResult
from processor.model.replay import Replay

INTERACTIONS: Final = frozenset[str](EXPORT_INTERACTIONS)
REQUIRED_OF_EVENT: Final = ("event_id", "app_id", "user_id", "prompt_id")
REQUIRED_OF_ATTRIBUTES: Final = ("app_id", "user_id")
_CONFLUENT: Final = frames.CONFLUENT_SIZE
_SINGLE: Final = frames.SINGLE_OBJECT_SIZE


class SchemaIds(Protocol):
    """What a codec asks of a schema registry."""

    def schema(self, schema_id: int) -> Schema:
        """The writer's schema of an id; raises Undecodable `unknown_schema`."""

    def id_of(self, schema: Schema) -> int:
        """The id under which a current schema is registered."""


class _Writer(NamedTuple):
    """How to read what one head announces."""

    record: str
    writer: Any
    reader: Any
    """The current schema; None where the writer used just that."""
    start: int
    """Where the Avro data begins."""
    flat: FlatReader | None
    """A faster way for values that are as usual."""


class Codec:
    """Encodes and decodes all records; not shared between threads.

    `framing` is what inputs and outputs are written with; internal records are always single
    objects. Whatever is configured, both framings are read.
    """

    def __init__(
        self,
        framing: frames.Framing = "single_object",
        registry: SchemaIds | None = None,
        schemas: Schemas | None = None,
    ) -> None:
        if framing == "confluent" and registry is None:
            raise _no_registry()
        self._registry = registry
        self._schemas = schemas or project()
        self._current = {record: one.parsed for record, one in self._schemas.current.items()}
        self._writers: dict[bytes, _Writer] = {}
        self._single = {record: frames.single_object(one.fingerprint)
                        for record, one in self._schemas.current.items()}
        self._outer = dict(self._single) if framing == "single_object" else {}
        self._write_result = writer(self._current["ActionResult"])
        self._write_chain = writer(self._current["ChainRecord"])
        self._write_state = writer(self._current["AttributesState"])

    def require(self, *records: str) -> None:
        """Find out now under which ids `records` are written; raises RegistryError where one has none."""
        for record in records:
            self._outer_head(record)

    def event(self, data: bytes | None) -> Event:
        """A prompt interaction, with its required fields and its interaction checked."""
        values = self._read_flat("PromptInteraction", data)
        event = Event._make(self._read("PromptInteraction", data).values() if values is None else values)
        if not (event.event_id and event.app_id and event.user_id and event.prompt_id):
            raise _missing(event, REQUIRED_OF_EVENT)
        if event.interaction not in INTERACTIONS:
            raise Undecodable("unknown_interaction", f"interaction is {event.interaction[:40]!r}: allowed are "
                              + ", ".join(EXPORT_INTERACTIONS))
        return event

    def attributes(self, data: bytes | None) -> UserAttributes:
        """A synced change of a user's attributes, with its required fields and its mode checked."""
        change = UserAttributes(*self._read("UserAttributes", data).values())
        if not (change.app_id and change.user_id):
            raise _missing(change, REQUIRED_OF_ATTRIBUTES)
        if change.mode not in MODES:
            raise Undecodable("unknown_mode", f"mode is {change.mode[:40]!r}: allowed are " + ", ".join(MODES))
        return change

    def result(self, data: bytes | None) -> ActionResult:
        """An outcome."""
        return ActionResult(*self._read("ActionResult", data).values())

    def dead_letter(self, data: bytes | None) -> DeadLetter:
        """A dead letter."""
        return shapes.letter(self._read("DeadLetter", data))

    def chain(self, data: bytes | None) -> ChainRecord:
        """An open chain."""
        return shapes.chain(self._read("ChainRecord", data))

    def attributes_state(self, data: bytes | None) -> AttributesState:
        """The merged attributes of a user."""
        return AttributesState(*self._read("AttributesState", data).values())

    def finished(self, data: bytes | None) -> Finished:
        """The events that ended within one checkpoint."""
        return Finished(*self._read("Finished", data).values())

    def replay(self, data: bytes | None) -> Replay:
        """A replay that was asked for."""
        return shapes.replay(self._read("Replay", data))

    def demand(self, data: bytes | None) -> Demand:
        """What a process would send."""
        process, time, wants = self._read("Demand", data).values()
        return Demand(process, time, tuple(Want(**one) for one in wants))

    def config_version(self, data: bytes | None) -> ConfigVersion:
        """A version of an app's configuration."""
        return ConfigVersion(*self._read("ConfigVersion", data).values())

    def encode_event(self, event: Event) -> bytes:
        """A prompt interaction as bytes."""
        return self._write("PromptInteraction", event._asdict())

    def encode_attributes(self, change: UserAttributes) -> bytes:
        """A synced change of a user's attributes as bytes."""
        return self._write("UserAttributes", change._asdict())

    def encode_result(self, result: ActionResult) -> bytes:
        """An outcome as bytes."""
        data = self._write_result(self._outer.get("ActionResult") or self._outer_head("ActionResult"), result)
        return self._write("ActionResult", result._asdict()) if data is None else data

    def encode_dead_letter(self, letter: DeadLetter) -> bytes:
        """A dead letter as bytes."""
        return self._write("DeadLetter", shapes.plain_letter(letter))

    def encode_chain(self, chain: ChainRecord) -> bytes:
        """An open chain as bytes, always a single object."""
        data = self._write_chain(self._single["ChainRecord"], chain)
        return self._write_single("ChainRecord", shapes.plain_chain(chain)) if data is None else data

    def encode_attributes_state(self, state: AttributesState) -> bytes:
        """The merged attributes of a user as bytes, always a single object."""
        data = self._write_state(self._single["AttributesState"], state)
        return self._write_single("AttributesState", state._asdict()) if data is None else data

    def encode_finished(self, finished: Finished) -> bytes:
        """Ended events as bytes, always a single object."""
        return self._write_single("Finished", finished._asdict())

    def encode_replay(self, replay: Replay) -> bytes:
        """A replay as bytes, always a single object."""
        return self._write_single("Replay", shapes.plain_replay(replay))

    def encode_demand(self, demand: Demand) -> bytes:
        """What a process would send as bytes, always a single object."""
        return self._write_single("Demand", {**demand._asdict(), "wants": [one._asdict() for one in demand.wants]})

    def encode_config_version(self, version: ConfigVersion) -> bytes:
        """A version of an app's configuration as bytes, always a single object."""
        return self._write_single("ConfigVersion", version._asdict())

    def _read_flat(self, record: str, data: bytes | None) -> list[Any] | None:
        """The values of a record that is as usual; None where the library has to look at it."""
        if not data:
            return None
        found = self._writers.get(data[:_CONFLUENT] if data[0] == 0 else data[:_SINGLE])
        if found is None or found.flat is None or found.record != record:
            return None
        return found.flat(data, found.start)

    def _read(self, record: str, data: bytes | None) -> dict[str, Any]:
        """The fields of `record` in the order of its current schema."""
        if not data:
            raise Undecodable("empty_value", f"the message has no value, where a {record} is expected")
        head = data[:_CONFLUENT] if data[0] == 0 else data[:_SINGLE]
        found = self._writers.get(head) or self._find(data)
        if found.record != record:
            raise Undecodable("wrong_record", f"holds a {found.record}, where a {record} is expected")
        stream = BytesIO(data)
        stream.seek(found.start)
        fields = _parse(stream, found)
        if stream.tell() != len(data):
            raise Undecodable("trailing_bytes", f"{len(data) - stream.tell()} bytes follow the {record}: "
                              "was it written with the schema that it names?")
        return fields

    def _find(self, data: bytes) -> _Writer:
        """Learn the schema that a head names, for this message and all later ones."""
        head = frames.head(data)
        schema = self._schema(head)
        current = self._schemas.current.get(schema.record)
        same = current is not None and current.fingerprint == schema.fingerprint
        reader = None if current is None or same else current.parsed
        flat = flat_reader(schema.parsed) if same else None
        found = self._writers[head] = _Writer(schema.record, schema.parsed, reader, len(head), flat)
        return found

    def _schema(self, head: bytes) -> Schema:
        """The writer's schema that a head names."""
        schema_id = frames.schema_id(head)
        if schema_id is None:
            return self._by_fingerprint(head[len(frames.SINGLE_OBJECT):])
        if self._registry is None:
            raise Undecodable("unknown_schema", f"schema id {schema_id} is of a schema registry; none is configured")
        return self._registry.schema(schema_id)

    def _by_fingerprint(self, fingerprint: bytes) -> Schema:
        """The schema of a single object's fingerprint."""
        schema = self._schemas.by_fingerprint.get(fingerprint)
        if schema is None:
            raise Undecodable("unknown_schema", f"no schema in schemas/avro has the fingerprint {fingerprint.hex(' ')}")
        return schema

    def _write(self, record: str, fields: Mapping[str, Any]) -> bytes:
        """An input or output in the configured framing."""
        return _encode(self._outer.get(record) or self._outer_head(record), self._current[record], fields)

    def _write_single(self, record: str, fields: Mapping[str, Any]) -> bytes:
        """An internal record."""
        return _encode(self._single[record], self._current[record], fields)

    def _outer_head(self, record: str) -> bytes:
        """The head that `record` is written with."""
        if record not in self._outer:
            if self._registry is None:
                raise _no_registry()
            self._outer[record] = frames.confluent(self._registry.id_of(self._schemas.current[record]))
        return self._outer[record]


def _encode(head: bytes, schema: Any, fields: Mapping[str, Any]) -> bytes:
    """Head and Avro data."""
    stream = BytesIO()
    stream.write(head)
    schemaless_writer(stream, schema, fields)
    return stream.getvalue()


def _parse(stream: BytesIO, found: _Writer) -> dict[str, Any]:
    """The record's fields; whatever fastavro stumbles over is the publisher's broken data."""
    try:
        fields: dict[str, Any] = schemaless_reader(stream, found.writer, found.reader)
    except Exception as error:
        raise Undecodable("broken_avro", f"is no {found.record}: {type(error).__name__}") from error
    if found.reader is None:
        return fields
    # A resolved record has its fields in the writer's order, new ones behind.
    return {field["name"]: fields[field["name"]] for field in found.reader["fields"]}


def _no_registry() -> ValueError:
    """The error of a configuration that cannot know any schema id."""
    return ValueError("framing `confluent` needs a schema registry: configure one, or choose `single_object`")


def _missing(value: Event | UserAttributes, required: tuple[str, ...]) -> Undecodable:
    """The failure that names each required field that is empty."""
    empty = [name for name in required if not getattr(value, name)]
    return Undecodable("missing_field", "empty: " + ", ".join(empty))
