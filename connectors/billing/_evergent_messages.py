"""Evergent's messages: what calls, fields and answers are called, in one place since little of it is verified."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, NamedTuple

from connectors.kit import Failure, Misconfigured, Rejected, Request, Response, Unavailable, failure, post

LOOKUP = "lookup"
"""What the reading of services is called among the overrides."""
LOOKUP_METHOD = "getActiveSubscriptions"  # seen in public apps, there with the user's own token
METHODS: Mapping[str, str] = {
    "redeem_coupon": "redeemCoupon",  # not verified
    "change_service": "changeService",  # not verified
    "pause_subscription": "pauseSubscription",  # not verified
    "resume_subscription": "resumeSubscription",  # not verified
    "reactivate_subscription": "reactivateSubscription",  # not verified
    "remove_subscription": "removeSubscription",  # seen in public apps
}
"""By action: the method, hence the path and the name of the message."""
FIELDS: Mapping[str, str] = {
    "partner": "channelPartnerID",
    "customer": "cpCustomerID",
    "live_events": "returnLiveEvents",
    "service": "serviceID",
    "service_type": "serviceType",
    "coupon": "couponCode",  # not verified
    "old_service": "oldServiceID",  # not verified
    "new_service": "newServiceID",  # not verified
    "days": "pauseDays",  # not verified
}
"""By our names: the members of requests."""
REQUEST, RESPONSE = "RequestMessage", "ResponseMessage"
RESULT, GOOD = "responseCode", ("1", 1)
FAILURES, CODE, TEXT = "failureMessage", "errorCode", "errorMessage"
SERVICES, SERVICE, RENEWS = "AccountServiceMessage", "serviceID", "isRenewal"
USER, PASSWORD = "apiUser", "apiPassword"
NO_ACCESS = re.compile(r"(authentication failed|unauthori[sz]ed|not authori[sz]ed|invalid api.?key|access denied)",
                       re.IGNORECASE)
"""What a message about credentials may say: the codes are not known."""
NO_ACCOUNT = "eV2327"
"""Code of a failure: no account has the given details."""

Row = dict[str, Any]


class Reply(NamedTuple):
    """What an answer says."""

    message: Row
    code: str = ""
    """Evergent's error code; "" for a success."""
    text: str = ""


def request(settings: Any, name: str, values: Mapping[str, Any], *, effect: bool = True) -> Request:
    """The message of a call, without credentials: names by the instance's overrides, else the usual ones."""
    own = settings.overrides.get(name)
    method = (own and own.method) or METHODS.get(name, LOOKUP_METHOD)
    last = method.rpartition("/")[2]
    title = (own and own.request_message) or f"{last[0].upper()}{last[1:]}{REQUEST}"
    called = {**FIELDS, **(own.fields if own else {})}
    given = {"partner": settings.channel_partner_id, **values}
    inner = {called[one]: value for one, value in given.items() if called[one]}
    return post(f"/{method}", json={title: inner}, step=name, effect=effect, look_at=[200])


def ask(
    settings: Any, name: str, values: Mapping[str, Any], *, effect: bool = True
) -> Generator[Request, Response, Reply]:
    """Make a call; raises what its answer means, but for codes and messages that a flow may know."""
    sent = request(settings, name, values, effect=effect)
    answer = yield sent
    found = reply(sent, answer)
    if found.code in settings.retry_codes:
        raise Unavailable(found.code, found.text, status=answer.status)
    if found.code and NO_ACCESS.search(found.text):
        raise Misconfigured(found.code, found.text, status=answer.status)
    return found


def reply(sent: Request, answer: Response) -> Reply:
    """The first ...ResponseMessage of an answer, and what failed; a failure has status 200 too."""
    if not isinstance(answer.json, dict):
        raise Unavailable("unreadable_answer", "a success without an object in it", status=answer.status,
                          unknown=sent.effect)
    found = next((one for name, one in answer.json.items() if name.endswith(RESPONSE) and isinstance(one, dict)), None)
    if found is None:
        raise Rejected("no_response_message", answer.text[:200], status=answer.status)
    if found.get(RESULT) in GOOD and not isinstance(found.get(RESULT), bool):
        return Reply(found)
    told = found.get(FAILURES)
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    code = str(first.get(CODE) or f"response_{found.get(RESULT)}")
    return Reply(found, code, str(first.get(TEXT) or found.get("message") or "no reason was given"))


def refused(found: Reply) -> Rejected:
    """The failure that a reply means."""
    return Rejected(found.code, found.text, status=200)


def says_done(settings: Any, found: Reply) -> bool:
    """Whether a refusal says that nothing is left to do."""
    pattern = settings.already_done
    return bool(found.code and pattern and re.search(pattern, found.text, re.IGNORECASE))


def read(_request: Request, response: Response) -> Failure | None:
    """Status alone: what a 200 says is read by the flows, since instances differ in it."""
    if response.status == 404:
        return Rejected("no_such_call", "the instance does not have this call, or the domain is wrong: see Domain and"
                                        " Method and field overrides", status=404)
    return failure(response, message=response.text[:200])


def services(message: Row) -> list[Row]:
    """Services in a reply: a list, or the only one by itself."""
    found = message.get(SERVICES)
    rows = found if isinstance(found, list) else [found]
    return [one for one in rows if isinstance(one, dict) and one.get(SERVICE)]


def renews(row: Row) -> bool | None:
    """Whether a service renews; None where the instance does not say."""
    told = row.get(RENEWS)
    return None if told is None else str(told).lower() in ("true", "1", "yes", "y", "t")
