"""Stripe's reads: customers, subscriptions, prices, coupons, promotion codes, account."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from testkit.vendors.exchange import Answer, answer
from testkit.vendors.stripe_form import boolean, check_choice, check_names, integer, no_such, refuse
from testkit.vendors.stripe_state import Object, StripeState
from testkit.vendors.vendor import Routes

Params = dict[str, Any]
PAGES = frozenset({"limit", "starting_after", "ending_before", "created"})
STATUSES = frozenset({"incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid",
                      "paused", "ended", "all"})
EXPANDABLE = frozenset({"discounts", "product", "customer", "latest_invoice", "schedule", "items.data.price.product",
                        "promotion", "pending_setup_intent", "default_payment_method"})
reads: Routes[StripeState] = Routes()


def page(objects: Sequence[Object], params: Params, url: str) -> Answer:
    """One page of a list."""
    limit = integer(params, "limit")
    limit = 10 if limit is None else limit
    if not 1 <= limit <= 100:
        raise refuse(400, "This value must be between 1 and 100.", began=False, param="limit")
    after = params.get("starting_after")
    ids = [one["id"] for one in objects]
    if after and after not in ids:
        raise no_such("object", after, "starting_after")
    start = ids.index(after) + 1 if after else 0
    shown = objects[start : start + limit]
    return answer(200, {"object": "list", "url": url, "has_more": start + limit < len(objects), "data": shown})


def expanded(state: StripeState, objects: Iterable[Object], params: Params, prefix: str = "data.") -> list[Object]:
    """Copies of objects with what `expand` asks for in place of its id."""
    wanted = params.get("expand") or []
    for name in wanted:
        if not name.startswith(prefix) or name.removeprefix(prefix) not in EXPANDABLE:
            raise refuse(400, f"This property cannot be expanded ({name}).", began=False, param="expand")
    names = {name.removeprefix(prefix) for name in wanted}
    return [_expand(state, one, names) for one in objects]


def _expand(state: StripeState, one: Object, names: set[str]) -> Object:
    shown = copy.copy(one)
    if "discounts" in names and "discounts" in shown:
        shown["discounts"] = [state.discounts[id] for id in shown["discounts"]]
    if "product" in names and "product" in shown:
        id = shown["product"]
        shown["product"] = {"id": id, "object": "product", "active": True, "name": id.removeprefix("prod_").title()}
    if "customer" in names and isinstance(shown.get("customer"), str):
        shown["customer"] = state.customer(shown["customer"])
    return shown


@reads.on("GET", "/v1/account")
def account(_state: StripeState, params: Params) -> Answer:
    """The account behind the key."""
    check_names(params, ())
    return answer(200, {"id": "acct_emulator", "object": "account", "charges_enabled": True, "country": "US",
                        "default_currency": "usd", "business_profile": {"name": "Emulated Shop"},
                        "settings": {"dashboard": {"display_name": "Emulated Shop"}}, "type": "standard"})


@reads.on("GET", "/v1/balance")
def balance(_state: StripeState, params: Params) -> Answer:
    """The account's balance: the usual test of a key."""
    check_names(params, ())
    amount = [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
    return answer(200, {"object": "balance", "available": amount, "livemode": False, "pending": amount})


@reads.on("GET", "/v1/customers")
def customers(state: StripeState, params: Params) -> Answer:
    """Customers, or those with one address: exact, capitals count."""
    check_names(params, {*PAGES, "email", "test_clock"})
    email = params.get("email")
    found = state.customers_by_email(email) if email else list(state.customers.values())
    return page(expanded(state, found, params), params, "/v1/customers")


@reads.on("GET", "/v1/customers/search")
def search_customers(state: StripeState, params: Params) -> Answer:
    """The search by address, in which capitals do not count."""
    check_names(params, {"query", "limit", "page"})
    query = str(params.get("query", ""))
    name, _, value = query.partition(":")
    if name.strip() != "email" or len(value) < 2:
        raise refuse(400, "The query is not one that the emulator reads: email:'...'", began=False, param="query")
    found = state.customers_by_email(value.strip().strip("'\"").lower())
    return answer(200, {"object": "search_result", "url": "/v1/customers/search", "has_more": False,
                        "next_page": None, "data": found})


@reads.on("GET", "/v1/customers/{id}")
def one_customer(state: StripeState, params: Params, id: str) -> Answer:
    """One customer."""
    check_names(params, ())
    found = state.customer(id)
    if found is None:
        raise no_such("customer", id, "id", 404)
    return answer(200, found)


@reads.on("GET", "/v1/subscriptions")
def subscriptions(state: StripeState, params: Params) -> Answer:
    """Subscriptions by customer, price and status; canceled ones only if asked for."""
    check_names(params, {*PAGES, "customer", "price", "status", "collection_method", "test_clock"})
    check_choice(params, "status", STATUSES)
    if params.get("customer") and state.customer(params["customer"]) is None:
        raise no_such("customer", params["customer"], "customer")
    if params.get("price") and state.price(params["price"]) is None:
        raise no_such("price", params["price"], "price")
    found = state.subscriptions_of(params["customer"]) if params.get("customer") else list(state.subscriptions.values())
    wanted = [one for one in found if _has(one, params.get("status", ""), params.get("price", ""))]
    return page(expanded(state, wanted, params), params, "/v1/subscriptions")


def _has(subscription: Object, status: str, price: str) -> bool:
    if price and all(item["price"]["id"] != price for item in subscription["items"]["data"]):
        return False
    if status in ("", "all"):
        return status == "all" or subscription["status"] != "canceled"
    wanted = ("canceled", "incomplete_expired") if status == "ended" else (status,)
    return subscription["status"] in wanted


@reads.on("GET", "/v1/subscriptions/{id}")
def one_subscription(state: StripeState, params: Params, id: str) -> Answer:
    """One subscription, canceled or not."""
    check_names(params, ())
    found = state.subscription(id)
    if found is None:
        raise no_such("subscription", id, "id", 404)
    return answer(200, expanded(state, [found], params, "")[0])


@reads.on("GET", "/v1/subscription_schedules/{id}")
def one_schedule(state: StripeState, params: Params, id: str) -> Answer:
    """One schedule."""
    check_names(params, ())
    if id not in state.schedules:
        raise no_such("subscription_schedule", id, "schedule", 404)
    return answer(200, state.schedules[id])


@reads.on("GET", "/v1/prices")
def prices(state: StripeState, params: Params) -> Answer:
    """All prices."""
    check_names(params, {*PAGES, "active", "type", "currency", "product", "lookup_keys", "recurring"})
    active = boolean(params, "active")
    found = [one for one in state.prices.values()
             if active in (None, one["active"]) and params.get("type", one["type"]) == one["type"]]
    return page(expanded(state, found, params), params, "/v1/prices")


@reads.on("GET", "/v1/prices/{id}")
def one_price(state: StripeState, params: Params, id: str) -> Answer:
    """One price."""
    check_names(params, ())
    found = state.price(id)
    if found is None:
        raise no_such("price", id, "price", 404)
    return answer(200, expanded(state, [found], params, "")[0])


@reads.on("GET", "/v1/coupons")
def coupons(state: StripeState, params: Params) -> Answer:
    """All coupons, valid or not."""
    check_names(params, PAGES)
    return page(expanded(state, state.coupons.values(), params), params, "/v1/coupons")


@reads.on("GET", "/v1/coupons/{id}")
def one_coupon(state: StripeState, params: Params, id: str) -> Answer:
    """One coupon."""
    check_names(params, ())
    found = state.coupon(id)
    if found is None:
        raise no_such("coupon", id, "coupon", 404)
    return answer(200, found)


@reads.on("GET", "/v1/promotion_codes")
def promotion_codes(state: StripeState, params: Params) -> Answer:
    """All promotion codes, or one by what a customer types, in which capitals do not count."""
    check_names(params, {*PAGES, "active", "code", "coupon", "customer"})
    active, code = boolean(params, "active"), params.get("code", "").lower()
    found = [one for one in state.promotion_codes.values()
             if active in (None, one["active"]) and code in ("", one["code"].lower())]
    return page(expanded(state, found, params), params, "/v1/promotion_codes")


@reads.on("GET", "/v1/promotion_codes/{id}")
def one_promotion_code(state: StripeState, params: Params, id: str) -> Answer:
    """One promotion code."""
    check_names(params, ())
    found = state.promotion_code(id)
    if found is None:
        raise no_such("promotion_code", id, "promotion_code", 404)
    return answer(200, found)
