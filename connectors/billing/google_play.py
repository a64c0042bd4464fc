"""Google Play: purchases by the device, everything else by the Google Play Developer API.

Reference: https://developers.google.com/android-publisher/api-ref/rest, androidpublisher v3, revision 20261026
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any, Self

from pydantic import SecretStr, model_validator

from connectors.billing import _google_play_catalogue as shop
from connectors.billing import _google_play_purchases as play
from connectors.billing._google_play_forms import (
    CancelParams,
    DeferParams,
    ProductParams,
    PurchaseParams,
    RefundParams,
    RevokeParams,
    VerifyProductParams,
    VerifySubscriptionParams,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    NoParams,
    Rejected,
    Repeat,
    Request,
    Settings,
    Sign,
    SignContext,
    Signed,
    TokenFlow,
    field,
    get,
    instruct,
    post,
    segment,
)
from connectors.kit.fields import refuse
from connectors.kit.google import TOKEN_URL, service_account_problem, service_account_token, token_url_problem
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.purchase import known, perhaps_known, purchase_name, told

BASE_URL = "https://androidpublisher.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
REPORTED_HELP = "Needs the event's context purchase_token."
SYNCED_HELP = "Needs the attribute google_purchase_token or the event's context purchase_token."
REFUNDED = frozenset({"REFUNDED", "PENDING_REFUND"})


class GooglePlaySettings(Settings):
    """A service account that may act for one app."""

    package_name: str = field(
        "Package name", pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+$", placeholder="com.example.app",
        help="Google Play Console > All apps; it stands below the app's name.",
    )
    service_account_json: SecretStr = field(
        "Service account key (JSON)",
        help="The whole key file: Google Cloud console > IAM & Admin > Service accounts > Keys > Add key. Invite the"
             " account in Play Console > Users and permissions with the permissions 'View financial data, orders and"
             " cancellation survey responses' and 'Manage orders and subscriptions'; new permissions can take a day.",
    )
    products: tuple[str, ...] = field(
        "Product IDs offered in prompts", default=(),
        help="Play Console > Monetize with Play > Products; they become the pick list of bindings. Empty: all products"
             " of the app.",
    )
    base_url: str = field("API base URL", default=BASE_URL, help="Leave as it is.")
    token_url: str = field("OAuth token URL", default=TOKEN_URL, public=True, help="Leave as it is.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong = {
            "service_account_json": service_account_problem(self.service_account_json),
            "base_url": host_problem(
                self.base_url, ("androidpublisher.googleapis.com",), test_hosts=self.allow_test_hosts),
            "token_url": token_url_problem(self.token_url, test_hosts=self.allow_test_hosts),
        }
        refuse({name: why for name, why in wrong.items() if why})
        return self


def access_token(settings: GooglePlaySettings, now: float) -> TokenFlow:
    """An access token for the Google Play Developer API and nothing else."""
    return (yield from service_account_token(settings.service_account_json, SCOPE, now, settings.token_url))


def signer(settings: GooglePlaySettings) -> Sign:
    """The access token, and Google's host."""
    base = settings.base_url.rstrip("/")

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host and token."""
        held = context.token.value if context.token else ""
        lines = header_lines(request, (f"Authorization: Bearer {held}", "Accept: application/json"))
        return Signed(request.method, address(base, request), lines, request.body)

    return sign


def check(settings: GooglePlaySettings) -> CheckFlow:
    """The latest voided purchase: whoever may see it may see the app's orders."""
    path = f"/androidpublisher/v3/applications/{segment(settings.package_name)}/purchases/voidedpurchases"
    yield get(path, query={"maxResults": 1}, step="check")
    return Account(settings.package_name, "live")


connector = Connector(
    "google_play", "Google Play", "billing", GooglePlaySettings, signer,
    help="Starts purchases on the device; verifies, acknowledges, extends, cancels and refunds on the server.",
    docs="https://developers.google.com/android-publisher/api-ref/rest",
    api_version="androidpublisher v3 (subscriptionsv2, productsv2), revision 20261026",
    read=play.read, tokens={"": access_token}, check=check,
    options={"products": shop.products, "base_plans": shop.base_plans, "offers": shop.offers},
    # 3,000 a minute for each of four groups of calls
    limits=Limits(rate=50.0, concurrency=50),
    confidence="Not tried against Google Play. Not documented: how Google refuses an extension of a subscription that"
               " changed meanwhile, or what was done before. Both are recognised by reading the purchase again.",
)


@connector.action(
    "request_purchase", "Start the in-app purchase", params=PurchaseParams, repeat=Repeat.HARMLESS, kind="instruction",
    help="Tells the app to open Google's dialog: a server cannot start, upgrade or downgrade a Play subscription. Sync"
         " google_purchase_token for an upgrade or downgrade, or let the app find the old purchase.",
)
def request_purchase(call: Call[GooglePlaySettings, PurchaseParams]) -> Flow:
    """Instruct the device; the app reports the purchase later, with the event's id."""
    yield from ()
    want = call.params
    old = perhaps_known(call, play.REPORTED, play.SYNCED) if want.intent != "purchase" else None
    return instruct(
        "purchase", call.event.event_id, store="google_play", product_id=want.product_id, intent=want.intent,
        base_plan_id=want.base_plan_id or None, offer_id=want.offer_id or None,
        replacement_mode=want.replacement_mode or None, old_purchase_token=old.value if old else None,
        obfuscated_account_id=sha256(call.event.user_id.encode()).hexdigest(), event_id=call.event.event_id,
    )


@connector.action(
    "verify_subscription", "Verify a subscription purchase", params=VerifySubscriptionParams, repeat=Repeat.HARMLESS,
    help="Succeeds where the user has access now. Needs the event's context purchase_token or the attribute"
         " google_purchase_token.",
)
def verify_subscription(call: Call[GooglePlaySettings, VerifySubscriptionParams]) -> Flow:
    """Read the subscription; confirm its delivery where that is wanted and due."""
    token = known(call, play.REPORTED, play.SYNCED).value
    found = yield from play.subscription(call, token)
    item = found.item(call.params.expected_product_id)
    play.check_product(item, call.params.expected_product_id)
    if found.state not in play.ENTITLED:
        raise Rejected(f"subscription_{found.state or 'unknown'}", "the subscription gives no access now")
    detail = play.subscription_detail(found, item)
    if call.params.acknowledge and not found.is_acknowledged and found.state == "active":
        yield from _acknowledge(call, found)
        detail["acknowledged"] = "true"
    return Done(str(item.get("latestSuccessfulOrderId") or purchase_name(token)), detail=detail)


def _acknowledge(call: Call[GooglePlaySettings, Any], found: play.Subscription) -> Flow:
    # Google looks at the token only, but the path has a place for a product
    product = str(found.item("").get("productId") or "subscription")
    path = play.path(call, "purchases", "subscriptions", segment(product), "tokens", segment(found.token))

    def look() -> play.Look:
        return (yield from play.subscription(call, found.token, "look_again")).is_acknowledged

    request = post(f"{path}:acknowledge", json={}, step="acknowledge")
    return (yield from play.settled(request, look, purchase_name(found.token)))


@connector.action(
    "verify_product", "Verify a one-time purchase", params=VerifyProductParams, repeat=Repeat.HARMLESS,
    help=f"Succeeds where it is paid and not taken back. {REPORTED_HELP}",
)
def verify_product(call: Call[GooglePlaySettings, VerifyProductParams]) -> Flow:
    """Read the one-time purchase."""
    token = known(call, play.REPORTED).value
    facts = yield from play.one_time(call, token)
    item = play.line_item(facts, call.params.expected_product_id)
    play.check_product(item, call.params.expected_product_id)
    state = str((facts.get("purchaseStateContext") or {}).get("purchaseState") or "unknown")
    if state != "PURCHASED":
        raise Rejected(f"purchase_{state.lower()}", "the purchase is not paid, or was taken back")
    return Done(str(facts.get("orderId") or purchase_name(token)), detail=told(
        product_id=item.get("productId"), quantity=(item.get("productOfferDetails") or {}).get("quantity"),
        acknowledged=facts.get("acknowledgementState") == play.ACKNOWLEDGED,
        consumed=play.is_consumed(facts, str(item.get("productId") or "")), region=facts.get("regionCode"),
        purchased_at=facts.get("purchaseCompletionTime"), test="testPurchaseContext" in facts or None,
    ))


@connector.action(
    "acknowledge_subscription", "Acknowledge a subscription", repeat=Repeat.HARMLESS,
    help=f"Confirms the delivery; without it Google gives the money back after three days. {REPORTED_HELP}",
)
def acknowledge_subscription(call: Call[GooglePlaySettings, NoParams]) -> Flow:
    """Confirm the delivery, unless that was done."""
    found = yield from play.subscription(call, known(call, play.REPORTED).value)
    if found.is_acknowledged:
        return Done(purchase_name(found.token), "already_done")
    return (yield from _acknowledge(call, found))


@connector.action(
    "acknowledge_product", "Acknowledge a one-time purchase", params=ProductParams, repeat=Repeat.HARMLESS,
    help=f"Confirms the delivery; without it Google gives the money back after three days. {REPORTED_HELP}",
)
def acknowledge_product(call: Call[GooglePlaySettings, ProductParams]) -> Flow:
    """Confirm the delivery of what was bought."""
    token, product = known(call, play.REPORTED).value, play.product_of(call, call.params.product_id)

    def look() -> play.Look:
        return (yield from play.one_time(call, token)).get("acknowledgementState") == play.ACKNOWLEDGED

    request = post(play.product_path(call, token, product, ":acknowledge"), json={}, step="acknowledge")
    return (yield from play.settled(request, look, purchase_name(token)))


@connector.action(
    "consume_product", "Consume a one-time purchase", params=ProductParams, repeat=Repeat.HARMLESS,
    help=f"The user can buy it again from then on; it is acknowledged by that. {REPORTED_HELP}",
)
def consume_product(call: Call[GooglePlaySettings, ProductParams]) -> Flow:
    """Use up what was bought."""
    token, product = known(call, play.REPORTED).value, play.product_of(call, call.params.product_id)

    def look() -> play.Look:
        return play.is_consumed((yield from play.one_time(call, token)), product)

    request = post(play.product_path(call, token, product, ":consume"), step="consume")
    return (yield from play.settled(request, look, purchase_name(token)))


@connector.action(
    # The etag keeps one and the same request from extending twice, but after a crash nobody remembers it.
    "defer_renewal", "Extend the renewal date", params=DeferParams, repeat=Repeat.NEVER,
    help=f"The user keeps access without paying until the later date. {SYNCED_HELP} If the answer is lost, compare"
         " expires_at in verify_subscription before you replay.",
)
def defer_renewal(call: Call[GooglePlaySettings, DeferParams]) -> Flow:
    """Move the renewal of exactly the subscription that was read; read again where it changed meanwhile."""
    found = yield from play.subscription(call, play.synced_first(call))
    request = _deferral(call, found, "defer")
    response = yield request._replace(look_at=frozenset(play.STALE))
    if not response.ok:
        if not play.is_stale(response):
            raise play.refused(request, response)
        again = yield from play.subscription(call, found.token, "look_again")
        if play.was_extended(found, again, timedelta(days=call.params.days)):
            return Done(again.expires_at, "already_done", told(expires_at=again.expires_at))
        response = yield _deferral(call, again, "defer_again")
    ends = str(response.member("itemExpiryTimeDetails", 0, "expiryTime") or "")
    return Done(ends, detail=told(expires_at=ends))


def _deferral(call: Call[GooglePlaySettings, DeferParams], found: play.Subscription, step: str) -> Request:
    body = {"deferDuration": f"{call.params.days * 86_400}s", "etag": found.etag, "validateOnly": False}
    return post(play.subscription_path(call, found.token, ":defer"), json={"deferralContext": body}, step=step)


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelParams, repeat=Repeat.HARMLESS,
    help=f"It does not renew; access stays until the end of what is paid. {SYNCED_HELP}",
)
def cancel_subscription(call: Call[GooglePlaySettings, CancelParams]) -> Flow:
    """Stop the renewal."""
    token = play.synced_first(call)

    def look() -> play.Look:
        return (yield from play.subscription(call, token, "look_again")).state in ("canceled", "expired")

    body = {"cancellationContext": {"cancellationType": call.params.cancellation_type}}
    request = post(play.subscription_path(call, token, ":cancel"), json=body, step="cancel")
    return (yield from play.settled(request, look, purchase_name(token)))


def _revoke_safety(params: RevokeParams, _settings: GooglePlaySettings) -> Repeat:
    """A whole subscription has visibly ended once it is revoked; of a single item that is not documented."""
    return Repeat.NEVER if params.refund == "item" else Repeat.LOOK_BEFORE


@connector.action(
    "revoke_subscription", "Revoke and refund the subscription", params=RevokeParams, repeat=Repeat.LOOK_BEFORE,
    repeat_of=_revoke_safety,
    help=f"Ends access at once and gives money back. {SYNCED_HELP} Of a single item a lost answer is never repeated.",
)
def revoke_subscription(call: Call[GooglePlaySettings, RevokeParams]) -> Flow:
    """End the subscription with a refund, unless it was ended so."""
    found = yield from play.subscription(call, play.synced_first(call))
    reference = purchase_name(found.token)
    if found.state == "expired":
        by_us = "developerInitiatedCancellation" in (found.facts.get("canceledStateContext") or {})
        if by_us or call.doubtful:
            return Done(reference, "already_done")
        raise Rejected("subscription_expired", "it has ended by itself: there is nothing to revoke")
    kinds = {"full": {"fullRefund": {}}, "prorated": {"proratedRefund": {}},
             "item": {"itemBasedRefund": {"productId": call.params.product_id}}}
    body = {"revocationContext": kinds[call.params.refund]}
    yield post(play.subscription_path(call, found.token, ":revoke"), json=body, step="revoke")
    return Done(reference)


@connector.action(
    "refund_order", "Refund an order", params=RefundParams, repeat=Repeat.LOOK_BEFORE,
    help="Gives back the whole amount of an order of the last three years. Needs the event's context order_id or the"
         " attribute google_order_id.",
)
def refund_order(call: Call[GooglePlaySettings, RefundParams]) -> Flow:
    """Refund the order, unless that was done."""
    order = known(call, play.ORDER, play.SYNCED_ORDER).value
    path = play.path(call, "orders", segment(order))
    found = yield get(path, step="order")
    if found.member("state") in REFUNDED or found.member("orderHistory", "refundEvent"):
        return Done(order, "already_done")
    yield post(f"{path}:refund", query={"revoke": call.params.revoke}, step="refund")
    return Done(order)
