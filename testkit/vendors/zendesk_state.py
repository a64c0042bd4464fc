"""What the emulated Zendesk account holds; users and their tickets exist by rule, on demand."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from testkit.vendors import credentials
from testkit.vendors.vendor import World, user_of

Object = dict[str, Any]
FIRST_USER = 10_000_000
"""Ids of users by rule begin here; no user exists below, but for the agents."""
AGENT = 9001
OTHER_AGENT = 9002
GROUPS = {7001: "Support", 7002: "Retention"}
BY_RULE = ("open", "pending", "closed")
"""The tickets that every user has, in this order."""


def user_id(name: str) -> int:
    """The id of the user whose address is `<name>@example.com`."""
    return FIRST_USER + crc32(name.encode())


def ticket_ids(user: int) -> Sequence[int]:
    """The ids of the tickets that this user has by rule: one open, one pending, one closed."""
    return [user * 10 + place for place in range(1, len(BY_RULE) + 1)]


def stamp(seconds: float) -> str:
    """A time as Zendesk writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ZendeskState:
    """All objects, by id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Begin anew with agents and groups."""
        self.users: dict[int, Object] = {}
        self.by_email: dict[str, int] = {}
        self.tickets: dict[int, Object] = {}
        self.by_requester: dict[int, list[int]] = {}
        self.deleted: dict[int, Object] = {}
        self.jobs: dict[str, Object] = {}
        self.add_user(self._user(AGENT, "Agent One", credentials.ZENDESK_USERNAME, role="admin"))
        self.add_user(self._user(OTHER_AGENT, "Agent Two", "agent2@example.com", role="agent"))

    def add_user(self, user: Object) -> Object:
        """Keep a user."""
        self.users[user["id"]] = user
        if user["email"]:
            self.by_email[user["email"].lower()] = user["id"]
        return user

    def _user(self, id: int, name: str, email: str | None, **more: Any) -> Object:
        now = stamp(self.world.now())
        return {"id": id, "url": f"/api/v2/users/{id}.json", "name": name, "email": email, "role": "end-user",
                "active": True, "verified": True, "suspended": False, "external_id": None, "tags": [],
                "created_at": now, "updated_at": now, **more}

    def new_user(self, name: str, email: str | None, **more: Any) -> Object:
        """A user made by an administrator or by a ticket; has no tickets yet."""
        id = more.pop("id", None) or (user_id(user_of(email)) if email and user_of(email) else self.id())
        self.by_requester.setdefault(id, [])
        return self.add_user(self._user(id, name, email, **more))

    def id(self) -> int:
        """A new id."""
        return 500_000 + self.world.number()

    def user(self, id: int) -> Object | None:
        """A user; by rule any id from FIRST_USER on exists, with three tickets."""
        if id not in self.users and id >= FIRST_USER:
            self.add_user(self._user(id, f"User {id}", None))
        return self.users.get(id)

    def user_by_email(self, address: str) -> Object | None:
        """The user with this address, whatever its capitals."""
        address = address.lower()
        if address not in self.by_email and user_of(address):
            name = user_of(address)
            self.add_user(self._user(user_id(name), name.title(), address))
        id = self.by_email.get(address)
        return None if id is None else self.users[id]

    def tickets_of(self, user: int) -> list[Object]:
        """The tickets that a user requested."""
        if user not in self.by_requester:
            self.by_requester[user] = []
            for id, status in zip(ticket_ids(user), BY_RULE, strict=True):
                self.add_ticket(self.ticket(id, user, status=status, subject=f"By rule: {status}"))
        return [self.tickets[id] for id in self.by_requester[user] if id in self.tickets]

    def ticket(self, id: int, requester: int, **more: Any) -> Object:
        """A ticket as Zendesk shows it."""
        now = stamp(self.world.now())
        return {"id": id, "url": f"/api/v2/tickets/{id}.json", "external_id": None, "subject": "", "description": "",
                "status": "new", "priority": None, "type": None, "requester_id": requester, "submitter_id": AGENT,
                "assignee_id": None, "group_id": None, "tags": [], "custom_fields": [], "is_public": True,
                "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}, "created_at": now,
                "updated_at": now, **more}

    def add_ticket(self, ticket: Object) -> Object:
        """Keep a ticket."""
        self.tickets[ticket["id"]] = ticket
        self.by_requester.setdefault(ticket["requester_id"], []).append(ticket["id"])
        return ticket

    def find_ticket(self, id: int) -> Object | None:
        """A ticket; those by rule appear with their user, unless they were deleted."""
        if id not in self.tickets and id >= FIRST_USER * 10:
            self.tickets_of(id // 10)
        return self.tickets.get(id)

    def has_group(self, id: Any) -> bool:
        """Any number names a group, but for those that begin with 404."""
        return isinstance(id, int) and not str(id).startswith("404")

    def has_agent(self, id: Any) -> bool:
        """Any number names an agent, but for end users, suspended agents, and numbers that begin with 404."""
        known = self.users.get(id) if isinstance(id, int) else None
        if known is not None:
            return known["role"] != "end-user" and not known["suspended"]
        return isinstance(id, int) and id < FIRST_USER and not str(id).startswith("404")

    def name_of(self, user: int) -> str:
        """Who a user is, for the ledger: the part of the address in front of @example.com, or the id."""
        email = (self.users.get(user) or {}).get("email") or ""
        return user_of(email) or email or str(user)

    def shown(self) -> Mapping[str, Any]:
        """Everything, as JSON."""
        return copy.deepcopy({name: {str(id): value for id, value in held.items()} for name, held in (
            ("users", self.users), ("tickets", self.tickets), ("deleted_tickets", self.deleted), ("jobs", self.jobs),
        )})
