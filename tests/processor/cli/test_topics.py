"""The command says what a cluster lacks, makes it, and finds nothing to do afterwards."""

import json
import time
import uuid

import pytest
from click.testing import CliRunner

from processor.cli.main import main
from processor.kafka.admin import TopicAdmin
from processor.kafka.topics import TopicSpec
from processor.settings import TopicSettings


@pytest.fixture
def run(broker, tmp_path):
    """Runs the command on topics that no other test has."""
    prefix = uuid.uuid4().hex[:8]
    renamed = {f"PROMPT_ACTIONS_TOPICS__{role.upper()}": f"{prefix}.{name}" for role, name in TopicSettings()}

    def invoke(*words, servers=broker.bootstrap_servers):
        env = {**renamed, "PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": servers,
               "PROMPT_ACTIONS_CONFIG_FOLDER": str(tmp_path)}
        return CliRunner().invoke(main, ["topics", *words], env=env)

    invoke.prefix = prefix
    return invoke


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.mock_cannot("creating and describing topics")
def test_plan_apply_plan_leaves_nothing_to_do(real_broker, run):
    planned = run("plan")
    assert planned.exit_code == 0, planned.output
    assert {one["change"] for one in lines(planned)} == {"create"}
    applied = run("apply")
    assert applied.exit_code == 0, applied.output
    again = run("plan")
    assert lines(again) == []
    assert "All 11 topics are there" in again.stderr


@pytest.mark.mock_cannot("altering topics")
def test_a_setting_that_somebody_changed_is_set_back_and_others_are_left(real_broker, run):
    run("apply")
    admin = TopicAdmin({"bootstrap.servers": real_broker.bootstrap_servers})
    name = f"{run.prefix}.prompt.interactions"
    admin.alter(name, {"retention.ms": "1000", "retention.bytes": "12345"})
    wait_for(admin, name, "1000")
    (change,) = lines(run("apply"))
    assert (change["topic"], change["change"]) == (name, "alter")
    assert wait_for(admin, name, "604800000")["retention.bytes"] == "12345"


def wait_for(admin, name, retention):
    """A broker shows a change a moment after it has taken it."""
    for _ in range(100):
        settings = admin.state([name])[name].settings
        if settings["retention.ms"] == retention:
            return settings
        time.sleep(0.05)
    raise AssertionError(f"retention.ms stayed {settings['retention.ms']}")


@pytest.mark.mock_cannot("creating topics with other numbers of partitions")
def test_topics_that_cannot_work_together_stop_apply_before_it_begins(real_broker, run, topics):
    admin = TopicAdmin({"bootstrap.servers": real_broker.bootstrap_servers})
    admin.create([TopicSpec("interactions", f"{run.prefix}.prompt.interactions", 3, {}),
                  TopicSpec("attributes", f"{run.prefix}.user.attributes", 5, {})])
    result = run("apply")
    assert result.exit_code == 1
    assert [one["change"] for one in lines(result)][:2] == ["problem", "problem"]
    assert f"{run.prefix}.action.results" not in admin.partitions()


def test_a_broker_that_nobody_reaches_is_named_with_its_address(run, monkeypatch):
    monkeypatch.setattr(TopicAdmin.__init__, "__defaults__", (1.0,))
    result = run("plan", servers="127.0.0.1:9")
    assert result.exit_code == 1
    assert "127.0.0.1:9" in result.stderr
    assert "Connection refused" in result.stderr
    assert "kafka.bootstrap_servers" in result.stderr
