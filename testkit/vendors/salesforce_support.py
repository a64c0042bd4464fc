"""Salesforce's core REST API: queries for contacts and cases, cases, posts on their feeds."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.salesforce_state import Object, SalesforceState
from testkit.vendors.vendor import Routes

DATA = "/services/data/{version}"
CASE_FIELDS = frozenset({
    "Subject", "Description", "Origin", "Priority", "Status", "ContactId", "AccountId", "OwnerId", "Reason", "Type",
    "SuppliedEmail", "SuppliedName", "SuppliedPhone", "SuppliedCompany", "ParentId", "RecordTypeId",
})
PAGE = 200
MAX_RECORDS = 200
QUERY = re.compile(r"SELECT\s+(?P<fields>[\w, ]+?)\s+FROM\s+(?P<object>\w+)(?:\s+WHERE\s+(?P<where>.+?))?"
                   r"(?:\s+ORDER BY\s+\w+(?:\s+(?:ASC|DESC))?)?(?:\s+LIMIT\s+(?P<limit>\d+))?",
                   re.IGNORECASE | re.DOTALL)
TEXT = r"'((?:[^'\\]|\\.)*)'"
support: Routes[SalesforceState] = Routes()


def failed(status: int, code: str, message: str, *fields: str) -> Answer:
    """The org's error body: a list."""
    return answer(status, [{"message": message, "errorCode": code, "fields": list(fields)}])


def refuse(status: int, code: str, message: str, *fields: str) -> Refused:
    """The exception that ends a request with the org's error body."""
    return Refused(failed(status, code, message, *fields))


@support.on("GET", DATA + "/limits")
def limits(_state: SalesforceState, _ask: Ask, version: str) -> Answer:  # noqa: ARG001 - any version
    """The usual test of a token."""
    return answer(200, {"DailyApiRequests": {"Max": 100000, "Remaining": 99999}})


@support.on("GET", DATA + "/query/?")
def query(state: SalesforceState, ask: Ask, version: str) -> Answer:
    """SOQL, as much of it as contacts, cases and posts are asked for with."""
    match = QUERY.fullmatch(ask.value("q").strip())
    if match is None:
        raise refuse(400, "MALFORMED_QUERY", "unexpected token: the query cannot be read")
    records = _records(state, match["object"].lower(), match["where"] or "")
    return _page(records[: int(match["limit"] or 50000)], 0, version, match["object"], ask.value("q"))


def _page(records: list[Object], start: int, version: str, name: str, q: str) -> Answer:
    shown = [{"attributes": {"type": name, "url": f"/services/data/{version}/sobjects/{name}/{one['Id']}"}, **one}
             for one in records[start : start + PAGE]]
    more = start + PAGE < len(records)
    following = {"nextRecordsUrl": f"/services/data/{version}/query/01g-{start + PAGE}-{q.encode().hex()}"}
    return answer(200, {"totalSize": len(records), "done": not more, "records": shown, **(following if more else {})})


@support.on("GET", DATA + "/query/01g-{start}-{q}")
def more(state: SalesforceState, _ask: Ask, version: str, start: str, q: str) -> Answer:
    """The next page of a query."""
    text = bytes.fromhex(q).decode()
    match = QUERY.fullmatch(text.strip())
    if match is None:
        raise refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    records = _records(state, match["object"].lower(), match["where"] or "")
    return _page(records[: int(match["limit"] or 50000)], int(start), version, match["object"], text)


def _records(state: SalesforceState, name: str, where: str) -> list[Object]:
    if name == "contact":
        address = _equal(where, "Email")
        found = state.contact(address) if address else None
        return [{"Id": found}] if found else []
    if name == "case":
        return _cases(state, where)
    if name == "feeditem":
        parents, body = _among(where, "ParentId"), _equal(where, "Body")
        return [{"Id": one["Id"], "ParentId": one["ParentId"]} for one in state.feed
                if one["ParentId"] in parents and body in (None, one["Body"])]
    raise refuse(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")


def _cases(state: SalesforceState, where: str) -> list[Object]:
    contacts = _among(where, "ContactId")
    for id in contacts:
        _by_rule(state, id)
    email = (_equal(where, "SuppliedEmail") or "").lower()
    only_open = re.search(r"IsClosed\s*=\s*false", where, re.IGNORECASE) is not None
    return [{"Id": one["Id"]} for one in reversed(state.cases.values())
            if (one["ContactId"] in contacts or (email and (one["SuppliedEmail"] or "").lower() == email))
            and not (only_open and one["IsClosed"])]


def _by_rule(state: SalesforceState, contact: str) -> None:
    """A contact that is named by an id of 15 or 18 characters exists too, with its two cases."""
    if contact.startswith("003") and all(one["ContactId"] != contact for one in state.cases.values()):
        for closed in (False, True):
            state.add_case({"ContactId": contact, "IsClosed": closed, "Subject": "By rule"})


def _equal(where: str, field: str) -> str | None:
    match = re.search(rf"\b{field}\s*=\s*{TEXT}", where, re.IGNORECASE)
    return re.sub(r"\\(.)", r"\1", match[1]) if match else None


def _among(where: str, field: str) -> set[str]:
    match = re.search(rf"\b{field}\s+IN\s*\(([^)]*)\)", where, re.IGNORECASE)
    one = _equal(where, field)
    return set(re.findall(r"'([^']*)'", match[1])) if match else ({one} if one else set())


def _fields(ask: Ask, more: frozenset[str] = frozenset()) -> Object:
    given = ask.json
    if not isinstance(given, dict):
        raise refuse(400, "JSON_PARSER_ERROR", "the body is no JSON object")
    for name, value in given.items():
        if name not in CASE_FIELDS and name not in more and not name.endswith("__c"):
            raise refuse(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type Case", name)
        if name == "Subject" and len(str(value)) > 255:
            raise refuse(400, "STRING_TOO_LONG", "Subject: data value too large", name)
    return given


@support.on("POST", DATA + "/sobjects/Case/?")
def create_case(state: SalesforceState, ask: Ask, version: str) -> Answer:  # noqa: ARG001 - any version
    """A new case."""
    made = state.add_case(_fields(ask))
    _note(state, made)
    return answer(201, {"id": made["Id"], "success": True, "errors": []})


@support.on("PATCH", DATA + "/sobjects/Case/{field}/{value}")
def upsert_case(state: SalesforceState, ask: Ask, version: str, field: str, value: str) -> Answer:  # noqa: ARG001
    """A case by an external id: made when it is new, changed when it is not."""
    if not field.endswith("__c"):
        raise refuse(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
    given = _fields(ask)
    known = state.case_ids.get((field, value))
    if known is not None:
        state.cases[known].update(given)
        state.world.ledger.replay("salesforce_marketing_cloud", value)
        return answer(200, {"id": known, "success": True, "errors": [], "created": False})
    made = state.add_case({**given, field: value})
    state.case_ids[field, value] = made["Id"]
    _note(state, made, mark=value)
    return answer(201, {"id": made["Id"], "success": True, "errors": [], "created": True})


def _note(state: SalesforceState, case: Mapping[str, Any], mark: str = "") -> None:
    state.world.ledger.effect(
        "salesforce_marketing_cloud", "case.created", state.name_of(case["ContactId"], case["SuppliedEmail"]),
        mark=mark, case=case["Id"], subject=case.get("Subject", ""),
    )


@support.on("POST", DATA + "/composite/sobjects/?")
def create_many(state: SalesforceState, ask: Ask, version: str) -> Answer:  # noqa: ARG001 - any version
    """Up to 200 records; each has its own result, in the order of the request."""
    given = ask.json
    records = given.get("records") if isinstance(given, dict) else None
    if not isinstance(records, list) or not 1 <= len(records) <= MAX_RECORDS:
        raise refuse(400, "EXCEEDED_ID_LIMIT", "records must hold 1 to 200 entries")
    return answer(200, [_create(state, one) for one in records])


def _create(state: SalesforceState, record: Object) -> Object:
    kind = (record.get("attributes") or {}).get("type")
    if kind != "FeedItem":
        return _item_error("INVALID_TYPE", f"sObject type '{kind}' is not supported.")
    case = state.cases.get(str(record.get("ParentId")))
    if case is None:
        return _item_error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "ParentId")
    if not record.get("Body"):
        return _item_error("REQUIRED_FIELD_MISSING", "Required fields are missing: [Body]", "Body")
    made = {"Id": state.id("0D5"), "ParentId": case["Id"], "Body": record["Body"]}
    state.feed.append(made)
    state.world.ledger.effect("salesforce_marketing_cloud", "feed_item.created", state.name_of(
        case["ContactId"], case["SuppliedEmail"]), case=case["Id"], text=record["Body"])
    return {"id": made["Id"], "success": True, "errors": []}


def _item_error(code: str, message: str, *fields: str) -> Object:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}
