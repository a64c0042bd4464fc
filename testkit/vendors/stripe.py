"""Stripe: customers, subscriptions, discounts, schedules; form bodies and idempotency keys as Stripe treats them."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from testkit.vendors import credentials
from testkit.vendors.exchange import Answer, Ask, Refused
from testkit.vendors.stripe_form import error, nested, refuse
from testkit.vendors.stripe_reads import reads
from testkit.vendors.stripe_schedules import schedules
from testkit.vendors.stripe_state import DAY, StripeState, coupon, customer, item, price, promotion_code, subscription
from testkit.vendors.stripe_subscriptions import writes
from testkit.vendors.vendor import Vendor, World, is_missing

FORM = "application/x-www-form-urlencoded"
MAX_KEY = 255
KINDS = {
    400: ("invalid_request_error", None, "The request was refused."),
    401: ("invalid_request_error", None, "Invalid API Key provided."),
    402: ("card_error", "card_declined", "Your card was declined."),
    403: ("invalid_request_error", None, "The provided key does not have the required permissions."),
    404: ("invalid_request_error", "resource_missing", "No such object."),
    409: ("invalid_request_error", "lock_timeout", "This object is locked by another API request right now."),
    429: ("invalid_request_error", "rate_limit", "Request rate limit exceeded."),
}


class Stripe(Vendor):
    """The emulated Stripe account."""

    name = "stripe"
    keys_live = 86400.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books = StripeState(world)

    def handle(self, ask: Ask) -> Answer:
        """As every vendor, with Stripe's headers."""
        reply = super().handle(ask)
        more = [("Request-Id", f"req_{self.world.number():014d}")]
        if "idempotency-key" in ask.headers:
            more.append(("Idempotency-Key", ask.headers["idempotency-key"]))
        if "stripe-version" in ask.headers:
            more.append(("Stripe-Version", ask.headers["stripe-version"]))
        return reply.with_headers(*more)

    def serve(self, ask: Ask) -> Answer:
        """Check the key, then read or write."""
        self._authorize(ask)
        if ask.method == "GET":
            return self._run(ask, reads.find("GET", ask.path), nested(ask.query))
        if ask.method == "POST":
            return self._post(ask)
        return self._run(ask, writes.find(ask.method, ask.path), nested(ask.query), "")

    def _authorize(self, ask: Ask) -> None:
        key = ask.bearer or ask.basic[0]
        if not key:
            raise refuse(401, "You did not provide an API key. You need to provide your API key in the Authorization "
                              "header, using Bearer auth.")
        if key not in (credentials.STRIPE_API_KEY, credentials.STRIPE_READ_ONLY_KEY):
            raise refuse(401, f"Invalid API Key provided: {key[:8]}****")
        if key == credentials.STRIPE_READ_ONLY_KEY and ask.method != "GET":
            raise refuse(403, "The provided key does not have the required permissions for this endpoint.")
        account = ask.headers.get("stripe-account", "acct_emulator")
        if not account.startswith("acct_") or is_missing(account[5:]):
            raise refuse(403, f"The provided key does not have access to account '{account}'.", code="account_invalid")

    def _run(self, ask: Ask, found: Any, params: dict[str, Any], *key: str) -> Answer:
        if found is None:
            raise refuse(404, f"Unrecognized request URL ({ask.method}: {ask.path}).")
        reply: Answer = found[0](self.books, params, *key, **found[1])
        return reply

    def _post(self, ask: Ask) -> Answer:
        if ask.body and ask.content_type != FORM:
            raise refuse(400, "Invalid request (check that your POST content type is "
                              "application/x-www-form-urlencoded).", began=False)
        key = self.key_of(ask)
        if not key:
            return self._write(ask, key)
        digest = sha256(ask.path.encode() + b"\0" + ask.body).digest()
        return self._replayed(ask, key, digest) or self._first(ask, key, digest)

    def _replayed(self, ask: Ask, key: str, digest: bytes) -> Answer | None:
        if len(ask.headers["idempotency-key"]) > MAX_KEY:
            raise refuse(400, "Idempotency keys may be at most 255 characters long.", began=False)
        verdict, kept = self.keys.find(key, digest)
        if verdict == "other":
            raise refuse(400, "Keys for idempotent requests can only be used with the same parameters they were first "
                              "used with.", type="idempotency_error", began=False)
        if verdict == "busy":
            raise refuse(409, "There is currently another in-progress request using this Idempotent Key.",
                         type="idempotency_error", code="idempotency_key_in_use", began=False)
        if kept is None:
            return None
        self.world.ledger.replay(self.id, key)
        retry = (("Stripe-Should-Retry", "false"),) if kept.status >= 500 else ()
        return kept.with_headers(("Idempotent-Replayed", "true"), *retry)

    def _first(self, ask: Ask, key: str, digest: bytes) -> Answer:
        """Run it and keep the answer, unless validation refused it before it began."""
        try:
            reply = self._write(ask, key)
        except Refused as refused:
            if refused.began:
                self.keys.keep(key, digest, refused.reply)
            raise
        self.keys.keep(key, digest, reply)
        return reply

    def _write(self, ask: Ask, key: str) -> Answer:
        found = writes.find("POST", ask.path) or schedules.find("POST", ask.path)
        return self._run(ask, found, nested(ask.form), key)

    def key_of(self, ask: Ask) -> str:
        """Keys belong to an account."""
        key = ask.headers.get("idempotency-key", "")
        account = ask.headers.get("stripe-account")
        return f"{account}:{key}" if key and account else key

    def error(self, status: int) -> Answer:
        """Stripe's error body for a status; 409 is lock_timeout."""
        type, code, message = KINDS.get(status, ("api_error", None, "An error occurred on Stripe's side."))
        reply = error(status, message, type=type, code=code)
        if status == 429:
            return reply.with_headers(("Stripe-Rate-Limited-Reason", "global-rate"), ("Stripe-Should-Retry", "true"))
        return reply.with_headers(("Stripe-Should-Retry", "true")) if status == 409 else reply

    def inner_error(self, ask: Ask) -> Answer:
        """Stripe has no failures inside a success; this one shows what a client makes of a strange answer."""
        return error(200, f"Refused by the emulator's script: {ask.path}")

    def state(self) -> Mapping[str, Any]:
        """All objects."""
        return self.books.shown()

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`customer`, `email`, `subscription`, `price`, `coupon`, `promotion_code`; `id` and any members."""
        return _SEEDS[what](self.books, dict(values)) if what in _SEEDS else super().seed(what, values)

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`delete_coupon`: somebody deletes it in the dashboard; seeding it brings it back."""
        if name != "delete_coupon":
            return super().command(name, values)
        self.books.deleted_coupons.add(values["id"])
        return self.books.coupons.pop(values["id"], None) is not None

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.books.reset()


def _seed_customer(books: StripeState, values: dict[str, Any]) -> Any:
    """A customer without subscription; its address leads to it."""
    made = customer(values.pop("id"), books.now(), **values)
    books.customers[made["id"]] = made
    books.emails.setdefault(made["email"], []).insert(0, made["id"])
    return made["id"]


def _seed_email(books: StripeState, values: dict[str, Any]) -> Any:
    """An address and the customers it leads to, the newest first."""
    books.emails[values["email"]] = list(values["customers"])
    return values["email"]


def _seed_subscription(books: StripeState, values: dict[str, Any]) -> Any:
    """A subscription of a customer, with `price` and `quantity`."""
    made = subscription(values.pop("id"), values.pop("customer"), books.now(), books.now() + 30 * DAY)
    of_price = books.price(values.pop("price", "price_basic"))
    if of_price is None:
        raise KeyError("no such price")
    made["items"]["data"] = [item(books.id("si"), made["id"], of_price, values.pop("quantity", 1), books.now())]
    books.customer(made["customer"])
    books.add_subscription(made | values)
    return made["id"]


def _seed_price(books: StripeState, values: dict[str, Any]) -> Any:
    books.prices[values["id"]] = price(now=books.now(), **values)
    return values["id"]


def _seed_coupon(books: StripeState, values: dict[str, Any]) -> Any:
    books.coupons[values["id"]] = coupon(now=books.now(), **values)
    return values["id"]


def _seed_promotion_code(books: StripeState, values: dict[str, Any]) -> Any:
    books.promotion_codes[values["id"]] = promotion_code(now=books.now(), **values)
    return values["id"]


_SEEDS = {
    "customer": _seed_customer, "email": _seed_email, "subscription": _seed_subscription, "price": _seed_price,
    "coupon": _seed_coupon, "promotion_code": _seed_promotion_code,
}
