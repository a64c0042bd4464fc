"""Sessions: who signed in, in a signed cookie; nothing about them is kept on the server."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SALT = "prompt-actions.session"
REFRESH = 60.0
"""Seconds after which a visit is noted again in the cookie."""
STATE = "console_session"


class Session(NamedTuple):
    """What the cookie says."""

    user: str = ""
    """E-mail address; empty while nobody is signed in."""
    how: str = ""
    """`password`, `oidc`."""
    began: float = 0.0
    seen: float = 0.0
    csrf: str = ""
    stamp: str = ""
    """Of the password that was used: a changed password ends the session."""
    roles: tuple[str, ...] = ()
    """Those that a provider's claims gave."""
    flow: Mapping[str, str] = {}
    """What a sign-in at a provider must find again when it comes back."""


class Lifetimes(NamedTuple):
    """How long a session lives, in seconds."""

    idle: float
    absolute: float


class Seal:
    """Signs sessions; several keys, so that they can be changed without signing everybody out."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: the newest first; the others are only read."""
        options: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self._serializer = URLSafeSerializer(list(reversed(keys)), salt=SALT, signer_kwargs=options)

    def write(self, session: Session) -> str:
        """As the cookie has it."""
        return str(self._serializer.dumps(list(session)))

    def read(self, text: str) -> Session | None:
        """None where it is not ours."""
        try:
            values = self._serializer.loads(text)
            session = Session(*values)
            return session._replace(roles=tuple(session.roles))
        except (BadSignature, TypeError, ValueError):
            return None


def fresh(now: float) -> Session:
    """A session of nobody yet, with a token for forms."""
    return Session(began=now, seen=now, csrf=secrets.token_urlsafe(24))


class Sessions:
    """Reads the session of each request and writes it back where it changed."""

    def __init__(
        self, app: ASGIApp, *, seal: Seal, lifetimes: Lifetimes, https: bool, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._seal = seal
        self._lifetimes = lifetimes
        self._https = https
        self._clock = clock
        self.name = cookie_name(https=https)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        now = self._clock()
        found = self._living(HTTPConnection(scope).cookies.get(self.name, ""), now)
        held = _Held(found or fresh(now), is_kept=found is not None)
        scope.setdefault("state", {})[STATE] = held
        if found is not None and now - found.seen > REFRESH:
            held.put(found._replace(seen=now))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and held.changed:
                MutableHeaders(scope=message).append("Set-Cookie", self._cookie(held.session))
            await send(message)

        await self._app(scope, receive, sending)

    def _living(self, text: str, now: float) -> Session | None:
        session = self._seal.read(text) if text else None
        if session is None or now - session.seen > self._lifetimes.idle:
            return None
        return session if now - session.began <= self._lifetimes.absolute else None

    def _cookie(self, session: Session) -> str:
        response = Response()
        response.set_cookie(self.name, self._seal.write(session), path="/", secure=self._https, httponly=True,
                            samesite="lax")
        return response.headers["set-cookie"]


class _Held:
    """The session of one request."""

    def __init__(self, session: Session, *, is_kept: bool) -> None:
        self.session = session
        self.is_kept = is_kept
        self.changed = False

    def put(self, session: Session) -> None:
        """Let the answer carry this one."""
        self.session, self.changed = session, True


def session_of(connection: HTTPConnection) -> Session:
    """The session of a request."""
    found: Session = getattr(connection.state, STATE).session
    return found


def put_session(connection: HTTPConnection, session: Session) -> None:
    """Change the session of a request; its answer carries it."""
    getattr(connection.state, STATE).put(session)


def keep(connection: HTTPConnection) -> None:
    """Give a visitor without a session the fresh one: a form of this page needs its token."""
    held = getattr(connection.state, STATE)
    if not held.is_kept:
        held.put(held.session)


def cookie_name(*, https: bool) -> str:
    """With https, the prefix makes browsers refuse the cookie from anywhere else."""
    return "__Host-prompt-actions" if https else "prompt-actions"
