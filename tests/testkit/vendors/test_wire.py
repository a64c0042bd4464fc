"""The server speaks HTTP/1.1 as clients of every kind expect it."""

from __future__ import annotations

import socket

import pytest

from testkit.vendors.wire import BadRequestError, chunked, parse_head


@pytest.fixture
def raw(server, control):
    """A connected socket."""
    with socket.create_connection((server.host, server.port), timeout=5) as opened:
        yield opened


def answer(opened: socket.socket) -> bytes:
    """Bytes up to the end of one answer with a Content-Length."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += opened.recv(65536) or pytest.fail("the connection ended")
    head, _, body = found.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += opened.recv(65536)
    return head + b"\r\n\r\n" + body


def test_a_connection_is_kept_for_the_next_request(raw):
    for _ in range(3):
        raw.sendall(b"POST /bench/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert answer(raw).endswith(b'{"id":"x"}')


def test_requests_that_arrive_together_are_answered_in_order(raw):
    one = b"GET /bench/ok HTTP/1.1\r\nHost: x\r\n\r\n"
    other = b"GET /nowhere/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    raw.sendall(one + other)
    found = b""
    while piece := raw.recv(65536):
        found += piece
    assert found.index(b"HTTP/1.1 200") < found.index(b"HTTP/1.1 404")


def test_a_request_that_arrives_byte_by_byte_is_understood(raw):
    for byte in b"POST /bench/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd":
        raw.sendall(bytes([byte]))
    assert b"200 OK" in answer(raw)


def test_a_chunked_body_is_put_together(raw, control):
    raw.sendall(b"POST /custom_api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"3\r\nabc\r\n2;note=1\r\nde\r\n0\r\n\r\n")
    answer(raw)
    assert control.requests("custom_api")[0].body == b"abcde"


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(raw):
    raw.sendall(b"POST /bench/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert raw.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    raw.sendall(b"abc")
    assert b"200 OK" in answer(raw)


def test_connection_close_closes(raw):
    raw.sendall(b"GET /bench/ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Connection: close" in answer(raw)
    assert raw.recv(10) == b""


def test_head_has_no_body(raw):
    raw.sendall(b"HEAD /bench/ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    found = b""
    while piece := raw.recv(65536):
        found += piece
    assert found.endswith(b"\r\n\r\n")
    assert b"Content-Length: 10" in found


@pytest.mark.parametrize("block", [b"nonsense", b"GET / HTTP/2", b"GET / HTTP/1.1\r\nno colon",
                                   b"GET / HTTP/1.1\r\n a: b"])
def test_what_is_no_request_is_refused(block):
    with pytest.raises(BadRequestError):
        parse_head(block)


def test_rubbish_gets_400_and_the_end(raw):
    raw.sendall(b"rubbish\r\n\r\n")
    assert b"400" in answer(raw)
    assert raw.recv(10) == b""


def test_a_chunk_without_a_size_is_refused():
    with pytest.raises(BadRequestError):
        chunked(b"zz\r\nabc\r\n")


def test_a_thousand_connections_are_served_at_once(server, control):
    opened = [socket.create_connection((server.host, server.port), timeout=10) for _ in range(1000)]
    try:
        for one in opened:
            one.sendall(b"GET /bench/ok?delay_ms=100 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert all(b"200 OK" in answer(one) for one in opened)
    finally:
        for one in opened:
            one.close()
