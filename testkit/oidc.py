"""A small provider of OpenID Connect on loopback: code flow with PKCE, strict about all that a client must do right."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

LIFETIME = 300


class Granted(NamedTuple):
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    nonce: str
    claims: Mapping[str, Any]


class Provider:
    """Signs in whoever `claims` says, without asking; `twist` changes what it says of them."""

    def __init__(self, client_id: str = "console", client_secret: str = "provider-secret-1") -> None:  # noqa: S107
        self.client_id, self.client_secret = client_id, client_secret
        self.claims: dict[str, Any] = {}
        self.twist: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.signs_with = self.key
        self.refused: list[str] = []
        """Why requests of a client were refused."""
        self._codes: dict[str, Granted] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            """Hands requests over."""

            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.post(self)

            def log_message(self, *_told: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        """Discovery, keys, and the page at which people would sign in."""
        place = urlsplit(handler.path)
        if place.path == "/.well-known/openid-configuration":
            _answer(handler, 200, {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"})
        elif place.path == "/keys":
            _answer(handler, 200, {"keys": [self.key.as_dict(private=False)]})
        elif place.path == "/authorize":
            self._authorize(handler, dict(parse_qsl(place.query)))
        else:
            _answer(handler, 404, {})

    def _authorize(self, handler: BaseHTTPRequestHandler, asked: Mapping[str, str]) -> None:
        wrong = [name for name, good in (
            ("client_id", asked.get("client_id") == self.client_id),
            ("response_type", asked.get("response_type") == "code"),
            ("scope", "openid" in asked.get("scope", "").split()), ("state", len(asked.get("state", "")) >= 16),
            ("nonce", len(asked.get("nonce", "")) >= 16),
            ("code_challenge", len(asked.get("code_challenge", "")) == 43),
            ("code_challenge_method", asked.get("code_challenge_method") == "S256")) if not good]
        if wrong:
            self.refused += wrong
            _answer(handler, 400, {"error": "invalid_request", "wrong": wrong})
            return
        code = secrets.token_urlsafe(16)
        self._codes[code] = Granted(asked["redirect_uri"], asked["code_challenge"], asked["nonce"], dict(self.claims))
        handler.send_response(302)
        handler.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
        handler.end_headers()

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        """A code for a token: each code once, by who began, with the verifier of the challenge."""
        body = dict(parse_qsl(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        basic = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        granted = self._codes.pop(body.get("code", ""), None)
        proof = base64.urlsafe_b64encode(sha256(body.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        wrong = [name for name, good in (
            ("client", handler.headers.get("Authorization") == f"Basic {basic}"), ("code", granted is not None),
            ("redirect_uri", granted is not None and body.get("redirect_uri") == granted.redirect_uri),
            ("code_verifier", granted is not None and proof == granted.challenge),
            ("grant_type", body.get("grant_type") == "authorization_code")) if not good]
        if wrong or granted is None:
            self.refused += wrong
            _answer(handler, 400, {"error": "invalid_grant"})
            return
        _answer(handler, 200, {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer",
                               "expires_in": LIFETIME, "id_token": self._word(granted)})

    def _word(self, granted: Granted) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.client_id, "sub": "subject-1", "iat": now, "exp": now + LIFETIME,
                  "nonce": granted.nonce, **granted.claims}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, self.twist(claims), self.signs_with)


def _answer(handler: BaseHTTPRequestHandler, status: int, body: Mapping[str, Any]) -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
