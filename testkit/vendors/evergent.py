"""Evergent: accounts with services, as one instance might have them; messages whose failures have status 200.

By rule, every account has one active, renewing service, BASIC; accounts whose id begins with `missing`, or that the
connection test makes up, do not exist.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World, is_missing

API_KEY = "evergent-emulator-key"
API_USER, API_PASSWORD = "evergent-emulator-user", "evergent-emulator-password"
"""Another way in, for instances that want it."""
PARTNER = "EMULATED"
NOBODY = "prompt-actions-connection-test"
SERVICES = ("BASIC", "PREMIUM", "SPORTS")
COUPONS = ("SAVE20", "XMAS")
DAY = 86_400

Row = dict[str, Any]


class Failed(Exception):
    """Ends a call with a failure message."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.told = [{"errorCode": code, "errorMessage": text}]


class Evergent(Vendor):
    """The emulated instance."""

    name = "evergent"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.accounts: dict[str, list[Row]] = {}
        self.redeemed: dict[str, list[str]] = {}

    def serve(self, ask: Ask) -> Answer:
        """Find the call by its path, check message and credentials, then answer in an envelope."""
        method = ask.path.rpartition("/")[2]
        call = CALLS.get(method)
        if call is None or ask.method != "POST":
            return Answer(404)
        title = f"{method[0].upper()}{method[1:]}"
        given = ask.json.get(f"{title}RequestMessage") if isinstance(ask.json, dict) else None
        try:
            found = self._called(call, given)
        except Failed as failed:
            found = {"responseCode": "0", "failureMessage": failed.told}
        return answer(200, {f"{title}ResponseMessage": found})

    def _called(self, call: Callable[[Evergent, Row], Row], given: Any) -> Row:
        if not isinstance(given, dict):
            raise Failed("eV1000", "The request message is missing.")
        by_user = (given.get("apiUser"), given.get("apiPassword")) == (API_USER, API_PASSWORD)
        if not by_user and given.get("apiKey") != API_KEY:
            raise Failed("eV2001", "Authentication failed.")
        if given.get("channelPartnerID") != PARTNER:
            raise Failed("eV2002", "Unknown channel partner.")
        return {"responseCode": "1", "message": "SUCCESS", **call(self, given)}

    def account(self, given: Mapping[str, Any]) -> list[Row]:
        """The services of an account; refuses one that does not exist."""
        customer = str(given.get("cpCustomerID") or "missing")
        if is_missing(customer) or customer == NOBODY:
            raise Failed("eV2327", "No account found with the given details.")
        if customer not in self.accounts:
            self.accounts[customer] = [self.service("BASIC")]
        return self.accounts[customer]

    def service(self, name: str) -> Row:
        """A service that begins now."""
        now = int(self.world.now())
        return {"serviceID": name, "serviceName": name.title(), "status": "Active", "isRenewal": True,
                "startDate": now * 1000, "validityTill": (now + 30 * DAY) * 1000}

    def named(self, given: Mapping[str, Any], member: str = "serviceID") -> Row:
        """A service of an account; refuses one that it has not."""
        found = next((one for one in self.account(given) if one["serviceID"] == given.get(member)), None)
        if found is None:
            raise Failed("eV2400", "The account has no such service.")
        return found

    def done(self, kind: str, given: Mapping[str, Any], **detail: Any) -> Row:
        """Note an effect."""
        self.note(kind, str(given["cpCustomerID"]), **detail)
        return {}

    def inner_error(self, ask: Ask) -> Answer:
        """A failure, as Evergent says it."""
        method = ask.path.rpartition("/")[2]
        told = [{"errorCode": "eV9999", "errorMessage": "refused by the emulator's script"}]
        return answer(200, {f"{method[0].upper()}{method[1:]}ResponseMessage": {
            "responseCode": "0", "failureMessage": told}})

    def state(self) -> Mapping[str, Any]:
        """Services and coupons by account."""
        return copy.deepcopy({"accounts": self.accounts, "redeemed": self.redeemed})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`services` (customer, services: members of each that differ from the usual)."""
        if what != "services":
            return super().seed(what, values)
        rows = [{**self.service(one["serviceID"]), **one} for one in values["services"]]
        self.accounts[values["customer"]] = rows
        return values["customer"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.accounts.clear()
        self.redeemed.clear()


def lookup(vendor: Evergent, given: Row) -> Row:
    """Active services."""
    return {"AccountServiceMessage": [one for one in vendor.account(given) if one["status"] == "Active"]}


def redeem(vendor: Evergent, given: Row) -> Row:
    """Redeem a coupon, once for an account."""
    vendor.account(given)
    code, before = given.get("couponCode"), vendor.redeemed.setdefault(str(given["cpCustomerID"]), [])
    if code not in COUPONS:
        raise Failed("eV2500", "The coupon is not valid.")
    if code in before:
        raise Failed("eV2501", "The coupon has already been redeemed.")
    before.append(str(code))
    return vendor.done("coupon.redeemed", given, coupon=code)


def change(vendor: Evergent, given: Row) -> Row:
    """Put one service in the place of another."""
    old = vendor.named(given, "oldServiceID")
    if given.get("newServiceID") not in SERVICES:
        raise Failed("eV2401", "There is no such service.")
    rows = vendor.account(given)
    rows[rows.index(old)] = vendor.service(str(given["newServiceID"]))
    return vendor.done("service.changed", given)


def pause(vendor: Evergent, given: Row) -> Row:
    """Pause; a second pause adds to the first."""
    one, days = vendor.named(given), given.get("pauseDays")
    if not isinstance(days, int) or not 1 <= days <= 90:
        raise Failed("eV2600", "A pause lasts 1 to 90 days.")
    one["status"] = "Paused"
    return vendor.done("service.paused", given, days=days)


def resume(vendor: Evergent, given: Row) -> Row:
    """End a pause."""
    one = vendor.named(given)
    if one["status"] != "Paused":
        raise Failed("eV2601", "The service is already active.")
    one["status"] = "Active"
    return vendor.done("service.resumed", given)


def reactivate(vendor: Evergent, given: Row) -> Row:
    """Let it renew again."""
    one = vendor.named(given)
    if one["isRenewal"]:
        raise Failed("eV2602", "The subscription is already active.")
    one["isRenewal"] = True
    return vendor.done("service.reactivated", given)


def remove(vendor: Evergent, given: Row) -> Row:
    """Let it end."""
    if given.get("serviceType") != "PRODUCT":
        raise Failed("eV2402", "The service type is missing.")
    one = vendor.named(given)
    if not one["isRenewal"]:
        raise Failed("eV2603", "The subscription is already cancelled.")
    one["isRenewal"] = False
    return vendor.done("service.removed", given)


CALLS: Mapping[str, Callable[[Evergent, Row], Row]] = {
    "getActiveSubscriptions": lookup, "redeemCoupon": redeem, "changeService": change, "pauseSubscription": pause,
    "resumeSubscription": resume, "reactivateSubscription": reactivate, "removeSubscription": remove,
}
"""By method, the last part of the path."""
