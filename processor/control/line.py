"""A line to one vendor with an app's settings: runs a connector's flow to its end, one call after another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from connectors.kit.errors import Broken, Failure, Misconfigured, Unavailable
from connectors.kit.http import Request, Response, SignContext, Signed, Token, address, header_lines
from processor.config.model import AppConnector
from processor.engine.masking import MASK, secrets_of
from processor.http.transport import Transport, TransportError

T = TypeVar("T")
MAX_CALLS = 200
"""Of one flow: a pick list whose pages never end must end somewhere."""
MAX_BYTES = 8 << 20
"""Of one answer: pick lists can be long."""


class Line:
    """Sends what flows yield, as the engine does: token first, signing last, answers read by the connector."""

    def __init__(
        self, used: AppConnector, transport: Transport, *, clock: Callable[[], float],
        sleep: Callable[[float], None], nonce: Callable[[], str],
    ) -> None:
        self._used = used
        self._connector = used.connector
        self._sign = used.connector.signer(used.settings)
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._nonce = nonce
        self._tokens: dict[str, Token] = {}
        self._calls = 0
        self._secrets = set(secrets_of(used.settings))

    def run(self, flow: Generator[Request, Response, T]) -> T:
        """What the flow returns; raises its failure. A bug of the connector is a Broken."""
        return self._drive(flow, self._answer)

    def sign_in(self) -> int:
        """Get a token of every realm; returns how many calls that took."""
        before = self._calls
        for realm in self._connector.tokens:
            self._token(realm)
        return self._calls - before

    def masked(self, text: str) -> str:
        """`text` without any secret or token of this line."""
        for secret in sorted(filter(None, self._secrets), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def _drive(self, flow: Generator[Request, Response, T], answer: Callable[[Request], Response]) -> T:
        try:
            request = next(flow)
            while True:
                request = flow.send(answer(request))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        except Failure:
            raise
        except Exception as error:
            raise Broken("flow", f"{type(error).__name__} in a flow of '{self._connector.id}'") from error
        finally:
            flow.close()

    def _answer(self, request: Request) -> Response:
        """The answer as the flow gets it; a token that the vendor no longer takes is renewed once."""
        if request.wait:
            self._sleep(request.wait)
        try:
            return self._read(request, self._send(request, self._signed(request)))
        except Misconfigured as failure:
            if not failure.stale_token or self._tokens.pop(request.realm, None) is None:
                raise
        return self._read(request, self._send(request, self._signed(request)))

    def _signed(self, request: Request) -> Signed:
        token = self._token(request.realm) if request.realm in self._connector.tokens else None
        return self._sign(request, SignContext(self._clock(), token, self._nonce()))

    def _send(self, request: Request, signed: Signed) -> Response:
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise Broken("too_many_calls", f"'{self._connector.id}' wants more than {MAX_CALLS} calls for this")
        timeout = request.timeout or self._used.limits.timeout
        self._transport.start(signed, self._calls, timeout=timeout, public_only=self._public_only,
                              max_bytes=MAX_BYTES, lane=self if request.kept else None)
        answer = self._wait(timeout)
        if isinstance(answer, TransportError):
            raise Unavailable(answer.phase, answer.message, unknown=answer.unknown)
        return answer

    def _wait(self, timeout: float) -> Response | TransportError:
        for done in self._transport.wait(timeout + 5):
            if done.ticket == self._calls:
                return done.answer
        self._transport.cancel(self._calls)
        return TransportError("answer", f"no answer within {timeout:g} s", timed_out=True)

    @property
    def _public_only(self) -> bool:
        private = getattr(self._used.settings, "allow_private_addresses", False)
        return self._connector.foreign_addresses and not private

    def _read(self, request: Request, answer: Response) -> Response:
        failure = None if answer.status in request.look_at else self._connector.read(request, answer)
        if failure is not None:
            raise failure
        return answer

    # tokens

    def _token(self, realm: str) -> Token:
        kept = self._tokens.get(realm)
        if kept is None or kept.expires_at <= self._clock():
            made = self._drive(self._connector.tokens[realm](self._used.settings, self._clock()), self._token_answer)
            if not isinstance(made, Token):
                raise Broken("token", f"the token flow returned {type(made).__name__}, no Token")
            kept = self._tokens[realm] = made
            self._secrets.add(kept.value)
        return kept

    def _token_answer(self, request: Request) -> Response:
        """A refused token request means wrong settings, whatever the status."""
        answer = self._send(request, self._token_signed(request))
        try:
            return self._read(request, answer)
        except (Unavailable, Broken):
            raise
        except Failure as failure:
            raise Misconfigured(failure.code, f"no token: {failure.message}", status=failure.status,
                                request_id=failure.request_id) from None

    def _token_signed(self, request: Request) -> Signed:
        """A token request to a whole URL carries its own credentials; a relative one gets the connector's."""
        if request.path.startswith(("https://", "http://")):
            return Signed(request.method, address("", request), header_lines(request), request.body)
        return self._sign(request, SignContext(self._clock(), None, self._nonce()))
