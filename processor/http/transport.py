"""What the engine asks of an HTTP transport: start calls, wait, collect answers. Nothing blocks but `wait`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from connectors.kit.http import Response, Signed

Phase = Literal["resolve", "connect", "tls", "send", "answer", "blocked", "too_large", "cut"]
"""Where a call broke off. Up to `tls`, and `blocked`, the request surely never reached the vendor."""

NEVER_SENT: frozenset[str] = frozenset({"resolve", "connect", "tls", "blocked"})


class TransportError(NamedTuple):
    """A call without an answer."""

    phase: Phase
    message: str
    """For a person; holds no secret, no query string, no header."""
    timed_out: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the vendor may have got the request."""
        return self.phase not in NEVER_SENT


class Completion(NamedTuple):
    """How one call ended."""

    ticket: Any
    """What the engine gave to `start`."""
    answer: Response | TransportError
    seconds: float
    """From start to end."""


class Transport(Protocol):
    """Many HTTP calls in flight, driven by one thread."""

    def start(
        self,
        signed: Signed,
        ticket: Any,
        *,
        timeout: float,
        public_only: bool = False,
        max_bytes: int = 1 << 20,
        fresh: bool = False,
        lane: Hashable = None,
    ) -> None:
        """Begin a call; its end comes out of a later `wait`, once.

        `ticket` is hashable and unique among the calls in flight. `public_only` refuses private addresses
        on connect. No transport repeats a call that changes something (all but GET, HEAD and OPTIONS) by
        itself; `fresh` also spares it an idle connection that the server may be closing at this moment,
        for a call whose unknown end would be dear. Calls of one `lane` go side by side over few connections that
        nobody else uses, where the server speaks HTTP/2.
        """

    def watch(self, fd: int) -> None:
        """Let `wait` return early when `fd` (an eventfd of a helper thread) is readable; its owner reads it empty."""

    def wait(self, seconds: float) -> Sequence[Completion]:
        """Drive the calls for at most `seconds` (0: only what is ready); returns those that ended."""

    def cancel(self, ticket: Any) -> None:
        """Cut a call; it ends without a completion."""

    @property
    def in_flight(self) -> int:
        """Calls begun and not ended."""

    def close(self) -> None:
        """Cut everything and free sockets and threads."""
