"""Apple App Store: purchases by the device, everything else by the App Store Server API.

Reference: https://developer.apple.com/documentation/appstoreserverapi
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.billing._apple_transactions import (
    SANDBOX_REALM,
    account_token,
    ask,
    check_app,
    check_purchase,
    detail,
    moment,
    original_transaction,
    read,
    stated_error,
    subscription,
    transaction,
    trusted,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Limits,
    NoParams,
    OptionsFlow,
    Params,
    Rejected,
    Repeat,
    Request,
    Settings,
    Sign,
    SignContext,
    Signed,
    Token,
    TokenFlow,
    field,
    get,
    instruct,
    post,
    put,
    segment,
)
from connectors.kit.auth import private_key_problem, signed_jwt
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.jws import is_certificate
from connectors.kit.purchase import known, offered

PRODUCTION = "https://api.storekit.apple.com"
SANDBOX = "https://api.storekit-sandbox.apple.com"
HOSTS = tuple(f"api.{name}.apple.com" for name in (
    "storekit", "storekit-sandbox", "storekit.itunes", "storekit-sandbox.itunes",
))
STATUS = {1: "active", 2: "expired", 3: "billing_retry", 4: "grace_period", 5: "revoked"}
AGREED = frozenset({"true", "yes", "1", "on", "y", "agree", "agreed"})
"""What a form may hold for a yes."""


class AppleSettings(Settings):
    """How to reach the App Store for one app."""

    bundle_id: str = field("Bundle ID", min_length=1, help="App Store Connect > the app > App Information.")
    issuer_id: str = field(
        "Issuer ID", min_length=1, help="App Store Connect > Users and Access > Integrations > In-App Purchase."
    )
    key_id: str = field(
        "Key ID of the In-App Purchase key", public=True, min_length=1, help="Beside the key in App Store Connect."
    )
    private_key: SecretStr = field("Private key", help="Content of the .p8 file, which can be downloaded once.")
    app_apple_id: int | None = field(
        "Apple ID of the app", default=None, help="A number; with it, answers are checked to be about this app."
    )
    environment: Literal["Production", "Sandbox", "Auto"] = field(
        "Environment", default="Production",
        help="Auto asks production first, and the sandbox where production does not know the transaction.",
    )
    products: tuple[str, ...] = field(
        "Product IDs offered in prompts", default=(), help="They become the pick list of bindings."
    )
    base_url: str = field(
        "API base URL", default="", placeholder=PRODUCTION, help="Instead of the environment's own address."
    )
    allow_test_hosts: bool = test_hosts_field()
    root_certificate: str = field(
        "Root certificate", default="",
        help="PEM; only for transactions that are signed by a test root. Apple Root CA - G3 is known.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong = {"private_key": private_key_problem(self.private_key, "ES256")}
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        if self.root_certificate and not is_certificate(self.root_certificate):
            wrong["root_certificate"] = "is no PEM certificate; it begins with -----BEGIN CERTIFICATE-----"
        refuse({name: why for name, why in wrong.items() if why})
        return self


def token(settings: AppleSettings, now: float) -> TokenFlow:
    """A JWT for five minutes, signed here: Apple is not asked, so nothing is yielded."""
    yield from ()
    claims = {"iss": settings.issuer_id, "iat": int(now), "exp": int(now) + 300, "aud": "appstoreconnect-v1",
              "bid": settings.bundle_id}
    value = signed_jwt(settings.private_key, claims, algorithm="ES256", headers={"kid": settings.key_id})
    return Token(value, now + 240)


def signer(settings: AppleSettings) -> Sign:
    """The JWT, and the host of the environment; the realm tells where Auto is about to look."""
    first = SANDBOX if settings.environment == "Sandbox" else PRODUCTION
    hosts = {"": settings.base_url.rstrip("/") or first, SANDBOX_REALM: settings.base_url.rstrip("/") or SANDBOX}

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host and token."""
        held = context.token.value if context.token else ""
        lines = header_lines(request, (f"Authorization: Bearer {held}", "Accept: application/json"))
        return Signed(request.method, address(hosts[request.realm], request), lines, request.body)

    return sign


def check(settings: AppleSettings) -> CheckFlow:
    """Ask for a transaction that cannot exist: only a good token gets as far as being told so."""
    response = yield get("/inApps/v1/transactions/0", step="check", look_at=(400, 404))
    if not response.ok and not stated_error(response).number:
        raise Rejected(f"http_{response.status}", "no answer of the App Store Server API", status=response.status)
    return Account(settings.bundle_id, "sandbox" if settings.environment == "Sandbox" else "live")


def products(settings: AppleSettings) -> OptionsFlow:
    """The products that the settings name: Apple has no list to ask for."""
    yield from ()
    return offered(settings.products)


connector = Connector(
    "apple_app_store", "Apple App Store", "billing", AppleSettings, signer,
    help="Starts purchases on the device; verifies, extends and explains subscriptions on the server.",
    docs="https://developer.apple.com/documentation/appstoreserverapi",
    api_version="App Store Server API (library 3.1.2)",
    read=read,
    tokens={"": token, SANDBOX_REALM: token},
    check=check,
    options={"products": products},
    limits=Limits(rate=20, concurrency=50),
    confidence="Whether Apple recognises a repeated requestIdentifier is not documented: an extension whose answer "
    "was lost is never repeated by itself.",
)

class PurchaseParams(Params):
    """What to offer in the store's dialog."""

    product_id: str = field(
        "Product (In App SKU)", options="products", min_length=1, help="What the store's dialog offers."
    )
    intent: Literal["purchase", "upgrade", "downgrade"] = field(
        "Intent", default="upgrade", help="Told to the app; to Apple each is a purchase in the same subscription group."
    )
    offer_id: str = field(
        "Promotional offer id", default="", help="An offer of the product in App Store Connect; empty for none."
    )


@connector.action(
    "request_purchase", "Start the in-app purchase", params=PurchaseParams, repeat=Repeat.HARMLESS, kind="instruction",
    help="Tells the app to open the store's dialog: a server cannot start a purchase.",
)
def request_purchase(call: Call[AppleSettings, PurchaseParams]) -> Flow:
    """Instruct the device; the app reports the transaction later, with the event's id."""
    yield from ()
    params = call.params
    return instruct(
        "purchase", call.event.event_id, store="apple_app_store", product_id=params.product_id, intent=params.intent,
        offer_id=params.offer_id or None, app_account_token=account_token(call), event_id=call.event.event_id,
    )


class VerifyParams(Params):
    """What the transaction should be about."""

    expected_product_id: str = field(
        "Expected product", default="", options="products", help="Fails where it is another one. Empty: any product."
    )


@connector.action(
    "verify_transaction", "Verify a transaction reported by the app", params=VerifyParams, repeat=Repeat.HARMLESS,
    help="Needs the event's context transaction_id or signed_transaction, or the attribute apple_transaction_id.",
)
def verify_transaction(call: Call[AppleSettings, VerifyParams]) -> Flow:
    """Ask Apple about the transaction, or check the signature of the one that the app sent along."""
    found = known(call, "context.transaction_id", "context.signed_transaction", "apple_transaction_id")
    if found.name == "context.signed_transaction":
        facts = trusted(call, found.value)
    else:
        facts = (yield from transaction(call, found.value)).facts
    check_purchase(call, facts, call.params.expected_product_id)
    return Done(str(facts.get("originalTransactionId", "")), detail=detail(
        product_id=facts.get("productId"), environment=facts.get("environment"),
        expires_at=moment(facts.get("expiresDate")),
    ))


@connector.action(
    "get_subscription_status", "Look up the subscription status", repeat=Repeat.HARMLESS,
    help="Needs the event's context transaction_id or the attribute apple_original_transaction_id.",
)
def get_subscription_status(call: Call[AppleSettings, NoParams]) -> Flow:
    """The state of the customer's subscription: the one that was named, else the liveliest."""
    found = known(call, "context.transaction_id", "apple_original_transaction_id")
    asked = yield from ask(call, get(f"/inApps/v1/subscriptions/{segment(found.value)}", step="status"))
    check_app(call, asked.response)
    one = subscription(asked.response, found.value)
    status = STATUS.get(one.status, str(one.status))
    return Done(f"{one.original}:{status}", detail=detail(
        status=status, product_id=one.facts.get("productId"), expires_at=moment(one.facts.get("expiresDate")),
        auto_renew_status=one.renewal.get("autoRenewStatus"),
        auto_renew_product_id=one.renewal.get("autoRenewProductId"),
    ))


class ExtendParams(Params):
    """How long to extend, and why."""

    days: int = field("Days (1 to 90)", ge=1, le=90, help="Added to the renewal date.")
    reason_code: Literal[0, 1, 2, 3] = field(
        "Reason", default=1, help="0 undeclared, 1 customer satisfaction, 2 other, 3 service issue or outage."
    )


@connector.action(
    "extend_renewal_date", "Extend the renewal date", params=ExtendParams, repeat=Repeat.NEVER,
    help="Gives an active, paying subscriber up to 90 free days, twice a year at most. Needs the attribute "
    "apple_original_transaction_id or the event's context transaction_id. If the answer is lost, compare the renewal "
    "date in get_subscription_status before you replay: Apple promises no recognition of repeats.",
)
def extend_renewal_date(call: Call[AppleSettings, ExtendParams]) -> Flow:
    """Move the renewal date; the outcome id names the request to Apple."""
    original = yield from original_transaction(call)
    body = {"extendByDays": call.params.days, "extendReasonCode": call.params.reason_code,
            "requestIdentifier": call.outcome_id}
    path = f"/inApps/v1/subscriptions/extend/{segment(original.id)}"
    response = (yield from ask(call, put(path, json=body, step="extend", realm=original.realm))).response
    if response.member("success") is not True:
        raise Rejected("not_extended", "Apple answered without success", status=response.status)
    effective = response.member("effectiveDate")
    return Done(f"{original.id}:{effective}", detail=detail(effective_date=moment(effective)))


@connector.action(
    "finish_transaction", "Finish a transaction from the server", repeat=Repeat.HARMLESS,
    help="Marks the transaction in the event's context transaction_id as delivered.",
)
def finish_transaction(call: Call[AppleSettings, NoParams]) -> Flow:
    """Tell Apple that the purchase was delivered."""
    found = known(call, "context.transaction_id").value
    yield from ask(call, post(f"/inApps/v1/transactions/{segment(found)}/finish", step="finish"))
    return Done(found)


@connector.action(
    "set_app_account_token", "Tie the purchase to our user", repeat=Repeat.HARMLESS,
    help="Needs the attribute apple_original_transaction_id or the event's context transaction_id. The token is the "
    "user's id where that is a UUID, else one derived from it.",
)
def set_app_account_token(call: Call[AppleSettings, NoParams]) -> Flow:
    """Set the UUID that links the subscription to the account."""
    original = yield from original_transaction(call)
    value = account_token(call)
    path = f"/inApps/v1/transactions/{segment(original.id)}/appAccountToken"
    yield from ask(call, put(path, json={"appAccountToken": value}, step="account_token", realm=original.realm))
    return Done(value)


class ConsumptionParams(Params):
    """What to tell Apple about a purchase whose money is asked back."""

    refund_preference: Literal["", "DECLINE", "GRANT_FULL", "GRANT_PRORATED"] = field(
        "Preference", default="", help="What you would like Apple to decide; empty: no wish."
    )
    delivery_status: Literal[
        "DELIVERED", "UNDELIVERED_QUALITY_ISSUE", "UNDELIVERED_WRONG_ITEM", "UNDELIVERED_SERVER_OUTAGE",
        "UNDELIVERED_OTHER",
    ] = field("Delivery", default="DELIVERED", help="Whether the customer got what was bought.")
    consumption_percentage: int | None = field(
        "Used, in thousandths of a percent", default=None, ge=0, le=100_000, help="50000 is half; empty: not told."
    )


@connector.action(
    "send_consumption_info", "Answer a refund question", params=ConsumptionParams, repeat=Repeat.HARMLESS,
    form_inputs=[FormInput("consent", "Consent", help="The customer must have agreed.")],
    help="Only useful within 12 hours of Apple's question. Needs the event's context transaction_id.",
)
def send_consumption_info(call: Call[AppleSettings, ConsumptionParams]) -> Flow:
    """Tell how much was used and what we would prefer, with the customer's consent."""
    found = known(call, "context.transaction_id").value
    if call.form("consent").lower() not in AGREED:
        raise Rejected("no_consent", "the customer did not agree: nothing may be told to Apple")
    params = call.params
    told = {
        "customerConsented": True, "sampleContentProvided": False, "deliveryStatus": params.delivery_status,
        "consumptionPercentage": params.consumption_percentage, "refundPreference": params.refund_preference or None,
    }
    body = {name: value for name, value in told.items() if value is not None}
    yield from ask(call, put(f"/inApps/v2/transactions/consumption/{segment(found)}", json=body, step="consumption"))
    return Done(found)
