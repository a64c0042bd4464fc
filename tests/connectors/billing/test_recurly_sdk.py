"""Recurly's own Python library sends what we send, and names the query parameters that we use."""

import http.client
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.billing.recurly import connector
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

pytestmark = pytest.mark.vendor
KEY = "private"
SETTINGS = {"api_key": KEY}
CODE = "bob+ü/1@example.com"
ACCOUNT = f"code-{CODE}"
WHEN = datetime.fromtimestamp(NOW - 1, UTC).isoformat(timespec="seconds")
SUB = {"id": "s1", "state": "active", "plan": {"code": "silver"}, "activated_at": "2026-01-01T00:00:00Z",
       "created_at": "2026-01-01T00:00:00Z", "unit_amount": 5.0, "pending_change": None, "remaining_pause_cycles": None}
PAUSED = {**SUB, "state": "paused"}
CANCELED = {**SUB, "state": "canceled"}


def page(*rows):
    return {"object": "list", "has_more": False, "next": None, "data": list(rows)}


def listed(sort="created_at", **more):
    return ("list_account_subscriptions", (ACCOUNT,), {"limit": 200, "sort": sort, "order": "desc", **more})


def changed(**body):
    return ("create_subscription_change", ("s1", body), {})


REDEMPTIONS = ("list_active_coupon_redemptions", (ACCOUNT,), {})
USAGE = {"amount": 3, "merchant_tag": OUTCOME, "recording_timestamp": WHEN, "usage_timestamp": WHEN}
CASES = [
    ("apply_coupon", {"coupon_id": "c1", "currency": "USD"}, [page(), {}], [
        REDEMPTIONS, ("create_coupon_redemption", (ACCOUNT, {"coupon_id": "c1", "currency": "USD"}), {})]),
    ("apply_coupon", {"coupon_id": "code-X", "scope": "subscription"}, [{"id": "c9"}, page(SUB), page(), {}], [
        ("get_coupon", ("code-X",), {}), listed(state="live"), REDEMPTIONS,
        ("create_coupon_redemption", (ACCOUNT, {"coupon_id": "c9", "subscription_id": "s1"}), {})]),
    ("pause_subscription", {"pause_cycles": 2}, [page(SUB), {}], [
        listed(), ("pause_subscription", ("s1", {"remaining_pause_cycles": 2}), {})]),
    ("resume_subscription", {}, [page(PAUSED), {}], [
        listed("updated_at"), ("resume_subscription", ("s1",), {})]),
    ("resume_subscription", {}, [page({**SUB, "remaining_pause_cycles": 1}), {}], [
        listed("updated_at"), ("pause_subscription", ("s1", {"remaining_pause_cycles": 0}), {})]),
    ("switch_subscription", {"plan_code": "gold", "proration_charge": "none"}, [page(SUB), {}], [
        listed(state="live"),
        changed(plan_code="gold", timeframe="now", proration_settings={"charge": "none"})]),
    ("create_subscription", {"plan_code": "gold", "currency": "USD", "coupon_codes": ["A"]}, [page(), {}], [
        listed(), ("create_subscription", ({"plan_code": "gold", "currency": "USD", "account": {"code": CODE},
                                            "coupon_codes": ["A"]},), {})]),
    ("reactivate_subscription", {}, [page(CANCELED), {}], [
        listed("updated_at", state="canceled"), ("reactivate_subscription", ("s1",), {})]),
    ("update_subscription_price", {"unit_amount": "9.99", "timeframe": "bill_date"}, [page(SUB), {}], [
        listed(state="live"), changed(unit_amount=9.99, timeframe="bill_date")]),
    ("convert_trial", {}, [page(SUB), {}], [listed(state="in_trial"), ("convert_trial", ("s1",), {})]),
    ("record_usage", {"add_on_code": "gb/1", "amount": 3}, [page(SUB), page(), {}], [
        listed(state="live"),
        ("list_usage", ("s1", "code-gb/1"), {"billing_status": "all", "limit": 200, "sort": "recorded_timestamp",
                                             "order": "desc"}),
        ("create_usage", ("s1", "code-gb/1", USAGE), {})]),
    ("cancel_subscription", {}, [page(SUB), {}], [
        listed(), ("cancel_subscription", ("s1",), {"body": {"timeframe": "term_end"}})]),
    ("cancel_subscription", {"refund": "partial"}, [page(SUB), {}], [
        listed(), ("terminate_subscription", ("s1",), {"refund": "partial", "charge": True})]),
]
LISTS = [
    ("plans", [page()], [("list_plans", (), {"state": "active", "limit": 200})]),
    ("coupons", [page()], [("list_coupons", (), {"limit": 200})]),
    ("add_ons", [page({"id": "p1", "code": "p", "name": "P"}), page()], [
        ("list_plans", (), {"state": "active", "limit": 200}),
        ("list_plan_add_ons", ("p1",), {"state": "active", "limit": 200})]),
]


@pytest.fixture
def sdk(keeper, monkeypatch):
    recurly = pytest.importorskip("recurly", reason="recurly is not installed")
    client = recurly.Client(KEY)
    client._BaseClient__conn = http.client.HTTPConnection("127.0.0.1", keeper.server_port, timeout=10)
    yield client
    client._BaseClient__conn.close()


def theirs(client, keeper, calls):
    """What the library sends; lists are asked for when they are read."""
    for name, given, query in calls:
        keeper.replies.append(page() if name.startswith("list_") else {})
        more = {"body": query["body"]} if "body" in query else {"params": query} if query else {}
        found = getattr(client, name)(*given, **more)
        if name.startswith("list_"):
            list(found.items())
    return keeper.kept


def compare(requests, kept):
    for request, asked in zip(requests, kept, strict=True):
        signed = flows.sign(connector, SETTINGS, request)
        one, other = urlsplit(signed.url), urlsplit(asked.path)
        assert (signed.method, one.netloc, one.path) == (asked.method, "v3.recurly.com", other.path)
        assert sorted(parse_qsl(one.query)) == sorted(parse_qsl(other.query))
        assert orjson.loads(signed.body or b"null") == orjson.loads(asked.body or b"null")
        for name in ("authorization", "accept", "content-type"):
            assert flows.header(signed, name) == asked.headers[name]


@pytest.mark.parametrize(("id", "params", "replies", "calls"), CASES)
def test_what_we_send_is_what_the_vendors_library_sends(sdk, keeper, id, params, replies, calls):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes={"account_code": CODE},
                      doubtful=id == "record_usage")
    requests = flows.run(connector, id, made, [answer(json=one) for one in replies]).requests
    compare(requests, theirs(sdk, keeper, calls))


@pytest.mark.parametrize(("name", "replies", "calls"), LISTS)
def test_pick_lists_are_asked_for_as_the_vendors_library_does(sdk, keeper, name, replies, calls):
    settings = connector.settings.model_validate(SETTINGS)
    answers = [answer(json=one) for one in replies]
    compare(flows.drive(connector.options[name](settings), answers, connector.read).requests,
            theirs(sdk, keeper, calls))


def test_the_connection_test_asks_as_the_vendors_library_does(sdk, keeper):
    checked = connector.check(connector.settings.model_validate(SETTINGS))
    requests = flows.drive(checked, [answer(403), answer(json=page())], connector.read).requests
    compare(requests, theirs(sdk, keeper, [("list_sites", (), {"limit": 1}), ("list_plans", (), {"limit": 1})]))


def test_after_a_refusal_the_subscription_is_read_as_the_vendors_library_does(sdk, keeper):
    made = flows.call(connector, "reactivate_subscription", settings=SETTINGS, attributes={"account_code": CODE})
    refused = answer(422, {"error": {"type": "validation", "message": "no"}})
    answers = [answer(json=page(CANCELED)), refused, answer(json=SUB)]
    requests = flows.run(connector, "reactivate_subscription", made, answers).requests
    compare(requests[2:], theirs(sdk, keeper, [("get_subscription", ("s1",), {})]))


@pytest.mark.parametrize("asked", [one for case in [*CASES, *LISTS] for one in case[-1] if one[2]])
def test_the_vendors_library_names_the_parameters_that_we_send(sdk, asked):
    name, _given, query = asked
    assert set(query) <= set(re.findall(r"^\s+params\.(\w+) :", getattr(sdk, name).__doc__, re.MULTILINE))
