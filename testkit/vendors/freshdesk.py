"""Freshdesk: contacts, their tickets, bulk jobs; Basic with the key as user; no idempotency keys anywhere."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zlib import crc32

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, user_of

API_KEY = "freshdesk-emulator-key"
FIRST_CONTACT = 20_000_000
"""Ids of contacts by rule begin here; each has two tickets, one open and one pending."""
AGENTS = {8001: "Agent One", 8002: "Agent Two"}
GROUPS = {8101: "Support", 8102: "Retention"}
STATUSES = {2: "Open", 3: "Pending", 4: "Resolved", 5: "Closed", 6: "Waiting on Customer"}
SOURCES = (1, 2, 3, 7, 9, 10)
BY_RULE = (2, 3)
REQUESTERS = ("requester_id", "email", "unique_external_id", "phone")
CHANGEABLE = frozenset({"status", "priority", "responder_id", "group_id", "source", "type", "skip_close_notification"})
LONGEST_TAG = 32
CODES = {401: "invalid_credentials", 403: "access_denied", 500: "internal_error"}

Object = dict[str, Any]
routes: Routes[Freshdesk] = Routes()


def invalid(field: str, message: str, code: str = "invalid_value") -> Refused:
    """Freshdesk's refusal of a field."""
    rows = [{"field": field, "message": message, "code": code}]
    return Refused(answer(400, {"description": "Validation failed", "errors": rows}))


def missing() -> Refused:
    """Freshdesk's 404, which has no body."""
    return Refused(Answer(404))


class Freshdesk(Vendor):
    """The emulated account. `spam_call`: whether it takes the undocumented call."""

    name = "freshdesk"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.contacts: dict[int, Object] = {}
        self.tickets: dict[int, Object] = {}
        self.jobs: dict[str, Object] = {}
        self.slow_polls = 0
        self.spam_call = False

    def serve(self, ask: Ask) -> Answer:
        """Check the key, then find what is asked."""
        if ask.basic[0] != API_KEY:
            raise Refused(self.error(401))
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise Refused(Answer(405 if routes.methods(ask.path) else 404))
        if ask.method in ("POST", "PUT") and ask.content_type != "application/json":
            raise Refused(Answer(415))
        reply: Answer = found[0](self, ask, **found[1])
        return reply.with_headers(("X-RateLimit-Total", "700"), ("X-RateLimit-Remaining", "699"))

    def contact(self, id: int) -> Object:
        """A contact; any id from FIRST_CONTACT on exists by rule."""
        if id not in self.contacts:
            if id < FIRST_CONTACT:
                raise missing()
            self._by_rule(id, None)
        return self.contacts[id]

    def by_address(self, address: str) -> Object | None:
        """The contact with this address, whatever its capitals."""
        found = next((one for one in self.contacts.values() if one["email"] == address.lower()), None)
        name = user_of(address.lower())
        if found is None and name:
            self._by_rule(FIRST_CONTACT + crc32(name.encode()), address.lower())
            return self.by_address(address)
        return found

    def _by_rule(self, id: int, email: str | None) -> None:
        self.add(id, name=f"Contact {id}", email=email)
        for place, status in enumerate(BY_RULE, 1):
            self.ticket(id * 10 + place, id, subject="By rule", status=status)

    def add(self, id: int, **values: Any) -> Object:
        """Keep a new contact."""
        made = {"id": id, "name": "", "email": None, "active": True, "deleted": False, "unique_external_id": None}
        self.contacts[id] = {**made, **values}
        return self.contacts[id]

    def ticket(self, id: int, requester: int, **values: Any) -> Object:
        """Keep a new ticket."""
        made = {"id": id, "requester_id": requester, "subject": "", "description": "", "status": 2, "priority": 1,
                "source": 2, "responder_id": None, "group_id": None, "type": None, "tags": [], "spam": False,
                "deleted": False}
        self.tickets[id] = {**made, **values}
        return self.tickets[id]

    def who(self, requester: int) -> str:
        """How the ledger names a contact."""
        email = self.contacts[requester]["email"] or ""
        return user_of(email) or email or str(self.contacts[requester]["unique_external_id"] or requester)

    def job(self, ids: Any, do: Callable[[Object], str]) -> Answer:
        """Do the work at once and tell of it as the polls come; `do` says why a ticket is refused."""
        if not isinstance(ids, list) or not ids:
            raise invalid("ids", "It should not be empty", "missing_field")
        rows = [{"id": id, "success": not why, "error": why or None} for id in ids for why in [self._done(id, do)]]
        made = f"{self.world.number():032x}"
        self.jobs[made] = {"rows": rows, "polls": self.slow_polls}
        return answer(202, {"job_id": made, "href": f"https://shop.freshdesk.com/api/v2/jobs/{made}"})

    def _done(self, id: int, do: Callable[[Object], str]) -> str:
        found = self.tickets.get(id)
        return do(found) if found and not found["deleted"] and not found["spam"] else "ticket not found"

    def error(self, status: int) -> Answer:
        """Freshdesk's error body for a status."""
        if status in (404, 405):
            return Answer(status)
        return answer(status, {"code": CODES.get(status, "error"), "message": "refused by the emulator's script"})

    def inner_error(self, ask: Ask) -> Answer:
        """A job that refuses every ticket."""
        made = f"{self.world.number():032x}"
        ids = (ask.json or {}).get("bulk_action", {}).get("ids", [0])
        self.jobs[made] = {"polls": 0, "rows": [{"id": id, "success": False, "error": "script"} for id in ids]}
        return answer(202, {"job_id": made, "href": f"https://shop.freshdesk.com/api/v2/jobs/{made}"})

    def state(self) -> Mapping[str, Any]:
        """Contacts and tickets, by id."""
        return copy.deepcopy({name: {str(id): one for id, one in held.items()}
                              for name, held in (("contacts", self.contacts), ("tickets", self.tickets))})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`jobs` (polls until they are done), `spam_call` (on), `contact` (email, deleted)."""
        if what == "jobs":
            self.slow_polls = int(values["polls"])
        elif what == "spam_call":
            self.spam_call = bool(values["on"])
        elif what == "contact":
            return self.add(self.world.number(), **values)["id"]
        else:
            return super().seed(what, values)
        return None

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


def _page(ask: Ask, rows: Sequence[Object]) -> Answer:
    size, page = int(ask.value("per_page", "30")), int(ask.value("page", "1"))
    if not 1 <= size <= 100:
        raise invalid("per_page", "It should be a Positive Integer less than or equal to 100")
    more = [("link", f'<{ask.base_url}{ask.path}?page={page + 1}>; rel="next"')] if len(rows) > size * page else []
    return answer(200, list(rows[size * (page - 1):size * page]), *more)


@routes.on("GET", "/api/v2/agents/me")
def me(_vendor: Freshdesk, _ask: Ask) -> Answer:
    """Whose key it is."""
    return answer(200, {"id": 8001, "contact": {"name": AGENTS[8001], "email": "agent1@example.com"}})


@routes.on("GET", "/api/v2/agents")
def agents(_vendor: Freshdesk, ask: Ask) -> Answer:
    """Agents."""
    return _page(ask, [{"id": id, "contact": {"name": name, "email": f"{id}@example.com"}}
                       for id, name in AGENTS.items()])


@routes.on("GET", "/api/v2/groups")
def groups(_vendor: Freshdesk, ask: Ask) -> Answer:
    """Groups."""
    return _page(ask, [{"id": id, "name": name} for id, name in GROUPS.items()])


@routes.on("GET", "/api/v2/ticket_fields")
def fields(_vendor: Freshdesk, _ask: Ask) -> Answer:
    """The fields that have choices."""
    return answer(200, [{"type": "default_status", "choices": {str(id): [name, name] for id, name in STATUSES.items()}},
                        {"type": "default_source", "choices": {str(id): id for id in SOURCES}}])


@routes.on("GET", "/api/v2/contacts")
def contacts(vendor: Freshdesk, ask: Ask) -> Answer:
    """Contacts by address or by foreign id; deleted ones only where they are asked for."""
    email, external = ask.value("email"), ask.value("unique_external_id")
    found = vendor.by_address(email) if email else next(
        (one for one in vendor.contacts.values() if one["unique_external_id"] == external), None)
    wanted = ask.value("state") == "deleted"
    return _page(ask, [found] if found and found["deleted"] == wanted else [])


@routes.on("GET", "/api/v2/contacts/{id}")
def see_contact(vendor: Freshdesk, _ask: Ask, id: str) -> Answer:
    """One contact, deleted or not."""
    return answer(200, vendor.contact(int(id)))


@routes.on("DELETE", "/api/v2/contacts/{id}")
def delete_contact(vendor: Freshdesk, _ask: Ask, id: str) -> Answer:
    """Move a contact to the deleted ones."""
    found = vendor.contact(int(id))
    if found["deleted"]:
        raise Refused(Answer(405))
    found["deleted"] = True
    vendor.note("contact.deleted", vendor.who(int(id)), contact=int(id))
    return Answer(204)


@routes.on("PUT", "/api/v2/contacts/{id}/restore")
def restore_contact(vendor: Freshdesk, ask: Ask, id: str) -> Answer:
    """Take a contact back."""
    found = vendor.contact(int(id))
    if ask.body:
        raise invalid("body", "no content is expected", "no_content_required")
    if not found["deleted"]:
        raise missing()
    found["deleted"] = False
    vendor.note("contact.restored", vendor.who(int(id)), contact=int(id))
    return Answer(204)


@routes.on("GET", "/api/v2/tickets")
def tickets(vendor: Freshdesk, ask: Ask) -> Answer:
    """Tickets of one requester, but deleted and spam ones; the text only where it is asked for."""
    if ask.value("email"):
        found = vendor.by_address(ask.value("email"))
        if found is None:
            raise invalid("email", "There is no contact matching the given email")
        requester = found["id"]
    else:
        requester = vendor.contact(int(ask.value("requester_id", "0")))["id"]
    rows = [one for one in vendor.tickets.values()
            if one["requester_id"] == requester and not one["deleted"] and not one["spam"]]
    hidden = {"tags"} if ask.value("include") == "description" else {"tags", "description"}
    return _page(ask, [{name: value for name, value in one.items() if name not in hidden} for one in rows])


@routes.on("POST", "/api/v2/tickets")
def create_ticket(vendor: Freshdesk, ask: Ask) -> Answer:
    """A new ticket, again each time; an unknown requester becomes a contact."""
    given = ask.json if isinstance(ask.json, dict) else {}
    for name in ("subject", "description", "status", "priority"):
        if not given.get(name):
            raise invalid(name, "It should not be blank", "missing_field")
    _check(given)
    if any(len(tag) > LONGEST_TAG for tag in given.get("tags") or ()):
        raise invalid("tags", "It should contain elements that have maximum of 32 characters")
    requester = _requester(vendor, given)
    kept = {name: value for name, value in given.items() if name not in (*REQUESTERS, "name")}
    made = vendor.ticket(vendor.world.number(), requester, **kept)
    mark = next((tag for tag in made["tags"] if tag.startswith("engage_")), "")
    vendor.note("ticket.created", vendor.who(requester), mark=mark, ticket=made["id"], subject=made["subject"])
    return answer(201, made, ("Location", f"{ask.base_url}/api/v2/tickets/{made['id']}"))


def _check(given: Mapping[str, Any]) -> None:
    allowed: dict[str, Sequence[Any]] = {
        "status": [*STATUSES], "priority": (1, 2, 3, 4), "source": SOURCES, "group_id": [*GROUPS, None],
        "responder_id": [*AGENTS, None],
    }
    for name, values in allowed.items():
        if name in given and given[name] not in values:
            raise invalid(name, f"It should be one of these values: {values}")


def _requester(vendor: Freshdesk, given: Mapping[str, Any]) -> int:
    named = [name for name in REQUESTERS if given.get(name)]
    if len(named) != 1:
        raise invalid("requester_id", "One of the requester's identifiers is required", "missing_field")
    if named == ["requester_id"]:
        return int(vendor.contact(given["requester_id"])["id"])
    value = given[named[0]]
    found = vendor.by_address(value) if named == ["email"] else next(
        (one for one in vendor.contacts.values() if one[named[0]] == value), None)
    name = given.get("name") or str(value)
    return int((found or vendor.add(vendor.world.number(), name=name, **{named[0]: value}))["id"])


@routes.on("POST", "/api/v2/tickets/bulk_update")
def bulk_update(vendor: Freshdesk, ask: Ask) -> Answer:
    """Set the same on many tickets; answers with a job."""
    action = (ask.json or {}).get("bulk_action") or {}
    given = action.get("properties") or {}
    strange = set(given) - CHANGEABLE
    if strange or not given:
        raise invalid(next(iter(strange), "properties"), "Unexpected/invalid field in request", "invalid_field")
    _check(given)
    kept = {name: value for name, value in given.items() if name != "skip_close_notification"}
    return vendor.job(action.get("ids"), lambda one: _set(vendor, one, kept))


def _set(vendor: Freshdesk, ticket: Object, given: Mapping[str, Any]) -> str:
    if any(ticket[name] != value for name, value in given.items()):
        ticket.update(given)
        vendor.note("ticket.updated", vendor.who(ticket["requester_id"]), ticket=ticket["id"], **given)
    return ""


@routes.on("POST", "/api/v2/tickets/bulk_delete")
def bulk_delete(vendor: Freshdesk, ask: Ask) -> Answer:
    """Move many tickets to the trash; answers with a job."""
    action = (ask.json or {}).get("bulk_action") or {}
    return vendor.job(action.get("ids"), lambda one: _away(vendor, one, "deleted"))


def _away(vendor: Freshdesk, ticket: Object, where: str) -> str:
    ticket[where] = True
    vendor.note(f"ticket.{where}", vendor.who(ticket["requester_id"]), ticket=ticket["id"])
    return ""


@routes.on("PUT", "/api/v2/tickets/{id}/spam")
def spam(vendor: Freshdesk, _ask: Ask, id: str) -> Answer:
    """The undocumented call, which few accounts take."""
    found = vendor.tickets.get(int(id))
    if not vendor.spam_call or found is None:
        raise missing()
    if not found["spam"]:
        _away(vendor, found, "spam")
    return Answer(204)


@routes.on("GET", "/api/v2/jobs/{id}")
def job(vendor: Freshdesk, _ask: Ask, id: str) -> Answer:
    """How a job goes."""
    found = vendor.jobs.get(id)
    if found is None:
        raise missing()
    found["polls"] -= 1
    if found["polls"] >= 0:
        return answer(200, {"id": id, "status": "IN PROGRESS"})
    return answer(200, {"id": id, "status": "COMPLETED", "data": found["rows"]})
