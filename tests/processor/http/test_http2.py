"""Vendors of pushes speak HTTP/2 and want few connections: a lane's calls share them, and nobody else uses them."""

import time

import pytest

from connectors.kit.http import Signed
from processor.http.curl import CurlTransport
from testkit.http2 import Http2Server, Told

BURST = 80


@pytest.fixture
def http2(certificate):
    """Start HTTP/2 servers; called with how they behave."""
    running = []

    def start(behave=lambda _asked: Told(200, b"ok", delay=0.05), **more):
        running.append(Http2Server(certificate[1], behave, **more).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def curl(certificate):
    made = CurlTransport(ca_file=certificate[0])
    yield made
    made.close()


def burst(transport, server, count=BURST, lane="app", timeout=10.0, first=0):
    for number in range(first, first + count):
        transport.start(Signed("POST", server.url(f"/{number}"), (), b"x"), (lane, number), timeout=timeout, lane=lane)


def test_a_burst_of_a_lane_goes_over_one_connection_side_by_side(http2, curl, drain):
    server = http2()
    burst(curl, server)
    assert {done.answer.status for done in drain(curl, BURST)} == {200}
    assert server.connections == 1
    assert server.most_streams > BURST / 2


def test_without_a_lane_the_same_burst_opens_a_connection_a_call(http2, curl, drain):
    server = http2()
    burst(curl, server, lane=None)
    drain(curl, BURST)
    assert server.connections == BURST, "else the lane is worth nothing, and may go"


def test_a_vendor_that_takes_one_stream_until_it_trusts_is_not_met_with_many_connections(http2, curl, drain):
    server = http2(trusting_first=True)
    burst(curl, server)
    assert {done.answer.status for done in drain(curl, BURST)} == {200}
    assert server.connections <= 4


def test_two_lanes_share_no_connection(http2, curl, drain):
    server = http2()
    for lane in ("one", "other"):
        burst(curl, server, 5, lane)
    burst(curl, server, 5, None)
    drain(curl, 15)
    mine = {asked.connection for asked in server.asked}
    assert len(mine) > 2
    before = len(server.asked)
    for lane in ("one", "other", "one", "other"):
        burst(curl, server, 1, lane)
        drain(curl)
    first, second, third, fourth = (asked.connection for asked in server.asked[before:])
    assert first == third != second == fourth


def test_a_connection_that_has_fallen_silent_is_left_for_a_new_one(http2, curl, drain):
    server = http2(lambda asked: None if asked.connection == 1 else Told(200))
    burst(curl, server, 1, timeout=0.3)
    (lost,) = drain(curl)
    assert (lost.answer.phase, lost.answer.timed_out) == ("answer", True)
    burst(curl, server, 1, timeout=2.0, first=1)
    assert drain(curl)[0].answer.status == 200


def test_after_a_goodbye_calls_go_over_a_new_connection(http2, curl, drain):
    server = http2(lambda _asked: Told(200))
    burst(curl, server, 1)
    drain(curl)
    server.say_goodbye()
    time.sleep(1.2)  # libcurl looks once a second whether an idle connection still lives
    curl.wait(0.05)
    burst(curl, server, 1, first=1)
    assert drain(curl)[0].answer.status == 200
    assert server.connections == 2


def test_connections_of_lanes_that_nobody_uses_are_let_go(http2, curl, drain, monkeypatch):
    monkeypatch.setattr("processor.http.curl._LANE_IDLE", 0.0)
    server = http2(lambda _asked: Told(200))
    for lane in range(5):
        burst(curl, server, 1, lane)
        drain(curl)
    assert len(curl._lanes) == 1
    assert len(curl._every) == len(curl._pools) + 2


def test_over_plain_http_a_lane_is_as_any_other_call(serve, curl, drain):
    server = serve()
    for number in range(10):
        curl.start(Signed("POST", server.url(), (), b"x"), number, timeout=5, lane="app")
    assert {done.answer.status for done in drain(curl, 10)} == {200}
    assert not curl._lanes
