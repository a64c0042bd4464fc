"""A broker is chosen in a fixed order, and what was passed over is said."""

import pytest

from testkit.kafka import broker as finding
from testkit.kafka import containers
from testkit.kafka.broker import Broker, UnreachableError, open_broker
from testkit.kafka.errors import NoKafka
from testkit.kafka.mock import MockKafka


def refuse(_stack):
    raise NoKafka("not here\nwith more lines")


def test_the_first_that_can_be_had_is_taken_and_the_others_named():
    with open_broker((refuse, lambda _: Broker("a:1", "local"), lambda _: Broker("b:1", "mock"))) as found:
        assert (found.bootstrap_servers, found.passed_over) == ("a:1", ("not here",))
        assert "passed over: not here" in str(found)


def test_none_at_all_names_every_reason():
    with pytest.raises(NoKafka, match="No broker could be had: not here; not here"), open_broker((refuse, refuse)):
        pass


def test_a_broker_that_was_named_and_does_not_answer_is_an_error(monkeypatch):
    """Falling back silently would test another broker than the one that was asked for."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9")
    monkeypatch.setattr(finding, "ANSWER_SECONDS", 0.5)
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"), open_broker():
        pass


def test_the_broker_that_was_named_is_taken_before_all_others(monkeypatch):
    with MockKafka() as mock:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", mock.bootstrap_servers)
        with open_broker() as found:
            assert (found.kind, found.bootstrap_servers) == ("given", mock.bootstrap_servers)


def test_without_docker_the_reason_is_said(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoKafka, match="no `docker` in PATH"):
        containers.have_image("any")


def test_an_engine_that_does_not_answer_is_told_from_an_image_that_is_not_there(monkeypatch, tmp_path):
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\ntest $1 = version\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(NoKafka, match="no image apache/kafka"):
        containers.have_image("apache/kafka:4.1.0")
