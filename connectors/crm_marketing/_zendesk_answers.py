"""How Zendesk's answers and jobs are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit import Failure, InDoubt, Misconfigured, Rejected, Request, Response, Unavailable, retry_after

Row = dict[str, Any]

PAUSE = 10.0
"""Seconds to wait after a 429 or 503 that names none, as the vendor's own client does."""
SHOWN = 3
REFUSED = "tickets_refused"
"""Refused tickets that a message names."""


def read(request: Request, response: Response) -> Failure | None:
    """Statuses mean what they say, but for 409 (a concurrent update: again) and a key used for something else."""
    status = response.status
    if response.ok:
        return None if isinstance(response.json, dict) and "error" not in response.json else Unavailable(
            "unreadable_answer", "a success without an object in it", status=status, unknown=request.effect)
    code, message = explain(response)
    known: Row = {"status": status, "request_id": response.headers.get("x-request-id", "")}
    if status in (408, 409, 425, 429) or status >= 500:
        wait = retry_after(response)
        return Unavailable(
            code, message, unknown=status >= 500 and status != 503, throttled=status == 429,
            retry_after=PAUSE if wait is None and status in (429, 503) else wait, **known)
    if status in (401, 403):
        return Misconfigured(code, message, **known)
    if status == 400 and "Idempotency-Key" in request.headers and "idempoten" in response.text.lower():
        return InDoubt("idempotency_key_reused", message, **known)
    return Rejected(code, message, **known)


def not_allowed(response: Response) -> Rejected:
    """A 403 that is about this one user or operation, and no reason to pause the connector."""
    code, message = explain(response)
    return Rejected(code, f"{message} (the API user lacks the right to do this)", status=403,
                    request_id=response.headers.get("x-request-id", ""))


def explain(response: Response) -> tuple[str, str]:
    """Code and message out of one of the three forms that errors have."""
    error = response.member("error")
    if isinstance(error, dict):
        return f"http_{response.status}", f"{error.get('title')}: {error.get('message')}"
    if not isinstance(error, str):
        return f"http_{response.status}", response.text[:200]
    description = str(response.member("description") or "")
    return error, "; ".join(part for part in (description, *_details(response.member("details"))) if part)


def _details(details: Any) -> list[str]:
    if not isinstance(details, dict):
        return []
    return [f"{name}: {one.get('description')}"
            for name, found in details.items() if isinstance(found, list)
            for one in found if isinstance(one, dict)]


def is_pending(job: Row) -> bool:
    """Whether a job is not done yet."""
    return job.get("status") in ("queued", "working")


def check_jobs(jobs: Sequence[Row], asked: int) -> None:
    """Raise Rejected where a job failed, or where any of the `asked` tickets was refused."""
    ended = [job for job in jobs if not is_pending(job)]
    for job in ended:
        if job.get("status") != "completed":
            raise Rejected(f"job_{job.get('status') or 'unknown'}", f"job {job.get('id')}: {job.get('message') or ''}")
    refused = [one for job in ended for one in _refused(job.get("results"))]
    if refused:
        named = "; ".join(f"{one.get('id', '?')}: {one.get('error')} {one.get('details') or ''}".strip()
                          for one in refused[:SHOWN])
        raise Rejected(REFUSED, f"{len(refused)} of {asked} tickets were refused ({named})")


def _refused(results: Any) -> list[Row]:
    rows = [results] if isinstance(results, dict) else results or []
    return [one for one in rows if isinstance(one, dict) and (one.get("success") is False or one.get("error"))]
