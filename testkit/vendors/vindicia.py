"""Vindicia: accounts with subscriptions of items; updates that take the caller's item ids, without any key.

By rule, every account has one active subscription, sub-<account>, with the product `basic`; accounts and subscriptions
whose id begins with `missing` do not exist; of those that begin with `poor` no prorated amount can be collected.
"""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

USERNAME = "vindicia_emulator_soap"
PASSWORD = "vindicia-emulator-password"  # noqa: S105 - opens nothing but the emulator
PRODUCTS = {"basic": "Basic", "premium": "Premium", "addon": "Sports", "old": "Old"}
CAMPAIGNS = {"ANNUAL10": "AIP_10", "WINBACK": "WIN_50"}
"""Ids of campaigns by their promotion code."""
COUPONS = {"ONCE-1": "COUPON_20"}
"""Ids of campaigns by one-time code."""
PLANS = {"MONTHLY": "Monthly", "ANNUAL": "Annual"}
DAY = 86_400

Row = dict[str, Any]
routes: Routes[Vindicia] = Routes()


def vid(id: str) -> str:
    """Vindicia's own id of an object."""
    return sha1(id.encode(), usedforsecurity=False).hexdigest()


def many(rows: Sequence[Row], following: str = "") -> Row:
    """A List."""
    more = {"next": following} if following else {}
    return {"object": "List", "data": list(rows), "total_count": len(rows), "url": "/", **more}


def refuse(status: int, code: str, message: str) -> Refused:
    """The exception that ends a request with an Error."""
    return Refused(answer(status, {"object": "Error", "code": code, "message": message}))


class Vindicia(Vendor):
    """The emulated merchant account."""

    name = "vindicia"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.subscriptions: dict[str, Row] = {}
        self.used: set[str] = set()

    def serve(self, ask: Ask) -> Answer:
        """Check the API user, then answer."""
        if ask.basic != (USERNAME, PASSWORD):
            raise refuse(401, "401", "Unable to authenticate")
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise refuse(404, "404", f"no such operation: {ask.method} {ask.path}")
        return found[0](self, ask, **found[1]).with_headers(("Request-Id", f"soap-{self.world.number()}"))

    def stamp(self, seconds: float = 0.0) -> str:
        """A moment from now, as Vindicia writes it."""
        return datetime.fromtimestamp(int(self.world.now() + seconds), UTC).isoformat()

    def of_account(self, account: str) -> list[Row]:
        """Its subscriptions."""
        if is_missing(account):
            raise refuse(404, "404", "No such account")
        if f"sub-{account}" not in self.subscriptions:
            self.add(f"sub-{account}", account, ["basic"])
        return [one for one in self.subscriptions.values() if one["account"]["id"] == account]

    def subscription(self, name: str) -> Row:
        """A subscription by either of its ids."""
        if name.startswith("sub-"):
            self.of_account(name.removeprefix("sub-"))
        for one in self.subscriptions.values():
            if name in (one["id"], one["vid"]):
                return one
        raise refuse(404, "404", "No such subscription")

    def add(self, id: str, account: str, products: Sequence[str], **more: Any) -> Row:
        """A subscription with some products."""
        items = [self.item(f"{id}-{product}", product) | {"created": self.stamp(-30 * DAY)} for product in products]
        self.subscriptions[id] = {
            "object": "Subscription", "id": id, "vid": vid(id), "account": {"object": "Account", "id": account},
            "status": "Active", "billing_state": "Good Standing", "currency": "USD", "items": many(items),
            "billing_plan": {"object": "BillingPlan", "id": "MONTHLY"}, "starts": self.stamp(-30 * DAY),
            "next_billing": {"object": "Transaction", "created": self.stamp(10 * DAY), "currency": "USD"}, **more,
        }
        return self.subscriptions[id]

    def item(self, id: str, product: str) -> Row:
        """An item of a product that exists."""
        if product not in PRODUCTS:
            raise refuse(400, "400", f"Product {product} cannot be used")
        return {"object": "SubscriptionItem", "id": id, "vid": vid(id), "quantity": 1, "created": self.stamp(),
                "starts": self.stamp(), "product": {"object": "Product", "id": product, "vid": vid(product)}}

    def done(self, kind: str, one: Row, mark: str = "") -> Answer:
        """Note an effect and show the subscription."""
        self.note(kind, one["account"]["id"], mark=mark, subscription=one["id"])
        return answer(200, one)

    def error(self, status: int) -> Answer:
        """Vindicia's error body for a status."""
        return refuse(status, str(status), "refused by the emulator's script").reply

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """An Error inside a success."""
        return refuse(200, "400", "refused by the emulator's script").reply

    def state(self) -> Mapping[str, Any]:
        """Subscriptions by id."""
        return copy.deepcopy({"subscriptions": self.subscriptions})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (account, id, products, and any members)."""
        if what != "subscription":
            return super().seed(what, values)
        more = dict(values)
        self.of_account(more["account"])
        return self.add(more.pop("id"), more.pop("account"), more.pop("products", ["basic"]), **more)["id"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.subscriptions.clear()
        self.used.clear()


def paged(ask: Ask, rows: Sequence[Row]) -> Answer:
    """One page; the next one is named by its path."""
    size = int(ask.value("limit", "100"))
    start = next((place + 1 for place, row in enumerate(rows) if row["id"] == ask.value("starting_after")), 0)
    page = rows[start:start + size]
    kept = "&".join(f"{name}={value}" for name, value in ask.query if name != "starting_after")
    more = f"{ask.path}?{kept}&starting_after={page[-1]['id']}" if start + size < len(rows) else ""
    return answer(200, many(page, more))


@routes.on("GET", "/products")
def products(_vendor: Vindicia, ask: Ask) -> Answer:
    """All products."""
    return paged(ask, [
        {"object": "Product", "id": id, "vid": vid(id), "status": "Suspended" if id == "old" else "Active",
         "descriptions": many([{"object": "ProductDescription", "language": "EN", "description": text}])}
        for id, text in PRODUCTS.items()])


@routes.on("GET", "/campaigns")
def campaigns(_vendor: Vindicia, ask: Ask) -> Answer:
    """All campaigns."""
    promotions = [{"object": "Campaign", "id": id, "vid": vid(id), "campaign_type": "Promotion", "state": "Active",
                   "promotion_code": code} for code, id in CAMPAIGNS.items()]
    coupons = [{"object": "Campaign", "id": id, "vid": vid(id), "campaign_type": "Coupon", "state": "Active"}
               for id in COUPONS.values()]
    return paged(ask, promotions + coupons)


@routes.on("GET", "/billing_plans")
def billing_plans(_vendor: Vindicia, ask: Ask) -> Answer:
    """All billing plans."""
    return paged(ask, [{"object": "BillingPlan", "id": id, "vid": vid(id), "status": "Active", "description": text}
                       for id, text in PLANS.items()])


@routes.on("GET", "/subscriptions")
def of_account(vendor: Vindicia, ask: Ask) -> Answer:
    """An account's subscriptions."""
    return paged(ask, vendor.of_account(ask.value("account")))


@routes.on("GET", "/subscriptions/{name}")
def one_subscription(vendor: Vindicia, _ask: Ask, name: str) -> Answer:
    """One subscription."""
    return answer(200, vendor.subscription(name))


@routes.on("POST", "/subscriptions/{name}")
def update(vendor: Vindicia, ask: Ask, name: str) -> Answer:
    """Put items in; each may replace one."""
    one, given = vendor.subscription(name), ask.json
    if not isinstance(given, dict) or given.get("object") != "Subscription" or not given.get("items"):
        raise refuse(400, "400", "A Subscription with items is expected")
    if ask.value("effective_date") not in ("today", "nextBill") or one["status"] != "Active":
        raise refuse(400, "400", "The subscription cannot be changed")
    if one["account"]["id"].startswith("poor") and ask.value("bill_prorated_period") == "true":
        raise refuse(402, "402", "Payment was refused")
    made = [_new_item(vendor, one, item) for item in given["items"]]
    later = ask.value("effective_date") == "nextBill"
    for new in made:
        _place(one, new, later=later)
    plan = (given.get("billing_plan") or {}).get("id")
    if plan:
        one["billing_plan"]["id"] = plan
    kind = "item.replaced" if "replaces" in made[0] else "item.added"
    return vendor.done(kind, one, made[0]["id"])


def _new_item(vendor: Vindicia, one: Row, given: Row) -> Row:
    new = vendor.item(str(given["id"]), str(given["product"]["id"]))
    code = given.get("campaign_code")
    if code:
        campaign = CAMPAIGNS.get(code) or COUPONS.get(code)
        if campaign is None or (code in COUPONS and code in vendor.used):
            raise refuse(400, "400", f"Campaign code {code} is not valid")
        vendor.used.add(code)
        new["discount_tickets"] = [{"object": "DiscountTicket", "campaign_id": campaign, "added_date": new["created"]}]
    if given.get("replaces"):
        wanted = given["replaces"]["product"]["id"]
        there = [item for item in one["items"]["data"] if item["product"]["id"] == wanted and not item.get("ends")]
        if not there:
            raise refuse(400, "400", f"There is no item of {wanted}")
        new["replaces"] = {"object": "SubscriptionItem", "id": there[0]["id"], "vid": there[0]["vid"]}
    return new


def _place(one: Row, new: Row, *, later: bool) -> None:
    """Let the new item in; what it replaces goes now, or ends with the period."""
    rows = one["items"]["data"]
    old = (new.get("replaces") or {}).get("id")
    if later:
        new["starts"] = one["next_billing"]["created"]
        for row in rows:
            if row["id"] == old:
                row["ends"] = new["starts"]
    else:
        rows = [row for row in rows if row["id"] != old]
    one["items"] = many([*rows, new])


@routes.on("POST", "/subscriptions/{name}/actions/cancel")
def cancel(vendor: Vindicia, ask: Ask, name: str) -> Answer:
    """Stop renewal, or end access."""
    one = vendor.subscription(name)
    if one["status"] == "Cancelled":
        raise refuse(400, "400", "The subscription is cancelled")
    one["status"] = "Cancelled" if ask.value("disentitle") == "true" else "Pending Cancel"
    one["billing_state"] = "Billing Completed"
    one.pop("next_billing", None)
    return vendor.done("subscription.cancelled", one)


@routes.on("POST", "/subscriptions/{name}/billing_day_changes")
def delay(vendor: Vindicia, ask: Ask, name: str) -> Answer:
    """Move the next bill."""
    one = vendor.subscription(name)
    try:
        day = datetime.fromisoformat(ask.value("to_date")).replace(tzinfo=UTC)
    except ValueError:
        raise refuse(400, "400", "to_date is no date") from None
    if "next_billing" not in one:
        raise refuse(400, "400", "There is no next bill")
    one["next_billing"]["created"] = day.isoformat()
    return vendor.done("billing.delayed", one)
