"""How Freshdesk's answers and jobs are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit import Failure, Misconfigured, Rejected, Request, Response, Unavailable, failure

Row = dict[str, Any]

SHOWN = 3
REFUSED = "tickets_refused"
"""Refused fields or tickets that a message names."""
DONE = "COMPLETED"
WAITING = ("", "IN_PROGRESS", "PENDING", "QUEUED")
"""States of a job that is not done; a fresh one has none."""
NOT_THE_KEY = ("require_feature",)
"""Codes of a 403 that is about one operation, and no reason to pause the connector."""


def read(request: Request, response: Response) -> Failure | None:
    """Statuses mean what they say; a success without JSON where some is due may hide an effect."""
    if response.ok:
        return None if response.status == 204 or isinstance(response.json, (dict, list)) else Unavailable(
            "unreadable_answer", "a success without JSON in it", status=response.status, unknown=request.effect)
    code, message = explain(response)
    found = failure(response, code, message, request_id=response.headers.get("x-request-id", ""))
    if isinstance(found, Misconfigured) and code in NOT_THE_KEY:
        return refused(response)
    return found


def refused(response: Response, code: str = "", message: str = "") -> Rejected:
    """The answer as a refusal for good, under the vendor's words or ours."""
    theirs, text = explain(response)
    return Rejected(code or theirs, message or text, status=response.status,
                    request_id=response.headers.get("x-request-id", ""))


def explain(response: Response) -> tuple[str, str]:
    """Code and message: of the first refused field, or of the whole answer."""
    rows = response.member("errors")
    fields = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    if fields:
        named = "; ".join(f"{one.get('field')}: {one.get('message')}" for one in fields[:SHOWN])
        return str(fields[0].get("code") or f"http_{response.status}"), f"{response.member('description')}; {named}"
    message = response.member("message") or response.member("description") or response.text
    return str(response.member("code") or f"http_{response.status}"), str(message)[:200]


def knows_no_contact(response: Response) -> bool:
    """Whether a 400 says that nobody has the address that a list was asked for."""
    rows = response.member("errors")
    return isinstance(rows, list) and any(
        isinstance(one, dict) and one.get("field") == "email" and one.get("code") == "invalid_value" for one in rows)


def job_state(job: Row) -> str:
    """The state of a job in one spelling."""
    return str(job.get("status") or "").upper().replace(" ", "_")


def is_pending(job: Row) -> bool:
    """Whether a job is not done yet."""
    return job_state(job) in WAITING


def is_confirmed(job: Row) -> bool:
    """Whether a job surely did its work."""
    return job_state(job) == DONE


def check_jobs(jobs: Sequence[Row], asked: int) -> None:
    """Raise Rejected where a job failed, or where any of the `asked` tickets was refused."""
    found = [one for job in jobs for one in job.get("data") or () if isinstance(one, dict)]
    bad = [one for one in found if one.get("success") is False]
    if bad:
        named = "; ".join(f"{one.get('id', '?')}: {one.get('error') or 'no reason given'}" for one in bad[:SHOWN])
        raise Rejected(REFUSED, f"{len(bad)} of {asked} tickets were refused ({named})")
    failed = [job for job in jobs if "FAIL" in job_state(job) or "ERROR" in job_state(job)]
    if failed:
        raise Rejected("job_failed", f"job {failed[0].get('job_id')} of Freshdesk ended as {job_state(failed[0])}")
