"""Stripe: subscriptions, coupons and trials. API 2026-10-28.endive, https://docs.stripe.com/api."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import Any

from connectors.billing import _stripe_lookups as lookups
from connectors.billing._stripe_forms import (
    ApplyCoupon,
    ExtendTrial,
    StripeSettings,
    SubscribePlan,
    SwitchSubscription,
    UnsubscribePlan,
    UpdateSubscription,
)
from connectors.billing._stripe_lookups import Customer, Form, Row, find_customer
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Failure,
    Flow,
    InDoubt,
    Limits,
    Misconfigured,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    Unavailable,
    any_of,
    delete,
    get,
    post,
    retry_after,
    segment,
    sign_with,
)
from connectors.kit.auth import bearer, starts_with

VERSION = "2026-10-28.endive"
KEPT = 24 * 3600.0
"""Seconds for which Stripe surely keeps idempotency keys."""
DAY = 86_400
KEY = re.compile(r"\b[sr]k_(live|test)_\S+")
EVENT_MARK, TRIAL_MARK, REMOVAL_MARK = "engage_event_id", "engage_trial_extension", "engage_removal"
"""Metadata by which a repeat finds what an earlier try did, also when its idempotency key is forgotten."""
USER = any_of("stripe_id", "email_address")

_Ended = Generator[Request, Response, Done | None]


def signer(settings: StripeSettings) -> Sign:
    """Bearer key, pinned version, and the connected account where there is one."""
    headers = {"Authorization": bearer(settings.api_key), "Stripe-Version": VERSION}
    if settings.connect_account_id:
        headers["Stripe-Account"] = settings.connect_account_id
    return sign_with(settings.base_url, headers)


def _explain(response: Response) -> tuple[str, str]:
    found = response.member("error")
    error: Row = found if isinstance(found, dict) else {}
    message = str(error.get("message") or response.text[:200])
    if response.status == 400 and not error.get("code") and "subscription schedule" in message.lower():
        return "managed_by_schedule", f"{message} (release the schedule in Stripe first, or switch at period end)"
    more = [f"{name}: {error[name]}" for name in ("decline_code", "param") if error.get(name)]
    reason = response.headers.get("stripe-rate-limited-reason")
    more += [f"limit: {reason}"] if reason else []
    code = error.get("code") or error.get("type") or f"http_{response.status}"
    return str(code), KEY.sub("<key>", f"{message} ({', '.join(more)})" if more else message)


def read(request: Request, response: Response) -> Failure | None:
    """Status, error type and code; the header Stripe-Should-Retry decides over the status."""
    status, headers = response.status, response.headers
    known: Row = {"status": status, "request_id": headers.get("request-id", "")}
    if response.ok:
        return None if isinstance(response.json, dict) and "error" not in response.json else Unavailable(
            "unreadable_answer", "a success without an object in it", unknown=request.effect, **known)
    code, message = _explain(response)
    if status == 400 and response.member("error", "type") == "idempotency_error":
        return InDoubt("idempotency_error", message, **known)
    unknown = (status >= 500 and status != 503) or code == "idempotency_key_in_use"
    advice = headers.get("stripe-should-retry", "")
    if advice == "true" or (advice != "false" and (status in (408, 409, 425, 429) or status >= 500)):
        return Unavailable(code, message, retry_after=retry_after(response), unknown=unknown,
                           throttled=status == 429 and code != "lock_timeout", **known)
    if unknown and request.effect:
        # A stored 500 comes again for as long as the key lives, and whether anything was done stays unknown.
        return InDoubt(code, message, **known)
    return (Misconfigured if status in (401, 403) else Rejected)(code, message, **known)


def check(settings: StripeSettings) -> CheckFlow:
    """Name the account; a restricted key that may not see it must at least see customers."""
    answer = yield get("/v1/account", step="account", look_at=[403])
    if answer.status == 403:
        yield get("/v1/customers", query={"limit": 1}, step="customers")
    name = answer.member("settings", "dashboard", "display_name") or answer.member("id") or ""
    return Account(str(name), "live" if starts_with(settings.api_key, "rk_live_", "sk_live_") else "sandbox")


connector = Connector(
    id="stripe", title="Stripe", category="billing", settings=StripeSettings, signer=signer, read=read, check=check,
    help="Subscribes, switches, cancels and discounts Stripe subscriptions.",
    docs="https://docs.stripe.com/api", api_version=VERSION, request_id_header="request-id",
    options={"prices": lookups.prices, "coupons": lookups.coupons, "promotion_codes": lookups.promotion_codes},
    limits=Limits(rate=100.0, concurrency=50),
    doubt="Also where Stripe reports an internal error and says that a repeat would bring the same answer.",
    confidence="Not tried against a live account. Unverified: whether 'Subscriptions: write' of a restricted key"
               " also covers subscription schedules, which only switching at period end needs.",
)


def _change(call: Call[Any, Any], step: str, path: str, form: Form, look_at: Iterable[int] = ()) -> Request:
    """A POST that Stripe recognises when it comes again."""
    return post(path, form=form, step=step, headers={"Idempotency-Key": call.key(step)}, look_at=look_at)


def _path(subscription: Row) -> str:
    return f"/v1/subscriptions/{segment(subscription['id'])}"


def _state(answer: Response, customer: Customer) -> dict[str, str]:
    return {**customer.detail, "status": str(answer.member("status") or "")}


@connector.action(
    "subscribe_plan", "Subscribe the user to a plan", params=SubscribePlan, requires=USER,
    repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Creates a subscription, paid with the customer's default payment method in Stripe.",
)
def subscribe_plan(call: Call[StripeSettings, SubscribePlan]) -> Flow:
    """Create a subscription, unless the user has the plan, or this very event made one."""
    want, customer = call.params, (yield from find_customer(call))
    there = yield from lookups.subscriptions(customer, price=want.price_id)
    for one in there:
        if lookups.metadata(one, EVENT_MARK) == call.event.event_id:
            return Done(one["id"], detail={**customer.detail, "status": str(one.get("status"))})
    running = [one for one in lookups.live(there) if one["status"] in lookups.RUNNING]
    if running and want.if_subscribed == "already_done":
        return Done(running[0]["id"], "already_done", customer.detail)
    answer = yield _change(call, "subscribe", "/v1/subscriptions", _new_subscription(call, customer))
    unpaid = answer.member("status") == "incomplete"
    return Done(str(answer.member("id")), "accepted" if unpaid else "", _state(answer, customer))


def _new_subscription(call: Call[StripeSettings, SubscribePlan], customer: Customer) -> Form:
    want = call.params
    return [
        ("customer", customer.id),
        ("items[0][price]", want.price_id),
        ("items[0][quantity]", want.quantity),
        ("trial_period_days", want.trial_period_days),
        ("discounts[0][coupon]", want.coupon_id or None),
        ("discounts[0][promotion_code]", want.promotion_code_id or None),
        ("payment_behavior", want.payment_behavior),
        ("off_session", True),
        (f"metadata[{EVENT_MARK}]", call.event.event_id),
    ]


@connector.action(
    "unsubscribe_plan", "Unsubscribe the user from a plan", params=UnsubscribePlan, requires=USER,
    # Ending at once is a DELETE, for which Stripe knows no keys: what an earlier try did is looked up.
    repeat=Repeat.LOOK_BEFORE,
    help="Cancels the subscription with that plan. At period end, a subscription with several prices ends as a whole.",
)
def unsubscribe_plan(call: Call[StripeSettings, UnsubscribePlan]) -> Flow:
    """End the subscription, unless it has ended."""
    price, customer = call.params.price_id, (yield from find_customer(call))
    found = lookups.live((yield from lookups.subscriptions(customer, price=price)))
    if call.params.when == "immediately" or not found:
        ended = yield from _ended(call, customer, bool(found))
        if ended:
            return ended
    if not found:
        raise lookups.no_subscription(price)
    return (yield from _end(call, found[0], customer))


def _ended(call: Call[Any, UnsubscribePlan], customer: Customer, some_live: bool) -> _Ended:
    """What an earlier try of ours ended, so that no second subscription follows; if none is live, what anybody did."""
    price = call.params.price_id  # a subscription that lost it is not listed under it any more
    canceled = yield from lookups.subscriptions(customer, price=price, status="canceled")
    for one in canceled:
        if (one.get("cancellation_details") or {}).get("comment") == _comment(call):
            return Done(one["id"], detail={**customer.detail, "status": "canceled"})
    if price and (call.doubtful or not (some_live or canceled)):
        for one in (yield from lookups.subscriptions(customer)):
            if lookups.metadata(one, REMOVAL_MARK) == call.outcome_id:
                return Done(one["id"], detail={**customer.detail, "status": str(one["status"])})
    if some_live or not canceled:
        return None
    return Done(canceled[0]["id"], "already_done", customer.detail)


def _comment(call: Call[Any, Any]) -> str:
    return f"prompt {call.event.prompt_id}, {call.outcome_id}"


def _end(call: Call[Any, UnsubscribePlan], subscription: Row, customer: Customer) -> Flow:
    if call.params.when == "period_end" and subscription.get("cancel_at_period_end") is True:
        return Done(subscription["id"], "already_done", customer.detail)
    answer = yield _ending(call, subscription)
    if answer.status == 404:
        if answer.member("error", "code") != "resource_missing":
            raise Rejected(*_explain(answer), status=404, request_id=answer.headers.get("request-id", ""))
        return Done(subscription["id"], "already_done", customer.detail)
    return Done(subscription["id"], detail=_state(answer, customer))


def _ending(call: Call[Any, UnsubscribePlan], subscription: Row) -> Request:
    want, path = call.params, _path(subscription)
    reason = ("cancellation_details[feedback]", want.feedback or None)
    if want.when == "period_end":
        return _change(call, "cancel_at_period_end", path, [("cancel_at_period_end", True), reason], [404])
    item = lookups.item_on(subscription, want.price_id)
    if item and len(lookups.items(subscription)) > 1:
        form: Form = [("items[0][id]", item["id"]), ("items[0][deleted]", True),
                      ("proration_behavior", "create_prorations" if want.prorate else "none"),
                      (f"metadata[{REMOVAL_MARK}]", call.outcome_id)]
        return _change(call, "remove_item", path, form, [404])
    query = [("prorate", want.prorate), ("invoice_now", want.invoice_now), reason,
             ("cancellation_details[comment]", _comment(call))]
    return delete(path, query=query, step="cancel", look_at=[404])


@connector.action(
    "apply_coupon", "Apply a coupon", params=ApplyCoupon, requires=USER, repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Adds a discount to the user's subscription; the next invoice is the first one with it.",
)
def apply_coupon(call: Call[StripeSettings, ApplyCoupon]) -> Flow:
    """Add a discount, sending the present ones along, since the list that is sent replaces them."""
    want, customer = call.params, (yield from find_customer(call))
    found = yield from lookups.live_subscriptions(customer, price=want.price_id, expand="data.discounts")
    subscription = found[0]
    if lookups.discounted(subscription, want.coupon_id, want.promotion_code_id):
        return Done(subscription["id"], "already_done", customer.detail)
    kept = [lookups.identity(one) for one in subscription.get("discounts") or [] if want.keep_existing]
    form: Form = [(f"discounts[{place}][discount]", one) for place, one in enumerate(kept)]
    kind = "coupon" if want.coupon_id else "promotion_code"
    form.append((f"discounts[{len(kept)}][{kind}]", want.coupon_id or want.promotion_code_id))
    answer = yield _change(call, "discount", _path(subscription), form)
    added = [lookups.identity(one) for one in answer.member("discounts") or []]
    new = next((one for one in added if one not in kept), "")
    return Done(subscription["id"], detail={**customer.detail, "discount": new})


@connector.action(
    "extend_trial", "Extend the trial", params=ExtendTrial, requires=USER, repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Moves the end of a running trial; the billing date moves with it. Users without a trial are refused.",
)
def extend_trial(call: Call[StripeSettings, ExtendTrial]) -> Flow:
    """Add days to a trial once: a mark on the subscription outlives the idempotency key."""
    want, customer = call.params, (yield from find_customer(call))
    found = lookups.live((yield from lookups.subscriptions(customer, price=want.price_id, status="trialing")))
    for one in found:
        if lookups.metadata(one, TRIAL_MARK) == call.outcome_id:
            return Done(one["id"], detail={**customer.detail, "trial_end": str(one.get("trial_end"))})
    if not found:
        raise Rejected("no_trial", "the user has no running trial")
    trial = found[0]
    form: Form = [("trial_end", trial["trial_end"] + want.days * DAY), ("proration_behavior", "none"),
                  (f"metadata[{TRIAL_MARK}]", call.outcome_id)]
    answer = yield _change(call, "trial_end", _path(trial), form)
    return Done(trial["id"], detail={**customer.detail, "trial_end": str(answer.member("trial_end"))})


@connector.action(
    "switch_subscription", "Switch to another plan", params=SwitchSubscription, requires=USER,
    repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Replaces the price at once or at period end. A price with another interval is charged at once and moves"
         " the billing date. At period end, what a subscription schedule planned for later is replaced.",
)
def switch_subscription(call: Call[StripeSettings, SwitchSubscription]) -> Flow:
    """Replace the price of one item now, or plan it with a subscription schedule."""
    want, customer = call.params, (yield from find_customer(call))
    found = yield from lookups.live_subscriptions(customer)
    subscription, item = lookups.plan_item(found, want.price_id, want.from_price_id)
    if lookups.identity(item["price"]) == want.price_id:
        return Done(subscription["id"], "already_done", customer.detail)
    if want.when == "period_end":
        return (yield from _plan_switch(call, subscription, item, customer))
    form = _new_price(call, item, item.get("quantity"), "error_if_incomplete")
    answer = yield _change(call, "switch", _path(subscription), form)
    return Done(subscription["id"], detail=_state(answer, customer))


def _new_price(call: Call[Any, Any], item: Row, quantity: int | None, payment_behavior: str) -> Form:
    return [
        ("items[0][id]", item["id"]),
        ("items[0][price]", call.params.price_id),
        ("items[0][quantity]", quantity),  # left out, Stripe would set it to 1
        ("proration_behavior", call.params.proration_behavior),
        ("payment_behavior", payment_behavior),
        ("off_session", True),
    ]


def _plan_switch(call: Call[Any, SwitchSubscription], subscription: Row, item: Row, customer: Customer) -> Flow:
    """Two writes, each with its own key: after a crash between them the first is found and the second goes on."""
    price = call.params.price_id
    schedule = yield from _schedule(call, subscription)
    path = f"/v1/subscription_schedules/{segment(schedule['id'])}"
    if lookups.is_planned(schedule, price):
        return Done(schedule["id"], "already_done", customer.detail)
    answer = yield get(f"/v1/prices/{segment(price)}", step="price")
    every = answer.member("recurring")
    if not every:
        raise Rejected("price_not_recurring", f"{price} is no price of a subscription")
    yield _change(call, "phases", path, lookups.schedule_form(schedule, lookups.identity(item["price"]), price, every))
    return Done(schedule["id"], detail=customer.detail)


def _schedule(call: Call[Any, Any], subscription: Row) -> Generator[Request, Response, Row]:
    known = subscription.get("schedule")
    if known:
        answer = yield get(f"/v1/subscription_schedules/{segment(lookups.identity(known))}", step="read_schedule")
    else:
        form: Form = [("from_subscription", subscription["id"])]
        answer = yield _change(call, "schedule", "/v1/subscription_schedules", form)
    schedule: Row = answer.json
    return schedule


@connector.action(
    "update_subscription", "Update existing subscription", params=UpdateSubscription, requires=USER,
    repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Switches the user's subscription to another price at once, with the proration you choose.",
)
def update_subscription(call: Call[StripeSettings, UpdateSubscription]) -> Flow:
    """Replace price and quantity of the only item of the user's subscription."""
    want, customer = call.params, (yield from find_customer(call))
    found = yield from lookups.live_subscriptions(customer)
    subscription, item = lookups.plan_item(found, want.price_id, "")
    quantity = item.get("quantity") if want.quantity is None else want.quantity
    if lookups.identity(item["price"]) == want.price_id and quantity == item.get("quantity"):
        return Done(subscription["id"], "already_done", customer.detail)
    form = _new_price(call, item, quantity, want.payment_behavior)
    answer = yield _change(call, "update", _path(subscription), form)
    pending = answer.member("pending_update") is not None
    return Done(subscription["id"], "accepted" if pending else "", _state(answer, customer))
