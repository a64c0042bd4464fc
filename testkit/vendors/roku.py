"""Roku Pay: the key in paths and bodies, failures inside 200s, refunds and credits given as often as asked."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer, text
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

Object = dict[str, Any]
API_KEY = "emulator-roku-key"
DAY = 86_400_000
PRICE = Decimal("9.99")
routes: Routes[Roku] = Routes()


def said(status: int = 0, message: str = "", **more: Any) -> Answer:
    """Roku's body: a status of its own inside a 200."""
    return answer(200, {"status": status, "errorCode": None, "errorMessage": message, "errorDetails": None, **more})


def refuse(message: str) -> Refused:
    """The exception that ends a request with a failure inside a 200."""
    return Refused(said(1, message))


class Roku(Vendor):
    """The emulated service. Every transaction is a live subscription, but those that begin with `missing`."""

    name = "roku"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.transactions: dict[str, Object] = {}
        self.refunded: dict[str, Decimal] = {}
        self.refunds: set[str] = set()

    def serve(self, ask: Ask) -> Answer:
        """Find what is asked; the key is checked by whoever knows where it stands."""
        found = routes.find(ask.method, ask.path)
        return found[0](self, ask, **found[1]) if found else text(404, "Endpoint not found.")

    def error(self, status: int) -> Answer:
        """A 429 has an empty body, others have words."""
        return Answer(429) if status == 429 else text(status, "refused by the emulator")

    def inner_error(self, ask: Ask) -> Answer:
        """The usual form of a failure here."""
        del ask
        return said(1, "refused by the emulator's script")

    def transaction(self, id: str) -> Object:
        """A transaction; it comes to be when it is asked for."""
        if not id.isascii() or len(id) > 1024:
            raise Refused(text(400, "Invalid URI format."))
        if is_missing(id):
            raise Refused(text(404, "Not found."))
        now = int(self.world.now() * 1000)
        return self.transactions.setdefault(id, {
            "transactionId": id, "OriginalTransactionId": id, "purchaseStatus": "Active", "isEntitled": True,
            "cancelled": False, "productId": "gold", "productName": "Gold", "amount": float(PRICE), "tax": 0.8,
            "total": 10.79, "currency": "usd", "quantity": 1, "channelId": 70001, "channelName": "Emulated",
            "rokuCustomerId": f"customer-{id}", "partnerReferenceId": "", "purchaseDate": _date(now - 10 * DAY),
            "originalPurchaseDate": _date(now - 100 * DAY), "expirationDate": _date(now + 20 * DAY)})

    def state(self) -> Mapping[str, Any]:
        """Transactions, and what was refunded of each."""
        return copy.deepcopy({"transactions": self.transactions,
                              "refunded": {id: str(amount) for id, amount in self.refunded.items()}})  # noqa: A001

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`transaction` (transactionId, any member)."""
        if what != "transaction":
            return super().seed(what, values)
        self.transaction(str(values["transactionId"])).update(values)
        return values["transactionId"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


def _date(milliseconds: int) -> str:
    return f"/Date({milliseconds}+0000)/"


def _body(ask: Ask, *required: str) -> Object:
    given = ask.json if isinstance(ask.json, dict) else {}
    if given.get("partnerAPIKey") != API_KEY:
        raise refuse("UNAUTHORIZED")
    lacking = [name for name in required if given.get(name) in (None, "")]
    if lacking:
        raise refuse(f"{lacking[0]} is required")
    return given


def _amount(given: Object) -> Decimal:
    amount = Decimal(str(given["amount"]))
    if amount <= 0 or isinstance(given["amount"], str):
        raise refuse("amount must be a number greater than zero")
    return amount


@routes.on("GET", "/validate-transaction/{key}/{id}")
def validate(vendor: Roku, _ask: Ask, key: str, id: str) -> Answer:
    """One transaction."""
    if key != API_KEY:
        raise refuse("UNAUTHORIZED")
    if id == "0" * 32:
        raise refuse("Transaction not found")
    return said(**vendor.transaction(id))


@routes.on("POST", "/cancel-subscription")
def cancel(vendor: Roku, ask: Ask) -> Answer:
    """It ends at a date; the customer gets a mail each time, unless it is not wanted."""
    given = _body(ask, "transactionId", "cancellationDate")
    held = vendor.transaction(given["transactionId"])
    held["cancelled"], held["partnerReferenceId"] = True, given.get("partnerReferenceId", "")
    vendor.note("subscription.cancelled", held["rokuCustomerId"], mark=held["partnerReferenceId"],
                at=given["cancellationDate"], mail=not given.get("dontNotifyUser", False))
    return said()


@routes.on("POST", "/refund-subscription")
def refund(vendor: Roku, ask: Ask) -> Answer:
    """Money goes back, up to the price; asking twice gives it twice."""
    given = _body(ask, "transactionId", "amount")
    held, amount = vendor.transaction(given["transactionId"]), _amount(given)
    total = vendor.refunded.get(held["transactionId"], Decimal(0)) + amount
    if total > Decimal(str(held["amount"])):
        raise refuse("The refund exceeds the amount of the transaction")
    vendor.refunded[held["transactionId"]] = total
    made = f"refund-{vendor.world.number()}"
    vendor.refunds.add(made)
    vendor.note("subscription.refunded", held["rokuCustomerId"], mark=given.get("partnerReferenceId", ""),
                amount=str(amount), refund=made)
    return said(RefundId=made)


@routes.on("POST", "/issue-service-credit")
def credit(vendor: Roku, ask: Ask) -> Answer:
    """A credit; asking twice gives it twice."""
    given = _body(ask, "amount", "channelId", "rokuCustomerId")
    amount = _amount(given)
    if not isinstance(given["channelId"], str):
        raise refuse("channelId must be a string")
    vendor.note("service_credit.issued", given["rokuCustomerId"], mark=given.get("partnerReferenceId", ""),
                amount=str(amount), product=given.get("productId", ""), channel=given["channelId"])
    return said(ReferenceId=str(vendor.world.number()))


@routes.on("POST", "/update-bill-cycle")
def bill_cycle(vendor: Roku, ask: Ask) -> Answer:
    """The next charge comes at another date."""
    given = _body(ask, "transactionId", "newBillCycleDate")
    held = vendor.transaction(given["transactionId"])
    vendor.note("bill_cycle.moved", held["rokuCustomerId"], until=given["newBillCycleDate"])
    return said()
