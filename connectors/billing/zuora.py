"""Zuora: rate plans and subscriptions. REST API v1, version 2025-08-12, https://developer.zuora.com/v1-api-reference/."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connectors.billing import _zuora_answers as answers
from connectors.billing._zuora_answers import Row
from connectors.billing._zuora_forms import (
    AddPlan,
    CancelSubscription,
    ChangeAutoRenewal,
    CreateSubscription,
    RemovePlan,
    ResumeSubscription,
    SuspendSubscription,
    ZuoraSettings,
)
from connectors.billing._zuora_orders import (
    PAGES,
    active,
    amend,
    begin,
    dated,
    filled,
    is_ending,
    order,
    rate_plan,
    subscribe,
    tenant_date,
    with_status,
)
from connectors.kit import (
    Account,
    Broken,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    Option,
    OptionsFlow,
    Rejected,
    Repeat,
    Request,
    Sign,
    SignContext,
    Signed,
    TokenFlow,
    all_of,
    get,
)
from connectors.kit.auth import bearer, client_credentials, client_credentials_form
from connectors.kit.http import address, header_lines

VERSION = "2025-08-12"
KEPT = 24 * 3600.0
"""Seconds for which Zuora keeps idempotency keys."""
ACCOUNT = all_of("account_number")
SANDBOX = re.compile(r"\.(apisandbox|sandbox|test)\.")


def token(settings: ZuoraSettings, now: float) -> TokenFlow:
    """OAuth client credentials; a token lives for about an hour."""
    url = settings.api_url.rstrip("/") + "/oauth/token"
    request = client_credentials_form(url, settings.client_id, settings.client_secret)
    more = {"Accept": "application/json", "Zuora-Version": VERSION}
    return client_credentials(request._replace(headers={**request.headers, **more}), now)


def signer(settings: ZuoraSettings) -> Sign:
    """Token, pinned version, and the entity where there are several."""
    lines = ["Accept: application/json", f"Zuora-Version: {VERSION}"]
    if settings.entity_id:
        lines.append(f"Zuora-Entity-Ids: {settings.entity_id}")
    base = settings.api_url.rstrip("/")

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host and token."""
        if context.token is None:
            raise Broken("no_token", "no token was got for a request to Zuora")
        more = [f"Authorization: {bearer(context.token.value)}", *lines]
        return Signed(request.method, address(base, request), header_lines(request, more), request.body)

    return sign


def check(settings: ZuoraSettings) -> CheckFlow:
    """See the catalogue; Zuora tells no name of the tenant."""
    yield get("/v1/catalog/products", query={"pageSize": 1}, step="catalogue")
    host = urlsplit(settings.api_url).hostname or ""
    return Account(host, "sandbox" if SANDBOX.search(host) else "live")


def rate_plans(_settings: ZuoraSettings) -> OptionsFlow:
    """Rate plans of all products that can be sold."""
    found: list[Option] = []
    for page in range(1, PAGES + 1):
        query = {"pageSize": 40, **({"page": page} if page > 1 else {})}
        answer = yield get("/v1/catalog/products", query=query, step="catalogue")
        for product in answer.member("products") or []:
            found += [Option(str(plan["id"]), f"{product.get('name')}: {plan.get('name')}")
                      for plan in product.get("productRatePlans") or [] if plan.get("status") in (None, "Active")]
        if not answer.member("nextPage"):
            break
    return found


connector = Connector(
    id="zuora", title="Zuora", category="billing", settings=ZuoraSettings, signer=signer, read=answers.read,
    tokens={"": token}, check=check, options={"rate_plans": rate_plans},
    help="Creates, changes, pauses, resumes and cancels the subscriptions of a Zuora account.",
    docs="https://developer.zuora.com/v1-api-reference/introduction/", api_version=VERSION,
    request_id_header="zuora-request-id",
    # 50,000 a minute in production; heavy requests: about 20 at a time, by public reports.
    limits=Limits(rate=800.0, concurrency=20, timeout=60.0),
    doubt="Also where Zuora saw the idempotency key with other contents.",
    confidence="Not tried against a live tenant. Unverified: whether answers with 429 and 5xx are stored under an"
               " idempotency key, the kinds of failure whose codes end in 60, 61 and 70, when a removed rate plan"
               " leaves the list.",
)


def _looks_with_orders(_params: Any, settings: ZuoraSettings) -> Repeat:
    """An order has our number and a key. The older PUT has neither, and the account may hold more subscriptions."""
    return Repeat.LOOK_BEFORE if settings.has_orders else Repeat.NEVER


def _keeps_renewal(_params: Any, settings: ZuoraSettings) -> Repeat:
    return Repeat.LOOK_BEFORE if settings.has_orders else Repeat.HARMLESS


def _creates_under_key(_params: Any, settings: ZuoraSettings) -> Repeat:
    return Repeat.LOOK_BEFORE if settings.has_orders else Repeat.KEY


@connector.action(
    "add_plan", "Add a plan", params=AddPlan, requires=ACCOUNT, repeat=Repeat.LOOK_BEFORE,
    repeat_of=_looks_with_orders, help="Adds a rate plan to the account's active subscription.",
)
def add_plan(call: Call[ZuoraSettings, AddPlan]) -> Flow:
    """Add the rate plan, unless the subscription has it."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done()
    row, plan = active(found.rows), want.product_rate_plan_id
    if rate_plan(row, plan):
        return _already(row)
    day = want.effective_date or tenant_date(call)
    if not call.settings.has_orders:
        body = {"add": [{"productRatePlanId": plan, **dated(day)}], "runBilling": want.run_billing,
                "collect": want.collect_payment}
        return (yield from amend(call, row, body))
    options = {"runBilling": want.run_billing, "collectPayment": want.collect_payment}
    made = yield from order(call, "AddProduct", {"addProduct": {"productRatePlanId": plan}},
                            subscription=row["subscriptionNumber"], on=day, options=options)
    return made.done()


def _already(row: Row) -> Done:
    number = str(row.get("subscriptionNumber") or "")
    return Done(number, "already_done", {"subscription": number})


@connector.action(
    "remove_plan", "Remove a plan", params=RemovePlan, requires=ACCOUNT, repeat=Repeat.LOOK_BEFORE,
    repeat_of=_looks_with_orders,
    help="Takes a rate plan off the account's active subscription; the subscription itself stays.",
)
def remove_plan(call: Call[ZuoraSettings, RemovePlan]) -> Flow:
    """Remove the rate plan, unless no active subscription has it."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done()
    with_plan = with_status(found.rows, "Active", want.product_rate_plan_id)
    if not with_plan:
        return _already(active(found.rows))
    row, day = with_plan[0], want.effective_date or tenant_date(call)
    held = rate_plan(row, want.product_rate_plan_id) or {}
    if not call.settings.has_orders:
        body = {"remove": [{"ratePlanId": held.get("id"), **dated(day)}], "runBilling": want.run_billing}
        return (yield from amend(call, row, body))
    made = yield from order(call, "RemoveProduct", {"removeProduct": {"ratePlanId": held.get("id")}},
                            subscription=row["subscriptionNumber"], on=day, options={"runBilling": want.run_billing})
    return made.done()


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelSubscription, requires=ACCOUNT,
    repeat=Repeat.LOOK_BEFORE, repeat_of=_looks_with_orders,
    help="Ends the account's active subscription by the policy you choose.",
)
def cancel_subscription(call: Call[ZuoraSettings, CancelSubscription]) -> Flow:
    """Cancel, unless it is cancelled or going to be."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done()
    running = with_status(found.rows, "Active")
    gone = [row for row in running[:1] if is_ending(row)] or ([] if running else with_status(found.rows, "Cancelled"))
    if gone:
        return _already(gone[0])
    row = active(found.rows)
    policy = filled({"cancellationPolicy": want.cancellation_policy,
                     "cancellationEffectiveDate": want.cancellation_date})
    credit = "applyCredit" if call.settings.invoice_settlement else "applyCreditBalance"
    options = {"runBilling": want.run_billing, credit: want.apply_credit}
    if not call.settings.has_orders:
        return (yield from amend(call, row, {**policy, **options}, "cancel"))
    made = yield from order(call, "CancelSubscription", {"cancelSubscription": policy},
                            subscription=row["subscriptionNumber"], options=options)
    return made.done()


@connector.action(
    "suspend_subscription", "Suspend the subscription", params=SuspendSubscription, requires=ACCOUNT,
    repeat=Repeat.LOOK_BEFORE, repeat_of=_looks_with_orders,
    help="Pauses the account's active subscription. Zuora's feature 'Pause and Resume' must be on.",
)
def suspend_subscription(call: Call[ZuoraSettings, SuspendSubscription]) -> Flow:
    """Suspend, unless it is suspended or going to be."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done()
    running = with_status(found.rows, "Active")
    paused = [row for row in running[:1] if row.get("scheduledSuspendDate")] \
        or ([] if running else with_status(found.rows, "Suspended"))
    if paused:
        return _already(paused[0])
    row = active(found.rows)
    policy = filled({"suspendPolicy": want.suspend_policy, "suspendSpecificDate": want.suspend_date,
                     "suspendPeriods": want.suspend_periods, "suspendPeriodsType": want.suspend_periods_type})
    if not call.settings.has_orders:
        return (yield from amend(call, row, _with_text(policy, "suspendPeriods"), "suspend"))
    made = yield from order(call, "Suspend", {"suspend": policy}, subscription=row["subscriptionNumber"])
    return made.done()


def _with_text(policy: Row, name: str) -> Row:
    """The older calls want a number of periods as text."""
    return {**policy, name: str(policy[name])} if name in policy else policy


@connector.action(
    "resume_subscription", "Resume the subscription", params=ResumeSubscription, requires=ACCOUNT,
    repeat=Repeat.LOOK_BEFORE, repeat_of=_looks_with_orders,
    help="Brings a suspended subscription back. Zuora's feature 'Pause and Resume' must be on.",
)
def resume_subscription(call: Call[ZuoraSettings, ResumeSubscription]) -> Flow:
    """Resume, unless it runs or is going to."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done()
    paused = with_status(found.rows, "Suspended")
    running = with_status(found.rows, "Active")
    if (paused and paused[0].get("scheduledResumeDate")) or (running and not paused):
        return _already((paused or running)[0])
    if not paused:
        raise Rejected("no_suspended_subscription", "the account has no suspended subscription")
    policy = filled({"resumePolicy": want.resume_policy, "resumeSpecificDate": want.resume_date,
                     "resumePeriods": want.resume_periods, "resumePeriodsType": want.resume_periods_type,
                     "extendsTerm": want.extends_term})
    if not call.settings.has_orders:
        return (yield from amend(call, paused[0], _with_text(policy, "resumePeriods"), "resume"))
    made = yield from order(call, "Resume", {"resume": policy}, subscription=paused[0]["subscriptionNumber"])
    return made.done()


@connector.action(
    "change_auto_renewal", "Change auto-renewal", params=ChangeAutoRenewal, requires=ACCOUNT,
    repeat=Repeat.LOOK_BEFORE, repeat_of=_keeps_renewal,
    help="Switches automatic renewal of the account's active subscription on or off; renewal terms stay.",
)
def change_auto_renewal(call: Call[ZuoraSettings, ChangeAutoRenewal]) -> Flow:
    """Set auto-renewal of a subscription that has a term."""
    found = yield from begin(call)
    if found.made:
        return found.made.done()
    row, terms = active(found.rows), {"autoRenew": call.params.auto_renew}
    if row.get("termType") == "EVERGREEN":
        raise Rejected("not_termed", f"subscription {row['subscriptionNumber']} is evergreen: it has no renewal")
    if row.get("autoRenew") == call.params.auto_renew:
        return _already(row)
    if not call.settings.has_orders:
        return (yield from amend(call, row, terms))
    made = yield from order(call, "TermsAndConditions", {"termsAndConditions": terms},
                            subscription=row["subscriptionNumber"])
    return made.done()


@connector.action(
    "create_subscription", "Create a subscription", params=CreateSubscription, requires=ACCOUNT,
    repeat=Repeat.LOOK_BEFORE, repeat_of=_creates_under_key, keeps_keys=KEPT,
    help="A new subscription with one rate plan on the user's account.",
)
def create_subscription(call: Call[ZuoraSettings, CreateSubscription]) -> Flow:
    """Create a subscription, unless the account has one with the plan."""
    want, found = call.params, (yield from begin(call))
    if found.made:
        return found.made.done(by_subscription=True)
    there = with_status(found.rows, "Active", want.product_rate_plan_id)
    if there and want.if_subscribed == "already_done":
        return _already(there[0])
    day = want.contract_effective_date or tenant_date(call)
    if not call.settings.has_orders:
        answer = yield from subscribe(call, _older_subscription(call, day.isoformat()))
        return Done(str(answer.member("subscriptionNumber") or answer.member("subscriptionId") or ""))
    options = {"runBilling": want.run_billing, "collectPayment": want.collect_payment}
    made = yield from order(call, "CreateSubscription", {"createSubscription": _subscription(want, day.isoformat())},
                            on=day, options=options)
    return made.done(by_subscription=True)


def _subscription(want: CreateSubscription, day: str) -> Row:
    first: Row = {"termType": want.term_type, "startDate": day}
    terms: Row = {"initialTerm": first}
    if want.term_type == "TERMED":
        first.update(period=want.initial_term, periodType="Month")
        terms.update(autoRenew=want.auto_renew, renewalSetting="RENEW_WITH_SPECIFIC_TERM",
                     renewalTerms=[{"period": want.renewal_term, "periodType": "Month"}])
    return {"terms": terms, "subscribeToRatePlans": [{"productRatePlanId": want.product_rate_plan_id}]}


def _older_subscription(call: Call[ZuoraSettings, CreateSubscription], day: str) -> Row:
    want = call.params
    body: Row = {"accountKey": call.first("account_number"), "contractEffectiveDate": day, "termType": want.term_type,
                 "renewalTerm": want.renewal_term,
                 "subscribeToRatePlans": [{"productRatePlanId": want.product_rate_plan_id}],
                 "runBilling": want.run_billing, "collect": want.collect_payment}
    if want.term_type == "TERMED":
        body.update(initialTerm=want.initial_term, initialTermPeriodType="Month", autoRenew=want.auto_renew)
    return body
