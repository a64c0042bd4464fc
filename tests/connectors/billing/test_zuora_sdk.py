"""Zuora's own Python library calls what we call, with the same headers.

What stands in the bodies is held against schemas of a newer release of it, where those lie beside the project.
"""

from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.billing.zuora import connector
from connectors.kit import Token
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"client_id": "a" * 36, "client_secret": "hush"}
OLDER = {**SETTINGS, "transaction_api": "subscribe_amend"}
VERSION = "2025-08-12"
SUB = {"id": "i1", "subscriptionNumber": "S-1", "status": "Active", "termType": "TERMED", "autoRenew": True,
       "termEndDate": "2027-06-01", "subscriptionEndDate": "2027-06-01",
       "ratePlans": [{"id": "rp_1", "productRatePlanId": "prp_1", "lastChangeType": "Add"}]}
ORDERED = answer(json={"success": True, "orderNumber": f"PA-{OUTCOME}", "status": "Completed",
                       "subscriptions": [{"subscriptionNumber": "S-1", "status": "Active"}]})
CANCEL = {"cancellation_policy": "EndOfCurrentTerm"}
ALL = ("authorization", "zuora-version", "content-type")


@pytest.fixture
def sdk():
    return pytest.importorskip("zuora_sdk", reason="zuora-sdk is not installed")


@pytest.fixture
def client(sdk, keeper):
    from zuora_sdk.zuora_client import ZuoraClient, ZuoraEnvironment

    made = ZuoraClient("a" * 36, "hush", ZuoraEnvironment.PROD)
    made.set_base_url(keeper.url)
    made.set_zuora_version(VERSION)
    made.add_default_header("Authorization", "Bearer T")
    return made


def page(*rows):
    return answer(json={"success": True, "subscriptions": list(rows)})


def ours(id, *replies, settings=SETTINGS, doubtful=False, **params):
    made = flows.call(connector, id, settings=settings, params=params, attributes={"account_number": "A/1"},
                      doubtful=doubtful)
    return flows.run(connector, id, made, replies).requests


def compare(request, asked, headers=ALL):
    signed = flows.sign(connector, SETTINGS, request, token=Token("T", NOW + 60))
    one, other = urlsplit(signed.url), urlsplit(asked.path)
    assert (signed.method, one.netloc, one.path) == (asked.method, "rest.zuora.com", other.path)
    assert sorted(parse_qsl(one.query)) == sorted(parse_qsl(other.query))
    for name in headers:
        kind = (asked.headers.get(name) or "").partition(";")[0] if signed.body or name != "content-type" else ""
        assert (flows.header(signed, name) or "") == kind, name
    if signed.body:
        assert orjson.loads(signed.body) == orjson.loads(asked.body)


def body(request):
    return orjson.loads(request.body)


def test_a_token_is_asked_for_as_the_vendors_library_does(client, keeper):
    keeper.replies.append({"access_token": "T", "expires_in": 3598, "token_type": "bearer"})
    client.initialize()
    flow = connector.tokens[""](connector.settings.model_validate(SETTINGS), NOW)
    (request,) = flows.drive(flow, [answer(json={"access_token": "T", "expires_in": 3598})]).requests
    (asked,) = keeper.kept
    assert (request.method, urlsplit(request.path).path) == (asked.method, asked.path)
    assert sorted(flows.form(request)) == sorted(parse_qsl(asked.body.decode()))
    assert request.headers["Content-Type"] == asked.headers["content-type"].partition(";")[0]


def test_subscriptions_are_read_as_the_vendors_library_does(client, keeper):
    (request,) = ours("add_plan", page(), product_rate_plan_id="prp_2")
    client.subscriptions_api().get_subscriptions_by_account("A/1", page_size=dict(request.query)["pageSize"])
    compare(request, keeper.kept[0])


def test_an_order_is_made_under_a_key_as_the_vendors_library_does(client, keeper):
    *_, request = ours("cancel_subscription", page(SUB), ORDERED, **CANCEL)
    client.orders_api().create_order(body(request), idempotency_key=request.headers["Idempotency-Key"])
    compare(request, keeper.kept[0], (*ALL, "idempotency-key"))


def test_an_order_is_looked_for_as_the_vendors_library_does(client, keeper):
    request = ours("cancel_subscription", answer(404), page(SUB), ORDERED, doubtful=True, **CANCEL)[0]
    client.orders_api().get_order(f"PA-{OUTCOME}")
    compare(request, keeper.kept[0])


@pytest.mark.parametrize(("id", "params", "method"), [
    ("add_plan", {"product_rate_plan_id": "prp_2"}, "update_subscription"),
    ("cancel_subscription", CANCEL, "cancel_subscription"),
    ("suspend_subscription", {"suspend_policy": "EndOfLastInvoicePeriod"}, "suspend_subscription"),
    ("change_auto_renewal", {"auto_renew": False}, "update_subscription"),
])
def test_older_changes_are_made_as_the_vendors_library_does(client, keeper, id, params, method):
    request = ours(id, page(SUB), answer(json={"success": True}), settings=OLDER, **params)[-1]
    getattr(client.subscriptions_api(), method)(body(request), "S-1")
    compare(request, keeper.kept[0])


def test_an_older_subscription_is_made_as_the_vendors_library_does(client, keeper):
    made = answer(json={"success": True, "subscriptionNumber": "S-9"})
    params = {"product_rate_plan_id": "prp_2", "term_type": "TERMED"}
    *_, request = ours("create_subscription", page(), made, settings=OLDER, **params)
    client.subscriptions_api().create_subscription(body(request), idempotency_key=request.headers["Idempotency-Key"])
    compare(request, keeper.kept[0], (*ALL, "idempotency-key"))


def test_the_catalogue_is_read_as_the_vendors_library_does(client, keeper):
    client.products_api().get_products(page_size=1)
    settings = connector.settings.model_validate(SETTINGS)
    (request,) = flows.drive(connector.check(settings), [answer(json={"success": True})], connector.read).requests
    compare(request, keeper.kept[0])
