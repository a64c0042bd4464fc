"""One server for the tests of the emulators, begun anew for each of them."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from testkit.vendors import Control, VendorServer


class Got(NamedTuple):
    """An answer as a plain client sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Caller:
    """Calls one vendor with the same headers each time."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = dict(headers)

    def __call__(self, method: str, path: str, *, form: Any = None, data: Any = None, body: bytes | None = None,
                 timeout: float = 5.0, **headers: str) -> Got:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        if form is not None:
            body, more = urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded", **more}
        elif data is not None:
            body, more = json.dumps(data).encode(), {"Content-Type": "application/json", **more}
        parts = urlsplit(self.url + path)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, body, {**self.headers, **more})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Got(response.status, named, response.read())
        finally:
            connection.close()

    def bare(self, **headers: str) -> Caller:
        """The same vendor, called with other headers only."""
        return Caller(self.url, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture(scope="session")
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


@pytest.fixture
def control(server: VendorServer) -> Iterator[Control]:
    control = server.control()
    control.reset(seed=0)
    yield control
    health = Caller(server.base_url, {})("GET", "/health")
    assert health.json["problems"] == []


@pytest.fixture
def caller(server: VendorServer, control: Control):
    """Makes callers: `caller("stripe", Authorization="Bearer ...")`."""

    def make(vendor: str, **headers: str) -> Caller:
        return Caller(server.url(vendor), {name.replace("_", "-"): value for name, value in headers.items()})

    return make
