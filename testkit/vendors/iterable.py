"""Iterable: users, lists, journeys, events that are updated under their id, and mails that are sent each time."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing, user_of

API_KEY = "iterable-emulator-key"
STATIC_LIST, DYNAMIC_LIST = 501, 502
JOURNEY, DISABLED_JOURNEY = 601, 602
MARKETING, TRANSACTIONAL, BLAST = 701, 702, 703

Object = dict[str, Any]
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
USER_ID = re.compile(r"[ -~]*[!-~]")
MAX_ITEMS = 1000
MAX_BYTES = 4_000_000
DISALLOWED_EVENT = "disallowed"
"""The name of the event that the project does not take."""
CODES = {401: "BadApiKey", 403: "Forbidden", 404: "NotFound", 429: "RateLimitExceeded", 500: "GenericError"}
routes: Routes[Iterable] = Routes()


def said(status: int, code: str, message: str = "", params: Any = None) -> Answer:
    """Iterable's envelope."""
    return answer(status, {"msg": message, "code": code, "params": params})


def refuse(status: int, code: str, message: str = "") -> Refused:
    """The exception that ends a request with Iterable's envelope."""
    return Refused(said(status, code, message))


class Iterable(Vendor):
    """The emulated project: hybrid, so it takes either identifier; addresses that begin with `missing` are unknown."""

    name = "iterable"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.users: dict[str, Object] = {}
        self.events: dict[str, Object] = {}
        self.members: dict[int, set[str]] = {STATIC_LIST: set()}
        self.mails: list[Object] = []
        self.forgotten: set[str] = set()

    def serve(self, ask: Ask) -> Answer:
        """Check the key, then find what is asked."""
        if ask.headers.get("api-key") != API_KEY:
            raise refuse(401, "BadApiKey", "Invalid API key")
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise refuse(404, "NotFound")
        if ask.method == "POST" and (ask.content_type != "application/json" or not isinstance(ask.json, dict)):
            raise refuse(400, "BadJsonBody")
        if len(ask.body) > MAX_BYTES:
            raise refuse(413, "BatchTooLarge")
        return found[0](self, ask)

    def user(self, given: Mapping[str, Any]) -> str:
        """The key under which a user is kept; refuses what names nobody, or several."""
        problem = self.problem(given)
        if problem:
            raise refuse(400, problem)
        return str(given.get("email") or given.get("userId"))

    def problem(self, given: Mapping[str, Any]) -> str:
        """The code for what is wrong with an identifier."""
        email, id_ = given.get("email"), given.get("userId")
        if bool(email) == bool(id_):
            return "BadParams"
        if email and not ADDRESS.fullmatch(str(email)):
            return "InvalidEmailAddressError"
        if id_ and not USER_ID.fullmatch(str(id_)):
            return "InvalidUserIdError"
        return "ForgottenUserError" if (email or id_) in self.forgotten else ""

    def write(self, key: str, fields: Mapping[str, Any]) -> None:
        """Create or update a user; only what differs is an effect."""
        new = key not in self.users
        held = self.users.setdefault(key, {})
        changed = sorted(name for name, value in fields.items() if held.get(name) != value)
        held.update(fields)
        if new or changed:
            self.note("user.created" if new else "user.updated", user_of(key) or key, fields=changed)

    def error(self, status: int) -> Answer:
        """Iterable's envelope for a status."""
        return said(status, CODES.get(status, "GenericError"), "refused by the emulator's script")

    def inner_error(self, ask: Ask) -> Answer:
        """A named code inside a 200."""
        return said(200, "GenericError", f"refused by the emulator's script: {ask.path}")

    def state(self) -> Mapping[str, Any]:
        """Users, events by id, members of lists, mails."""
        members = {str(number): sorted(found) for number, found in self.members.items()}
        return copy.deepcopy({"users": self.users, "events": self.events, "lists": members, "mails": self.mails})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`user` (email or userId), `forgotten` (email or userId)."""
        key = str(values.get("email") or values.get("userId"))
        if what == "user":
            self.users[key] = {}
        elif what == "forgotten":
            self.forgotten.add(key)
        else:
            return super().seed(what, values)
        return key

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


@routes.on("GET", "/api/lists")
def lists(_vendor: Iterable, _ask: Ask) -> Answer:
    """Lists of all types."""
    return answer(200, {"lists": [
        {"id": STATIC_LIST, "name": "Winback", "listType": "Standard", "createdAt": 1},
        {"id": DYNAMIC_LIST, "name": "Active last week", "listType": "Dynamic", "createdAt": 1}]})


@routes.on("GET", "/api/journeys")
def journeys(_vendor: Iterable, _ask: Ask) -> Answer:
    """Journeys, enabled and not."""
    rows = [{"id": JOURNEY, "name": "Welcome back", "enabled": True, "isArchived": False},
            {"id": DISABLED_JOURNEY, "name": "Old", "enabled": False, "isArchived": False}]
    return answer(200, {"journeys": rows, "totalJourneysCount": len(rows)})


@routes.on("GET", "/api/campaigns")
def campaigns(_vendor: Iterable, _ask: Ask) -> Answer:
    """Campaigns, triggered and not."""
    rows = [{"id": number, "name": name, "type": kind, "campaignState": "Running", "messageMedium": "Email"}
            for number, name, kind in ((MARKETING, "Offer", "Triggered"), (TRANSACTIONAL, "Receipt", "Triggered"),
                                       (BLAST, "News", "Blast"))]
    return answer(200, {"campaigns": rows, "totalCampaignsCount": len(rows)})


@routes.on("POST", "/api/events/track")
def track(vendor: Iterable, ask: Ask) -> Answer:
    """One event; under a known id it is updated."""
    user = vendor.user(ask.json)
    if not ask.json.get("eventName") or ask.json["eventName"] == DISALLOWED_EVENT:
        raise refuse(400, "BadParams", "eventName")
    return said(200, "Success", params={"id": _keep(vendor, user, ask.json)})


def _keep(vendor: Iterable, user: str, given: Object) -> str:
    mark = str(given.get("id") or f"made-{vendor.world.number()}")
    if mark in vendor.events:
        vendor.world.ledger.replay(vendor.id, mark, user_of(user) or user)
    else:
        vendor.note("event.tracked", user_of(user) or user, mark=mark, event=given["eventName"])
    vendor.events[mark] = given
    return mark


@routes.on("POST", "/api/events/trackBulk")
def track_bulk(vendor: Iterable, ask: Ask) -> Answer:
    """Several events; those that failed are told by user or by name, without their places."""
    events = _rows(ask, "events")
    failed, disallowed = _failed(vendor, events), []
    good = [one for one in events if not vendor.problem(one)]
    for one in good:
        if one.get("eventName") == DISALLOWED_EVENT:
            disallowed.append(DISALLOWED_EVENT)
        else:
            _keep(vendor, vendor.user(one), one)
    return answer(200, _counts(events, len(events) - len(good) + len(disallowed), failed)
                  | {"disallowedEventNames": disallowed})


def _rows(ask: Ask, member: str) -> list[Object]:
    rows = ask.json.get(member)
    if not isinstance(rows, list) or not rows:
        raise refuse(400, "BadParams", f"{member} is required")
    if len(rows) > MAX_ITEMS:
        raise refuse(400, "BatchTooLarge")
    return rows


def _failed(vendor: Iterable, rows: list[Object]) -> dict[str, list[str]]:
    """Users that failed, under the list that says why."""
    lists = {"InvalidEmailAddressError": "invalidEmails", "InvalidUserIdError": "invalidUserIds"}
    found: dict[str, list[str]] = {}
    for one in rows:
        problem = vendor.problem(one)
        name = lists.get(problem, "forgottenEmails" if one.get("email") else "forgottenUserIds")
        if problem:
            found.setdefault(name, []).append(str(one.get("email") or one.get("userId")))
    return found


def _counts(rows: list[Object], failed: int, lists: Mapping[str, list[str]]) -> Object:
    return {"successCount": len(rows) - failed, "failCount": failed, "failedUpdates": lists}


@routes.on("POST", "/api/lists/subscribe")
def subscribe(vendor: Iterable, ask: Ask) -> Answer:
    """Put users on a static list."""
    number = ask.json.get("listId")
    if number not in vendor.members:
        raise refuse(400, "BadParams", f"list {number} does not exist or is dynamic")
    rows = _rows(ask, "subscribers")
    failed = _failed(vendor, rows)
    for one in rows:
        key = "" if vendor.problem(one) else vendor.user(one)
        if not key:
            continue
        if key not in vendor.users and ask.json.get("updateExistingUsersOnly"):
            failed.setdefault("notFoundEmails" if one.get("email") else "notFoundUserIds", []).append(key)
            continue
        vendor.write(key, one.get("dataFields") or {})
        if key not in vendor.members[number]:
            vendor.members[number].add(key)
            vendor.note("list.subscribed", user_of(key) or key, list=number)
    return answer(200, _counts(rows, sum(len(found) for found in failed.values()), failed))


@routes.on("POST", "/api/workflows/triggerWorkflow")
def trigger(vendor: Iterable, ask: Ask) -> Answer:
    """Start a journey; again means again."""
    user = vendor.user(ask.json)
    if ask.json.get("workflowId") != JOURNEY:
        raise refuse(400, "BadParams", "the journey does not exist, is disabled or not started by the API")
    vendor.note("journey.entered", user_of(user) or user, journey=JOURNEY, run=vendor.world.number())
    return said(200, "Success")


@routes.on("POST", "/api/email/target")
def target(vendor: Iterable, ask: Ask) -> Answer:
    """Send a campaign to one user; a marketing campaign goes out once where repeats are not allowed."""
    given = ask.json
    recipient = {"email": given.get("recipientEmail"), "userId": given.get("recipientUserId")}
    user, campaign = vendor.user(recipient), given.get("campaignId")
    if campaign not in (MARKETING, TRANSACTIONAL):
        raise refuse(400, "BadParams", "the campaign does not exist or is not triggered")
    if is_missing(user) and user not in vendor.users:
        raise refuse(400, "UnknownEmailError" if recipient["email"] else "UnknownUserIdError")
    before = any(one["user"] == user and one["campaign"] == campaign for one in vendor.mails)
    if before and campaign == MARKETING and given.get("allowRepeatMarketingSends") is False:
        return said(200, "Success")
    vendor.mails.append({"user": user, "campaign": campaign, "fields": given.get("dataFields") or {}})
    mark = str((given.get("metadata") or {}).get("outcome_id", ""))
    vendor.note("mail.sent", user_of(user) or user, mark=mark, campaign=campaign, number=len(vendor.mails))
    return said(200, "Success")


@routes.on("POST", "/api/users/update")
def update(vendor: Iterable, ask: Ask) -> Answer:
    """Create or update one user."""
    vendor.write(vendor.user(ask.json), ask.json.get("dataFields") or {})
    return said(200, "Success")


@routes.on("POST", "/api/users/bulkUpdate")
def bulk_update(vendor: Iterable, ask: Ask) -> Answer:
    """Create or update several users."""
    rows = _rows(ask, "users")
    failed = _failed(vendor, rows)
    for one in rows:
        if not vendor.problem(one):
            vendor.write(vendor.user(one), one.get("dataFields") or {})
    return answer(200, _counts(rows, sum(len(found) for found in failed.values()), failed))
