"""Letters of failed events are replayed over real Kafka, in every way there is: each effect happens once."""

import json
import subprocess
import time
from collections import Counter

import pytest
from confluent_kafka import Producer

from processor.avro.codec import Codec
from processor.books import read_books
from processor.config.files import load
from processor.config.own import load_settings
from processor.dead_letters import Actor, Desk, DeskError, Options, Selection
from testkit.processor import apps
from testkit.processor.apps import call, event, stripe
from testkit.processor.process import COMMAND
from testkit.processor.records import Records

LETTERS = 300
"""Of an incident: a third for each reason. The whole story of one is walked in test_incident.py."""
EACH = LETTERS // 3
RATE = max(40.0, LETTERS / 8)
OPEN = Selection(states=("open",))


def files(url, *names):
    """Prompt `offer` calls, then gives a coupon that Stripe lacks, then calls what must not be repeated."""
    found = {}
    for app in names:
        found |= {
            f"{app}/app": {"title": app.title()},
            f"{app}/connectors": {"custom_api": apps.custom_api(url), "stripe": stripe(url)},
            f"{app}/prompts": {
                "offer": {"accept": [
                    call(id="before"), {"action": "stripe.apply_coupon", "params": {"coupon_id": "missing20"}},
                    call("once", id="behind")]},
                "account": {"accept": [call("account")]},
                "plain": {"accept": [call()]},
                "mail": {"accept": [call("once", id="once")]},
            },
        }
    return found


@pytest.fixture
def site(site, topics, vendors):
    topics.make("audit", partitions=1)
    site.topics["audit"] = f"{topics.prefix}.audit"
    vendors.seed("custom_api", "dedupe", on=True)
    site.configure(files(vendors.url, "alpha"))
    return site


@pytest.fixture
def command(site):
    """Runs `prompt-actions ...`; exit code, the JSON lines that it wrote, its talk."""

    def run(*arguments, **environ):
        done = subprocess.run(
            [*COMMAND[:-1], *arguments], env=site.environment("desk") | environ, capture_output=True, text=True,
            check=False, timeout=120, stdin=subprocess.DEVNULL)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return run


@pytest.fixture
def desk(site):
    """The desk of an operator, its index up to date."""
    opened = []

    def make(name="olga"):
        environ = site.environment(name, state__folder=site.folder / name)
        settings = load_settings(environ, None)
        configuration = load(settings.config_folder, environ, settings.overrides)
        opened.append(Desk(settings, Codec(), Actor(name, "here"), configuration))
        opened[-1].follow()
        return opened[-1]

    yield make
    for one in opened:
        one.__exit__(None, None, None)


def users(prefix):
    return [f"{prefix}{number}" for number in range(EACH)]


def incident(site):
    """A coupon deleted, an attribute not synced, an app that nobody knows; all else is well."""
    now = int(time.time() * 1000)
    site.sync("alpha", {user: {"email_address": f"{user}@example.com"} for user in users("c") + users("a")})
    site.sync("alpha", {user: {"email_address": f"{user}@example.com"} for user in users("g")})
    site.publish(*(event(n, user, "offer", time=now) for n, user in enumerate(users("c"))),
                 *(event(EACH + n, user, "account", time=now) for n, user in enumerate(users("a"))),
                 *(event(2 * EACH + n, user, "plain", time=now, app="gamma") for n, user in enumerate(users("g"))))


def wait_for_letters(desk, count, wanted=OPEN, seconds=90):
    end = time.monotonic() + seconds
    while desk.index.count(wanted) < count and time.monotonic() < end:
        desk.follow()
        time.sleep(0.2)
    assert desk.index.count(wanted) == count


def effects(vendors):
    """How often each vendor did what for whom."""
    called = Counter(one.detail["path"] for one in vendors.ledger("custom_api"))
    coupons = Counter(one.user for one in vendors.ledger("stripe", "subscription.discount_added"))
    return called, coupons


def test_a_replay_whose_command_is_killed_is_resumed_and_repeats_nothing(site, vendors, desk, command):
    site.started()
    incident(site)
    olga = desk()
    wait_for_letters(olga, LETTERS)
    vendors.seed("stripe", "coupon", id="missing20")
    running = subprocess.Popen(
        [*COMMAND[:-1], "dead-letters", "replay", "--connector", "stripe", "--yes", "--rate", str(RATE)],
        env=site.environment("desk"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    with Records(site.servers, site.topics["replays"], site.codec.replay) as asked:
        asked.at_least(EACH // 4, 60)
        running.kill()
        running.communicate(timeout=30)
        code, (run,), talk = command("dead-letters", "runs", "-o", "json")
        assert run["state"] == "running"
        assert 0 < run["planned"] < EACH
        code, lines, talk = command("dead-letters", "replay", "--resume", run["run"], "--rate", "1000", "-o", "json")
        assert code == 0, talk
        assert lines[-1]["counts"] == {"succeeded": EACH}
        assert len({one.value.event_id for one in asked.now(1)}) == len(asked.now()) == EACH
    assert Counter(effects(vendors)[1].values()) == {1: EACH}


def test_events_of_an_app_that_nobody_knew_run_once_it_is_configured(site, vendors, desk, command):
    site.started()
    olga = desk()
    now = int(time.time() * 1000)
    site.publish(*(event(number, f"g{number}", "plain", time=now, app="gamma") for number in range(3)))
    wait_for_letters(olga, 3)
    plan = olga.plan(OPEN, Options(), 10.0)
    assert (plan.letters, plan.refused) == (0, {"app 'gamma' is not configured": 3})
    olga.drop(plan.run)
    site.configure(files(vendors.url, "gamma"))
    assert command("dead-letters", "replay")[0] == 2, "nobody can be asked, so nothing is done"
    code, lines, talk = command("dead-letters", "replay", "--code", "unknown_app", "--yes", "-o", "json")
    assert code == 0, talk
    assert lines[-1]["counts"] == {"succeeded": 3}
    with site.results() as results:
        assert {one.value.outcome for one in results.at_least(3)} == {"succeeded"}


def test_a_run_that_is_given_up_makes_way_for_another(site, desk):
    site.started()
    olga = desk()
    fail(site, olga)
    plan = olga.plan(OPEN, Options(), 1.0)
    assert not olga.replay(plan.run, 1.0, stop=lambda: True).finished
    with pytest.raises(DeskError, match=f"--abandon {plan.run}"):
        olga.plan(OPEN, Options(), 1.0)
    olga.abandon(plan.run)
    assert olga.plan(OPEN, Options(), 1.0).letters == 1
    assert [one["did"] for one in audit_lines(site)] == ["run interrupted", "run abandoned"]


def fail(site, desk, prompt="offer", number=1, user="u1", **attributes):
    """One event that fails, and its letter."""
    site.sync("alpha", {user: {"email_address": f"{user}@example.com", **attributes}})
    site.publish(event(number, user, prompt, time=int(time.time() * 1000)))
    wait_for_letters(desk, 1, Selection(user=user, states=("open",)))
    return desk.find(f"e{number:05d}")


def replayed(desk, wanted=OPEN, options=Options(), rate=100.0):  # noqa: B008
    plan = desk.plan(wanted, options, rate)
    return plan, desk.replay(plan.run, rate, patience=15)


def test_a_letter_is_not_replayed_twice_unless_forced_and_what_is_left_out_is_said(site, vendors, desk):
    site.started()
    olga = desk()
    fail(site, olga)
    _, report = replayed(olga)
    assert report.counts == {"failed": 1}
    assert report.failures == [("rejected", "resource_missing", 1)]
    entry = olga.find("e00001")
    assert (entry.state, entry.replays) == ("open", 1)
    vendors.seed("stripe", "coupon", id="missing20")
    replayed(olga)
    plan = olga.plan(Selection(event="e00001"), Options(), 10.0)
    assert plan.refused == {"a replay of it has succeeded": 1}
    keys = [one.headers["idempotency-key"] for one in vendors.requests("stripe") if one.method == "POST"]
    assert len(set(keys)) == 3, "a sure refusal gets new keys"
    called, coupons = effects(vendors)
    assert set(called.values()) == {1}
    assert sum(coupons.values()) == 1


def test_what_is_in_doubt_needs_somebody_who_looked(site, vendors, desk):
    site.started()
    olga = desk()
    vendors.fault("reset", vendor="custom_api", taken=False, times=1)
    entry = fail(site, olga, "mail")
    assert entry.reason == "in_doubt"
    plan = olga.plan(OPEN, Options(), 10.0)
    assert (plan.letters, list(plan.refused)) == (0, ["in doubt: look at the vendor, then --after-checking"])
    _, report = replayed(olga, options=Options(after_checking=True))
    assert report.counts == {"succeeded": 1}
    assert len(vendors.ledger("custom_api")) == 1


def test_only_the_failed_binding_runs_where_that_is_asked_for(site, vendors, desk):
    site.started()
    olga = desk()
    fail(site, olga)
    vendors.seed("stripe", "coupon", id="missing20")
    _, report = replayed(olga, options=Options(only_failed=True))
    assert report.counts == {"succeeded": 1}
    assert len(vendors.ledger("custom_api")) == 1, "what was skipped behind the failure stays so"


def test_attributes_as_they_were_are_those_of_the_letter(site, vendors, desk):
    site.started()
    olga = desk()
    down = vendors.fault("answer", vendor="custom_api", status=400)
    fail(site, olga, "account", account="then")
    vendors.clear(down)
    site.sync("alpha", {"u1": {"account": "now"}})
    replayed(olga, options=Options(as_they_were=True))
    assert [json.loads(one.body)["account"] for one in vendors.requests("custom_api")] == ["then", "then"]


def test_a_letter_sent_again_by_a_plain_producer_is_a_replay_from_the_failed_step_on(site, vendors, desk):
    site.started()
    olga = desk()
    fail(site, olga)
    vendors.seed("stripe", "coupon", id="missing20")
    with site.letters() as letters, Records(site.servers, site.topics["dead_letters"], bytes) as raw:
        assert letters.at_least(1)
        record = raw.at_least(1)[0]
        plain = Producer({"bootstrap.servers": site.servers})
        for _ in range(2):
            plain.produce(site.topics["interactions"], record.value, record.key, headers=list(record.headers.items()))
        plain.flush(30)
        wait_for_letters(olga, 1, Selection(states=("succeeded",)))
    time.sleep(1)
    called, coupons = effects(vendors)
    assert set(called.values()) == {1}
    assert len(called) == 2
    assert sum(coupons.values()) == 1
    environ = site.environment("reader")
    settings = load_settings(environ, None)
    books = read_books(settings, configuration=load(settings.config_folder, environ), codec=Codec())
    assert books.balanced, books.differences


def test_a_message_that_cannot_be_read_is_edited_and_lives_on(site, vendors, desk, command):
    site.started()
    olga = desk()
    broken = {"event_id": "e7", "app_id": "alpha", "user_id": "u7", "prompt": "plain", "interaction": "accept"}
    site.send("interactions", (b"alpha:u7", json.dumps(broken).encode()))
    wait_for_letters(olga, 1)
    plan = olga.plan(OPEN, Options(), 10.0)
    assert "still cannot be read" in next(iter(plan.refused))
    olga.drop(plan.run)
    editor = site.folder / "editor.sh"
    editor.write_text('#!/bin/sh\nsed -i \'s/"prompt":/"prompt_id":/; /"prompt_id": ""/d\' "$1"\n')
    editor.chmod(0o755)
    code, lines, talk = command("dead-letters", "replay", "--edit", "--yes", "-o", "json", EDITOR=str(editor))
    assert code == 0, talk
    assert lines[-1]["counts"] == {"succeeded": 1}
    with site.results() as results:
        assert results.at_least(1)[0].value.event_id == "e7"
    olga.follow()
    (entry,) = olga.list(Selection())
    assert olga.letter(entry).origin.value == json.dumps(broken).encode(), "the original is kept"


def test_a_user_who_is_forgotten_is_gone_from_letters_attributes_and_chains(site, vendors, desk, command):
    site.configure(files(vendors.url, "alpha"))
    processor = site.started(retry__park_after=0.1, retry__max_time="1h", retry__base=5, retry__cap=60)
    olga = desk()
    fail(site, olga, user="u1")
    vendors.fault("answer", vendor="custom_api", status=503)
    site.publish(event(2, "u1", "plain", time=int(time.time() * 1000)))
    processor.until(lambda: processor.metric("books_events_parked") == 1, what="the chain is parked")
    code, (found,), talk = command("users", "forget", "alpha", "u1", "--yes", "-o", "json")
    assert code == 0, talk
    assert (found["letters"], found["chains"], found["chains_left"]) == (1, 1, 0)
    olga.follow()
    assert olga.index.count(Selection()) == 0
    for role in ("dead_letters", "attributes_changelog", "chains"):
        with Records(site.servers, site.topics[role], lambda value: value) as records:
            latest = {one.key: one.value for one in records.now(1)}
        assert set(latest.values()) == {None}, role
    assert processor.metric("books_events_parked") == 0
    assert processor.metric("books_events_in") == processor.metric("books_events_finished")
    olga.index.scrub()
    kept = b"".join(one.read_bytes() for one in (site.folder / "olga").iterdir() if one.is_file())
    assert b"u1@example.com" not in kept
    assert "u1" not in json.dumps(list(audit_lines(site)))


def audit_lines(site):
    with Records(site.servers, site.topics["audit"], json.loads) as found:
        return [one.value for one in found.now(1)]


def test_closed_letters_say_why_and_are_left_out(site, vendors, desk, command):
    site.started()
    olga = desk()
    fail(site, olga)
    code, _, talk = command("dead-letters", "close", "--because", "a test account", "--as", "olga", "--yes")
    assert code == 0, talk
    olga.follow()
    assert olga.letter(olga.find("e00001")).note == "closed by olga: a test account"
    assert olga.plan(Selection(), Options(), 1.0).refused == {"it is closed; --force replays it all the same": 1}
    (line,) = audit_lines(site)
    assert (line["by"], line["did"], line["why"]) == ("olga", "closed", "a test account")
    assert (line["before"]["state"], line["after"]["state"]) == ("open", "closed")
    code, lines, _ = command("dead-letters", "list", "--state", "closed", "-o", "json")
    assert [one["event"] for one in lines] == ["e00001"]


def test_an_index_that_is_lost_is_built_again_and_a_run_that_is_gone_is_said(site, desk):
    site.started()
    fail(site, desk())
    again = desk("bob")
    assert again.index.count(OPEN) == 1
    with pytest.raises(DeskError, match="there is no run"):
        again.run("nope")
