"""Stripe's own Python library sends what we send, and its types know every parameter of ours."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ConfigDict, create_model

from connectors.billing.stripe import VERSION, connector
from testkit import flows
from testkit.flows import OUTCOME, answer

pytestmark = pytest.mark.vendor
T = TypeVar("T")
KEY = "rk_test_1"
SETTINGS = {"api_key": KEY, "connect_account_id": "acct_7"}
HOST = "https://api.stripe.com"
ADDRESS = "ann+ü&x@example.com"
END = 1_900_000_000
ITEM = {"id": "si_1", "price": {"id": "old"}, "quantity": 3}
SUB = {"id": "sub_1", "status": "active", "created": 1, "items": {"data": [ITEM]}, "discounts": [], "schedule": None,
       "metadata": {}}
TWO = {**SUB, "items": {"data": [ITEM, {**ITEM, "id": "si_2", "price": {"id": "other"}}]}}
TRIAL = {**SUB, "status": "trialing", "trial_end": END}
DISCOUNTED = {**SUB, "discounts": [{"id": "di_1", "source": {"coupon": "c0"}}]}
PHASE = {"start_date": 1, "end_date": END, "collection_method": "charge_automatically", "default_tax_rates": ["txr_1"],
         "discounts": [{"coupon": "c0"}], "trial_end": None,
         "items": [{"price": "old", "quantity": 3, "tax_rates": ["txr_2"], "discounts": []}]}
SCHEDULE = {"id": "sub_sched_1", "current_phase": {"start_date": 1}, "phases": [PHASE]}
PRICE = {"id": "new", "recurring": {"interval": "month", "interval_count": 1}}
CANCELED = {"customer": "cus_1", "price": "old", "status": "canceled", "limit": 100}
CUSTOMERS = {"email": ADDRESS, "limit": 2}


def page(*rows):
    return {"object": "list", "data": list(rows), "has_more": False}


def subscriptions(**more):
    return ("subscriptions", "list", (), {"customer": "cus_1", "limit": 100, **more})


def change(**form):
    return ("subscriptions", "update", ("sub_1",), form)


def switched(**more):
    return change(items=[{"id": "si_1", "price": "new", "quantity": 3}], proration_behavior="create_prorations",
                  payment_behavior="error_if_incomplete", off_session=True, **more)


def phase(price, **more):
    return {"items": [{"price": price, "quantity": 3, "tax_rates": ["txr_2"]}], "discounts": [{"coupon": "c0"}],
            "default_tax_rates": ["txr_1"], "collection_method": "charge_automatically", **more}


PLANNED = ("subscription_schedules", "update", ("sub_sched_1",), {
    "end_behavior": "release", "proration_behavior": "none", "phases": [
        phase("old", start_date=1, end_date=END),
        phase("new", duration={"interval": "month", "interval_count": 1}, proration_behavior="none")]})
STRICT = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)
CHECKERS_ONLY = {"StripeContext": str, "UntypedStripeObject": dict[str, T], "Mapping": Mapping}
"""What the library's types name without importing it."""
COMMENT = f"prompt p-1, {OUTCOME}"

CASES = [
    ("subscribe_plan", {"price_id": "new", "trial_period_days": 7, "coupon_id": "c1"}, [page(), SUB], [
        subscriptions(price="new"),
        ("subscriptions", "create", (), {
            "customer": "cus_1", "items": [{"price": "new", "quantity": 1}], "trial_period_days": 7,
            "discounts": [{"coupon": "c1"}], "payment_behavior": "error_if_incomplete", "off_session": True,
            "metadata": {"engage_event_id": "evt-1"}})]),
    ("subscribe_plan", {"price_id": "new", "quantity": 2, "promotion_code_id": "promo_1",
                        "payment_behavior": "allow_incomplete"}, [page(), SUB], [
        subscriptions(price="new"),
        ("subscriptions", "create", (), {
            "customer": "cus_1", "items": [{"price": "new", "quantity": 2}],
            "discounts": [{"promotion_code": "promo_1"}], "payment_behavior": "allow_incomplete", "off_session": True,
            "metadata": {"engage_event_id": "evt-1"}})]),
    ("unsubscribe_plan", {"price_id": "old", "feedback": "too_expensive"}, [page(SUB), SUB], [
        subscriptions(price="old"),
        change(cancel_at_period_end=True, cancellation_details={"feedback": "too_expensive"})]),
    ("unsubscribe_plan", {"price_id": "old", "when": "immediately", "prorate": True, "feedback": "unused"},
     [page(SUB), page(), SUB], [
        subscriptions(price="old"), ("subscriptions", "list", (), CANCELED),
        ("subscriptions", "cancel", ("sub_1",), {
            "prorate": True, "invoice_now": False,
            "cancellation_details": {"feedback": "unused", "comment": COMMENT}})]),
    ("unsubscribe_plan", {"price_id": "old", "when": "immediately"}, [page(TWO), page(), SUB], [
        subscriptions(price="old"), ("subscriptions", "list", (), CANCELED),
        change(items=[{"id": "si_1", "deleted": True}], proration_behavior="none",
               metadata={"engage_removal": OUTCOME})]),
    ("apply_coupon", {"promotion_code_id": "promo_1"}, [page(DISCOUNTED), SUB], [
        subscriptions(expand=["data.discounts"]),
        change(discounts=[{"discount": "di_1"}, {"promotion_code": "promo_1"}])]),
    ("extend_trial", {"days": 2}, [page(TRIAL), SUB], [
        subscriptions(status="trialing"),
        change(trial_end=END + 2 * 86_400, proration_behavior="none", metadata={"engage_trial_extension": OUTCOME})]),
    ("switch_subscription", {"price_id": "new"}, [page(SUB), SUB], [subscriptions(), switched()]),
    ("switch_subscription", {"price_id": "new", "when": "period_end"}, [page(SUB), SCHEDULE, PRICE, SCHEDULE], [
        subscriptions(), ("subscription_schedules", "create", (), {"from_subscription": "sub_1"}),
        ("prices", "retrieve", ("new",), {}), PLANNED]),
    ("switch_subscription", {"price_id": "new", "when": "period_end"},
     [page({**SUB, "schedule": "sub_sched_1"}), SCHEDULE, PRICE, SCHEDULE], [
        subscriptions(), ("subscription_schedules", "retrieve", ("sub_sched_1",), {}),
        ("prices", "retrieve", ("new",), {}), PLANNED]),
    ("update_subscription", {"price_id": "new"}, [page(SUB), SUB], [subscriptions(), switched()]),
]
LISTS = [
    ("prices", ("prices", "list", (), {"active": True, "type": "recurring", "limit": 100, "expand": ["data.product"]})),
    ("coupons", ("coupons", "list", (), {"limit": 100})),
    ("promotion_codes", ("promotion_codes", "list", (), {"active": True, "limit": 100})),
]


@pytest.fixture
def sdk():
    return pytest.importorskip("stripe", reason="stripe is not installed")


def theirs(sdk, keeper, calls):
    client = sdk.StripeClient(KEY, stripe_account="acct_7", base_addresses={"api": keeper.url}, max_network_retries=0)
    for service, method, ids, params in calls:
        keeper.replies.append({"object": "list", "data": []} if method == "list" else {"id": "x"})
        getattr(getattr(client.v1, service), method)(*ids, params=params)
    return keeper.kept


def ours(id, params, replies, attributes=None):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes=attributes or {"stripe_id": "cus_1"})
    return flows.run(connector, id, made, [answer(json=one) for one in replies]).requests


def pairs(url, body):
    """All parameters; the place of an entry may be written as [] or as [0], which Stripe reads alike."""
    text = (body or b"").decode()
    found = [*parse_qsl(urlsplit(url).query, keep_blank_values=True), *parse_qsl(text, keep_blank_values=True)]
    return sorted((name.replace("[]", "[0]"), value) for name, value in found)


def compare(requests, kept):
    for request, asked in zip(requests, kept, strict=True):
        signed = flows.sign(connector, SETTINGS, request)
        assert (signed.method, urlsplit(signed.url).path) == (asked.method, urlsplit(asked.path).path)
        assert pairs(signed.url, signed.body) == pairs(asked.path, asked.body)
        assert signed.url.startswith(f"{HOST}/")
        for name in ("authorization", "stripe-account", "stripe-version"):
            assert flows.header(signed, name) == asked.headers[name]
        assert bool(flows.header(signed, "idempotency-key")) == ("idempotency-key" in asked.headers)
        if signed.method == "POST":
            assert flows.header(signed, "content-type") == asked.headers["content-type"]
            assert flows.header(signed, "idempotency-key").startswith(f"{OUTCOME}:")


def typed(sdk, service, method, params):
    """Hold parameters against the library's own types, names and kinds; enumerations are open in them."""
    noun = {"subscriptions": "Subscription", "subscription_schedules": "SubscriptionSchedule", "prices": "Price",
            "coupons": "Coupon", "promotion_codes": "PromotionCode", "customers": "Customer"}[service]
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", noun).lower()
    place = __import__(f"stripe.params._{name}_{method}_params", fromlist=["*"])
    kind: Any = getattr(place, f"{noun}{method.title()}Params")
    held = create_model("Held", __config__=STRICT, params=(kind, ...))
    held.model_rebuild(_types_namespace=CHECKERS_ONLY)
    held(params=params)


def test_the_pinned_version_is_the_librarys(sdk):
    assert sdk.api_version == VERSION


@pytest.mark.parametrize(("id", "params", "replies", "calls"), CASES)
def test_what_we_send_is_what_the_vendors_library_sends(sdk, keeper, id, params, replies, calls):
    compare(ours(id, params, replies), theirs(sdk, keeper, calls))
    for service, method, _ids, more in calls:
        typed(sdk, service, method, more)


def test_customers_are_looked_up_as_the_vendors_library_does(sdk, keeper):
    asked = ("customers", "list", (), CUSTOMERS)
    requests = ours("extend_trial", {"days": 1}, [page({"id": "cus_1"}), page()], {"email_address": ADDRESS})
    compare(requests[:1], theirs(sdk, keeper, [asked]))
    typed(sdk, *asked[:2], CUSTOMERS)


@pytest.mark.parametrize(("name", "asked"), LISTS)
def test_pick_lists_are_asked_for_as_the_vendors_library_does(sdk, keeper, name, asked):
    settings = connector.settings.model_validate(SETTINGS)
    listed = flows.drive(connector.options[name](settings), [answer(json=page())], connector.read)
    compare(listed.requests, theirs(sdk, keeper, [asked]))
    typed(sdk, *asked[:2], asked[3])


def test_the_connection_test_asks_as_the_vendors_library_does(sdk, keeper):
    checked = connector.check(connector.settings.model_validate(SETTINGS))
    asked = flows.drive(checked, [answer(403), answer(json=page())], connector.read).requests
    compare(asked, theirs(sdk, keeper, [
        ("accounts", "retrieve_current", (), {}), ("customers", "list", (), {"limit": 1})]))


def test_the_types_do_refuse_what_the_library_does_not_know(sdk):
    for wrong in ({"items": [{"cost": "x"}]}, {"trial_period_days": "7"}, {"quantity": 1}):
        with pytest.raises(ValueError, match="validation error"):
            typed(sdk, "subscriptions", "create", wrong)
