"""Configuration by way of the topic, over real Kafka with real processes: applied once, live everywhere in a second."""

import json
import subprocess
import time

import pytest

from processor.config.own import load_settings
from processor.config.source import opened_store
from processor.kafka.config_topic import Writer
from testkit.processor.apps import call, custom_api, event, sendgrid
from testkit.processor.process import COMMAND

SOON = 1.0
"""Seconds within which every process has a change."""


def alpha(url, *, action="take"):
    """App `alpha`, prompt `offer`."""
    return {"app": {"title": "Alpha"}, "connectors": {"custom_api": custom_api(url)},
            "prompts": {"offer": {"accept": [call(action, id="the-call")]}}}


@pytest.fixture
def site(site, topics, monkeypatch):
    site.topics |= topics.make("config", partitions=1, config={"cleanup.policy": "compact",
                                                               "max.message.bytes": "4194304"})
    site.topics |= topics.make("audit", partitions=1)
    site._settings["config_source"] = "topic"
    (site.folder / "config").mkdir()
    return site


@pytest.fixture
def store(site):
    environ = site.environment("desk")
    with opened_store(load_settings(environ, None), environ) as found:
        yield found


@pytest.fixture
def command(site):
    """Runs `prompt-actions ...`; exit code, the JSON lines that it wrote, its talk."""

    def run(*arguments, **environ):
        done = subprocess.run(
            [*COMMAND[:-1], *map(str, arguments)], env=site.environment("desk") | environ, capture_output=True,
            text=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        lines = [json.loads(line) if line.startswith(("{", "[")) else line for line in done.stdout.splitlines()]
        return done.returncode, lines, done.stderr

    return run


def now():
    return int(time.time() * 1000)


def test_every_process_takes_a_change_within_a_second_and_outcomes_name_it(site, store, vendors):
    first = store.apply("alpha", alpha(vendors.url), base=0, by="ann")
    processors = [site.started(name) for name in ("one", "two")]
    processors[1].until(lambda: len(processors[1].said("partition_ready")) == 2, what="half of the partitions")
    users = [f"u{number}" for number in range(20)]
    with site.results() as results:
        site.publish(*(event(number, user, time=now()) for number, user in enumerate(users)))
        assert {one.value.config_version for one in results.at_least(20)} == {first.digest}

        second = store.apply("alpha", alpha(vendors.url, action="once"), base=1, by="ann")
        time.sleep(SOON)  # what is promised: a second, and no condition to wait for
        site.publish(*(event(100 + number, user, time=now()) for number, user in enumerate(users)))
        after = [one.value for one in results.at_least(40)][20:]
    assert {one.config_version for one in after} == {second.digest}
    assert {one.outcome for one in after} == {"succeeded"}
    assert {one.metric("config_reloads_total", result="taken") for one in processors} == {1}
    assert all(one.metric("events_finished_total") for one in processors), "both have run events"


def test_a_bad_record_is_reported_by_log_and_metric_and_what_runs_goes_on(site, store, vendors):
    first = store.apply("alpha", alpha(vendors.url), base=0, by="ann")
    processor = site.started()
    settings = load_settings(site.environment("desk"), None)
    with Writer(settings, "alpha").together() as writer:
        writer.put(settings.topics.config, b"alpha", b"rubbish")
    processor.until(lambda: processor.metric("config_reloads_total", result="refused") == 1, what="the refusal")
    [told] = processor.said("configuration refused, the running one is kept")
    assert "alpha: cannot be read" in told["error"]
    with site.results() as results:
        site.publish(event(1, time=now()))
        assert results.at_least(1)[0].value.config_version == first.digest


def test_a_version_whose_secret_this_process_lacks_does_not_replace_what_runs(site, store, vendors):
    first = store.apply("alpha", alpha(vendors.url), base=0, by="ann")
    processor = site.started(environ={})
    store.apply("alpha", alpha(vendors.url) | {"connectors": {
        "custom_api": custom_api(vendors.url), "sendgrid": sendgrid(vendors.url)}}, base=1, by="ann")
    processor.until(lambda: processor.metric("config_reloads_total", result="refused") == 1, what="the refusal")
    [told] = processor.said("configuration refused, the running one is kept")
    assert "the environment variable SENDGRID_API_KEY is not set" in told["error"]
    processor.end()
    again = site.started(environ={})
    with site.results() as results:
        site.publish(event(1, time=now()))
        assert results.at_least(1)[0].value.config_version == first.digest, "a restart changes nothing"
    assert again.metric("config_reloads_total", result="refused") == 1


def test_a_process_whose_topic_is_missing_says_so(site):
    processor = site.processor(topics__config="nowhere")
    processor.start()
    assert processor.wait() == 1
    assert "there is no topic 'nowhere'; make it with `prompt-actions topics apply`" in processor.last_words()
