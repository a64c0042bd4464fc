"""Quix Streams: one `apply` with a `requests` session; runs in an environment of its own, since it pins its client."""

from __future__ import annotations

import os
import time

import orjson
import requests
from quixstreams import Application

from benchmarks.task import Task
from benchmarks.workload import EVENT, all_users, body, result

task = Task.given(os.environ)
known = all_users()
session = requests.Session()
session.trust_env = False


def call(data: bytes) -> bytes:
    """One event to one result."""
    event = EVENT.read(data)
    who, started = event["user_id"], int(time.time() * 1000)
    sent = body(event["event_id"], who, event["prompt_id"], event["interaction"], known[who])
    answer = session.post(task.url + "/one", data=sent, timeout=30, headers={
        "Content-Type": "application/json", "Idempotency-Key": event["event_id"]})
    reference = orjson.loads(answer.content)["id"] if answer.status_code == 200 else ""
    return result(event, 0, reference, answer.status_code, started)


def main() -> None:
    """Run until SIGTERM."""
    app = Application(broker_address=task.servers, consumer_group=task.group, auto_offset_reset="earliest",
                      loglevel="WARNING", auto_create_topics=False, state_dir=os.environ["BENCH_FOLDER"],
                      producer_extra_config={"linger.ms": 5})
    source = app.topic(task.interactions, key_deserializer="bytes", value_deserializer="bytes")
    target = app.topic(task.results, key_serializer="bytes", value_serializer="bytes")
    app.dataframe(source).apply(call).to_topic(target)
    app.run()


main()
