"""The commands that look at dead letters, over real Kafka: every filter by its option, pages, one letter, files."""

import csv
import json
import subprocess

import fastavro
import pytest

from testkit.letters import NOON, failed_binding, key_of, letter_of, unread
from testkit.processor.process import COMMAND

LETTERS = (
    letter_of("e1", at=NOON),
    letter_of("e2", failed_binding("zendesk", "create_ticket", reason="unavailable", code="http_503", message="Down"),
              at=NOON + 1000, user="u2"),
    letter_of("e3", app="beta", prompt="other", at=NOON + 2000),
    letter_of("e4", at=NOON + 3000, state="closed", note="enough"),
    unread(created_at=NOON + 4000),
)
"""They differ in everything that can be asked for."""


@pytest.fixture
def command(site):
    """Runs `prompt-actions dead-letters ...` over those letters; what it wrote, and its talk."""
    site.configure({"alpha/app": {"title": "Alpha"}})
    site.send("dead_letters", *((key_of(one), site.codec.encode_dead_letter(one)) for one in LETTERS))

    def run(*arguments, code=0):
        done = subprocess.run([*COMMAND[:-1], "dead-letters", *map(str, arguments)], env=site.environment("desk"),
                              capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout, done.stderr.decode()

    return run


def rows(written):
    return [json.loads(line) for line in written.splitlines()]


def test_each_option_filters_as_it_says_and_pages_follow_one_another(command):
    for options, found in {
        (): ["", "e3", "e2", "e1"],
        ("--state", "all"): ["", "e4", "e3", "e2", "e1"],
        ("--state", "closed"): ["e4"],
        ("--app", "beta"): ["e3"],
        ("--connector", "zendesk"): ["e2"],
        ("--action", "stripe.apply_coupon", "--app", "alpha"): ["e1"],
        ("--reason", "undecodable"): [""],
        ("--code", "http_503"): ["e2"],
        ("--prompt", "other", "--interaction", "accept"): ["e3"],
        ("--user", "u2"): ["e2"],
        ("--event", "e1"): ["e1"],
        ("--since", "2027-01-15T08:00:02Z"): ["", "e3"],
        ("--from", "2027-01-15T08:00:02Z"): ["", "e3"],
        ("--until", "2027-01-15T08:00:01Z"): ["e1"],
        ("--text", "down"): ["e2"],
    }.items():
        assert [one["event"] for one in rows(command("list", *options)[0])] == found, options
    written, talk = command("list", "--limit", 2)
    assert "2 of 4 letters" in talk
    last = rows(written)[-1]["id"]
    assert f"--after {last[:10]}" in talk
    assert [one["event"] for one in rows(command("list", "--limit", 2, "--after", last[:10])[0])] == ["e2", "e1"]
    assert [one["event"] for one in rows(command("list", "--id", last[:10])[0])] == ["e3"]
    for strange in ("f" * 15, "no-id"):
        assert f"no letter has the id '{strange}'" in command("list", "--after", strange, code=2)[1]


def test_one_is_shown_and_all_are_counted(command):
    (shown,) = rows(command("show", "e2", "-o", "json")[0])
    assert (shown["reason"], shown["failures"][0]["request_id"]) == ("unavailable", "req_1")
    assert shown["origin"]["offset"] == 1
    assert shown["who_must_act"]
    told = command("show", "e2", "-o", "table")[0].decode()
    assert "zendesk.create_ticket" in told
    counted = {(one["app"], one["code"], one["state"]): one["letters"] for one in rows(command("stats")[0])}
    assert counted == {
        ("alpha", "resource_missing", "open"): 1, ("alpha", "resource_missing", "closed"): 1,
        ("alpha", "http_503", "open"): 1, ("beta", "resource_missing", "open"): 1, ("", "broken_avro", "open"): 1}


def test_letters_are_written_to_files_of_three_forms(command, tmp_path):
    found = {}
    for form in ("json", "csv", "avro"):
        command("export", "--form", form, "--to", tmp_path / form)
    with (tmp_path / "avro").open("rb") as file:
        found["avro"] = [one["event_id"] for one in fastavro.reader(file)]
    found["json"] = [one["event_id"] for one in rows((tmp_path / "json").read_bytes())]
    with (tmp_path / "csv").open(newline="") as file:
        found["csv"] = [one["event"] for one in csv.DictReader(file)]
    assert set(map(tuple, found.values())) == {("", "e4", "e3", "e2", "e1")}
    assert b"***" in command("export", "--hide-personal", "--user", "u2")[0]
