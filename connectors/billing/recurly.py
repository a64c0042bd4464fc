"""Recurly: subscriptions, coupons, trials and usage. API v2021-02-25, https://recurly.com/developers/api/."""

from __future__ import annotations

from typing import Any

from connectors.billing import _recurly_changes as changes
from connectors.billing import _recurly_lookups as lookups
from connectors.billing._recurly_answers import Row, read, refusal
from connectors.billing._recurly_forms import (
    ApplyCoupon,
    CancelSubscription,
    CreateSubscription,
    OneSubscription,
    PauseSubscription,
    RecordUsage,
    RecurlySettings,
    SwitchSubscription,
    UpdatePrice,
)
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
    SignContext,
    Signed,
    get,
    segment,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.http import JSON
from connectors.kit.moment import moment
from connectors.kit.money import decimal, json_number

VERSION = "v2021-02-25"
KEPT = 3600.0
"""Seconds for which Recurly keeps idempotency keys."""
FRESH = KEPT - 600.0
"""Age of an event up to which whatever was sent for it is surely kept, clocks a little apart included."""
SLACK = 60.0
"""Seconds by which the publisher's clock may be ahead of Recurly's; Recurly itself allows one new one a minute."""


def signer(settings: RecurlySettings) -> Sign:
    """Basic with the key as user, the pinned version, and the content type that Recurly wants on every call."""
    plain = sign_with(settings.address, {
        "Authorization": basic(settings.api_key.get_secret_value(), ""),
        "Accept": f"application/vnd.recurly.{VERSION}",
    })

    def sign(request: Request, context: SignContext) -> Signed:
        """Add the content type where there is no body too."""
        typed = {"Content-Type": JSON, **request.headers}
        return plain(request._replace(headers=typed), context)

    return sign


def check(settings: RecurlySettings) -> CheckFlow:
    """Name the site; a key that may not see sites must at least see plans."""
    answer = yield get("/sites", query={"limit": 1}, step="site", look_at=[403, 404])
    if not answer.ok:
        yield get("/plans", query={"limit": 1}, step="plans")
    site = answer.member("data", 0) or {}
    mode = site.get("mode")
    name = str(site.get("subdomain") or f"Recurly ({settings.region})")
    return Account(name, "live" if mode == "production" else "sandbox" if mode else "")


connector = Connector(
    id="recurly", title="Recurly", category="billing", settings=RecurlySettings, signer=signer, read=read, check=check,
    help="Creates, switches, pauses, cancels and discounts Recurly subscriptions. Users are found by the synced"
         " attribute account_code (or account_number), or by your own user id.",
    docs="https://recurly.com/developers/api/v2021-02-25/", api_version=VERSION, request_id_header="x-request-id",
    options={"plans": lookups.plans, "coupons": lookups.coupons, "add_ons": lookups.add_ons},
    # Production: 1000 GETs a minute, sandbox: 400 calls; over a sliding window of five minutes.
    limits=Limits(rate=1000 / 60, concurrency=20, timeout=60.0),
    confidence="Not tried against a live site. Unverified: that account_number holds an account code, that Use Account"
               " Code means the user id, whether a server error is given again for the same idempotency key.",
)


# -- coupons


@connector.action(
    "apply_coupon", "Apply a coupon", params=ApplyCoupon, repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Redeems a coupon on the user's account or on one subscription; the next invoice is the first one with it.",
)
def apply_coupon(call: Call[RecurlySettings, ApplyCoupon]) -> Flow:
    """Redeem a coupon, unless it runs there already."""
    want, coupon_id, state = call.params, call.params.coupon_id, "redeemable"
    path = f"{lookups.account(call)}/coupon_redemptions/active"
    if want.coupon_id.startswith("code-"):
        coupon = yield get(f"/coupons/{segment(want.coupon_id)}", step="coupon")
        coupon_id, state = str(coupon.member("id")), str(coupon.member("state") or state)
    subscription_id = ""
    if want.scope == "subscription":
        states = ("active", "canceled", "future")
        subscription_id = str((yield from lookups.live_subscription(call, *states))["id"])
    there = yield from lookups.redemption(call, coupon_id, subscription_id)
    if there:
        return Done(str(there["id"]), "already_done")
    if state != "redeemable":
        raise Rejected("coupon_not_redeemable", f"the coupon {want.coupon_id} is {state}")
    body = {"coupon_id": coupon_id, "currency": want.currency, "subscription_id": subscription_id}
    request = changes.change(call, "POST", path, "redeem", look_at=[422],
                      json={name: value for name, value in body.items() if value})
    answer = yield request
    if answer.status == 422:
        there = yield from lookups.redemption(call, coupon_id, subscription_id)
        if not there:
            raise refusal(request, answer)
        return Done(str(there["id"]), "already_done")
    return Done(str(answer.member("id")), detail=changes.state(answer))


# -- pausing


@connector.action(
    "pause_subscription", "Pause the subscription", params=PauseSubscription, repeat=Repeat.LOOK_BEFORE,
    help="From the next billing date on, the subscription rests for some billing cycles. A plan change at once takes"
         " a planned pause away.",
)
def pause_subscription(call: Call[RecurlySettings, PauseSubscription]) -> Flow:
    """Set the cycles to pause; a subscription that pauses stays as it is."""
    cycles = call.params.pause_cycles
    found = lookups.in_state((yield from lookups.subscriptions(call)), "active", "paused")
    if not found:
        raise lookups.no_subscription()
    subscription = found[0]
    if subscription["state"] == "paused" or subscription.get("remaining_pause_cycles") == cycles:
        return changes.already(subscription)
    return (yield from changes.put(call, subscription, "pause", _pauses, json={"remaining_pause_cycles": cycles}))


def _pauses(subscription: Row) -> bool:
    return subscription.get("state") == "paused"


@connector.action(
    "resume_subscription", "Resume a paused subscription", params=OneSubscription, repeat=Repeat.LOOK_BEFORE,
    help="The subscription is active at once; a new billing period starts and may be charged. A pause that is only"
         " planned is taken back.",
)
def resume_subscription(call: Call[RecurlySettings, OneSubscription]) -> Flow:
    """Resume what pauses, or take back a pause that is to come."""
    rows = yield from lookups.subscriptions(call, sort="updated_at")
    resting = [row for row in rows if _pauses(row) or _will_pause(row)]
    if not resting:
        active = lookups.in_state(rows, "active")
        if active:
            return changes.already(active[0])
        raise lookups.no_subscription("no_paused_subscription", "paused")
    subscription = lookups.only(resting)
    if _will_pause(subscription):
        return (yield from changes.put(call, subscription, "pause", _runs_on, json={"remaining_pause_cycles": 0}))
    return (yield from changes.put(call, subscription, "resume", changes.is_active))


def _will_pause(subscription: Row) -> bool:
    return changes.is_active(subscription) and (subscription.get("remaining_pause_cycles") or 0) > 0


def _runs_on(subscription: Row) -> bool:
    return changes.is_active(subscription) and not _will_pause(subscription)


# -- changes


@connector.action(
    "switch_subscription", "Switch to another plan", params=SwitchSubscription, repeat=Repeat.LOOK_BEFORE,
    help="Changes the plan now, at the next billing date or at the end of the term; what was planned before is"
         " replaced.",
)
def switch_subscription(call: Call[RecurlySettings, SwitchSubscription]) -> Flow:
    """Change the plan, unless the subscription has it or is about to get it."""
    want = call.params
    rows = yield from lookups.subscriptions(call, "live", also=want.plan_code)
    body: Row = {"plan_code": want.plan_code, "timeframe": want.timeframe}
    settings = {"charge": want.proration_charge, "credit": want.proration_credit}
    proration = {name: value for name, value in settings.items() if value}
    if proration and want.timeframe == "now":
        body["proration_settings"] = proration
    return (yield from changes.replan(call, rows, body, lambda one: lookups.plan_of(one) == want.plan_code))


@connector.action(
    "create_subscription", "Create a subscription", params=CreateSubscription, repeat=Repeat.LOOK_BEFORE,
    help="Subscribes an existing account; the first invoice is collected at once from its payment method in Recurly.",
)
def create_subscription(call: Call[RecurlySettings, CreateSubscription]) -> Flow:
    """Subscribe once: what was made for the plan since the interaction is ours. An unknown account is never made."""
    want = call.params
    rows = lookups.on_plan((yield from lookups.subscriptions(call)), want.plan_code)
    for row in rows:
        if moment(row.get("created_at")) >= _since(call):
            return Done(str(row["id"]), detail={"state": str(row.get("state"))})
    running = lookups.in_state(rows, "active", "paused", "future", "canceled")
    if running and want.if_subscribed == "already_done":
        return changes.already(running[0])
    body: Row = {"plan_code": want.plan_code, "currency": want.currency,
                 "account": {"code": lookups.account_code(call)}}
    if want.coupon_codes:
        body["coupon_codes"] = want.coupon_codes
    answer = yield changes.change(call, "POST", "/subscriptions", "subscribe", json=body)
    return Done(str(answer.member("id")), detail=changes.state(answer))


def _since(call: Call[Any, Any]) -> float:
    """From when on a change may be one of this very interaction."""
    return call.event.time / 1000 - SLACK


@connector.action(
    "reactivate_subscription", "Reactivate a canceled subscription", params=OneSubscription, repeat=Repeat.LOOK_BEFORE,
    help="Renews again what was canceled and still runs. What has expired needs a new subscription.",
)
def reactivate_subscription(call: Call[RecurlySettings, OneSubscription]) -> Flow:
    """Switch renewal on again."""
    canceled = yield from lookups.subscriptions(call, "canceled", sort="updated_at")
    if not canceled:
        return (yield from _active_already(call, "no_canceled_subscription", "canceled"))
    return (yield from changes.put(call, lookups.only(canceled), "reactivate", changes.is_active))


def _active_already(call: Call[Any, Any], code: str, kind: str) -> Flow:
    """The end where nothing is left to do, or nothing there."""
    active = lookups.in_state((yield from lookups.subscriptions(call, "live")), "active")
    if not active:
        raise lookups.no_subscription(code, kind)
    return changes.already(active[0])


@connector.action(
    "update_subscription_price", "Change the subscription's price", params=UpdatePrice, repeat=Repeat.LOOK_BEFORE,
    help="A price of its own for the user's subscription. Not possible where the price rises by steps (ramps).",
)
def update_subscription_price(call: Call[RecurlySettings, UpdatePrice]) -> Flow:
    """Set the unit price, unless it is so or about to be so."""
    want = call.params
    rows = yield from lookups.subscriptions(call, "live")
    body = {"unit_amount": json_number(want.unit_amount), "timeframe": want.timeframe}

    def costs_that(one: Row) -> bool:
        """Whether the price is the wanted one."""
        return decimal(one.get("unit_amount")) == want.unit_amount

    return (yield from changes.replan(call, rows, body, costs_that))


@connector.action(
    "convert_trial", "Convert a trial to paid", params=OneSubscription, repeat=Repeat.LOOK_BEFORE,
    help="Ends the trial now and collects the first payment; if that fails, the trial goes on.",
)
def convert_trial(call: Call[RecurlySettings, OneSubscription]) -> Flow:
    """End the trial."""
    trials = yield from lookups.subscriptions(call, "in_trial")
    if not trials:
        return (yield from _active_already(call, "no_trial", "trial"))

    def over(fresh: Row) -> bool:
        """Whether the trial has ended and the subscription runs."""
        return changes.is_active(fresh) and moment(fresh.get("trial_ends_at")) <= call.now

    return (yield from changes.put(call, lookups.only(trials), "convert_trial", over))


# -- usage


@connector.action(
    "record_usage", "Record usage", params=RecordUsage, repeat=Repeat.LOOK_BEFORE,
    help="Counts usage of a usage-based add-on; the next invoice charges it.",
)
def record_usage(call: Call[RecurlySettings, RecordUsage]) -> Flow:
    """Add usage once: an earlier one is found by its tag when its key may be forgotten."""
    want = call.params
    found = lookups.in_state((yield from lookups.subscriptions(call, "live")), "active")
    if not found:
        raise lookups.no_subscription()
    subscription = next((one for one in found if _has_add_on(one, want.add_on_code)), found[0])
    path = changes.path(subscription, f"/add_ons/{segment(f'code-{want.add_on_code}')}/usage")
    if call.doubtful or call.now - call.event.time / 1000 > FRESH:
        earlier = yield from lookups.usage(path, call.outcome_id)
        if earlier:
            return Done(earlier)
    when = call.event.moment.isoformat(timespec="seconds")
    answer = yield changes.change(call, "POST", path, "usage", json={
        "amount": json_number(want.amount), "merchant_tag": call.outcome_id, "recording_timestamp": when,
        "usage_timestamp": when})
    return Done(str(answer.member("id")), detail={"subscription": str(subscription["id"])})


def _has_add_on(subscription: Row, code: str) -> bool:
    return any((one.get("add_on") or {}).get("code") == code for one in subscription.get("add_ons") or [])


# -- the end


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelSubscription, repeat=Repeat.LOOK_BEFORE,
    help="Stops renewal and leaves access for what is paid; or, with a refund choice, ends it at once.",
)
def cancel_subscription(call: Call[RecurlySettings, CancelSubscription]) -> Flow:
    """End one subscription: one that ended since the interaction is the one, so that no second follows."""
    rows = yield from lookups.subscriptions(call)
    later = call.params.refund == "at_term_end"
    going = ["active", "future", *([] if later else ["canceled"])]
    gone = ["expired", "failed", *(["canceled"] if later else [])]
    ended, running = lookups.in_state(rows, *gone), lookups.in_state(rows, *going)
    just = [one for one in ended if _ended_at(one) >= _since(call)]
    if just or (ended and not running):
        return changes.already((just or ended)[0])
    if not running:
        raise lookups.no_subscription()
    return (yield from changes.end(call, running[0], gone))


def _ended_at(subscription: Row) -> float:
    """When somebody, or time, ended it; what is canceled says in expires_at only when it will end."""
    ended = "canceled_at" if subscription.get("state") == "canceled" else "expires_at"
    return moment(subscription.get(ended)) or moment(subscription.get("updated_at"))
