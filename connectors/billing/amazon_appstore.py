"""Amazon Appstore: purchases by the device, verification by the Receipt Verification Service (RVS) 1.0.

Reference: https://developer.amazon.com/docs/in-app-purchasing/iap-rvs-for-android-apps.html
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Self

from pydantic import SecretStr, model_validator

from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Failure,
    Flow,
    Limits,
    Misconfigured,
    NoParams,
    OptionsFlow,
    Params,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    Unavailable,
    failure,
    field,
    get,
    instruct,
    segment,
    sign_with,
)
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.purchase import known, offered, told

BASE_URL = "https://appstore-sdk.amazon.com"
OPERATION = "/version/1.0/verifyReceiptId/developer"
RAW = ":="
"""Signs that stand in ids and secrets, and that Amazon's own examples do not encode."""
WRONG_SECRET, WRONG_USER, GONE = 496, 497, 410
MEANING = {
    400: ("invalid_receipt", "Amazon knows no such receipt of this user and this app"),
    GONE: ("receipt_no_longer_valid", "the transaction is no longer valid: treat it as cancelled"),
    WRONG_USER: ("invalid_user_id", "Amazon knows no such user"),
}
REASONS = {0: "payment_or_approval_pending", 1: "customer", 2: "amazon", 4: "replaced"}
RECEIPT_HELP = "Needs amazon_user_id and amazon_receipt_id, each in the event's context or as an attribute."

Facts = Mapping[str, Any]


class AmazonSettings(Settings):
    """How to ask Amazon about the receipts of all your apps."""

    shared_secret: SecretStr = field(
        "Shared secret", min_length=1,
        help="Amazon developer console > Settings > Identity > Shared Key. It reads receipts and can change nothing.",
    )
    environment: Literal["production", "sandbox"] = field(
        "Environment", default="production",
        help="The sandbox knows receipts of Amazon's App Tester and takes any shared secret.",
    )
    products: tuple[str, ...] = field(
        "SKUs offered in prompts", default=(),
        help="Amazon developer console > your app > In-App Items; they become the pick list of bindings.",
    )
    base_url: str = field("API base URL", default=BASE_URL, help="Leave as it is.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        why = host_problem(self.base_url, ("appstore-sdk.amazon.com",), test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self


def signer(settings: AmazonSettings) -> Sign:
    """The secret is a part of the path: only here it is put in."""
    sandbox = "/sandbox" if settings.environment == "sandbox" else ""
    secret = segment(settings.shared_secret.get_secret_value(), keep=RAW)
    return sign_with(f"{settings.base_url.rstrip('/')}{sandbox}{OPERATION}/{secret}", {"Accept": "application/json"})


def read(_request: Request, response: Response) -> Failure | None:
    """By Amazon's own statuses; what it says besides is left out, since it could repeat the secret."""
    status = response.status
    if response.ok and not isinstance(response.json, dict):
        return Unavailable("unreadable_answer", "a success without a receipt in it", status=status)
    if status == WRONG_SECRET:
        return Misconfigured("invalid_shared_secret", "Amazon does not know the shared secret", status=status)
    code, message = MEANING.get(status, ("", ""))
    return failure(response, code, message)


def _receipt(user: str, receipt: str, step: str) -> Request:
    return get(f"/user/{segment(user, keep=RAW)}/receiptId/{segment(receipt, keep=RAW)}", step=step)


def check(settings: AmazonSettings) -> CheckFlow:
    """Ask for a receipt that cannot exist: only a good secret gets as far as being told so."""
    request = _receipt("connection-test", "connection-test", "check")
    yield request._replace(look_at=frozenset({400, GONE, WRONG_USER}))
    return Account("", "sandbox" if settings.environment == "sandbox" else "live")


def products(settings: AmazonSettings) -> OptionsFlow:
    """The SKUs that the settings name: Amazon has no list to ask for."""
    yield from ()
    return offered(settings.products)


connector = Connector(
    "amazon_appstore", "Amazon Appstore", "billing", AmazonSettings, signer,
    help="Starts purchases on Fire TV and Fire tablets, and verifies their receipts. Amazon lets no server cancel,"
         " refund or extend.",
    docs="https://developer.amazon.com/docs/in-app-purchasing/iap-rvs-for-android-apps.html",
    api_version="Receipt Verification Service 1.0",
    read=read, check=check, options={"products": products}, limits=Limits(rate=20.0, concurrency=20),
    confidence="Not tried against Amazon. The rate limit is not published (20 a second is our guess), nor whether the"
               " connection test, which asks for a receipt that does not exist, tells a wrong shared secret in every"
               " case.",
)


class PurchaseParams(Params):
    """What to offer in the store's dialog."""

    product_id: str = field(
        "SKU (In App SKU)", options="products", min_length=1, help="Of a subscription, the SKU of a term."
    )
    intent: Literal["purchase", "upgrade", "downgrade"] = field(
        "Intent", default="upgrade", help="Told to the app, which opens the store's dialog.")


@connector.action(
    "request_purchase", "Start the in-app purchase", params=PurchaseParams, repeat=Repeat.HARMLESS, kind="instruction",
    help="Tells the app to open Amazon's dialog: a server cannot start or change a purchase.",
)
def request_purchase(call: Call[AmazonSettings, PurchaseParams]) -> Flow:
    """Instruct the device; the app reports the receipt later, with the event's id."""
    yield from ()
    return instruct(
        "purchase", call.event.event_id, store="amazon_appstore", product_id=call.params.product_id,
        intent=call.params.intent, event_id=call.event.event_id,
    )


class Receipt(NamedTuple):
    """A receipt as Amazon sees it now."""

    id: str
    facts: Facts

    @property
    def skus(self) -> tuple[object, object]:
        """The product, and the term of a subscription."""
        return self.facts.get("productId"), self.facts.get("termSku")

    def moment(self, name: str) -> str:
        """A date as ISO 8601; "" where there is none."""
        value = self._seconds(name)
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else ""

    def lies_ahead(self, name: str, now: float) -> bool:
        """Whether a date is still to come."""
        return self._seconds(name) > now

    def _seconds(self, name: str) -> float:
        value = self.facts.get(name)
        return value / 1000 if isinstance(value, (int, float)) else 0.0

    @property
    def is_ended(self) -> bool:
        """Whether it was cancelled or, of a subscription, has run out."""
        return self.facts.get("cancelDate") is not None

    @property
    def reason(self) -> str:
        """Why it ended; "" where Amazon does not say."""
        found = self.facts.get("cancelReason")
        return REASONS.get(found, str(found)) if isinstance(found, int) else ""

    def detail(self) -> dict[str, str]:
        """What is worth keeping of it."""
        facts = self.facts
        is_test = facts.get("testTransaction") is True or facts.get("betaProduct") is True
        return told(
            product_id=facts.get("productId"), product_type=facts.get("productType"), term_sku=facts.get("termSku"),
            renews_at=self.moment("renewalDate"), auto_renew=facts.get("autoRenewing"),
            ended_at=self.moment("cancelDate"), ended_by=self.reason, test=is_test or None,
        )


ReceiptFlow = Generator[Request, Response, Receipt]


def _read_receipt(call: Call[AmazonSettings, Any]) -> ReceiptFlow:
    user = known(call, "context.amazon_user_id", "amazon_user_id").value
    receipt = known(call, "context.amazon_receipt_id", "amazon_receipt_id").value
    response = yield _receipt(user, receipt, "receipt")
    return Receipt(str(response.member("receiptId") or receipt), response.json)


class VerifyParams(Params):
    """What the receipt should be of."""

    expected_product_id: str = field(
        "Expected SKU", default="", options="products", help="Of a subscription, its own SKU or that of the term."
    )


@connector.action(
    "verify_receipt", "Verify a receipt reported by the app", params=VerifyParams, repeat=Repeat.HARMLESS,
    help=f"Succeeds where the receipt is of this user and stands. {RECEIPT_HELP}",
)
def verify_receipt(call: Call[AmazonSettings, VerifyParams]) -> Flow:
    """Ask Amazon about the receipt."""
    receipt = yield from _read_receipt(call)
    expected = call.params.expected_product_id
    if receipt.is_ended:
        why = f" ({receipt.reason})" if receipt.reason else ""
        raise Rejected("receipt_cancelled", f"cancelled or ended at {receipt.moment('cancelDate')}{why}")
    if expected and expected not in receipt.skus:
        raise Rejected("product_mismatch", f"the receipt is of {receipt.facts.get('productId')}, not of {expected}")
    return Done(receipt.id, detail=receipt.detail())


@connector.action(
    "get_subscription_status", "Look up the subscription status", repeat=Repeat.HARMLESS,
    help=f"The receipt of a subscription stays the same when it renews. {RECEIPT_HELP}",
)
def get_subscription_status(call: Call[AmazonSettings, NoParams]) -> Flow:
    """Ask Amazon about the receipt, and say what that means."""
    receipt = yield from _read_receipt(call)
    if receipt.facts.get("productType") not in (None, "SUBSCRIPTION"):
        raise Rejected("no_subscription", "the receipt is of a one-time purchase")
    status = _status(receipt, call.now)
    return Done(f"{receipt.id}:{status}", detail={"status": status, **receipt.detail(), **told(
        deferred_sku=receipt.facts.get("deferredSku"), deferred_to=receipt.moment("deferredDate"),
        grace_period_ends_at=receipt.moment("gracePeriodEndDate"),
        free_trial_ends_at=receipt.moment("freeTrialEndDate"),
    )})


def _status(receipt: Receipt, now: float) -> str:
    if receipt.is_ended:
        return "ended"
    if receipt.lies_ahead("gracePeriodEndDate", now):
        return "grace_period"
    if not receipt.lies_ahead("renewalDate", now):
        return "expired"
    return "will_not_renew" if receipt.facts.get("autoRenewing") is False else "active"
