"""Recurly's calls: lists, redemptions, subscriptions and their changes, usage; each change is an effect."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.recurly_state import DAY, PLANS, Object, RecurlyState, a_plan, page, refuse
from testkit.vendors.vendor import Routes, is_missing

calls: Routes[RecurlyState] = Routes()
FILTERS: dict[str, tuple[str, ...]] = {
    "active": ("active",), "canceled": ("canceled",), "expired": ("expired",), "future": ("future",),
    "live": ("active", "canceled", "future"), "in_trial": ("active", "canceled"),
}
NOW_OR_LATER = ("now", "bill_date", "term_end", "renewal")


def body_of(ask: Ask, allowed: Collection[str], required: Collection[str] = ()) -> Object:
    """The members of a body; refuses what Recurly does not know and what it misses."""
    found: Any = ask.json if ask.body else {}
    if not isinstance(found, dict):
        raise refuse(400, "The body is no JSON object.")
    unknown = [name for name in found if name not in allowed]
    if unknown:
        raise refuse(400, f"Unpermitted parameter: {unknown[0]}")
    lacking = [name for name in required if found.get(name) in (None, "")]
    if lacking:
        raise refuse(422, f"{lacking[0]} is required", params=[{"param": lacking[0], "message": "can't be blank"}])
    return found


def note(state: RecurlyState, ask: Ask, kind: str, user: str, mark: str = "", **detail: Any) -> None:
    """Write an effect into the ledger."""
    key = ask.headers.get("idempotency-key", "")
    state.world.ledger.effect("recurly", kind, user, key=key, mark=mark, **detail)


def changed(state: RecurlyState, ask: Ask, one: Object, kind: str, /, **members: Any) -> Answer:
    """Let a subscription change, and answer with it."""
    one.update(members, updated_at=state.stamp())
    note(state, ask, f"subscription.{kind}", one["account"]["code"], subscription=one["id"])
    return answer(200, one)


# --- lists


@calls.on("GET", "/sites")
def sites(_state: RecurlyState, ask: Ask) -> Answer:
    """The one site."""
    return page([{"id": "site", "object": "site", "subdomain": "emulator", "mode": "sandbox"}], ask)


@calls.on("GET", "/plans")
def plans(_state: RecurlyState, ask: Ask) -> Answer:
    """All plans."""
    return page([{**a_plan(code), "state": "active", "currencies": [{"currency": "USD", "unit_amount": price}]}
                 for code, price in PLANS.items()], ask)


@calls.on("GET", "/plans/{plan}/add_ons")
def add_ons(_state: RecurlyState, ask: Ask, plan: str) -> Answer:
    """Every plan has the same two."""
    kinds = (("gb", "Gigabytes", "usage"), ("seat", "Seats", "fixed"))
    return page([{"id": f"{plan}-{code}", "object": "add_on", "code": code, "name": name, "add_on_type": kind,
                  "state": "active"} for code, name, kind in kinds], ask)


@calls.on("GET", "/coupons")
def coupons(state: RecurlyState, ask: Ask) -> Answer:
    """All coupons that somebody has named."""
    return page(list(state.coupons.values()), ask)


@calls.on("GET", "/coupons/{coupon}")
def coupon(state: RecurlyState, _ask: Ask, coupon: str) -> Answer:
    """One coupon."""
    found = state.coupon(coupon)
    if found is None:
        raise refuse(404, f"Couldn't find Coupon with id = {coupon}")
    return answer(200, found)


@calls.on("GET", "/accounts/{account}/subscriptions")
def subscriptions(state: RecurlyState, ask: Ask, account: str) -> Answer:
    """An account's subscriptions, filtered and sorted."""
    wanted, sort = ask.value("state"), ask.value("sort", "created_at")
    if wanted and wanted not in FILTERS:
        raise refuse(400, f"state may be one of {', '.join(FILTERS)}")
    rows = [one for one in state.of(state.account(account)) if not wanted or one["state"] in FILTERS[wanted]]
    if wanted == "in_trial":
        rows = [one for one in rows if (one["trial_ends_at"] or "") > state.stamp()]
    return page(sorted(rows, key=lambda one: str(one[sort]), reverse=ask.value("order", "desc") == "desc"), ask)


@calls.on("GET", "/subscriptions/{id}")
def subscription(state: RecurlyState, _ask: Ask, id: str) -> Answer:
    """One subscription."""
    return answer(200, state.subscription(id))


# --- coupons


@calls.on("GET", "/accounts/{account}/coupon_redemptions/active")
def redemptions(state: RecurlyState, ask: Ask, account: str) -> Answer:
    """What runs on an account."""
    code = state.account(account)
    return page([one for one in state.redemptions.values() if one["account"]["code"] == code], ask)


@calls.on("POST", "/accounts/{account}/coupon_redemptions/active")
def redeem(state: RecurlyState, ask: Ask, account: str) -> Answer:
    """Redeem a coupon, once an account or subscription."""
    code = state.account(account)
    body = body_of(ask, ("coupon_id", "currency", "subscription_id"), ("coupon_id",))
    found = state.coupon(str(body["coupon_id"])) if str(body["coupon_id"]).startswith("c-") else None
    if found is None:
        raise refuse(404, f"Couldn't find Coupon with id = {body['coupon_id']}")
    if found["state"] != "redeemable":
        raise refuse(422, f"The coupon is {found['state']}.")
    if found["discount"]["type"] == "fixed" and not body.get("currency"):
        raise refuse(422, "Currency is required for fixed-amount coupons.")
    on = body.get("subscription_id")
    if (found["redemption_resource"] == "subscription") != bool(on):
        raise refuse(422, f"The coupon is for one {found['redemption_resource']}.")
    same = [one for one in state.redemptions.values() if one["coupon"]["code"] == found["code"]]
    if any((one["subscription_id"] == on if on else one["account"]["code"] == code) for one in same):
        raise refuse(422, "This coupon has already been redeemed.")
    made: Object = {
        "id": state.id("r"), "object": "coupon_redemption", "account": {"code": code}, "subscription_id": on,
        "coupon": dict(found), "state": "active", "currency": body.get("currency") or "USD",
        "created_at": state.stamp(),
    }
    state.redemptions[made["id"]] = made
    note(state, ask, "coupon.redeemed", code, redemption=made["id"], coupon=found["code"])
    return answer(200, made)


# --- the life of a subscription


@calls.on("POST", "/subscriptions")
def create(state: RecurlyState, ask: Ask) -> Answer:
    """A new subscription; an unknown account comes into being with it."""
    body = body_of(ask, ("plan_code", "currency", "account", "coupon_codes"), ("plan_code", "currency", "account"))
    if is_missing(body["plan_code"]):
        raise refuse(422, "Plan code is invalid", params=[{"param": "plan_code", "message": "is invalid"}])
    account = body["account"]["code"]
    code = account if is_missing(account) else state.account(f"code-{account}")
    state.pays({"account": {"code": code}})
    if any(one["plan"]["code"] == body["plan_code"] and one["state"] in FILTERS["live"] for one in state.of(code)):
        raise refuse(422, "You already have a subscription to this plan.")
    made = state.add(state.id("s"), code, body["plan_code"], started=0.0, currency=body["currency"])
    note(state, ask, "subscription.created", code, subscription=made["id"], plan=body["plan_code"])
    return answer(201, made)


@calls.on("PUT", "/subscriptions/{id}/pause")
def pause(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """Plan a pause, or take it back."""
    one = state.subscription(id)
    cycles = body_of(ask, ("remaining_pause_cycles",), ("remaining_pause_cycles",))["remaining_pause_cycles"]
    if one["state"] not in ("active", "paused"):
        raise refuse(422, f"Unable to pause {one['state']} subscription")
    if not cycles:
        return changed(state, ask, one, "pause_removed", state="active", paused_at=None, remaining_pause_cycles=None)
    at = one["paused_at"] or one["current_period_ends_at"]
    return changed(state, ask, one, "pause_planned", paused_at=at, remaining_pause_cycles=cycles)


@calls.on("PUT", "/subscriptions/{id}/resume")
def resume(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """Paused to active."""
    one = state.subscription(id)
    if one["state"] != "paused":
        raise refuse(422, f"Unable to resume {one['state']} subscription")
    state.pays(one)
    return changed(state, ask, one, "resumed", state="active", paused_at=None, remaining_pause_cycles=None)


@calls.on("PUT", "/subscriptions/{id}/reactivate")
def reactivate(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """Canceled to active."""
    one = state.subscription(id)
    if one["state"] != "canceled":
        raise refuse(422, "Only canceled subscriptions can be reactivated")
    return changed(state, ask, one, "reactivated", state="active", canceled_at=None, expires_at=None)


@calls.on("PUT", "/subscriptions/{id}/convert_trial")
def convert_trial(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """The trial ends now."""
    one = state.subscription(id)
    if one["state"] != "active" or (one["trial_ends_at"] or "") <= state.stamp():
        raise refuse(422, f"Unable to convert {one['state']} subscription")
    state.pays(one)
    return changed(state, ask, one, "trial_converted", trial_ends_at=state.stamp())


@calls.on("PUT", "/subscriptions/{id}/cancel")
def cancel(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """Stop renewal."""
    one = state.subscription(id)
    if body_of(ask, ("timeframe",)).get("timeframe", "term_end") not in ("term_end", "bill_date"):
        raise refuse(422, "Timeframe is invalid")
    if one["state"] not in ("active", "future"):
        raise refuse(422, "Only active and future subscriptions can be canceled")
    ended = {"active": "canceled", "future": "failed"}[one["state"]]
    return changed(state, ask, one, "canceled", state=ended, canceled_at=state.stamp(),
                   expires_at=one["current_period_ends_at"])


@calls.on("DELETE", "/subscriptions/{id}")
def terminate(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """End it now, with or without money back."""
    one = state.subscription(id)
    if ask.value("refund", "none") not in ("none", "partial", "full"):
        raise refuse(422, "Please provide valid values for these parameters: refund.")
    if one["state"] in ("expired", "failed"):
        raise refuse(422, "Cannot expire an inactive subscription.")
    kind = "expired" if ask.value("refund", "none") == "none" else f"expired_with_{ask.value('refund')}_refund"
    return changed(state, ask, one, kind, state="expired", expires_at=state.stamp())


@calls.on("POST", "/subscriptions/{id}/change")
def change(state: RecurlyState, ask: Ask, id: str) -> Answer:
    """Another plan or price, now or later; what was planned is replaced."""
    one = state.subscription(id)
    body = body_of(ask, ("plan_code", "unit_amount", "timeframe", "proration_settings"))
    when = body.get("timeframe", "now")
    if when not in NOW_OR_LATER or (when != "now" and "proration_settings" in body):
        raise refuse(422, "Timeframe is invalid")
    if one["state"] != "active":
        raise refuse(422, f"Unable to change {one['state']} subscription", "immutable_subscription")
    plan = a_plan(body.get("plan_code") or one["plan"]["code"])
    amount = body.get("unit_amount", PLANS.get(plan["code"], 10.0) if "plan_code" in body else one["unit_amount"])
    if (plan["code"], amount) == (one["plan"]["code"], one["unit_amount"]):
        return _unchanged(state, ask, one)
    if when == "now":
        state.pays(one)
    made = {"id": state.id("ch"), "object": "subscription_change", "subscription_id": id, "plan": plan,
            "unit_amount": amount, "activated": when == "now", "activate_at": state.stamp(0 if when == "now" else DAY)}
    now = {"plan": plan, "unit_amount": amount, "pending_change": None}
    changed(state, ask, one, "changed" if when == "now" else "change_planned",
            **(now if when == "now" else {"pending_change": made}))
    return answer(201, made)


def _unchanged(state: RecurlyState, ask: Ask, one: Object) -> Answer:
    if not one["pending_change"]:
        raise refuse(422, "Subscription hasn't been changed")
    changed(state, ask, one, "change_removed", pending_change=None)
    return Answer(204)


# --- usage


@calls.on("GET", "/subscriptions/{id}/add_ons/{add_on}/usage")
def usage(state: RecurlyState, ask: Ask, id: str, add_on: str) -> Answer:
    """What was recorded."""
    return page(list(reversed(state.usage.get(f"{id}/{add_on}", []))), ask)


@calls.on("POST", "/subscriptions/{id}/add_ons/{add_on}/usage")
def record(state: RecurlyState, ask: Ask, id: str, add_on: str) -> Answer:
    """Count usage."""
    one = state.subscription(id)
    body = body_of(ask, ("amount", "merchant_tag", "recording_timestamp", "usage_timestamp"), ("amount",))
    if not any(f"code-{entry['add_on']['code']}" == add_on for entry in one["add_ons"]):
        raise refuse(404, f"Couldn't find AddOn with id = {add_on}")
    made = {"id": state.id("u"), "object": "usage", **body}
    state.usage.setdefault(f"{id}/{add_on}", []).append(made)
    note(state, ask, "usage.recorded", one["account"]["code"], mark=str(body.get("merchant_tag", "")),
         usage=made["id"], amount=body["amount"])
    return answer(201, made)
