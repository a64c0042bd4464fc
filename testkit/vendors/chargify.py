"""Chargify: customers, subscriptions, coupons; uniqueness tokens that are refused, not replayed, for an hour.

By rule, every customer has a live subscription to the plan 1; customers whose id begins with 7 have none, with 402 a
card that does not pay, with 3 a bank that wants 3-D Secure, with 404 do not exist.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

API_KEY = "chargify-emulator-key"
DUPLICATE = ["DuplicatePrevention::DuplicateSubmissionError"]
PRODUCTS = {1: ("silver", 1000), 2: ("gold", 2000), 3: ("platinum", 4000)}
COUPONS = {"SAVE20": None, "XMAS": None, "OLD": "2020-01-01T00:00:00Z"}
REASONS = {"TOO-EXPENSIVE": "Too expensive", "UNUSED": "Not used"}
ENDED = ("canceled", "expired")
COLLECTIONS = ("automatic", "remittance", "prepaid", "invoice")
Object = dict[str, Any]


def errors(status: int, *texts: str) -> Answer:
    """Chargify's usual error body."""
    return answer(status, {"errors": list(texts)})


def refuse(status: int, *texts: str) -> Refused:
    """The exception that ends a request with Chargify's error body."""
    return Refused(errors(status, *texts))


class Site:
    """All objects, by id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Begin anew with what exists by rule."""
        self.customers: set[int] = set()
        self.subscriptions: dict[int, Object] = {}

    def stamp(self, seconds: float = 0.0) -> str:
        """A moment from now, as Chargify writes it."""
        return datetime.fromtimestamp(int(self.world.now() + seconds), UTC).isoformat().replace("+00:00", "Z")

    def customer(self, text: str) -> int:
        """The id of a customer; refuses one that does not exist."""
        if not text.isdecimal() or text.startswith("404"):
            raise Refused(Answer(404))
        if int(text) not in self.customers:
            self.customers.add(int(text))
            if not text.startswith("7"):
                self.add(10_000 + int(text), int(text), 1, created=-86_400 * 30)
        return int(text)

    def add(self, number: int, customer: int, product: int, *, created: float = 0.0, **more: Any) -> Object:
        """A subscription of a customer."""
        handle, cents = PRODUCTS[product]
        made = {
            "id": number, "state": "active", "customer": {"id": customer}, "coupon_codes": [], "coupon_code": None,
            "product": {"id": product, "handle": handle, "name": handle.title(), "price_in_cents": cents},
            "cancel_at_end_of_period": False, "canceled_at": None, "cancellation_message": None, "reason_code": None,
            "created_at": self.stamp(created), "reference": None, **more,
        }
        self.subscriptions[number] = made
        return made

    def subscription(self, text: str) -> Object:
        """A subscription; refuses an id that names none."""
        if not text.isdecimal() or int(text) not in self.subscriptions:
            raise Refused(Answer(404))
        return self.subscriptions[int(text)]

    def note(self, kind: str, one: Object, mark: str = "", key: str = "") -> None:
        """Write an effect into the ledger."""
        user = str(one["customer"]["id"])
        self.world.ledger.effect("chargify", kind, user, key=key, mark=mark, subscription=one["id"])


calls: Routes[Site] = Routes()


def wrapped(status: int, one: Object) -> Answer:
    """A subscription in its wrapping."""
    return answer(status, {"subscription": one})


def listed(ask: Ask, member: str, rows: Collection[Object]) -> Answer:
    """One page of a list."""
    size, start = int(ask.value("per_page", "20")), int(ask.value("page", "1")) - 1
    if not 1 <= size <= 200:
        raise refuse(422, "per_page must be between 1 and 200")
    return answer(200, [{member: row} for row in list(rows)[start * size:(start + 1) * size]])


def body_of(ask: Ask, *allowed: str) -> Object:
    """The members of a body; refuses what the emulator does not know."""
    found: Any = ask.json if ask.body else {}
    if not isinstance(found, dict) or set(found) - {*allowed, "uniqueness_token"}:
        raise refuse(422, f"The body may hold {', '.join(allowed)}.")
    return found


def token_of(ask: Ask) -> str:
    """The uniqueness token of a POST or PUT."""
    known = ask.json if ask.method in ("POST", "PUT") and ask.body else {}
    return str(known.get("uniqueness_token") or "") if isinstance(known, dict) else ""


@calls.on("GET", "/site.json")
def site(_site: Site, _ask: Ask) -> Answer:
    """The one site."""
    return answer(200, {"site": {"id": 1, "name": "Emulator", "subdomain": "emulator", "test": True}})


@calls.on("GET", "/products.json")
def products(_site: Site, ask: Ask) -> Answer:
    """All plans."""
    return listed(ask, "product", [
        {"id": number, "handle": handle, "name": handle.title(), "price_in_cents": cents, "interval": 1,
         "interval_unit": "month", "archived_at": None} for number, (handle, cents) in PRODUCTS.items()])


@calls.on("GET", "/products_price_points.json")
def price_points(_site: Site, ask: Ask) -> Answer:
    """The default price of each plan."""
    rows = [{"id": number * 10, "name": "Original", "product_id": number, "price_in_cents": cents, "interval": 1,
             "interval_unit": "month", "archived_at": None, "type": "default"}
            for number, (_, cents) in PRODUCTS.items()]
    return answer(200, {"price_points": rows if ask.value("page", "1") == "1" else []})


@calls.on("GET", "/coupons.json")
def coupons(_site: Site, ask: Ask) -> Answer:
    """All coupons."""
    return listed(ask, "coupon", [{"code": code, "name": code.title(), "archived_at": archived}
                                  for code, archived in COUPONS.items()])


@calls.on("GET", "/reason_codes.json")
def reason_codes(_site: Site, ask: Ask) -> Answer:
    """All churn codes."""
    return listed(ask, "reason_code", [{"code": code, "description": text} for code, text in REASONS.items()])


@calls.on("GET", "/customers/{customer}/subscriptions.json")
def subscriptions(site: Site, _ask: Ask, customer: str) -> Answer:
    """A customer's subscriptions."""
    owner = site.customer(customer)
    return answer(200, [{"subscription": one} for one in site.subscriptions.values()
                        if one["customer"]["id"] == owner])


@calls.on("POST", "/subscriptions.json")
def create(site: Site, ask: Ask) -> Answer:
    """A new subscription."""
    want = body_of(ask, "subscription").get("subscription") or {}
    owner = str(want.get("customer_id", ""))
    if not owner.isdecimal() or owner.startswith("404"):
        raise refuse(422, "Customer: cannot be found.")
    product = want.get("product_id") or next(
        (number for number, (handle, _) in PRODUCTS.items() if handle == want.get("product_handle")), 0)
    if product not in PRODUCTS or want.get("payment_collection_method", "automatic") not in COLLECTIONS:
        raise refuse(422, "Product: could not be found.")
    if owner.startswith("402"):
        raise refuse(422, "Your card was declined.")
    if owner.startswith("3"):
        raise Refused(answer(422, {"errors": ["3D Secure is required."], "action_link": "https://pay.example/1"}))
    reference = want.get("reference")
    if reference and any(one["reference"] == reference for one in site.subscriptions.values()):
        raise refuse(422, "Reference: must be unique.")
    made = site.add(20_000 + site.world.number(), site.customer(owner), product, reference=reference,
                    coupon_codes=list(want.get("coupon_codes", ())))
    site.note("subscription.created", made, str(reference or ""), token_of(ask))
    return wrapped(201, made)


@calls.on("GET", "/subscriptions/{number}.json")
def subscription(site: Site, _ask: Ask, number: str) -> Answer:
    """One subscription."""
    return wrapped(200, site.subscription(number))


@calls.on("DELETE", "/subscriptions/{number}.json")
def cancel(site: Site, ask: Ask, number: str) -> Answer:
    """End it now."""
    one = site.subscription(number)
    reasons = body_of(ask, "subscription").get("subscription") or {}
    if one["state"] in ENDED:
        raise refuse(422, "The subscription is already canceled")
    one.update(reasons, state="canceled", canceled_at=site.stamp(), cancel_at_end_of_period=False)
    site.note("subscription.canceled", one)
    return wrapped(200, one)


@calls.on("POST", "/subscriptions/{number}/delayed_cancel.json")
def cancel_later(site: Site, ask: Ask, number: str) -> Answer:
    """End it when the period does."""
    one = site.subscription(number)
    reasons = body_of(ask, "subscription").get("subscription") or {}
    if one["state"] in (*ENDED, "past_due"):
        raise refuse(422, f"A {one['state']} subscription cannot be canceled at the end of its period.")
    one.update(reasons, cancel_at_end_of_period=True)
    site.note("subscription.cancellation_planned", one, key=token_of(ask))
    return answer(200, {"message": "This subscription will be canceled at the end of its period."})


@calls.on("POST", "/subscriptions/{number}/add_coupon.json")
def add_coupon(site: Site, ask: Ask, number: str) -> Answer:
    """Add codes to those that are there; the query parameter replaces them, as the vendor's does."""
    one = site.subscription(number)
    codes = [str(code).upper() for code in body_of(ask, "codes").get("codes", [])]
    if ask.value("code"):
        codes, one["coupon_codes"] = [ask.value("code")], []
    if any(COUPONS.get(code, "unknown") is not None for code in codes):
        raise Refused(answer(422, {"codes": ["Coupon code could not be found."]}))
    if one["state"] in ENDED:
        raise Refused(answer(422, {"subscription": ["cannot take coupons."]}))
    one["coupon_codes"] = [*one["coupon_codes"], *codes]
    site.note("coupon.added", one, key=token_of(ask))
    return wrapped(200, one)


class Chargify(Vendor):
    """The emulated site."""

    name = "chargify"
    keys_live = 3600.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.site = Site(world)

    def serve(self, ask: Ask) -> Answer:
        """Check the key and the token, then answer; a token counts as used whatever came of it."""
        if ask.basic != (API_KEY, "x"):
            return Answer(401, b"HTTP Basic: Access denied.\n")
        if ask.body and ask.content_type != "application/json":
            raise refuse(422, "The content type must be application/json.")
        found = calls.find(ask.method, ask.path)
        if found is None:
            return Answer(404)
        token = self.key_of(ask)
        if token and self.keys.find(token, b"")[0] != "new":
            self.world.ledger.replay(self.id, token)
            return errors(409, *DUPLICATE)
        if token:
            self.keys.keep(token, b"", Answer(409))
        return found[0](self.site, ask, **found[1])

    def key_of(self, ask: Ask) -> str:
        """The uniqueness token."""
        return token_of(ask)

    def error(self, status: int) -> Answer:
        """Chargify's error body; 404 has none."""
        words = "Your request was denied due to a usage violation." if status == 429 else f"Status {status}."
        return Answer(404) if status == 404 else errors(status, *(DUPLICATE if status == 409 else [words]))

    def wait_headers(self, seconds: float) -> Mapping[str, str]:  # noqa: ARG002 - Chargify names no time to wait
        """None: Chargify does not say how long to wait."""
        return {}

    def state(self) -> Mapping[str, Any]:
        """All objects."""
        return {"subscriptions": {str(number): copy.deepcopy(one) for number, one in self.site.subscriptions.items()}}

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription`: `id`, `customer`, `product` (their numbers) and any members."""
        if what != "subscription":
            return super().seed(what, values)
        members = dict(values)
        self.site.customer(str(members["customer"]))
        made = self.site.add(members.pop("id"), members.pop("customer"), members.pop("product", 1), **members)
        return made["id"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.site.reset()
