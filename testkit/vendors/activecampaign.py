"""ActiveCampaign: contacts by address, subscriptions to lists, automations that a contact enters each time."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, user_of

API_KEY = "activecampaign-emulator-key"
LIST = "501"
AUTOMATION, ONCE, STOPPED = "601", "602", "603"
"""Automations: one that can be entered again, one that cannot, one that does not run."""
FIELD = "12"

Object = dict[str, Any]
routes: Routes[ActiveCampaign] = Routes()


def forbidden(message: str) -> Refused:
    """A refusal as plain text, which is JSON all the same."""
    return Refused(answer(403, {"message": message}))


class ActiveCampaign(Vendor):
    """The emulated account."""

    name = "activecampaign"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.contacts: dict[str, Object] = {}
        self.members: dict[tuple[str, str], Object] = {}
        self.entries: list[Object] = []

    def serve(self, ask: Ask) -> Answer:
        """Check the key, then find what is asked."""
        if ask.headers.get("api-token") != API_KEY:
            raise forbidden("The API key is wrong")
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise Refused(answer(404, {"message": f"No Route found for {ask.method} {ask.path}"}))
        if ask.method == "POST" and ask.content_type != "application/json":
            raise Refused(answer(400, {"message": "The body is no JSON"}))
        reply: Answer = found[0](self, ask, **found[1])
        return reply.with_headers(("RateLimit-Limit", "5"), ("RateLimit-Remaining", "4"))

    def contact(self, id: str) -> Object:
        """A contact by its id."""
        if id not in self.contacts:
            raise Refused(answer(404, {"message": f"No Result found for Subscriber with id {id}"}))
        return self.contacts[id]

    def who(self, id: str) -> str:
        """How the ledger names a contact."""
        email = self.contact(id)["email"]
        return user_of(email) or str(email)

    def error(self, status: int) -> Answer:
        """One of the vendor's error bodies."""
        return answer(status, {"errors": [{"status": status, "title": "refused by the emulator's script"}]})

    def inner_error(self, _ask: Ask) -> Answer:
        """A success that names nothing."""
        return answer(200, {})

    def state(self) -> Mapping[str, Any]:
        """Contacts, subscriptions, entries."""
        return copy.deepcopy({"contacts": self.contacts, "lists": list(self.members.values()),
                              "automations": self.entries})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (email, status)."""
        if what != "subscription":
            return super().seed(what, values)
        id = sync_contact(self, {"email": values["email"]})["id"]
        self.members[LIST, id] = {"id": str(self.world.number()), "list": LIST, "contact": id,
                                  "status": str(values["status"])}
        return id

    def reset(self) -> None:
        """Nobody is there."""
        super().reset()
        self._begin()


def sync_contact(vendor: ActiveCampaign, given: Mapping[str, Any]) -> Object:
    """Create or update the contact with this address; only what differs is an effect."""
    email = str(given["email"]).lower()
    found = next((one for one in vendor.contacts.values() if one["email"] == email), None)
    values = {f"field_{one['field']}": one["value"] for one in given.get("fieldValues") or ()}
    values |= {name: value for name, value in given.items() if name not in ("email", "fieldValues")}
    if found is None:
        id = str(vendor.world.number())
        found = vendor.contacts[id] = {"id": id, "email": email}
        vendor.note("contact.created", user_of(email) or email, contact=id)
    elif any(found.get(name) != value for name, value in values.items()):
        vendor.note("contact.updated", user_of(email) or email, fields=sorted(values))
    found.update(values)
    return found


@routes.on("GET", "/api/3/users/me")
def me(_vendor: ActiveCampaign, _ask: Ask) -> Answer:
    """Whose key it is."""
    return answer(200, {"user": {"id": "1", "username": "admin"}})


@routes.on("GET", "/api/3/lists")
def lists(_vendor: ActiveCampaign, _ask: Ask) -> Answer:
    """Lists."""
    return answer(200, {"lists": [{"id": LIST, "name": "News", "stringid": "news"}], "meta": {"total": "1"}})


@routes.on("GET", "/api/3/automations")
def automations(_vendor: ActiveCampaign, _ask: Ask) -> Answer:
    """Automations, running or not."""
    rows = [{"id": id, "name": f"Automation {id}", "status": "2" if id == STOPPED else "1"}
            for id in (AUTOMATION, ONCE, STOPPED)]
    return answer(200, {"automations": rows, "meta": {"total": str(len(rows))}})


@routes.on("GET", "/api/3/fields")
def fields(_vendor: ActiveCampaign, _ask: Ask) -> Answer:
    """Custom fields."""
    return answer(200, {"fields": [{"id": FIELD, "title": "Plan", "type": "text"}]})


@routes.on("POST", "/api/3/contact/sync")
def sync(vendor: ActiveCampaign, ask: Ask) -> Answer:
    """Create or update a contact."""
    given = (ask.json or {}).get("contact") or {}
    if "@" not in str(given.get("email") or ""):
        raise Refused(answer(422, {"errors": [{"title": "Contact Email Address is not valid.", "code": "email_invalid",
                                               "source": {"pointer": "/data/attributes/email"}}]}))
    known = len(vendor.contacts)
    made = sync_contact(vendor, given)
    return answer(201 if len(vendor.contacts) > known else 200, {"contact": made, "fieldValues": []})


@routes.on("GET", "/api/3/contacts/{id}/contactLists")
def see_lists(vendor: ActiveCampaign, _ask: Ask, id: str) -> Answer:
    """Subscriptions of a contact."""
    vendor.contact(id)
    return answer(200, {"contactLists": [one for one in vendor.members.values() if one["contact"] == id]})


@routes.on("POST", "/api/3/contactLists")
def subscribe(vendor: ActiveCampaign, ask: Ask) -> Answer:
    """Set the status of a contact on a list."""
    given = (ask.json or {}).get("contactList") or {}
    id, wanted = str(given.get("contact")), str(given.get("status"))
    vendor.contact(id)
    if str(given.get("list")) != LIST:
        raise Refused(answer(404, {"message": f"No Result found for List with id {given.get('list')}"}))
    held = vendor.members.setdefault((LIST, id), {
        "id": str(vendor.world.number()), "list": LIST, "contact": id, "status": ""})
    if held["status"] != wanted:
        held["status"] = wanted
        vendor.note("list.subscribed" if wanted == "1" else "list.unsubscribed", vendor.who(id), list=LIST)
    return answer(200, {"contacts": [vendor.contact(id)], "contactList": held})


@routes.on("GET", "/api/3/contacts/{id}/contactAutomations")
def see_automations(vendor: ActiveCampaign, _ask: Ask, id: str) -> Answer:
    """Automations that a contact entered."""
    vendor.contact(id)
    return answer(200, {"contactAutomations": [one for one in vendor.entries if one["contact"] == id]})


@routes.on("POST", "/api/3/contactAutomations")
def enter(vendor: ActiveCampaign, ask: Ask) -> Answer:
    """Enter an automation, again each time unless it allows one entry only."""
    given = (ask.json or {}).get("contactAutomation") or {}
    id, automation = str(given.get("contact")), str(given.get("automation"))
    before = any(one["contact"] == id and one["seriesid"] == automation for one in vendor.entries)
    if id not in vendor.contacts or automation not in (AUTOMATION, ONCE) or (before and automation == ONCE):
        raise forbidden("Could not create SubscriberSeries")
    moment = datetime.fromtimestamp(vendor.world.now(), UTC).isoformat(timespec="seconds")
    made = {"id": str(vendor.world.number()), "contact": id, "seriesid": automation, "status": "1", "adddate": moment}
    vendor.entries.append(made)
    vendor.note("automation.entered", vendor.who(id), automation=automation, entry=made["id"])
    return answer(201, {"contacts": [vendor.contact(id)], "contactAutomation": {**made, "automation": automation}})
