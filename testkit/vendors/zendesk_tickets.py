"""Zendesk's tickets: creation with its idempotency key, bulk jobs, reads."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes
from testkit.vendors.zendesk_state import AGENT, Object, ZendeskState, stamp

PRIORITIES = ("low", "normal", "high", "urgent")
STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
WRITABLE = frozenset({
    "subject", "priority", "status", "group_id", "assignee_id", "assignee_email", "external_id", "tags", "type",
    "custom_fields", "custom_status_id", "due_at",
})
MAX_IDS = 100
tickets: Routes[ZendeskState] = Routes()


class InvalidError(ValueError):
    """A member of a ticket or user that Zendesk refuses."""

    def __init__(self, member: str, message: str) -> None:
        super().__init__(message)
        self.member = member


def record_invalid(invalid: InvalidError) -> Answer:
    """Zendesk's 422."""
    detail = {invalid.member: [{"description": str(invalid), "error": "InvalidValue"}]}
    return answer(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": detail})


def not_found() -> Refused:
    """Zendesk's 404."""
    return Refused(answer(404, {"error": "RecordNotFound", "description": "Not found"}))


def bad(message: str) -> Refused:
    """Zendesk's 400."""
    return Refused(answer(400, {"error": {"title": "Invalid attribute", "message": message}}))


def member(ask: Ask, name: str) -> Object:
    """The object under `name` in the body."""
    value = ask.json
    if not isinstance(value, dict) or not isinstance(value.get(name), dict):
        raise bad(f"You passed an invalid value for the {name} attribute. Invalid parameter: {name} must be an object")
    return dict(value[name])


def number(text: str) -> int:
    """An id in a path or list."""
    if not text.strip().isdigit():
        raise not_found()
    return int(text)


@tickets.on("POST", "/api/v2/tickets")
def create(state: ZendeskState, ask: Ask) -> Answer:
    """A new ticket; its requester is made where the address is unknown."""
    given = member(ask, "ticket")
    comment = given.get("comment")
    text = comment.get("body") or comment.get("html_body") if isinstance(comment, dict) else None
    if not isinstance(comment, dict) or not text:
        raise Refused(record_invalid(InvalidError("comment", "Description: cannot be blank")))
    try:
        requester = _requester(state, given)
        made = state.ticket(state.id(), requester, description=text, is_public=comment.get("public", True))
        apply(state, made, given)
    except InvalidError as invalid:
        raise Refused(record_invalid(invalid)) from None
    state.add_ticket(made)
    state.world.ledger.effect(
        "zendesk", "ticket.created", state.name_of(requester), key=ask.headers.get("idempotency-key", ""),
        mark=str(made["external_id"] or ""), ticket=made["id"], subject=made["subject"], tags=made["tags"],
    )
    where = f"{ask.base_url}/api/v2/tickets/{made['id']}.json"
    return answer(201, {"ticket": {**made, "url": where}}, ("Location", where))


def _requester(state: ZendeskState, given: Object) -> int:
    if "requester_id" in given and "requester" in given:
        raise InvalidError("requester", "Requester: send requester_id or requester, not both")
    if given.get("requester_id"):
        found = state.user(int(given["requester_id"]))
        if found is None:
            raise InvalidError("requester_id", "Requester: does not exist")
        return int(found["id"])
    if not isinstance(given.get("requester"), dict):
        return AGENT
    return _by_address(state, given["requester"])


def _by_address(state: ZendeskState, requester: Object) -> int:
    email = str(requester.get("email") or "")
    found = state.user_by_email(email) if email else None
    if found is None and not requester.get("name"):
        raise InvalidError("requester", "Requester Name: cannot be blank")
    found = found or state.new_user(str(requester["name"]), email or None)
    return int(found["id"])


def apply(state: ZendeskState, ticket: Object, given: Object) -> bool:
    """Set what is given; says whether anything changed. Raises Invalid."""
    if ticket["status"] == "closed":
        raise InvalidError("status", "Status: closed prevents ticket update")
    _check(state, ticket, given)
    before = dict(ticket)
    ticket.update({name: value for name, value in given.items() if name in WRITABLE and value is not None})
    ticket.pop("assignee_email", None)
    added, removed = given.get("additional_tags") or [], given.get("remove_tags") or []
    kept = [tag for tag in ticket["tags"] if tag not in removed]
    ticket["tags"] = [*kept, *(tag for tag in added if tag not in kept)]
    changed = ticket != before
    ticket["updated_at"] = stamp(state.world.now())
    return changed


def _check(state: ZendeskState, ticket: Object, given: Object) -> None:
    if given.get("priority") not in (None, *PRIORITIES):
        raise InvalidError("priority", f"Priority: {given['priority']} is not valid")
    _check_status(ticket, given)
    if given.get("group_id") is not None and not state.has_group(given["group_id"]):
        raise InvalidError("group", "Group: is invalid")
    if given.get("assignee_id") is not None and not state.has_agent(given["assignee_id"]):
        raise InvalidError("assignee", "Assignee: is not an agent, or is suspended")


def _check_status(ticket: Object, given: Object) -> None:
    status = given.get("status")
    if status not in (None, *STATUSES):
        raise InvalidError("status", f"Status: {status} is not valid")
    if status == "new" and ticket["status"] != "new":
        raise InvalidError("status", "Status: a ticket cannot go back to new")
    if status == "solved" and not (given.get("assignee_id") or ticket["assignee_id"]):
        raise InvalidError("assignee", "Assignee: is required when solving a ticket")


@tickets.on("GET", "/api/v2/tickets/{id}")
def show(state: ZendeskState, _ask: Ask, id: str) -> Answer:
    """One ticket."""
    found = state.find_ticket(number(id))
    if found is None:
        raise not_found()
    return answer(200, {"ticket": found})


@tickets.on("GET", "/api/v2/tickets")
def by_external_id(state: ZendeskState, ask: Ask) -> Answer:
    """Tickets, or those that carry one external id."""
    wanted = ask.value("external_id")
    found = [one for one in state.tickets.values() if not wanted or one["external_id"] == wanted]
    return answer(200, {"tickets": found[:MAX_IDS], "count": len(found), "next_page": None, "previous_page": None})


@tickets.on("GET", "/api/v2/users/{id}/tickets/requested")
def requested(state: ZendeskState, ask: Ask, id: str) -> Answer:
    """The tickets of one user; by cursor where `page[size]` is given."""
    user = number(id)
    if state.user(user) is None:
        raise not_found()
    return paged(ask, "tickets", state.tickets_of(user))


def paged(ask: Ask, name: str, found: Sequence[Object]) -> Answer:
    """A page of a list: by cursor, or whole with offset members."""
    size = ask.value("page[size]")
    if not size:
        return answer(200, {name: found, "count": len(found), "next_page": None, "previous_page": None})
    if not size.isdigit() or not 1 <= int(size) <= MAX_IDS:
        raise bad("page[size] must lie between 1 and 100")
    start, limit = int(ask.value("page[after]", "0")), int(size)
    more = start + limit < len(found)
    after = str(start + limit) if more else None
    link = f"{ask.base_url}{ask.path}?page%5Bsize%5D={size}&page%5Bafter%5D={after}" if more else None
    return answer(200, {name: found[start : start + limit], "links": {"next": link, "prev": None},
                        "meta": {"has_more": more, "after_cursor": after, "before_cursor": None}})


@tickets.on("PUT", "/api/v2/tickets/update_many")
def update_many(state: ZendeskState, ask: Ask) -> Answer:
    """Set the same on many tickets (`ids`), or on each its own (`tickets`); answers with a job."""
    if ask.value("ids"):
        given = member(ask, "ticket")
        return job(state, ask, "update", [(id, lambda one: _update(state, one, given)) for id in _ids(ask)])
    entries = ask.json.get("tickets") if isinstance(ask.json, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_IDS:
        raise bad("tickets must be a list of 1 to 100, or ids must be given")
    return job(state, ask, "update", [
        (int(entry["id"]), lambda one, given=entry: _update(state, one, given))  # type: ignore[misc]
        for entry in entries
    ])


def _ids(ask: Ask) -> list[int]:
    ids = [number(text) for text in ask.value("ids").split(",") if text]
    if not 1 <= len(ids) <= MAX_IDS:
        raise bad("ids must name 1 to 100 tickets")
    return ids


def _update(state: ZendeskState, ticket: Object, given: Object) -> None:
    """Raises Invalid."""
    if apply(state, ticket, given):
        set_to = {name: value for name, value in given.items() if name != "id"}
        _note(state, "ticket.updated", ticket, **set_to)


def _note(state: ZendeskState, kind: str, ticket: Object, **detail: Any) -> None:
    state.world.ledger.effect("zendesk", kind, state.name_of(ticket["requester_id"]), ticket=ticket["id"], **detail)


@tickets.on("DELETE", "/api/v2/tickets/destroy_many")
def destroy_many(state: ZendeskState, ask: Ask) -> Answer:
    """Move many tickets to the deleted ones."""
    return job(state, ask, "delete", [(id, lambda one: _delete(state, one, "ticket.deleted")) for id in _ids(ask)])


def _delete(state: ZendeskState, ticket: Object, kind: str) -> None:
    state.deleted[ticket["id"]] = state.tickets.pop(ticket["id"])
    _note(state, kind, ticket)


@tickets.on("PUT", "/api/v2/tickets/mark_many_as_spam")
def mark_many_as_spam(state: ZendeskState, ask: Ask) -> Answer:
    """Delete many tickets and suspend their requesters."""
    return job(state, ask, "mark_as_spam", [(id, lambda one: _spam(state, one)) for id in _ids(ask)])


@tickets.on("PUT", "/api/v2/tickets/{id}/mark_as_spam")
def mark_as_spam(state: ZendeskState, _ask: Ask, id: str) -> Answer:
    """The same for one ticket, at once."""
    found = state.find_ticket(number(id))
    if found is None:
        raise not_found()
    try:
        _spam(state, found)
    except InvalidError as invalid:
        raise Refused(record_invalid(invalid)) from None
    return answer(200, {})


def _spam(state: ZendeskState, ticket: Object) -> None:
    requester = state.user(ticket["requester_id"])
    if ticket["status"] == "closed":
        raise InvalidError("status", "Status: closed prevents ticket update")
    if requester is None or requester["role"] != "end-user":
        raise InvalidError("requester", "Requester: only tickets of end users are spam")
    _delete(state, ticket, "ticket.spam")
    if not requester["suspended"]:
        requester["suspended"] = True
        state.world.ledger.effect("zendesk", "user.suspended", state.name_of(requester["id"]), id=requester["id"])


@tickets.on("PUT", "/api/v2/deleted_tickets/restore_many")
def restore_many(state: ZendeskState, ask: Ask) -> Answer:
    """Take tickets back from the deleted ones."""
    for id in _ids(ask):
        if id in state.deleted:
            ticket = state.tickets[id] = state.deleted.pop(id)
            _note(state, "ticket.restored", ticket)
    return answer(200, {})


def job(state: ZendeskState, ask: Ask, action: str, work: Sequence[tuple[int, Callable[[Object], None]]]) -> Answer:
    """A bulk job: the work is done at once, its status is told as the polls come."""
    id = f"{state.world.number():032x}"
    made: Object = {"id": id, "url": f"{ask.base_url}/api/v2/job_statuses/{id}.json", "job_type": f"bulk_{action}",
                    "total": len(work), "progress": None, "status": "queued", "message": None, "results": None}
    results = [_result(state, action, id, do) for id, do in work]
    state.jobs[id] = {**made, "_results": results, "_polls": 0}
    return answer(200, {"job_status": made})


def _result(state: ZendeskState, action: str, id: int, do: Callable[[Object], None]) -> Object:
    found = state.find_ticket(id)
    if found is None:
        return {"id": id, "action": action, "success": False, "error": "TicketNotFound", "details": "Not found"}
    try:
        do(found)
    except InvalidError as invalid:
        return {"id": id, "action": action, "success": False, "error": "TicketUpdateFailed", "details": str(invalid)}
    return {"id": id, "action": action, "success": True, "status": "Deleted" if action == "delete" else "Updated"}


@tickets.on("GET", "/api/v2/job_statuses/{id}")
def job_status(state: ZendeskState, ask: Ask, id: str) -> Answer:
    """One job, or several by `show_many`; each poll brings it one state on."""
    if id == "show_many":
        return answer(200, {"job_statuses": [_polled(state, one) for one in ask.value("ids").split(",")]})
    return answer(200, {"job_status": _polled(state, id)})


def _polled(state: ZendeskState, id: str) -> Object:
    held = state.jobs.get(id)
    if held is None:
        raise not_found()
    shown = {name: value for name, value in held.items() if not name.startswith("_")}
    held["_polls"] += 1
    if held["_polls"] <= held.get("_slow", 0):
        return {**shown, "status": "working", "progress": 0}
    done = f"Completed at {stamp(state.world.now())}"
    return {**shown, "status": "completed", "progress": shown["total"], "message": done, "results": held["_results"]}
