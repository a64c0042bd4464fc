"""Maxio's own Python library sends what we send; it knows no uniqueness token, which stands on a page of its own."""

from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.billing.chargify import connector
from testkit import flows
from testkit.flows import OUTCOME, answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"api_key": "private", "domain": "shop"}
SUB = {"id": 5, "state": "active", "product": {"id": 1, "handle": "gold"}, "coupon_codes": [], "reference": None,
       "cancel_at_end_of_period": False, "canceled_at": None, "created_at": "2026-01-01T00:00:00Z"}
FULL = {"subscription": {**SUB, "product": {"id": 1, "handle": "gold", "public_signup_pages": []}}}


@pytest.fixture
def sdk():
    return pytest.importorskip("advancedbilling", reason="maxio-advanced-billing-sdk is not installed")


@pytest.fixture
def client(sdk, keeper, monkeypatch):
    from advancedbilling.advanced_billing_client import AdvancedBillingClient
    from advancedbilling.configuration import Configuration, Environment, Server
    from advancedbilling.http.auth.basic_auth import BasicAuthCredentials

    monkeypatch.setitem(Configuration.environments[Environment.US], Server.PRODUCTION, keeper.url)
    return AdvancedBillingClient(site="shop", basic_auth_credentials=BasicAuthCredentials("private", "x"))


def ours(id, params, *replies):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes={"chargify_id": 77})
    return flows.run(connector, id, made, replies).requests


def listed(name):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), [answer(json=[])], connector.read)


def told(body):
    found = orjson.loads(body or b"{}")
    return {name: value for name, value in found.items() if name != "uniqueness_token"}


def compare(requests, kept):
    for request, asked in zip(requests, kept, strict=True):
        signed = flows.sign(connector, SETTINGS, request)
        one, other = urlsplit(signed.url), urlsplit(asked.path)
        assert (signed.method, one.netloc, one.path) == (asked.method, "shop.chargify.com", other.path)
        assert sorted(parse_qsl(one.query)) == sorted(parse_qsl(other.query))
        assert told(signed.body) == told(asked.body)
        assert flows.header(signed, "authorization") == asked.headers["authorization"]
        if signed.body:
            kind = asked.headers["content-type"].partition(";")[0]
            assert flows.header(signed, "content-type").partition(";")[0] == kind


def rows(*found):
    return answer(json=[{"subscription": one} for one in found])


def test_a_subscription_is_the_one_that_the_vendors_library_creates(client, keeper):
    keeper.replies.append(FULL)
    client.subscriptions.create_subscription({"subscription": {
        "product_handle": "gold", "product_price_point_id": 3, "customer_id": 77, "coupon_codes": ["A"],
        "payment_collection_method": "automatic", "reference": OUTCOME}})
    compare(ours("create_subscription", {"product_id": "gold", "product_price_point_id": 3, "coupon_codes": ["A"]},
                 rows(), answer(201, {"subscription": SUB}))[1:], keeper.kept)


def test_subscriptions_of_a_customer_are_read_as_the_vendors_library_does(client, keeper):
    keeper.replies.append([])
    client.customers.list_customer_subscriptions(77)
    compare(ours("add_coupon", {"product_id": "1", "coupon_code": "A"}, rows())[:1], keeper.kept)


@pytest.mark.parametrize("reasons", [{}, {"cancellation_message": "enough", "reason_code": "PRICE"}])
def test_a_cancellation_is_the_vendors_librarys(client, keeper, reasons):
    keeper.replies.append(FULL)
    client.subscription_status.cancel_subscription(5, {"subscription": reasons} if reasons else None)
    params = {"product_id": "1", **reasons}
    compare(ours("cancel_subscription", params, rows(SUB), answer(json={"subscription": SUB}))[1:], keeper.kept)


def test_a_later_cancellation_is_the_vendors_librarys(client, keeper):
    keeper.replies.append({"message": "ok"})
    client.subscription_status.initiate_delayed_cancellation(5, {"subscription": {"reason_code": "PRICE"}})
    params = {"product_id": "1", "when": "period_end", "reason_code": "PRICE"}
    compare(ours("cancel_subscription", params, rows(SUB), answer(json={}))[1:], keeper.kept)


def test_a_coupon_is_added_as_the_vendors_library_does(client, keeper):
    keeper.replies.append(FULL)
    client.subscriptions.apply_coupons_to_subscription(5, body={"codes": ["A"]})
    params = {"product_id": "1", "coupon_code": "A"}
    compare(ours("add_coupon", params, rows(SUB), answer(json={"subscription": SUB}))[1:], keeper.kept)


@pytest.mark.parametrize(("name", "do"), [
    ("products", lambda one: one.products.list_products({"page": 1, "per_page": 200})),
    ("price_points", lambda one: one.product_price_points.list_all_product_price_points({"page": 1, "per_page": 200})),
    ("coupons", lambda one: one.coupons.list_coupons({"page": 1, "per_page": 200})),
    ("reason_codes", lambda one: one.reason_codes.list_reason_codes({"page": 1, "per_page": 200})),
])
def test_pick_lists_are_asked_for_as_the_vendors_library_does(client, keeper, name, do):
    keeper.replies.append({"price_points": []} if name == "price_points" else [])
    do(client)
    compare(listed(name).requests, keeper.kept)


def test_the_connection_test_asks_as_the_vendors_library_does(client, keeper):
    keeper.replies.append({"site": {"name": "Shop"}})
    client.sites.read_site()
    seen = [answer(json={"site": {"name": "Shop", "test": True}})]
    compare(flows.drive(connector.check(connector.settings(**SETTINGS)), seen, connector.read).requests, keeper.kept)
