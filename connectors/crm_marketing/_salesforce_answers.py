"""How Salesforce's three interfaces say no: lists of errors, failures inside a 202, results inside a 200 of SOAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from connectors.crm_marketing._salesforce_sign_in import MARKETING, SOAP
from connectors.kit import Failure, Misconfigured, Rejected, Request, Response, Unavailable, failure, retry_after
from connectors.kit.soap import first, found, parse, value

DUPLICATE = "109110"
"""This messageKey was used before: the send was accepted then."""
ON_LIST = "13006"
KNOWN_SUBSCRIBER = "12014"
LIMIT_WAIT = 900.0
"""Seconds after which a used-up day's allowance is looked at again; it frees itself over 24 hours."""
BLOCKED_WAIT = 60.0

MEANINGS: Mapping[str, str] = {
    "30003": "the definition is unknown or not active",
    "109105": "the subscriber key is missing or invalid",
    "109106": "the address is missing or invalid",
    "109109": "the subscriber key is missing or invalid",
    "109111": "the definition is unknown or not active",
    "109121": "the address is missing or invalid",
    "180008": "there is no valid subscriber: unsubscribed, held, or a bad address",
    "12002": "the subscriber was refused",
    "13000": "there is no such list",
    "13004": "there is no such list",
}


def read(request: Request, response: Response) -> Failure | None:
    """Tell whether an answer is a failure, by the interface it came from."""
    if request.step == "token":
        return _read_token(response)
    if request.realm == SOAP:
        return _read_soap(response)
    return _read_rest(response) if request.realm == MARKETING else _read_support(response)


def _read_token(response: Response) -> Failure | None:
    """Refused sign-ins are settings to mend, whatever status they come with."""
    code = str(response.member("error") or "")
    message = str(response.member("error_description") or response.text[:200]) if not response.ok else ""
    if "already being processed" in message:
        return Unavailable(code, message, status=response.status, retry_after=1.0)
    if 400 <= response.status < 500 and response.status not in (408, 425, 429):
        return Misconfigured(code or f"http_{response.status}", message, status=response.status)
    return failure(response, code, message)


def _read_support(response: Response) -> Failure | None:
    """Errors come as a list of {message, errorCode, fields}; records of a collection are read by the action."""
    if response.ok:
        return None
    code = str(response.member(0, "errorCode") or "")
    message = str(response.member(0, "message") or response.text[:200])
    if code == "UNABLE_TO_LOCK_ROW":
        return Unavailable(code, message, status=response.status)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return Unavailable(code, message, status=response.status, retry_after=LIMIT_WAIT, throttled=True)
    if response.status == 410:
        return Misconfigured(code or "api_version_retired", message + "; raise support_api_version", status=410)
    return failure(response, code, message)


def _read_rest(response: Response) -> Failure | None:
    """A 202 can hold a refusal, and a refusal can mean that the send was accepted before."""
    code, message = refusal(response)
    if code == DUPLICATE:
        return None
    request_id = str(response.member("requestId") or "")
    if response.ok:
        return Rejected(code, message, status=response.status, request_id=request_id) if code else None
    message = message or str(response.member("message") or response.text[:200])
    return failure(response, code, message, request_id=request_id, wait=_rest_wait(response, code))


def _rest_wait(response: Response, code: str) -> float | None:
    wait = response.member("retryAfter")
    if isinstance(wait, (int, float)):
        return max(0.0, float(wait))
    told = retry_after(response)
    return BLOCKED_WAIT if told is None and code == "50200" else told


def refusal(response: Response) -> tuple[str, str]:
    """Code and message of the refusal that an answer holds, the recipient's own before the request's; else empty."""
    recipient, whole = _mapping(response.member("responses", 0)), _mapping(response.json)
    for part in (recipient, whole):
        code = str(part.get("errorcode") or "0")
        if code != "0":
            return code, _explained(code, str(part.get("message") or ""))
    return _legacy_refusal(recipient)


def _legacy_refusal(recipient: Mapping[str, Any]) -> tuple[str, str]:
    """A triggered send says hasErrors, or only names the trouble among its messages."""
    errors, messages = recipient.get("messageErrors") or [{}], recipient.get("messages") or []
    if recipient.get("hasErrors"):
        code = str(errors[0].get("messageErrorCode") or "has_errors")
        return code, _explained(code, str(errors[0].get("messageErrorStatus") or ", ".join(map(str, messages))))
    if "InvalidOrMissingToAddress" in messages:
        return "InvalidOrMissingToAddress", "the address is missing or invalid"
    return "", ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _explained(code: str, message: str) -> str:
    meaning = MEANINGS.get(code, "")
    return f"{message} ({meaning})" if message and meaning else message or meaning


def _read_soap(response: Response) -> Failure | None:
    """HTTP 200 says only that there are results; a fault is a worn-out token or throttling."""
    try:
        root = parse(response.body)
    except ValueError:
        return failure(response, "", response.text[:200]) or Unavailable(
            "no_soap", "the answer is no SOAP message", status=response.status, unknown=True)
    fault = next(found(root, "Fault"), None)
    if fault is None:
        return failure(response)
    code, message = value(fault, "faultcode") or "fault", value(fault, "faultstring")
    if "token expired" in message.lower() or "login failed" in message.lower():
        return Misconfigured(code, message, status=401)
    return Unavailable(code, message, status=response.status, unknown=True)


class Result(NamedTuple):
    """What SOAP says of one object."""

    ok: bool
    code: str
    message: str
    reference: str
    request_id: str

    def refused(self) -> Rejected:
        """The failure that a result which is not OK means."""
        message = _explained(self.code, self.message)
        return Rejected(self.code or "soap_error", message, status=200, request_id=self.request_id)


def result(response: Response) -> Result:
    """The result of a call about one object; a message without one is an error."""
    root = parse(response.body)
    one = next(found(root, "Results"), None)
    request_id = first(root, "RequestID")
    if one is None:
        status = first(root, "OverallStatus") or "absent"
        return Result(False, "", f"no result; overall status {status}", "", request_id)
    made = value(one, "NewID")
    reference = made if made not in ("", "0") else value(one, "Object", "ID")
    return Result(
        value(one, "StatusCode") == "OK", value(one, "ErrorCode"), value(one, "StatusMessage"), reference, request_id
    )


def rows(response: Response) -> tuple[list[Element], str]:
    """Objects of a Retrieve, and the id to continue with; raises Rejected where it was refused."""
    root = parse(response.body)
    status = first(root, "OverallStatus")
    if status not in ("OK", "MoreDataAvailable"):
        raise Rejected("soap_error", status or "no overall status", status=200, request_id=first(root, "RequestID"))
    return list(found(root, "Results")), first(root, "RequestID") if status == "MoreDataAvailable" else ""


def locked(record: Mapping[str, Any]) -> bool:
    """Whether one record of a collection failed only because another had its row locked."""
    return any(one.get("statusCode") == "UNABLE_TO_LOCK_ROW" for one in record.get("errors") or ())
