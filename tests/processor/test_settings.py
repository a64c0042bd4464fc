"""Settings come from file and environment; each mistake names its place; the page tells them all."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer

from processor.config import reference
from processor.config.errors import ConfigErrors
from processor.config.own import load_settings
from processor.settings import ProcessorSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "processor.yaml"


def mistakes(file, environ=None):
    with pytest.raises(ConfigErrors) as caught:
        load_settings(environ or {}, file)
    return [str(one).replace(f"{file}:", "", 1) for one in caught.value.errors]


def test_without_anything_all_settings_have_defaults(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert settings.group == "prompt-actions-processor"
    assert settings.topics.chains == "prompt-actions.chains"
    assert (settings.delivery, settings.checkpoint.interval, settings.drain) == ("exactly_once", 0.1, 40.0)
    assert settings.flow.max_in_flight_bytes == 64 * 1024 * 1024
    assert settings.instance


def test_the_environment_wins_over_the_file_member_by_member(file):
    file.write_text("flow: {batch: 10, max_in_flight: 20}\ngroup: a\n")
    settings = load_settings({"PROMPT_ACTIONS_FLOW__BATCH": "11", "UNRELATED": "x"}, file)
    assert (settings.flow.batch, settings.flow.max_in_flight, settings.group) == (11, 20, "a")


def test_what_a_command_gives_wins_over_both(file):
    file.write_text("group: a\nserver: {port: 1}\n")
    settings = load_settings({"PROMPT_ACTIONS_GROUP": "b"}, file, {"group": "c"})
    assert (settings.group, settings.server.port) == ("c", 1)


def test_the_process_s_own_environment_is_not_read_behind_our_back(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPT_ACTIONS_GROUP", "from outside")
    assert load_settings({}).group == "prompt-actions-processor"


def test_the_file_is_found_by_variable_and_by_place(monkeypatch, tmp_path, file):
    monkeypatch.chdir(tmp_path)
    file.write_text("group: named")
    assert load_settings({"PROMPT_ACTIONS_SETTINGS_FILE": str(file)}).group == "named"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "processor.yaml").write_text("group: placed")
    assert load_settings({}).group == "placed"


def test_a_file_that_was_named_must_be_there(file):
    assert mistakes(file) == [" cannot be read: No such file or directory"]


def test_times_and_sizes_take_units(file):
    file.write_text("join_grace: 2m\ndrain: 5\nmax_value_bytes: 2MiB\nflow: {max_in_flight_bytes: 1000}\n")
    settings = load_settings({"PROMPT_ACTIONS_HTTP__TIMEOUT": "1500ms", "PROMPT_ACTIONS_RETRY__CAP": "7.5"}, file)
    assert (settings.join_grace, settings.drain, settings.max_value_bytes) == (120.0, 5.0, 2 * 1024 * 1024)
    assert (settings.http.timeout, settings.retry.cap, settings.flow.max_in_flight_bytes) == (1.5, 7.5, 1000)


def test_a_property_that_really_has_an_underscore_keeps_it(file):
    """There is `log_level` and no `log.level`; in the environment both are spelled alike."""
    file.write_text("kafka:\n  properties: {log_level: 3, socket_timeout_ms: 900}\n")
    settings = load_settings({"PROMPT_ACTIONS_KAFKA__CONSUMER_PROPERTIES__LOG_LEVEL": "7"}, file)
    assert settings.kafka.properties == {"log_level": "3", "socket.timeout.ms": "900"}
    assert settings.kafka.consumer_properties == {"log_level": "7"}
    Consumer(settings.kafka.client({"group.id": "g"}, settings.kafka.consumer_properties, {"log_level": 0})).close()


def test_properties_of_librdkafka_pass_through_with_references_resolved(file):
    file.write_text("kafka:\n  properties: {sasl.password: env:KP, enable.idempotence: true, linger.ms: 5}\n"
                    "  consumer_properties: {fetch.min.bytes: 1}\n")
    settings = load_settings({"KP": "hunter22", "PROMPT_ACTIONS_KAFKA__PROPERTIES__SECURITY_PROTOCOL": "SSL"}, file)
    assert settings.kafka.client(settings.kafka.consumer_properties) == {
        "bootstrap.servers": "localhost:9092", "sasl.password": "hunter22", "enable.idempotence": "true",
        "linger.ms": "5", "security.protocol": "SSL", "fetch.min.bytes": "1",
    }


def test_no_secret_is_seen_in_settings(file):
    file.write_text("kafka: {properties: {sasl.password: env:KP}}\nregistry: {url: 'http://r', password: env:KP}\n")
    assert "hunter22" not in repr(load_settings({"KP": "hunter22"}, file))


@pytest.mark.parametrize(("text", "environ", "expected"), [
    ("grup: x", {}, "1:1 grup: unknown key 'grup' (did you mean 'group'?"),
    ("flow:\n  bach: 1", {}, ("2:3 flow.bach: unknown key 'bach' (did you mean 'batch'?"
                            " allowed: batch, max_in_flight, max_in_flight_bytes, parked_in_memory)")),
    ("flow: {batch: 0}", {}, "1:15 flow.batch: must be greater than or equal to 1 (Records taken from Kafka at once.)"),
    ("delivery: maybe", {}, "1:11 delivery: 'maybe' is not allowed (allowed: at_least_once, exactly_once)"),
    ("static_membership: yes", {}, "1:20 static_membership: 'yes' is no truth value (write true or false)"),
    ("drain: soon", {}, "1:8 drain: no length of time; write a number with a unit"),
    ("kafka: {properties: {sasl.password: hunter22}}", {},
     "1:37 kafka.properties.sasl.password: a secret must not stand in the file"),
    ("registry: {url: 'http://r', password: hunter22}", {},
     "1:39 registry.password: a secret must not stand in the file"),
    ("kafka: {properties: {ssl.key.password: env:NO}}", {},
     "1:40 kafka.properties.ssl.key.password: the environment variable NO is not set"),
    ("framing: confluent", {}, "1:1: framing 'confluent' needs registry.url"),
    ("topics: {results: x, config: x}", {}, "1:9 topics: 'results' and 'config' name the same topic 'x'"),
    ("instance: a b", {}, "1:11 instance: must consist of letters, digits"),
    ("- x", {}, "1:1: expected names with values, found a list"),
    ("", {"PROMPT_ACTIONS_FLOW__BACH": "1"},
     "environment PROMPT_ACTIONS_FLOW__BACH: unknown setting (did you mean 'PROMPT_ACTIONS_FLOW__BATCH'?"),
    ("", {"PROMPT_ACTIONS_GRUP": "1"},
     "environment PROMPT_ACTIONS_GRUP: unknown setting (did you mean 'PROMPT_ACTIONS_GROUP'?"),
    ("", {"PROMPT_ACTIONS_FLOW__BATCH": "many"},
     "environment PROMPT_ACTIONS_FLOW__BATCH: must be a valid integer"),
    ("", {"PROMPT_ACTIONS_OVERRIDES": "{"}, 'environment: error parsing value for field "overrides"'),
])
def test_a_mistake_is_named_with_place_and_remedy(file, text, environ, expected):
    file.write_text(text)
    found = mistakes(file, environ)
    assert any(one.startswith(expected) for one in found), "\n".join(found)
    assert "hunter22" not in "\n".join(found)


@pytest.mark.parametrize("word", ["true", "1", "yes", "on"])
def test_the_environment_knows_texts_only_and_may_say_yes(file, word):
    file.write_text("")
    assert load_settings({"PROMPT_ACTIONS_STATIC_MEMBERSHIP": word}, file).static_membership is True


def test_all_mistakes_of_file_and_environment_are_told_at_once(file):
    file.write_text("flow: {batch: 0}\ndelivery: maybe\n")
    assert len(mistakes(file, {"PROMPT_ACTIONS_GRUP": "1", "PROMPT_ACTIONS_DRAIN": "x"})) == 4


def test_overrides_come_from_json_or_from_a_variable_a_setting(file):
    file.write_text("")
    wanted = {"stripe": {"base_url": "http://x"}}
    assert load_settings({"PROMPT_ACTIONS_OVERRIDES": '{"stripe": {"base_url": "http://x"}}'}, file).overrides == wanted
    assert load_settings({"PROMPT_ACTIONS_OVERRIDES__STRIPE__BASE_URL": "http://x"}, file).overrides == wanted


def test_the_example_file_is_sound():
    load_settings({}, ROOT / "config" / "processor.yaml")


def test_every_setting_says_what_it_is_for():
    assert [row.name for row in reference.rows() if not row.meaning] == []


def test_every_setting_can_stand_in_the_environment(file):
    file.write_text("registry: {url: 'http://r', username: u}\n"
                    "console: {oidc: {issuer: 'http://i', client_id: c}}")
    settings = load_settings({}, file)
    for row in reference.rows():
        value = settings
        for part in row.name.split("."):
            value = getattr(value, part)
        if value not in (None, {}, ()):
            assert load_settings({row.variable: str(value)}, file) == settings, row.name


def test_the_page_of_settings_is_that_of_today():
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert page == reference.renewed(page), "make it anew with processor.config.reference.main"


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        ProcessorSettings().group = "x"
