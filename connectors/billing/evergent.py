"""Evergent UMS: coupons, products and pauses of accounts. JSON messages; every customer has an own instance.

No specification is public: what calls and fields are called stands in one place, and each can be renamed in settings.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import orjson

from connectors.billing import _evergent_messages as messages
from connectors.billing._evergent_forms import (
    MOST_DAYS,
    ChangeService,
    EvergentSettings,
    OneService,
    PauseSubscription,
    RedeemCoupon,
)
from connectors.billing._evergent_messages import Row, read
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Limits,
    MissingAttributes,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    SignContext,
    Signed,
    all_of,
    sign_with,
)
from connectors.kit.auth import bearer
from connectors.kit.http import JSON

NOBODY = "prompt-actions-connection-test"
"""A customer that does not exist, for the connection test."""
STAGING = "rest-stag"
USER = all_of("customer_id")


def signer(settings: EvergentSettings) -> Sign:
    """The key where the instance wants it: inside the message, in a header, or as bearer token."""
    kind, _, name = settings.api_key_placement.partition(":")
    headers, members = {"Accept": JSON}, _members(settings)
    if kind == "message":
        members[name] = settings.api_key.get_secret_value()
    elif kind == "header":
        headers[name] = settings.api_key.get_secret_value()
    elif kind == "bearer":
        headers["Authorization"] = bearer(settings.api_key)
    plain = sign_with(settings.address, headers)

    def sign(request: Request, context: SignContext) -> Signed:
        """Put credentials beside the partner's id."""
        return plain(request._replace(body=_with(request.body, members)), context)

    return sign


def _members(settings: EvergentSettings) -> dict[str, str]:
    """API user and password, where the instance has them."""
    if not settings.api_user or settings.api_password is None:
        return {}
    return {messages.USER: settings.api_user, messages.PASSWORD: settings.api_password.get_secret_value()}


def _with(body: bytes | None, members: Mapping[str, str]) -> bytes | None:
    """The message with more members in it."""
    if not body or not members:
        return body
    return orjson.dumps({name: {**inner, **members} for name, inner in orjson.loads(body).items()})


def check(settings: EvergentSettings) -> CheckFlow:
    """Ask for a customer that does not exist: that nobody is found shows that domain and key are taken."""
    found = yield from messages.ask(settings, messages.LOOKUP, _whose(NOBODY), effect=False)
    if found.code not in ("", messages.NO_ACCOUNT):
        raise messages.refused(found)
    return Account(settings.domain, "sandbox" if settings.domain.startswith(STAGING) else "")


connector = Connector(
    id="evergent", title="Evergent", category="billing", settings=EvergentSettings, signer=signer, read=read,
    check=check,
    help="Redeems coupons, changes products, pauses, resumes, reactivates and cancels. Users are found by the synced"
         " attribute customer_id (cpCustomerID); pack_id names their current service.",
    docs="https://www.evergent.com/", api_version="unversioned",
    limits=Limits(concurrency=4, timeout=60.0),  # the vendor names none: carefully few
    confidence="Low confidence throughout: no specification is public. Seen in public code: the form of messages and"
               " answers, getActiveSubscriptions, removeSubscription. Not verified: redeemCoupon, changeService,"
               " pauseSubscription, resumeSubscription, reactivateSubscription, their fields, how a server proves who"
               " it is, error codes. Compare with Evergent's documents for your instance and rename in the settings"
               " what differs; try each action in staging first.",
)


def _whose(customer: str) -> Row:
    return {"customer": customer, "live_events": "F"}


def _services(call: Call[EvergentSettings, Any]) -> Generator[Request, Response, list[Row]]:
    """The account's active services."""
    whose = _whose(call.first("customer_id"))
    found = yield from messages.ask(call.settings, messages.LOOKUP, whose, effect=False)
    if found.code:
        raise messages.refused(found)
    return messages.services(found.message)


def _named(call: Call[EvergentSettings, Any], chosen: str, rows: list[Row] | None = None
           ) -> Generator[Request, Response, str]:
    """The service that an action is about: the binding's, else the synced one, else the account's only one."""
    known = chosen or call.attribute("pack_id")
    if known:
        return known
    rows = (yield from _services(call)) if rows is None else rows
    if len(rows) != 1:
        raise Rejected("several_services" if rows else "no_active_service",
                       f"the account has {len(rows)} active services: sync pack_id, or let the binding name the one")
    return str(rows[0][messages.SERVICE])


def _service(rows: list[Row], name: str) -> Row | None:
    return next((row for row in rows if str(row[messages.SERVICE]) == name), None)


def _do(call: Call[EvergentSettings, Any], action: str, reference: str, **values: Any) -> Flow:
    """Make the call of an action; a refusal that says so means that it was done before."""
    found = yield from messages.ask(call.settings, action, {"customer": call.first("customer_id"), **values})
    if not found.code:
        return Done(reference)
    if messages.says_done(call.settings, found):
        return Done(reference, "already_done", {"code": found.code})
    raise messages.refused(found)


@connector.action(
    "redeem_coupon", "Redeem coupon", params=RedeemCoupon, requires=USER, repeat=Repeat.NEVER,
    form_inputs=[FormInput("coupon_code", "Coupon code", required=False)],
    help="Low confidence: compare with your instance. Nothing tells afterwards who redeemed a coupon: where an answer"
         " is lost, a person looks at the account.",
)
def redeem_coupon(call: Call[EvergentSettings, RedeemCoupon]) -> Flow:
    """Redeem the typed, the bound or the synced coupon."""
    code = call.form("coupon_code") or call.params.coupon_code or call.attribute("coupon_code")
    if not code:
        raise MissingAttributes(["coupon_code", "form.coupon_code"])
    return (yield from _do(call, "redeem_coupon", code, coupon=code))


@connector.action(
    "change_service", "Change service", params=ChangeService, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Low confidence: compare with your instance. Moves the account from one service to another.",
)
def change_service(call: Call[EvergentSettings, ChangeService]) -> Flow:
    """Change the service, unless the new one is active."""
    want, rows = call.params, (yield from _services(call))
    if _service(rows, want.to_service_id):
        return Done(want.to_service_id, "already_done")
    old = yield from _named(call, want.from_service_id, rows)
    if _service(rows, old) is None:
        raise Rejected("service_not_active", f"the account has no active service {old} to change from")
    return (yield from _do(call, "change_service", want.to_service_id, old_service=old, new_service=want.to_service_id))


@connector.action(
    "pause_subscription", "Pause subscription", params=PauseSubscription, requires=USER, repeat=Repeat.NEVER,
    form_inputs=[FormInput("days", "Days", required=False)],
    help="Low confidence: compare with your instance. At most 90 days. Nothing tells whether a second pause adds to"
         " the first: where an answer is lost, a person looks at the account.",
)
def pause_subscription(call: Call[EvergentSettings, PauseSubscription]) -> Flow:
    """Pause for the typed or the bound number of days."""
    typed = call.form("days")
    days = call.params.days
    if typed:
        days = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= len(str(MOST_DAYS)) else 0
    if not 1 <= days <= MOST_DAYS:
        raise Rejected("invalid_days", f"a pause lasts 1 to {MOST_DAYS} days")
    service = yield from _named(call, call.params.service_id)
    return (yield from _do(call, "pause_subscription", service, service=service, days=days))


@connector.action(
    "resume_subscription", "Resume subscription", params=OneService, requires=USER, repeat=Repeat.HARMLESS,
    help="Low confidence: compare with your instance. Ends a pause.",
)
def resume_subscription(call: Call[EvergentSettings, OneService]) -> Flow:
    """End the pause."""
    service = yield from _named(call, call.params.service_id)
    return (yield from _do(call, "resume_subscription", service, service=service))


@connector.action(
    "reactivate_subscription", "Reactivate subscription", params=OneService, requires=USER, repeat=Repeat.HARMLESS,
    help="Low confidence: compare with your instance. Takes back a cancellation.",
)
def reactivate_subscription(call: Call[EvergentSettings, OneService]) -> Flow:
    """Let the service renew again."""
    service = yield from _named(call, call.params.service_id)
    return (yield from _do(call, "reactivate_subscription", service, service=service))


@connector.action(
    "remove_subscription", "Remove subscription", params=OneService, requires=USER, repeat=Repeat.LOOK_BEFORE,
    help="Low confidence: the call was seen in public apps, not from servers. Cancels at the end of the period.",
)
def remove_subscription(call: Call[EvergentSettings, OneService]) -> Flow:
    """Cancel the service, unless it ends already; one that is gone after a try of ours was cancelled by it."""
    rows = yield from _services(call)
    service = yield from _named(call, call.params.service_id, rows)
    there = _service(rows, service)
    if (there is None and call.doubtful) or (there and messages.renews(there) is False):
        return Done(service, "already_done")
    return (yield from _do(call, "remove_subscription", service, service_type="PRODUCT", service=service))
