"""Heap: events under keys that it never forgets, user properties, nothing said about wrong app ids."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Vendor, World

APP_ID = "1234567890"
"""The environment that exists; events of others vanish, as they do at Heap."""
MAX_ITEMS = 1000
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LISTS = {"/api/track": "events", "/api/add_user_properties": "users"}

Object = dict[str, Any]


class Heap(Vendor):
    """The emulated environment; `seen` holds the keys for good, as Heap's event ids are made of them."""

    name = "heap"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.events: list[Object] = []
        self.users: dict[str, Object] = {}
        self.seen: set[str] = set()

    def serve(self, ask: Ask) -> Answer:
        """One item in the body, or up to 1000 in a list; a bad one spoils them all."""
        if ask.method != "POST" or ask.path not in LISTS:
            raise _refused(404, f"no such endpoint: {ask.method} {ask.path}")
        if ask.content_type != "application/json" or not isinstance(ask.json, dict):
            raise _refused(400, "expected a JSON object")
        items = _items(ask.json, LISTS[ask.path])
        for item in items:
            _check(item, tracks=ask.path == "/api/track")
        if ask.json["app_id"] == APP_ID:
            for item in items:
                self._take(ask.path, item)
        return Answer(200)

    def _take(self, path: str, item: Object) -> None:
        if path == "/api/track":
            self._track(item)
        else:
            self._update(item)

    def _track(self, item: Object) -> None:
        key, user = item.get("idempotency_key", ""), item["identity"]
        if key and key in self.seen:
            self.world.ledger.replay(self.id, key, user)
            return
        self.seen.add(key)
        self.events.append(item)
        self.note("event.tracked", user, mark=key, event=item["event"])

    def _update(self, item: Object) -> None:
        user = self.users.setdefault(item["identity"], {})
        before = dict(user)
        user.update(item["properties"])
        if user != before:
            self.note("user.updated", item["identity"], members=sorted(item["properties"]))

    def state(self) -> Mapping[str, Any]:
        """Events and users."""
        return copy.deepcopy({"events": self.events, "users": self.users})

    def reset(self) -> None:
        """Nothing seen."""
        super().reset()
        self._begin()


def _refused(status: int, message: str) -> Refused:
    return Refused(answer(status, {"error": message}))


def _items(body: Object, name: str) -> list[Object]:
    if not isinstance(body.get("app_id"), str):
        raise _refused(400, "app_id is required")
    items = body.get(name, [body])
    if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
        raise _refused(400, f"{name} must hold 1 to {MAX_ITEMS} items")
    return items


def _check(item: Any, *, tracks: bool) -> None:
    """Raise what Heap documents as required or limited."""
    if not isinstance(item, dict) or ("identity" in item) == ("user_id" in item):
        raise _refused(400, "exactly one of identity and user_id is required")
    if not isinstance(item.get("identity"), str) or not 0 < len(item["identity"]) <= 255:
        raise _refused(400, "identity must have 1 to 255 characters")
    if tracks and not (isinstance(item.get("event"), str) and 0 < len(item["event"]) <= 1024):
        raise _refused(400, "event must have 1 to 1024 characters")
    if not ISO.fullmatch(item.get("timestamp", "2027-01-01T00:00:00Z")):
        raise _refused(400, "timestamp must be ISO 8601")
    _check_properties(item.get("properties", None if not tracks else {}))


def _check_properties(properties: Any) -> None:
    if not isinstance(properties, dict):
        raise _refused(400, "properties is required")
    for name, value in properties.items():
        if name.lower() == "id" or len(name) >= 1024 or isinstance(value, bool) or value is None:
            raise _refused(400, f"bad property {name}")
        if not isinstance(value, (str, int, float, list)) or (isinstance(value, str) and len(value) >= 1024):
            raise _refused(400, f"bad value of {name}")
