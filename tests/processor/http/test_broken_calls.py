"""Calls that break: how far they came, and whether the vendor may have got them; the same for both transports."""

import itertools
import threading
import time

import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class TestNeverRepeatedSilently:
    """libcurl by itself would send the request again: the kept connection died before the first byte."""

    @staticmethod
    def dying_at_the_second(server, connection):
        if not (request := connection.read()):
            return  # libcurl connects again before it is told not to repeat
        server.requests.append(request)
        connection.send(OK)
        if request := connection.read():
            server.requests.append(request)
            connection.reset() if server.resets else connection.sock.close()

    @pytest.mark.parametrize("resets", [False, True], ids=["fin", "rst"])
    @pytest.mark.parametrize(("method", "body"), [("POST", b"x"), ("POST", None), ("DELETE", None), ("PATCH", b"x")])
    def test_a_request_with_an_effect_whose_connection_died_is_unknown(
        self, serve, transport, method, body, resets, call, failed
    ):
        server = serve(self.dying_at_the_second)
        server.resets = resets
        assert call(transport, method, server.url(), (), body).status == 200
        error = failed(transport, method, server.url(), (), body)
        assert (error.phase, error.unknown, error.timed_out) == ("answer", True, False)
        assert len(server.requests) == 2

    def test_a_fresh_call_is_spared_that(self, serve, transport, call):
        server = serve(self.dying_at_the_second)
        server.resets = False
        for _ in range(3):
            assert call(transport, "POST", server.url(), (), b"x", fresh=True).status == 200
        assert len(server.requests) == 3


class TestBrokenCalls:
    def test_a_refused_connection_was_never_sent(self, transport, failed, closed_port):
        error = failed(transport, "POST", f"http://127.0.0.1:{closed_port}/?token=s3cret", (), b"x")
        assert (error.phase, error.unknown, error.timed_out) == ("connect", False, False)
        assert "127.0.0.1" in error.message
        assert "s3cret" not in error.message

    def test_an_unknown_host_was_never_sent(self, transport, failed):
        error = failed(transport, "POST", "http://no-such-host.invalid/?token=s3cret", (), b"x", timeout=20)
        assert (error.phase, error.unknown) == ("resolve", False)
        assert "s3cret" not in error.message

    def test_a_certificate_that_nobody_signed_stops_the_call(self, serve, transport, certificate, failed):
        server = serve(context=certificate[1])
        error = failed(transport, "POST", server.url(), (), b"x")
        assert (error.phase, error.unknown) == ("tls", False)
        assert server.requests == []

    def test_a_trusted_certificate_lets_it_through(self, serve, make, certificate, call):
        server = serve(context=certificate[1])
        assert call(make(ca_file=certificate[0]), "POST", server.url(), (), b"x").status == 200

    def test_a_certificate_for_another_name_stops_the_call(self, serve, make, certificate, failed):
        server = serve(context=certificate[1])
        error = failed(make(ca_file=certificate[0]), "POST", server.url(host="127.0.0.2"), (), b"x")
        assert error.phase in ("tls", "connect")
        assert server.requests == []

    def test_a_server_that_does_not_shake_hands_was_never_asked(self, serve, transport, failed):
        server = serve(lambda _server, _connection: time.sleep(3))
        error = failed(transport, "POST", server.url().replace("http:", "https:"), (), b"x", timeout=0.5)
        assert (error.phase, error.unknown, error.timed_out) == ("tls", False, True)

    def test_plain_talk_from_a_secure_port_is_a_tls_error(self, serve, transport, failed):
        server = serve(lambda _server, connection: connection.send(b"HTTP/1.1 400 no\r\n\r\n"))
        error = failed(transport, "POST", server.url().replace("http:", "https:"), (), b"x")
        assert (error.phase, error.unknown) == ("tls", False)

    def test_a_reset_before_the_request_was_read_is_unknown(self, serve, transport, failed):
        server = serve(lambda _server, connection: (time.sleep(0.1), connection.reset()))
        error = failed(transport, "POST", server.url(), (), b"x" * 100)
        assert error.phase in ("send", "answer")
        assert error.unknown

    def test_a_reset_while_a_large_body_is_sent_is_unknown(self, serve, transport, failed):
        server = serve(lambda _server, connection: (connection.sock.recv(10), time.sleep(0.1), connection.reset()))
        error = failed(transport, "POST", server.url(), (), b"x" * 20_000_000)
        assert error.phase in ("send", "answer")
        assert error.unknown

    def test_a_reset_after_the_request_was_read_is_unknown(self, serve, transport, failed):
        server = serve(lambda _server, connection: (connection.read(), connection.reset()))
        error = failed(transport, "POST", server.url(), (), b"x")
        assert (error.phase, error.unknown, error.timed_out) == ("answer", True, False)

    def test_a_close_without_an_answer_is_unknown(self, serve, transport, failed):
        server = serve(lambda _server, connection: connection.read())
        assert failed(transport, "POST", server.url(), (), b"x").phase == "answer"

    def test_half_a_body_is_no_answer(self, serve, transport, failed):
        half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
        server = serve(lambda _server, connection: (connection.read(), connection.send(half)))
        error = failed(transport, "POST", server.url(), (), b"x")
        assert (error.phase, error.unknown) == ("answer", True)

    def test_something_else_than_http_is_no_answer(self, serve, transport, failed):
        server = serve(lambda _server, connection: (connection.read(), connection.send(b"220 mail ready\r\n\r\n")))
        assert failed(transport, "POST", server.url(), (), b"x").phase == "answer"

    @pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /x"])
    def test_an_endless_body_is_cut(self, serve, transport, status, failed):
        cut = threading.Event()

        def behave(_server, connection):
            connection.read()
            connection.send(b"HTTP/1.1 " + status + b"\r\n\r\n")
            try:
                while True:
                    connection.send(b"x" * 65536)
            except OSError:
                cut.set()

        error = failed(transport, "GET", serve(behave).url(), max_bytes=100_000)
        assert (error.phase, error.unknown) == ("too_large", True)
        assert cut.wait(5)

    def test_endless_headers_are_cut(self, serve, transport, failed):
        def behave(_server, connection):
            connection.read()
            connection.send(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.send(b"X: " + b"y" * 1000 + b"\r\n")

        assert failed(transport, "GET", serve(behave).url()).unknown

    def test_a_body_of_just_the_limit_is_taken(self, serve, transport, call, failed):
        server = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
        assert len(call(transport, "GET", server.url(), max_bytes=1000).body) == 1000
        assert failed(transport, "GET", server.url(), max_bytes=999).phase == "too_large"

    @pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
    def test_an_answer_of_one_byte_at_a_time_ends_at_the_total_timeout(self, serve, transport, beginning, failed):
        def behave(_server, connection):
            connection.read()
            connection.send(beginning)
            for byte in itertools.cycle(b"HTTP/1.1 200 OK X"):
                connection.send(bytes([byte]))
                time.sleep(0.02)

        server, begun = serve(behave), time.monotonic()
        error = failed(transport, "POST", server.url(), (), b"x", timeout=0.6)
        assert (error.phase, error.unknown, error.timed_out) == ("answer", True, True)
        assert 0.5 < time.monotonic() - begun < 2

    def test_no_answer_at_all_is_unknown(self, serve, transport, failed):
        server = serve(lambda _server, connection: (connection.read(), time.sleep(3)))
        error = failed(transport, "POST", server.url(), (), b"x", timeout=0.3)
        assert (error.phase, error.unknown, error.timed_out) == ("answer", True, True)

    @pytest.mark.parametrize("header", ["X: a\r\nEvil: b", "X: a\nEvil: b"])
    def test_a_header_with_a_line_break_is_not_sent(self, serve, transport, header, failed):
        server = serve()
        error = failed(transport, "POST", server.url(), ("Authorization: s3cret", header), b"x")
        assert (error.phase, error.unknown) == ("blocked", False)
        assert "s3cret" not in error.message
        assert server.connections == 0

    @pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "no address", "http://", "http://127.0.0.1:99999/?s3cret"])
    def test_what_is_no_http_address_is_not_sent(self, transport, url, failed):
        error = failed(transport, "GET", url)
        assert (error.phase, error.unknown) == ("blocked", False)
        assert "s3cret" not in error.message
