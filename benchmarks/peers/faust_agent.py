"""Faust: one agent with as many calls at once as the case asks for, over aiohttp."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator

import aiohttp
import faust
import orjson

from benchmarks.task import Task
from benchmarks.workload import EVENT, PARTITIONS, all_users, body, result

task = Task.given(os.environ)
known = all_users()
app = faust.App(
    task.group, broker=f"kafka://{task.servers}", value_serializer="raw", key_serializer="raw",
    datadir=os.environ["BENCH_FOLDER"], topic_partitions=PARTITIONS, topic_disable_leader=True,
    broker_commit_interval=0.5, stream_buffer_maxsize=8192, producer_linger=5, web_enabled=False,
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


@app.agent(events, concurrency=task.in_flight)
async def call(stream: AsyncIterator[bytes]) -> None:
    """Events to results."""
    async for data in stream:
        event = EVENT.read(data)
        who, started = event["user_id"], int(time.time() * 1000)
        sent = body(event["event_id"], who, event["prompt_id"], event["interaction"], known[who])
        headers = {"Content-Type": "application/json", "Idempotency-Key": event["event_id"]}
        async with session().post(task.url + "/one", data=sent, headers=headers) as answer:
            content = await answer.read()
            reference = orjson.loads(content)["id"] if answer.status == 200 else ""
            value = result(event, 0, reference, answer.status, started)
        await results.send(key=f"{event['app_id']}:{who}".encode(), value=value)


if __name__ == "__main__":
    app.main()
