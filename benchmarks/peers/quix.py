"""Quix Streams: `apply` with a `requests` session; where many events go out in one request, its batching sink.

Runs in an environment of its own, since it pins its client.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import orjson
import requests
from confluent_kafka import Producer
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from benchmarks.task import Task
from benchmarks.workload import EVENT, all_users, body, result

COMMIT_EVERY = 2000
"""Events between two commits, at which the sink is given what there is; with its default of five seconds it is idle."""

task = Task.given(os.environ)
known = all_users()
session = requests.Session()
session.trust_env = False


def post(path: str, chunk: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """The events of one request: their keys and results."""
    events, started = [EVENT.read(data) for data in chunk], int(time.time() * 1000)
    sent = b"\n".join(body(one["event_id"], one["user_id"], one["prompt_id"], one["interaction"],
                           known[one["user_id"]]) for one in events)
    answer = session.post(task.url + path, data=sent, timeout=30, headers={
        "Content-Type": "application/json", "Idempotency-Key": events[0]["event_id"]})
    reference = orjson.loads(answer.content)["id"] if answer.status_code == 200 else ""
    return [(f"{one['app_id']}:{one['user_id']}", result(one, 0, reference, answer.status_code, started))
            for one in events]


class Many(BatchingSink):
    """A hundred events a request; a sink is an end, so the results have a producer of their own."""

    def __init__(self) -> None:
        super().__init__()
        self._producer = Producer({"bootstrap.servers": task.servers, "partitioner": "murmur2_random",
                                   "linger.ms": 5, "log_level": 0})

    def write(self, batch: SinkBatch) -> None:
        """What came since the last commit."""
        for chunk in batch.iter_chunks(task.items):
            for key, value in post("/many", [one.value for one in chunk]):
                self._producer.produce(task.results, value, key)
            self._producer.poll(0)
        self._producer.flush(30)


def main() -> None:
    """Run until SIGTERM."""
    app = Application(broker_address=task.servers, consumer_group=task.group, auto_offset_reset="earliest",
                      loglevel="WARNING", auto_create_topics=False, state_dir=os.environ["BENCH_FOLDER"],
                      producer_extra_config={"linger.ms": 5}, commit_every=COMMIT_EVERY if task.items > 1 else 0)
    events = app.dataframe(app.topic(task.interactions, key_deserializer="bytes", value_deserializer="bytes"))
    if task.items > 1:
        events.sink(Many())
    else:
        target = app.topic(task.results, key_serializer="bytes", value_serializer="bytes")
        events.apply(lambda data: post("/one", [data])[0][1]).to_topic(target)
    app.run()


main()
