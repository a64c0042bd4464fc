"""How the Zuora connector finds subscriptions and changes them, by orders or by the older calls."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.billing import _zuora_answers as answers
from connectors.billing._zuora_answers import KEY, Row
from connectors.billing._zuora_forms import ZuoraSettings
from connectors.kit import Call, Done, InDoubt, Rejected, Request, Response, get, post, put, segment

PAGES = 25
"""Most pages of a list that are read."""
SUBSCRIPTIONS_PAGE = 40
FRESH = 23 * 3600.0
"""Seconds for which a key surely protects; Zuora keeps it for 24 hours."""
WAITS = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each try while somebody else changes the account; each try has a key of its own."""

LONG = 125.0
"""Seconds that a change may take: Zuora itself works up to 120 on an order with bill and payment."""

Rows = Generator[Request, Response, list[Row]]
Answered = Generator[Request, Response, Response]
ZuoraCall = Call[ZuoraSettings, Any]


def tenant_date(call: ZuoraCall) -> date:
    """Today, in the tenant's time zone."""
    return datetime.fromtimestamp(call.now, ZoneInfo(call.settings.time_zone)).date()


def headers(call: ZuoraCall) -> dict[str, str]:
    """By which support and audit trail find the calls of one event."""
    return {"Zuora-Track-Id": re.sub(r"[^A-Za-z0-9_.-]", "-", call.event.event_id)[:64]}


def order_number(call: ZuoraCall) -> str:
    """Our own number of the order that this outcome makes."""
    return f"PA-{call.outcome_id}"


def subscriptions(call: ZuoraCall) -> Rows:
    """The latest version of each of the account's subscriptions, the one changed last first."""
    account = segment(call.first("account_number"))
    rows: list[Row] = []
    for page in range(1, PAGES + 1):
        query = {"pageSize": SUBSCRIPTIONS_PAGE, **({"page": page} if page > 1 else {})}
        answer = yield get(f"/v1/subscriptions/accounts/{account}", query=query, headers=headers(call),
                           step="subscriptions")
        rows += answer.member("subscriptions") or []
        if not answer.member("nextPage"):  # a whole address, which is not followed: credentials would go with it
            break
    return rows


def with_status(rows: Sequence[Row], status: str, plan: str = "") -> list[Row]:
    """Those in a state, with the rate plan where one is named."""
    return [row for row in rows if row.get("status") == status and (not plan or rate_plan(row, plan))]


def active(rows: Sequence[Row], plan: str = "") -> Row:
    """The active subscription that an action is about; rejects it where there is none."""
    found = with_status(rows, "Active", plan)
    if not found:
        raise Rejected("no_active_subscription",
                       f"the account has no active subscription{' with this rate plan' if plan else ''}")
    return found[0]


def rate_plan(row: Row, plan: str) -> Row | None:
    """The rate plan of a subscription that was made from this product rate plan and has not been removed."""
    for one in row.get("ratePlans") or []:
        if one.get("productRatePlanId") == plan and one.get("lastChangeType") != "Remove":
            found: Row = one
            return found
    return None


def is_ending(row: Row) -> bool:
    """Whether a cancellation is planned: by its date, or by an end before the end of the term."""
    end, term = row.get("subscriptionEndDate"), row.get("termEndDate")
    early = bool(end) and (row.get("termType") == "EVERGREEN" or bool(term and str(end) < str(term)))
    return bool(row.get("scheduledCancelDate")) or early


class Made(NamedTuple):
    """An order of ours, now or from an earlier try."""

    order: str
    subscription: str
    status: str

    def done(self, *, by_subscription: bool = False) -> Done:
        """The end of the action that made it."""
        detail = {"order": self.order, "subscription": self.subscription}
        note = "" if self.status == "Completed" else "accepted"
        return Done(self.subscription if by_subscription else self.order, note, detail)  # type: ignore[arg-type]


class Begin(NamedTuple):
    """What an action begins with: the account's subscriptions, or an order that an earlier try made."""

    rows: list[Row]
    made: Made | None = None


def begin(call: ZuoraCall) -> Generator[Request, Response, Begin]:
    """Look for an earlier try where its key may be forgotten, then for the account's subscriptions."""
    if not call.settings.has_orders:
        return Begin((yield from subscriptions(call)))
    if call.doubtful or call.now - call.event.time / 1000 > FRESH:
        earlier = yield from find_order(call)
        if earlier:
            return Begin([], earlier)
    rows, number = (yield from subscriptions(call)), order_number(call)
    ours = next((row for row in rows if row.get("orderNumber") == number), None)
    return Begin(rows, Made(number, str(ours.get("subscriptionNumber") or ""), "Completed") if ours else None)


def find_order(call: ZuoraCall) -> Generator[Request, Response, Made | None]:
    """The order that an earlier try of this very action made."""
    answer = yield get(f"/v1/orders/{segment(order_number(call))}", headers=headers(call), step=answers.FIND,
                       look_at=[404])
    if answer.status == 404 or answers.kind(answer) == answers.NOT_FOUND:
        return None
    made = _made(call, answer.member("order") or {})
    if made.status in ("Failed", "Cancelled"):
        raise Rejected("order_failed", f"order {made.order} has the status {made.status}", status=answer.status,
                       request_id=answers.request_id(answer))
    return made


def _made(call: ZuoraCall, found: Mapping[str, Any]) -> Made:
    first: Row = next(iter(found.get("subscriptions") or []), {})
    numbers = found.get("subscriptionNumbers") or [""]
    return Made(str(found.get("orderNumber") or order_number(call)),
                str(first.get("subscriptionNumber") or numbers[0]), str(found.get("status") or ""))


def order(
    call: ZuoraCall, kind: str, action: Row, *, subscription: str = "", on: date | None = None,
    options: Mapping[str, bool] | None = None,
) -> Generator[Request, Response, Made]:
    """Make one order with one action."""
    day = (on or tenant_date(call)).isoformat()
    dates = [{"name": name, "triggerDate": day}
             for name in ("ContractEffective", "ServiceActivation", "CustomerAcceptance")]
    target = {"subscriptionNumber": subscription} if subscription else {}
    body: Row = {
        "existingAccountNumber": call.first("account_number"),
        "orderDate": tenant_date(call).isoformat(),
        "orderNumber": order_number(call),
        "description": f"Prompt {call.event.prompt_id}, {call.event.interaction}"[:500],
        "subscriptions": [{**target, "orderActions": [{"type": kind, "triggerDates": dates, **action}]}],
    }
    if options:
        body["processingOptions"] = dict(options)
    answer = yield from _keyed(call, "/v1/orders", body, "order")
    return answer if isinstance(answer, Made) else _made(call, answer.json)


def _keyed(call: ZuoraCall, path: str, body: Row, step: str) -> Generator[Request, Response, Response | Made]:
    """A POST under a key; a refusal that passes is stored under it too, so that each further try needs a new one."""
    answer = Response(0)
    for place, wait in enumerate(WAITS, start=1):
        key = call.key(step if place == 1 else f"{step}:{place}")
        answer = yield post(path, json=body, headers={**headers(call), KEY: key}, step=step, wait=wait,
                            timeout=LONG)
        if answer.member("success") is True:
            return answer
        if answers.kind(answer) in answers.UNSURE:
            made = (yield from find_order(call)) if call.settings.has_orders else None
            if made:
                return made
            if not call.settings.has_orders:
                raise InDoubt(*answers.explain(answer), status=answer.status, request_id=answers.request_id(answer))
    raise Rejected(*answers.explain(answer), status=answer.status, request_id=answers.request_id(answer))


def subscribe(call: ZuoraCall, body: Row) -> Answered:
    """The older way to make a subscription."""
    answer = yield from _keyed(call, "/v1/subscriptions", body, "subscribe")
    return answer  # type: ignore[return-value]  # without orders there is none to be found


def amend(call: ZuoraCall, row: Row, body: Row, verb: str = "") -> Generator[Request, Response, Done]:
    """The older way to change a subscription; Zuora takes no key on a PUT."""
    number = str(row["subscriptionNumber"])
    path = f"/v1/subscriptions/{segment(number)}" + (f"/{verb}" if verb else "")
    answer = yield put(path, json=body, headers=headers(call), step=verb or "amend", timeout=LONG)
    return Done(str(answer.member("subscriptionId") or number), detail={"subscription": number})


def dated(day: date) -> Row:
    """The three dates of a rate plan as the older calls name them."""
    return dict.fromkeys(("contractEffectiveDate", "serviceActivationDate", "customerAcceptanceDate"), day.isoformat())


def filled(values: Row) -> Row:
    """Without the members that have no value; dates as text."""
    return {name: value.isoformat() if isinstance(value, date) else value
            for name, value in values.items() if value is not None}
