"""Every kind of scripted trouble, as a client meets it; and whether the effect happened behind it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time

import pytest

from testkit.vendors import ControlError, Fault
from testkit.vendors.credentials import STRIPE_API_KEY
from testkit.vendors.exchange import Ask
from testkit.vendors.faults import KINDS, FaultBook

COUPON = {"discounts[0][coupon]": "SAVE20"}


@pytest.fixture
def stripe(caller):
    return caller("stripe", Authorization=f"Bearer {STRIPE_API_KEY}")


def apply(stripe, timeout: float = 5.0):
    """A call with an effect."""
    return stripe("POST", "/v1/subscriptions/sub_ann", form=COUPON, timeout=timeout)


def effects(control) -> int:
    return len(control.ledger("stripe"))


def test_a_status_is_answered_in_the_vendors_words_and_nothing_happens(stripe, control):
    control.fault(vendor="stripe", status=429, retry_after=7)
    got = apply(stripe)
    assert (got.status, got.headers["retry-after"]) == (429, "7")
    assert got.json["error"]["code"] == "rate_limit"
    assert effects(control) == 0


def test_a_status_can_come_after_the_effect(stripe, control):
    control.fault(vendor="stripe", status=500, taken=True)
    assert apply(stripe).status == 500
    assert effects(control) == 1


def test_a_body_and_headers_can_be_scripted(stripe, control):
    control.fault(vendor="stripe", status=418, body={"a": 1}, headers={"X-Note": "tea"})
    got = apply(stripe)
    assert (got.status, got.json, got.headers["x-note"]) == (418, {"a": 1}, "tea")


def test_a_delay_answers_late_and_truly(stripe, control):
    control.fault("delay", vendor="stripe", delay=0.2)
    begun = time.monotonic()
    assert apply(stripe).status == 200
    assert time.monotonic() - begun >= 0.2
    assert effects(control) == 1


@pytest.mark.parametrize(("taken", "happened"), [(False, 0), (True, 1)])
def test_a_reset_breaks_the_connection_before_or_after_the_effect(stripe, control, taken, happened):
    control.fault("reset", vendor="stripe", taken=taken)
    with pytest.raises(ConnectionResetError):
        apply(stripe)
    assert effects(control) == happened


def test_half_a_body_ends_too_early(stripe, control):
    control.fault("half_body", vendor="stripe")
    with pytest.raises(http.client.IncompleteRead):
        apply(stripe)
    assert effects(control) == 1


def test_wrong_json_cannot_be_read(stripe, control):
    control.fault("wrong_json", vendor="stripe")
    got = apply(stripe)
    assert got.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = got.json


@pytest.mark.parametrize("vendor", ["stripe", "zendesk", "sendgrid", "salesforce_marketing_cloud", "mixpanel",
                                    "apple_app_store", "custom_api", "segment"])
def test_an_error_inside_a_success_is_a_success_by_its_status(caller, control, vendor):
    control.fault("inner_error", vendor=vendor)
    assert 200 <= caller(vendor)("POST", "/anything", data={}).status < 300
    assert control.ledger(vendor) == []


def test_a_slow_body_trickles(stripe, control):
    control.fault("slow_body", vendor="stripe", gap=0.001)
    begun = time.monotonic()
    got = apply(stripe)
    assert got.json["id"] == "sub_ann"
    assert time.monotonic() - begun > 0.001 * len(got.body)


def test_silence_never_answers(stripe, control):
    control.fault("silence", vendor="stripe")
    with pytest.raises(socket.timeout):
        apply(stripe, timeout=0.2)
    assert effects(control) == 0
    assert control.requests("stripe")[0].status == 0


def test_a_rule_hits_as_often_as_it_says_and_after_what_it_lets_pass(stripe, control):
    control.fault(vendor="stripe", status=503, skip=1, times=2)
    assert [stripe("GET", "/v1/balance").status for _ in range(5)] == [200, 503, 503, 200, 200]
    assert control.faults()[0]["hits"] == 2


def test_a_rule_hits_only_what_it_names(stripe, control):
    control.fault(vendor="stripe", method="POST", path="^/v1/subscriptions/", contains="SAVE20", status=503)
    assert stripe("GET", "/v1/subscriptions/sub_ann").status == 200
    assert stripe("POST", "/v1/subscriptions/sub_ann", form={"discounts[0][coupon]": "XMAS"}).status == 200
    assert apply(stripe).status == 503


def test_cleared_rules_hit_nothing(stripe, control):
    number = control.fault(vendor="stripe", status=503)
    control.clear(number)
    control.fault(vendor="stripe", status=502)
    control.clear()
    assert stripe("GET", "/v1/balance").status == 200


def test_a_share_hits_about_its_part_and_the_same_ones_each_time():
    def strikes(seed: int) -> list[bool]:
        book = FaultBook(seed)
        book.add(Fault(share=0.02))
        return [book.strike(Ask("GET", "/stripe/x", {})) is not None for _ in range(10_000)]

    assert 150 < sum(strikes(7)) < 250
    assert strikes(7) == strikes(7)
    assert strikes(7) != strikes(8)


def test_a_wait_is_told_as_each_vendor_tells_it(caller, control):
    control.fault(status=429, retry_after=30)
    now = time.time()
    assert abs(int(caller("apple_app_store")("GET", "/x").headers["retry-after"]) / 1000 - now - 30) < 5
    sendgrid = caller("sendgrid")("GET", "/x").headers
    assert "retry-after" not in sendgrid
    assert abs(int(sendgrid["x-ratelimit-reset"]) - now - 30) < 5


@pytest.mark.parametrize("rule", [{"kind": "nonsense"}, {"share": 2}, {"path": "("}])
def test_a_rule_that_makes_no_sense_is_refused_where_it_is_written(rule):
    with pytest.raises((ValueError, re.error)):
        Fault(**rule)


def test_a_rule_for_a_vendor_that_is_not_there_is_refused(control):
    with pytest.raises(ControlError, match=r"no vendor .strpe.; there are: .*stripe"):
        control.fault(vendor="strpe")


def test_all_kinds_are_tried_here():
    assert set(KINDS) == {"answer", "delay", "reset", "half_body", "wrong_json", "inner_error", "slow_body", "silence"}
