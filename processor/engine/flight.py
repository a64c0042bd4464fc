"""A flight: something that has a request out, or wants to: a chain, a batch, a token being fetched."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from processor.engine.masking import secrets_of

if TYPE_CHECKING:
    from connectors.kit.connector import Read
    from connectors.kit.http import Request, Response, Sign, Token, TokenFlow
    from processor.engine.gate import Gate
    from processor.engine.partition import Partition
    from processor.http.transport import TransportError


class Route:
    """How requests of one app's connector go out and how their answers are read; made once a configuration."""

    __slots__ = (
        "connector_id", "gate", "public_only", "read", "secrets", "settings", "sign", "timeout", "token_cache",
        "tokens",
    )

    def __init__(
        self, connector_id: str, gate: Gate, sign: Sign, read: Read, *, settings: Any, timeout: float,
        tokens: Mapping[str, Callable[[Any, float], TokenFlow]], token_cache: dict[str, Any], public_only: bool,
    ) -> None:
        self.connector_id = connector_id
        self.gate = gate
        self.sign = sign
        self.read = read
        self.settings = settings
        self.timeout = timeout
        self.tokens = tokens
        self.token_cache = token_cache
        """By realm: a Token, or the list of flights that wait for it."""
        self.public_only = public_only
        self.secrets = secrets_of(settings)
        """Values of its secrets, to be hidden wherever a vendor repeats them."""


class Flight:
    """The part of a chain or batch that the sender needs to know."""

    run = 0
    """0 for live traffic; a replay's is more, and lets live traffic go before it."""

    __slots__ = (
        "deliver", "effect_done", "flow", "fresh", "gone", "home", "out", "renewed", "request", "route", "sent_at",
        "token", "turn",
    )

    deliver: Callable[[Any, Response | TransportError, float], None]
    """Called with the flight, its answer and the seconds it took."""

    def __init__(self, deliver: Callable[[Any, Response | TransportError, float], None]) -> None:
        self.deliver = deliver
        self.flow: Generator[Request, Response, Any] | None = None
        self.request: Request | None = None
        self.route: Route | None = None
        self.sent_at = 0.0
        self.effect_done = False
        """Whether the flow under way has changed something already."""
        self.out = False
        """Whether its call is in flight."""
        self.token: Token | None = None
        """The token that its last sending was signed with."""
        self.turn: Gate | None = None
        """The gate at which it has a place, though nothing was sent yet."""
        self.renewed = False
        """Whether a token was renewed for this request already."""
        self.fresh = False
        """Whether the request must not be repeated by the transport itself."""
        self.home: Partition | None = None
        """The partition that waits for its answer before it leaves."""
        self.gone = False
        """Whether its partition has left: whatever comes back is dropped."""

    def leaves_turn(self) -> bool:
        """Give up the place at the gate that nothing was sent from; False where there is none any more."""
        had, self.turn = self.turn is not None, None
        return had
