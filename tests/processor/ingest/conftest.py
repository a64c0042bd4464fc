"""The door with an outbox in memory, asked as HTTP clients ask."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import httpx
import pytest

from processor.avro.codec import Codec
from processor.ingest.app import Door, create_app
from processor.ingest.counts import Counts
from processor.ingest.keys import Keys
from processor.ingest.rates import Rates
from processor.ingest.reading import Reader
from processor.settings import ProcessorSettings

NOW = 1_700_000_000.0
SHOP, BOTH = "shop-key-0123456789", "key-of-two-apps-0123"


class MemoryOut:
    """Takes records, or fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.trouble = ""
        self.broken = False
        self.outstanding = 0
        self.failing: Exception | None = None

    async def send(self, records):
        if self.failing is not None:
            raise self.failing
        self.taken.extend(records)


class Asked:
    """A door and what it let through."""

    def __init__(self, **ingest: Any) -> None:
        self.settings = ProcessorSettings(ingest=ingest)
        self.now = [NOW]
        self.codec = Codec()
        self.out = MemoryOut()
        self.keys = Keys({"shop": [SHOP, BOTH], "news": [BOTH]}, lambda: self.now[0])
        self.counts = Counts()
        given = self.settings.ingest
        self.app = create_app(Door(
            given, self.keys, Rates(given.rate, given.burst, lambda: self.now[0]),
            Reader(self.settings, self.codec, lambda: self.now[0]), self.out, self.counts))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://door") as client:
                return await client.request(method, path, **more)

        return asyncio.run(once())

    def post(self, path: str, body: Any, key: str = SHOP, **headers: str) -> httpx.Response:
        return self.ask("POST", path, json=body, headers={"Authorization": f"Bearer {key}", **headers})

    def raw(self, path: str, body: bytes, key: str = SHOP, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        return self.ask("POST", path, content=body, headers=sent)

    def events(self) -> list[Any]:
        return [self.codec.event(one.value) for one in self.out.taken if one.topic == "prompt.interactions"]

    def changes(self) -> list[Any]:
        return [self.codec.attributes(one.value) for one in self.out.taken if one.topic == "user.attributes"]


@pytest.fixture
def door() -> Asked:
    return Asked()


@pytest.fixture
def make_door():
    return Asked


@pytest.fixture
def basic():
    return lambda name: {"Authorization": "Basic " + b64encode(f"{name}:".encode()).decode()}
