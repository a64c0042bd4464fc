"""Requests, responses and signing as plain values."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit import (
    Request,
    Response,
    SignContext,
    Signed,
    delete,
    get,
    patch,
    post,
    put,
    segment,
    sign_with,
)
from connectors.kit.http import address, header_lines, pairs, scalar

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CONTEXT = SignContext(0.0)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=6))
def test_a_form_is_read_back_by_any_server(fields):
    body = post("/x", form=fields).body
    assert parse_qsl(body.decode(), keep_blank_values=True) == fields


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=6))
def test_a_query_is_read_back_by_any_server_and_has_no_plus_for_a_blank(fields):
    url = address("https://a.example", get("/x", query=fields))
    assert "+" not in url
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == fields


@given(TEXT.filter(bool))
def test_a_segment_stays_one_segment(text):
    coded = segment(text)
    assert not set(coded) & set("/?#")
    assert coded not in (".", "..")
    assert unquote(coded) == text


def test_signs_that_a_vendor_wants_raw_are_kept_but_never_a_slash():
    assert segment("2:a=/b", keep=":=/") == "2:a=%2Fb"


@pytest.mark.parametrize(("value", "text"), [
    (True, "true"), (False, "false"), (None, ""), (3, "3"), (1.5, "1.5"), ("a", "a"),
])
def test_values_are_written_as_vendors_expect_them(value, text):
    assert scalar(value) == text


@pytest.mark.parametrize(("given_", "expected"), [
    (None, []), ({}, []), ({"a": None}, []), ({"a": ""}, [("a", "")]), ({"a": [1, True]}, [("a", "1"), ("a", "true")]),
    ({"b": 1, "a": 2}, [("b", "1"), ("a", "2")]), ([("a", "1"), ("a", "2")], [("a", "1"), ("a", "2")]),
    ({"a": []}, []),
])
def test_pairs_keep_their_order_and_leave_none_out(given_, expected):
    assert list(pairs(given_)) == expected


@pytest.mark.parametrize(("build", "method", "effect"), [
    (get, "GET", False), (post, "POST", True), (put, "PUT", True), (patch, "PATCH", True), (delete, "DELETE", True),
])
def test_a_request_knows_whether_it_changes_something(build, method, effect):
    request = build("/x")
    assert (request.method, request.effect, request.step) == (method, effect, method.lower())
    assert build("/x", effect=not effect).effect is not effect


@pytest.mark.parametrize(("more", "body", "kind"), [
    ({"form": {"a": "b c"}}, b"a=b+c", "application/x-www-form-urlencoded"),
    ({"json": {"a": 1}}, b'{"a":1}', "application/json"), ({"json": []}, b"[]", "application/json"),
    ({"form": {}}, b"", "application/x-www-form-urlencoded"),
    ({"body": b"<a/>", "content_type": "text/xml"}, b"<a/>", "text/xml"),
    ({"json": 1, "content_type": "application/vnd.x+json"}, b"1", "application/vnd.x+json"),
])
def test_each_kind_of_body_says_what_it_is(more, body, kind):
    request = post("/x", **more)
    assert (request.body, request.headers) == (body, {"Content-Type": kind})


def test_a_request_without_a_body_names_no_kind_and_keeps_its_own_headers():
    assert get("/x", headers={"A": "b"}).headers == {"A": "b"}
    assert get("/x").body is None


def test_a_requests_own_content_type_wins():
    assert post("/x", json={}, headers={"Content-Type": "application/x"}).headers == {"Content-Type": "application/x"}


@pytest.mark.parametrize(("request_", "url"), [
    (get("/x"), "https://a.example/v1/x"), (get("/x", query={"q": "a b"}), "https://a.example/v1/x?q=a%20b"),
    (get("/x?y=1", query={"q": "1"}), "https://a.example/v1/x?y=1&q=1"),
    (get("https://b.example/y"), "https://b.example/y"), (get("http://b.example/y"), "http://b.example/y"),
])
def test_a_path_stands_below_the_base_and_a_whole_address_for_itself(request_, url):
    assert address("https://a.example/v1", request_) == url


def test_signing_adds_the_base_and_the_same_headers_to_every_request():
    sign = sign_with("https://a.example/", {"Authorization": "Bearer t"})
    request = post("/x", json={"a": 1}, headers={"Idempotency-Key": "k"})
    assert sign(request, CONTEXT) == Signed(
        "POST", "https://a.example/x",
        ["Content-Type: application/json", "Idempotency-Key: k", "Authorization: Bearer t"], b'{"a":1}')


def test_header_lines_put_the_requests_own_first():
    assert list(header_lines(Request("GET", "/x"), ["B: 2"])) == ["B: 2"]
    assert list(header_lines(Request("GET", "/x", headers={"A": "1"}), ["B: 2"])) == ["A: 1", "B: 2"]


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (299, True), (300, False)])
def test_only_the_two_hundreds_are_well(status, ok):
    assert Response(status).ok is ok


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff"])
def test_a_body_that_is_no_json_is_none(body):
    assert Response(200, {}, body).json is None


def test_a_body_that_is_null_is_read_once():
    response = Response(200, {}, b"null")
    assert response.json is None
    assert response.member("a") is None


@pytest.mark.parametrize(("path", "found"), [
    (("a", 0, "b"), 1), (("a", -1, "b"), 2), (("a", 2), None), (("a", -3), None), (("a", "b"), None), ((0,), None),
    (("n",), None), (("n", "x"), None), (("a", 0, "b", "c"), None), (("f",), False),
])
def test_a_member_is_found_or_none_whatever_the_body_looks_like(path, found):
    assert Response(200, {}, b'{"a":[{"b":1},{"b":2}],"n":null,"f":false}').member(*path) == found


def test_text_that_is_no_utf8_is_replaced():
    assert Response(200, {}, b"a\xffb").text == "a\ufffdb"
