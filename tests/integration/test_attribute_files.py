"""A file of attributes reaches actions, over real Kafka: imported, merged, shown, explained; Ctrl-C loses nothing."""

import json
import signal
import subprocess
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from testkit.processor import apps
from testkit.processor.process import COMMAND
from testkit.processor.site import PARTITIONS


@pytest.fixture
def start(site):
    """Begins `prompt-actions ...` as a process of its own."""

    def begin(*arguments):
        return subprocess.Popen([*COMMAND[:-1], *arguments], env=site.environment("shell"), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return begin


@pytest.fixture
def command(start):
    """Runs it to its end; exit code, lines of JSON, talk."""

    def run(*arguments):
        process = start(*arguments, "-o", "json")
        out, err = process.communicate(timeout=120)
        return process.returncode, [json.loads(line) for line in out.splitlines()], err

    return run


def users_on(site):
    """Keys on the topic of attributes, and how many records."""
    consumer = Consumer({"bootstrap.servers": site.servers, "group.id": "count", "enable.partition.eof": True})
    consumer.assign([TopicPartition(site.topics["attributes"], number, 0) for number in range(PARTITIONS)])
    keys, ended = [], 0
    while ended < PARTITIONS:
        message = consumer.poll(20)
        assert message is not None
        if message.error():
            ended += 1
        else:
            keys.append(message.key())
    consumer.close()
    return set(keys), len(keys)


def test_imported_attributes_are_merged_shown_and_explained(site, vendors, command, tmp_path):
    site.configure(apps.one_app(vendors.url))
    site.started()
    path = tmp_path / "users.csv"
    path.write_text("user_id,account,age:=\nu1,A-1,41\nu2,,7\n")
    code, _, talk = command("attributes", "import", str(path), "--app", "alpha")
    assert code == 0, talk
    deadline = time.monotonic() + 20
    while (found := command("attributes", "get", "alpha", "u1"))[0] != 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found[1][0]["attributes"] == {"account": "A-1", "age": 41}
    code, [told], _ = command("explain", "alpha", "u1", "account", "accept", "--check")
    assert (code, told["chain"][0]["verdict"]) == (0, "runs")
    assert "A-1" not in told["chain"][0]["request"]["body"]
    code, [told], _ = command("explain", "alpha", "u2", "account", "accept")
    assert (code, told["chain"][0]["missing"]) == (3, ["account"])
    assert vendors.requests("custom_api") == []


def test_an_import_that_is_interrupted_goes_on_with_resume(site, vendors, start, command, tmp_path):
    site.configure(apps.one_app(vendors.url))
    rows = 200_000
    path = tmp_path / "users.csv"
    path.write_text("user_id,plan\n" + "".join(f"u{one},gold\n" for one in range(rows)))
    position = tmp_path / "users.csv.position"
    first = start("attributes", "import", str(path), "--app", "alpha")
    deadline = time.monotonic() + 60
    while not position.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGINT)
    _, talk = first.communicate(timeout=90)
    assert (first.returncode, "--resume" in talk) == (1, True), talk
    done = json.loads(position.read_bytes())["position"]["sent"]
    assert 0 < done < rows
    code, [told], talk = command("attributes", "import", str(path), "--app", "alpha", "--resume")
    assert (code, told["sent"], told["rows_now"]) == (0, rows, rows - done), talk
    assert not position.exists()
    users, records = users_on(site)
    assert len(users) == rows
    assert records == rows
