"""One port for Prometheus and for whoever restarts or routes to us: /metrics, /live, /ready."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_TEXT = "text/plain; charset=utf-8"
_INDEX = """prompt-actions

/metrics  for Prometheus
/live     200 while the loop moves
/ready    200 while events are taken and worked
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the loop says about itself; it puts a new one in place of the old, so that no lock is needed."""

    moved_at: float
    """When the loop last came round, on the monotonic clock."""
    polled_at: float = 0.0
    """When messages were last asked for."""
    assigned: bool = False
    """Whether the group has assigned partitions, be it none because others have them all."""
    restored: bool = False
    """Whether all assigned partitions have their state."""
    stopping: bool = False
    note: str = ""
    """What it is doing, for a person."""


class Verdict(NamedTuple):
    """A yes or no, and why."""

    good: bool
    why: str


def live(state: Snapshot, now: float, stuck_after: float) -> Verdict:
    """Whether the loop moves; if not, the process is better started anew."""
    still = now - state.moved_at
    if still > stuck_after:
        return Verdict(False, f"the loop has not moved for {still:.0f} s (limit {stuck_after:.0f} s)")
    return Verdict(True, "the loop moves")


def ready(state: Snapshot, now: float, stuck_after: float) -> Verdict:
    """Whether events are taken and worked."""
    if state.stopping:
        return Verdict(False, "stopping")
    if not state.assigned:
        return Verdict(False, "no partitions assigned yet")
    if not state.restored:
        return Verdict(False, f"restoring state {state.note}".rstrip())
    if now - state.polled_at > stuck_after:
        return Verdict(False, f"no messages asked for in {now - state.polled_at:.0f} s")
    return live(state, now, stuck_after)


class HealthServer:
    """Answers on one port in a daemon thread; the loop only assigns `snapshot`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str = "0.0.0.0",  # noqa: S104 -- Prometheus comes from elsewhere; nothing secret is told
        port: int = 9464,
        stuck_after: float = 30.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.snapshot = Snapshot(moved_at=clock(), note="starting")
        self._registry = registry
        self._stuck_after = stuck_after
        self._clock = clock
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as problem:
            said = f"health port {host}:{port} cannot be opened ({problem.strerror}): choose another in the settings"
            raise OSError(problem.errno, said) from None
        self._server.health = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on; useful where 0 was asked for."""
        return int(self._server.server_address[1])

    def answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Status, content type and body for `path`."""
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return HTTPStatus.OK, content_type, encode(self._registry)
        if path in ("/live", "/ready"):
            judge = live if path == "/live" else ready
            verdict = judge(self.snapshot, self._clock(), self._stuck_after)
            status = HTTPStatus.OK if verdict.good else HTTPStatus.SERVICE_UNAVAILABLE
            return status, _TEXT, f"{verdict.why}\n".encode()
        if path == "/":
            return HTTPStatus.OK, _TEXT, _INDEX.encode()
        return HTTPStatus.NOT_FOUND, _TEXT, b"not here; see /\n"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    health: HealthServer


class _Handler(BaseHTTPRequestHandler):
    timeout = 5  # a client that says nothing does not keep a thread
    server: _Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        """Answer a HEAD."""
        self._reply(with_body=False)

    def _reply(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        status, content_type, body = self.server.health.answer(path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def version_string(self) -> str:
        """Name no versions to strangers."""
        return "prompt-actions"

    def log_message(self, format: str, *args: object) -> None:
        """Keep probes out of the log."""
