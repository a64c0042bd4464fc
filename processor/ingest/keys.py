"""Which key belongs to whom: keys of the settings, and the company's tokens that may publish."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from processor.access import ANY_APP, Company, Permission, Token, token_allowed, token_of

SHORTEST = 16
"""Characters of a key; a shorter one could be guessed."""


class WeakKeyError(ValueError):
    """A key of the settings that cannot be taken."""


class Holder(NamedTuple):
    """Whoever has a key."""

    name: str
    """For limits and logs; says nothing of the key."""
    apps: tuple[str, ...]
    may: Callable[[str], bool]
    """Whether it may publish into an app."""

    @property
    def app(self) -> str:
        """The app that is meant where none is named; "" where there are several."""
        return self.apps[0] if len(self.apps) == 1 and self.apps[0] != ANY_APP else ""


class Keys:
    """Finds the holder of a key by its digest; the company's tokens are taken anew from time to time."""

    def __init__(self, given: Mapping[str, Iterable[str]], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._company = Company()
        self._given: dict[bytes, Holder] = {}
        shared: dict[str, list[str]] = {}
        for app, keys in given.items():
            for at, key in enumerate(keys, 1):
                if len(key) < SHORTEST:
                    raise WeakKeyError(f"ingest.keys.{app}: key {at} has fewer than {SHORTEST} characters; make one"
                                       " with `openssl rand -hex 32`")
                shared.setdefault(key, []).append(app)
        for key, apps in shared.items():
            digest = _digest(key)
            name = f"key {digest.hex()[:8]} of {', '.join(apps)}"
            self._given[digest] = Holder(name, tuple(apps), frozenset(apps).__contains__)

    def take(self, company: Company) -> None:
        """The company as it is now."""
        self._company = company

    def __len__(self) -> int:
        tokens = sum(Permission.PUBLISH in one.scopes for one in self._company.tokens)
        return len(self._given) + tokens

    def holder(self, authorization: str) -> Holder | None:
        """The holder of what a request's `Authorization` says; None where there is none."""
        text = presented(authorization)
        if not text:
            return None
        holder = self._given.get(_digest(text))  # by digests, so that the time it takes tells nothing of a key
        if holder is not None:
            return holder
        token = token_of(self._company, text, int(self._clock() * 1000))
        return self._of_token(token) if token and Permission.PUBLISH in token.scopes else None

    def _of_token(self, token: Token) -> Holder:
        company = self._company
        return Holder(f"token {token.id}", token.apps,
                      lambda app: token_allowed(company, token, Permission.PUBLISH, app))


def presented(authorization: str) -> str:
    """The key in `Bearer <key>`, or in `Basic` as the name of the user, as Segment's libraries send it."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(rest.strip(), validate=True).decode().partition(":")[0]
    except (NoBase64, ValueError):
        return ""


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
