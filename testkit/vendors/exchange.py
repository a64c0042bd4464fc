"""What an emulator is asked and what it answers: plain values, free of sockets."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

JSON = "application/json"
NO_HEADERS: tuple[tuple[str, str], ...] = ()


class Ask:
    """One HTTP request to an emulator, with its parts read when they are wanted."""

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.vendor, self.path, self.query_string = _split(target)

    @cached_property
    def query(self) -> Sequence[tuple[str, str]]:
        """The query's pairs, decoded, in order."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    @cached_property
    def content(self) -> bytes:
        """The body with its Content-Encoding taken away; raises ValueError where it is no gzip."""
        if self.headers.get("content-encoding", "").lower() != "gzip":
            return self.body
        try:
            return gzip.decompress(self.body)
        except (OSError, EOFError, zlib.error):
            raise ValueError("the body is no gzip") from None

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return orjson.loads(self.content)
        except ValueError:
            return None

    @cached_property
    def form(self) -> Sequence[tuple[str, str]]:
        """The body's pairs, where it is form-encoded."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def content_type(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def base_url(self) -> str:
        """The address of this vendor's emulator, as the caller named it."""
        return f"http://{self.headers.get('host', '127.0.0.1')}/{self.vendor}"

    def value(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    @property
    def bearer(self) -> str:
        """The token of an Authorization header, scheme Bearer; else empty."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def basic(self) -> tuple[str, str]:
        """User and password of an Authorization header, scheme Basic; else two empty texts."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            user, _, password = b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return user, password


def _split(target: str) -> tuple[str, str, str]:
    """Vendor, path below its prefix, and query; an absolute target is taken too."""
    if target.startswith("http"):
        parts = urlsplit(target)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    path, _, query = target.partition("?")
    vendor, slash, rest = path.lstrip("/").partition("/")
    return vendor, slash + rest or "/", query


def plain(segment: str) -> str:
    """A path segment, decoded."""
    return unquote(segment)




class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = NO_HEADERS

    def with_headers(self, *more: tuple[str, str]) -> Answer:
        """The same answer with more headers behind its own."""
        return self._replace(headers=(*self.headers, *more))


JSON_HEADER = (("Content-Type", JSON),)


def answer(status: int, value: Any, *more: tuple[str, str]) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, orjson.dumps(value), (*JSON_HEADER, *more))


def text(status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """An answer with a text body."""
    return Answer(status, body.encode(), (("Content-Type", content_type),))


class Refused(Exception):
    """Ends a handler early with the vendor's refusal."""

    def __init__(self, reply: Answer, *, began: bool = True) -> None:
        super().__init__(reply.status)
        self.reply = reply
        self.began = began
        """False where validation refused it before any work began: no idempotent result is kept then."""
