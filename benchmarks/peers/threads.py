"""The usual way without a framework: confluent-kafka, and `requests` in 64 threads; commits when a batch has ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import requests
from confluent_kafka import Consumer, Producer

from benchmarks.task import Task
from benchmarks.workload import EVENT, all_users, body, result

THREADS = 64
BATCH = 500

task = Task.given(os.environ)
known = all_users()
local = threading.local()
stopped = threading.Event()


def handle(data: bytes) -> tuple[str, bytes]:
    """One event: its key and its result."""
    event = EVENT.read(data)
    who, started = event["user_id"], int(time.time() * 1000)
    session = getattr(local, "session", None)
    if session is None:
        session = local.session = requests.Session()
        session.trust_env = False
    sent = body(event["event_id"], who, event["prompt_id"], event["interaction"], known[who])
    answer = session.post(task.url + "/one", data=sent, timeout=30, headers={
        "Content-Type": "application/json", "Idempotency-Key": event["event_id"]})
    reference = orjson.loads(answer.content)["id"] if answer.status_code == 200 else ""
    return f"{event['app_id']}:{who}", result(event, 0, reference, answer.status_code, started)


def main() -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    consumer = Consumer({"bootstrap.servers": task.servers, "group.id": task.group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "log_level": 0})
    producer = Producer({"bootstrap.servers": task.servers, "partitioner": "murmur2_random", "linger.ms": 5,
                         "log_level": 0})
    consumer.subscribe([task.interactions])
    with ThreadPoolExecutor(THREADS) as pool:
        while not stopped.is_set():
            messages: list[Any] = [one for one in consumer.consume(BATCH, 0.1) if one.error() is None]
            for key, data in pool.map(handle, [one.value() for one in messages]):
                producer.produce(task.results, data, key)
            producer.poll(0)
            if messages:
                consumer.commit(asynchronous=True)
    producer.flush(30)
    consumer.close()


main()
