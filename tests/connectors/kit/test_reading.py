"""How answers are read: statuses to reasons, headers to waits."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit import Response, failure, get, read_status, reader, retry_after
from connectors.kit.reading import seconds_until

NOW = 1_800_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def answer(status=429, **headers):
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(("text", "seconds"), [
    ("5", 5.0), (" 5 ", 5.0), ("0.5", 0.5), ("-3", 0.0), ("0", 0.0), ("", None), ("soon", None), ("nan", None),
    ("inf", None), ("Fri, 99 Jan 2027 08:00:12 GMT", None),
])
def test_a_wait_is_a_number_of_seconds_or_nothing(text, seconds):
    assert retry_after(answer(retry_after=text)) == seconds


def test_an_absent_header_asks_for_nothing():
    assert retry_after(answer()) is None


@pytest.mark.parametrize("text", ["Fri, 15 Jan 2027 08:00:12 GMT", "Fri, 15 Jan 2027 08:00:12 -0000",
                                  "Fri, 15 Jan 2027 09:00:12 +0100"])
def test_a_date_is_counted_from_the_vendors_own_clock(text):
    assert retry_after(answer(retry_after=text, date=DATE)) == 12.0


def test_a_date_is_counted_from_now_where_the_caller_knows_it():
    assert retry_after(answer(retry_after="Fri, 15 Jan 2027 08:00:12 GMT", date=DATE), now=NOW + 2) == 10.0


def test_a_date_that_has_passed_asks_for_no_wait():
    assert retry_after(answer(retry_after=DATE, date="Fri, 15 Jan 2027 08:00:30 GMT")) == 0.0
    assert retry_after(answer(retry_after="Wed, 15 Jan 2020 08:00:00 GMT", date="no date")) == 0.0


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_any_date_asks_for_the_time_until_it_and_never_for_less_than_none(then, now):
    text = format_datetime(datetime.fromtimestamp(then, UTC), usegmt=True)
    assert retry_after(answer(retry_after=text), now=now) == max(0, then - now)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_at_all_breaks_the_reading_of_a_wait(text):
    found = retry_after(answer(retry_after=text, date=text), now=NOW)
    assert found is None or 0 <= found < float("inf")


@pytest.mark.parametrize(("text", "seconds"), [
    (str(NOW + 12), 12.0), (str(NOW - 12), 0.0), ("", None), ("soon", None), ("nan", None), ("inf", None),
])
def test_a_second_of_the_clock_is_counted_from_the_vendors_date(text, seconds):
    assert seconds_until(answer(x_reset=text, date=DATE), "x-reset") == seconds


@pytest.mark.parametrize(("status", "reason", "unknown", "throttled"), [
    (400, "rejected", None, None), (404, "rejected", None, None), (409, "rejected", None, None),
    (422, "rejected", None, None), (300, "rejected", None, None), (401, "misconfigured", None, None),
    (403, "misconfigured", None, None), (408, "unavailable", False, False), (425, "unavailable", False, False),
    (429, "unavailable", False, True), (500, "unavailable", True, False), (502, "unavailable", True, False),
    (503, "unavailable", False, False), (504, "unavailable", True, False), (599, "unavailable", True, False),
])
def test_each_status_means_who_must_act_and_whether_it_may_have_happened(status, reason, unknown, throttled):
    found = failure(answer(status), request_id="r")
    assert (found.reason, found.code, found.status, found.request_id) == (reason, f"http_{status}", status, "r")
    assert (getattr(found, "unknown", None), getattr(found, "throttled", None)) == (unknown, throttled)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_the_two_hundreds_are_no_failure(status):
    assert failure(answer(status)) is None
    assert read_status(get("/x"), answer(status)) is None


def test_a_wait_that_is_given_goes_before_the_header():
    assert failure(answer(retry_after="9"), wait=0.0).retry_after == 0.0
    assert failure(answer(retry_after="9")).retry_after == 9.0


def test_the_plain_reading_shows_the_beginning_of_the_body():
    assert read_status(get("/x"), Response(400, {}, b"a" * 500)).message == "a" * 200


def test_a_reading_takes_code_message_and_request_id_where_the_vendor_puts_them():
    read = reader(lambda response: (response.member("code"), response.member("text")), "x-id")
    found = read(get("/x"), Response(402, {"x-id": "r-1"}, b'{"code":"card","text":"declined"}'))
    assert (found.reason, found.code, found.message, found.request_id) == ("rejected", "card", "declined", "r-1")
    assert read(get("/x"), Response(200, {}, b"no json")) is None
