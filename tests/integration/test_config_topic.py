"""Configuration by way of the topic, over real Kafka with real processes: applied once, live everywhere in a second."""

import json
import subprocess
import time

import pytest

from processor.config.keyring import Keyring, key_of, new_key
from processor.config.own import load_settings
from processor.config.source import opened_store
from processor.kafka.config_topic import Writer
from processor.waiting.under_way import UnderWay, read_under_way
from testkit.processor.apps import call, custom_api, event, sendgrid
from testkit.processor.process import COMMAND
from testkit.processor.records import Records

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


# the commands


@pytest.fixture
def files(site, vendors):
    """App `alpha` in the folder; a function that changes its action."""

    def write(action="take", **more):
        content = alpha(vendors.url, action=action)
        site.configure({"alpha/app": content["app"], "alpha/connectors": content["connectors"],
                        "alpha/prompts": content["prompts"], **more})

    write()
    return write


def test_apply_shows_the_plan_asks_and_tells_the_number(site, store, files, command):
    code, rows, talk = command("config", "apply", "--as", "ann", "--note", "begin")
    assert code == 1, "nobody was there to say yes"
    assert "alpha: from nothing to" in talk
    assert store.current("alpha") is None

    code, rows, talk = command("config", "apply", "--as", "ann", "--note", "begin", "--yes")
    assert code == 0, talk
    assert rows[-1] == {"app": "alpha", "version": 1, "digest": store.current("alpha").digest, "by": "ann",
                        "note": "begin"}
    assert "alpha: prompt offer.accept gains the-call (custom_api.call_api)" in talk
    assert "alpha is at version 1" in talk

    code, rows, talk = command("config", "apply", "--yes")
    assert (code, rows) == (0, [])
    assert "alpha: nothing changes, version 1" in talk
    assert "Nothing to apply." in talk


def test_plan_says_what_would_change_and_which_chains_are_under_way(
    site, store, files, command, vendors,
):
    first = store.apply("alpha", alpha(vendors.url), base=0, by="ann")
    vendors.fault("answer", vendor="custom_api", status=503, retry_after=120, share=1.0)
    processor = site.started()
    site.publish(*(event(number, f"u{number}", time=now()) for number in range(3)))
    processor.until(lambda: processor.metric("books_events_parked") == 3, what="three that wait")
    files("once")
    code, rows, talk = command("config", "plan")
    assert code == 0, talk
    assert rows == [{"app": "alpha", "part": "prompt", "name": "offer.accept", "kind": "changed",
                     "what": "the-call: api_action", "before": "take", "after": "once"}]
    assert f"alpha: from version 1 ({first.digest}) to" in talk
    assert f"alpha: chains that wait, begun under version {first.digest}: 3; what they have done stays" in talk
    assert "Nothing was changed." in talk
    assert store.current("alpha") == first


def test_of_two_who_planned_from_the_same_version_the_second_is_refused(site, store, files, command):
    assert command("config", "apply", "--yes", "--as", "ann")[0] == 0
    files("once")
    assert command("config", "apply", "--app", "alpha", "--base", "1", "--yes", "--as", "bob")[0] == 0
    files("account")
    code, rows, talk = command("config", "apply", "--app", "alpha", "--base", "1", "--yes", "--as", "cleo")
    assert (code, rows[-1]["after"]) == (1, "account"), "the plan is shown, and nothing else"
    assert "alpha is at version 2, not 1" in talk
    assert store.current("alpha").by == "bob"


def test_an_app_that_only_the_topic_has_stays_until_somebody_removes_it(site, store, files, command, vendors):
    store.apply("beta", alpha(vendors.url), base=0, by="ann")
    code, _, talk = command("config", "apply", "--yes")
    assert code == 0
    assert "beta: only on the topic, and stays (`config apply --remove beta` removes it)" in talk
    assert store.names() == ("alpha", "beta")
    code, rows, talk = command("config", "apply", "--remove", "beta", "--yes")
    assert code == 0
    assert rows[-1]["version"] == 2
    assert store.names() == ("alpha",)


def test_mistakes_are_named_with_file_and_line_and_nothing_is_applied(site, store, files, command):
    files(**{"alpha/app": {"titel": "x"}})
    code, rows, talk = command("config", "apply", "--yes")
    assert (code, rows) == (1, [])
    assert "alpha/app.yaml:1:1 titel: unknown key 'titel'" in talk
    assert store.names() == ()


def test_whoever_applies_needs_no_secrets_where_he_says_so(site, store, files, command, vendors):
    files(**{"alpha/connectors": {"custom_api": custom_api(vendors.url), "sendgrid": sendgrid(vendors.url)}})
    code, _, talk = command("config", "apply", "--yes", SENDGRID_API_KEY="")
    assert code == 1
    assert "SENDGRID_API_KEY is empty" in talk
    assert command("config", "apply", "--yes", "--without-secrets", SENDGRID_API_KEY="")[0] == 0
    assert store.current("alpha").number == 1


def test_history_and_rollback(site, store, files, command):
    command("config", "apply", "--yes", "--as", "ann", "--note", "begin")
    files("once")
    command("config", "apply", "--yes", "--as", "bob")
    code, rows, _ = command("config", "history", "alpha")
    assert code == 0
    assert [(one["version"], one["by"], one["note"], one["live"]) for one in rows] == [
        (2, "bob", "", True), (1, "ann", "begin", False)]

    code, rows, talk = command("config", "rollback", "alpha", "--to", "1", "--yes", "--as", "cleo", "--note", "worse")
    assert code == 0, talk
    assert rows[0]["before"] == "once"
    newest, _, oldest = store.history("alpha")
    assert (newest.number, newest.by, newest.note) == (3, "cleo", "back to version 1: worse")
    assert (newest.digest, newest.content) == (oldest.digest, oldest.content)

    code, _, talk = command("config", "rollback", "alpha", "--to", "9", "--yes")
    assert code == 2
    assert "version 9 of 'alpha' is not kept; kept are: 3, 2, 1" in talk


def test_an_export_is_sound_and_has_the_same_version(site, store, files, command, tmp_path):
    command("config", "apply", "--yes")
    code, rows, talk = command("config", "export", "--out", tmp_path / "exported")
    assert code == 0, talk
    assert len(rows) == 3
    code, rows, _ = command("config", "validate", "--folder", tmp_path / "exported")
    assert (code, rows[0]["version"]) == (0, store.current("alpha").digest)
    assert command("config", "apply", "--folder", tmp_path / "exported", "--yes")[1] == []
    code, _, talk = command("config", "export", "--out", tmp_path / "exported")
    assert code == 1
    assert "is there already" in talk


def test_a_table_of_bindings_goes_into_the_topic_and_comes_back(site, store, files, command, tmp_path):
    command("config", "apply", "--yes")
    table = tmp_path / "bindings.csv"
    table.write_text("app,prompt,interaction,action,param:api_action\nalpha,bye,accept,custom_api.call_api,oncee\n")
    code, rows, talk = command("config", "import", table, "--yes")
    assert (code, rows) == (1, [])
    assert f"{table}:2:1 bye.accept[0].params.api_action: 'oncee' is not there to pick (did you mean 'once'?" in talk
    table.write_text(table.read_text().replace("oncee", "once"))
    code, rows, talk = command("config", "import", table, "--yes")
    assert code == 0, talk
    assert store.current("alpha").note == "import of bindings.csv"
    code, rows, _ = command("config", "export", "--csv", "-", "--app", "alpha")
    assert [one.split(",")[:6] for one in rows if isinstance(one, str)][1:] == [
        ["alpha", "offer", "", "accept", "custom_api", "call_api"],
        ["alpha", "bye", "", "accept", "custom_api", "call_api"]]


def test_a_sealed_secret_is_rotated_in_the_topic_and_is_nowhere_in_clear(site, files, command, vendors):
    old, new = (new_key(lambda count, letter=letter: letter * count)[1] for letter in (b"o", b"n"))
    clear = "SG.hunter22.a-secret-that-nobody-may-see-anywhere-but-the-vendor"
    sealed = Keyring([key_of(old)]).seal(clear, "alpha")
    both = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:NEW","env:OLD"]', "NEW": new, "OLD": old}
    files(**{"alpha/connectors": {
        "custom_api": custom_api(vendors.url), "sendgrid": sendgrid(vendors.url, api_key=sealed)}})
    said = [command("config", "apply", "--yes", **both)]
    said.append(command("secrets", "rotate", "--write", **both))
    assert (said[-1][0], said[-1][1][0]["problem"]) == (0, ""), said[-1]
    only_new = {"PROMPT_ACTIONS_SECRETS__KEYS": '["env:NEW"]', "NEW": new}
    said.append(command("config", "validate", **only_new))
    assert said[-1][0] == 0, "the new key opens what is live"
    said += [command("config", "history", "alpha", **only_new), command("config", "plan", **both)]
    assert [one["version"] for one in said[-2][1]] == [2, 1]
    assert clear not in str(said)
    for role in ("config", "audit"):
        with Records(site.servers, site.topics[role], bytes) as records:
            assert all(clear.encode() not in one.value for one in records.at_least(2))


def test_other_commands_read_the_topic_too(site, store, command, vendors):
    store.apply("alpha", alpha(vendors.url), base=0, by="ann")
    code, rows, talk = command("config", "validate")
    assert (code, rows[0]["app"]) == (0, "alpha"), talk
    _, rows, talk = command("explain", "alpha", "u1", "offer", "accept")
    assert rows[0]["config_version"] == store.current("alpha").digest, talk


def test_a_running_chain_ends_as_it_began_and_one_that_waits_goes_on_under_the_new_version(site, store, vendors):
    """What `plan` says of them."""
    content = alpha(vendors.url) | {"prompts": {
        "offer": {"accept": [call("once", id="slow"), call("take", id="behind")]},
        "other": {"accept": [call("account", id="down")]}}}
    first = store.apply("alpha", content, base=0, by="ann")
    vendors.fault("delay", vendor="custom_api", path="/once/", delay=3, times=1)
    vendors.fault("answer", vendor="custom_api", path="/account/", status=503, retry_after=6, times=1)
    processor = site.started()
    site.sync("alpha", {"u1": {"account": "a"}, "u2": {"account": "b"}})
    site.publish(event(1, "u1", time=now()), event(2, "u2", "other", time=now()))
    processor.until(lambda: processor.metric("books_events_parked") == 1, what="one that waits")
    assert read_under_way(load_settings(site.environment("desk"), None)) == [UnderWay("alpha", first.digest, 1, 1)]
    second = store.apply("alpha", content | {"prompts": {
        "offer": {"accept": [call("take", id="new")]}, "other": {"accept": [call("take", id="down")]}}},
        base=1, by="ann")
    with site.results() as results:
        found = {(one.value.event_id, one.value.binding_id): one.value.config_version for one in results.at_least(3)}
    assert found == {("e00001", "slow"): first.digest, ("e00001", "behind"): first.digest,
                     ("e00002", "down"): second.digest}
    processor.end()
    assert read_under_way(load_settings(site.environment("desk"), None)) == []
