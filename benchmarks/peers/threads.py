"""The usual way without a framework: confluent-kafka, and `requests` in 64 threads; commits when a batch has ended.

Where many events go out in one request, a thread takes a hundred of them at a time.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import requests
from confluent_kafka import Consumer, Producer

from benchmarks.task import Task
from benchmarks.workload import EVENT, all_users, body, result

THREADS = 64

task = Task.given(os.environ)
known = all_users()
local = threading.local()
stopped = threading.Event()
url = task.url + ("/many" if task.items > 1 else "/one")
batch = 500 if task.items == 1 else 10 * task.items


def session() -> requests.Session:
    """One a thread."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
        local.session.trust_env = False
    made: requests.Session = local.session
    return made


def handle(chunk: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The events of one request: their keys and results."""
    events, started = [EVENT.read(data) for data in chunk], int(time.time() * 1000)
    sent = b"\n".join(body(one["event_id"], one["user_id"], one["prompt_id"], one["interaction"],
                           known[one["user_id"]]) for one in events)
    answer = session().post(url, data=sent, timeout=30, headers={
        "Content-Type": "application/json", "Idempotency-Key": events[0]["event_id"]})
    reference = orjson.loads(answer.content)["id"] if answer.status_code == 200 else ""
    return [(f"{one['app_id']}:{one['user_id']}", result(one, 0, reference, answer.status_code, started))
            for one in events]


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
            messages: list[Any] = [one for one in consumer.consume(batch, 0.1) if one.error() is None]
            values = [one.value() for one in messages]
            for results in pool.map(handle, [values[at:at + task.items] for at in range(0, len(values), task.items)]):
                for key, data in results:
                    producer.produce(task.results, data, key)
                producer.poll(0)
            if messages:
                consumer.commit(asynchronous=True)
    producer.flush(30)
    consumer.close()


main()
