"""`prompt-actions ingest` as a process, over real Kafka: what it says it took is there, and it stays upright."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition

from processor.access import Company, Permission, content_of, mint
from processor.access.changing import with_token, without_token
from processor.config.own import load_settings
from processor.config.source import opened_store
from processor.config.store import COMPANY
from processor.kafka.murmur2 import partition_of
from testkit.processor import apps
from testkit.processor.process import Processor
from testkit.processor.site import PARTITIONS

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
COMMAND = (sys.executable, "-c", "from processor.cli.main import main; main()", "ingest")
KEY = "an-ingest-key-0123456789"
HEADERS = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def begin(site):
    """Starts a door; the app's id is alpha, unless `apps` says otherwise."""
    running = []

    def start(app="alpha", **settings):
        door = Processor(site.environment(
            "door", **{"ingest__port": 0, "ingest__keys": f'{{"{app}": ["{KEY}"]}}', **settings}),
            site.folder / f"door-{len(running)}.log")
        running.append(door)
        door.start(COMMAND)
        door.until(lambda: door.port != 0, what="listening")
        return door

    yield start
    for door in running:
        door.close()


def post(door, path, body, **more):
    return requests.post(f"http://127.0.0.1:{door.port}/v1/{path}", json=body, headers=HEADERS, timeout=30, **more)


def event(number, user="u1"):
    return {"event_id": f"e{number}", "user_id": user, "prompt_id": "account", "interaction": "accept"}


def records_on(site, role):
    consumer = Consumer({"bootstrap.servers": site.servers, "group.id": "count", "enable.partition.eof": True})
    consumer.assign([TopicPartition(site.topics[role], number, 0) for number in range(PARTITIONS)])
    found, ended = [], 0
    while ended < PARTITIONS:
        message = consumer.poll(20)
        assert message is not None
        if message.error():
            ended += 1
        else:
            found.append(message)
    consumer.close()
    return found


def test_what_comes_over_http_runs_like_what_comes_over_kafka(site, vendors, begin):
    site.configure(apps.one_app(vendors.url))
    site.started()
    door = begin()
    assert post(door, "identify", {"userId": "u1", "traits": {"account": "A-1"}}).status_code == 202
    answer = post(door, "track", {"userId": "u1", "event": "Prompt Accepted", "messageId": "m1",
                                  "properties": {"prompt_id": "account"}})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "event_ids": ["m1"]})
    [result] = [one.value for one in site.results().at_least(1)]
    assert (result.event_id, result.outcome) == ("m1", "succeeded")


def test_what_is_sent_again_under_the_same_id_runs_once(site, vendors, begin):
    site.configure(apps.one_app(vendors.url))
    site.started()
    door = begin()
    post(door, "attributes", {"user_id": "u1", "attributes": {"account": "A-1"}})
    for _ in range(2):
        assert post(door, "interactions", event(1)).json() == {"accepted": 1, "event_ids": ["e1"]}
    assert post(door, "interactions", event(2)).status_code == 202  # of the same user, so it runs behind both
    with site.results() as results:
        results.until(lambda read: any(one.value.event_id == "e2" for one in read), 20)
        assert [one.value.event_id for one in results.now(0.5)] == ["e1", "e2"]
    assert len(vendors.requests("custom_api")) == 2


def test_records_lie_in_the_partition_of_their_user(site, begin):
    door = begin()
    assert post(door, "interactions", [event(n, f"u{n}") for n in range(50)]).status_code == 202
    found = records_on(site, "interactions")
    assert len(found) == 50
    assert all(one.partition() == partition_of(one.key(), PARTITIONS) for one in found)
    assert len({one.partition() for one in found}) == PARTITIONS


def test_a_stop_amid_requests_loses_nothing_that_was_acknowledged(site, begin):
    door = begin()
    taken, halted = [], threading.Event()
    url = f"http://127.0.0.1:{door.port}/v1/interactions"

    def send(worker):
        with requests.Session() as session:
            for number in range(10_000):
                if halted.is_set():
                    return
                name = f"{worker}-{number}"
                try:
                    answer = session.post(url, json={**event(0), "event_id": name}, headers=HEADERS, timeout=30)
                except requests.ConnectionError:
                    return
                if answer.status_code == 202:
                    taken.append(name)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(send, worker) for worker in range(4)]
        door.until(lambda: len(taken) > 100, what="requests under way")
        door.end()
        halted.set()
        for job in jobs:
            job.result(30)
    there = {site.codec.event(one.value()).event_id for one in records_on(site, "interactions")}
    assert len(taken) > 100
    assert set(taken) <= there
    assert door.said("stopped")[-1]["unheard"] == 0


def test_without_a_broker_nothing_is_accepted_and_the_door_stands(site, begin):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        door = begin(kafka__bootstrap_servers=f"127.0.0.1:{nobody.getsockname()[1]}", ingest__timeout=2)
        answers = [post(door, "interactions", event(n)) for n in range(2)]
        assert {one.status_code for one in answers} == {503}
        assert all(int(one.headers["Retry-After"]) >= 1 for one in answers)
        door.until(lambda: door.get("/ready").status == 503, what="not ready")
        assert door.get("/live").status == 200


def test_a_token_that_is_made_or_withdrawn_meanwhile_counts_at_once(site, topics, begin):
    site.topics |= topics.make("config", partitions=1, config={"cleanup.policy": "compact"})
    site.topics |= topics.make("audit", partitions=1)
    door = begin(config_source="topic", ingest__keys="{}", ingest__refresh=0.2)
    minted = mint(b"0" * 32, [Permission.PUBLISH], ["alpha"], now=0)
    key = {"Authorization": f"Bearer {minted.text}"}

    def answer():
        return requests.post(f"http://127.0.0.1:{door.port}/v1/interactions", json=event(1), headers=key, timeout=30)

    assert answer().status_code == 401
    environ = site.environment("desk", config_source="topic")
    with opened_store(load_settings(environ, None), environ) as store:
        made = with_token(Company(), minted.token)
        store.apply(COMPANY, content_of(made), base=0, by="ann")
        door.until(lambda: answer().status_code == 202, what="the token that was made")
        store.apply(COMPANY, content_of(without_token(made, minted.token.id)), base=1, by="ann")
        door.until(lambda: answer().status_code == 401, what="the token that was withdrawn")
    assert door.said("tokens not renewed") == []


def test_a_port_that_is_taken_is_told(site):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = subprocess.run(COMMAND, capture_output=True, text=True, check=False, timeout=60, env=site.environment(
            "door", ingest__port=other.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another in ingest.host, ingest.port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's examples are curl's")
def test_the_pages_examples_answer_as_the_page_says(begin):
    door = begin(app="streamly")
    examples = re.findall(r"^```sh\n(curl.*?)^```\n\n```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(examples) == 4
    for command, answer in examples:
        told = subprocess.run(
            ["bash", "-c", command.replace("localhost:8080", f"127.0.0.1:{door.port}")], text=True,
            capture_output=True, check=True, env={"STREAMLY_INGEST_KEY": KEY, "PATH": "/usr/bin:/bin"})
        assert told.stdout.strip() == answer.strip()
