"""HTTP/1.1 on asyncio, as much as a vendor's front end shows: keep-alive, pipelines, chunked bodies, broken answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal, NamedTuple, cast

from testkit.vendors.exchange import Answer, Ask, text

MAX_HEAD = 64 << 10
MAX_BODY = 64 << 20
REASONS = {status.value: status.phrase for status in HTTPStatus}
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Manner = Literal["send", "reset", "half", "slow", "silence"]


class Reply(NamedTuple):
    """An answer and the manner in which it goes out."""

    answer: Answer
    manner: Manner = "send"
    delay: float = 0.0
    gap: float = 0.0


Serve = Callable[[Ask], Reply]


class _Head(NamedTuple):
    method: str
    target: str
    version: str
    headers: dict[str, str]


class BadRequestError(ValueError):
    """The bytes are no HTTP/1.1 request that is understood here."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def parse_head(block: bytes) -> _Head:
    """Request line and headers (names in lower case); raises BadRequestError."""
    lines = block.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(400, f"no request line: {lines[0][:80]}")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequestError(400, f"no header line: {line[:80]}")
        headers[name.lower()] = value.strip()
    return _Head(parts[0], parts[1], parts[2], headers)


def chunked(buffer: bytes) -> tuple[bytes, int] | None:
    """A chunked body and the bytes it took; None while it is not whole. Raises BadRequestError."""
    found: list[bytes] = []
    place = 0
    while True:
        end = buffer.find(b"\r\n", place)
        if end < 0:
            return None
        try:
            size = int(buffer[place:end].partition(b";")[0], 16)
        except ValueError:
            raise BadRequestError(400, "a chunk has no size") from None
        place = end + 2 + size + 2
        if len(buffer) < place:
            return None
        if size == 0:
            return b"".join(found), place
        found.append(buffer[end + 2 : end + 2 + size])


def render(answer: Answer, *, close: bool, head_only: bool = False) -> bytes:
    """The bytes of an answer."""
    status = answer.status
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    lines.extend(f"{name}: {value}" for name, value in answer.headers)
    if status != 204:
        lines.append(f"Content-Length: {len(answer.body)}")
    if close:
        lines.append("Connection: close")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    return head if head_only else head + answer.body


class Connection(asyncio.Protocol):
    """One client's connection: reads requests one after another and sends each its reply."""

    __slots__ = ("_buffer", "_busy", "_close", "_continued", "_head", "_loop", "_open", "_serve", "_transport")

    def __init__(self, serve: Serve, loop: asyncio.AbstractEventLoop, connections: set[Connection]) -> None:
        self._serve = serve
        self._loop = loop
        self._open = connections
        self._buffer = b""
        self._head: _Head | None = None
        self._busy = False
        self._close = False
        self._continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it ended does not matter
        """Forget the connection."""
        self._open.discard(self)
        self._busy = True

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer what is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._busy:
            self._pump()

    def _pump(self) -> None:
        try:
            while not self._busy and self._buffer:
                ask = self._next()
                if ask is None:
                    return
                self._answer(ask)
        except BadRequestError as bad:
            self._busy = True
            self._transport.write(render(text(bad.status, str(bad)), close=True))
            self._transport.close()

    def _next(self) -> Ask | None:
        head = self._head or self._read_head()
        if head is None:
            return None
        body = self._read_body(head)
        if body is None:
            return None
        self._head, self._continued = None, False
        self._close = head.version == "HTTP/1.0" or head.headers.get("connection", "").lower() == "close"
        return Ask(head.method, head.target, head.headers, body)

    def _read_head(self) -> _Head | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequestError(431, "the head of the request is too large")
            return None
        self._head = parse_head(self._buffer[:end])
        self._buffer = self._buffer[end + 4 :]
        return self._head

    def _read_body(self, head: _Head) -> bytes | None:
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks(head)
        length = head.headers.get("content-length", "0")
        if not length.isdigit():
            raise BadRequestError(400, "Content-Length is no number")
        size = int(length)
        if size > MAX_BODY:
            raise BadRequestError(413, "the body is too large")
        if len(self._buffer) < size:
            self._go_on(head)
            return None
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    def _read_chunks(self, head: _Head) -> bytes | None:
        if len(self._buffer) > MAX_BODY:
            raise BadRequestError(413, "the body is too large")
        found = chunked(self._buffer)
        if found is None:
            self._go_on(head)
            return None
        self._buffer = self._buffer[found[1] :]
        return found[0]

    def _go_on(self, head: _Head) -> None:
        """Clients that ask before they send a large body are told to send it."""
        if not self._continued and head.headers.get("expect", "").lower() == "100-continue":
            self._continued = True
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self, ask: Ask) -> None:
        reply = self._serve(ask)
        if reply.delay <= 0 and reply.manner == "send":
            self._send(ask, reply)
            return
        self._busy = True
        if reply.delay > 0:
            self._loop.call_later(reply.delay, self._late, ask, reply)
        else:
            self._late(ask, reply)

    def _late(self, ask: Ask, reply: Reply) -> None:
        """The manners other than a prompt answer, and prompt ones that had to wait."""
        if self._transport.is_closing() or reply.manner == "silence":
            return
        if reply.manner == "reset":
            self.reset()
        elif reply.manner == "half":
            self._half(reply.answer)
        elif reply.manner == "slow":
            self._slow(ask, reply)
        else:
            self._send(ask, reply)
            self._ready()

    def _send(self, ask: Ask, reply: Reply) -> None:
        self._transport.write(render(reply.answer, close=self._close, head_only=ask.method == "HEAD"))
        if self._close:
            self._busy = True
            self._transport.close()

    def _ready(self) -> None:
        if not self._transport.is_closing():
            self._busy = False
            self._pump()

    def _half(self, answer: Answer) -> None:
        whole = render(answer, close=False)
        self._transport.write(whole[: len(whole) - (len(answer.body) + 1) // 2 or -1])
        self._transport.close()

    def _slow(self, ask: Ask, reply: Reply) -> None:
        head = render(reply.answer, close=self._close, head_only=True)
        self._transport.write(head)
        self._drop(ask, reply, 0)

    def _drop(self, ask: Ask, reply: Reply, place: int) -> None:
        """One more byte of a slow body."""
        body = reply.answer.body
        if self._transport.is_closing():
            return
        if place >= len(body):
            self._finish_slow()
            return
        self._transport.write(body[place : place + 1])
        self._loop.call_later(reply.gap, self._drop, ask, reply, place + 1)

    def _finish_slow(self) -> None:
        if self._close:
            self._transport.close()
        else:
            self._ready()

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        opened = self._transport.get_extra_info("socket")
        if opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._transport.abort()
