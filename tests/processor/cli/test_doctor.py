"""The doctor looks at everything once, and its exit code says whether something is wrong."""

import json
import uuid

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from processor.cli.main import main
from processor.settings import TopicSettings

APP = "title: Shop\n"


@pytest.fixture
def call(broker, tmp_path, monkeypatch):
    """Runs a command with a configuration of one app, on topics that no other test has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "apps" / "shop").mkdir(parents=True)
    (tmp_path / "config" / "apps" / "shop" / "app.yaml").write_text(APP)
    prefix = uuid.uuid4().hex[:8]
    renamed = {f"PROMPT_ACTIONS_TOPICS__{role.upper()}": f"{prefix}.{name}" for role, name in TopicSettings()}

    def invoke(*words, **env):
        servers = {"PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers}
        return CliRunner().invoke(main, list(words), env={**renamed, **servers, **env})

    invoke.prefix = prefix
    return invoke


def found(result):
    return {(one["check"], one["state"]): one for one in map(json.loads, result.stdout.splitlines())}


@pytest.mark.mock_cannot("describing topics")
def test_all_is_well_once_the_topics_are_there(real_broker, call):
    assert call("topics", "apply").exit_code == 0
    result = call("doctor")
    assert result.exit_code == 0, result.output
    assert {"configuration", "broker", "topics", "state", "descriptors"} <= {check for check, _ in found(result)}


@pytest.mark.mock_cannot("describing topics")
def test_missing_topics_are_a_problem(real_broker, call):
    result = call("doctor")
    assert result.exit_code == 1
    assert ("topics", "problem") in found(result)
    assert f"{len(TopicSettings.model_fields)} problems." in result.stderr


@pytest.mark.mock_cannot("describing topics")
def test_keys_that_librdkafkas_own_partitioner_placed_are_found(real_broker, call):
    """The default of librdkafka differs from Java's: the one mistake that every producer makes once."""
    call("topics", "apply")
    producer = Producer({"bootstrap.servers": real_broker.bootstrap_servers})
    for number in range(50):
        producer.produce(f"{call.prefix}.prompt.interactions", b"x", f"shop:{number}".encode())
    producer.flush(20)
    result = call("doctor")
    assert result.exit_code == 1
    assert f"{call.prefix}.prompt.interactions" in found(result)["keys", "problem"]["says"]


def test_a_broker_that_nobody_reaches_is_said_and_the_rest_is_looked_at_all_the_same(call):
    result = call("doctor", PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert result.exit_code == 1
    assert "127.0.0.1:9" in found(result)["broker", "problem"]["says"]
    assert ("state", "ok") in found(result)


def test_a_secret_that_leads_nowhere_is_named_with_its_place(call, tmp_path):
    (tmp_path / "config" / "apps" / "shop" / "connectors.yaml").write_text(
        "stripe:\n  active: true\n  settings:\n    api_key: env:NOT_THERE\n")
    result = call("doctor", PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert "NOT_THERE" in found(result)["configuration", "problem"]["says"]
    assert "connectors.yaml:4" in found(result)["configuration", "problem"]["says"]


def test_settings_that_cannot_be_read_end_the_examination(call):
    result = call("doctor", PROMPT_ACTIONS_FLOW__BATCH="none")
    assert result.exit_code == 1
    assert "PROMPT_ACTIONS_FLOW__BATCH" in found(result)["settings", "problem"]["says"]


def test_a_table_is_shown_where_it_is_asked_for(call):
    result = call("doctor", "-o", "table", PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert "check" in result.stdout
    assert "{" not in result.stdout
