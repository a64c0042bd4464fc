"""The schemas say the same as the values of the model, and say it to people too."""

import json
from typing import NamedTuple

import pytest

from connectors.kit.event import Event
from processor.avro.schemas import RECORDS, folder, project, records_in
from processor.model.attributes import AttributesState, UserAttributes
from processor.model.chain import ChainRecord, Started
from processor.model.config_version import ConfigVersion
from processor.model.dead_letter import DeadLetter, Exchange, FailedBinding, Origin
from processor.model.demand import Demand, Want
from processor.model.finished import Finished
from processor.model.outcome import ActionResult, Receipt
from processor.model.replay import Replay

VALUES: dict[str, type[NamedTuple]] = {"PromptInteraction": Event} | {
    one.__name__: one for one in (
        ActionResult, AttributesState, ChainRecord, ConfigVersion, DeadLetter, Demand, Exchange, FailedBinding,
        Finished, Origin, Receipt, Replay, Started, UserAttributes, Want,
    )
}
EVERYWHERE = [(record, name, definition) for record in RECORDS
              for name, definition in records_in(project().current[record].source)]
each_definition = pytest.mark.parametrize(
    ("name", "definition"), [one[1:] for one in EVERYWHERE], ids=[f"{one[0]}-{one[1]}" for one in EVERYWHERE])
PERSONAL = {"user_id", "form", "context", "ip_address", "session_id", "attributes"}


@pytest.mark.parametrize("name", VALUES)
def test_fields_are_those_of_the_model_in_their_order(name):
    # Decoding hands the fields over by position.
    definition = project().definitions[name]
    assert tuple(field["name"] for field in definition["fields"]) == VALUES[name]._fields


@pytest.mark.parametrize("name", VALUES)
def test_defaults_of_the_model_are_defaults_of_the_schema(name):
    fields = {field["name"]: field for field in project().definitions[name]["fields"]}
    for field, default in VALUES[name]._field_defaults.items():
        assert fields[field]["default"] == (list(default) if isinstance(default, tuple) else default)


@each_definition
def test_every_record_and_field_is_documented(name, definition):
    assert definition["doc"].endswith(".")
    for field in definition["fields"]:
        assert field["doc"].endswith("."), field["name"]


@each_definition
def test_every_nullable_field_has_null_as_its_default(name, definition):
    for field in definition["fields"]:
        if isinstance(field["type"], list):
            assert field["type"][0] == "null"
            assert field["default"] is None


@each_definition
def test_personal_fields_are_marked(name, definition):
    marked = {field["name"] for field in definition["fields"] if field.get("personal")}
    assert {field["name"] for field in definition["fields"]} & PERSONAL <= marked


def test_a_record_that_is_embedded_reads_as_it_does_alone():
    # Files are whole, for registries and other languages; their copies of a record must not drift apart.
    for _, name, definition in EVERYWHERE:
        assert definition["fields"] == project().definitions[name]["fields"]
        assert definition["doc"] == project().definitions[name]["doc"]


def test_no_field_has_a_logical_type():
    # Readers would turn numbers into dates, which costs more than the whole rest.
    for path in folder().rglob("*.avsc"):
        assert "logicalType" not in path.read_text()


def test_all_names_are_in_one_namespace():
    for path in folder().rglob("*.avsc"):
        assert json.loads(path.read_text())["namespace"] == "promptactions"
