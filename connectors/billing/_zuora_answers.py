"""How Zuora's answers are read: most failures come with status 200, and the end of their code says of what kind."""

from __future__ import annotations

from typing import Any

from connectors.kit import Failure, InDoubt, Misconfigured, Rejected, Request, Response, Unavailable, retry_after

Row = dict[str, Any]
KEY = "Idempotency-Key"
FIND = "find_order"
"""The step that asks for an order which may not be there."""

NOT_FOUND, LOCKED, TOO_MANY = "40", "50", "70"
UNSURE = ("60", "61")
"""Internal failures: nobody says whether anything was done."""
PASSING = (LOCKED, *UNSURE, TOO_MANY)
"""Ends of codes that another try may not meet; from 60 on they stand in older sources only."""


def reasons(response: Response) -> list[Row]:
    """What the vendor says went wrong."""
    found = response.member("reasons")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def kind(response: Response) -> str:
    """The last two digits of an eight-digit code, which tell the kind of failure; "" where there is none."""
    codes = [str(one.get("code") or "") for one in reasons(response)]
    return next((code[-2:] for code in codes if len(code) == 8 and code.isdecimal()), "")


def explain(response: Response) -> tuple[str, str]:
    """Code of the first reason, messages of all."""
    found = reasons(response)
    code = str(found[0].get("code") or "") if found else ""
    message = "; ".join(str(one.get("message") or "") for one in found) or response.text[:200]
    return code or f"http_{response.status}", message


def request_id(response: Response) -> str:
    """What Zuora's support asks for."""
    named = response.member("requestId") or response.member("processId")
    return str(named or response.headers.get("zuora-request-id", ""))


def read(request: Request, response: Response) -> Failure | None:
    """Status first, then `success`; what passes goes to the flow where only a new idempotency key helps."""
    if not response.ok:
        return _by_status(request, response)
    if response.member("success") is True or isinstance(response.member("access_token"), str):
        return None
    if response.member("success") is not False and not reasons(response):
        return Unavailable("unreadable_answer", "a success without an object in it", status=response.status,
                           unknown=request.effect, request_id=request_id(response))
    if kind(response) in PASSING:
        return None if KEY in request.headers else _passing(request, response)
    if kind(response) == NOT_FOUND and request.step == FIND:
        return None
    code, message = explain(response)
    known: Row = {"status": response.status, "request_id": request_id(response)}
    # Codes about authentication begin with 9 or end in 11; a missing right (10) concerns this operation alone.
    wrong = code.startswith("9") or kind(response) == "11"
    return (Misconfigured if wrong else Rejected)(code, message, **known)


def _passing(request: Request, response: Response) -> Unavailable:
    code, message = explain(response)
    return Unavailable(code, message, status=response.status, request_id=request_id(response),
                       unknown=request.effect and kind(response) in UNSURE, throttled=kind(response) == TOO_MANY)


def _by_status(request: Request, response: Response) -> Failure:
    code, message = explain(response)
    status = response.status
    known: Row = {"status": status, "request_id": request_id(response)}
    if status in (401, 403):
        return Misconfigured(code, message, **known)
    if status == 422 and KEY in request.headers:
        return InDoubt("idempotency_key_reused", message, **known)
    if status in (408, 409, 425, 429) or status >= 500:
        # 409: the first request with this key is still being worked on.
        unknown = status == 409 or (status >= 500 and status != 503)
        return Unavailable(code, message, retry_after=wait(response), unknown=unknown, throttled=status == 429, **known)
    return Rejected(code, message, **known)


def wait(response: Response) -> float | None:
    """Seconds until a limit is lifted."""
    told = response.headers.get("ratelimit-reset", "").strip()
    return float(told) if response.status == 429 and told.isdecimal() else retry_after(response)
