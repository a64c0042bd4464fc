"""Vindicia Subscribe (CashBox): products, campaigns and billing dates of subscriptions.

Subscribe REST API, which has no versions, https://knowledge.vindicia.com/For_Developers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.billing import _vindicia_lookups as lookups
from connectors.billing._vindicia_forms import (
    ADDRESSES,
    AddCampaign,
    AddProduct,
    CancelSubscription,
    DelayBilling,
    ReplaceProduct,
    VindiciaSettings,
)
from connectors.billing._vindicia_lookups import Row, read
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Limits,
    Rejected,
    Repeat,
    Sign,
    any_of,
    get,
    post,
    segment,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.http import JSON

CANCEL = "/actions/cancel"
DELAY = "/billing_day_changes"
USER = any_of("vindicia_subscription_id", "vindicia_account_id")


def signer(settings: VindiciaSettings) -> Sign:
    """Basic with API user and password."""
    return sign_with(settings.address, {"Authorization": basic(settings.username, settings.password), "Accept": JSON})


def check(settings: VindiciaSettings) -> CheckFlow:
    """A look at one product; the API does not name the merchant."""
    yield get(lookups.PRODUCTS, query={"limit": 1}, step="products")
    mode = {ADDRESSES["production"]: "live", ADDRESSES["prodtest"]: "sandbox"}
    return Account(settings.username, mode.get(settings.address.rstrip("/"), ""))  # type: ignore[arg-type]


connector = Connector(
    id="vindicia", title="Vindicia Subscribe", category="billing", settings=VindiciaSettings, signer=signer, read=read,
    check=check,
    help="Replaces and adds products, gives discounts, moves billing dates and cancels. Users are found by the synced"
         " attribute vindicia_subscription_id, else by vindicia_account_id.",
    docs="https://knowledge.vindicia.com/For_Developers", api_version="unversioned",
    request_id_header=lookups.REQUEST_ID,
    options={"products": lookups.products, "campaigns": lookups.campaigns, "billing_plans": lookups.billing_plans},
    limits=Limits(concurrency=4, timeout=60.0),  # the vendor names none: carefully few
    confidence="Built from the vendor's published samples, not tried against a live account. Low confidence: Add"
               " campaign (replaces a product by itself to carry the code: try it in ProdTest first), the members of"
               " error answers, a refused payment coming as 402, rate limits.",
)


def _path(subscription: Row, part: str = "") -> str:
    return f"{lookups.SUBSCRIPTIONS}/{segment(subscription.get('id') or subscription.get('vid'))}{part}"


def _done(subscription: Row, note: Any = "", **detail: str) -> Done:
    reference = str(subscription.get("vid") or subscription.get("id"))
    return Done(reference, note, {"status": str(subscription.get("status") or ""), **detail})


def _ours(call: Call[Any, Any], subscription: Row, **detail: str) -> Done:
    """The end where our item is in the subscription, from this try or from an earlier one."""
    return _done(subscription, item=call.outcome_id, **detail)


def _item(call: Call[Any, Any], product: str, code: str, replaces: str = "") -> Row:
    """A new item under an id of ours, by which a repeat is recognised."""
    item: Row = {"object": "SubscriptionItem", "id": call.outcome_id, "product": {"object": "Product", "id": product}}
    if code:
        item["campaign_code"] = code
    if replaces:
        item["replaces"] = {"object": "SubscriptionItem", "product": {"object": "Product", "id": replaces}}
    return item


def _put(call: Call[Any, Any], subscription: Row, item: Row, step: str, *, prorated: bool | None, plan: str = "",
         **detail: str) -> Flow:
    """Update the subscription with one item; those that are not named stay as they are."""
    name = "id" if subscription.get("id") else "vid"
    body: Row = {"object": "Subscription", name: subscription.get(name), "items": [item]}
    if plan:
        body["billing_plan"] = {"object": "BillingPlan", "id": plan}
    query = {"effective_date": call.params.effective_date, "bill_prorated_period": prorated}
    answer = yield post(_path(subscription), query=query, json=body, step=step)
    return _ours(call, {**subscription, **answer.json}, **detail)


def _prorated(want: ReplaceProduct | AddProduct) -> bool | None:
    """Nothing is prorated at the next bill: the vendor's sample leaves it out then."""
    return want.bill_prorated_period if want.effective_date == "today" else None


@connector.action(
    "replace_product", "Replace product", params=ReplaceProduct, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Swaps one product of the user's subscription for another: an upgrade or a downgrade. Of several"
         " subscriptions it is the one with the product to be replaced.",
)
def replace_product(call: Call[VindiciaSettings, ReplaceProduct]) -> Flow:
    """Replace a product, unless it has been replaced."""
    want, rows = call.params, (yield from lookups.subscriptions(call))
    earlier = lookups.made_by(call, rows, want.product_id)
    if earlier:
        return _ours(call, earlier)
    active = lookups.running(call, rows)
    old = want.replaces_product_id or _only_product(active[0])
    holding = [row for row in active if lookups.holds(row, old)]
    if old == want.product_id or not holding:
        return _replaced_before(active, want)
    if lookups.holds(holding[0], want.product_id):
        raise Rejected("has_both_products", "the subscription has the new product beside the old one already")
    item = _item(call, want.product_id, want.campaign_code, replaces=old)
    return (yield from _put(call, holding[0], item, "replace", prorated=_prorated(want), plan=want.billing_plan_id))


def _only_product(subscription: Row) -> str:
    found = lookups.items(subscription)
    if len(found) != 1:
        raise Rejected("several_products" if found else "no_product", f"the subscription has {len(found)} products:"
                                                                      " let the binding name the one to be replaced")
    product = found[0].get("product") or {}
    return str(product.get("id") or product.get("vid"))


def _replaced_before(active: list[Row], want: ReplaceProduct) -> Done:
    for row in active:
        if lookups.holds(row, want.product_id):
            return _done(row, "already_done")
    raise Rejected("product_not_found", "no active subscription of the user has the product to be replaced")


@connector.action(
    "add_product", "Add product", params=AddProduct, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Adds a product to the user's subscription; of several, to the newest active one. Other products stay.",
)
def add_product(call: Call[VindiciaSettings, AddProduct]) -> Flow:
    """Add a product, unless it is there."""
    want, rows = call.params, (yield from lookups.subscriptions(call))
    earlier = lookups.made_by(call, rows, want.product_id)
    if earlier:
        return _ours(call, earlier)
    subscription = lookups.running(call, rows)[0]
    if lookups.holds(subscription, want.product_id):
        return _done(subscription, "already_done")
    item = _item(call, want.product_id, want.campaign_code)
    return (yield from _put(call, subscription, item, "add", prorated=_prorated(want)))


@connector.action(
    "add_campaign", "Add campaign", params=AddCampaign, requires=USER, repeat=Repeat.LOOK_BEFORE,
    form_inputs=[FormInput("coupon_code", "Coupon code", required=False)],
    help="Puts a promotion or coupon on a product of the subscription. Low confidence: the API shows codes on new"
         " items only, so the product is replaced by itself; try it in ProdTest before users see it.",
)
def add_campaign(call: Call[VindiciaSettings, AddCampaign]) -> Flow:
    """Replace an item by one of the same product that carries the code, unless the campaign is on it."""
    want, code = call.params, call.form("coupon_code") or call.params.campaign_code
    rows = yield from lookups.subscriptions(call)
    earlier = lookups.made_by(call, rows)
    if earlier:
        return _ours(call, earlier, campaign_code=code)
    subscription, item = _discounted(lookups.running(call, rows), want.product_id)
    there = lookups.campaigns_on(subscription, item)
    if there and (yield from lookups.campaign_named(code)) in there:
        return _done(subscription, "already_done", campaign_code=code)
    product = str(item["product"].get("id") or item["product"].get("vid"))
    new = _item(call, product, code, replaces=product)
    return (yield from _put(call, subscription, new, "campaign", prorated=False, campaign_code=code))


def _discounted(active: list[Row], product: str) -> tuple[Row, Row]:
    """The subscription and its item that the discount is for."""
    for row in active:
        for one in lookups.items(row):
            if lookups.is_of(one, product) or (not product and one.get("product")):
                return row, one
    raise Rejected("product_not_found", "no active subscription of the user has a product that the discount is for")


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelSubscription, requires=USER,
    repeat=Repeat.LOOK_BEFORE,
    help="Stops renewal, and ends access at once where you say so. Users whose account has several active"
         " subscriptions are refused unless vindicia_subscription_id is synced.",
)
def cancel_subscription(call: Call[VindiciaSettings, CancelSubscription]) -> Flow:
    """End the only active subscription; of several none, since a repeat would end another one."""
    rows = yield from lookups.subscriptions(call)
    ended = [row for row in rows if row.get("status") in lookups.ENDING]
    active = [row for row in rows if row.get("status") not in lookups.ENDING]
    if ended and not active:
        return _done(ended[0], "already_done")
    active = lookups.running(call, active)
    if len(active) > 1:
        raise Rejected("several_subscriptions", f"the account has {len(active)} active subscriptions: sync"
                                                " vindicia_subscription_id to name the one to cancel")
    query = {"disentitle": call.params.disentitle, "settle": call.params.settle}
    answer = yield post(_path(active[0], CANCEL), query=query, step="cancel")
    return _done({**active[0], **answer.json})


@connector.action(
    "delay_billing", "Move the next billing date", params=DelayBilling, requires=USER, repeat=Repeat.NEVER,
    help="The next bill comes so many days later. The date says nothing of who moved it: where an answer is lost,"
         " a person looks at the subscription's next billing date.",
)
def delay_billing(call: Call[VindiciaSettings, DelayBilling]) -> Flow:
    """Move the next bill to a date; without a next bill there is nothing to move."""
    rows = yield from lookups.subscriptions(call)
    subscription = lookups.running(call, rows)[0]
    bill = str((subscription.get("next_billing") or {}).get("created") or "")
    try:
        day = datetime.fromisoformat(bill).date() + timedelta(days=call.params.days)
    except (ValueError, OverflowError):
        raise Rejected("nothing_to_delay", "the subscription has no next bill") from None
    query = {"to_date": day.isoformat(), "perm": call.params.permanent}
    answer = yield post(_path(subscription, DELAY), query=query, step="delay")
    return _done({**subscription, **answer.json}, next_billing=day.isoformat())
