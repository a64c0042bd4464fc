"""How an answer is read: from status and body to a failure, or to none."""

from __future__ import annotations

import math
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
    try:
        seconds = float(text)
    except ValueError:
        return _until(_moment(text), response, now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def seconds_until(response: Response, header: str, now: float | None = None) -> float | None:
    """Seconds until the time that a header names in seconds since 1970; None where it says nothing."""
    try:
        moment = float(response.headers.get(header, ""))
    except ValueError:
        return None
    return _until(moment, response, now) if math.isfinite(moment) else None


def _until(moment: float | None, response: Response, now: float | None) -> float | None:
    """Seconds until `moment`, by the vendor's own clock where it sends its date and nobody knows better."""
    if moment is None:
        return None
    if now is None:
        now = _moment(response.headers.get("date", ""))
    return max(0.0, moment - (datetime.now(UTC).timestamp() if now is None else now))


def _moment(text: str) -> float | None:
    """An HTTP date in seconds since 1970; None where it is none."""
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


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
