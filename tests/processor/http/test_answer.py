"""Header lines as a vendor sent them, read when somebody asks."""

from processor.http.answer import WireResponse, read_headers


def test_names_are_in_lower_case_and_repeated_ones_are_joined():
    lines = [b"HTTP/1.1 200 OK\r\n", b"Retry-After:  5 \r\n", b"X-A: 1\r\n", b"x-a: 2\r\n", b"\r\n"]
    assert read_headers(lines) == {"retry-after": "5", "x-a": "1, 2"}


def test_interim_answers_and_trailers_are_left_out():
    early = [b"HTTP/1.1 103 Early Hints\r\n", b"Link: x\r\n", b"\r\n"]
    final = [b"HTTP/2 200 \r\n", b"A: 1\r\n", b"\r\n", b"Trailer: 2\r\n"]
    assert read_headers(early + final) == {"a": "1"}


def test_bytes_that_are_no_ascii_do_not_break_the_reading():
    assert read_headers([b"HTTP/1.1 200 OK\r\n", b"X: Zo\xc3\xab\r\n", b"no colon\r\n"])["x"].startswith("Zo")


def test_a_response_reads_its_lines_on_first_use():
    answer = WireResponse(200, [b"HTTP/1.1 200 OK\r\n", b"A: 1\r\n"], b'{"b": 2}')
    assert answer.headers["a"] == "1"
    assert answer.headers is answer.headers
    assert answer.json == {"b": 2}
