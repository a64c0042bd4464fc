"""Braintree's classic gateway: customers with payment methods, subscriptions, discounts; XML both ways."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

from connectors.kit.soap import element, found, leaf, parse, value
from testkit.vendors.exchange import Answer, Ask, Refused
from testkit.vendors.vendor import DEFAULT_USER_DOMAIN, Routes, Vendor, World, is_missing, user_of

MERCHANT_ID = "emulatormerchant"
PUBLIC_KEY = "emulatorpublickey"
PRIVATE_KEY = "braintree-emulator-secret"
PLANS = {"basic": "9.99", "premium": "19.99", "annual": "99.00", "declined": "2500.00"}
"""Prices; those from 2000.00 to 2999.99 are declined."""
DISCOUNTS = {"SAVE5": "5.00", "WINBACK": "10.00"}
ARRAY = {"type": "array"}

Row = dict[str, Any]
routes: Routes[Braintree] = Routes()


def xml(status: int, body: str) -> Answer:
    """An answer in XML."""
    return Answer(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode(),
                  (("Content-Type", "application/xml; charset=utf-8"),))


def listing(name: str, *rows: str) -> str:
    """An array."""
    return element(name, *rows, attributes=ARRAY)


def refuse(code: str, attribute: str, message: str, *place: str, more: str = "") -> Refused:
    """A 422 with one validation error, at its depth."""
    error = listing("errors", element("error", leaf("code", code), element("attribute", attribute,
                                      attributes={"type": "symbol"}), leaf("message", message)))
    for name in reversed(("subscription", *place)):
        error = element(name, error)
    return Refused(xml(422, element("api-error-response", element("errors", listing("errors"), error),
                                    leaf("message", message), element("params"), more)))


class Braintree(Vendor):
    """The emulated gateway of one merchant."""

    name = "braintree"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.customers: dict[str, Row] = {}
        self.subscriptions: dict[str, Row] = {}
        self.emails: dict[str, list[str]] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check keys, merchant and version, then find what is asked."""
        if ask.basic != (PUBLIC_KEY, PRIVATE_KEY):
            return Answer(401)
        prefix = f"/merchants/{MERCHANT_ID}"
        if not ask.path.startswith(f"{prefix}/"):
            return Answer(403)
        if ask.headers.get("x-apiversion") != "6":
            return Answer(426)
        handler = routes.find(ask.method, ask.path.removeprefix(prefix))
        return Answer(404) if handler is None else handler[0](self, ask, **handler[1])

    def moment(self) -> str:
        """The emulators' time."""
        return datetime.fromtimestamp(self.world.now(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def customer(self, id: str) -> Row:
        """Every customer exists, but for those whose id begins with `missing`; each has one subscription by rule."""
        if is_missing(id):
            raise Refused(Answer(404))
        if id not in self.customers:
            self.customers[id] = {"id": id, "created-at": self.moment(), "token": f"tok_{id}",
                                  "email": f"{id}{DEFAULT_USER_DOMAIN}"}
            self.add(f"sub_{id}", id, "basic")
        return self.customers[id]

    def add(self, id: str, customer: str, plan: str, **more: Any) -> Row:
        """A subscription of a customer."""
        row: Row = {"id": id, "customer": customer, "plan-id": plan, "status": "Active", "discounts": [],
                    "created-at": self.moment(), **more}
        self.subscriptions[id] = row
        return row

    def error(self, status: int) -> Answer:
        """Statuses have no useful body, but for 422."""
        if status != 422:
            return Answer(status)
        return refuse("91904", "plan_id", "Plan ID is invalid.").reply

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """Braintree has none; this one shows what a client makes of a strange answer."""
        return Answer(200, b"<html>refused by the emulator's script", (("Content-Type", "text/html"),))

    def state(self) -> Mapping[str, Any]:
        """Customers and subscriptions."""
        return copy.deepcopy({"customers": self.customers, "subscriptions": self.subscriptions})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`customer` (id, token), `email` (email, customers), `subscription` (id, customer, plan, status)."""
        more = dict(values)
        if what == "customer":
            self.customers[more["id"]] = {"created-at": self.moment(), "token": f"tok_{more['id']}", "email": "",
                                          **more}
        elif what == "email":
            self.emails[more["email"]] = list(more["customers"])
        elif what == "subscription":
            self.customer(more["customer"])
            self.add(more.pop("id"), more.pop("customer"), more.pop("plan", "basic"), **more)
        else:
            return super().seed(what, values)
        return values.get("id") or values.get("email")

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


def _customer_xml(vendor: Braintree, row: Row) -> str:
    held = [_subscription_xml(one) for one in vendor.subscriptions.values() if one["customer"] == row["id"]]
    card = element("credit-card", leaf("token", row["token"]), _boolean("default", True),
                   listing("subscriptions", *held))
    return element("customer", leaf("id", row["id"]), leaf("email", row["email"]), _moment(row["created-at"]),
                   listing("credit-cards", *([card] if row["token"] else [])), listing("paypal-accounts"))


def _subscription_xml(row: Row) -> str:
    discounts = [element("discount", leaf("id", one), leaf("amount", DISCOUNTS.get(one, "1.00"))) for one in
                 row["discounts"]]
    return element("subscription", leaf("id", row["id"]), leaf("plan-id", row["plan-id"]),
                   leaf("status", row["status"]), leaf("price", PLANS.get(row["plan-id"], "1.00")),
                   element("next-billing-date", "2027-02-15", attributes={"type": "date"}), _moment(row["created-at"]),
                   listing("add-ons"), listing("discounts", *discounts), listing("transactions"))


def _boolean(name: str, told: bool) -> str:
    return element(name, str(told).lower(), attributes={"type": "boolean"})


def _moment(text: str) -> str:
    return element("created-at", text, attributes={"type": "datetime"})


@routes.on("GET", "/plans/")
def plans(_vendor: Braintree, _ask: Ask) -> Answer:
    """All plans."""
    rows = [element("plan", leaf("id", id), leaf("name", id.title()), leaf("price", price),
                    leaf("currency-iso-code", "USD"), element("billing-frequency", "1", attributes={"type": "integer"}))
            for id, price in PLANS.items()]
    return xml(200, listing("plans", *rows))


@routes.on("GET", "/discounts/")
def discounts(_vendor: Braintree, _ask: Ask) -> Answer:
    """All discounts."""
    rows = [element("discount", leaf("id", id), leaf("name", id.title()), leaf("amount", amount),
                    _boolean("never-expires", True), leaf("kind", "discount")) for id, amount in DISCOUNTS.items()]
    return xml(200, listing("discounts", *rows))


@routes.on("POST", "/customers/advanced_search_ids")
def search(vendor: Braintree, ask: Ask) -> Answer:
    """Customers of an address."""
    email = value(_sent(ask, "search"), "email", "is")
    user = user_of(email)
    ids = vendor.emails.get(email, [user] if user else [])
    return xml(200, element("search-results", element("page-size", "50", attributes={"type": "integer"}),
                            listing("ids", *(leaf("item", one) for one in ids))))


@routes.on("GET", "/customers/{id}")
def read_customer(vendor: Braintree, _ask: Ask, id: str) -> Answer:
    """A customer with payment methods and their subscriptions."""
    return xml(200, _customer_xml(vendor, vendor.customer(id)))


@routes.on("GET", "/subscriptions/{id}")
def read_subscription(vendor: Braintree, _ask: Ask, id: str) -> Answer:
    """A subscription."""
    return xml(200, _subscription_xml(_held(vendor, id)))


def _held(vendor: Braintree, id: str) -> Row:
    if id not in vendor.subscriptions:
        raise Refused(Answer(404))
    return vendor.subscriptions[id]


@routes.on("POST", "/subscriptions")
def subscribe(vendor: Braintree, ask: Ask) -> Answer:
    """Make a subscription under the caller's id, and charge it at once where there is no trial."""
    sent = _sent(ask, "subscription")
    id = value(sent, "id") or f"s{vendor.world.number():06d}"
    token, plan = value(sent, "payment_method_token"), value(sent, "plan_id")
    if id in vendor.subscriptions:
        vendor.world.ledger.replay(vendor.id, id)
        raise refuse("81902", "id", "ID has already been taken.")
    owner = next((one["id"] for one in vendor.customers.values() if token and one["token"] == token), None)
    if owner is None:
        raise refuse("91903", "payment_method_token", "Payment method token is invalid.")
    if plan not in PLANS:
        raise refuse("91904", "plan_id", "Plan ID is invalid.")
    if value(sent, "trial_period") != "true" and PLANS[plan].startswith("2") and len(PLANS[plan]) == len("2000.00"):
        raise _declined()
    row = vendor.add(id, owner, plan, discounts=_new_discounts(sent, []))
    vendor.note("subscription.created", owner, mark=id, subscription=id, plan=plan)
    return xml(201, _subscription_xml(row))


def _declined() -> Refused:
    payment = element("transaction", leaf("id", "t1"), leaf("status", "processor_declined"),
                      leaf("processor-response-code", "2001"), leaf("processor-response-text", "Insufficient Funds"))
    return Refused(xml(422, element("api-error-response", element("errors", listing("errors")),
                                    leaf("message", "Insufficient Funds"), element("params"), payment)))


@routes.on("PUT", "/subscriptions/{id}")
def update(vendor: Braintree, ask: Ask, id: str) -> Answer:
    """Add discounts to a subscription that still runs."""
    row = _held(vendor, id)
    refusal = {"Canceled": ("81901", "Subscription has already been canceled."),
               "Expired": ("81910", "Cannot edit price changing fields on expired subscription."),
               "Past Due": ("92022", "Cannot edit discounts of a past due subscription.")}.get(row["status"])
    if refusal:
        raise refuse(refusal[0], "base", refusal[1])
    new = _new_discounts(_sent(ask, "subscription"), row["discounts"])
    row["discounts"] += new
    for one in new:
        vendor.note("discount.added", row["customer"], subscription=id, discount=one)
    return xml(200, _subscription_xml(row))


def _new_discounts(sent: Element, there: Sequence[str]) -> list[str]:
    wanted = [value(item, "inherited_from_id") for holder in found(sent, "add") for item in holder]
    for place, one in enumerate(wanted):
        where = ("discounts", "add", f"index-{place}")
        if one not in DISCOUNTS:
            raise refuse("92013", "inherited_from_id", "Inherited From ID is invalid.", *where)
        if one in there:
            raise refuse("91911", "base", "Discount is already on the subscription.", *where)
    return wanted


def _sent(ask: Ask, name: str) -> Element:
    """The body, which must be what is expected."""
    try:
        root = parse(ask.body)
    except ValueError:
        raise Refused(Answer(400)) from None
    if ask.content_type != "application/xml" or root.tag != name:
        raise Refused(Answer(400))
    return root
