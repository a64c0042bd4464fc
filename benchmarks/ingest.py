"""How much `prompt-actions ingest` takes: `python -m benchmarks.ingest`; broker, door and clients share the machine."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

import click

from testkit.kafka.broker import open_broker
from testkit.kafka.fresh import FreshTopics
from testkit.processor.process import Processor
from testkit.processor.site import Site

KEY = "an-ingest-key-0123456789"
COMMAND = (sys.executable, "-c", "from processor.cli.main import main; main()", "ingest")


def request(number: int, batch: int) -> bytes:
    """One request, as bytes."""
    events = [{"event_id": f"e{number}-{at}", "user_id": f"u{(number * batch + at) % 5000}", "prompt_id": "offer",
               "interaction": "accept", "form": {"reason": "too expensive"}, "platform": "ios", "locale": "de-AT"}
              for at in range(batch)]
    body = json.dumps(events[0] if batch == 1 else events).encode()
    head = (f"POST /v1/interactions HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer {KEY}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


async def connection(port: int, numbers: asyncio.Queue[int], batch: int, times: list[float]) -> None:
    """One client that waits for each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while not numbers.empty():
        sent = request(numbers.get_nowait(), batch)
        begun = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise SystemExit(head.decode())
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(length)
        times.append(time.perf_counter() - begun)
    writer.close()


async def run(port: int, requests: int, batch: int, clients: int) -> tuple[float, list[float]]:
    """Requests a second, and how long each took."""
    numbers: asyncio.Queue[int] = asyncio.Queue()
    for number in range(requests):
        numbers.put_nowait(number)
    times: list[float] = []
    begun = time.perf_counter()
    await asyncio.gather(*(connection(port, numbers, batch, times) for _ in range(clients)))
    return requests / (time.perf_counter() - begun), times


@click.command(help=__doc__)
def main() -> None:
    """Measure single requests and batches."""
    with open_broker() as broker, tempfile.TemporaryDirectory() as folder:
        site = Site(FreshTopics(broker, f"bench-{uuid4().hex[:6]}"), Path(folder))
        door = Processor(site.environment("door", ingest__port=0, ingest__rate=0,
                                          ingest__keys=json.dumps({"shop": [KEY]})), Path(folder) / "door.log")
        door.start(COMMAND)
        try:
            door.wait_ready()
            asyncio.run(run(door.port, 1000, 1, 32))
            for batch, requests, clients in ((1, 500, 1), (1, 20_000, 64), (100, 1000, 16)):
                rate, times = asyncio.run(run(door.port, requests, batch, clients))
                print(f"{clients} clients, {batch} a request: {rate:,.0f} requests/s, {rate * batch:,.0f} records/s,"
                      f" median {median(times) * 1000:.1f} ms, p99 {quantiles(times, n=100)[98] * 1000:.1f} ms")
        finally:
            door.close()
            site.close()


if __name__ == "__main__":
    main()
