"""The schemas for editors: current, taken by the example, and as strict as the reading of the files."""

import json
from pathlib import Path

import pytest

from connectors.kit.catalogue import catalogue
from processor.config import documents
from processor.config.schemas import COMMAND, schemas, text_of
from testkit.json_schema import JsonSchema
from testkit.vendors import settings as emulated

CONFIG = Path(__file__).resolve().parents[3] / "config"
MARK = "# yaml-language-server: $schema="
FILES = [CONFIG / "processor.yaml", CONFIG / "topics.yaml", *sorted((CONFIG / "apps").rglob("*.yaml"))]


@pytest.fixture(scope="module")
def made():
    return schemas(catalogue())


@pytest.fixture(scope="module")
def check(made):
    """The problems of a value as a file of a kind."""
    checkers = {name.partition(".")[0]: JsonSchema(one) for name, one in made.items()}
    return lambda kind, value: checkers[kind].problems(value)


def test_the_files_are_those_of_today(made):
    stale = [name for name, one in made.items() if (CONFIG / "schemas" / name).read_text("utf-8") != text_of(one)]
    assert stale == [], f"out of date: run `{COMMAND}` in the folder of the project and commit what it writes"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIG)))
def test_every_file_of_the_example_names_its_schema_and_fits_it(path):
    first = path.read_text("utf-8").splitlines()[0]
    assert first.startswith(MARK)
    schema = json.loads((path.parent / first.removeprefix(MARK)).read_text("utf-8"))
    document, errors = documents.read(path)
    assert errors == []
    assert JsonSchema(schema).problems(document.data) == []


@pytest.mark.parametrize("name", sorted(emulated.ROWS))
def test_the_settings_of_every_connector_fit(check, name):
    assert check("connectors", {name: {"settings": emulated.referring(name, "http://localhost:1")}}) == []


@pytest.mark.parametrize(("kind", "value", "place"), [
    ("app", {"titel": "x"}, "$.titel"),
    ("app", {"duplicates_window": "12 hours"}, "$.duplicates_window"),
    ("app", {"addons": ["stripe"]}, "$.addons[0]"),
    ("connectors", {"strype": {}}, "$.strype"),
    ("connectors", {"stripe": {}}, "$.stripe.settings"),
    ("connectors", {"stripe": {"settings": {"api_key": "sk_live_1"}}}, "$.stripe.settings.api_key"),
    ("connectors", {"stripe": {"settings": {"api_key": "env:K"}, "limits": {"timeout": 5}}},
     "$.stripe.limits.timeout"),
    ("connectors", {"stripe": {"active": False}}, "$.stripe.settings"),
    ("connectors", {"mixpanel": {"exports": {"nothing": {}}}}, "$.mixpanel.exports"),
    ("prompts", {"p": {"acept": []}}, "$.p"),
    ("prompts", {"p": {"accept": [{"action": "stripe.aply"}]}}, "$.p"),
    ("processor", {"kafka": {"servers": "x"}}, "$.kafka.servers"),
    ("topics", {"partitions": 0, "topics": {}}, "$.partitions"),
    ("topics", {"partitions": 1, "topics": {"confg": {"partitions": 1}}}, "$.topics.confg"),
    ("topics", {"partitions": 1, "topics": {"config": {"partitions": "user"}}}, "$.topics.config.partitions"),
    ("processor", {"drain": "soon"}, "$.drain"),
    ("processor", {"registry": {"url": "http://r", "password": "open"}}, "$.registry"),
])
def test_what_the_reading_refuses_an_editor_marks(check, kind, value, place):
    assert any(one.startswith(place) for one in check(kind, value)), check(kind, value)


def test_the_parameters_of_a_binding_are_those_of_its_action(made):
    binding = JsonSchema({"$ref": "#/$defs/binding", "$defs": made["prompts.schema.json"]["$defs"]})

    def problems(action, params):
        return binding.problems({"action": action, "params": params})

    assert problems("stripe.apply_coupon", {"coupon_id": "SAVE20"}) == []
    assert problems("stripe.apply_coupon", {"coupon": "SAVE20"}) == ["$.params.coupon: is unknown"] or \
        problems("stripe.apply_coupon", {"coupon": "SAVE20"})
    assert "$.params.template_id: is missing" in problems("sendgrid.send_template_email", {})
    assert "$.params: is missing" in binding.problems({"action": "sendgrid.send_template_email"})
    assert problems("zendesk.suspend_user", None) == []


def test_a_secret_may_be_written_as_a_mapping(check):
    assert check("connectors", {"stripe": {"settings": {"api_key": {"env": "KEY"}}}}) == []
    assert check("connectors", {"stripe": {"settings": {"api_key": {"env": "KEY", "file": "x"}}}}) != []


def test_a_length_of_time_is_spoken_in_defaults(made):
    assert made["app.schema.json"]["properties"]["duplicates_window"]["default"] == "1d"


def test_a_parameter_names_its_pick_list(made):
    params = made["prompts.schema.json"]["$defs"]
    told = [one for shape in params.values() for one in shape.get("properties", {}).values()
            if "list 'coupons'" in one.get("description", "")]
    assert told
