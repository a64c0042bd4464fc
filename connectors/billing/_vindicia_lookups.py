"""What the Vindicia connector reads: answers and their errors, pick lists, the user's subscriptions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from connectors.kit import (
    Call,
    Failure,
    Option,
    OptionsFlow,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
    get,
    segment,
)
from connectors.kit.moment import moment

PRODUCTS = "/products"
CAMPAIGNS = "/campaigns"
BILLING_PLANS = "/billing_plans"
SUBSCRIPTIONS = "/subscriptions"
CODES = ("code", "error_code", "type")
"""Members of an Error in which its code may stand: the vendor's samples show none."""
REQUEST_ID = "request-id"
ACTIVE = "Active"
ENDING = ("Pending Cancel", "Cancelled")
SIZE, PAGES = 100, 50
"""Entries of a page, and most pages of a list that are read."""
SLACK = 60.0
"""Seconds by which the publisher's clock may be ahead of Vindicia's."""

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]


# -- answers


def explain(response: Response) -> tuple[str, str]:
    """The error's code, and its whole body: nobody knows which member says why."""
    code = next((str(found) for name in CODES if (found := response.member(name))), "")
    if response.status == 402:
        code = "payment_refused"
    return code or f"http_{response.status}", response.text[:500] or "no reason was given"


def read(request: Request, response: Response) -> Failure | None:
    """Status, and the Error that can hide in a success."""
    known: Row = {"status": response.status, "request_id": response.headers.get(REQUEST_ID, "")}
    code, message = explain(response)
    if not response.ok:
        return failure(response, code, message, request_id=known["request_id"])
    if response.member("object") == "Error":
        return Rejected(code if not code.startswith("http_") else "refused", message, **known)
    if not isinstance(response.json, dict):
        return Unavailable("unreadable_answer", "a success without an object in it", unknown=request.effect, **known)
    return None


# -- lists


def listed(path: str, step: str, **query: Any) -> Rows:
    """All entries of a list; only a path of the same host is followed."""
    rows: list[Row] = []
    request = get(path, query={"limit": SIZE, **query}, step=step)
    for _ in range(PAGES):
        answer = yield request
        rows += data(answer.json)
        following = answer.member("next")
        if not isinstance(following, str) or not following.startswith("/"):
            break
        request = get(following, step=step)
    return rows


def data(found: Any) -> list[Row]:
    """The objects in a List; none where there is no list."""
    rows = found.get("data") if isinstance(found, dict) else None
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


def products(_settings: object) -> OptionsFlow:
    """Products that are not suspended, by their description."""
    rows = yield from listed(PRODUCTS, "products")
    return [Option(str(row["id"]), _description(row)) for row in rows if row.get("status", ACTIVE) == ACTIVE]


def campaigns(_settings: object) -> OptionsFlow:
    """Promotions that run; coupon campaigns have many codes and hence stand in no list."""
    rows = yield from listed(CAMPAIGNS, "campaigns")
    return [Option(str(row["promotion_code"]), f"{row.get('description') or row.get('id')} ({row['promotion_code']})")
            for row in rows if row.get("state") == ACTIVE and row.get("promotion_code")]


def billing_plans(_settings: object) -> OptionsFlow:
    """Billing plans in use."""
    rows = yield from listed(BILLING_PLANS, "billing_plans", status="active")
    return [Option(str(row["id"]), str(row.get("description") or row["id"])) for row in rows]


def _description(product: Row) -> str:
    texts = data(product.get("descriptions"))
    text = str(texts[0].get("description") or "") if texts else ""
    return f"{text} ({product['id']})" if text else str(product["id"])


def campaign_named(code: str) -> Generator[Request, Response, str]:
    """The id of the campaign with this promotion code; "" for one-time coupon codes, which no list shows."""
    rows = yield from listed(CAMPAIGNS, "campaigns")
    return next((str(row.get("id")) for row in rows if str(row.get("promotion_code")).lower() == code.lower()), "")


# -- the user's subscriptions


def subscriptions(call: Call[Any, Any]) -> Rows:
    """The synced subscription, else all of the synced account, the newest first."""
    known = call.attribute("vindicia_subscription_id")
    if known:
        answer = yield get(f"{SUBSCRIPTIONS}/{segment(known)}", step="subscription", look_at=[404])
        if answer.status == 404:
            raise Rejected("subscription_not_found", "Vindicia has no subscription with the user's"
                                                     " vindicia_subscription_id", status=404)
        return [answer.json] if isinstance(answer.json, dict) else []
    account = call.first("vindicia_account_id")
    rows = yield from listed(SUBSCRIPTIONS, "subscriptions", account=account)
    return sorted(rows, key=lambda row: moment(row.get("starts")), reverse=True)


def running(call: Call[Any, Any], rows: Iterable[Row]) -> list[Row]:
    """Those that are active, and the one that the user is synced with whatever its status; never an empty list."""
    synced = bool(call.attribute("vindicia_subscription_id"))
    found = [row for row in rows if synced or row.get("status") == ACTIVE]
    if not found:
        raise Rejected("no_active_subscription", "the user's Vindicia account has no active subscription")
    return found


def items(subscription: Row) -> list[Row]:
    """What is in a subscription and stays there."""
    return [one for one in data(subscription.get("items")) if not one.get("ends")]


def is_of(item: Row, product: str) -> bool:
    """Whether an item is of a product, named by either of its ids."""
    known = item.get("product") or {}
    return bool(product) and product in (known.get("id"), known.get("vid"))


def holds(subscription: Row, product: str) -> bool:
    """Whether a product is in a subscription and stays there."""
    return any(is_of(one, product) for one in items(subscription))


def made_by(call: Call[Any, Any], rows: Sequence[Row], product: str = "") -> Row | None:
    """The subscription that an earlier try has changed: it holds our item, or a new one of the product.

    One of the vendor's samples shows another item id than was sent, hence the second mark.
    """
    since = call.event.time / 1000 - SLACK
    for row in rows:
        for one in data(row.get("items")):
            fresh = is_of(one, product) and moment(one.get("created")) >= since
            if fresh or one.get("id") == call.outcome_id:
                return row
    return None


def campaigns_on(subscription: Row, item: Row) -> set[str]:
    """Ids of the campaigns that discount an item: those on tickets, and those of the last and the next bill."""
    found = {str(one.get("campaign_id")) for one in item.get("discount_tickets") or [] if isinstance(one, dict)}
    for bill in ("most_recent_billing", "next_billing"):
        for line in data((subscription.get(bill) or {}).get("items")):
            if line.get("campaign_id") and is_of(item, str(line.get("sku"))):
                found.add(str(line["campaign_id"]))
    return found
