"""How the answers of Adobe's APIs are read: problem details with a named code, warnings inside successes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit import (
    Done,
    Failure,
    Item,
    ItemEnd,
    Misconfigured,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
)

SETTINGS = frozenset({
    "EXEG-0003-400", "EXEG-0004-422", "EXEG-0010-422", "EXEG-0011-422", "EXEG-0012-422", "EXEG-0013-422",
})
"""Codes about datastream, sandbox and namespace: every call would fail."""
ABOUT_THE_USER = frozenset({"EXEG-0301-200", "EXEG-0400-403"})
"""No consent, and a blocked country: no reason to pause the connector."""


def explain(answer: Any) -> tuple[str, str]:
    """Code and message of problem details, or of an OAuth error."""
    if not isinstance(answer, dict):
        return "", ""
    report = answer.get("report") if isinstance(answer.get("report"), dict) else {}
    code = str(answer.get("type") or "").rpartition("/")[2]
    code = code or str(answer.get("error") or answer.get("error_code") or "")
    parts = (answer.get("title"), answer.get("detail") or answer.get("error_description") or answer.get("message"),
             (report or {}).get("message"))
    return code, ": ".join(str(part) for part in parts if part)[:200]


def read(request: Request, response: Response) -> Failure | None:
    """By status, but for what Adobe names otherwise; errors inside successes are read where it matters."""
    code, message = explain(response.json)
    status, shown = response.status, {"status": response.status, "request_id": _request_id(response)}
    if code in ABOUT_THE_USER:
        return Rejected(code, message, **shown)  # type: ignore[arg-type]
    if response.ok:
        return None
    if code in SETTINGS or (status == 400 and "/ims/token/" in request.path):
        return Misconfigured(code or "bad_credentials", message, **shown)  # type: ignore[arg-type]
    if status == 500 and "/ee/" in request.path:  # Adobe: to be repeated are 502 and 503, not 500
        return Rejected(code or "http_500", message, **shown)  # type: ignore[arg-type]
    return failure(response, code, message or response.text[:200], request_id=_request_id(response))


def _request_id(response: Response) -> str:
    return str(response.member("requestId") or response.headers.get("x-request-id", ""))


def warnings(response: Response) -> dict[str, str]:
    """What the edge network took, but an upstream service did not; raises Unavailable where all are worth a try."""
    rows = [one for one in response.member("errors") or () if isinstance(one, dict)]
    if not rows:
        return {}
    codes = [explain(one)[0] or "unnamed" for one in rows]
    if all(isinstance(one.get("status"), int) and one["status"] >= 500 for one in rows):
        raise Unavailable(codes[0], explain(rows[0])[1], status=response.status, unknown=True,
                          request_id=_request_id(response))
    return {"warning": ",".join(codes)}


def batch_ends(response: Response, items: Sequence[Item]) -> list[ItemEnd]:
    """How each message of a streaming batch ended, in the order of the request."""
    rows = response.member("responses")
    if not isinstance(rows, list) or len(rows) != len(items):
        raise Unavailable("unreadable_answer", "the answer does not say which messages were taken",
                          status=response.status, unknown=True)
    return [_end(row) for row in rows]


def _end(row: Any) -> ItemEnd:
    status = row.get("statusCode") if isinstance(row, dict) else None
    if isinstance(status, int) and status >= 400:
        message = str(row.get("message") or "")[:200]
        return failure(Response(status), f"http_{status}", message) or Rejected("refused", message)
    return Done(str(row.get("xactionId") or "") if isinstance(row, dict) else "", "accepted")
