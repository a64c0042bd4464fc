"""Braze: profiles found by external id, alias or address, and events that are stored anew each time they are sent."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, user_of

API_KEY = "b4a2e000-emulator-key"
TRACK_ONLY_KEY = "b4a2e000-emulator-track"
"""Lacks users.alias.new: 403."""

Object = dict[str, Any]
MAX_OBJECTS = 75
MAX_ALIASES = 50
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
IDENTIFIERS = ("external_id", "user_alias", "braze_id", "email", "phone")
KINDS = ("attributes", "events", "purchases")
MESSAGES = {401: "Invalid API key", 403: "Access Denied", 404: "Not found", 429: "Rate limit exceeded",
            503: "Service unavailable"}
routes: Routes[Braze] = Routes()


def refuse(status: int, message: str) -> Refused:
    """The exception that ends a request with Braze's fatal error body."""
    return Refused(answer(status, {"message": message}))


class Braze(Vendor):
    """The emulated workspace."""

    name = "braze"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.profiles: list[Object] = []
        self.events: list[Object] = []

    def serve(self, ask: Ask) -> Answer:
        """Check the key and its permissions, then find what is asked."""
        if ask.bearer not in (API_KEY, TRACK_ONLY_KEY):
            raise refuse(401, f"Invalid API key: {ask.bearer[:8]}")
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise refuse(404, "Not found")
        if ask.bearer == TRACK_ONLY_KEY and ask.path != "/users/track":
            raise refuse(403, "Access Denied")
        if ask.content_type != "application/json" or not isinstance(ask.json, dict):
            raise refuse(400, "The request body is no valid JSON")
        return found[0](self, ask.json, **found[1])

    def find(self, given: Mapping[str, Any]) -> Object | None:
        """The profile that an object names; by address, those with an external id and those changed last first."""
        alias = given.get("user_alias") or {}
        if given.get("external_id"):
            found = [one for one in self.profiles if one["external_id"] == given["external_id"]]
        elif alias:
            found = [one for one in self.profiles if one["aliases"].get(alias["alias_label"]) == alias["alias_name"]]
        elif given.get("braze_id"):
            found = [one for one in self.profiles if one["braze_id"] == given["braze_id"]]
        else:
            email = str(given.get("email", "")).lower()
            found = [one for one in self.profiles if str(one["attributes"].get("email", "")).lower() == email]
        return max(found, key=lambda one: (bool(one["external_id"]), one["changed"]), default=None)

    def create(self, given: Mapping[str, Any]) -> Object:
        """A new profile with the identifiers of an object."""
        alias = given.get("user_alias")
        made: Object = {
            "braze_id": f"{self.world.number():024x}", "external_id": given.get("external_id"), "attributes": {},
            "aliases": {alias["alias_label"]: alias["alias_name"]} if alias else {}, "changed": 0,
        }
        if given.get("email"):
            made["attributes"]["email"] = given["email"]
        self.profiles.append(made)
        self.note("profile.created", _who(made), profile=made["braze_id"])
        return made

    def error(self, status: int) -> Answer:
        """Braze's error body for a status."""
        return answer(status, {"message": MESSAGES.get(status, "Internal Server Error")})

    def inner_error(self, ask: Ask) -> Answer:
        """An object that was refused, inside a success."""
        member = "user_aliases" if ask.path.startswith("/users/alias") else "attributes"
        return answer(201, {"message": "success", "errors": [
            {"type": "refused by the emulator's script", "input_array": member, "index": 0}]})

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """The time at which the window ends, and no Retry-After."""
        return {"x-ratelimit-limit": "3000", "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(self.world.now() + seconds))}

    def state(self) -> Mapping[str, Any]:
        """Profiles and events."""
        return copy.deepcopy({"profiles": self.profiles, "events": self.events})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`profile` (external_id, user_alias, email)."""
        if what != "profile":
            return super().seed(what, values)
        return self.create(values)["braze_id"]

    def reset(self) -> None:
        """No profiles, no events."""
        super().reset()
        self._begin()


@routes.on("POST", "/users/track")
def track(vendor: Braze, body: Object) -> Answer:
    """Attributes first, then events; objects that are refused are named, the rest is done."""
    arrays = {kind: body.get(kind) or [] for kind in KINDS}
    if not any(kind in body for kind in KINDS):
        raise refuse(400, "At least one of attributes, events or purchases is required")
    if sum(len(rows) for rows in arrays.values()) > MAX_OBJECTS:
        raise refuse(400, f"Only {MAX_OBJECTS} objects are allowed in one request")
    if any(str(one.get("external_id", "")).startswith("blocked") for rows in arrays.values() for one in rows):
        raise refuse(400, "provided external_id is blacklisted and disallowed")
    _check_properties(arrays["events"])
    problems = _each(arrays["attributes"], "attributes", lambda one: _attributes(vendor, one))
    problems += _each(arrays["events"], "events", lambda one: _event(vendor, one))
    done: Object = {f"{kind}_processed": len(rows) for kind, rows in arrays.items() if rows}
    return answer(201, {"message": "success", **done, **({"errors": problems} if problems else {})})


def _check_properties(events: list[Object]) -> None:
    for one in events:
        reserved = {"time", "event_name"} & set(one.get("properties") or {})
        if reserved:
            raise refuse(400, f"'{min(reserved)}' is a reserved event property")


def _each(rows: list[Object], kind: str, do: Any) -> list[Object]:
    """Do each object; what is wrong with those that were refused."""
    found = [(place, do(one)) for place, one in enumerate(rows)]
    return [{"type": problem, "input_array": kind, "index": place} for place, problem in found if problem]


def _attributes(vendor: Braze, given: Object) -> str:
    """What is wrong with an attributes object; "" where it was done, or passed over without a word."""
    problem = _identifier_problem(given)
    if problem:
        return problem
    profile = vendor.find(given)
    if profile is None:
        only_update = given.get("_update_existing_only", "user_alias" in given)
        if only_update:
            return ""
        profile = vendor.create(given)
    _write(vendor, profile, given)
    return ""


def _identifier_problem(given: Object) -> str:
    if not any(given.get(name) for name in IDENTIFIERS):
        return "'external_id', 'user_alias', 'braze_id', 'email' or 'phone' is required"
    if "email" in given and given["email"] is not None and not ADDRESS.fullmatch(str(given["email"])):
        return "'email' is not a valid email address"
    return ""


def _write(vendor: Braze, profile: Object, given: Object) -> None:
    """Write what differs; null takes an attribute away."""
    ours = {name: value for name, value in given.items()
            if name not in ("external_id", "user_alias", "braze_id", "_update_existing_only")}
    held = profile["attributes"]
    changed = sorted(name for name, value in ours.items() if held.get(name) != value)
    if not changed:
        return
    held.update(ours)
    profile["attributes"] = {name: value for name, value in held.items() if value is not None}
    profile["changed"] = vendor.world.number()
    vendor.note("profile.updated", _who(profile), profile=profile["braze_id"], attributes=changed)


def _event(vendor: Braze, given: Object) -> str:
    """What is wrong with an event; events under an alias never make a profile."""
    problem = _identifier_problem(given) or _event_problem(given)
    if problem:
        return problem
    profile = vendor.find(given)
    if profile is None:
        if "user_alias" in given or given.get("_update_existing_only"):
            return ""
        profile = vendor.create(given)
    vendor.events.append({**given, "braze_id": profile["braze_id"]})
    mark = str((given.get("properties") or {}).get("execution_id", ""))
    vendor.note("event.recorded", _who(profile), mark=mark, event=given["name"], profile=profile["braze_id"])
    return ""


def _event_problem(given: Object) -> str:
    if not given.get("name"):
        return "'name' is required"
    try:
        datetime.fromisoformat(str(given.get("time")))
    except ValueError:
        return "'time' is not a valid ISO 8601 date"
    names = given.get("properties") or {}
    wrong = [name for name, value in names.items()
             if name.startswith("$") or len(name) > 255 or (isinstance(value, str) and len(value) > 255)]
    return f"'{wrong[0]}' is not a valid property" if wrong else ""


def _who(profile: Object) -> str:
    """The user as the ledger names it."""
    email = str(profile["attributes"].get("email", ""))
    alias = next(iter(profile["aliases"].values()), "")
    return str(profile["external_id"] or user_of(email) or email or alias)


@routes.on("POST", "/users/alias/new")
def new_alias(vendor: Braze, body: Object) -> Answer:
    """Add aliases; an unknown external id is passed over without a word."""
    given = body.get("user_aliases")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_ALIASES:
        raise refuse(400, f"user_aliases is required and holds 1 to {MAX_ALIASES} aliases")
    if any(not one.get("alias_name") or not one.get("alias_label") for one in given):
        raise refuse(400, "alias_name and alias_label are required")
    added = sum(_alias(vendor, one) for one in given)
    return answer(201, {"message": "success", "aliases_processed": added})


def _alias(vendor: Braze, given: Object) -> int:
    label, name = given["alias_label"], given["alias_name"]
    if not given.get("external_id"):
        taken = vendor.find({"user_alias": given})
        return 0 if taken else int(bool(vendor.create({"user_alias": given})))
    profile = vendor.find({"external_id": given["external_id"]})
    if profile is None:
        return 0
    if profile["aliases"].get(label) != name:
        profile["aliases"][label] = name
        vendor.note("alias.created", _who(profile), profile=profile["braze_id"], label=label)
    return 1
