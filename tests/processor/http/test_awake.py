"""A process that stood still sends nothing that it had begun before: its users may belong to another process by now."""

import threading
import time
from contextlib import closing

import pytest

from connectors.kit.http import Signed
from processor.http.awake import Awake
from processor.http.curl import CurlTransport
from processor.http.requests_threads import RequestsTransport

STALL = 0.2


@pytest.fixture
def quick():
    made = CurlTransport(stall=STALL)
    yield made
    made.close()


def answering(server, connection):
    while request := connection.read():
        server.requests.append(request)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def ended(transport, server, ticket, pause=0.0):
    """Begin a call, stand still, and drive it to its end."""
    transport.start(Signed("POST", server.url(), (), b"x"), ticket, timeout=5)
    time.sleep(pause)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for done in transport.wait(0.05):
            return done.answer
    raise AssertionError("the call has not ended")


@pytest.mark.parametrize("kept", [False, True], ids=["new connection", "kept connection"])
def test_a_call_begun_before_the_process_stood_still_is_not_sent(serve, quick, kept):
    server = serve(answering)
    if kept:
        assert ended(quick, server, "first").status == 200
    error = ended(quick, server, "late", pause=2 * STALL)
    assert (error.phase, error.unknown) == ("connect", False)
    assert "stood still" in error.message
    assert len(server.requests) == kept


def test_a_call_begun_afterwards_is_sent(serve, quick):
    server = serve(answering)
    ended(quick, server, "late", pause=2 * STALL)
    assert ended(quick, server, "next").status == 200
    assert len(server.requests) == 1


def test_short_pauses_are_no_standing_still():
    awake = Awake(STALL)
    for _ in range(6):
        time.sleep(STALL / 4)
        assert awake.since() == 0


@pytest.mark.parametrize("pause", [2 * STALL, 0.0], ids=["stood still", "went on"])
def test_threads_send_nothing_either_that_was_begun_before(serve, pause):
    """The only thread is busy with a first call, so the second was begun and not sent when all stand still."""
    answers = threading.Event()

    def slow(server, connection):
        while request := connection.read():
            server.requests.append(request)
            answers.wait(5)
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    server = serve(slow)
    with closing(RequestsTransport(threads=1, stall=STALL)) as transport:
        for ticket in ("first", "late"):
            transport.start(Signed("POST", server.url(), (), b"x"), ticket, timeout=5)
        while not server.requests:
            transport.wait(0.01)
        time.sleep(pause)
        answers.set()
        done = {}
        while len(done) < 2:
            done.update({one.ticket: one.answer for one in transport.wait(0.05)})
    assert done["first"].status == 200
    if pause:
        assert (done["late"].phase, done["late"].unknown) == ("connect", False)
        assert "stood still" in done["late"].message
    assert len(server.requests) == (1 if pause else 2)
