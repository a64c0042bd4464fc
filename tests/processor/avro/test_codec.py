"""Every record comes back as it went; every broken message has its name."""

import io
import struct
from collections import Counter
from types import MappingProxyType

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.errors import Undecodable
from connectors.kit.event import EXPORT_INTERACTIONS, Event
from processor.avro import codec as codec_module
from processor.avro.codec import Codec
from processor.avro.registry import RegistryError
from processor.avro.schemas import Schemas, parse, project
from processor.model.attributes import AttributesState, UserAttributes
from processor.model.chain import ChainRecord, Started
from processor.model.config_version import ConfigVersion
from processor.model.dead_letter import DeadLetter, Exchange, FailedBinding, Origin
from processor.model.demand import Demand, Want
from processor.model.finished import Finished
from processor.model.outcome import ActionResult, Receipt
from processor.model.replay import Replay

NOON = 1_760_000_000_000
CODEC = Codec()
text = st.text(max_size=8)
long = st.integers(-(2**63), 2**63 - 1)
small = st.integers(-(2**31), 2**31 - 1)
texts = st.dictionaries(text, text, max_size=3)
value = st.none() | st.booleans() | long | st.floats(allow_nan=False) | text | st.lists(text, max_size=3)
values = st.dictionaries(text, value, max_size=4)
raw = st.none() | st.binary(max_size=9)
named = st.text(min_size=1, max_size=8)


def several(one):
    return st.lists(one, max_size=2).map(tuple)


events = st.builds(Event, named, named, named, named, st.sampled_from(EXPORT_INTERACTIONS), long, texts, texts,
                   *[st.none() | text] * 8, st.none() | st.floats(allow_nan=False), *[st.none() | text] * 4)
changes = st.builds(UserAttributes, named, named, st.sampled_from(["merge", "replace"]), values, long, text)
results = st.builds(ActionResult, *[text] * 5, long, small, text, small, *[text] * 9, small, small, long, long, text,
                    long, long, texts, small)
origins = st.builds(Origin, text, small, long, long, raw, raw, several(st.tuples(text, raw)))
receipts = st.builds(Receipt, *[text] * 8, small, small, long, long, text, texts)
exchanges = st.none() | st.builds(Exchange, text, text, text, small, text, long, long, text)
failures = st.builds(FailedBinding, text, small, *[text] * 5, small, text, small, long, long, small, exchanges)
letters = st.builds(DeadLetter, *[text] * 6, small, origins, st.none() | events, several(failures), several(receipts),
                    several(text), text, values, long, long, small, text)
chains = st.builds(ChainRecord, *[text] * 3, small, text, text, long, origins, text, values, long, long,
                   several(receipts), several(failures), small, small, long,
                   st.none() | st.builds(Started, text, text, st.binary(max_size=9), long), several(text),
                   st.dictionaries(text, small, max_size=2), st.booleans(), long, several(text))
replays = st.builds(Replay, *[text] * 3, small, origins, several(receipts), several(text), st.booleans(), text, long,
                    values, st.dictionaries(text, small, max_size=2))
states = st.builds(AttributesState, values, long, long)
ended = st.builds(Finished, st.binary(max_size=48), long)
config_versions = st.builds(ConfigVersion, text, long, text, long, text, text, st.none() | st.binary())
demands = st.builds(Demand, text, long, several(st.builds(Want, text, text, st.floats(allow_nan=False))))

PAIRS = {
    "event": (events, CODEC.encode_event, CODEC.event),
    "attributes": (changes, CODEC.encode_attributes, CODEC.attributes),
    "result": (results, CODEC.encode_result, CODEC.result),
    "dead_letter": (letters, CODEC.encode_dead_letter, CODEC.dead_letter),
    "chain": (chains, CODEC.encode_chain, CODEC.chain),
    "replay": (replays, CODEC.encode_replay, CODEC.replay),
    "attributes_state": (states, CODEC.encode_attributes_state, CODEC.attributes_state),
    "finished": (ended, CODEC.encode_finished, CODEC.finished),
    "demand": (demands, CODEC.encode_demand, CODEC.demand),
    "config_version": (config_versions, CODEC.encode_config_version, CODEC.config_version),
}


def code(decode, data):
    with pytest.raises(Undecodable) as caught:
        decode(data)
    return caught.value.code


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_record_comes_back_as_it_went(name, data):
    # Types too: True is no 1, and 1.0 no 1.
    values, encode, decode = PAIRS[name]
    one = data.draw(values)
    back = decode(encode(one))
    assert back == one
    assert repr(back) == repr(one)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: CODEC._single["PromptInteraction"] + rest))
def test_no_bytes_make_anything_but_an_event_or_a_named_failure(data):
    # One message that raised something else would stop the stream.
    try:
        end = type(CODEC.event(data)).__name__
    except Undecodable as failure:
        end = failure.code
    assert end in {"Event", "empty_value", "unknown_framing", "unknown_schema", "broken_avro", "trailing_bytes",
                   "wrong_record", "missing_field", "unknown_interaction"}


def test_a_message_that_is_cut_anywhere_is_broken(codec, event):
    whole = codec.encode_event(event)
    assert {code(codec.event, whole[:length]) for length in range(10, len(whole))} == {"broken_avro"}
    assert {code(codec.event, whole[:length]) for length in range(1, 10)} == {"unknown_framing"}


def test_an_absurd_length_costs_no_memory(codec):
    # A string of 2^62 bytes is announced, none follow.
    assert code(codec.event, codec._single["PromptInteraction"] + b"\xfe" * 8 + b"\x7f") == "broken_avro"


@pytest.mark.parametrize("empty", [None, b""])
def test_an_empty_value_is_named(codec, empty):
    assert code(codec.event, empty) == "empty_value"


def test_json_is_no_known_framing(codec):
    with pytest.raises(Undecodable, match=r"neither 00 and a schema id .* nor C3 01") as caught:
        codec.event(b'{"event_id": "e1"}')
    assert caught.value.code == "unknown_framing"


def test_a_fingerprint_of_no_version_is_an_unknown_schema(codec, event):
    data = codec.encode_event(event)
    assert code(codec.event, data[:9] + b"\x00" + data[10:]) == "unknown_schema"


def test_bytes_behind_the_record_are_named(codec, event):
    assert code(codec.event, codec.encode_event(event) + b"\x00") == "trailing_bytes"


def test_another_record_on_the_topic_is_named(codec, change):
    with pytest.raises(Undecodable, match="holds a UserAttributes, where a PromptInteraction is expected") as caught:
        codec.event(codec.encode_attributes(change))
    assert caught.value.code == "wrong_record"


@pytest.mark.parametrize("field", ["event_id", "app_id", "user_id", "prompt_id"])
def test_an_event_without_a_required_field_is_refused_by_its_name(codec, event, field):
    with pytest.raises(Undecodable, match=f"empty: {field}") as caught:
        codec.event(codec.encode_event(event._replace(**{field: ""})))
    assert caught.value.code == "missing_field"


def test_all_empty_fields_are_named_at_once(codec, event):
    with pytest.raises(Undecodable, match="empty: app_id, user_id"):
        codec.event(codec.encode_event(event._replace(app_id="", user_id="")))


@pytest.mark.parametrize("field", ["app_id", "user_id"])
def test_attributes_of_nobody_are_refused(codec, change, field):
    assert code(codec.attributes, codec.encode_attributes(change._replace(**{field: ""}))) == "missing_field"


def test_an_unknown_interaction_is_refused_with_those_that_are_known(codec, event):
    with pytest.raises(Undecodable, match="interaction is 'click': allowed are accept, ") as caught:
        codec.event(codec.encode_event(event._replace(interaction="click")))
    assert caught.value.code == "unknown_interaction"


def test_an_unknown_mode_is_refused(codec, change):
    assert code(codec.attributes, codec.encode_attributes(change._replace(mode="patch"))) == "unknown_mode"


def test_times_are_plain_numbers(codec, event):
    assert type(codec.event(codec.encode_event(event)).time) is int


def test_any_mapping_can_be_encoded(codec, event):
    # The kit promises no more than a Mapping.
    assert codec.event(codec.encode_event(event._replace(form=MappingProxyType({"a": "b"})))).form == {"a": "b"}


class Ids:
    """A registry that knows what a test tells it."""

    def __init__(self, schemas, ids=()):
        self.schemas, self.ids = schemas, dict(ids)

    def schema(self, schema_id):
        if schema_id not in self.schemas:
            raise Undecodable("unknown_schema", f"schema id {schema_id}")
        return self.schemas[schema_id]

    def id_of(self, schema):
        if schema.record not in self.ids:
            raise RegistryError(f"no {schema.record}")
        return self.ids[schema.record]


def confluent(schema_id, schema, fields):
    stream = io.BytesIO()
    stream.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(stream, schema.parsed, fields)
    return stream.getvalue()


def test_both_framings_are_read_whatever_is_written(event):
    current = project().current
    codec = Codec("confluent", Ids({7: current["PromptInteraction"]}, {"PromptInteraction": 7}))
    data = codec.encode_event(event)
    assert data[:5] == b"\x00\x00\x00\x00\x07"
    assert codec.event(data) == event
    assert codec.event(Codec().encode_event(event)) == event
    assert Codec(registry=Ids({7: current["PromptInteraction"]})).event(data) == event


def test_internal_records_never_need_a_registry(chain):
    codec = Codec("confluent", Ids({}))
    assert codec.encode_chain(chain).startswith(b"\xc3\x01")
    assert codec.chain(codec.encode_chain(chain)) == chain


def test_a_missing_registration_is_found_before_anything_is_written():
    with pytest.raises(RegistryError, match="no ActionResult"):
        Codec("confluent", Ids({})).require("ActionResult")


def test_the_confluent_framing_needs_a_registry():
    with pytest.raises(ValueError, match="needs a schema registry"):
        Codec("confluent")


def test_a_schema_id_without_a_registry_is_an_unknown_schema(codec):
    assert code(codec.event, b"\x00\x00\x00\x00\x07abc") == "unknown_schema"


def test_a_schema_that_becomes_known_later_is_read_then(event):
    # The publisher registers while the processor runs; nothing of the first failure may stick to the codec.
    ids = Ids({})
    codec = Codec(registry=ids)
    data = confluent(7, project().current["PromptInteraction"], event._asdict())
    assert code(codec.event, data) == "unknown_schema"
    ids.schemas[7] = project().current["PromptInteraction"]
    assert codec.event(data) == event


def test_an_older_publisher_with_fields_in_another_order_is_read_with_defaults():
    source = project().current["PromptInteraction"].source
    wanted = ["time", "interaction", "prompt_id", "user_id", "app_id", "event_id"]
    named = {field["name"]: field for field in source["fields"]}
    older = parse({**source, "fields": [named[name] for name in wanted]})
    codec = Codec(registry=Ids({5: older}))
    fields = {"time": NOON, "interaction": "accept", "prompt_id": "p", "user_id": "u", "app_id": "a", "event_id": "e"}
    assert codec.event(confluent(5, older, fields)) == Event("e", "a", "u", "p", "accept", NOON)


def test_a_newer_publisher_with_further_fields_is_read():
    source = project().current["Finished"].source
    newer = parse({**source, "fields": [{"name": "more", "type": "string", "default": ""}, *source["fields"]]})
    codec = Codec(registry=Ids({6: newer}))
    assert codec.finished(confluent(6, newer, {"more": "x", "ids": b"i", "time": 5})) == Finished(b"i", 5)


def test_a_schema_that_cannot_be_resolved_is_broken_and_not_fatal():
    source = project().current["Finished"].source
    other = parse({**source, "fields": [{"name": "ids", "type": "string"}, {"name": "time", "type": "string"}]})
    codec = Codec(registry=Ids({6: other}))
    assert code(codec.finished, confluent(6, other, {"ids": "i", "time": "5"})) == "broken_avro"


def test_a_single_object_of_an_earlier_version_is_read():
    older = parse({**project().current["Finished"].source, "fields": [{"name": "ids", "type": "bytes"}]})
    newer = parse({**older.source, "fields": [*older.source["fields"], {"name": "time", "type": "long", "default": 3}]})
    schemas = Schemas({**project().current, "Finished": newer}, {older.fingerprint: older}, {})
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, older.parsed, {"ids": b"x"})
    assert Codec(schemas=schemas).finished(b"\xc3\x01" + older.fingerprint + stream.getvalue()) == Finished(b"x", 3)


NUMBER = next(field["name"] for field in project().current["PromptInteraction"].source["fields"]
              if field["type"] == ["null", "double"])
"""What only few events have: it is left to the library."""


@pytest.fixture
def calls(monkeypatch):
    """How often the codec asks the library."""
    counted = Counter()

    def counting(name, real):
        def count(*args):
            counted[name] += 1
            return real(*args)
        return count

    for name in ("schemaless_reader", "schemaless_writer"):
        monkeypatch.setattr(codec_module, name, counting(name, getattr(codec_module, name)))
    return counted


def test_a_usual_event_is_read_without_the_library_once_its_head_is_known(event, calls):
    # The library takes most of the time of a message; the first one of a head teaches the codec how to do without.
    codec, usual = Codec(), event._replace(**{NUMBER: None})
    data = codec.encode_event(usual)
    calls.clear()
    assert codec.event(data) == usual
    assert calls == {"schemaless_reader": 1}
    assert [codec.event(data) for _ in range(50)] == [usual] * 50
    assert calls == {"schemaless_reader": 1}


def test_an_unusual_event_is_read_by_the_library_once(codec, event, calls):
    unusual = event._replace(**{NUMBER: 1.5})
    data = codec.encode_event(unusual)
    codec.event(data)
    calls.clear()
    assert codec.event(data) == unusual
    assert calls == {"schemaless_reader": 1}


def test_attributes_are_read_by_the_library_once(codec, change, calls):
    data = codec.encode_attributes(change)
    codec.attributes(data)
    calls.clear()
    assert codec.attributes(data) == change
    assert calls == {"schemaless_reader": 1}


def test_an_outcome_is_written_without_the_library(codec, result, calls):
    data = codec.encode_result(result)
    assert calls == {}
    assert codec.result(data) == result
