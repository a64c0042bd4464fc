"""Events and attributes reach the topic, under the user's key, where Java's partitioner puts them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from processor.avro.codec import Codec
from processor.cli import publishing
from processor.kafka.murmur2 import partition_of

COMMAND = Path(sys.executable).parent / "prompt-actions"
ONE = ("--app", "shop", "--prompt", "save", "--interaction", "accept")


@pytest.fixture
def produced(kafka):
    """Reads the record at a place."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test", "enable.auto.commit": False})

    def read(row):
        consumer.assign([TopicPartition(row["topic"], row["partition"], row["offset"])])
        end = time.monotonic() + 10
        while time.monotonic() < end:
            message = consumer.poll(0.5)
            if message is not None and not message.error():
                return message
        raise AssertionError(f"nothing at {row}")

    yield read
    consumer.close()


def servers(kafka):
    return {"PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": kafka}


def test_one_event_goes_out_by_options(run, kafka, produced):
    ran = run("event", "send", *ONE, "--user", "u1", "--form", "email=a@b.c", "--context", "transaction_id=7",
              "--time", "2026-01-02T03:04:05Z", **servers(kafka))
    assert ran.code == 0, ran.err
    message = produced(ran.rows[0])
    event = Codec().event(message.value())
    assert message.key() == b"shop:u1"
    assert (event.app_id, event.user_id, event.prompt_id, event.interaction) == ("shop", "u1", "save", "accept")
    assert (event.form, event.context) == ({"email": "a@b.c"}, {"transaction_id": "7"})
    assert event.time == 1_767_323_045_000
    assert event.event_id == ran.rows[0]["event_id"]
    assert "1 sent, 0 not." in ran.err


@pytest.mark.parametrize("user", ["u1", "u2", "u3", "ü", "a-long-one-of-these"])
def test_a_record_lies_where_murmur2_puts_its_key(run, kafka, user):
    ran = run("event", "send", *ONE, "--user", user, **servers(kafka))
    assert ran.rows[0]["partition"] == partition_of(f"shop:{user}".encode(), 4)


def test_the_producer_s_own_properties_cannot_change_the_partitioner(run, kafka):
    spread = {"PROMPT_ACTIONS_KAFKA__PRODUCER_PROPERTIES__PARTITIONER": "random"}
    rows = [run("event", "send", *ONE, "--user", f"p{n}", **servers(kafka), **spread).rows[0] for n in range(6)]
    assert [row["partition"] for row in rows] == [partition_of(f"shop:p{n}".encode(), 4) for n in range(6)]


def test_json_gives_the_members_and_options_stand_over_them(run, kafka, produced):
    text = json.dumps({"event_id": "e1", "app_id": "shop", "user_id": "u", "prompt_id": "p", "interaction": "decline"})
    ran = run("event", "send", "--json", text, "--interaction", "dismiss", **servers(kafka))
    event = Codec().event(produced(ran.rows[0]).value())
    assert (event.event_id, event.interaction) == ("e1", "dismiss")


def test_a_file_of_many_sends_the_good_lines_names_the_bad_ones_and_ends_with_three(run, kafka, tmp_path):
    good = {"app_id": "shop", "user_id": "u", "prompt_id": "p", "interaction": "accept"}
    lines = [json.dumps(good), "", "{", json.dumps(good | {"interaction": "acept"}), json.dumps([1]), json.dumps(good)]
    (tmp_path / "events").write_text("\n".join(lines))
    ran = run("event", "send", "--file", "events", **servers(kafka))
    assert ran.code == 3
    assert [(row["line"], bool(row["error"])) for row in ran.rows] == [
        (1, False), (3, True), (4, True), (5, True), (6, False)]
    assert "did you mean accept?" in ran.rows[2]["error"]
    assert "2 sent, 3 not." in ran.err


def test_a_file_of_good_lines_ends_with_zero_also_from_standard_input(run, kafka):
    line = json.dumps({"app_id": "shop", "user_id": "u", "prompt_id": "p", "interaction": "accept"})
    ran = run("event", "send", "--file", "-", input=f"{line}\n{line}\n", **servers(kafka))
    assert (ran.code, len(ran.rows)) == (0, 2)
    assert ran.rows[0]["event_id"] != ran.rows[1]["event_id"]


@pytest.mark.parametrize(("arguments", "said"), [
    (ONE, "user_id: is missing"),
    ((*ONE, "--user", "u", "--form", "x"), "'x' is no name=value"),
    (("--json", "{"), "--json is no JSON"),
    (("--json", "[]"), "must be an object"),
    (("--file", "-", "--user", "u"), "--file stands alone"),
    ((*ONE, "--user", "u", "--time", "yesterday"), "time"),
])
def test_what_is_typed_wrongly_is_a_usage_error_and_nothing_is_sent(run, arguments, said):
    ran = run("event", "send", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_a_broker_that_is_not_there_is_told_in_plain_words(run, monkeypatch):
    monkeypatch.setattr(publishing, "TIMEOUT", 0.5)
    ran = run("event", "send", *ONE, "--user", "u", **servers("127.0.0.1:1"))
    assert ran.code == 1
    assert ran.rows[0]["error"] == "no broker at 127.0.0.1:1 took it within 0.5 s"


def test_a_property_that_librdkafka_does_not_know_is_told(run):
    ran = run("event", "send", *ONE, "--user", "u", PROMPT_ACTIONS_KAFKA__PROPERTIES__NO_SUCH="x")
    assert ran.code == 1
    assert 'No such configuration property: "no.such"' in ran.err


def test_attributes_are_texts_unless_they_are_given_as_json(run, kafka, produced):
    ran = run("attributes", "set", "shop", "u1", "email_address=a@b.c", "account_code=007", "age:=42", "vip:=true",
              'tags:=["a"]', "old:=null", "note=a=b", **servers(kafka))
    assert ran.code == 0, ran.err
    message = produced(ran.rows[0])
    change = Codec().attributes(message.value())
    assert (message.key(), change.mode) == (b"shop:u1", "merge")
    assert change.attributes == {"email_address": "a@b.c", "account_code": "007", "age": 42, "vip": True,
                                 "tags": ["a"], "old": None, "note": "a=b"}
    assert abs(change.time / 1000 - time.time()) < 60


def test_replace_forgets_all_others(run, kafka, produced):
    ran = run("attributes", "set", "shop", "u1", "a=b", "--replace", **servers(kafka))
    assert Codec().attributes(produced(ran.rows[0]).value()).mode == "replace"


def test_delete_writes_a_null_that_erases_the_user(run, kafka, produced):
    ran = run("attributes", "delete", "shop", "u1", "--yes", **servers(kafka))
    message = produced(ran.rows[0])
    assert (message.key(), message.value()) == (b"shop:u1", None)


@pytest.mark.parametrize(("pair", "said"), [
    ("a", "'a' is no NAME=VALUE"), ("=b", "'=b' is no NAME=VALUE"), ("a:=b", "behind := stands JSON"),
    ("a:={}", "attributes"),
])
def test_attributes_that_are_typed_wrongly_are_a_usage_error(run, pair, said):
    ran = run("attributes", "set", "shop", "u1", pair)
    assert ran.code == 2
    assert said in ran.err


def test_the_real_process_sends_json_lines_to_a_pipe_and_talk_to_standard_error(kafka, tmp_path):
    done = subprocess.run([COMMAND, "event", "send", *ONE, "--user", "u"], capture_output=True, text=True,
                          check=False, cwd=tmp_path, env=servers(kafka) | {"PATH": "/usr/bin"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["topic"] == "prompt.interactions"
    assert done.stderr == "1 sent, 0 not.\n"
