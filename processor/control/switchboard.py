"""Opens lines to vendors over the transport of the settings, and tests many connectors side by side."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from processor.config.model import AppConnector
from processor.control.checking import Checked, Dial, check
from processor.control.line import Line
from processor.http.curl import CurlTransport
from processor.http.requests_threads import RequestsTransport
from processor.http.transport import Transport
from processor.settings import HttpSettings

AT_ONCE = 8
"""Connectors that are tested side by side."""


@contextmanager
def dialling(http: HttpSettings) -> Iterator[Dial]:
    """A way to open lines, one in use at a time; it closes with the block."""
    transport = _transport(http)

    def dial(used: AppConnector) -> Line:
        return Line(used, transport, clock=time.time, sleep=time.sleep, nonce=lambda: uuid.uuid4().hex)

    try:
        yield dial
    finally:
        transport.close()


def _transport(http: HttpSettings) -> Transport:
    """The processor's own kind, so that a test shows what calls will meet: Apple answers HTTP/2 only."""
    if http.transport == "requests":
        return RequestsTransport(threads=1, connect_timeout=http.connect_timeout, user_agent=http.user_agent)
    return CurlTransport(pools=1, connect_timeout=http.connect_timeout, user_agent=http.user_agent)


def check_all(wanted: Sequence[tuple[str, AppConnector]], http: HttpSettings) -> Iterator[Checked]:
    """Test connectors (each with the id of its app), some at once; told in the order of `wanted`."""
    def one(pair: tuple[str, AppConnector]) -> Checked:
        with dialling(http) as dial:
            return check(*pair, dial)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(one, wanted)
