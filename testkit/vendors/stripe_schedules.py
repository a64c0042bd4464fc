"""Stripe's subscription schedules: made from a subscription, given phases, released."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from typing import Any

from testkit.vendors.exchange import Answer, answer
from testkit.vendors.stripe_form import check_choice, check_names, hashes, integer, no_such, refuse, required
from testkit.vendors.stripe_state import Object, StripeState, user
from testkit.vendors.stripe_subscriptions import PRORATION
from testkit.vendors.vendor import Routes

PHASE = frozenset({
    "items", "start_date", "end_date", "duration", "proration_behavior", "discounts", "default_tax_rates",
    "collection_method", "trial_end", "trial", "metadata", "description", "currency", "billing_cycle_anchor",
    "add_invoice_items", "automatic_tax", "default_payment_method", "invoice_settings",
})
INTERVALS = {"day": 86400, "week": 7 * 86400, "month": 30 * 86400, "year": 365 * 86400}
schedules: Routes[StripeState] = Routes()
Params = dict[str, Any]


@schedules.on("POST", "/v1/subscription_schedules")
def create(state: StripeState, params: Params, key: str) -> Answer:
    """A schedule that takes over a subscription."""
    check_names(params, {"from_subscription", "metadata", "expand"})
    id = str(required(params, "from_subscription"))
    found = state.subscription(id)
    if found is None:
        raise no_such("subscription", id, "from_subscription")
    if found["schedule"]:
        raise refuse(400, f"You cannot migrate a subscription that is already attached to a schedule: {id}",
                     param="from_subscription")
    made = _schedule(state, found)
    state.schedules[made["id"]] = made
    found["schedule"] = made["id"]
    _note(state, "created", made, key)
    return answer(200, made)


def _schedule(state: StripeState, subscription: Object) -> Object:
    first = subscription["items"]["data"][0]
    start, end = first["current_period_start"], first["current_period_end"]
    phase = {
        "items": [{"price": one["price"]["id"], "quantity": one["quantity"], "discounts": [], "metadata": {},
                   "tax_rates": []} for one in subscription["items"]["data"]],
        "discounts": [{"discount": id, "coupon": None, "promotion_code": None} for id in subscription["discounts"]],
        "start_date": start, "end_date": end, "proration_behavior": "create_prorations", "metadata": {},
        "trial_end": subscription["trial_end"], "collection_method": None, "default_tax_rates": [],
    }
    return {
        "id": state.id("sub_sched"), "object": "subscription_schedule", "canceled_at": None, "completed_at": None,
        "created": state.now(), "current_phase": {"start_date": start, "end_date": end},
        "customer": subscription["customer"], "end_behavior": "release", "livemode": False, "metadata": {},
        "phases": [phase], "released_at": None, "released_subscription": None, "status": "active",
        "subscription": subscription["id"],
    }


@schedules.on("POST", "/v1/subscription_schedules/{id}")
def update(state: StripeState, params: Params, key: str, id: str) -> Answer:
    """New phases: the list replaces those that are not over."""
    check_names(params, {"end_behavior", "proration_behavior", "phases", "metadata", "default_settings", "expand"})
    check_choice(params, "end_behavior", {"release", "cancel"})
    check_choice(params, "proration_behavior", PRORATION)
    schedule = copy.deepcopy(_active(state, id))
    if "phases" in params:
        schedule["phases"] = _phases(state, params, schedule)
    if params.get("end_behavior"):
        schedule["end_behavior"] = params["end_behavior"]
    changed = schedule != state.schedules[id]
    state.schedules[id] = schedule
    if changed:
        prices = [[one["price"] for one in phase["items"]] for phase in schedule["phases"]]
        _note(state, "updated", schedule, key, prices=prices)
    return answer(200, schedule)


def _active(state: StripeState, id: str) -> Object:
    found = state.schedules.get(id)
    if found is None:
        raise no_such("subscription_schedule", id, "schedule", 404)
    if found["status"] not in ("active", "not_started"):
        raise refuse(400, f"You cannot update a subscription schedule that is {found['status']}.")
    return found


def _phases(state: StripeState, params: Params, schedule: Object) -> list[Object]:
    found: list[Object] = []
    start = schedule["current_phase"]["start_date"]
    for place, entry in enumerate(hashes(params, "phases")):
        made = _phase(state, entry, place, start)
        found.append(made)
        start = made["end_date"]
    if not found or found[0]["start_date"] != schedule["current_phase"]["start_date"]:
        raise refuse(400, "You can not modify the start date of the current phase.", param="phases[0][start_date]")
    return found


def _phase(state: StripeState, entry: Params, place: int, start: int) -> Object:
    where = f"phases[{place}]"
    check_names(entry, PHASE, where)
    check_choice(entry, "proration_behavior", PRORATION, where)
    if place == 0:
        start = integer(entry, "start_date") or 0
    end = integer(entry, "end_date") or _lasts(entry, where, start)
    return {**{name: value for name, value in entry.items() if name != "duration"},
            "items": _items(state, entry, where), "start_date": start, "end_date": end}


def _lasts(entry: Params, where: str, start: int) -> int:
    duration = entry.get("duration")
    if not isinstance(duration, dict):
        raise refuse(400, f"Missing required param: {where}[end_date] or {where}[duration].", began=False,
                     code="parameter_missing", param=where)
    interval = check_choice(duration, "interval", INTERVALS, f"{where}[duration]")
    return start + INTERVALS[interval or "month"] * (integer(duration, "interval_count") or 1)


def _items(state: StripeState, entry: Params, where: str) -> list[Object]:
    required(entry, "items", f"{where}[items]")
    found: list[Object] = []
    for place, line in enumerate(hashes(entry, "items")):
        name = f"{where}[items][{place}]"
        check_names(line, {"price", "quantity", "discounts", "metadata", "tax_rates"}, name)
        price = required(line, "price", f"{name}[price]")
        if state.price(price) is None:
            raise no_such("price", price, f"{name}[price]")
        found.append({"price": price, "quantity": integer(line, "quantity") or 1})
    return found


@schedules.on("POST", "/v1/subscription_schedules/{id}/release")
def release(state: StripeState, params: Params, key: str, id: str) -> Answer:
    """The subscription goes on without its schedule."""
    check_names(params, {"preserve_cancel_date", "expand"})
    schedule = _active(state, id)
    state.subscriptions[schedule["subscription"]]["schedule"] = None
    schedule.update(status="released", released_at=state.now(), released_subscription=schedule["subscription"],
                    subscription=None, current_phase=None)
    _note(state, "released", schedule, key)
    return answer(200, schedule)


def _note(state: StripeState, kind: str, schedule: Object, key: str, **detail: Any) -> None:
    state.world.ledger.effect("stripe", f"subscription_schedule.{kind}", user(schedule["customer"]), key=key,
                              schedule=schedule["id"], subscription=schedule["subscription"] or "", **detail)
