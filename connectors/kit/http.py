"""What a flow yields and is sent: requests and responses as plain values, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import orjson

Scalar = str | int | float | bool | None
Pairs = Sequence[tuple[str, str]]

NO_HEADERS: Final[Mapping[str, str]] = {}
_UNREAD: Final[Any] = object()
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


class Request(NamedTuple):
    """One unsigned HTTP request: it holds no credentials, so it may be logged and kept."""

    method: str
    path: str
    """Path below the connector's base address ("/v1/customers"), or a whole URL for another host."""
    query: Pairs = ()
    headers: Mapping[str, str] = NO_HEADERS
    body: bytes | None = None
    step: str = ""
    """Short name of this step of the flow, for idempotency keys, logs and dead letters."""
    effect: bool = False
    """True where the request changes something at the vendor."""
    look_at: frozenset[int] = frozenset()
    """Statuses outside 2xx that the flow wants to read itself instead of failing."""
    realm: str = ""
    """Which of the connector's tokens and hosts it belongs to, where there are several."""
    timeout: float | None = None
    """Total time in seconds, where it differs from the connector's."""
    wait: float = 0.0
    """Seconds to let pass before it is sent: how a flow asks again after a job that the vendor does later."""
    kept: bool = False
    """True where the vendor wants few long-lived connections: the calls of one app share some that nobody else uses.

    Otherwise what must not be repeated gets a new one each time.
    """


class Signed(NamedTuple):
    """A request as it goes out: absolute URL, credentials in place. Never logged, never kept."""

    method: str
    url: str
    headers: Sequence[str]
    """Header lines, "Name: value"."""
    body: bytes | None


class Response:
    """One HTTP answer: status, headers (names in lower case), body."""

    __slots__ = ("_headers", "_json", "body", "status")

    def __init__(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.status = status
        self.body = body
        self._headers = headers
        self._json: Any = _UNREAD

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        if self._headers is None:
            self._headers = self.read_headers()
        return self._headers

    def read_headers(self) -> Mapping[str, str]:
        """What the headers are, where they were not given: asked once, and only when somebody looks at one."""
        return NO_HEADERS

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is empty or no JSON."""
        if self._json is _UNREAD:
            try:
                self._json = orjson.loads(self.body) if self.body else None
            except orjson.JSONDecodeError:
                self._json = None
        return self._json

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def member(self, *path: str | int) -> Any:
        """The value at `path` inside the JSON body, or None where any part of it is absent."""
        here: Any = self.json
        for part in path:
            if isinstance(part, int):
                here = here[part] if isinstance(here, list) and -len(here) <= part < len(here) else None
            else:
                here = here.get(part) if isinstance(here, dict) else None
            if here is None:
                return None
        return here


Step = Generator[Request, Response, Response]
"""A sub-flow that ends with a response."""


def scalar(value: Scalar) -> str:
    """`value` as vendors expect it in forms and queries: true/false, no exponent, no quotes."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def pairs(values: Mapping[str, Scalar | Sequence[Scalar]] | Pairs | None) -> Pairs:
    """Name-value pairs in order; None is left out, a list repeats its name."""
    if not values:
        return ()
    items = values.items() if isinstance(values, Mapping) else values
    found: list[tuple[str, str]] = []
    for name, value in items:
        if value is None:
            continue
        if isinstance(value, (list, tuple)):
            found.extend((name, scalar(one)) for one in value)
        else:
            found.append((name, scalar(value)))  # type: ignore[arg-type]
    return found


def build(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | Pairs | None = None,
    form: Mapping[str, Any] | Pairs | None = None,
    json: Any = None,
    body: bytes | None = None,
    content_type: str = "",
    headers: Mapping[str, str] | None = None,
    step: str = "",
    effect: bool | None = None,
    look_at: Sequence[int] = (),
    realm: str = "",
    timeout: float | None = None,
    wait: float = 0.0,
    kept: bool = False,
) -> Request:
    """A request with one kind of body: `form`, `json` or raw `body`; None members of a form are left out."""
    if form is not None:
        body, content_type = urlencode(pairs(form)).encode(), content_type or FORM
    elif json is not None:
        body, content_type = orjson.dumps(json), content_type or JSON
    lines = headers or NO_HEADERS
    if content_type:
        lines = {"Content-Type": content_type, **lines}
    if effect is None:
        effect = method not in ("GET", "HEAD")
    return Request(
        method, path, pairs(query), lines, body, step or method.lower(), effect, frozenset(look_at), realm, timeout,
        wait, kept,
    )


def get(path: str, **more: Any) -> Request:
    """A GET; see `build` for the keywords."""
    return build("GET", path, **more)


def post(path: str, **more: Any) -> Request:
    """A POST; see `build` for the keywords. `effect=False` marks one that only reads."""
    return build("POST", path, **more)


def put(path: str, **more: Any) -> Request:
    """A PUT; see `build` for the keywords."""
    return build("PUT", path, **more)


def patch(path: str, **more: Any) -> Request:
    """A PATCH; see `build` for the keywords."""
    return build("PATCH", path, **more)


def delete(path: str, **more: Any) -> Request:
    """A DELETE; see `build` for the keywords."""
    return build("DELETE", path, **more)


def segment(value: Scalar, keep: str = "") -> str:
    """`value` percent-encoded as one path segment, so that no slash or dot climbs out of its place.

    `keep` holds further signs that the vendor wants as they are, such as ":" (never a slash).
    """
    text = quote(scalar(value), safe=keep.replace("/", ""))
    return text.replace(".", "%2E") if text in (".", "..") else text


class SignContext(NamedTuple):
    """What signing may use besides settings: the time, the realm's token, an id for this sending."""

    now: float
    """Seconds since 1970."""
    token: Token | None = None
    nonce: str = ""


class Token(NamedTuple):
    """A short-lived credential, kept by the engine in memory per app, connector and realm."""

    value: str
    expires_at: float
    """Seconds since 1970; `inf` where only a 401 tells."""
    base_url: str = ""
    """Where calls of this token go, if the vendor says so in its answer."""


Sign = Callable[[Request, SignContext], Signed]
"""Puts base address and credentials onto a request just before it is sent."""

TokenFlow = Generator[Request, Response, Token]
"""Gets a token; its requests and answers are never kept or shown."""


def address(base_url: str, request: Request) -> str:
    """The absolute URL of `request` below `base_url`."""
    path = request.path
    url = path if path.startswith(("https://", "http://")) else base_url + path
    if not request.query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(request.query, quote_via=quote)}"


def sign_with(base_url: str, headers: Mapping[str, str] | None = None) -> Sign:
    """A signer that puts a base address in front and the same credentials onto every request."""
    base = base_url.rstrip("/")
    constant = tuple(f"{name}: {value}" for name, value in (headers or NO_HEADERS).items())

    def sign(request: Request, _context: SignContext) -> Signed:
        """Add base address and constant headers."""
        return Signed(request.method, address(base, request), header_lines(request, constant), request.body)

    return sign


def header_lines(request: Request, more: Sequence[str] = ()) -> Sequence[str]:
    """The request's own headers as lines, with `more` lines behind them."""
    own = request.headers
    return [f"{name}: {value}" for name, value in own.items()] + list(more) if own else more
