"""How Recurly answers: its error object, what is worth another try, and what a repeated key brings back."""

from __future__ import annotations

from typing import Any

from connectors.kit import Failure, InDoubt, Rejected, Request, Response, Unavailable, failure, retry_after
from connectors.kit.reading import seconds_until

Row = dict[str, Any]
BUSY = frozenset({"simultaneous_request", "internal_server_error", "service_not_available", "tax_service_error"})
"""Error types that another try may not meet, whatever their status."""
REFUSED = "validation"
"""Error type of a request that does not fit the state that it meets."""


def explain(response: Response) -> tuple[str, str]:
    """Code and message of an error; a failed payment goes by its own code."""
    found = response.member("error")
    error: Row = found if isinstance(found, dict) else {}
    payment: Row = error.get("transaction_error") or {}
    code = str(payment.get("code") or error.get("type") or f"http_{response.status}")
    more = [f"{one.get('param')}: {one.get('message')}" for one in error.get("params") or [] if one.get("message")]
    more += [f"{name}: {payment[name]}" for name in ("category", "merchant_advice") if payment.get(name)]
    if str(payment.get("category", "")).startswith("three_d_secure"):
        more.append("the customer must confirm the payment (3-D Secure)")
    message = str(error.get("message") or response.text[:200])
    return code, f"{message} ({'; '.join(more)})" if more else message


def read(request: Request, response: Response) -> Failure | None:
    """Status and error type; an answer that comes again under its key is final."""
    status, effect = response.status, request.effect
    known: Row = {"status": status, "request_id": response.headers.get("x-request-id", "")}
    if response.ok:
        if status == 204 or isinstance(response.json, dict):
            return None
        return Unavailable("unreadable_answer", "a success without an object in it", unknown=effect, **known)
    code, message = explain(response)
    if response.headers.get("idempotency-prior") == "true" and (status >= 500 or code in BUSY):
        end = InDoubt if effect and status >= 500 else Rejected
        return end(code, f"{message} (Recurly keeps this answer for an hour; see whether it was done)", **known)
    if status == 409 and response.headers.get("recurly-should-retry") == "true":
        return Unavailable("in_flight", message, retry_after=retry_after(response), unknown=effect, **known)
    if status < 500 and code in BUSY:
        return Unavailable(code, message, retry_after=retry_after(response), **known)
    wait = seconds_until(response, "x-ratelimit-reset") if status == 429 else None
    return failure(response, code, message, request_id=known["request_id"], wait=wait)


def refusal(request: Request, response: Response) -> Failure:
    """The failure that an answer means which a flow has looked at."""
    return read(request, response) or Rejected("unexpected_answer", response.text[:200], status=response.status)
