"""Connections for the `requests` transport that tell how far a call came, and refuse what it may not reach."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from time import perf_counter
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from processor.http.awake import Awake
from processor.http.public import is_public
from processor.http.transport import Phase


class Cut(Exception):
    """The call was cut before its request went out; nothing was sent."""


class Refused(Exception):
    """The host has no address that may be connected to; its text names one that was refused."""


class StoodStillError(Exception):
    """The process stood still since the call was begun: its user may belong to another process by now."""


class Progress:
    """How far one call came; its worker moves it on, the transport may cut it."""

    __slots__ = ("_awake", "_begun", "_lock", "_socket", "cut", "phase", "sent")

    def __init__(self, awake: Awake) -> None:
        self._awake = awake
        self._begun = perf_counter()
        self.phase: Phase = "connect"
        self.sent = False
        self.cut = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def about_to_send(self, sock: socket.socket | None) -> None:
        """Note that bytes go out from here on.

        Raises Cut where the call was given up meanwhile, StoodStillError where the process stood still.
        """
        if self._awake.since() > self._begun:
            raise StoodStillError
        with self._lock:
            if self.cut:
                raise Cut
            self.sent = True
            self.phase = "send"
            self._socket = sock

    def give_up(self) -> bool:
        """Cut the call, so that it either was sent already (true) or never will be."""
        with self._lock:
            self.cut = True
            sock = self._socket
        if sock is not None:
            # The plain socket's method: the TLS one would take the connection apart under its reader.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        return self.sent

    def ended(self) -> bool:
        """Note the end; tells whether it still counts."""
        with self._lock:
            self._socket = None
            return not self.cut


_here = threading.local()


def carry(progress: Progress) -> None:
    """Make `progress` the one that this thread's connections report to."""
    _here.progress = progress


class _Reporting:
    """What both kinds of connection do besides their work."""

    sock: Any

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        _here.progress.about_to_send(self.sock)
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        _here.progress.phase = "answer"
        return super().getresponse()  # type: ignore[misc]


class _Plain(_Reporting, HTTPConnection):
    """A connection without TLS."""


class _Secure(_Reporting, HTTPSConnection):
    """A connection with TLS."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _here.progress.phase = "tls"
        return sock


class _PublicPlain(_Plain):
    def _new_conn(self) -> socket.socket:
        return _connect_public(self)


class _PublicSecure(_Reporting, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = _connect_public(self)
        _here.progress.phase = "tls"
        return sock


def _connect_public(connection: Any) -> socket.socket:
    """Connect to an address that was looked at, not to a name that could be resolved to another."""
    host, port = connection.host, connection.port
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as problem:
        raise NameResolutionError(host, connection, socket.gaierror(str(problem))) from problem
    allowed = [entry for entry in found if is_public(str(entry[4][0]))]
    if not allowed:
        raise Refused(str(found[0][4][0]))
    return _first_that_answers(connection, allowed)


def _first_that_answers(connection: Any, addresses: list[Any]) -> socket.socket:
    problem: OSError = OSError("no address")
    for family, kind, protocol, _, target in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(connection.timeout)
            sock.connect(target)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    if isinstance(problem, TimeoutError):
        raise ConnectTimeoutError(connection, "timed out") from problem
    raise NewConnectionError(connection, str(problem)) from problem


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _PublicPlainPool(HTTPConnectionPool):
    ConnectionCls = _PublicPlain


class _PublicSecurePool(HTTPSConnectionPool):
    ConnectionCls = _PublicSecure


def new_adapter(threads: int, *, public_only: bool) -> HTTPAdapter:
    """A `requests` adapter whose connections report, never repeats, and keeps a connection for each thread."""
    adapter = HTTPAdapter(pool_connections=256, pool_maxsize=threads, max_retries=0)
    plain, secure = (_PublicPlainPool, _PublicSecurePool) if public_only else (_PlainPool, _SecurePool)
    adapter.poolmanager.pool_classes_by_scheme = {"http": plain, "https": secure}
    return adapter


def close_adapter(adapter: HTTPAdapter) -> None:
    """Free the adapter's connections now; its own `close` leaves them to the garbage collector."""
    pools = adapter.poolmanager.pools
    for key in pools.keys():  # noqa: SIM118 -- this container refuses to be iterated
        pools[key].close()
    adapter.close()
