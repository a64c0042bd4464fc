"""What the Recurly connector looks up: pick lists, the user's account, its subscriptions and redemptions."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from connectors.billing._recurly_answers import Row, explain
from connectors.kit import Call, Option, OptionsFlow, Rejected, Request, Response, get, segment
from connectors.kit.moment import moment

PAGES = 20
"""Most pages of a list that are read, each of 200 entries."""
PLANS = 50
"""Most plans whose add-ons are listed, since each takes a request."""

Rows = Generator[Request, Response, list[Row]]


def listed(path: str, query: Mapping[str, Any], step: str, look_at: Sequence[int] = ()) -> Rows:
    """All entries of a list; `next` is followed on the site's own host only, since credentials go along."""
    rows: list[Row] = []
    request = get(path, query=query, step=step, look_at=look_at)
    for _ in range(PAGES):
        answer = yield request
        if not answer.ok:
            raise _unknown_account(answer)
        rows += answer.member("data") or []
        following = urlsplit(str(answer.member("next") or ""))
        if answer.member("has_more") is not True or not following.path.startswith("/"):
            break
        request = get(f"{following.path}?{following.query}", step=step)
    return rows


def _unknown_account(answer: Response) -> Rejected:
    request_id = answer.headers.get("x-request-id", "")
    if answer.member("error", "type") == "not_found":
        return Rejected("user_not_found", "the Recurly site has no account with the user's account code",
                        status=answer.status, request_id=request_id)
    return Rejected(*explain(answer), status=answer.status, request_id=request_id)


# -- pick lists


def plans(_settings: object) -> OptionsFlow:
    """Plans that can be subscribed to."""
    rows = yield from listed("/plans", {"state": "active", "limit": 200}, "plans")
    return [Option(row["code"], _plan_title(row)) for row in rows]


def coupons(_settings: object) -> OptionsFlow:
    """Coupons that can be redeemed; those with a unique code for each user cannot stand in a binding."""
    rows = yield from listed("/coupons", {"limit": 200}, "coupons")
    return [Option(row["id"], f"{row.get('name') or row['code']} ({row['code']})") for row in rows
            if row.get("state") == "redeemable" and row.get("coupon_type") != "bulk"]


def add_ons(_settings: object) -> OptionsFlow:
    """Usage-based add-ons of all plans, each code once."""
    found: dict[str, str] = {}
    rows = yield from listed("/plans", {"state": "active", "limit": 200}, "plans")
    for plan in rows[:PLANS]:
        path = f"/plans/{segment(plan['id'])}/add_ons"
        for row in (yield from listed(path, {"state": "active", "limit": 200}, "add_ons")):
            if row.get("add_on_type") == "usage":
                found.setdefault(row["code"], f"{row.get('name') or row['code']} ({plan.get('name')})")
    return [Option(code, title) for code, title in found.items()]


def _plan_title(plan: Row) -> str:
    currencies = ", ".join(str(one.get("currency")) for one in plan.get("currencies") or [])
    return f"{plan.get('name') or plan['code']} ({currencies})" if currencies else str(plan.get("name") or plan["code"])


# -- the account and its subscriptions


def account_code(call: Call[Any, Any]) -> str:
    """The user's account code; without it the action waits for the attribute."""
    return call.event.user_id if call.settings.use_account_code else call.first("account_code", "account_number")


def account(call: Call[Any, Any]) -> str:
    """The path of the user's account."""
    return f"/accounts/{segment(f'code-{account_code(call)}')}"


def subscriptions(call: Call[Any, Any], state: str = "", *, sort: str = "created_at", also: str = "") -> Rows:
    """The account's subscriptions on the plan that the binding names, or on `also`; without `state` all ever made."""
    query = {"state": state or None, "limit": 200, "sort": sort, "order": "desc"}
    step = f"{state or 'all'}_subscriptions"
    rows = yield from listed(f"{account(call)}/subscriptions", query, step, look_at=[404])
    only_plan = getattr(call.params, "only_plan_code", "")
    return on_plan(rows, only_plan, also) if only_plan else rows


def plan_of(row: Row) -> str:
    """The plan's code of a subscription or of a change; "" where it has none."""
    return str((row.get("plan") or {}).get("code") or "")


def on_plan(rows: Iterable[Row], *codes: str) -> list[Row]:
    """Those on one of the plans."""
    return [row for row in rows if plan_of(row) in codes]


def in_state(rows: Iterable[Row], *states: str) -> list[Row]:
    """Those in one of the states, the newest first; the order stays when one of them changes."""
    found = [row for row in rows if row.get("state") in states]
    return sorted(found, key=lambda row: (moment(row.get("activated_at")), moment(row.get("created_at"))), reverse=True)


def live_subscription(call: Call[Any, Any], *states: str) -> Generator[Request, Response, Row]:
    """The newest subscription in one of the states; rejects the action where there is none."""
    found = in_state((yield from subscriptions(call, "live")), *states)
    if not found:
        raise no_subscription()
    return found[0]


def no_subscription(code: str = "no_active_subscription", kind: str = "active") -> Rejected:
    """The failure of an action for which there is no subscription."""
    return Rejected(code, f"the user's Recurly account has no {kind} subscription that the binding asks for")


def only(rows: Sequence[Row]) -> Row:
    """The one subscription; of several none is taken, since a repeat could not tell which was changed before."""
    if len(rows) > 1:
        raise Rejected("several_subscriptions", f"{len(rows)} subscriptions of the user fit: let the binding name"
                                                " the plan of the one to change")
    return rows[0]


def redemption(call: Call[Any, Any], coupon_id: str, subscription_id: str) -> Generator[Request, Response, Row | None]:
    """The running redemption of a coupon on the account, or on one subscription."""
    rows = yield from listed(f"{account(call)}/coupon_redemptions/active", {}, "redemptions", look_at=[404])
    for row in rows:
        on_it = not subscription_id or row.get("subscription_id") == subscription_id
        if on_it and (row.get("coupon") or {}).get("id") == coupon_id:
            return row
    return None


def usage(path: str, mark: str) -> Generator[Request, Response, str]:
    """The id of the usage that carries our mark; "" where none does."""
    query = {"billing_status": "all", "limit": 200, "sort": "recorded_timestamp", "order": "desc"}
    rows = yield from listed(path, query, "find_usage")
    return next((str(row["id"]) for row in rows if row.get("merchant_tag") == mark), "")
