"""What the tests beside vendors' own packages share: a server that keeps what it is asked."""

import gc
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import NamedTuple

import orjson
import pytest
from requests.adapters import HTTPAdapter


class Asked(NamedTuple):
    """A request as it came in; names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Keeping(BaseHTTPRequestHandler):
    """Keeps each request and answers with what the test laid ready, else with an empty object."""

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.kept.append(Asked(self.command, self.path, headers, body))
        reply = orjson.dumps(self.server.replies.pop(0) if self.server.replies else {})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_args):
        """Say nothing."""


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Keeping, f"do_{verb}", Keeping.take)


@pytest.fixture(scope="module", autouse=True)
def rubbish(request):
    """Sockets that a vendor's package leaves open go with the file that used it, not in the middle of another."""
    yield
    if request.node.get_closest_marker("vendor"):
        with warnings.catch_warnings(action="ignore"):
            gc.collect()


@pytest.fixture
def keeper():
    """A loopback server with `kept` requests, `replies` to come and its `url`."""
    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        server.kept, server.replies = [], []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def anywhere(keeper, monkeypatch):
    """The keeper, asked by `requests` whatever host a library names; the hosts are in `hosts`."""
    keeper.hosts = []
    send = HTTPAdapter.send

    def redirected(adapter, request, **more):
        scheme, _, host, rest = request.url.split("/", 3)
        keeper.hosts.append(f"{scheme}//{host}")
        request.url = f"{keeper.url}/{rest}"
        return send(adapter, request, **more)

    monkeypatch.setattr(HTTPAdapter, "send", redirected)
    return keeper
