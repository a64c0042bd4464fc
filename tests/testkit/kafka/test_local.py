"""The local broker can be ended in every way that a test needs, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from testkit.kafka import jars, local
from testkit.kafka.errors import NoKafka
from testkit.kafka.local import LocalKafka, answers, free_port, settings


@pytest.fixture(scope="module")
def kafka(broker):
    """A broker of this module's own, since it is killed here; only where the session's own is one."""
    if broker.local is None:
        pytest.skip(f"no local Kafka is run here, the broker is {broker.kind}")
    with LocalKafka() as started:
        yield started


def end_of(kafka: LocalKafka, topic: str) -> int:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "ends"})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
    finally:
        consumer.close()


def test_records_outlive_a_kill(kafka):
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    for future in admin.create_topics([NewTopic("kept", 1, 1)]).values():
        future.result(20)
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce("kept", b"value")
    assert producer.flush(20) == 0
    kafka.restart(kill=True)
    assert end_of(kafka, "kept") == 1


def test_a_broker_that_hangs_answers_nobody_until_it_goes_on(kafka):
    kafka.pause()
    try:
        assert not answers(kafka.bootstrap_servers, timeout=1.0)
    finally:
        kafka.resume()
    assert answers(kafka.bootstrap_servers, timeout=20.0)


def test_a_broker_that_hangs_can_be_stopped(kafka):
    """SIGTERM alone would wait for the process to go on."""
    kafka.pause()
    began = time.monotonic()
    kafka.stop()
    assert not kafka.running
    assert time.monotonic() - began < local.STOP_SECONDS
    kafka.start()


ORPHAN = """
import os, signal
from testkit.kafka.local import LocalKafka
kafka = LocalKafka().start()
print(kafka._process.pid, kafka.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_broker_dies_with_a_process_that_was_killed(kafka):
    """Else every test run that is interrupted hard leaves half a gigabyte behind."""
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, check=False, timeout=120)
    pid, folder = done.stdout.split()
    try:
        assert _ended(int(pid)), "the broker went on without its parent"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ended(pid: int) -> bool:
    for _ in range(50):
        if not _alive(pid):
            return True
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_broker_that_cannot_start_says_why(kafka, tmp_path):
    broken = LocalKafka(folder=tmp_path, extra={"num.partitions": "many"})
    with pytest.raises(NoKafka, match="many"):
        broken.start()


def test_a_missing_java_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoKafka, match="apt-get install openjdk-17-jre-headless"):
        jars.java()


def test_a_java_too_old_is_named_with_its_version(monkeypatch, tmp_path):
    old = tmp_path / "java"
    old.write_text('#!/bin/sh\necho \'openjdk version "11.0.2" 2019-01-15\' >&2\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(NoKafka, match="is Java 11"):
        jars.java()


@pytest.mark.parametrize(("said", "version"), [('java version "1.8.0_211"', 8), ('openjdk version "17.0.15" 2025', 17),
                                               ('openjdk version "21" 2023-09-19', 21), ("nonsense", 0)])
def test_the_version_of_java_is_read_in_all_its_spellings(said, version):
    assert jars.java_version(said) == version


def test_a_missing_maven_is_named_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("TESTKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoKafka, match="apt-get install maven"):
        jars.kafka_jars()


def test_maven_that_fails_leaves_no_half_a_folder(monkeypatch, tmp_path):
    """The next run must not take what is there for whole."""
    failing = tmp_path / "mvn"
    failing.write_text("#!/bin/sh\nmkdir libs; touch libs/kafka_2.13-4.1.0.jar; echo 'no network'; exit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("TESTKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(NoKafka, match="no network"):
        jars.kafka_jars()
    assert list((tmp_path / "cache").glob("kafka-*")) == []


def test_settings_given_last_win(tmp_path):
    made = settings(1, 2, tmp_path, {"num.partitions": "9", "message.max.bytes": "5"})
    assert (made["num.partitions"], made["message.max.bytes"]) == ("9", "5")


def test_a_port_in_use_is_not_given(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(local, "_PORTS", range(port, port + 300))
        assert all(free_port() != port for _ in range(20))
