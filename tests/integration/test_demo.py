"""The demo as a user runs it: as a process, with its exit code, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from processor.cli.main import main; main()", "demo"]
LIMIT = 90


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def run(environment, *options):
    return subprocess.run([*COMMAND, *options], env=environment, cwd=environment["TMPDIR"], capture_output=True,
                          text=True, timeout=LIMIT, check=False, stdin=subprocess.DEVNULL)


def leftovers(environment):
    return [path.name for path in Path(environment["TMPDIR"]).iterdir() if path.name.startswith("prompt-actions")]


def test_the_demo_keeps_its_promises_and_leaves_only_what_was_asked_for(environment, tmp_path):
    ended = run(environment, "--seconds", "12", "--save", str(tmp_path / "saved"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "BAD" not in ended.stdout
    assert ended.stderr == "", "librdkafka and the processor are quiet"
    for seen in ("No such coupon", "in doubt", "missing attributes", "undecodable", "expired", "skipped",
                 "circuit of zendesk opened", "circuit of zendesk closed", "duplicates recognised",
                 "silent repeats at the vendors: 0"):
        assert seen in ended.stdout, seen
    assert leftovers(environment) == []
    assert (tmp_path / "saved" / "processor.log").read_text()
    assert len((tmp_path / "saved" / "dead-letters.jsonl").read_text().splitlines()) > 3


def test_ctrl_c_lets_what_is_open_come_to_its_end(environment):
    process = subprocess.Popen([*COMMAND, "--keep"], env=environment, cwd=environment["TMPDIR"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, out + err
    assert "published events without an outcome: 0" in out
    assert re.search(r"console http://127\.0\.0\.1:\d+  demo@example\.com  password \S+", out)
    assert leftovers(environment) == []


def test_a_broker_that_does_not_answer_is_named(environment):
    ended = run(environment, "--kafka", "127.0.0.1:1")
    assert ended.returncode == 1
    assert "127.0.0.1:1" in ended.stderr
    assert leftovers(environment) == []


@pytest.mark.mock_cannot("topics made by admin calls, and offsets sent in transactions")
def test_the_same_runs_exactly_once_on_a_real_broker(environment, real_broker):
    ended = run(environment, "--seconds", "12", "--kafka", real_broker.bootstrap_servers)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "exactly_once" in ended.stdout
    assert re.search(r"results read back from their topic: [1-9]\d+, of these twice: 0", ended.stdout)
