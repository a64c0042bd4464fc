"""Chargify, now Maxio Advanced Billing: subscriptions and coupons. https://developers.maxio.com/.

The API has no versions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.billing import _chargify_lookups as lookups
from connectors.billing._chargify_forms import AddCoupon, CancelSubscription, ChargifySettings, CreateSubscription
from connectors.billing._chargify_lookups import Row, explain, read
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    Rejected,
    Repeat,
    Request,
    Sign,
    all_of,
    get,
    post,
    segment,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.http import JSON, build
from connectors.kit.moment import moment

POLLS = (0.0, 5.0, 15.0, 40.0, 60.0)
"""Seconds to wait before each look after a duplicate: together the time after which Chargify cuts a request off."""
SLACK = 60.0
"""Seconds by which the publisher's clock may be ahead of Chargify's."""
GATEWAY = 125.0
"""Seconds that a request may take in which a card is charged."""
USER = all_of("chargify_id")


def signer(settings: ChargifySettings) -> Sign:
    """Basic with the key as user and the letter x as password."""
    credentials = basic(settings.api_key.get_secret_value(), "x")
    return sign_with(settings.address, {"Authorization": credentials, "Accept": JSON})


def check(settings: ChargifySettings) -> CheckFlow:
    """Name the site; a key that may not see it must at least see plans."""
    answer = yield get("/site.json", step="site", look_at=[403, 404])
    if not answer.ok:
        yield get("/products.json", query={"per_page": 1}, step="products")
    test = answer.member("site", "test")
    return Account(str(answer.member("site", "name") or settings.domain),
                   "" if test is None else "sandbox" if test else "live")


connector = Connector(
    id="chargify", title="Chargify (Maxio Advanced Billing)", category="billing", settings=ChargifySettings,
    signer=signer, read=read, check=check,
    help="Creates, cancels and discounts subscriptions. Users are found by the synced attribute chargify_id, the"
         " customer's id in Maxio.",
    docs="https://developers.maxio.com/", api_version="unversioned",
    options={"products": lookups.products, "price_points": lookups.price_points, "coupons": lookups.coupons,
             "reason_codes": lookups.reason_codes},
    # Four requests of a site at a time, everybody's together; more are slowed down and then refused.
    limits=Limits(concurrency=2, timeout=60.0),
    confidence="Not tried against a live site. Unverified: that chargify_id is the customer's id, whether uniqueness"
               " tokens are obeyed for coupons and delayed cancellations, the form of a 3-D Secure refusal.",
)


def _tokened(call: Call[Any, Any], path: str, step: str, body: Row, **more: Any) -> Request:
    """A POST that Chargify takes once within an hour; it answers a repeat with 409 and no result."""
    token = call.key(step)
    return post(path, json={**body, "uniqueness_token": token}, step=step, look_at=[409], **more)


def _path(subscription: Row, part: str = "") -> str:
    return f"/subscriptions/{segment(subscription['id'])}{part}.json"


def _done(subscription: Row, note: Any = "") -> Done:
    return Done(str(subscription["id"]), note, {"state": str(subscription.get("state") or "")})


def _after_duplicate(call: Call[Any, Any], ours: Callable[[Row], bool]) -> Flow:
    """An earlier try has arrived: look until it shows, or until it must have ended without effect."""
    for wait in POLLS:
        rows = yield from lookups.subscriptions(call, wait=wait)
        for row in rows:
            if ours(row):
                return _done(row)
    raise Rejected("refused_before", "Chargify had this request before and has done nothing: it was refused then;"
                                     " replay it to see why", status=409)


@connector.action(
    "create_subscription", "Create a subscription", params=CreateSubscription, requires=USER,
    repeat=Repeat.LOOK_BEFORE,
    help="Subscribes the customer to a plan, paid by the default payment method in Maxio. The subscription's reference"
         " holds an id of ours, by which a repeat is recognised.",
)
def create_subscription(call: Call[ChargifySettings, CreateSubscription]) -> Flow:
    """Create a subscription, unless the customer has the plan, or this very event made one."""
    want, rows = call.params, (yield from lookups.subscriptions(call))

    def ours(row: Row) -> bool:
        """Whether an earlier try of this action made it."""
        return row.get("reference") == call.outcome_id

    for row in filter(ours, rows):
        return _done(row)
    running = lookups.in_state(lookups.on_product(rows, want.product_id), *lookups.LIVE)
    if running and want.if_subscribed == "already_done":
        return _done(running[0], "already_done")
    body = {"subscription": _new_subscription(call)}
    answer = yield _tokened(call, "/subscriptions.json", "subscribe", body, timeout=GATEWAY)
    if answer.status == 409:
        return (yield from _after_duplicate(call, ours))
    return _done(answer.member("subscription") or {"id": ""})


def _new_subscription(call: Call[Any, CreateSubscription]) -> Row:
    want = call.params
    by_id = want.product_id.isascii() and want.product_id.isdecimal()
    product: Row = {"product_id": int(want.product_id)} if by_id else {"product_handle": want.product_id}
    return {
        **product,
        **({"product_price_point_id": want.product_price_point_id} if want.product_price_point_id else {}),
        "customer_id": lookups.customer(call),
        **({"coupon_codes": want.coupon_codes} if want.coupon_codes else {}),
        "payment_collection_method": want.payment_collection_method,
        "reference": call.outcome_id,
    }


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelSubscription, requires=USER,
    repeat=Repeat.LOOK_BEFORE,
    help="Ends the customer's newest live subscription to a plan, at once or at the end of what is paid for.",
)
def cancel_subscription(call: Call[ChargifySettings, CancelSubscription]) -> Flow:
    """End one subscription: one that was canceled since the interaction is the one, so that no second follows."""
    rows = lookups.on_product((yield from lookups.subscriptions(call)), call.params.product_id)
    ended = lookups.in_state(rows, *lookups.ENDED)
    just = [row for row in ended if moment(row.get("canceled_at")) >= call.event.time / 1000 - SLACK]
    if just or (ended and not lookups.in_state(rows, *lookups.LIVE)):
        return _done((just or ended)[0], "already_done")
    subscription = lookups.live_subscription(call, rows)
    if call.params.when == "immediately":
        return (yield from _cancel_now(call, subscription))
    if subscription.get("cancel_at_end_of_period") is True:
        return _done(subscription, "already_done")
    return (yield from _cancel_later(call, subscription))


def _reasons(call: Call[Any, CancelSubscription]) -> Row:
    said = {"cancellation_message": call.params.cancellation_message, "reason_code": call.params.reason_code}
    return {name: text for name, text in said.items() if text}


def _cancel_now(call: Call[Any, CancelSubscription], subscription: Row) -> Flow:
    """A DELETE, which knows no token; its body is left out where it would be empty."""
    reasons = _reasons(call)
    answer = yield build("DELETE", _path(subscription), json={"subscription": reasons} if reasons else None,
                         headers={"Content-Type": JSON}, step="cancel", look_at=[422])
    if answer.status != 422:
        return _done(answer.member("subscription") or {**subscription, "state": "canceled"})
    fresh = yield get(_path(subscription), step="read_again")
    if fresh.member("subscription", "state") not in lookups.ENDED:
        raise Rejected(*explain(answer), status=422)
    return _done(fresh.member("subscription"), "already_done")


def _cancel_later(call: Call[Any, CancelSubscription], subscription: Row) -> Flow:
    body = {"subscription": _reasons(call)}
    answer = yield _tokened(call, _path(subscription, "/delayed_cancel"), "cancel_later", body)

    def ours(row: Row) -> bool:
        """Whether the subscription is to end."""
        ends = row.get("cancel_at_end_of_period") is True or row.get("state") in lookups.ENDED
        return bool(row.get("id") == subscription["id"] and ends)

    if answer.status == 409:
        return (yield from _after_duplicate(call, ours))
    return _done(subscription)


@connector.action(
    "add_coupon", "Add a coupon code", params=AddCoupon, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Adds a coupon to the customer's newest live subscription to a plan; the coupons on it stay.",
)
def add_coupon(call: Call[ChargifySettings, AddCoupon]) -> Flow:
    """Add the code, unless it is there."""
    code = call.params.coupon_code
    subscription = lookups.live_subscription(call, (yield from lookups.subscriptions(call)))
    if lookups.has_coupon(subscription, code):
        return _done(subscription, "already_done")
    answer = yield _tokened(call, _path(subscription, "/add_coupon"), "coupon", {"codes": [code]})
    if answer.status == 409:
        same = subscription["id"]
        return (yield from _after_duplicate(call, lambda row: row["id"] == same and lookups.has_coupon(row, code)))
    return _done(answer.member("subscription") or subscription)
