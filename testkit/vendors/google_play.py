"""Google Play: purchases by token, etags that a deferral must know, refunds given once an order."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from testkit.vendors import google_account
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

Object = dict[str, Any]
PACKAGE_NAME = "com.example.app"
"""The app that the service account may see; others do not exist for it."""
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
LIFETIME = 3600
APP = f"/androidpublisher/v3/applications/{PACKAGE_NAME}"
ACKNOWLEDGED, DUE = "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED", "ACKNOWLEDGEMENT_STATE_PENDING"
CONSUMED, UNUSED = "CONSUMPTION_STATE_CONSUMED", "CONSUMPTION_STATE_YET_TO_BE_CONSUMED"
EXPIRED, CANCELED, ACTIVE = (f"SUBSCRIPTION_STATE_{one}" for one in ("EXPIRED", "CANCELED", "ACTIVE"))
KINDS = frozenset({"fullRefund", "proratedRefund", "itemBasedRefund"})
WHO = frozenset({"USER_REQUESTED_STOP_RENEWALS", "DEVELOPER_REQUESTED_STOP_PAYMENTS"})
ERRORS = {400: ("invalid", "INVALID_ARGUMENT"), 401: ("authError", "UNAUTHENTICATED"),
          403: ("permissionDenied", "PERMISSION_DENIED"), 404: ("notFound", "NOT_FOUND"),
          409: ("concurrentUpdate", "ABORTED"), 410: ("purchaseTokenNoLongerValid", "FAILED_PRECONDITION"),
          429: ("rateLimitExceeded", "RESOURCE_EXHAUSTED")}
routes: Routes[GooglePlay] = Routes()


def refuse(status: int, message: str = "refused by the emulator", reason: str = "") -> Refused:
    """The exception that ends a request with Google's error body."""
    usual, word = ERRORS.get(status, ("backendError", "INTERNAL"))
    errors = [{"domain": "androidpublisher", "reason": reason or usual, "message": message}]
    return Refused(answer(status, {"error": {"code": status, "message": message, "status": word, "errors": errors}}))


class GooglePlay(Vendor):
    """The emulated store of one app. Every token and order exists, but those that begin with `missing`."""

    name = "google_play"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.subscriptions: dict[str, Object] = {}
        self.purchases: dict[str, Object] = {}
        self.orders: dict[str, Object] = {}
        self.tokens: dict[str, float] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the access token, except where one is asked for."""
        found = routes.find(ask.method, ask.path)
        if ask.path != "/token" and self.tokens.get(ask.bearer, 0.0) <= self.world.now():
            raise refuse(401, "Request had invalid authentication credentials.")
        if found is None:
            raise refuse(404, f"no such method or package: {ask.method} {ask.path}")
        return found[0](self, ask, **found[1])

    def time(self, days: float) -> str:
        """A time as Google writes it, from now."""
        return (datetime.fromtimestamp(int(self.world.now()), UTC) + timedelta(days=days)).isoformat()

    def subscription(self, token: str) -> Object:
        """The subscription behind a token; it comes to be when it is asked for."""
        if is_missing(token):
            raise refuse(404, "The purchase token was not found.")
        return self.subscriptions.setdefault(token, {
            "kind": "androidpublisher#subscriptionPurchaseV2", "subscriptionState": ACTIVE, "regionCode": "DE",
            "acknowledgementState": DUE, "etag": "1", "startTime": self.time(-10), "lineItems": [
                {"productId": "gold", "expiryTime": self.time(20), "latestSuccessfulOrderId": f"GPA.{token}",
                 "autoRenewingPlan": {"autoRenewEnabled": True}, "offerDetails": {"basePlanId": "monthly"}},
                {"productId": "extra", "expiryTime": self.time(20), "latestSuccessfulOrderId": f"GPA.{token}",
                 "autoRenewingPlan": {"autoRenewEnabled": True}, "offerDetails": {"basePlanId": "monthly"}}]})

    def purchase(self, token: str) -> Object:
        """The one-time purchase behind a token."""
        if is_missing(token):
            raise refuse(404, "The purchase token was not found.")
        return self.purchases.setdefault(token, {
            "kind": "androidpublisher#productPurchaseV2", "purchaseStateContext": {"purchaseState": "PURCHASED"},
            "orderId": f"GPA.{token}", "acknowledgementState": DUE, "regionCode": "DE", "productLineItem": [
                {"productId": "coins", "productOfferDetails": {"quantity": 1, "consumptionState": UNUSED}}]})

    def order(self, id: str) -> Object:
        """An order."""
        if is_missing(id):
            raise refuse(404, "The order was not found.")
        return self.orders.setdefault(id, {"orderId": id, "state": "PROCESSED", "orderHistory": {}})

    def changed(self, kind: str, token: str, **detail: Any) -> None:
        """Note what happened to a subscription; its etag is another one from then on."""
        held = self.subscriptions[token]
        held["etag"] = str(int(held["etag"]) + 1)
        self.note(kind, token, **detail)

    def error(self, status: int) -> Answer:
        """Google's error body for a status."""
        return refuse(status).reply

    def inner_error(self, ask: Ask) -> Answer:
        """Google hides no failure in a success: the purchase is gone."""
        del ask
        return refuse(410).reply

    def state(self) -> Mapping[str, Any]:
        """Purchases and orders, and how many access tokens were given."""
        return copy.deepcopy({"subscriptions": self.subscriptions, "purchases": self.purchases, "orders": self.orders,
                              "tokens": len(self.tokens)})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` or `purchase` (token, any member), `order` (orderId, any member)."""
        given = dict(values)
        made = {"subscription": self.subscription, "purchase": self.purchase, "order": self.order}.get(what)
        if made is None:
            return super().seed(what, values)
        id = str(given.pop("token", "") or given.get("orderId", ""))  # noqa: A001 - the vendor's own word
        made(id).update(given)
        return id

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


def _body(ask: Ask, member: str) -> Object:
    found = ask.json.get(member) if isinstance(ask.json, dict) else None
    if not isinstance(found, dict):
        raise refuse(400, f"{member} is required")
    return found


@routes.on("POST", "/token")
def token(vendor: GooglePlay, ask: Ask) -> Answer:
    """An access token for a good assertion."""
    problem = google_account.assertion_problem(dict(ask.form), SCOPE, vendor.world.now())
    if problem:
        raise Refused(answer(400, {"error": problem, "error_description": "refused by the emulator"}))
    made = f"ya29.emulator-{vendor.world.number()}"
    vendor.tokens[made] = vendor.world.now() + LIFETIME
    return answer(200, {"access_token": made, "expires_in": LIFETIME, "token_type": "Bearer"})


@routes.on("GET", f"{APP}/subscriptions")
def subscriptions(_vendor: GooglePlay, _ask: Ask) -> Answer:
    """The subscriptions of the app."""
    plan = {"basePlanId": "monthly", "state": "ACTIVE"}
    return answer(200, {"subscriptions": [{"productId": "gold", "basePlans": [plan],
                                           "listings": [{"languageCode": "en", "title": "Gold"}]}]})


@routes.on("GET", f"{APP}/oneTimeProducts")
def one_time_products(_vendor: GooglePlay, _ask: Ask) -> Answer:
    """The one-time products of the app."""
    return answer(200, {"oneTimeProducts": [{"productId": "coins"}]})


@routes.on("GET", f"{APP}/subscriptions/-/basePlans/-/offers")
def offers(_vendor: GooglePlay, _ask: Ask) -> Answer:
    """The offers of all base plans."""
    row = {"productId": "gold", "basePlanId": "monthly", "offerId": "winback", "state": "ACTIVE"}
    return answer(200, {"subscriptionOffers": [row]})


@routes.on("GET", f"{APP}/purchases/voidedpurchases")
def voided(_vendor: GooglePlay, _ask: Ask) -> Answer:
    """What was taken back; nothing is kept of it."""
    return answer(200, {})


@routes.on("GET", f"{APP}/purchases/subscriptionsv2/tokens/{{token}}")
def subscription(vendor: GooglePlay, _ask: Ask, token: str) -> Answer:
    """A subscription."""
    return answer(200, vendor.subscription(token))


@routes.on("GET", f"{APP}/purchases/productsv2/tokens/{{token}}")
def purchase(vendor: GooglePlay, _ask: Ask, token: str) -> Answer:
    """A one-time purchase."""
    return answer(200, vendor.purchase(token))


@routes.on("POST", f"{APP}/purchases/subscriptions/{{product}}/tokens/{{token}}:acknowledge")
def acknowledge_subscription(vendor: GooglePlay, _ask: Ask, product: str, token: str) -> Answer:
    """A subscription is delivered."""
    del product
    held = vendor.subscription(token)
    if held["acknowledgementState"] == DUE:
        held["acknowledgementState"] = ACKNOWLEDGED
        vendor.changed("subscription.acknowledged", token)
    return Answer(204)


@routes.on("POST", f"{APP}/purchases/products/{{product}}/tokens/{{token}}:acknowledge")
def acknowledge_product(vendor: GooglePlay, _ask: Ask, product: str, token: str) -> Answer:
    """A one-time purchase is delivered."""
    held = _bought(vendor, product, token)
    if held["acknowledgementState"] == DUE:
        held["acknowledgementState"] = ACKNOWLEDGED
        vendor.note("product.acknowledged", token)
    return Answer(204)


@routes.on("POST", f"{APP}/purchases/products/{{product}}/tokens/{{token}}:consume")
def consume(vendor: GooglePlay, _ask: Ask, product: str, token: str) -> Answer:
    """A one-time purchase is used up, once."""
    held = _bought(vendor, product, token)
    item = held["productLineItem"][0]["productOfferDetails"]
    if item["consumptionState"] == CONSUMED:
        raise refuse(400, "The purchase was consumed before.", "invalidPurchaseState")
    item["consumptionState"], held["acknowledgementState"] = CONSUMED, ACKNOWLEDGED
    vendor.note("product.consumed", token)
    return Answer(204)


def _bought(vendor: GooglePlay, product: str, token: str) -> Object:
    held = vendor.purchase(token)
    if held["productLineItem"][0]["productId"] != product:
        raise refuse(400, "The purchase token does not match the product.")
    return held


@routes.on("POST", f"{APP}/purchases/subscriptionsv2/tokens/{{token}}:defer")
def defer(vendor: GooglePlay, ask: Ask, token: str) -> Answer:
    """All items end later; only whoever knows the present etag may say so."""
    given, held = _body(ask, "deferralContext"), vendor.subscription(token)
    if given.get("etag") != held["etag"]:
        raise refuse(400, "The etag does not match the latest etag of the subscription.")
    if held["subscriptionState"] != ACTIVE:
        raise refuse(400, "The subscription cannot be deferred.", "subscriptionNotDeferrable")
    seconds = int(str(given.get("deferDuration", "")).removesuffix("s") or 0)
    if not 0 < seconds <= 365 * 86_400:
        raise refuse(400, "deferDuration must lie between a second and a year")
    for item in held["lineItems"]:
        item["expiryTime"] = (datetime.fromisoformat(item["expiryTime"]) + timedelta(seconds=seconds)).isoformat()
    vendor.changed("subscription.deferred", token, seconds=seconds)
    return answer(200, {"itemExpiryTimeDetails": [
        {"productId": one["productId"], "expiryTime": one["expiryTime"]} for one in held["lineItems"]]})


@routes.on("POST", f"{APP}/purchases/subscriptionsv2/tokens/{{token}}:cancel")
def cancel(vendor: GooglePlay, ask: Ask, token: str) -> Answer:
    """It does not renew."""
    given, held = _body(ask, "cancellationContext"), vendor.subscription(token)
    if given.get("cancellationType") not in WHO:
        raise refuse(400, "cancellationType is required")
    if held["subscriptionState"] == EXPIRED:
        raise refuse(400, "The subscription has expired.", "subscriptionExpired")
    if held["subscriptionState"] != CANCELED:
        held["subscriptionState"] = CANCELED
        for item in held["lineItems"]:
            item["autoRenewingPlan"] = {"autoRenewEnabled": False}
        vendor.changed("subscription.canceled", token, type=given["cancellationType"])
    return answer(200, {})


@routes.on("POST", f"{APP}/purchases/subscriptionsv2/tokens/{{token}}:revoke")
def revoke(vendor: GooglePlay, ask: Ask, token: str) -> Answer:
    """It ends at once and money goes back; of an item, the item ends."""
    given, held = _body(ask, "revocationContext"), vendor.subscription(token)
    if len(given) != 1 or not given.keys() <= KINDS:
        raise refuse(400, "one kind of refund is required")
    if held["subscriptionState"] == EXPIRED:
        raise refuse(400, "The subscription has expired.", "subscriptionExpired")
    (kind, which), = given.items()
    if kind == "itemBasedRefund":
        left = [one for one in held["lineItems"] if one["productId"] != which.get("productId")]
        if len(left) == len(held["lineItems"]):
            raise refuse(400, "The subscription has no such item.")
        held["lineItems"] = left
    else:
        held["subscriptionState"] = EXPIRED
        held["canceledStateContext"] = {"developerInitiatedCancellation": {}}
    vendor.changed("subscription.revoked", token, refund=kind)
    return answer(200, {})


@routes.on("GET", f"{APP}/orders/{{order}}")
def order(vendor: GooglePlay, _ask: Ask, order: str) -> Answer:
    """An order."""
    return answer(200, vendor.order(order))


@routes.on("POST", f"{APP}/orders/{{order}}:refund")
def refund(vendor: GooglePlay, ask: Ask, order: str) -> Answer:
    """The whole amount of an order goes back, once."""
    held = vendor.order(order)
    if held["state"] == "REFUNDED":
        raise refuse(400, "The order was refunded before.", "orderAlreadyRefunded")
    held["state"] = "REFUNDED"
    held["orderHistory"] = {"refundEvent": {"eventTime": vendor.time(0), "refundReason": "OTHER"}}
    vendor.note("order.refunded", order, revoke=ask.value("revoke") == "true")
    return Answer(204)
