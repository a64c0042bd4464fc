"""Marketing Cloud's SOAP API: Create and Update of subscribers, Retrieve of lists and triggered sends."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from testkit.vendors.exchange import Answer, Ask, text
from testkit.vendors.salesforce_state import Object, SalesforceState
from testkit.vendors.vendor import user_of

API = "{http://exacttarget.com/wsdl/partnerAPI}"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
FUEL = "{http://exacttarget.com}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
XML = "text/xml; charset=utf-8"
NAME = "salesforce_marketing_cloud"


def fault(message: str, code: str = "Client") -> Answer:
    """A SOAP fault, with HTTP 500 as the tenant gives it."""
    body = f"<soap:Fault><faultcode>soap:{code}</faultcode><faultstring>{escape(message)}</faultstring></soap:Fault>"
    return text(500, _envelope(body), XML)


def _envelope(body: str) -> str:
    return ('<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
            'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>{body}</soap:Body></soap:Envelope>')


def service(state: SalesforceState, ask: Ask, *, allowed: Any) -> Answer:
    """Answer one envelope; `allowed` says whether its token is good."""
    if ask.content_type != "text/xml":
        return text(415, "the content type must be text/xml")
    if b"<!DOCTYPE" in ask.body:
        return fault("a document type is not allowed")
    try:
        root = ET.fromstring(ask.body)  # noqa: S314 - without a document type nothing can be expanded
    except ET.ParseError:
        return fault("the envelope cannot be read")
    token = root.findtext(f"{SOAP}Header/{FUEL}fueloauth", "").strip()
    if not allowed(token):
        return fault("Token Expired" if token in state.marketing_tokens else "Login Failed")
    return _operation(state, ask, root.find(f"{SOAP}Body"))


def _operation(state: SalesforceState, ask: Ask, body: ET.Element | None) -> Answer:
    wanted = next(iter(body), None) if body is not None else None
    name = "" if wanted is None else wanted.tag.removeprefix(API)
    action = ask.headers.get("soapaction", "").strip('"')
    expected = {"CreateRequest": "Create", "UpdateRequest": "Update", "RetrieveRequestMsg": "Retrieve"}.get(name)
    if wanted is None or expected is None or action != expected:
        return fault(f"SOAPAction '{action}' and body '{name}' do not fit")
    if name == "RetrieveRequestMsg":
        return _retrieve(state, wanted)
    return _save(state, wanted, expected)


def _save(state: SalesforceState, request: ET.Element, operation: str) -> Answer:
    save = request.findtext(f"{API}Options/{API}SaveOptions/{API}SaveOption/{API}SaveAction", "Default")
    if request.find(f"{API}Options") is None:
        return fault("Options is a required element")
    results = [_subscriber(state, one, operation, save, place)
               for place, one in enumerate(request.findall(f"{API}Objects"))]
    bad = sum("<StatusCode>Error" in one for one in results)
    overall = "OK" if not bad else ("Error" if bad == len(results) else "Has Errors")
    inner = "".join(results) + f"<RequestID>{_request(state)}</RequestID><OverallStatus>{overall}</OverallStatus>"
    tag = f"{operation}Response"
    return text(200, _envelope(f'<{tag} xmlns="{API[1:-1]}">{inner}</{tag}>'), XML)


def _request(state: SalesforceState) -> str:
    return f"00000000-0000-0000-0000-{state.world.number():012d}"


def _result(place: int, message: str, code: int = 0, id: str = "") -> str:
    status = "Error" if code else "OK"
    inner = f"<StatusCode>{status}</StatusCode><StatusMessage>{escape(message)}</StatusMessage>"
    inner += f"<OrdinalID>{place}</OrdinalID>"
    inner += f"<ErrorCode>{code}</ErrorCode>" if code else ""
    return f"<Results>{inner}<NewID>{id or 0}</NewID></Results>"


def _subscriber(state: SalesforceState, one: ET.Element, operation: str, save: str, place: int) -> str:
    if one.get(TYPE, "").rpartition(":")[2] != "Subscriber":
        return _result(place, "only Subscriber is emulated", 310007)
    email, key = one.findtext(f"{API}EmailAddress", "").strip(), one.findtext(f"{API}SubscriberKey", "").strip()
    if "@" not in email:
        return _result(place, "The email address is not valid", 12002)
    lists = [(entry.findtext(f"{API}ID", ""), entry.findtext(f"{API}Status", "Active"))
             for entry in one.findall(f"{API}Lists")]
    if any(not state.has_list(id) for id, _status in lists):
        return _result(place, "The list is not valid", 13000)
    known = (key or email) in state.subscribers
    if known and operation == "Create" and save != "UpdateAdd":
        return _result(place, "The subscriber is already on the list", 12014)
    if not known and operation == "Update" and save != "UpdateAdd":
        return _result(place, "The subscriber does not exist", 12001)
    return _result(place, "Created Subscriber." if not known else "Updated Subscriber.",
                   id=_keep(state, key or email, email, lists))


def _keep(state: SalesforceState, key: str, email: str, lists: list[tuple[str, str]]) -> str:
    held: Object = state.subscribers.setdefault(key, {"ID": str(state.world.number() + 100000), "lists": {}})
    held["EmailAddress"] = email
    for id, status in lists:
        if held["lists"].get(id) != status:
            held["lists"][id] = status
            state.world.ledger.effect(NAME, "subscriber.added_to_list", user_of(email) or email, list=id,
                                      subscriber=key, status=status)
    return str(held["ID"])


def _retrieve(state: SalesforceState, request: ET.Element) -> Answer:
    kind = request.findtext(f"{API}RetrieveRequest/{API}ObjectType", "")
    found = "".join(f'<Results xsi:type="{kind}">{one}</Results>' for one in _objects(state, kind))
    inner = f"<OverallStatus>OK</OverallStatus><RequestID>{_request(state)}</RequestID>{found}"
    return text(200, _envelope(f'<RetrieveResponseMsg xmlns="{API[1:-1]}">{inner}</RetrieveResponseMsg>'), XML)


def _objects(state: SalesforceState, kind: str) -> Iterator[str]:
    if kind == "List":
        for id, name in state.lists.items():
            yield f"<ID>{id}</ID><ListName>{escape(name)}</ListName><Type>Public</Type>"
    elif kind == "TriggeredSendDefinition":
        for key in state.definitions:
            yield f"<CustomerKey>{key}</CustomerKey><Name>{key}</Name><TriggeredSendStatus>Active</TriggeredSendStatus>"
