"""One reusable libcurl handle: a call's options go in, its answer or its error comes out."""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from time import perf_counter
from typing import Any, Final

import pycurl

from connectors.kit.http import Response, Signed
from processor.http.answer import WireResponse
from processor.http.awake import Awake
from processor.http.public import is_public
from processor.http.transport import Completion, Phase, TransportError
from processor.http.wire import BAD_ADDRESS, BODY_ALWAYS, SAFE, Unsendable, header_bytes, host_of

_TLS_CODES: Final = frozenset(
    getattr(pycurl, name)
    for name in (
        "E_SSL_CONNECT_ERROR", "E_PEER_FAILED_VERIFICATION", "E_SSL_CERTPROBLEM", "E_SSL_CIPHER",
        "E_SSL_CACERT_BADFILE", "E_SSL_ISSUER_ERROR", "E_SSL_CRL_BADFILE", "E_SSL_INVALIDCERTSTATUS",
        "E_SSL_PINNEDPUBKEYNOTMATCH", "E_USE_SSL_FAILED", "E_SSL_ENGINE_NOTFOUND", "E_SSL_ENGINE_SETFAILED",
    )
)  # fmt: skip
# What is needed for every call is looked up once.
_URL: Final[int] = pycurl.URL
_HTTPHEADER: Final[int] = pycurl.HTTPHEADER
_POSTFIELDS: Final[int] = pycurl.POSTFIELDS
_TIMEOUT_MS: Final[int] = pycurl.TIMEOUT_MS
_FRESH_CONNECT: Final[int] = pycurl.FRESH_CONNECT
_PIPEWAIT: Final[int] = pycurl.PIPEWAIT
_RESPONSE_CODE: Final[int] = pycurl.RESPONSE_CODE
_GO: Final[int] = pycurl.PREREQFUNC_OK
_ABORT: Final[int] = pycurl.PREREQFUNC_ABORT
_TOO_LARGE: Final = 100  # libcurl's own limit on headers; pycurl has no name for it
_REFUSED_CODES: Final = frozenset({pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL})
_NEVER_SENT_PHASE: Final[dict[int, Phase]] = {
    pycurl.E_COULDNT_RESOLVE_HOST: "resolve",
    **dict.fromkeys(_TLS_CODES, "tls"),
    **dict.fromkeys(_REFUSED_CODES, "blocked"),
}


class CurlCall:
    """A libcurl handle with the state of the call that it carries; reused for the next one."""

    __slots__ = (
        "_awake", "_chunks", "_expected", "_fresh", "_joins", "_limit", "_lines", "_public_only", "_refused", "_safe",
        "_shape", "_size", "_stale", "_timeout", "_too_large", "_url", "begun", "handle", "sent", "ticket",
    )  # fmt: skip

    def __init__(
        self, share: pycurl.CurlShare, ca_file: str, connect_timeout: float, *, public_only: bool, user_agent: str,
        awake: Awake,
    ) -> None:
        self.handle: pycurl.Curl = pycurl.Curl()
        self.ticket: Any = None
        self.begun = 0.0
        self.sent = 0
        """How often libcurl was about to put the request on a connection."""
        self._awake = awake
        self._stale = False
        """Whether the process stood still after the call was begun, and before it was sent."""
        self._safe = False
        self._url = ""
        self._expected = 0
        self._lines: list[bytes] = []
        self._chunks: list[bytes] = []
        self._size = self._limit = 0
        self._too_large = False
        self._refused = ""
        self._shape = ("", False)
        self._timeout = 0.0
        self._fresh = self._joins = False
        self._public_only = public_only
        self._set_constant_options(share, ca_file, connect_timeout)
        self.handle.setopt(pycurl.USERAGENT, user_agent)

    def _set_constant_options(self, share: pycurl.CurlShare, ca_file: str, connect_timeout: float) -> None:
        put = self.handle.setopt
        for option, value in _constant_options(ca_file, connect_timeout):
            put(option, value)
        put(pycurl.SHARE, share)
        put(pycurl.HEADERFUNCTION, self._lines.append)
        put(pycurl.WRITEFUNCTION, self._take)
        put(pycurl.PREREQFUNCTION, self.about_to_send)
        if self._public_only:
            put(pycurl.OPENSOCKETFUNCTION, self._open_socket)

    # What differs from call to call.

    def prepare(
        self, signed: Signed, ticket: Any, timeout: float, max_bytes: int, fresh: bool, joins: bool = False
    ) -> None:
        """Load the handle with `signed`; raises Unsendable where it cannot be put on the wire.

        A call that `joins` waits for a connection that is being opened, to share it, before it opens another.
        """
        method, url, lines, body = signed
        put = self.handle.setopt
        if body is None and method in BODY_ALWAYS:
            body = b""
        shape = (method, body is not None)
        if shape != self._shape:
            self._reshape(method, body is not None)
        try:
            put(_URL, url)
            put(_HTTPHEADER, _header_list(lines, body))
        except (pycurl.error, UnicodeError):
            raise Unsendable(BAD_ADDRESS) from None
        if body is not None:
            put(_POSTFIELDS, body)
        if timeout != self._timeout:
            put(_TIMEOUT_MS, max(1, int(timeout * 1000)))
            self._timeout = timeout
        if fresh != self._fresh:
            put(_FRESH_CONNECT, fresh)
            self._fresh = fresh
        if joins != self._joins:
            put(_PIPEWAIT, joins)
            self._joins = joins
        self._begin(method, url, ticket, max_bytes, 0 if body is None else len(body))

    def _begin(self, method: str, url: str, ticket: Any, max_bytes: int, expected: int) -> None:
        self.ticket = ticket
        self._safe = method in SAFE
        self._url = url
        self._expected = expected
        self._limit = max_bytes
        self._stale = False
        self.sent = 0
        self.begun = perf_counter()

    def _reshape(self, method: str, has_body: bool) -> None:
        """Turn the handle from one method to another; in this order no trace of the former is left."""
        put = self.handle.setopt
        self._shape = ("", False)
        put(pycurl.NOBODY, 0)
        self.handle.unsetopt(pycurl.CUSTOMREQUEST)
        if has_body:
            put(pycurl.POST, 1)
        else:
            put(pycurl.HTTPGET, 1)
        if method == "HEAD" and not has_body:
            put(pycurl.NOBODY, 1)
        elif method != ("POST" if has_body else "GET"):
            put(pycurl.CUSTOMREQUEST, method)
        self._shape = (method, has_body)

    # Callbacks: libcurl calls them while `wait` drives it; none may raise.

    def _take(self, data: bytes) -> int | None:
        self._size += len(data)
        if self._size > self._limit:
            self._too_large = True
            return 0
        self._chunks.append(data)
        return None

    def about_to_send(self, *_addresses: object) -> int:
        """Libcurl's question before each sending: whether it may."""
        # libcurl repeats a request by itself when a kept connection dies before the first byte of the answer.
        # The vendor may have done the first one, so the second try of anything that has an effect ends here.
        # What was begun before the process stood still may belong to another process by now.
        if self._awake.since() > self.begun:
            self._stale = True
            return _ABORT
        self.sent += 1
        return _GO if self.sent == 1 or self._safe else _ABORT

    def _open_socket(self, _purpose: int, address: Any) -> Any:
        family, kind, protocol, target = address
        if not is_public(str(target[0])):
            self._refused = str(target[0])
            return pycurl.SOCKET_BAD
        try:
            return socket(family, kind, protocol)
        except OSError:  # out of file descriptors: as if it could not connect
            return pycurl.SOCKET_BAD

    # How it ended.

    def answered(self) -> Completion:
        """The answer of a call that libcurl finished, leaving the handle ready for the next."""
        status = self.handle.getinfo(_RESPONSE_CODE)
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        answer: Response = WireResponse(status, self._lines.copy(), body)
        return self._completed(answer)

    def failed(self, code: int, text: str) -> Completion:
        """The error of a call that libcurl gave up."""
        timed_out = code == pycurl.E_OPERATION_TIMEDOUT
        phase = self._phase_after(code) if self.sent else self._phase_before(code)
        return self._completed(TransportError(phase, f"{host_of(self._url)}: {self._say(code, text)}", timed_out))

    def _completed(self, answer: Response | TransportError) -> Completion:
        done = Completion(self.ticket, answer, perf_counter() - self.begun)
        self.forget()
        return done

    def forget(self) -> None:
        """Drop what belongs to the call that ended or was cut."""
        self.ticket = None
        self._lines.clear()
        self._chunks = []
        self._size = 0
        self._too_large = False
        self._refused = ""

    def _phase_before(self, code: int) -> Phase:
        """The request was never put on a connection: libcurl had not even asked leave to."""
        if self._refused:
            return "blocked"
        if self._stale:
            return "connect"
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return self._reached()
        return _NEVER_SENT_PHASE.get(code, "connect")

    def _reached(self) -> Phase:
        """How far a call came that ran out of time before it was sent."""
        info = self.handle.getinfo
        if not info(pycurl.NAMELOOKUP_TIME):
            return "resolve"
        return "tls" if info(pycurl.CONNECT_TIME) and self._url.startswith("https") else "connect"

    def _phase_after(self, code: int) -> Phase:
        if self._too_large or code == _TOO_LARGE:
            return "too_large"
        if self.sent > 1:
            return "answer"
        if code == pycurl.E_SEND_ERROR or self.handle.getinfo(pycurl.SIZE_UPLOAD_T) < self._expected:
            return "send"
        return "answer"

    def _say(self, code: int, text: str) -> str:
        if self._too_large:
            return f"the answer is larger than {self._limit} bytes"
        if self._refused and not self.sent:
            return f"{self._refused} is no public address, and only those are allowed here"
        if code in _REFUSED_CODES:
            return BAD_ADDRESS
        if self._stale and not self.sent:
            return "the process stood still before the request was sent"
        if self.sent > 1 and not self._safe:
            return "the connection was lost before an answer came; the request was not repeated"
        return text or pycurl.error.__name__


def _constant_options(ca_file: str, connect_timeout: float) -> list[tuple[int, Any]]:
    """What holds for every call of a handle."""
    return [
        (pycurl.NOSIGNAL, 1),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.PATH_AS_IS, 1),  # else "%2E%2E" in a user's own value would climb out of its place
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.PROXY, ""),
        (pycurl.NOPROXY, "*"),
        (pycurl.NETRC, pycurl.NETRC_IGNORED),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
        (pycurl.SSL_VERIFYPEER, 1),
        (pycurl.SSL_VERIFYHOST, 2),
        (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
        (pycurl.CAINFO, ca_file),
        (pycurl.TCP_NODELAY, 1),
        (pycurl.TCP_KEEPALIVE, 1),
        (pycurl.TCP_KEEPIDLE, 30),
        (pycurl.TCP_KEEPINTVL, 15),
        (pycurl.MAXAGE_CONN, 50),  # many servers close an idle connection after 60 s: be earlier
        (pycurl.CONNECTTIMEOUT_MS, max(1, int(connect_timeout * 1000))),
        (pycurl.PIPEWAIT, 0),
    ]


def _header_list(lines: Sequence[str], body: bytes | None) -> Sequence[str | bytes]:
    """Header lines, and a word against each header that libcurl would add by itself."""
    ready = header_bytes(lines)
    if body is None:
        return list(ready)
    first = lines[0] if lines else ""
    named = first[:13].lower() == "content-type:" or any(line[:13].lower() == "content-type:" for line in lines)
    more = [] if named else ["Content-Type:"]
    if len(body) > 1000:
        more.append("Expect:")
    return [*ready, *more]
