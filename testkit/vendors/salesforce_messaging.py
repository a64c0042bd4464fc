"""Marketing Cloud's REST API: transactional and triggered sends; a failure may stand inside a 202."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import re
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.salesforce_state import Object, SalesforceState
from testkit.vendors.vendor import Routes, user_of

NAME = "salesforce_marketing_cloud"
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DUPLICATE = (109110, "MCMS_UTM_Validation_DuplicateMessageKey")
messaging: Routes[SalesforceState] = Routes()


def failed(status: int, code: int, message: str) -> Answer:
    """The tenant's error body."""
    return answer(status, {"message": message, "errorcode": code, "documentation": ""})


@messaging.on("GET", "/messaging/v1/email/definitions")
def definitions(state: SalesforceState, ask: Ask) -> Answer:
    """Send definitions, a page at a time."""
    size, page = int(ask.value("$pageSize", "50")), int(ask.value("$page", "1"))
    found = [{"definitionKey": key, "name": key.replace("-", " ").title(), "status": status,
              "classification": "Default Transactional"} for key, status in state.definitions.items()]
    return answer(200, {"definitions": found[(page - 1) * size : page * size], "count": len(found), "page": page,
                        "pageSize": size})


def _body(ask: Ask) -> Object:
    if not isinstance(ask.json, dict):
        raise Refused(failed(400, 10000, "the body is no JSON object"))
    return dict(ask.json)


@messaging.on("POST", "/messaging/v1/email/messages/{key}")
def send(state: SalesforceState, ask: Ask, key: str) -> Answer:
    """One transactional mail; its messageKey is taken once."""
    given = _body(ask)
    if len(key) > 100:
        raise Refused(failed(400, 10005, "messageKey has more than 100 characters"))
    if "recipients" in given or not isinstance(given.get("recipient"), dict):
        raise Refused(failed(400, 10002, "UnknownFieldName: with a messageKey in the path, recipient is an object"))
    if key in state.messages:
        state.world.ledger.replay(NAME, key)
        return _result(state, 400, key, *DUPLICATE)
    if not state.definition(str(given.get("definitionKey", ""))):
        raise Refused(failed(400, 109111, "InvalidValue_definitionKey"))
    return _send(state, key, given)


def _send(state: SalesforceState, key: str, given: Object) -> Answer:
    recipient = given["recipient"]
    address = str(recipient.get("to") or "")
    if not ADDRESS.fullmatch(address):
        return _result(state, 202, key, 109121 if address else 109106, "Validation of the to address failed")
    if not recipient.get("contactKey"):
        return _result(state, 202, key, 109105, "MissingSubscriberKey")
    state.messages[key] = {"definitionKey": given["definitionKey"], **recipient}
    state.world.ledger.effect(NAME, "message.sent", user_of(address) or address, key=key, to=address,
                              definition=given["definitionKey"])
    return _result(state, 202, key)


def _result(state: SalesforceState, status: int, key: str, code: int = 0, message: str = "") -> Answer:
    entry: dict[str, Any] = {"messageKey": key}
    if code:
        entry |= {"errorcode": code, "message": message}
    top = (109001 if status == 202 else code) if code else 0
    return answer(status, {"requestId": f"request-{state.world.number():08d}", "errorcode": top, "responses": [entry],
                           **({"message": message} if code else {})})


@messaging.on("GET", "/messaging/v1/email/messages/{key}")
def sent(state: SalesforceState, _ask: Ask, key: str) -> Answer:
    """What became of a send."""
    if key not in state.messages:
        raise Refused(failed(404, 30003, "ObjectNotFound"))
    return answer(200, {"requestId": f"request-{state.world.number():08d}", "messageKey": key,
                        "eventCategoryType": "TransactionalSendEvents.EmailSent", "statusCode": 0})


@messaging.on("POST", "/messaging/v1/messageDefinitionSends/key:{key}/send")
def triggered(state: SalesforceState, ask: Ask, key: str) -> Answer:
    """The older send; nothing protects it from being done twice."""
    given = _body(ask)
    if not state.definition(key):
        raise Refused(failed(404, 30003, "ObjectNotFound"))
    to = given.get("To") or {}
    address = str(to.get("Address") or "")
    if not ADDRESS.fullmatch(address):
        return _triggered(state, {"hasErrors": True, "messages": ["InvalidOrMissingToAddress"]})
    if not to.get("SubscriberKey"):
        return _triggered(state, {"hasErrors": True, "messageErrors": [
            {"messageErrorCode": 180008, "messageErrorStatus": "No valid subscriber"}]})
    id = f"send-{state.world.number():08d}"
    state.messages[id] = {"definitionKey": key, "to": address}
    state.world.ledger.effect(NAME, "triggered_send.sent", user_of(address) or address, to=address, definition=key)
    return _triggered(state, {"recipientSendId": id, "hasErrors": False, "messages": ["Queued"]})


def _triggered(state: SalesforceState, entry: Object) -> Answer:
    return answer(202, {"requestId": f"request-{state.world.number():08d}", "responses": [entry]})
