"""Pick lists of Marketing Cloud, and the SOAP messages that some of them take."""

from __future__ import annotations

from collections.abc import Generator
from xml.etree.ElementTree import Element

from connectors.crm_marketing._salesforce_answers import rows
from connectors.crm_marketing._salesforce_sign_in import MARKETING, SOAP, SalesforceSettings
from connectors.kit import Option, OptionsFlow, Request, Response, get, post
from connectors.kit.soap import XML, element, envelope, leaf, value

PARTNER = "http://exacttarget.com/wsdl/partnerAPI"
PAGE = 50
MAX_PAGES = 50
"""Of one pick list, so that a page that leads to itself ends somewhere."""


def definitions_page(page: int, size: int = PAGE) -> str:
    """The path of one page of send definitions; its dollar signs are not escaped, as in the vendor's examples."""
    return f"/messaging/v1/email/definitions?$pageSize={size}&$page={page}"


def definitions(settings: SalesforceSettings) -> OptionsFlow:
    """What a triggered send can name: active definitions of transactional sends, then of triggered sends."""
    if not settings.has_marketing:
        return []
    found: list[Option] = []
    for page in range(1, MAX_PAGES + 1):
        answer = yield get(definitions_page(page), realm=MARKETING, step="options")
        listed = answer.member("definitions") or []
        found.extend(Option(one["definitionKey"], f"{one['name']} (transactional)")
                     for one in listed if one.get("status") == "Active")
        if len(listed) < PAGE:
            break
    older = yield from _retrieve("TriggeredSendDefinition", "CustomerKey", "Name", "TriggeredSendStatus")
    return found + [Option(value(one, "CustomerKey"), f"{value(one, 'Name')} (triggered send)")
                    for one in older if value(one, "TriggeredSendStatus") == "Active"]


def lists(settings: SalesforceSettings) -> OptionsFlow:
    """Subscriber lists of Marketing Cloud."""
    found = (yield from _retrieve("List", "ID", "ListName", "Type")) if settings.has_marketing else []
    return [Option(value(one, "ID"), value(one, "ListName")) for one in found]


def _retrieve(kind: str, *properties: str) -> Generator[Request, Response, list[Element]]:
    """All objects of a kind, page by page."""
    found: list[Element] = []
    more = ""
    for _page in range(MAX_PAGES):
        asked = [leaf("ObjectType", kind), *(leaf("Properties", one) for one in properties)]
        inner = element("RetrieveRequest", *asked, leaf("ContinueRequest", more) if more else "")
        answer = yield soap_call("Retrieve", "RetrieveRequestMsg", inner, effect=False)
        page, more = rows(answer)
        found.extend(page)
        if not more:
            break
    return found


def soap_call(action: str, message: str, *content: str, effect: bool = True) -> Request:
    """A call of the partner API; `action` is the operation, `message` the element that it takes."""
    body = envelope(element(message, *content, attributes={"xmlns": PARTNER}))
    return post("/Service.asmx", body=body, content_type=XML, headers={"SOAPAction": action}, realm=SOAP,
                step=action.lower(), effect=effect)
