"""How the Recurly connector changes a subscription: each change under a key, each refusal looked into."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from connectors.billing import _recurly_lookups as lookups
from connectors.billing._recurly_answers import REFUSED, Row, refusal
from connectors.billing._recurly_forms import CancelSubscription
from connectors.kit import Call, Done, Flow, Request, Response, get, segment
from connectors.kit.http import build


def change(call: Call[Any, Any], method: str, path: str, step: str, **more: Any) -> Request:
    """A change that Recurly recognises for an hour when it comes again."""
    return build(method, path, step=step, headers={"Idempotency-Key": call.key(step)}, **more)


def path(subscription: Row, part: str = "") -> str:
    """Where a subscription, or a part of it, is found."""
    return f"/subscriptions/{segment(subscription['id'])}{part}"


def state(answer: Response) -> dict[str, str]:
    """The state that an answer shows, for the outcome."""
    return {"state": str(answer.member("state") or "")}


def already(subscription: Row) -> Done:
    """The end where it is so already."""
    return Done(str(subscription["id"]), "already_done", {"state": str(subscription.get("state") or "")})


def settled(subscription: Row, request: Request, answer: Response, done: Callable[[Row], bool]) -> Flow:
    """After a refusal: a fresh look tells whether it is as wanted, since Recurly's wording is no contract."""
    failure = refusal(request, answer)
    if failure.code != REFUSED:
        raise failure
    fresh = yield get(path(subscription), step="read_again")
    if not done(fresh.json):
        raise failure
    return already(fresh.json)


def put(call: Call[Any, Any], subscription: Row, part: str, done: Callable[[Row], bool], json: Any = None) -> Flow:
    """Change a subscription's state; refused because it is so already, it is done."""
    request = change(call, "PUT", path(subscription, f"/{part}"), part, json=json, look_at=[422])
    answer = yield request
    if answer.status == 422:
        return (yield from settled(subscription, request, answer, done))
    return Done(str(subscription["id"]), detail=state(answer))


def is_active(subscription: Row) -> bool:
    """Whether it runs and renews."""
    return subscription.get("state") == "active"


def replan(call: Call[Any, Any], rows: Iterable[Row], body: Row, wanted: Callable[[Row], bool]) -> Flow:
    """Change the newest active subscription; `wanted` tells of it, or of its pending change, that it is so."""
    found = lookups.in_state(rows, "active")
    if not found:
        raise lookups.no_subscription()
    subscription, later = found[0], body["timeframe"] != "now"

    def done(row: Row) -> bool:
        """Whether it is as wanted, or will be at the time that was asked for."""
        pending = row.get("pending_change")
        return bool(later and wanted(pending)) if pending else wanted(row)

    if done(subscription):
        return already(subscription)
    request = change(call, "POST", path(subscription, "/change"), "change", json=body, look_at=[422])
    answer = yield request
    if answer.status == 422:
        return (yield from settled(subscription, request, answer, done))
    detail = {"subscription": str(subscription["id"]), "activated": str(answer.member("activated") is True).lower()}
    return Done(str(answer.member("id") or subscription["id"]), detail=detail)


def end(call: Call[Any, CancelSubscription], subscription: Row, ended: Collection[str]) -> Flow:
    """Cancel for later, or terminate now; one of the states in `ended` tells that it is so."""
    if call.params.refund == "at_term_end":
        body = {"timeframe": call.params.timeframe}
        return (yield from put(call, subscription, "cancel", lambda fresh: fresh.get("state") in ended, json=body))
    query = {"refund": call.params.refund, "charge": True}
    request = change(call, "DELETE", path(subscription), "terminate", query=query, look_at=[422])
    answer = yield request
    if answer.status == 422:
        return (yield from settled(subscription, request, answer, lambda fresh: fresh.get("state") in ended))
    return Done(str(subscription["id"]), detail=state(answer))
