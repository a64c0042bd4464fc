"""What may go out on the wire: the last check of a signed request before any transport sends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

USER_AGENT: Final = "prompt-actions"
"""How every call names us."""

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, so that sending one twice does no harm."""

BODY_ALWAYS: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods that say "Content-Length: 0" where they have no body."""


class Unsendable(ValueError):
    """A request that no HTTP client may send, such as a header with a line break."""


BAD_ADDRESS: Final = "not a valid http or https address: percent-encode all that is not ASCII"


def header_bytes(lines: Sequence[str]) -> Sequence[str | bytes]:
    """Header lines as they go out; raises Unsendable where one holds a line break."""
    joined = "".join(lines)
    if "\r" in joined or "\n" in joined or "\0" in joined:
        raise Unsendable("a header holds a line break: check the settings and parameters that go into it")
    return lines if joined.isascii() else [line.encode() for line in lines]


def host_of(url: str) -> str:
    """The host of `url` for a message; never its path, query or credentials."""
    try:
        return urlsplit(url).hostname or "no host"
    except ValueError:
        return "no host"
