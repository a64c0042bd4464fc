"""What the Stripe connector looks up: pick lists, the user's customer, subscriptions and their items."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from connectors.kit import Call, Option, OptionsFlow, Rejected, Request, Response, get

PAGES = 20
"""Most pages of a list that are read; a customer has at most 500 subscriptions."""
RUNNING = ("active", "trialing", "past_due")
LIVE = (*RUNNING, "unpaid", "paused")
"""States of a subscription worth changing, the best first."""
WHOLE = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf",
})
"""Currencies that Stripe counts in whole units (https://docs.stripe.com/currencies)."""
THOUSANDTHS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
"""Currencies that it counts in thousandths; all others in hundredths."""

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]
Form = list[tuple[str, Any]]


def listed(path: str, query: Mapping[str, Any], step: str) -> Rows:
    """All entries of a list, page by page."""
    rows: list[Row] = []
    after: Row = {}
    for _ in range(PAGES):
        answer = yield get(path, query={**query, **after}, step=step)
        page = answer.member("data") or []
        rows += page
        if not page or answer.member("has_more") is not True:
            break
        after = {"starting_after": page[-1]["id"]}
    return rows


def prices(_settings: object) -> OptionsFlow:
    """Prices that can be subscribed to."""
    rows = yield from listed(
        "/v1/prices", {"active": True, "type": "recurring", "limit": 100, "expand[]": "data.product"}, "prices")
    return [Option(row["id"], _price_title(row)) for row in rows]


def coupons(_settings: object) -> OptionsFlow:
    """Coupons that are still valid."""
    rows = yield from listed("/v1/coupons", {"limit": 100}, "coupons")
    return [Option(row["id"], _coupon_title(row)) for row in rows if row.get("valid")]


def promotion_codes(_settings: object) -> OptionsFlow:
    """Promotion codes that are switched on."""
    rows = yield from listed("/v1/promotion_codes", {"active": True, "limit": 100}, "promotion_codes")
    return [Option(row["id"], str(row.get("code") or row["id"])) for row in rows]


def _price_title(price: Row) -> str:
    product, every = price.get("product"), price.get("recurring") or {}
    name = price.get("nickname") or (product.get("name") if isinstance(product, dict) else product) or price["id"]
    count, interval = every.get("interval_count", 1), every.get("interval", "period")
    period = interval if count == 1 else f"{count} {interval}s"
    return f"{name}: {_money(price.get('unit_amount'), price.get('currency'))} every {period}"


def _coupon_title(coupon: Row) -> str:
    percent = coupon.get("percent_off")
    worth = f"{percent:g} %" if percent else _money(coupon.get("amount_off"), coupon.get("currency"))
    return f"{coupon.get('name') or coupon['id']}: {worth} off, {coupon.get('duration')}"


def _money(amount: int | None, currency: str | None) -> str:
    unit = currency or ""
    if amount is None:
        return "tiered price"
    digits = 0 if unit in WHOLE else 3 if unit in THOUSANDTHS else 2
    return f"{Decimal(amount).scaleb(-digits):f} {unit.upper()}"


class Customer(NamedTuple):
    """Whom an action is about."""

    id: str
    detail: Mapping[str, str] = {}
    """Goes into the outcome where the customer was chosen among several."""


def find_customer(call: Call[Any, Any]) -> Generator[Request, Response, Customer]:
    """The synced customer, else the newest one with the user's e-mail address (the filter minds its case)."""
    known = call.attribute("stripe_id")
    if known:
        return Customer(known)
    email = call.first("email_address")
    for address in dict.fromkeys((email, email.lower())):
        answer = yield get("/v1/customers", query={"email": address, "limit": 2}, step="customer")
        found = answer.member("data") or []
        if found:
            return _chosen(found, call.params.if_several)
    raise Rejected("user_not_found", "no Stripe customer has the user's e-mail address; sync stripe_id or the address")


def _chosen(found: Sequence[Row], if_several: str) -> Customer:
    if len(found) == 1:
        return Customer(found[0]["id"])
    if if_several == "fail":
        raise Rejected("several_customers", "several Stripe customers have the user's e-mail address; sync stripe_id")
    return Customer(found[0]["id"], {"customer_choice": "newest_of_several"})


def subscriptions(customer: Customer, *, price: str = "", status: str = "", expand: str = "") -> Rows:
    """The customer's subscriptions; without `status` all that are not canceled."""
    query = {"customer": customer.id, "price": price or None, "status": status or None, "limit": 100,
             "expand[]": expand or None}
    return (yield from listed("/v1/subscriptions", query, f"{status or 'live'}_subscriptions"))


def live(rows: Iterable[Row]) -> list[Row]:
    """Those worth changing: by state, the best first, then the newest."""
    usable = [row for row in rows if row.get("status") in LIVE]
    return sorted(usable, key=lambda row: (LIVE.index(row["status"]), -int(row.get("created") or 0)))


def live_subscriptions(customer: Customer, *, price: str = "", expand: str = "") -> Rows:
    """The customer's live subscriptions, the best first; rejects the action where there is none."""
    found = live((yield from subscriptions(customer, price=price, expand=expand)))
    if not found:
        raise no_subscription(price)
    return found


def no_subscription(price: str) -> Rejected:
    """The failure of an action that needs a live subscription."""
    return Rejected("no_active_subscription", f"the user has no live subscription{' with this price' if price else ''}")


def identity(value: Any) -> str:
    """The id of an object, expanded or not."""
    return str(value["id"] if isinstance(value, dict) else value)


def metadata(subscription: Row, name: str) -> str:
    """A value of a subscription's metadata; "" where it is not there."""
    return str((subscription.get("metadata") or {}).get(name) or "")


def items(subscription: Row) -> list[Row]:
    """The items of a subscription."""
    found: list[Row] = (subscription.get("items") or {}).get("data") or []
    return found


def item_on(subscription: Row, price: str) -> Row | None:
    """The item of a subscription that has this price."""
    return next((item for item in items(subscription) if identity(item["price"]) == price), None)


def discounted(subscription: Row, coupon: str, promotion_code: str) -> bool:
    """Whether the subscription, read with its discounts expanded, has this discount already."""
    expanded = [one for one in subscription.get("discounts") or [] if isinstance(one, dict)]
    if promotion_code:
        return any(one.get("promotion_code") and identity(one["promotion_code"]) == promotion_code for one in expanded)
    sources = [(one.get("source") or one).get("coupon") for one in expanded]
    return any(source and identity(source) == coupon for source in sources)


def plan_item(found: Sequence[Row], price: str, from_price: str) -> tuple[Row, Row]:
    """The subscription and item that a switch to `price` is about; what has it already comes last."""
    if from_price:
        for wanted in (from_price, price):
            for subscription in found:
                item = item_on(subscription, wanted)
                if item:
                    return subscription, item
        raise Rejected("not_on_price", f"no live subscription of the user has the price {from_price}")
    own = items(found[0])
    if len(own) != 1:
        raise Rejected("ambiguous_item", f"subscription {found[0]['id']} has {len(own)} prices: name the one to switch")
    return found[0], own[0]


def _current_phase(schedule: Row) -> Row:
    """The phase of a schedule that runs now."""
    start = (schedule.get("current_phase") or {}).get("start_date")
    for phase in schedule.get("phases") or []:
        if phase.get("start_date") == start:
            found: Row = phase
            return found
    raise Rejected("no_current_phase", f"subscription schedule {schedule.get('id')} has no running phase")


def is_planned(schedule: Row, price: str) -> bool:
    """Whether a later phase of the schedule has the price."""
    now = (schedule.get("current_phase") or {}).get("start_date") or 0
    later = [phase for phase in schedule.get("phases") or [] if phase.get("start_date", 0) > now]
    return any(identity(item["price"]) == price for phase in later for item in phase.get("items") or [])


def schedule_form(schedule: Row, old: str, new: str, every: Row) -> Form:
    """The schedule with its running phase, and after it one with the price `old` replaced by `new`."""
    phase = _current_phase(schedule)
    return [
        ("end_behavior", "release"),
        ("proration_behavior", "none"),
        ("phases[0][start_date]", phase["start_date"]),
        ("phases[0][end_date]", phase["end_date"]),
        *_phase_form(0, phase),
        ("phases[0][trial_end]", phase.get("trial_end")),
        *_phase_form(1, phase, old, new),
        ("phases[1][duration][interval]", every.get("interval")),
        ("phases[1][duration][interval_count]", every.get("interval_count")),
        ("phases[1][proration_behavior]", "none"),
    ]


CARRIED = ("collection_method", "default_payment_method", "description", "on_behalf_of", "application_fee_percent")
"""Plain members of a phase that are lost where they are not sent again."""


def _phase_form(number: int, phase: Row, old: str = "", new: str = "") -> Form:
    """A phase as Stripe wants it back, with the price `old` replaced by `new`."""
    name = f"phases[{number}]"
    form = _reductions(name, phase, "default_tax_rates")
    for position, item in enumerate(phase.get("items") or []):
        at, price = f"{name}[items][{position}]", identity(item["price"])
        form += [(f"{at}[price]", new if price == old else price), (f"{at}[quantity]", item.get("quantity"))]
        form += _reductions(at, item, "tax_rates")
    return form + [(f"{name}[{member}]", phase.get(member)) for member in CARRIED]


def _reductions(name: str, of: Row, taxes: str) -> Form:
    form: Form = []
    for position, one in enumerate(of.get("discounts") or []):
        kind = next((kind for kind in ("discount", "coupon", "promotion_code") if one.get(kind)), "discount")
        form.append((f"{name}[discounts][{position}][{kind}]", identity(one.get(kind))))
    form += [(f"{name}[{taxes}][{position}]", identity(tax)) for position, tax in enumerate(of.get(taxes) or [])]
    return form
