"""Cleeng: customers with subscriptions, switches that may wait for the end of the period, coupons; no key at all.

By rule, every customer has one active subscription, numbered 1000000000 and the customer's last eight digits, to the
offer S100000001_US; customers whose number begins with 404 have none.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

TOKEN = "cleeng-emulator-token"  # noqa: S105 - opens nothing but the emulator
BASIC, PREMIUM, FREE, ABROAD = "S100000001_US", "S100000002_US", "S100000003_US", "S100000004_US"
REFUSED = {FREE: "TO_FREE_OFFER_NOT_ALLOWED", ABROAD: "TO_OFFER_COUNTRY_NOT_ALLOWED"}
COUPONS = ("SAVE20", "XMAS")
MOST_CYCLES = 12
DAY = 86_400

Row = dict[str, Any]
routes: Routes[Cleeng] = Routes()


def refuse(status: int, message: str, code: str = "") -> Refused:
    """The exception that ends a request with Cleeng's error body."""
    return Refused(answer(status, {"message": message, **({"code": code} if code else {})}))


def refuse_patch(status: int, message: str) -> Refused:
    """The same for updates, which say it at more length."""
    return Refused(answer(status, {"success": False, "subscription": None, "message": message}))


class Cleeng(Vendor):
    """The emulated publisher."""

    name = "cleeng"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.subscriptions: dict[int, Row] = {}
        self.switches: dict[str, Row] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check token and version, then answer."""
        if ask.headers.get("x-publisher-token") != TOKEN:
            raise refuse(401, "Access denied")
        found = routes.find(ask.method, ask.path.removeprefix("/3.1")) if ask.path.startswith("/3.1/") else None
        if found is None:
            raise refuse(404, "Not found")
        return found[0](self, ask, **found[1])

    def of_customer(self, customer: int) -> list[Row]:
        """A customer's subscriptions."""
        number = 1_000_000_000 + customer % 100_000_000
        if number not in self.subscriptions and not str(customer).startswith("404"):
            self.add(number, customer)
        return [one for one in self.subscriptions.values() if one["customerId"] == customer]

    def subscription(self, text: str) -> Row:
        """A subscription by its number."""
        found = self.subscriptions.get(int(text)) if text.isdecimal() else None
        if found is None:
            raise refuse(404, f"Subscription with id: {text} not found")
        return found

    def add(self, number: int, customer: int, **more: Any) -> Row:
        """A subscription of a customer."""
        now = int(self.world.now())
        self.subscriptions[number] = {
            "subscriptionId": number, "customerId": customer, "status": "active", "offerId": BASIC,
            "dateFrom": now - 20 * DAY, "dateTo": now + 10 * DAY, "inTrial": False, "couponCode": None,
            "pendingSwitchId": None, "isExternallyManaged": False, "pause": None, **more,
        }
        return self.subscriptions[number]

    def done(self, kind: str, one: Row) -> None:
        """Note an effect on a subscription."""
        self.note(kind, str(one["customerId"]), subscription=one["subscriptionId"])

    def error(self, status: int) -> Answer:
        """Cleeng's error body for a status."""
        return answer(status, {"message": "refused by the emulator's script"})

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """A refusal inside a success."""
        return refuse_patch(200, "refused by the emulator's script").reply

    def state(self) -> Mapping[str, Any]:
        """Subscriptions and switches."""
        rows = {str(number): one for number, one in self.subscriptions.items()}
        return copy.deepcopy({"subscriptions": rows, "switches": self.switches})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (number, customer, and any members)."""
        if what != "subscription":
            return super().seed(what, values)
        more = dict(values)
        customer = int(more.pop("customer"))
        self.of_customer(customer)
        return self.add(int(more.pop("number")), customer, **more)["subscriptionId"]

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`finish_switches`: what waits is carried out."""
        if name != "finish_switches":
            return super().command(name, values)
        for switch in self.switches.values():
            switch["status"] = "finished"
            self.subscriptions[switch["subscriptionId"]].update(offerId=switch["toOfferId"], pendingSwitchId=None)
        return len(self.switches)

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.subscriptions.clear()
        self.switches.clear()


def body_of(ask: Ask) -> Row:
    """The JSON object of a request."""
    if ask.content_type != "application/json" or not isinstance(ask.json, dict):
        raise refuse(400, "Invalid JSON", "VALIDATION_ERROR")
    return dict(ask.json)


@routes.on("GET", "/subscriptions")
def listed(vendor: Cleeng, ask: Ask) -> Answer:
    """A customer's subscriptions; all of the publisher where no customer is named."""
    customer, states = ask.value("customerId"), [value for name, value in ask.query if name == "status"]
    size, start = int(ask.value("limit", "100")), int(ask.value("offset", "0"))
    if not 1 <= size <= 100 or set(states) - {"active", "stopped", "terminated"}:
        raise Refused(answer(400, {"success": False, "data": None, "message": "invalid filter"}))
    rows = vendor.of_customer(int(customer)) if customer else list(vendor.subscriptions.values())
    fit = [one for one in rows if not states or one["status"] in states]
    return answer(200, {"success": True, "data": fit[start:start + size], "message": ""})


@routes.on("GET", "/subscriptions/{number}")
def one_subscription(vendor: Cleeng, _ask: Ask, number: str) -> Answer:
    """One subscription, without a wrapping."""
    return answer(200, vendor.subscription(number))


@routes.on("PATCH", "/subscriptions/{number}")
def update(vendor: Cleeng, ask: Ask, number: str) -> Answer:
    """Set the coupon or the end; one at a time."""
    one, given = vendor.subscription(number), body_of(ask)
    if len(given) != 1 or set(given) - {"couponCode", "expiresAt"}:
        raise refuse_patch(400, "exactly one value is expected")
    if "couponCode" in given:
        if given["couponCode"] not in COUPONS:
            raise refuse_patch(422, "Coupon is not valid")
        one["couponCode"] = given["couponCode"]
        vendor.done("coupon.applied", one)
    else:
        if not isinstance(given["expiresAt"], int) or given["expiresAt"] < one["dateTo"]:
            raise refuse_patch(422, "expiresAt cannot be earlier than it is")
        one["dateTo"] = given["expiresAt"]
        vendor.done("subscription.extended", one)
    return answer(200, {"success": True, "subscription": one, "message": "Subscription updated"})


@routes.on("POST", "/subscription_switches")
def switch(vendor: Cleeng, ask: Ask) -> Answer:
    """Take a switch: upgrades are done at once, downgrades wait."""
    given = body_of(ask)
    offer, direction = str(given.get("toOfferId")), given.get("switchDirection")
    if not re.fullmatch(r"[SPEAR][1-9]\d{8}_[A-Z]{2}", offer) or direction not in ("upgrade", "downgrade"):
        raise refuse(422, "Validation failed", "VALIDATION_ERROR")
    one = vendor.subscription(str(given.get("subscriptionId")))
    if code := _hindered(one, offer, given):
        raise refuse(422, f"The switch is not possible: {code}", code)
    number, now = f"00000000-0000-4000-8000-{vendor.world.number():012d}", int(vendor.world.now())
    waits = direction == "downgrade"
    made = {"id": number, "customerId": one["customerId"], "direction": direction, "algorithm": "DEFAULT",
            "fromOfferId": one["offerId"], "toOfferId": offer, "subscriptionId": one["subscriptionId"],
            "status": "pending" if waits else "inprogress", "createdAt": now, "updatedAt": now}
    vendor.switches[number] = made
    one.update({"pendingSwitchId": number} if waits else {"offerId": offer})
    vendor.done("switch.requested", one)
    return answer(200, made)


def _hindered(one: Row, offer: str, given: Row) -> str:
    if offer in REFUSED:
        return REFUSED[offer]
    if one["offerId"] == offer:
        return "SAME_TARGET_OFFER"
    if one["pendingSwitchId"]:
        return "SWITCH_IN_PROGRESS"
    if given.get("algorithm") and not one["isExternallyManaged"]:
        return "VALIDATION_ERROR"
    return "SUBSCRIPTION_WITH_COUPON_NOT_ALLOWED" if one["couponCode"] else ""


@routes.on("POST", "/subscriptions/{number}/activate")
def activate(vendor: Cleeng, _ask: Ask, number: str) -> Answer:
    """Let it renew again."""
    one = vendor.subscription(number)
    if one["status"] != "stopped" or one["dateTo"] <= vendor.world.now():
        raise refuse(422, "Subscription cannot be activated")
    one["status"] = "active"
    vendor.done("subscription.activated", one)
    return answer(200, one)


@routes.on("POST", "/subscriptions/{number}/cancel")
def cancel(vendor: Cleeng, ask: Ask, number: str) -> Answer:
    """Let it end."""
    one, reason = vendor.subscription(number), body_of(ask).get("cancellationReason")
    if not isinstance(reason, str) or not 1 <= len(reason) <= 512 or one["status"] not in ("active", "paused"):
        raise refuse(422, "Subscription cannot be cancelled")
    one["status"] = "stopped"
    vendor.done("subscription.cancelled", one)
    return answer(200, one)


@routes.on("POST", "/subscriptions/{number}/pause")
def pause(vendor: Cleeng, ask: Ask, number: str) -> Answer:
    """Plan a pause."""
    one, given = vendor.subscription(number), body_of(ask)
    if given.get("resumesAfterBillingCycles", 0) > MOST_CYCLES:
        raise refuse(400, "Maximum limit of allowed billing cycles exceeded")
    if one["pause"] or one["inTrial"] or given.get("pauseDate") != "anniversary-date":
        raise refuse(422, "Subscription cannot be paused")
    one["pause"] = {"requestedAt": int(vendor.world.now()), "pauseDate": one["dateTo"],
                    "resumeDate": one["dateTo"] + 30 * DAY * given["resumesAfterBillingCycles"]}
    vendor.done("subscription.paused", one)
    return answer(200, one)
