"""Naviga Subscribe: users by rule, subscriptions; errors inside successes; no idempotency keys."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, user_of

TOKEN = "naviga-emulator-token"  # noqa: S105 - the emulator's own
CLIENT, PAPER, SOURCE = "ACME", "NEWS", "ENGAGE"
SETTINGS: Mapping[str, str] = {"token": TOKEN, "client_code": CLIENT, "paper_code": PAPER, "source_system": SOURCE}
OFFER, GROUP = "offer-1", "group-1"
BROWSER_OFFER = "offer-3ds"
"""An offer whose payment needs the browser."""
LIVE, STOPPED = "L", "S"

Object = dict[str, Any]
routes: Routes[Naviga] = Routes()


def envelope(result: Any, *errors: Mapping[str, Any], status: int = 200) -> Answer:
    """Naviga's answer, good or bad."""
    return answer(200, {"Code": status, "Errors": list(errors), "Result": result, "SessionId": "s", "RequestId": "r"})


def refuse(code: str, message: str) -> Refused:
    """A refusal inside a 200."""
    return Refused(envelope(None, {"Message": message, "Code": code, "Type": {"Id": 1, "Code": "Validation"}}))


class Naviga(Vendor):
    """The emulated client. Registration ids are `reg-` and the name in front of @example.com."""

    name = "naviga"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.subscriptions: dict[str, Object] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the headers, then find what is asked."""
        self._check_headers(ask)
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise Refused(self.error(404))
        if ask.method == "POST" and (ask.content_type != "application/json" or not isinstance(ask.json, dict)):
            raise Refused(answer(400, {"error": "request cannot be null."}))
        reply: Answer = found[0](self, ask, **found[1])
        return reply

    def _check_headers(self, ask: Ask) -> None:
        for name in ("authorization", "x-sourcesystem"):
            if not ask.headers.get(name):
                shown = "Authorization" if name == "authorization" else "X-SourceSystem"
                raise Refused(answer(400, {"error": f"{shown} is missing."}))
        if ask.bearer != TOKEN:
            raise Refused(answer(401, {"error": "Invalid Authorization."}))
        codes = ("x-sourcesystem", "x-clientcode", "x-papercode")
        if tuple(ask.headers.get(name) for name in codes) != (SOURCE, CLIENT, PAPER):
            raise Refused(answer(401, {"error": "Invalid X-SourceSystem."}))

    def add(self, owner: str, status: str, offer: str = OFFER) -> Object:
        """Keep a new subscription."""
        id = f"sub-{self.world.number()}"
        made = {"SubscriptionId": id, "Status": "", "PaperCode": PAPER, "Owner": owner, "OfferId": offer}
        self.subscriptions[id] = made
        turn(made, status)
        return made

    def found(self, id: str) -> Object:
        """A subscription by its id."""
        if id not in self.subscriptions:
            raise refuse("NOT_FOUND", "The subscription does not exist.")
        return self.subscriptions[id]

    def who(self, one: Mapping[str, Any]) -> str:
        """How the ledger names an owner."""
        return str(one["Owner"]).removeprefix("reg-")

    def error(self, status: int) -> Answer:
        """Naviga's short form of an error."""
        return answer(status, {"error": "Something went wrong..."})

    def inner_error(self, _ask: Ask) -> Answer:
        """A refusal inside a 200."""
        return refuse("SCRIPT", "Refused by the emulator's script.").reply

    def state(self) -> Mapping[str, Any]:
        """Subscriptions by id."""
        return copy.deepcopy({"subscriptions": self.subscriptions})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (user: the name in front of @example.com; status L or S)."""
        if what != "subscription":
            return super().seed(what, values)
        return self.add(f"reg-{values['user']}", str(values.get("status", LIVE)))["SubscriptionId"]

    def reset(self) -> None:
        """No subscriptions."""
        super().reset()
        self.subscriptions.clear()


def turn(one: Object, status: str) -> None:
    """Set a status, and what goes with it."""
    live = status == LIVE
    one.update(Status=status, StatusDescription="Live" if live else "Stopped", Active=live,
               StopDate=None if live else "2026-01-01")


@routes.on("GET", "/User/{lookup}")
def find_user(_vendor: Naviga, ask: Ask, lookup: str) -> Answer:
    """The user with an address; no Result where there is none."""
    name = user_of(ask.value("email"))
    known = name and name != "connection-test" and lookup in ("0", "1", "2")
    return envelope({"User": {"CustomerRegistrationId": f"reg-{name}"}} if known else None)


@routes.on("GET", "/Users/{user}/Subscriptions/v2")
def owned(vendor: Naviga, ask: Ask, user: str) -> Answer:
    """A user's subscriptions; stopped ones only where they are asked for."""
    stopped = ask.value("request.includeStoppedSubscriptions") == "true"
    return envelope({"OwnedSubscriptions": [
        one for one in vendor.subscriptions.values() if one["Owner"] == user and (stopped or one["Active"])]})


@routes.on("POST", "/Subscriptions")
def create(vendor: Naviga, ask: Ask) -> Answer:
    """A new subscription, again each time once the first was stopped."""
    given, owner = ask.json, str(ask.json.get("CustomerRegistrationId") or "")
    if given.get("OfferId") not in (OFFER, BROWSER_OFFER) or given.get("OfferGroupId") != GROUP or not owner:
        raise refuse("OFFER", "The offer is not valid.")
    if given.get("StartType") == "InApp" and not (given.get("iTunesInfo") or given.get("GooglePlayInfo")):
        raise refuse("RECEIPT", "The receipt is missing.")
    if not given.get("IgnoreExistingSubscriberCheck") and any(
            one["Owner"] == owner and one["Active"] for one in vendor.subscriptions.values()):
        raise refuse("EXISTING", "The subscriber exists.")
    made = vendor.add(owner, LIVE, given["OfferId"])
    vendor.note("subscription.created", vendor.who(made), subscription=made["SubscriptionId"], offer=given["OfferId"])
    link = "https://pay.example/3ds" if given["OfferId"] == BROWSER_OFFER else None
    return envelope({"SubscriptionID": made["SubscriptionId"], "SubscriberID": "1", "RedirectUrl": link})


@routes.on("POST", "/subscribe/v1/subscription/{id}/activate")
def start(vendor: Naviga, _ask: Ask, id: str) -> Answer:
    """Start a subscription; a guess, as the vendor documents nothing."""
    return _turned(vendor, id, LIVE, "subscription.started")


@routes.on("POST", "/subscribe/v1/subscription/{id}/cancel")
def end(vendor: Naviga, _ask: Ask, id: str) -> Answer:
    """End a subscription; a guess, as the vendor documents nothing."""
    return _turned(vendor, id, STOPPED, "subscription.ended")


def _turned(vendor: Naviga, id: str, status: str, kind: str) -> Answer:
    found = vendor.found(id)
    if found["Status"] != status:
        turn(found, status)
        vendor.note(kind, vendor.who(found), subscription=id)
    return answer(200, {})


@routes.on("POST", "/subscription/update/{verb}")
def change(vendor: Naviga, ask: Ask, verb: str) -> Answer:
    """Move to another offer, again each time; a guess, as the vendor documents nothing."""
    if verb not in ("upgrade", "downgrade") or not ask.json.get("OfferId"):
        raise refuse("OFFER", "The offer is not valid.")
    found = vendor.found(str(ask.json.get("SubscriptionId")))
    found["OfferId"] = ask.json["OfferId"]
    vendor.note(f"subscription.{verb}d", vendor.who(found), subscription=found["SubscriptionId"],
                offer=found["OfferId"], change=vendor.world.number())
    return answer(200, {})
