"""Piano: users with subscriptions to terms; form-encoded calls whose answers say 0 when they mean yes.

By rule, every user has one renewing subscription, SUB-<uid>, on the term TM-BASIC; users and subscriptions whose id
begins with `missing` do not exist.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

API_TOKEN = "piano-emulator-token"  # noqa: S105 - opens nothing but the emulator
AID = "emulAtedAp"
TERMS = {"TM-BASIC": "Basic", "TM-GOLD": "Gold", "TM-ALONE": "Without a change option"}
PREFIX = "/api/v3/publisher"
DAY = 86_400

Row = dict[str, Any]
routes: Routes[Piano] = Routes()


def good(vendor: Piano, **members: Any) -> Answer:
    """A success with its value under whatever name."""
    return answer(200, {"code": 0, "ts": int(vendor.world.now()), **members})


def refuse(code: int, message: str, **more: Any) -> Refused:
    """The exception that ends a request with a failure, which comes with status 200."""
    return Refused(answer(200, {"code": code, "ts": 0, "message": message, **more}))


class Piano(Vendor):
    """The emulated application."""

    name = "piano"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.subscriptions: dict[str, Row] = {}
        self.changes: dict[str, Row] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the token, then answer; parameters are the query of a GET and the form of a POST."""
        if ask.headers.get("api_token") != API_TOKEN:
            raise refuse(2, "Access denied: invalid api_token")
        found = routes.find(ask.method, ask.path.removeprefix(PREFIX))
        if found is None:
            return Answer(404)
        if ask.method == "POST" and ask.content_type != "application/x-www-form-urlencoded":
            raise refuse(1, "the form is missing")
        given = dict(ask.query if ask.method == "GET" else ask.form)
        if given.get("aid", AID) != AID:
            raise refuse(3, "App not found")
        return found[0](self, given)

    def of_user(self, uid: str) -> list[Row]:
        """A user's subscriptions."""
        if not is_missing(uid) and f"SUB-{uid}" not in self.subscriptions:
            self.add(f"SUB-{uid}", uid)
        return [one for one in self.subscriptions.values() if one["user"]["uid"] == uid]

    def subscription(self, given: Mapping[str, str], name: str = "subscription_id") -> Row:
        """The subscription that a call names."""
        number = given.get(name, "")
        if number.startswith("SUB-"):
            self.of_user(number.removeprefix("SUB-"))
        if number not in self.subscriptions:
            raise refuse(2004, "Subscription not found", validation_errors={name: "unknown"})
        return self.subscriptions[number]

    def add(self, number: str, uid: str, **more: Any) -> Row:
        """A subscription of a user."""
        now = int(self.world.now())
        self.subscriptions[number] = {
            "subscription_id": number, "auto_renew": True, "status": "active", "term": {"term_id": "TM-BASIC"},
            "next_bill_date": now + 10 * DAY, "start_date": now - 20 * DAY, "user": {"uid": uid}, **more,
        }
        return self.subscriptions[number]

    def done(self, kind: str, one: Row) -> Answer:
        """Note an effect and say yes."""
        self.note(kind, one["user"]["uid"], subscription=one["subscription_id"])
        return good(self, data=True)

    def error(self, status: int) -> Answer:
        """Piano's error body for a status."""
        return answer(status, {"code": status, "ts": 0, "message": "refused by the emulator's script"})

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """A failure inside a success."""
        return refuse(999, "refused by the emulator's script").reply

    def state(self) -> Mapping[str, Any]:
        """Subscriptions and changes of terms."""
        return copy.deepcopy({"subscriptions": self.subscriptions, "changes": self.changes})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (number, uid, and any members)."""
        if what != "subscription":
            return super().seed(what, values)
        more = dict(values)
        uid = more.pop("uid")
        self.of_user(uid)
        return self.add(more.pop("number"), uid, **more)["subscription_id"]

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`carry_out_changes`: terms that are to change do."""
        if name != "carry_out_changes":
            return super().command(name, values)
        for number, change in self.changes.items():
            self.subscriptions[number]["term"] = {"term_id": change["to_term_id"]}
        return len(self.changes)

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.subscriptions.clear()
        self.changes.clear()


def page(vendor: Piano, given: Mapping[str, str], name: str, rows: Sequence[Row]) -> Answer:
    """One page of a list."""
    start, size = int(given.get("offset", "0")), int(given.get("limit", "100"))
    part = rows[start:start + size]
    return good(vendor, limit=size, offset=start, total=len(rows), count=len(part), **{name: part})


@routes.on("GET", "/subscription/count")
def count(vendor: Piano, _given: Mapping[str, str]) -> Answer:
    """How many subscriptions there are."""
    return good(vendor, data=len(vendor.subscriptions))


@routes.on("GET", "/term/list")
def terms(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """All terms."""
    return page(vendor, given, "terms", [{"term_id": term, "name": name} for term, name in TERMS.items()])


@routes.on("GET", "/subscription/list")
def subscriptions(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """A user's subscriptions, with less than is told of one."""
    return page(vendor, given, "subscriptions", vendor.of_user(given.get("uid", "")))


@routes.on("GET", "/subscription/get")
def subscription(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """One subscription with all that there is to tell."""
    one = vendor.subscription(given)
    active = one.get("end_date", vendor.world.now() + DAY) > vendor.world.now()
    return good(vendor, subscription={**one, "is_active": active, "will_auto_renew": one["auto_renew"],
                                      "can_be_resumed": active and not one["auto_renew"]})


@routes.on("POST", "/subscription/resume")
def resume(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """Let it renew again."""
    one = vendor.subscription(given)
    if one["auto_renew"]:
        raise refuse(2011, "Subscription cannot be resumed")
    one["auto_renew"] = True
    return vendor.done("subscription.resumed", one)


@routes.on("POST", "/subscription/cancel")
def cancel(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """Let it end, and give the last payment back where that is asked for."""
    one = vendor.subscription(given)
    if not one["auto_renew"]:
        raise refuse(2010, "Subscription is cancelled")
    one["auto_renew"] = False
    if given.get("refund_last_payment") == "true":
        vendor.note("payment.refunded", one["user"]["uid"], subscription=one["subscription_id"])
    return vendor.done("subscription.cancelled", one)


@routes.on("POST", "/subscription/update")
def update(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """Move the next bill."""
    one = vendor.subscription(given)
    if not given.get("next_bill_date", "").isdecimal():
        raise refuse(1, "Validation failed", validation_errors={"next_bill_date": "is no date"})
    one["next_bill_date"] = int(given["next_bill_date"])
    return vendor.done("bill.moved", one)


@routes.on("POST", "/term/change/can")
def can_change(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """Whether a change may be asked for."""
    one = vendor.subscription(given)
    return good(vendor, data=one["auto_renew"] and one["subscription_id"] not in vendor.changes)


@routes.on("POST", "/term/change/do")
def change(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """Take a change of term, to be carried out later."""
    one, term = vendor.subscription(given, "subscription_from"), given.get("term_to", "")
    if given.get("immediate_access") not in ("true", "false") or given.get("prorate_access") not in ("true", "false"):
        raise refuse(1, "Validation failed", validation_errors={"immediate_access": "is missing"})
    if term not in TERMS or term == "TM-ALONE" or one["subscription_id"] in vendor.changes:
        raise refuse(3101, "The term cannot be changed")
    vendor.changes[one["subscription_id"]] = {
        "from_term_id": one["term"]["term_id"], "to_term_id": term, "change_date": str(one["next_bill_date"]),
        "status": 0, "error_message": None, "cancellable": True,
    }
    return vendor.done("term.change_requested", one)


@routes.on("POST", "/term/change/getSubscriptionUpgradeStatus")
def change_status(vendor: Piano, given: Mapping[str, str]) -> Answer:
    """How a change of term goes."""
    found = vendor.changes.get(vendor.subscription(given)["subscription_id"])
    if found is None:
        raise refuse(3102, "There is no change of term")
    return good(vendor, SubscriptionUpgradeStatus=found)
