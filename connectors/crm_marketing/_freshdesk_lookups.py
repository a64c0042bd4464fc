"""What is looked up at Freshdesk before something is done: contacts, tickets, a ticket of an earlier try."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from connectors.crm_marketing import _freshdesk_answers as answers
from connectors.crm_marketing._freshdesk_answers import Row
from connectors.kit import Call, Rejected, Request, Response, get, segment

AnyCall = Call[Any, Any]
Rows = Generator[Request, Response, list[Row]]

SIZE = 100
"""Entries of a page."""
PAGES = 50
"""Most pages of a list that are read."""
ALL = "2000-01-01T00:00:00Z"
"""Without a time Freshdesk lists tickets of the last 30 days only."""
SLACK = 24 * 3600.0
"""Seconds before the interaction from which a ticket of an earlier try is looked for: publishers' clocks differ."""


def listed(path: str, query: Mapping[str, Any], step: str, look_at: tuple[int, ...] = ()) -> Rows:
    """All entries of a list, by page number; the vendor's own link is not followed, since credentials go with it."""
    rows: list[Row] = []
    for page in range(1, PAGES + 1):
        answer = yield get(path, query={**query, "per_page": SIZE, "page": page}, step=step, look_at=look_at)
        if not answer.ok:
            if answers.knows_no_contact(answer):
                return rows
            raise answers.refused(answer)
        found = answer.json if isinstance(answer.json, list) else []
        rows += found
        if len(found) < SIZE and 'rel="next"' not in answer.headers.get("link", ""):
            return rows
    raise Rejected("list_too_long", f"more than {PAGES * SIZE} entries in {path}; nothing was changed")


def _with_address(call: AnyCall, **state: str) -> Generator[Request, Response, str]:
    """The id of the contact with the user's address; "" where there is none."""
    answer = yield get("/api/v2/contacts", query={"email": call.first("email_address"), **state}, step="find_contact")
    found = answer.json if isinstance(answer.json, list) else []
    return str(found[0].get("id") or "") if found else ""


def not_found() -> Rejected:
    """The failure for a user who is no contact."""
    return Rejected("user_not_found", "no Freshdesk contact has the user's e-mail address")


def live_contact(call: AnyCall) -> Generator[Request, Response, str]:
    """The synced contact, else the one with the user's address; raises Rejected where there is none."""
    found = call.attribute("freshdesk_id") or (yield from _with_address(call))
    if not found:
        raise not_found()
    return found


class Found(NamedTuple):
    """A contact and whether it lies among the deleted ones."""

    id: str
    deleted: bool | None
    """None where nobody has looked."""


def contact(call: AnyCall, *, deleted_first: bool) -> Generator[Request, Response, Found]:
    """The synced contact, else the one with the user's address among the live and the deleted ones."""
    known = call.attribute("freshdesk_id")
    if known:
        return Found(known, None)
    for deleted in (deleted_first, not deleted_first):
        found = yield from _with_address(call, **({"state": "deleted"} if deleted else {}))
        if found:
            return Found(found, deleted)
    raise not_found()


def is_deleted(id: str, refusal: Response) -> Generator[Request, Response, bool]:
    """Whether a contact whose change was refused is deleted; raises Rejected where it is not there at all."""
    answer = yield get(f"/api/v2/contacts/{segment(id)}", step="see_contact", look_at=[404, 405])
    if not answer.ok:
        raise answers.refused(refusal, "contact_not_found", "Freshdesk knows no such contact, or it is spam")
    return answer.member("deleted") is True


def tickets_of(call: AnyCall) -> Rows:
    """All tickets that the contact requested, but deleted, spam and archived ones."""
    requester = yield from live_contact(call)
    return (yield from listed("/api/v2/tickets", {"requester_id": requester, "updated_since": ALL}, "tickets"))


def mark_of(call: AnyCall) -> str:
    """The tag that names an outcome at Freshdesk; tags have at most 32 characters."""
    return f"engage_{call.outcome_id.replace('-', '')[-25:]}"


def earlier_ticket(call: AnyCall) -> Generator[Request, Response, str]:
    """The ticket that an earlier try made, by its tag or the reference in its text; "" where there is none."""
    requester = yield from _requester(call)
    if not requester:
        return ""
    since = datetime.fromtimestamp(min(call.event.time / 1000, call.now) - SLACK, UTC)
    query = {**requester, "updated_since": f"{since:%Y-%m-%dT%H:%M:%SZ}", "include": "description"}
    for one in (yield from listed("/api/v2/tickets", query, "find_ticket", (400,))):
        text = f"{one.get('description') or ''}{one.get('description_text') or ''}"
        if mark_of(call) in (one.get("tags") or ()) or call.outcome_id in text:
            return str(one["id"])
    return ""


def _requester(call: AnyCall) -> Generator[Request, Response, Row]:
    """Whose tickets an earlier one would be among, as `create_ticket` names the requester; empty for nobody's."""
    if call.attribute("freshdesk_id"):
        return {"requester_id": call.attribute("freshdesk_id")}
    if call.attribute("email_address"):
        return {"email": call.attribute("email_address")}
    answer = yield get("/api/v2/contacts", query={"unique_external_id": call.event.user_id}, step="find_contact")
    found = answer.json if isinstance(answer.json, list) else []
    return {"requester_id": found[0].get("id")} if found else {}
