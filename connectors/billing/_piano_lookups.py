"""What the Piano connector reads: answers and their errors, pick lists, the user's subscriptions."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from connectors.kit import (
    Call,
    Failure,
    Misconfigured,
    Option,
    OptionsFlow,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
    get,
    post,
)
from connectors.kit.moment import moment

API = "/api/v3/publisher"
TERMS = f"{API}/term/list"
LIST, GET = f"{API}/subscription/list", f"{API}/subscription/get"
STATUS = f"{API}/term/change/getSubscriptionUpgradeStatus"
REQUEST_ID = "x-request-id"
SIZE, PAGES = 100, 20
"""Entries of a page, and most pages that are read."""
SLACK = 60.0
"""Seconds by which the publisher's clock may be ahead of Piano's."""
NO_ACCESS = re.compile(r"api.?token|access denied|unauthori[sz]ed|not authori[sz]ed", re.IGNORECASE)
"""What messages about credentials say: the numbers of Piano's codes are not published."""

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]
One = Generator[Request, Response, Row]


# -- answers


def explain(response: Response) -> tuple[str, str]:
    """Piano's number as a code; the message with what is wrong with each parameter."""
    number = response.member("code")
    code = f"http_{response.status}" if number in (None, 0) else f"piano_{number}"
    details = [*_details(response.member("validation_errors")), *_details(response.member("error_code_list"))]
    text = str(response.member("message") or "")
    return code, "; ".join(one for one in (text, *details) if one) or response.text[:200] or "no reason was given"


def _details(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        yield from (f"{name}: {text}" for name, text in found.items())
    elif isinstance(found, list):
        yield from (str(one) for one in found)


def read(request: Request, response: Response) -> Failure | None:
    """Status, then the code that every answer carries: only 0 is a success."""
    known: Row = {"status": response.status, "request_id": response.headers.get(REQUEST_ID, "")}
    code, message = explain(response)
    if not response.ok:
        return failure(response, code, message, request_id=known["request_id"])
    if not isinstance(response.json, dict):
        return Unavailable("unreadable_answer", "a success without an object in it", unknown=request.effect, **known)
    if response.member("code") == 0:
        return None
    if NO_ACCESS.search(message):
        return Misconfigured(code, message, **known)
    return Rejected(code if code.startswith("piano_") else "no_code", message, **known)


def value(response: Response) -> Any:
    """The value of an answer, whatever its member is called."""
    found = response.json if isinstance(response.json, dict) else {}
    known = ("code", "ts", "message", "limit", "offset", "count", "total", "validation_errors", "error_code_list")
    return next((one for name, one in found.items() if name not in known), None)


# -- lists


def listed(path: str, step: str, **query: Any) -> Rows:
    """All entries of a list."""
    rows: list[Row] = []
    for page in range(PAGES):
        answer = yield get(path, query={**query, "offset": page * SIZE, "limit": SIZE}, step=step)
        found = value(answer)
        found = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        rows += found
        if len(found) < SIZE:
            break
    return rows


def terms(settings: Any) -> OptionsFlow:
    """Terms of the application by name."""
    rows = yield from listed(TERMS, "terms", aid=settings.aid)
    return [Option(str(row["term_id"]), f"{row.get('name') or row['term_id']} ({row['term_id']})") for row in rows
            if row.get("term_id")]


# -- the user's subscriptions


def subscriptions(call: Call[Any, Any]) -> Rows:
    """The synced subscription, else all of the synced user, the newest first; rejects the action where there is none.

    What a list shows of a subscription is less than what is read of one: `renews` takes both.
    """
    known = call.attribute("piano_subscription_id")
    if known:
        return [(yield from subscription(call, known))]
    rows = yield from listed(LIST, "subscriptions", aid=call.settings.aid, uid=call.first("piano_uid"))
    if not rows:
        raise Rejected("no_subscription", "the user has no subscription in Piano")
    return sorted(rows, key=lambda row: moment(row.get("start_date")), reverse=True)


def subscription(call: Call[Any, Any], number: str) -> One:
    """One subscription with all that Piano tells of it."""
    answer = yield get(GET, query={"aid": call.settings.aid, "subscription_id": number}, step="subscription")
    found = value(answer)
    if not isinstance(found, dict):
        raise Rejected("no_subscription", f"Piano shows no subscription {number}")
    return {"subscription_id": number, **found}


def renews(row: Row) -> bool:
    """Whether a subscription goes on by itself."""
    return (row.get("will_auto_renew") if "will_auto_renew" in row else row.get("auto_renew")) is True


def runs(row: Row, now: float) -> bool:
    """Whether a subscription has not ended."""
    return row.get("is_active") is not False and (not row.get("end_date") or moment(row["end_date"]) > now)


def on_term(rows: Iterable[Row], term: str) -> list[Row]:
    """Those on a term."""
    return [row for row in rows if (row.get("term") or {}).get("term_id") == term]


def only(rows: Sequence[Row]) -> Row:
    """The one; of several none is taken, since a repeat would take the next."""
    if len(rows) > 1:
        raise Rejected("several_subscriptions", f"{len(rows)} subscriptions of the user fit: sync"
                                                " piano_subscription_id to name the one to change")
    return rows[0]


def upgrade(call: Call[Any, Any], number: str) -> One:
    """What Piano says of a change of term; {} where there is none, or where it will not say."""
    body = {"aid": call.settings.aid, "uid": call.first("piano_uid"), "subscription_id": number}
    answer = yield post(STATUS, form=body, step="upgrade_status", effect=False, look_at=[200, 400, 404, 422])
    found = value(answer) if answer.ok and answer.member("code") == 0 else None
    return found if isinstance(found, dict) else {}


def is_this(call: Call[Any, Any], state: Row) -> bool:
    """Whether a change of term is the one that the binding asks for; one of long ago is none."""
    when = state.get("change_date")
    recent = not when or not moment(when) or moment(when) >= call.event.time / 1000 - SLACK
    return state.get("to_term_id") == call.params.to_term_id and recent
