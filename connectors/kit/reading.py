"""How an answer is read: from status and body to a failure, or to none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connectors.kit.errors import Failure, Misconfigured, Rejected, Unavailable
from connectors.kit.http import Request, Response

REPEATABLE = frozenset({408, 425, 429})
"""Client-side statuses that mean "not now" (RFC 9110, RFC 8470, RFC 6585)."""


def retry_after(response: Response, now: float | None = None) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or an HTTP date; None where it says nothing."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = response.headers.get("date", "")
    base = parsedate_to_datetime(date) if now is None and date else None
    start = base.timestamp() if base else (now if now is not None else datetime.now(UTC).timestamp())
    return max(0.0, when.timestamp() - start)


def failure(
    response: Response, code: str = "", message: str = "", *, request_id: str = "", wait: float | None = None
) -> Failure | None:
    """The failure that a status means, with the vendor's code and message; None for 2xx."""
    status = response.status
    if 200 <= status < 300:
        return None
    code = code or f"http_{status}"
    if status in REPEATABLE or status >= 500:
        return Unavailable(
            code, message, status=status, request_id=request_id,
            retry_after=retry_after(response) if wait is None else wait,
            unknown=status >= 500 and status != 503, throttled=status == 429,
        )
    if status in (401, 403):
        return Misconfigured(code, message, status=status, request_id=request_id)
    return Rejected(code, message, status=status, request_id=request_id)


def read_status(_request: Request, response: Response) -> Failure | None:
    """The reading for vendors whose statuses mean what they say."""
    return failure(response, message=response.text[:200])


def reader(
    explain: Callable[[Response], tuple[str, str]], request_id_header: str = ""
) -> Callable[[Request, Response], Failure | None]:
    """A reading by status, with code and message taken from the body by `explain`."""

    def read(_request: Request, response: Response) -> Failure | None:
        """Read status, code and message."""
        if 200 <= response.status < 300:
            return None
        code, message = explain(response)
        return failure(response, code, message, request_id=response.headers.get(request_id_header, ""))

    return read
