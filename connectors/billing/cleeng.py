"""Cleeng: subscriptions of media and streaming offers. Core API 3.1, https://developers.cleeng.com/reference."""

from __future__ import annotations

import re
from typing import Any, Literal

from connectors.billing import _cleeng_lookups as lookups
from connectors.billing._cleeng_forms import (
    ADDRESSES,
    COUPON,
    LONGEST_REASON,
    VERSION,
    ApplyCoupon,
    CancelSubscription,
    CleengSettings,
    ExtendSubscription,
    PauseSubscription,
    ReactivateSubscription,
    SwitchSubscription,
)
from connectors.billing._cleeng_lookups import Row, read
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
    Response,
    Sign,
    any_of,
    get,
    patch,
    post,
    sign_with,
)
from connectors.kit.action import Note
from connectors.kit.http import JSON
from connectors.kit.moment import moment

TOKEN_HEADER = "X-Publisher-Token"  # noqa: S105 - the name of a header
SWITCHES = "/subscription_switches"
ACTIVATE, CANCEL, PAUSE = "/activate", "/cancel", "/pause"
DAY = 86_400
USER = any_of("cleeng_subscription_id", "cleeng_customer_id")


def signer(settings: CleengSettings) -> Sign:
    """The publisher token in a header of its own, at the version's address."""
    token = settings.api_key.get_secret_value()
    return sign_with(f"{settings.address}/{VERSION}", {TOKEN_HEADER: token, "Accept": JSON})


def check(settings: CleengSettings) -> CheckFlow:
    """A look at one subscription; a refusal of the filter shows too that the token is taken."""
    query = {"status": "active", "limit": 1, "offset": 0}
    yield get(lookups.SUBSCRIPTIONS, query=query, step="subscriptions", look_at=[400, 404, 422])
    mode: dict[str, Literal["live", "sandbox"]] = {ADDRESSES["production"]: "live", ADDRESSES["sandbox"]: "sandbox"}
    return Account(f"Cleeng ({settings.environment})", mode.get(settings.address, ""))


connector = Connector(
    id="cleeng", title="Cleeng", category="billing", settings=CleengSettings, signer=signer, read=read, check=check,
    help="Switches, discounts, reactivates, cancels, pauses and extends subscriptions. Users are found by the synced"
         " attribute cleeng_subscription_id, else by cleeng_customer_id.",
    docs="https://developers.cleeng.com/reference", api_version=VERSION,
    limits=Limits(concurrency=4, timeout=60.0),  # 429 is documented, its numbers are not: carefully few
    confidence="Requests follow the vendor's own OpenAPI document; not tried against a live account. Low confidence:"
               " where the codes of refused switches stand, whether a customer's list needs the offer too, whether a"
               " customer id of ten digits is taken there, rate limits.",
)


def _path(row: Row, part: str = "") -> str:
    return f"{lookups.SUBSCRIPTIONS}/{int(row['subscriptionId'])}{part}"


def _done(row: Row, note: Note = "", **detail: str) -> Done:
    return Done(str(row["subscriptionId"]), note, {"status": str(row.get("status") or ""), **detail})


def _changed(row: Row, answer: Response, **detail: str) -> Done:
    """The end of a change: the subscription stands in the answer, by itself or as a member."""
    found = answer.member("subscription") or answer.json
    return _done({**row, **found, "subscriptionId": row["subscriptionId"]}, "", **detail)


# -- the offer and its price


@connector.action(
    "switch_subscription", "Switch subscription", params=SwitchSubscription, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Moves the user to another offer. Cleeng takes the switch and carries it out by itself, a downgrade at the"
         " end of the period. A switch that is already waiting counts as this one.",
)
def switch_subscription(call: Call[CleengSettings, SwitchSubscription]) -> Flow:
    """Ask for a switch, unless the offer is there or a switch is under way."""
    want, rows = call.params, (yield from lookups.subscriptions(call, "active"))
    if len(rows) == 1 and rows[0].get("replacedBy"):
        rows = [(yield from lookups.subscription(str(int(rows[0]["replacedBy"]["subscriptionId"]))))]
    there = lookups.of_offer(rows, want.to_offer_id)
    if there:
        return _done(there[0], "already_done", offer=want.to_offer_id)
    row = lookups.first(lookups.of_offer(rows, want.from_offer_id))
    if row.get("pendingSwitchId"):
        return Done(str(row["pendingSwitchId"]), "accepted", {"status": "pending"})
    body: Row = {"subscriptionId": int(row["subscriptionId"]), "toOfferId": want.to_offer_id,
                 "switchDirection": want.switch_direction}
    if want.algorithm and row.get("isExternallyManaged") is True:
        body["algorithm"] = want.algorithm
    request = post(SWITCHES, json=body, step="switch", look_at=[400, 422])
    answer = yield request
    if answer.ok:
        return _switched(answer)
    if lookups.explain(answer)[0] in lookups.ALREADY:
        return _done(row, "already_done", offer=want.to_offer_id)
    raise lookups.refusal(request, answer)


def _switched(answer: Response) -> Done:
    """How Cleeng says that a switch goes."""
    state = str(answer.member("status") or "")
    if state in ("failed", "cancelled"):
        raise Rejected(f"switch_{state}", f"Cleeng took the switch {answer.member('id')} and says: {state}")
    return Done(str(answer.member("id") or ""), "" if state == "finished" else "accepted", {"status": state})


@connector.action(
    "apply_coupon", "Apply coupon", params=ApplyCoupon, requires=USER, repeat=Repeat.LOOK_BEFORE,
    form_inputs=[FormInput("coupon_code", "Coupon code", required=False)],
    help="Puts a coupon on the user's newest active subscription; the next payment is the first one with it.",
)
def apply_coupon(call: Call[CleengSettings, ApplyCoupon]) -> Flow:
    """Set the coupon, unless it is set."""
    code = call.form("coupon_code") or call.params.coupon_code
    if not re.fullmatch(COUPON, code):
        raise Rejected("invalid_coupon_code", "a coupon code has 2 to 40 letters, digits, hyphens and underscores")
    row = lookups.first((yield from lookups.subscriptions(call, "active")))
    if str(row.get("couponCode") or "") == code:
        return _done(row, "already_done", coupon=code)
    answer = yield patch(_path(row), json={"couponCode": code}, step="coupon")
    return _changed(row, answer, coupon=code)


# -- renewal


@connector.action(
    "reactivate_subscription", "Reactivate subscription", params=ReactivateSubscription, requires=USER,
    repeat=Repeat.LOOK_BEFORE,
    help="A subscription that was cancelled and still runs renews again. What has expired needs a new purchase.",
)
def reactivate_subscription(call: Call[CleengSettings, ReactivateSubscription]) -> Flow:
    """Switch renewal on again, unless a subscription renews."""
    rows = lookups.of_offer((yield from lookups.subscriptions(call, "stopped", "active")), call.params.offer_id)
    active = lookups.in_state(rows, "active")
    if active:
        return _done(active[0], "already_done")
    stopped = [row for row in lookups.in_state(rows, "stopped") if moment(row.get("dateTo")) > call.now]
    if not stopped:
        raise Rejected("no_stopped_subscription", "the user has no cancelled Cleeng subscription that still runs")
    answer = yield post(_path(stopped[0], ACTIVATE), step="activate")
    return _changed(stopped[0], answer)


@connector.action(
    "cancel_subscription", "Cancel subscription", params=CancelSubscription, requires=USER, repeat=Repeat.LOOK_BEFORE,
    form_inputs=[FormInput("reason", "Reason", required=False)],
    help="Stops renewal; the user keeps access for what is paid. Users with several active subscriptions are refused"
         " unless you name the offer.",
)
def cancel_subscription(call: Call[CleengSettings, CancelSubscription]) -> Flow:
    """Stop the only subscription that renews."""
    rows = lookups.of_offer((yield from lookups.subscriptions(call, "active", "stopped")), call.params.offer_id)
    running, ended = lookups.in_state(rows, "active", "paused"), lookups.in_state(rows, "stopped", "terminated")
    if ended and not running:
        return _done(ended[0], "already_done")
    row = lookups.only(running)
    reason = (call.form("reason") or call.params.cancellation_reason)[:LONGEST_REASON]
    answer = yield post(_path(row, CANCEL), json={"cancellationReason": reason}, step="cancel")
    return _changed(row, answer)


@connector.action(
    "pause_subscription", "Pause subscription", params=PauseSubscription, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="From the next anniversary on, the subscription rests for some billing cycles. Must be switched on in the"
         " Cleeng dashboard; trials cannot be paused. Users with several subscriptions are refused unless you name the"
         " offer.",
)
def pause_subscription(call: Call[CleengSettings, PauseSubscription]) -> Flow:
    """Plan a pause, unless there is one."""
    rows = lookups.of_offer((yield from lookups.subscriptions(call, "active", "stopped")), call.params.offer_id)
    fit = lookups.in_state(rows, "active", "paused") or lookups.in_state(rows, "stopped")
    row = lookups.only(fit)
    if row.get("status") == "paused" or _will_pause(row, call.now):
        return _done(row, "already_done")
    body = {"pauseDate": "anniversary-date", "resumesAfterBillingCycles": call.params.resumes_after_billing_cycles}
    answer = yield post(_path(row, PAUSE), json=body, step="pause")
    return _changed(row, answer)


def _will_pause(row: Row, now: float) -> bool:
    """Whether a pause is planned or runs; one that is over can still stand there."""
    pause: Any = row.get("pause")
    return bool(pause) and moment(pause.get("resumeDate") or now + DAY) > now


@connector.action(
    "extend_subscription", "Extend subscription", params=ExtendSubscription, requires=USER, repeat=Repeat.NEVER,
    help="Moves the end of what is paid for, and so the next charge, to a later day. The date says nothing of who"
         " moved it: where an answer is lost, a person looks at the subscription's end in Cleeng.",
)
def extend_subscription(call: Call[CleengSettings, ExtendSubscription]) -> Flow:
    """Move the end to a later moment."""
    row = lookups.first((yield from lookups.subscriptions(call, "active")))
    end = int(moment(row.get("dateTo")))
    if not end:
        raise Rejected("no_end", "the subscription has no end that could be moved")
    expires = end + call.params.days * DAY
    answer = yield patch(_path(row), json={"expiresAt": expires}, step="extend")
    return _changed(row, answer, expires_at=str(expires))
