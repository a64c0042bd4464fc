"""What both transports owe the engine, each shown over real sockets on loopback."""

import gzip
import itertools
import os
import threading
import time
from pathlib import Path

import pytest

from connectors.kit.http import Signed

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def open_files():
    return {entry.name for entry in Path("/proc/self/fd").iterdir()}


class TestAnswers:
    def test_an_answer_has_status_headers_and_body(self, serve, transport, call):
        server = serve(b"HTTP/1.1 404 Not Found\r\nRequest-ID: req_1\r\nX: a\r\nX: b\r\nContent-Length: 4\r\n\r\nnope")
        answer = call(transport, "GET", server.url("/v1/x?a=b"))
        assert (answer.status, answer.body) == (404, b"nope")
        assert answer.headers["request-id"] == "req_1"
        assert answer.headers["x"] == "a, b"
        assert server.requests[0].startswith(b"GET /v1/x?a=b HTTP/1.1\r\n")

    def test_every_method_goes_out_as_asked_whatever_came_before(self, serve, transport, call):
        server = serve()
        shapes = [(m, b) for m in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") for b in (None, b"x=1")]
        sequence = [shape for pair in itertools.product(shapes, repeat=2) for shape in pair]
        for method, body in sequence:
            answer = call(transport, method, server.url("/a"), ("X-Mine: 1",), body)
            assert (answer.status, answer.body) == (200, b"ok")
        for (method, body), request in zip(sequence, server.requests, strict=True):
            head, _, sent = request.partition(b"\r\n\r\n")
            assert head.startswith(method.encode() + b" /a HTTP/1.1\r\n")
            assert sent == (body or b"")
            assert b"content-type" not in head.lower()
            assert (b"content-length: 3" in head.lower()) == (body is not None)

    def test_a_head_has_no_body_and_the_next_call_has_one(self, serve, transport, call):
        def behave(_server, connection):
            while request := connection.read():
                connection.send(OK[:-2] if request.startswith(b"HEAD") else OK)

        server = serve(behave)
        for _ in range(2):
            answer = call(transport, "HEAD", server.url())
            assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "2")
            assert call(transport, "GET", server.url()).body == b"ok"
            assert call(transport, "POST", server.url(), (), b"x").body == b"ok"

    def test_headers_pass_through_and_none_is_left_of_the_call_before(self, serve, transport, call):
        server = serve()
        lines = ("Authorization: Bearer one", "Content-Type: application/json", "X-Name: Zoë")
        call(transport, "POST", server.url(), lines, b"{}")
        call(transport, "POST", server.url(), ("Idempotency-Key: k",), b"y" * 5000)
        first, second = (request.partition(b"\r\n\r\n")[0] for request in server.requests)
        for line in lines:
            assert line.encode() in first.split(b"\r\n")
        assert b"Idempotency-Key: k" in second.split(b"\r\n")
        assert b"User-Agent: prompt-actions" in second.split(b"\r\n")
        assert b"Bearer" not in second
        assert b"Expect" not in second

    def test_a_path_is_not_rewritten(self, serve, transport, call):
        server = serve()
        call(transport, "GET", server.url("/users/%2E%2E/x%2Fy?q=%2E"))
        assert server.requests[0].startswith(b"GET /users/%2E%2E/x%2Fy?q=%2E HTTP/1.1\r\n")

    def test_a_chunked_answer_is_put_together(self, serve, transport, call):
        server = serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert call(transport, "GET", server.url()).body == b"abcde"

    def test_a_continue_is_no_answer(self, serve, transport, call):
        server = serve(b"HTTP/1.1 100 Continue\r\nX: interim\r\n\r\n" + OK)
        answer = call(transport, "POST", server.url(), (), b"x")
        assert (answer.status, answer.body) == (200, b"ok")
        assert "x" not in answer.headers

    def test_a_packed_answer_is_not_unpacked(self, serve, transport, call):
        # A bomb of a few kilobytes would become gigabytes.
        packed = gzip.compress(b"0" * 100_000)
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
        assert call(transport, "GET", serve(head + packed).url(), max_bytes=5000).body == packed

    def test_a_redirect_is_an_answer_like_others(self, serve, transport, call):
        other = serve()
        server = serve(f"HTTP/1.1 302 Found\r\nLocation: {other.url()}\r\nContent-Length: 0\r\n\r\n".encode())
        answer = call(transport, "POST", server.url(), (), b"x")
        assert (answer.status, answer.headers["location"]) == (302, other.url())
        assert other.connections == 0

    def test_cookies_are_not_kept_for_the_next_app(self, serve, transport, call):
        server = serve(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        for _ in range(2):
            call(transport, "GET", server.url())
        assert b"cookie" not in server.requests[1].lower()

    def test_environment_has_no_say(self, serve, make, monkeypatch, tmp_path, call, closed_port):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login u password p\n")
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
        server = serve()
        assert call(make(), "GET", server.url()).status == 200
        assert b"authorization" not in server.requests[0].lower()


class TestConnections:
    def test_many_calls_are_in_flight_at_once_and_each_gets_its_own_answer(self, serve, transport, drain):
        together = threading.Barrier(50, timeout=8)

        def behave(_server, connection):
            while request := connection.read():
                together.wait()
                path = request.split(b" ")[1]
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

        server = serve(behave)
        for number in range(200):
            transport.start(Signed("POST", server.url(f"/{number}"), (), b"x"), number, timeout=9)
        assert transport.in_flight == 200
        done = drain(transport, 200)
        assert {one.ticket: one.answer.body for one in done} == {n: f"/{n}".encode() for n in range(200)}
        assert transport.in_flight == 0
        assert all(0 < one.seconds < 10 for one in done)

    def test_a_connection_is_used_again(self, serve, transport, call):
        server = serve()
        for _ in range(20):
            assert call(transport, "POST", server.url(), (), b"x").status == 200
        assert server.connections == 1

    def test_a_fresh_call_has_a_connection_of_its_own(self, serve, transport, call):
        server = serve()
        for _ in range(3):
            assert call(transport, "POST", server.url(), (), b"x", fresh=True).status == 200
        assert server.connections == 3

    def test_an_idle_connection_that_was_closed_is_replaced(self, serve, transport, call):
        def behave(server, connection):
            server.requests.append(connection.read())
            connection.send(OK)

        # libcurl looks whether a connection still lives once a second at most.
        server = serve(behave)
        assert call(transport, "POST", server.url(), (), b"x").status == 200
        time.sleep(1.2)
        assert call(transport, "POST", server.url(), (), b"x").status == 200
        assert len(server.requests) == 2


class TestPublicOnly:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
    def test_a_private_address_is_not_connected_to(self, serve, transport, host, failed):
        server = serve()
        error = failed(transport, "POST", server.url(host=host), (), b"x", public_only=True)
        assert (error.phase, error.unknown) == ("blocked", False)
        assert "public" in error.message
        assert server.connections == 0

    def test_a_kept_connection_of_another_call_is_not_borrowed(self, serve, transport, call, failed):
        server = serve()
        assert call(transport, "POST", server.url(), (), b"x").status == 200
        assert failed(transport, "POST", server.url(), (), b"x", public_only=True).phase == "blocked"
        assert call(transport, "POST", server.url(), (), b"x").status == 200
        assert len(server.requests) == 2


class TestWaiting:
    def test_a_watched_eventfd_ends_the_wait(self, transport):
        fd = os.eventfd(0, os.EFD_NONBLOCK)
        transport.watch(fd)
        begun = time.monotonic()
        bell = threading.Timer(0.1, os.eventfd_write, (fd, 1))
        bell.start()
        assert list(transport.wait(5)) == []
        assert 0.05 < time.monotonic() - begun < 2
        os.eventfd_read(fd)
        bell.join()
        begun = time.monotonic()
        assert list(transport.wait(0.2)) == []
        assert time.monotonic() - begun > 0.15
        os.close(fd)

    def test_a_wait_of_zero_does_not_block(self, serve, transport):
        server = serve(lambda _server, connection: (connection.read(), time.sleep(2)))
        transport.start(Signed("GET", server.url(), (), None), 1, timeout=5)
        begun = time.monotonic()
        for _ in range(20):
            assert list(transport.wait(0)) == []
        assert time.monotonic() - begun < 0.5

    def test_a_cut_call_has_no_end(self, serve, transport, drain):
        def behave(_server, connection):
            connection.read()
            time.sleep(0.3)
            connection.send(OK)

        server = serve(behave)
        transport.start(Signed("GET", server.url(), (), None), "cut", timeout=5)
        transport.start(Signed("GET", server.url(), (), None), "kept", timeout=5)
        transport.wait(0.1)
        transport.cancel("cut")
        transport.cancel("never begun")
        assert transport.in_flight == 1
        assert [done.ticket for done in drain(transport)] == ["kept"]
        assert list(transport.wait(0.5)) == []

    def test_a_call_cut_before_it_could_end_as_unsendable_has_no_end(self, transport):
        transport.start(Signed("GET", "ftp://127.0.0.1/", ("X: a\n",), None), "cut", timeout=5)
        transport.cancel("cut")
        assert list(transport.wait(0.2)) == []

    def test_close_frees_sockets_and_threads(self, serve, make, drain):
        server = serve(lambda _s, c: (c.read(), time.sleep(0.5), c.send(OK)))
        before, threads = open_files(), threading.active_count()
        transport = make()
        for number in range(5):
            transport.start(Signed("GET", server.url(), (), None), number, timeout=5)
        drain(transport, 5)
        transport.start(Signed("GET", server.url(), (), None), "in flight", timeout=5)
        transport.wait(0.1)
        transport.close()
        transport.close()
        server.close()
        time.sleep(0.7)  # the server's own sockets and threads end
        assert not open_files() - before
        assert threading.active_count() <= threads
