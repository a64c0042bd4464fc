"""Outcomes are listed, filtered and followed, over real Kafka."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from processor.model.outcome import ActionResult
from processor.results import Reader, Wanted
from processor.settings import ProcessorSettings

COMMAND = (sys.executable, "-c", "from processor.cli.main import main; main()", "results")


def result(number, app="shop", outcome="succeeded", at=None):
    moment = int(time.time() * 1000) + number if at is None else at
    reason = "rejected" if outcome == "failed" else ""
    return ActionResult(f"e{number}", app, f"u{number % 3}", "offer", "accept", moment, 0, "stripe.apply_coupon", 0,
                        "stripe", "apply_coupon", outcome, "", reason, "", "", "", "", 200, 1, moment, moment, "v", -1,
                        0, {}, 1)


@pytest.fixture
def put(site):
    def publish(*results):
        site.send("results", *((f"{one.app_id}:{one.user_id}".encode(), site.codec.encode_result(one))
                               for one in results))

    return publish


@pytest.fixture
def command(site):
    def run(*arguments):
        done = subprocess.run([*COMMAND, *arguments], env=site.environment("shell"), text=True, capture_output=True,
                              check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_newest_that_match_are_listed_newest_first(put, command):
    put(*(result(number, outcome="failed" if number % 2 else "succeeded") for number in range(20)))
    code, out, _ = command("list", "--outcome", "failed", "--limit", "3", "-o", "json")
    assert code == 0
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == ["e19", "e17", "e15"]
    code, out, _ = command("list", "--user", "u1", "--event", "e4", "-o", "table")
    assert ("e4" in out, "e7" in out) == (True, False)


def test_since_leaves_out_what_ended_before(put, command):
    put(result(1, at=int(time.time() * 1000) - 7_200_000), result(2))
    code, out, _ = command("list", "--since", "1h", "-o", "json")
    assert code == 0
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == ["e2"]


def test_what_cannot_be_read_is_counted_and_left_out(site, put, command):
    site.send("results", (b"x", b"no avro"))
    put(result(1))
    code, out, err = command("list", "-o", "json")
    assert (code, len(out.splitlines())) == (0, 1)
    assert "1 records" in err


def test_what_comes_is_followed_until_ctrl_c(site, put):
    put(*(result(number) for number in range(3)))
    process = subprocess.Popen([*COMMAND, "tail", "-n", "2", "--follow", "--app", "shop", "-o", "json"], text=True,
                               env=site.environment("shell"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        first = [json.loads(process.stdout.readline())["event_id"] for _ in range(2)]
        put(result(3, app="news"), result(4))
        then = json.loads(process.stdout.readline())["event_id"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert (first, then) == (["e1", "e2"], "e4")
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def test_no_more_are_kept_than_were_asked_for(site, put):
    put(*(result(number, at=1000 + number % 7) for number in range(50)))
    settings = ProcessorSettings(kafka={"bootstrap_servers": site.servers}, topics=site.topics)
    with Reader(settings, site.codec) as reader:
        found = reader.newest(Wanted(), 5)
        assert [one.finished_at for one in found] == [1006] * 5
