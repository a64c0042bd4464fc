"""HTTP/2 over TLS on loopback, for vendors that speak nothing else: counts connections, and streams side by side."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

START_SECONDS = 10.0
SERVER = H2Configuration(client_side=False, header_encoding="utf-8")


class Asked(NamedTuple):
    """One request."""

    connection: int
    """The number of its connection, from 1."""
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Told(NamedTuple):
    """One answer."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    delay: float = 0.0
    """Seconds to let pass before it."""


Behave = Callable[[Asked], Told | None]
"""Answers a request; None for never."""


class Http2Server:
    """Serves in a thread, as a context manager; `context` is a TLS context with a certificate for localhost.

    With `trusting_first`, a connection carries one stream until its first success, as at Apple.
    """

    def __init__(
        self, context: ssl.SSLContext, behave: Behave, *, streams: int = 100, trusting_first: bool = False
    ) -> None:
        context.set_alpn_protocols(["h2"])
        self.behave = behave
        self.streams = streams
        self.trusting_first = trusting_first
        self.asked: list[Asked] = []
        self.most_streams = 0
        """The most requests of one connection that were open at once."""
        self.open: list[_Connection] = []
        self.port = 0
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http2", daemon=True)

    @property
    def connections(self) -> int:
        """How many were opened so far."""
        return len(self.open)

    def url(self, path: str = "") -> str:
        """Its address."""
        return f"https://localhost:{self.port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the HTTP/2 server did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
                 ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def say_goodbye(self) -> None:
        """Tell every client that its connection takes no further request."""
        for one in self.open:
            self._loop.call_soon_threadsafe(one.say_goodbye)

    def _run(self) -> None:
        loop = self._loop
        server = loop.run_until_complete(
            loop.create_server(lambda: _Connection(self, loop), "127.0.0.1", 0, ssl=self._context, backlog=512)
        )
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        loop.run_forever()
        server.close()
        for one in self.open:
            one.drop()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Connection(asyncio.Protocol):
    """One connection and its open requests."""

    def __init__(self, server: Http2Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._wire = H2Connection(SERVER)
        self._transport: asyncio.Transport | None = None
        self._heads: dict[int, Mapping[str, str]] = {}
        self._bodies: dict[int, bytes] = {}
        self._trusted = not server.trusting_first
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the conversation."""
        self._transport = transport  # type: ignore[assignment]
        self._server.open.append(self)
        self._number = len(self._server.open)
        first = self._server.streams if self._trusted else 1
        self._wire.local_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: first})
        self._wire.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what came; a client that breaks the protocol loses its connection."""
        try:
            for event in self._wire.receive_data(data):
                self._take(event)
        except ProtocolError:
            self.drop()
            return
        self._flush()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived) and event.stream_id is not None:
            self._heads[event.stream_id] = {str(name): str(value) for name, value in event.headers or ()}
            self._bodies[event.stream_id] = b""
            self._server.most_streams = max(self._server.most_streams, len(self._heads))
        elif isinstance(event, DataReceived) and event.stream_id is not None:
            self._bodies[event.stream_id] += event.data or b""
            self._wire.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, StreamEnded) and event.stream_id is not None:
            self._answer(event.stream_id)
        elif isinstance(event, StreamReset) and event.stream_id is not None:
            self._heads.pop(event.stream_id, None)

    def _answer(self, stream: int) -> None:
        head = self._heads[stream]
        asked = Asked(self._number, head[":method"], head[":path"], head, self._bodies.pop(stream))
        self._server.asked.append(asked)
        told = self._server.behave(asked)
        if told is not None:
            self._loop.call_later(told.delay, self._tell, stream, told)

    def _tell(self, stream: int, told: Told) -> None:
        if self._heads.pop(stream, None) is None or self._transport is None or self._transport.is_closing():
            return
        self._wire.send_headers(stream, [(":status", str(told.status)), *told.headers], end_stream=not told.body)
        if told.body:
            self._wire.send_data(stream, told.body, end_stream=True)
        if told.status < 300 and not self._trusted:
            self._trusted = True
            self._wire.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._server.streams})
        self._flush()

    def say_goodbye(self) -> None:
        """What is under way is answered; nothing more is taken."""
        self._wire.close_connection()
        self._flush()

    def drop(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        data = self._wire.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
