"""What the Cleeng connector reads: answers and their errors, the user's subscriptions."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from connectors.kit import Call, Failure, MissingAttributes, Rejected, Request, Response, Unavailable, failure, get
from connectors.kit.moment import moment

SUBSCRIPTIONS = "/subscriptions"
SIZE, PAGES = 100, 20
"""Entries of a page, and most pages that are read."""
ALREADY = ("ALREADY_HAS_ACCESS", "SAME_TARGET_OFFER")
"""Codes of a switch for which nothing is left to do."""
LATER = {"RECURRING_PROCESS_ALREADY_STARTED": 600.0, "SWITCH_IN_PROGRESS": 60.0}
"""Codes of a switch that must wait, with the seconds to let pass: the vendor names none."""
CODES = (
    *ALREADY, *LATER, "VALIDATION_ERROR", "PAYMENT_GATEWAY_NOT_SUPPORTED", "SUBSCRIPTION_WITH_COUPON_NOT_ALLOWED",
    "OFFER_INACTIVE", "TO_OFFER_COUNTRY_NOT_ALLOWED", "TO_FREE_OFFER_NOT_ALLOWED",
    "SWITCH_NOT_DEFINED_IN_SWITCH_SETTINGS",
)
"""Codes of switches; where in the body they stand is not documented."""
_SUBSCRIPTION = re.compile(r"[1-9][0-9]{8,9}")
_CUSTOMER = re.compile(r"[1-9][0-9]{8,9}")

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]


# -- answers


def explain(response: Response) -> tuple[str, str]:
    """A code, wherever it stands in the body, and the message."""
    named, text = response.member("code"), response.text
    code = named if isinstance(named, str) and named else next((one for one in CODES if one in text), "")
    return code or f"http_{response.status}", str(response.member("message") or text[:200] or "no reason was given")


def read(request: Request, response: Response) -> Failure | None:
    """Status, the code of a switch, and the refusal inside a success."""
    status, (code, message) = response.status, explain(response)
    if response.ok:
        if response.member("success") is False:
            return Rejected("refused" if code.startswith("http_") else code, message, status=status)
        return None if isinstance(response.json, dict) else Unavailable(
            "unreadable_answer", "a success without an object in it", status=status, unknown=request.effect)
    if status in (400, 422) and code in LATER:
        return Unavailable(code, message, status=status, retry_after=LATER[code])
    if status == 403:  # somebody else's subscription; a wrong token gives 401
        return Rejected("access_denied", message, status=status)
    return failure(response, code, message)


def refusal(request: Request, response: Response) -> Failure:
    """The failure that an answer means which a flow has looked at."""
    return read(request, response) or Rejected("unexpected_answer", response.text[:200], status=response.status)


# -- the user's subscriptions


def _number(call: Call[Any, Any], name: str, form: re.Pattern[str]) -> str:
    """A synced id, which is a number with so many digits; "" where it is not synced."""
    text = call.attribute(name).strip()
    if text and not form.fullmatch(text):
        raise Rejected(f"invalid_{name}", f"the attribute {name} must hold Cleeng's id, a number of 9 or 10 digits")
    return text


def subscriptions(call: Call[Any, Any], *states: str) -> Rows:
    """The synced subscription whatever its state, else those of the synced customer in `states`, the newest first."""
    known = _number(call, "cleeng_subscription_id", _SUBSCRIPTION)
    if known:
        return [(yield from subscription(known))]
    customer = _number(call, "cleeng_customer_id", _CUSTOMER)
    if not customer:
        raise MissingAttributes(["cleeng_subscription_id", "cleeng_customer_id"])
    rows: list[Row] = []
    for page in range(PAGES):
        query = {"customerId": customer, "status": states, "limit": SIZE, "offset": page * SIZE}
        answer = yield get(SUBSCRIPTIONS, query=query, step="subscriptions")
        found = answer.member("data") or []
        rows += found
        if len(found) < SIZE:
            break
    return sorted(rows, key=lambda row: moment(row.get("dateFrom")), reverse=True)


def subscription(number: str) -> Generator[Request, Response, Row]:
    """One subscription; rejects the action where there is none."""
    answer = yield get(f"{SUBSCRIPTIONS}/{number}", step="subscription", look_at=[404])
    if answer.status == 404:
        raise Rejected("subscription_not_found", f"Cleeng has no subscription {number}", status=404)
    return dict(answer.json)


def of_offer(rows: Iterable[Row], offer: str) -> list[Row]:
    """Those of an offer; all where none is named."""
    return [row for row in rows if not offer or row.get("offerId") == offer]


def in_state(rows: Iterable[Row], *states: str) -> list[Row]:
    """Those in one of the states, in their order."""
    return [row for row in rows if row.get("status") in states]


def first(rows: Sequence[Row], kind: str = "active") -> Row:
    """The newest; rejects the action where there is none."""
    if not rows:
        raise Rejected("no_subscription", f"the user has no {kind} Cleeng subscription that the binding asks for")
    return rows[0]


def only(rows: Sequence[Row], kind: str = "active") -> Row:
    """The one; of several none is taken, since a repeat would take the next."""
    if len(rows) > 1:
        raise Rejected("several_subscriptions", f"{len(rows)} subscriptions of the user fit: let the binding name the"
                                                " offer, or sync cleeng_subscription_id")
    return first(rows, kind)
