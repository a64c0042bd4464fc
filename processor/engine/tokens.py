"""Short-lived credentials: fetched once per app, connector and realm, shared by all calls, renewed after a 401."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.errors import Broken, Failure, Misconfigured, Unavailable
from connectors.kit.http import Response, Signed, Token, address, header_lines
from processor.engine.flight import Flight, Route
from processor.http.transport import TransportError

if TYPE_CHECKING:
    from processor.engine.sender import Sender


class TokenRun(Flight):
    """A token being fetched, and the flights that wait for it."""

    __slots__ = ("failure", "realm", "waiting")

    def __init__(self, tokens: Tokens, route: Route, realm: str) -> None:
        super().__init__(tokens.answered)
        self.route = route
        self.realm = realm
        self.waiting: list[Flight] = []
        self.failure: Failure | None = None


class Tokens:
    """Runs token flows over the same transport as everything else."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def get(self, route: Route, realm: str, flight: Flight) -> Token | None:
        """The realm's token, or None: then the flight is sent, or failed, once the token's fate is known."""
        kept = route.token_cache.get(realm)
        if isinstance(kept, Token) and kept.expires_at > self._sender.now:
            return kept
        if not isinstance(kept, TokenRun):
            kept = TokenRun(self, route, realm)
            route.token_cache[realm] = kept
            kept.flow = route.tokens[realm](route.settings, self._sender.now)
            self._step(kept, None)
            if kept.failure is not None:
                self._sender.fail_later(flight, kept.failure)
                return None
            made = route.token_cache[realm]
            if isinstance(made, Token):
                return made
        kept.waiting.append(flight)
        return None

    def forget(self, flight: Flight) -> None:
        """The vendor refused the flight's token: drop it, unless a newer one is there already."""
        route: Route = flight.route  # type: ignore[assignment]
        realm = flight.request.realm  # type: ignore[union-attr]
        if route.token_cache.get(realm) is flight.token:
            del route.token_cache[realm]

    def answered(self, run: TokenRun, answer: Response | TransportError | Failure, _seconds: float) -> None:
        """The vendor's answer to a step of a token flow."""
        if isinstance(answer, TransportError):
            self._failed(run, Unavailable("token_" + answer.phase, answer.message))
        elif isinstance(answer, Failure):
            self._failed(run, answer)
        else:
            failure = self._read(run, answer)
            self._step(run, answer) if failure is None else self._failed(run, failure)

    def _read(self, run: TokenRun, answer: Response) -> Failure | None:
        """A refused token request means wrong settings, whatever the status; nothing was done by it."""
        route: Route = run.route  # type: ignore[assignment]
        request: Any = run.request
        try:
            failure = None if answer.status in request.look_at else route.read(request, answer)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            failure = Broken("token", f"{type(error).__name__} while reading a token's answer")
        if isinstance(failure, Broken):
            return failure
        if failure is None:
            return None
        if isinstance(failure, Unavailable):
            failure.unknown = False
            return failure
        return Misconfigured(
            failure.code, f"no token: {failure.message}", status=failure.status, request_id=failure.request_id
        )

    def _step(self, run: TokenRun, answer: Response | None) -> None:
        try:
            run.request = run.flow.send(answer)  # type: ignore[union-attr, arg-type]
            signed = self._signed(run)
        except StopIteration as end:
            self._ready(run, end.value) if isinstance(end.value, Token) else self._failed(run, Broken(
                "token", f"the token flow returned {type(end.value).__name__}, no Token"))
        except Failure as failure:
            self._failed(run, failure)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            self._failed(run, Broken("token", f"{type(error).__name__} while getting a token"))
        else:
            run.route.gate.busy += 1  # type: ignore[union-attr]
            self._sender.start(run, signed)

    def _signed(self, run: TokenRun) -> Signed:
        """A token request to a whole URL carries its own credentials; a relative one gets the connector's."""
        request: Any = run.request
        if request.path.startswith(("https://", "http://")):
            return Signed(request.method, address("", request), header_lines(request), request.body)
        return self._sender.sign(run.route, request)  # type: ignore[arg-type]

    def _ready(self, run: TokenRun, token: Token) -> None:
        run.route.token_cache[run.realm] = token  # type: ignore[union-attr]
        waiting, run.waiting = run.waiting, []
        for flight in waiting:
            if not flight.gone:
                self._sender.send(flight)

    def _failed(self, run: TokenRun, failure: Failure) -> None:
        run.failure = failure
        run.route.token_cache.pop(run.realm, None)  # type: ignore[union-attr]
        waiting, run.waiting = run.waiting, []
        for flight in waiting:
            self._sender.fail_later(flight, failure)
