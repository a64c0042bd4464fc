"""What the emulated Salesforce org and Marketing Cloud tenant hold."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors.vendor import World, is_missing, user_of

Object = dict[str, Any]
LISTS = {123: "Newsletter", 124: "Win back"}
DEFINITIONS = ("offer-accepted", "we-miss-you")


class SalesforceState:
    """Contacts, cases and posts of the org; subscribers and sends of the tenant; tokens of both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Begin anew; no token is valid."""
        self.contacts: dict[str, Object] = {}
        self.cases: dict[str, Object] = {}
        self.case_ids: dict[tuple[str, str], str] = {}
        self.feed: list[Object] = []
        self.subscribers: dict[str, Object] = {}
        self.lists = dict(LISTS)
        self.definitions: dict[str, str] = dict.fromkeys(DEFINITIONS, "Active")
        self.messages: dict[str, Object] = {}
        self.support_tokens: set[str] = set()
        self.marketing_tokens: dict[str, float] = {}
        self.public_key = ""

    def id(self, prefix: str) -> str:
        """A new id of 18 characters."""
        return f"{prefix}{self.world.number():015d}"

    def contact(self, address: str) -> str | None:
        """The id of the contact with this address: each known user has one, with an open and a closed case."""
        address = address.lower()
        if address in self.contacts:
            return str(self.contacts[address]["Id"])
        if not user_of(address):
            return None
        id = self.id("003")
        self.contacts[address] = {"Id": id, "Email": address, "LastName": user_of(address)}
        for closed in (False, True):
            self.add_case({"ContactId": id, "IsClosed": closed, "Subject": "By rule"})
        return id

    def add_case(self, fields: Mapping[str, Any]) -> Object:
        """Keep a case."""
        made = {"Id": self.id("500"), "Status": "New", "IsClosed": False, "ContactId": None, "SuppliedEmail": None,
                **fields}
        self.cases[made["Id"]] = made
        return made

    def name_of(self, contact: str | None, email: str | None = "") -> str:
        """Whom a record concerns, for the ledger."""
        held = next((one["Email"] for one in self.contacts.values() if one["Id"] == contact), "") if contact else ""
        address = held or email or ""
        return user_of(address) or address or contact or ""

    def definition(self, key: str) -> bool:
        """Whether a send definition is active: any is whose name does not begin with `missing`."""
        return self.definitions.get(key, "Inactive" if is_missing(key) or not key else "Active") == "Active"

    def has_list(self, id: str) -> bool:
        """Whether a list exists: any number, but for those that begin with 404."""
        return id.isdigit() and not id.startswith("404")

    def shown(self) -> Mapping[str, Any]:
        """Everything but tokens, as JSON."""
        return copy.deepcopy({"contacts": self.contacts, "cases": self.cases, "feed": self.feed,
                              "subscribers": self.subscribers, "messages": self.messages,
                              "lists": {str(id): name for id, name in self.lists.items()}})
