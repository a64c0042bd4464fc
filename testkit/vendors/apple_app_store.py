"""The App Store Server API, production or sandbox: JWTs verified, payloads signed, extensions given once a call."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from uuid import UUID

import jwt

from testkit.vendors import credentials
from testkit.vendors.apple_chain import chain
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

Object = dict[str, Any]
DAY = 86_400_000
AUDIENCE = "appstoreconnect-v1"
MAX_LIFE = 3600
MAX_EXTENSIONS = 2
SANDBOX = "apple_app_store_sandbox"
ERRORS = {
    400: (4000000, "Bad request."), 403: (4030004, "Invalid subscription state."),
    404: (4040010, "Transaction id not found."), 429: (4290000, "Rate limit exceeded."),
    500: (5000000, "An unknown error occurred."),
}
DELIVERY = frozenset({"DELIVERED", "UNDELIVERED_QUALITY_ISSUE", "UNDELIVERED_WRONG_ITEM", "UNDELIVERED_SERVER_OUTAGE",
                      "UNDELIVERED_OTHER"})
routes: Routes[AppStore] = Routes()


def refuse(status: int, code: int, message: str) -> Refused:
    """The exception that ends a request with Apple's error body."""
    return Refused(answer(status, {"errorCode": code, "errorMessage": message}))


class AppStore(Vendor):
    """The emulated store. Transactions are numbers; those that begin with 2000 exist in the sandbox only."""

    name = "apple_app_store"

    def __init__(self, world: World, name: str = "") -> None:
        super().__init__(world, name)
        self.sandbox = self.id == SANDBOX
        self.environment = "Sandbox" if self.sandbox else "Production"
        self._begin()

    def _begin(self) -> None:
        self.transactions: dict[str, Object] = {}
        self.renewals: dict[str, Object] = {}
        self.status: dict[str, int] = {}
        self.extensions: dict[str, list[float]] = {}
        self.finished: set[str] = set()
        self.consumption: dict[str, Object] = {}

    def now(self) -> int:
        """Milliseconds since 1970, as Apple counts."""
        return int(self.world.now() * 1000)

    def serve(self, ask: Ask) -> Answer:
        """Verify the JWT, then find what is asked; a bad one gets 401 and no word."""
        if not self._authorized(ask.bearer):
            return Answer(401)
        found = routes.find(ask.method, ask.path)
        if found is None:
            return Answer(404)
        return found[0](self, ask, **found[1])

    def _authorized(self, token: str) -> bool:
        try:
            head = jwt.get_unverified_header(token)
            claims = jwt.decode(token, credentials.apple_key().public_key(), algorithms=["ES256"], audience=AUDIENCE,
                                options={"verify_exp": False, "verify_iat": False})
        except jwt.InvalidTokenError:
            return False
        named = (head.get("kid"), claims.get("iss"), claims.get("bid"))
        known = (credentials.APPLE_KEY_ID, credentials.APPLE_ISSUER_ID, credentials.APPLE_BUNDLE_ID)
        now, ends = self.world.now(), claims.get("exp")
        return named == known and isinstance(ends, (int, float)) and now < ends <= claims.get("iat", now) + MAX_LIFE

    def transaction(self, id: str) -> Object:
        """A transaction; raises Refused where the number is malformed or unknown in this environment."""
        if not id.isdigit() or len(id) < 4:
            raise refuse(400, 4000006, "Invalid transaction id.")
        if id not in self.transactions:
            if id.startswith("404") or id.startswith("2000") != self.sandbox:
                raise refuse(404, 4040010, "Transaction id not found.")
            self._by_rule(id)
        return self.transactions[id]

    def _by_rule(self, id: str, **more: Any) -> None:
        """Numbers that end in 0 are originals; the others belong to the original with a 0 in their place."""
        original, now = id[:-1] + "0", self.now()
        self.transactions[id] = {
            "transactionId": id, "originalTransactionId": original, "webOrderLineItemId": f"9{id}",
            "bundleId": credentials.APPLE_BUNDLE_ID, "productId": "premium.monthly",
            "subscriptionGroupIdentifier": "20000001", "purchaseDate": now - 10 * DAY,
            "originalPurchaseDate": now - 100 * DAY, "expiresDate": now + 20 * DAY, "quantity": 1,
            "type": "Auto-Renewable Subscription", "inAppOwnershipType": "PURCHASED", "signedDate": now,
            "environment": self.environment, "storefront": "USA", "storefrontId": "143441",
            "transactionReason": "PURCHASE", "currency": "USD", "price": 9990, **more,
        }
        if original not in self.renewals:
            self.renewals[original] = self._renewal(original, self.transactions[id])

    def _renewal(self, original: str, transaction: Object) -> Object:
        return {
            "originalTransactionId": original, "productId": transaction["productId"],
            "autoRenewProductId": transaction["productId"], "autoRenewStatus": 1, "isInBillingRetryPeriod": False,
            "renewalDate": transaction["expiresDate"], "signedDate": self.now(), "environment": self.environment,
        }

    def original(self, id: str) -> Object:
        """A transaction that must be an original one."""
        found = self.transaction(id)
        if found["originalTransactionId"] != id:
            raise refuse(400, 4000187, "Invalid original transaction id.")
        return found

    def error(self, status: int) -> Answer:
        """Apple's error body for a status; 401 has none."""
        if status == 401:
            return Answer(401)
        code, message = ERRORS.get(status, ERRORS[500])
        return answer(status, {"errorCode": code, "errorMessage": message})

    def inner_error(self, ask: Ask) -> Answer:
        """`success` false inside a 200."""
        id = ask.path.rpartition("/")[2]
        return answer(200, {"originalTransactionId": id, "webOrderLineItemId": f"9{id}", "success": False})

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """Apple names a time, in milliseconds; what that means from now on, its date tells."""
        now = self.world.now()
        return {"Retry-After": str(int((now + seconds) * 1000)), "Date": formatdate(now, usegmt=True)}

    def state(self) -> Mapping[str, Any]:
        """Transactions, extensions, and the keys: the In-App Purchase key pair and the root to trust."""
        return copy.deepcopy({
            "transactions": self.transactions, "renewals": self.renewals, "extensions": self.extensions,
            "finished": sorted(self.finished), "consumption": self.consumption,
            "private_key": credentials.apple_private_key(), "public_key": credentials.apple_public_key(),
            "root_certificate": b64encode(chain().root).decode(),
        })

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`transaction` (transactionId, any members), `status` (originalTransactionId, status 1..5)."""
        given = dict(values)
        if what == "transaction":
            id = str(given.pop("transactionId"))
            self._by_rule(id, **given)
            return id
        if what == "status":
            self.status[str(given["originalTransactionId"])] = int(given["status"])
            return given["status"]
        return super().seed(what, values)

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`sign`: a JWS of any payload with the test chain, as the app would report one."""
        return chain().sign(values) if name == "sign" else super().command(name, values)

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


def _body(ask: Ask) -> Object:
    if not isinstance(ask.json, dict):
        raise refuse(400, 4000000, "Bad request.")
    return dict(ask.json)


@routes.on("GET", "/inApps/v1/transactions/{id}")
def transaction(store: AppStore, _ask: Ask, id: str) -> Answer:
    """One transaction, signed."""
    return answer(200, {"signedTransactionInfo": chain().sign({**store.transaction(id), "signedDate": store.now()})})


@routes.on("GET", "/inApps/v1/subscriptions/{id}")
def statuses(store: AppStore, ask: Ask, id: str) -> Answer:
    """The state of the customer's subscription groups."""
    found = store.transaction(id)
    original = found["originalTransactionId"]
    renewal = store.renewals[original]
    status = store.status.get(original, 1 if renewal["renewalDate"] > store.now() else 2)
    wanted = {value for name, value in ask.query if name == "status"}
    last = {"status": status, "originalTransactionId": original, "signedTransactionInfo": chain().sign(found),
            "signedRenewalInfo": chain().sign(renewal)}
    groups = [{"subscriptionGroupIdentifier": found["subscriptionGroupIdentifier"], "lastTransactions": [last]}]
    return answer(200, {"environment": store.environment, "bundleId": credentials.APPLE_BUNDLE_ID,
                        "appAppleId": credentials.APPLE_APP_ID,
                        "data": groups if not wanted or str(status) in wanted else []})


@routes.on("PUT", "/inApps/v1/subscriptions/extend/{id}")
def extend(store: AppStore, ask: Ask, id: str) -> Answer:
    """Free days; asking twice gives them twice."""
    given = _body(ask)
    found = store.original(id)
    _check_extension(given)
    if store.status.get(id, 1) != 1 or found.get("offerType"):
        raise refuse(403, 4030004, "Invalid subscription state.")
    if found["inAppOwnershipType"] == "FAMILY_SHARED":
        raise refuse(403, 4030007, "Family-shared subscriptions cannot be extended.")
    made = [one for one in store.extensions.get(id, ()) if one > store.world.now() - 365 * 86400]
    if len(made) >= MAX_EXTENSIONS:
        raise refuse(403, 4030005, "The subscription has reached the maximum number of extensions.")
    store.extensions[id] = [*made, store.world.now()]
    renewal = store.renewals[id]
    renewal["renewalDate"] += given["extendByDays"] * DAY
    found["expiresDate"] = renewal["renewalDate"]
    store.note("subscription.extended", id, mark=str(given["requestIdentifier"]), days=given["extendByDays"],
               until=renewal["renewalDate"])
    return answer(200, {"originalTransactionId": id, "webOrderLineItemId": found["webOrderLineItemId"],
                        "success": True, "effectiveDate": renewal["renewalDate"]})


def _check_extension(given: Object) -> None:
    days, reason, request = (given.get(name) for name in ("extendByDays", "extendReasonCode", "requestIdentifier"))
    if not isinstance(days, int) or not 1 <= days <= 90:
        raise refuse(400, 4000009, "Invalid extend by days value.")
    if reason not in (0, 1, 2, 3):
        raise refuse(400, 4000010, "Invalid extend reason code.")
    if not isinstance(request, str) or not 1 <= len(request) <= 128:
        raise refuse(400, 4000011, "Invalid request identifier.")


@routes.on("POST", "/inApps/v1/transactions/{id}/finish")
def finish(store: AppStore, _ask: Ask, id: str) -> Answer:
    """A transaction is delivered."""
    store.transaction(id)
    if id not in store.finished:
        store.finished.add(id)
        store.note("transaction.finished", id)
    return Answer(200)


@routes.on("PUT", "/inApps/v1/transactions/{id}/appAccountToken")
def account_token(store: AppStore, ask: Ask, id: str) -> Answer:
    """Which account of ours a purchase belongs to."""
    token = str(_body(ask).get("appAccountToken", ""))
    try:
        UUID(token)
    except ValueError:
        raise refuse(400, 4000183, "Invalid app account token: it must be a UUID.") from None
    found = store.original(id)
    if found.get("appAccountToken") != token:
        found["appAccountToken"] = token
        store.note("transaction.account_token_set", id, token=token)
    return Answer(200)


@routes.on("PUT", "/inApps/v2/transactions/consumption/{id}")
def consumption(store: AppStore, ask: Ask, id: str) -> Answer:
    """How much of a purchase was used."""
    given = _body(ask)
    store.transaction(id)
    if given.get("customerConsented") is not True:
        raise refuse(400, 4000035, "Invalid customer consented.")
    if given.get("deliveryStatus") not in DELIVERY:
        raise refuse(400, 4000036, "Invalid delivery status.")
    if not isinstance(given.get("sampleContentProvided"), bool):
        raise refuse(400, 4000041, "Invalid sample content provided.")
    if store.consumption.get(id) != given:
        store.consumption[id] = given
        store.note("transaction.consumption_sent", id, preference=given.get("refundPreference", ""))
    return Answer(202)
