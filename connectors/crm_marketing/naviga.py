"""Naviga Subscribe: subscriptions of newspapers. Web API (Subscribe 3.13 and later), https://docs.navigaglobal.com/."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from connectors.crm_marketing._naviga_forms import (
    ChangeOffer,
    CheckSubscription,
    CreateSubscription,
    EndSubscription,
    NavigaSettings,
)
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
    NoParams,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    any_of,
    failure,
    get,
    instruct,
    post,
    sign_with,
)
from connectors.kit.auth import bearer
from connectors.kit.person import EMAIL

USER = "naviga_customer_registration_id"
"""Attribute that holds the user's registration id."""
SUBSCRIPTION = "naviga_subscription_id"
"""Attribute that holds the id of the subscription that is meant."""
LIVE = "L"
"""Status of a live subscription."""
CARD, ITUNES, GOOGLE_PLAY = 1, 31, 32
"""Payment types."""
PROBE = "connection-test@example.com"
"""Address that the connection test asks for; nobody has it."""
Row = dict[str, Any]
AnyCall = Call[NavigaSettings, Any]
Rows = Generator[Request, Response, list[Row]]


def signer(settings: NavigaSettings) -> Sign:
    """The token, written with a small b as Naviga does, and the codes by which it knows its client."""
    codes = {"X-MediaGroupCode": settings.media_group_code, "X-ClientCode": settings.client_code,
             "X-PaperCode": settings.paper_code, "X-SourceSystem": settings.source_system}
    token = bearer(settings.token).replace("Bearer", "bearer", 1)
    sent = {name: value for name, value in codes.items() if value}
    return sign_with(settings.base_url, {"Authorization": token, "Accept": "application/json", **sent})


def explain(response: Response) -> tuple[str, str]:
    """Code and message: of the first error in the envelope, or of the short form beside it."""
    first = response.member("Errors", 0)
    if isinstance(first, dict):
        kind = first.get("Type") or {}
        code = first.get("Code") or (kind.get("Code") if isinstance(kind, dict) else None) or "error"
        return str(code), str(first.get("Message") or "")[:200]
    return f"http_{response.status}", str(response.member("error") or response.text)[:200]


def read(_request: Request, response: Response) -> Failure | None:
    """Errors may come with 200: then the envelope's own code counts, and what it lists."""
    code, message = explain(response)
    if not response.ok:
        about_settings = response.status == 400 and ("Authorization" in message or message.startswith("X-"))
        return Misconfigured("header_missing", message, status=400) if about_settings else failure(
            response, code, message)
    inner = response.member("Code")
    if isinstance(inner, int) and inner >= 400:
        return failure(Response(inner, response.headers, response.body), code, message)
    return Rejected(code, message, status=response.status) if response.member("Errors") else None


def check(settings: NavigaSettings) -> CheckFlow:
    """Search for a user who does not exist: refused where token or codes are wrong."""
    yield get(settings.path("find_user"), query={"email": PROBE}, step="check")
    return Account(f"{settings.client_code}, paper {settings.paper_code}",
                   "sandbox" if "test." in settings.base_url else "live")


connector = Connector(
    id="naviga", title="Naviga Subscribe", category="crm_marketing", settings=NavigaSettings, signer=signer, read=read,
    check=check, limits=Limits(concurrency=10),
    help="Checks, creates, starts, ends and changes subscriptions.", docs="https://docs.navigaglobal.com/",
    api_version="Subscribe 3.13",
    doubt="Also where Naviga reports neither an error nor a subscription.",
    confidence="Checking and creating subscriptions follow Naviga's documentation. How a subscription is started,"
               " ended, upgraded or downgraded is documented nowhere: paths, bodies and answers of these four are taken"
               " from a guide, unverified, and may have to be set under 'Path overrides'. Rate limits and the life of"
               " the token are not published.",
)


# -- look-ups


def _user(call: AnyCall) -> Generator[Request, Response, str]:
    """The synced registration id, else the one of the user's address."""
    known = call.attribute(USER)
    if known:
        return known
    answer = yield get(call.settings.path("find_user"), query={"email": call.first(EMAIL, USER)}, step="find_user")
    found = answer.member("Result", "User", "CustomerRegistrationId")
    if not found:
        raise Rejected("user_not_found", "no Naviga user has the user's e-mail address")
    return str(found)


def _owned(call: AnyCall, user: str, paper: str) -> Rows:
    """The user's subscriptions of one paper, or of all, stopped ones too."""
    asked: Mapping[str, str] = {"request.customerRegistrationId": user, "request.includeStoppedSubscriptions": "true"}
    if call.settings.path_style == "engage":
        asked = {"userId": user}
    answer = yield get(call.settings.path("check", user=user), query=asked, step="subscriptions")
    result = answer.member("Result")
    rows = result.get("OwnedSubscriptions") if isinstance(result, dict) else None
    if not isinstance(rows, list):
        raise Rejected("unreadable_answer", "the answer lists no subscriptions; check the path style in the settings")
    return [one for one in rows if not paper or str(one.get("PaperCode") or paper) == paper]


def _is_live(one: Row) -> bool:
    return one.get("Status") == LIVE or one.get("Active") is True


def _may_run(one: Row) -> bool:
    """Whether a subscription is live, or begins later: it was not stopped."""
    return _is_live(one) or not one.get("StopDate")


def _id(one: Row) -> str:
    return str(one.get("SubscriptionId") or "")


def _only(rows: Sequence[Row], what: str) -> str:
    """The id of the one subscription that can be meant."""
    if not rows:
        raise Rejected("subscription_not_found", f"the user has no {what} subscription of this paper")
    if len(rows) > 1:
        raise Rejected("several_subscriptions", f"the user has {len(rows)} {what} subscriptions of this paper; sync"
                                                f" {SUBSCRIPTION} to name one")
    return _id(rows[0])


def _meant(call: AnyCall) -> Generator[Request, Response, tuple[str, list[Row]]]:
    """The synced subscription, and the rows that it is looked for in; no rows where the user is not known."""
    wanted = call.attribute(SUBSCRIPTION)
    if wanted and not call.attribute(USER) and not call.attribute(EMAIL):
        return wanted, []
    user = yield from _user(call)
    rows = yield from _owned(call, user, "" if wanted else call.settings.paper_code)
    return wanted, [one for one in rows if not wanted or _id(one) == wanted]


# -- actions


@connector.action(
    "check_subscription", "Check Subscription", params=CheckSubscription, requires=any_of(USER, EMAIL),
    repeat=Repeat.HARMLESS, help="The outcome says whether the user has a live subscription; nothing is changed.",
)
def check_subscription(call: Call[NavigaSettings, CheckSubscription]) -> Flow:
    """Read whether the user has a live subscription."""
    user = yield from _user(call)
    rows = yield from _owned(call, user, call.params.paper_code)
    best = next((one for one in rows if _is_live(one)), rows[0] if rows else {})
    told = {"active": "true" if _is_live(best) else "false", "status": str(best.get("StatusDescription") or "")}
    return Done(_id(best), detail={name: value for name, value in told.items() if value})


@connector.action(
    "create_subscription", "Create Subscription", params=CreateSubscription, requires=any_of(USER, EMAIL),
    repeat=Repeat.LOOK_BEFORE,
    help="Creates a subscription from an offer, unless the user has one of this paper that was not stopped. Where the"
         " payment needs the browser, the outcome tells the app where to send the user. A print start, which needs"
         " addresses, cannot be made here.",
)
def create_subscription(call: Call[NavigaSettings, CreateSubscription]) -> Flow:
    """Create a subscription, unless one of the paper is there: Naviga has no idempotency keys."""
    user = yield from _user(call)
    rows = yield from _owned(call, user, call.settings.paper_code)
    there = next((one for one in rows if _may_run(one)), None)
    if there is not None:
        return Done(_id(there), "already_done")
    answer = yield post(call.settings.path("create"), json=_order(call, user), step="create")
    made = answer.member("Result", "SubscriptionID")
    link = answer.member("Result", "RedirectUrl")
    if not made and not link:
        raise InDoubt("unreadable_answer", "Naviga reported no error, and no subscription", status=answer.status)
    if link:
        return instruct("redirect", str(made or ""), url=link)._replace(note="accepted")
    return Done(str(made))


def _order(call: Call[NavigaSettings, CreateSubscription], user: str) -> Row:
    want = call.params
    body: Row = {
        "CustomerRegistrationId": user, "EmailAddress": call.attribute(EMAIL), "OfferId": want.offer_id,
        "OfferGroupId": want.offer_group_id, "StartType": want.start_type,
        "PaymentMethodId": call.attribute("naviga_payment_method_id"), "CouponCode": want.coupon_code,
        **(_receipt(call) if want.start_type == "InApp" else {"PaymentTypeId": want.payment_type_id or CARD}),
        "IgnoreExistingSubscriberCheck": False,
    }
    return {name: value for name, value in body.items() if value != ""}


def _receipt(call: Call[NavigaSettings, CreateSubscription]) -> Row:
    """The proof of a purchase in an app, under the name of its store."""
    receipt = call.event.context.get("receipt", "").strip()
    if not receipt:
        raise Rejected("no_receipt", "the event's context holds no 'receipt', which a purchase in an app needs")
    android = (call.event.platform or "").lower() == "android"
    kind = call.params.payment_type_id or (GOOGLE_PLAY if android else ITUNES)
    store = "GooglePlayInfo" if kind == GOOGLE_PLAY else "iTunesInfo"
    return {"PaymentTypeId": kind, store: {"Receipt": receipt}}


@connector.action(
    "start_subscription", "Start Subscription", params=NoParams, requires=any_of(SUBSCRIPTION, USER),
    repeat=Repeat.HARMLESS, help="Activates a subscription that is not live. Unverified: see the connector's notes.",
)
def start_subscription(call: AnyCall) -> Flow:
    """Activate the subscription, unless it is live."""
    wanted, rows = yield from _meant(call)
    live = [one for one in rows if _is_live(one)]
    if live:
        return Done(_id(live[0]), "already_done")
    target = wanted or _only(rows, "stopped")
    yield post(call.settings.path("start", subscription=target), json={}, step="start")
    return Done(target, "accepted")


@connector.action(
    "end_subscription", "End Subscription", params=EndSubscription, requires=any_of(SUBSCRIPTION, USER),
    repeat=Repeat.HARMLESS, help="Cancels the live subscription. Unverified: see the connector's notes.",
)
def end_subscription(call: Call[NavigaSettings, EndSubscription]) -> Flow:
    """Cancel the subscription, unless it is not live any more."""
    wanted, rows = yield from _meant(call)
    live = [one for one in rows if _is_live(one)]
    if rows and not live:
        return Done(wanted or _id(rows[0]), "already_done")
    target = wanted or _only(live, "live")
    reason = {"Reason": call.params.reason} if call.params.reason else {}
    yield post(call.settings.path("end", subscription=target), json=reason, step="end")
    return Done(target, "accepted")


def _change(call: Call[NavigaSettings, ChangeOffer], operation: str) -> Flow:
    target = call.attribute(SUBSCRIPTION)
    if not target:
        _, rows = yield from _meant(call)
        target = _only([one for one in rows if _is_live(one)], "live")
    yield post(call.settings.path(operation, subscription=target), step=operation,
               json={"SubscriptionId": target, "OfferId": call.params.offer_id})
    return Done(target, "accepted")


@connector.action(
    "upgrade_subscription", "Upgrade Subscription", params=ChangeOffer, requires=any_of(SUBSCRIPTION, USER),
    repeat=Repeat.NEVER, help="Moves the subscription to a higher offer. Unverified: see the connector's notes.",
)
def upgrade_subscription(call: Call[NavigaSettings, ChangeOffer]) -> Flow:
    """Move the subscription to a higher offer."""
    return (yield from _change(call, "upgrade"))


@connector.action(
    "downgrade_subscription", "Downgrade Subscription", params=ChangeOffer, requires=any_of(SUBSCRIPTION, USER),
    repeat=Repeat.NEVER, help="Moves the subscription to a lower offer. Unverified: see the connector's notes.",
)
def downgrade_subscription(call: Call[NavigaSettings, ChangeOffer]) -> Flow:
    """Move the subscription to a lower offer."""
    return (yield from _change(call, "downgrade"))
