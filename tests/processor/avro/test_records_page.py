"""What docs/records.md shows is true: its bytes, its fingerprints, its program, its list of codes."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from connectors.kit.event import EXPORT_INTERACTIONS, Event
from processor.avro import framing
from processor.avro.schemas import folder, project
from processor.model.outcome import ActionResult

PAGE = Path(__file__).parents[3].joinpath("docs", "records.md").read_text()
SHOWN = Event("e-1", "demo", "anna", "stay", "accept", 1_760_000_000_000, {"reason": "price"})


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_bytes_are_the_event_that_they_claim_to_be(codec):
    pairs = [re.match(r"(?:[0-9a-f]{2} ?)+(?=  | [A-Z]|$)", line)[0] for line in block("hex").splitlines()]
    data = bytes.fromhex("".join(pairs))
    assert codec.event(data) == SHOWN
    assert data == codec.encode_event(SHOWN)
    assert f"these {len(data)} bytes" in PAGE


def test_the_fingerprints_are_those_of_the_current_schemas():
    shown = dict(re.findall(r"^\| (\w+) \| `((?:[0-9a-f]{2} ?){8})` \|$", PAGE, re.MULTILINE))
    assert shown == {record: one.fingerprint.hex(" ") for record, one in project().current.items()}


def test_the_program_publishes_what_the_processor_reads(codec, monkeypatch):
    sent = []

    class Producer:
        def __init__(self, settings):
            assert settings["partitioner"] == "murmur2_random"

        def produce(self, topic, *, key, value):
            sent.append((topic, key, value))

        def flush(self):
            pass

    kafka = ModuleType("confluent_kafka")
    kafka.Producer = Producer
    monkeypatch.setitem(sys.modules, "confluent_kafka", kafka)
    monkeypatch.chdir(folder())
    exec(block("python"), {})  # noqa: S102  # our own page
    ((topic, key, value),) = sent
    assert (topic, key) == ("prompt.interactions", "demo:anna")
    assert codec.event(value) == SHOWN


def test_the_reader_reads_what_the_processor_writes(codec, monkeypatch):
    reader = next(one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "ActionResult" in one)
    outcome = ActionResult(
        "e-1", "demo", "anna", "stay", "accept", 1_760_000_000_000, 0, "zendesk.create_ticket", 0, "zendesk",
        "create_ticket", "succeeded", "", "", "", "", "35436", "", 201, 1, 1_760_000_000_100, 1_760_000_000_200, "abc",
        7, 8, {}, 1)
    monkeypatch.chdir(folder())
    made = {}
    exec(reader, made)  # noqa: S102  # our own page
    read = made["decode"](codec.encode_result(outcome))
    assert (read["app_id"], read["event_id"], read["binding_id"], read["run"]) == ("demo", "e-1", outcome.binding_id, 0)
    assert read["outcome"] == "succeeded"


def test_every_code_of_a_message_that_cannot_be_read_is_explained():
    folder_of_codec = Path(framing.__file__).parent
    source = "".join((folder_of_codec / name).read_text() for name in ("codec.py", "framing.py"))
    raised = set(re.findall(r'Undecodable\(\s*"(\w+)"', source))
    table = PAGE[PAGE.index("## What cannot be read"):PAGE.index("## What you read")]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == raised


@pytest.mark.parametrize("interaction", EXPORT_INTERACTIONS)
def test_every_interaction_is_named(interaction):
    assert f"`{interaction}`" in PAGE


def test_the_number_of_optional_fields_is_right():
    optional = [field for field in project().current["PromptInteraction"].source["fields"]
                if isinstance(field["type"], list)]
    assert f"the {len(optional)} optional fields" in PAGE
