"""Zendesk: users, tickets, bulk jobs; Basic credentials with /token; idempotency keys on ticket creation."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from testkit.vendors import credentials
from testkit.vendors.exchange import Answer, Ask, Refused, answer, text
from testkit.vendors.vendor import Routes, Vendor, World
from testkit.vendors.zendesk_state import AGENT, GROUPS, Object, ZendeskState, stamp
from testkit.vendors.zendesk_tickets import InvalidError, bad, member, not_found, number, paged, record_invalid, tickets

users: Routes[ZendeskState] = Routes()
ERRORS = {
    401: {"error": "Couldn't authenticate you"},
    403: {"error": "Forbidden", "description": "You do not have access to this page."},
    404: {"error": "RecordNotFound", "description": "Not found"},
    409: {"error": "Conflict", "description": "The resource was updated by another request."},
    422: {"error": "RecordInvalid", "description": "Record validation errors", "details": {}},
    429: {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"},
}


class Zendesk(Vendor):
    """The emulated Zendesk account."""

    name = "zendesk"
    keys_live = 2 * 3600.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books = ZendeskState(world)
        self.slow_polls = 0

    def serve(self, ask: Ask) -> Answer:
        """Check the credentials, then find what is asked; `.json` behind a path is taken too."""
        user, password = ask.basic
        if (user, password) != (f"{credentials.ZENDESK_USERNAME}/token", credentials.ZENDESK_API_KEY):
            raise Refused(answer(401, ERRORS[401]))
        path = ask.path.removesuffix(".json")
        found = users.find(ask.method, path) or tickets.find(ask.method, path)
        if found is None:
            raise Refused(answer(404, {"error": "InvalidEndpoint", "description": "Not found"}))
        if ask.body and ask.content_type != "application/json":
            raise Refused(text(415, "Unsupported Media Type"))
        if ask.method == "POST" and path == "/api/v2/tickets":
            return self._create(ask, found[0])
        reply: Answer = found[0](self.books, ask, **found[1])
        self._slow_down()
        return reply.with_headers(("X-Rate-Limit", "700"), ("X-Rate-Limit-Remaining", "699"))

    def _create(self, ask: Ask, create: Any) -> Answer:
        """Ticket creation is the one call that knows idempotency keys."""
        key = self.key_of(ask)
        if not key:
            made: Answer = create(self.books, ask)
            return made
        digest = sha256(ask.body).digest()
        verdict, kept = self.keys.find(key, digest)
        if verdict == "other":
            raise Refused(answer(400, {"error": "IdempotencyKeyMismatch", "description":
                                       "The idempotency key was used with other parameters."}))
        if verdict == "busy":
            raise Refused(answer(409, ERRORS[409]))
        if kept is not None:
            self.world.ledger.replay(self.id, key)
            return kept.with_headers(("x-idempotency-lookup", "hit"))
        reply: Answer = create(self.books, ask)
        self.keys.keep(key, digest, reply)
        return reply.with_headers(("x-idempotency-lookup", "miss"))

    def _slow_down(self) -> None:
        if self.slow_polls and self.books.jobs:
            newest = next(reversed(self.books.jobs.values()))
            newest.setdefault("_slow", self.slow_polls)

    def error(self, status: int) -> Answer:
        """Zendesk's error body for a status."""
        return answer(status, ERRORS.get(status, {"error": "InternalError", "description": "The emulator's script"}))

    def inner_error(self, ask: Ask) -> Answer:
        """A job whose tickets were all refused."""
        id = f"{self.world.number():032x}"
        ids = [int(one) for one in ask.value("ids").split(",") if one.isdigit()]
        results = [{"id": one, "action": "update", "success": False, "error": "TicketUpdateFailed",
                    "details": "Refused by the emulator's script"} for one in ids]
        made: Object = {"id": id, "url": f"{ask.base_url}/api/v2/job_statuses/{id}.json", "job_type": "bulk_update",
                        "total": len(ids), "progress": None, "status": "queued", "message": None, "results": None}
        self.books.jobs[id] = {**made, "_results": results, "_polls": 0}
        return answer(200, {"job_status": made})

    def state(self) -> Mapping[str, Any]:
        """All objects, by id."""
        return self.books.shown()

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`user` (name, email, more), `ticket` (requester_id, more), `job` (polls until it is done)."""
        given = dict(values)
        if what == "user":
            return self.books.new_user(given.pop("name", "Seeded"), given.pop("email", None), **given)["id"]
        if what == "ticket":
            requester = int(given.pop("requester_id"))
            self.books.tickets_of(requester)
            made = self.books.ticket(given.pop("id", None) or self.books.id(), requester, **given)
            return self.books.add_ticket(made)["id"]
        if what == "job":
            self.slow_polls = int(given["polls"])
            return self.slow_polls
        return super().seed(what, values)

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.books.reset()
        self.slow_polls = 0


@users.on("GET", "/api/v2/users/me")
def me(state: ZendeskState, _ask: Ask) -> Answer:
    """Who the credentials belong to."""
    return answer(200, {"user": state.users[AGENT]})


@users.on("GET", "/api/v2/users/search")
def search(state: ZendeskState, ask: Ask) -> Answer:
    """Users by address or external id; the search reads words, so a near miss may be among them."""
    external = ask.value("external_id")
    if external:
        return paged(ask, "users", [one for one in state.users.values() if one["external_id"] == external])
    query = ask.value("query").strip()
    address = query.partition(":")[2].strip().strip('"') if query.startswith("email:") else query
    if not address:
        raise bad("query or external_id is required")
    found = state.user_by_email(address)
    near = [one for one in state.users.values()
            if one is not found and one["email"] and address.lower() in one["email"].lower()]
    return paged(ask, "users", [*near, *([found] if found else [])])


@users.on("GET", "/api/v2/users")
def agents(state: ZendeskState, ask: Ask) -> Answer:
    """Users, of the roles that are asked for."""
    roles = {value for name, value in ask.query if name in ("role[]", "role")}
    return paged(ask, "users", [one for one in state.users.values() if not roles or one["role"] in roles])


@users.on("GET", "/api/v2/users/{id}")
def show(state: ZendeskState, _ask: Ask, id: str) -> Answer:
    """One user."""
    found = state.user(number(id))
    if found is None:
        raise not_found()
    return answer(200, {"user": found})


@users.on("PUT", "/api/v2/users/{id}")
def update(state: ZendeskState, ask: Ask, id: str) -> Answer:
    """Change a user; suspending is what the cards need."""
    found = state.user(number(id))
    if found is None:
        raise not_found()
    given = member(ask, "user")
    if "suspended" in given:
        _suspend(state, found, given["suspended"])
    found.update({name: value for name, value in given.items() if name in ("name", "external_id", "tags")})
    found["updated_at"] = stamp(state.world.now())
    return answer(200, {"user": found})


def _suspend(state: ZendeskState, user: Object, wanted: Any) -> None:
    if not isinstance(wanted, bool):
        raise Refused(record_invalid(InvalidError("suspended", "Suspended: is not a boolean")))
    if user["role"] == "admin":
        raise Refused(answer(403, ERRORS[403]))
    if user["suspended"] != wanted:
        user["suspended"] = wanted
        kind = "user.suspended" if wanted else "user.restored"
        state.world.ledger.effect("zendesk", kind, state.name_of(user["id"]), id=user["id"])


@users.on("GET", "/api/v2/groups/assignable")
def groups(_state: ZendeskState, ask: Ask) -> Answer:
    """Groups that tickets can be given to."""
    return paged(ask, "groups", [{"id": id, "name": name, "deleted": False} for id, name in GROUPS.items()])


@users.on("GET", "/api/v2/groups")
def all_groups(state: ZendeskState, ask: Ask) -> Answer:
    """The same groups."""
    return groups(state, ask)
