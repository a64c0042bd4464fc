"""Faust: one agent with as many calls at once as the case asks for, over aiohttp.

Where many events go out in one request, `take` collects a hundred.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import aiohttp
import faust
import orjson

from benchmarks.task import Task
from benchmarks.workload import EVENT, PARTITIONS, all_users, body, result

WITHIN = 0.1
"""Seconds that a batch waits to be full."""

task = Task.given(os.environ)
known = all_users()
url = task.url + ("/many" if task.items > 1 else "/one")
app = faust.App(
    task.group, broker=f"kafka://{task.servers}", value_serializer="raw", key_serializer="raw",
    datadir=os.environ["BENCH_FOLDER"], topic_partitions=PARTITIONS, topic_disable_leader=True,
    broker_commit_interval=0.5, stream_buffer_maxsize=8192, producer_linger=0.005, web_enabled=False,
    consumer_auto_offset_reset="earliest",
)
events = app.topic(task.interactions, value_type=bytes, key_type=bytes, internal=False)
results = app.topic(task.results, value_type=bytes, key_type=bytes, internal=False)
sessions: list[aiohttp.ClientSession] = []


def session() -> aiohttp.ClientSession:
    """One for all, made inside the loop."""
    if not sessions:
        sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    return sessions[0]


async def post(chunk: Sequence[bytes]) -> None:
    """The events of one request, and their results."""
    found, started = [EVENT.read(data) for data in chunk], int(time.time() * 1000)
    sent = b"\n".join(body(one["event_id"], one["user_id"], one["prompt_id"], one["interaction"],
                           known[one["user_id"]]) for one in found)
    headers = {"Content-Type": "application/json", "Idempotency-Key": found[0]["event_id"]}
    async with session().post(url, data=sent, headers=headers) as answer:
        content = await answer.read()
    reference = orjson.loads(content)["id"] if answer.status == 200 else ""
    for one in found:
        value = result(one, 0, reference, answer.status, started)
        await results.send(key=f"{one['app_id']}:{one['user_id']}".encode(), value=value)


async def one_by_one(stream: Any) -> None:
    """An event a request."""
    async for data in stream:
        await post([data])


async def by_hundreds(stream: Any) -> None:
    """Many events a request; a few such loops, so that one collects while another waits for its answer."""
    async for chunk in stream.take(task.items, within=WITHIN):
        await post(chunk)


if task.items > 1:
    app.agent(events, concurrency=4)(by_hundreds)
else:
    app.agent(events, concurrency=task.in_flight)(one_by_one)

if __name__ == "__main__":
    app.main()
