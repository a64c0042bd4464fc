"""What the Chargify connector reads: answers and their errors, pick lists, the user's subscriptions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
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
    retry_after,
    segment,
)
from connectors.kit.moment import moment

PAGE, PAGES = 200, 20
"""Entries of a page, and most pages of a list that are read."""
PAUSE = 120.0
"""Seconds to keep still after a usage violation: a few minutes, as the vendor asks without a header."""
LIVE = ("active", "assessing", "pending", "trialing", "paused", "past_due", "soft_failure", "unpaid")
"""States of a subscription that runs, the last three with unpaid bills."""
ENDED = ("canceled", "expired")

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]


def _texts(found: Any) -> Iterator[str]:
    """All texts in an error body, in whatever form it comes."""
    if isinstance(found, str):
        yield found
    for one in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from _texts(one)


def explain(response: Response) -> tuple[str, str]:
    """A code of ours, since Chargify has only texts, and the texts."""
    body = response.json if isinstance(response.json, dict) else {}
    known = {name: one for name, one in body.items() if name != "action_link"}
    message = "; ".join(_texts(known)) or response.text[:200] or "no reason was given"
    if "action_link" in body:
        return "needs_customer_action", f"{message} (the customer must confirm the payment: 3-D Secure)"
    if {"codes", "coupon_code", "coupon_codes"} & body.keys():
        return "coupon_refused", message
    return "subscription_refused" if "subscription" in body else f"http_{response.status}", message


def read(request: Request, response: Response) -> Failure | None:
    """Status and texts."""
    status = response.status
    if response.ok:
        return None if isinstance(response.json, (dict, list)) else Unavailable(
            "unreadable_answer", "a success without JSON in it", status=status, unknown=request.effect)
    code, message = explain(response)
    if status == 408:
        return Unavailable(code, message, status=status, unknown=request.effect)
    wait = retry_after(response) or PAUSE if status == 429 else None
    return failure(response, code, message, wait=wait)


# -- pick lists


def listed(path: str, member: str) -> Rows:
    """All entries of a list, out of their wrapping."""
    return [one[member] for one in (yield from _pages(path, member))]


def _pages(path: str, step: str, inside: str = "") -> Rows:
    """All entries as they come; `inside` names the member of the answer that holds them, where there is one."""
    rows: list[Row] = []
    for page in range(1, PAGES + 1):
        answer = yield get(path, query={"page": page, "per_page": PAGE}, step=step)
        found = answer.member(inside) if inside else answer.json
        found = found if isinstance(found, list) else []
        rows += found
        if len(found) < PAGE:
            break
    return rows


def products(_settings: object) -> OptionsFlow:
    """Plans that are not archived."""
    rows = yield from listed("/products.json", "product")
    return [Option(str(row["id"]), _product_title(row)) for row in rows if not row.get("archived_at")]


def price_points(_settings: object) -> OptionsFlow:
    """Prices of all plans that are not archived and were not made for one subscription alone."""
    rows = yield from _pages("/products_price_points.json", "price_point", "price_points")
    return [Option(str(row["id"]), f"{_product_title(row)} (plan {row.get('product_id')})") for row in rows
            if not row.get("archived_at") and row.get("type") != "custom"]


def coupons(_settings: object) -> OptionsFlow:
    """Coupons that are not archived."""
    rows = yield from listed("/coupons.json", "coupon")
    return [Option(row["code"], f"{row.get('name') or row['code']} ({row['code']})") for row in rows
            if not row.get("archived_at")]


def reason_codes(_settings: object) -> OptionsFlow:
    """Why subscriptions of this site can end."""
    rows = yield from listed("/reason_codes.json", "reason_code")
    return [Option(row["code"], str(row.get("description") or row["code"])) for row in rows]


def _product_title(product: Row) -> str:
    cents, count, unit = int(product.get("price_in_cents") or 0), product.get("interval"), product.get("interval_unit")
    every = unit if count == 1 else f"{count} {unit}s"
    return f"{product.get('name')}: {cents // 100}.{cents % 100:02d} every {every}"


# -- the user's subscriptions


def customer(call: Call[Any, Any]) -> int:
    """The synced customer id, a number."""
    known = call.first("chargify_id").strip()
    if not (known.isascii() and known.isdecimal()):
        raise Rejected("invalid_chargify_id", "the attribute chargify_id must hold the customer's id, a number")
    return int(known)


def subscriptions(call: Call[Any, Any], *, wait: float = 0.0) -> Rows:
    """All subscriptions of the customer, the newest first."""
    path = f"/customers/{segment(customer(call))}/subscriptions.json"
    answer = yield get(path, step="subscriptions", look_at=[404], wait=wait)
    if answer.status == 404:
        raise Rejected("user_not_found", "the site has no customer with the user's chargify_id", status=404)
    rows = [one["subscription"] for one in answer.json] if isinstance(answer.json, list) else []
    return sorted(rows, key=lambda row: moment(row.get("created_at")), reverse=True)


def on_product(rows: Iterable[Row], product: str) -> list[Row]:
    """Those to a plan, named by id or handle."""
    return [row for row in rows if product in _names(row.get("product") or {})]


def _names(product: Row) -> tuple[str, str]:
    return str(product.get("id")), str(product.get("handle"))


def in_state(rows: Iterable[Row], *states: str) -> list[Row]:
    """Those in one of the states, in their order."""
    return [row for row in rows if row.get("state") in states]


def live_subscription(call: Call[Any, Any], rows: Iterable[Row]) -> Row:
    """The newest live subscription to the binding's plan; rejects the action where there is none."""
    found = in_state(on_product(rows, call.params.product_id), *LIVE)
    if not found:
        raise Rejected("no_active_subscription", "the customer has no live subscription to this plan")
    return found[0]


def has_coupon(subscription: Row, code: str) -> bool:
    """Whether a coupon is on the subscription; codes know no case."""
    return code.lower() in {str(one).lower() for one in subscription.get("coupon_codes") or []}
