"""Roku Pay: purchases by the channel, everything else by Roku Pay Web Services (unversioned).

Reference: https://developer.roku.com/docs/developer-program/roku-pay/implementation/roku-web-service.md
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import orjson
from pydantic import SecretStr, model_validator

from connectors.billing import _roku_transactions as roku
from connectors.billing._roku_transactions import SYNCED, TRANSACTION_HELP
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    MissingAttributes,
    OptionsFlow,
    Params,
    Rejected,
    Repeat,
    Request,
    Settings,
    Sign,
    SignContext,
    Signed,
    field,
    get,
    instruct,
    post,
    segment,
)
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.money import json_number
from connectors.kit.purchase import offered, perhaps_known, told

BASE_URL = "https://apipub.roku.com/listen/transaction-service.svc"
BILL_CYCLE = "/update-bill-cycle"
NEW_DATE = "newBillCycleDate"
IN_DOUBT = "If the answer is lost, look at the customer in Roku's developer dashboard before you replay."


class RokuSettings(Settings):
    """How to reach Roku Pay."""

    api_key: SecretStr = field(
        "Roku Pay API key", min_length=1,
        help="Roku developer dashboard > Roku Pay Web Services > API key. It may do all that the actions do; if Roku"
             " limits callers by address, the address of this service must be allowed there.",
    )
    channel_id: str = field(
        "Channel ID", default="", help="Only for service credits; else taken from the customer's transaction."
    )
    products: tuple[str, ...] = field(
        "Product IDs offered in prompts", default=(),
        help="Roku developer dashboard > Monetization > Products; they become the pick list of bindings.",
    )
    base_url: str = field("API base URL", default=BASE_URL, help="Leave as it is.")
    allow_bill_cycle: bool = field(
        "Allow moving billing dates", default=False,
        help="Switches the action update_bill_cycle on. Roku's newest reference does not list it: ask Roku first.",
    )
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        home = self.base_url.rstrip("/").removesuffix(urlsplit(BASE_URL).path)
        why = host_problem(home, ("apipub.roku.com",), test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self


def signer(settings: RokuSettings) -> Sign:
    """The key is a part of the path of what is read, and a member of the body of what is changed."""
    base, key = settings.base_url.rstrip("/"), settings.api_key.get_secret_value()
    member = b'{"partnerAPIKey":' + orjson.dumps(key) + b","

    def sign(request: Request, _context: SignContext) -> Signed:
        """Put the key in its place."""
        lines = header_lines(request, ("Accept: application/json",))
        if request.body:
            return Signed(request.method, address(base, request), lines, member + request.body.removeprefix(b"{"))
        operation, _, transaction = request.path[1:].partition("/")
        keyed = request._replace(path=f"/{operation}/{segment(key)}/{transaction}")
        return Signed(request.method, address(base, keyed), lines, None)

    return sign


def check(_settings: RokuSettings) -> CheckFlow:
    """Ask for a transaction that cannot exist: only a good key gets as far as being told so."""
    request = get(f"/validate-transaction/{'0' * 32}", step="check", look_at=(200, 400, 404))
    refusal = roku.read(request, (yield request))
    if refusal and not isinstance(refusal, Rejected):
        raise refusal
    return Account("", "live")


def products(settings: RokuSettings) -> OptionsFlow:
    """The products that the settings name: Roku has no list to ask for."""
    yield from ()
    return offered(settings.products)


connector = Connector(
    "roku", "Roku Pay", "billing", RokuSettings, signer,
    help="Starts purchases on the device; verifies, cancels, refunds and credits on the server.",
    docs="https://developer.roku.com/docs/developer-program/roku-pay/implementation/roku-web-service.md",
    api_version="Roku Pay Web Services (unversioned)",
    read=roku.read, check=check, options={"products": products}, limits=Limits(rate=20.0, concurrency=20),
    confidence="Not tried against Roku. Its error codes are not published, except UNAUTHORIZED; nor whether it"
               " recognises repeats by our reference, so that refunds and credits are never repeated. Whether"
               " update_bill_cycle still exists, and under which names, is uncertain: it is off by default.",
)


class PurchaseParams(Params):
    """What to offer in the store's dialog."""

    product_id: str = field("Product ID (In App SKU)", options="products", min_length=1,
                            help="What the store's dialog offers.")
    intent: Literal["upgrade", "downgrade", "purchase"] = field(
        "Upgrade or downgrade", default="upgrade",
        help="Old and new product of an upgrade or downgrade belong to one product group in Roku's dashboard.",
    )


@connector.action(
    "request_purchase", "Start the in-app purchase", params=PurchaseParams, repeat=Repeat.HARMLESS, kind="instruction",
    help="Tells the channel to place the order in Roku's store: a server cannot.",
)
def request_purchase(call: Call[RokuSettings, PurchaseParams]) -> Flow:
    """Instruct the device; the channel reports the transaction later, with the event's id."""
    yield from ()
    product, intent = call.params.product_id, call.params.intent
    action = None if intent == "purchase" else intent.capitalize()
    return instruct("purchase", call.event.event_id, store="roku", product_id=product, intent=intent,
                    order_action=action, event_id=call.event.event_id)


class VerifyParams(Params):
    """What the transaction should be about."""

    expected_product_id: str = field("Expected product", default="", options="products",
                                     help="Fails where it is another one. Empty: any product.")


@connector.action(
    "validate_transaction", "Verify a transaction reported by the app", params=VerifyParams, repeat=Repeat.HARMLESS,
    help="Needs the event's context transaction_id or the attribute roku_transaction_id. Fails where access has ended."
         " Of one-time rentals Roku never says that the customer is entitled: they succeed until they run out.",
)
def validate_transaction(call: Call[RokuSettings, VerifyParams]) -> Flow:
    """Ask Roku about the transaction."""
    found = yield from roku.transaction(roku.transaction_id(call, roku.REPORTED, SYNCED))
    expected, ends = call.params.expected_product_id, found.moment("expirationDate")
    if expected and found.text("productId") != expected:
        raise Rejected("product_mismatch", f"it is of the product {found.text('productId')}, not of {expected}")
    if not found.is_entitled and found.is_cancelled:
        raise Rejected("purchase_cancelled", "the customer cancelled, and has no access any more")
    if not found.is_entitled and ends and ends.timestamp() <= call.now:
        raise Rejected("purchase_expired", f"access ended at {roku.iso(ends)}Z")
    return Done(found.text("transactionId") or found.id, detail=found.detail())


class CancelParams(Params):
    """When the subscription ends, and whether Roku tells the customer."""

    when: Literal["end_of_period", "now"] = field(
        "When", default="end_of_period", help="With what is paid, or at once.")
    dont_notify_user: bool = field(
        "Do not send Roku's mail", default=False, help="On: the customer does not hear of it from Roku.")


@connector.action(
    "cancel_subscription", "Cancel the subscription", params=CancelParams, repeat=Repeat.LOOK_BEFORE,
    help=f"Ends it at once, or with what is paid. A subscription that was cancelled is left as it is."
         f" {TRANSACTION_HELP}",
)
def cancel_subscription(call: Call[RokuSettings, CancelParams]) -> Flow:
    """Cancel, unless that was done."""
    found = yield from roku.transaction(roku.transaction_id(call))
    if found.is_cancelled:
        return Done(found.id, "already_done", found.detail())
    now, ends = datetime.fromtimestamp(call.now, UTC), found.moment("expirationDate")
    if ends is None and call.params.when == "end_of_period":
        raise Rejected("no_expiration_date", "Roku names no end of the period; it is no subscription")
    # past its end while Roku tries to collect the payment, it can only end now
    at = now if call.params.when == "now" or ends is None else max(ends, now)
    yield _change(call, "/cancel-subscription", transactionId=found.id, cancellationDate=roku.iso(at),
                  dontNotifyUser=call.params.dont_notify_user)
    return Done(found.id, detail=told(ends_at=f"{roku.iso(at)}Z"))


def _change(call: Call[RokuSettings, Any], path: str, **members: Any) -> Request:
    """A change that Roku keeps with our reference; the key is added when it is signed."""
    body = {name: value for name, value in members.items() if value != ""}
    return post(path, json={**body, "partnerReferenceId": call.outcome_id}, step=path.strip("/").replace("-", "_"))


class RefundParams(Params):
    """How much to give back, and why."""

    amount: Decimal = field(
        "Amount", gt=0, max_digits=12, decimal_places=2,
        help="In the currency of the purchase, without tax, which Roku adds; at most the price.",
    )
    comments: str = field("Comment", default="", help="Stands with Roku beside the transaction.")


@connector.action(
    "refund_subscription", "Refund", params=RefundParams, repeat=Repeat.NEVER,
    help=f"Gives back part or all of one transaction; never more than its price in sum. {TRANSACTION_HELP} {IN_DOUBT}",
)
def refund_subscription(call: Call[RokuSettings, RefundParams]) -> Flow:
    """Refund an amount of the transaction."""
    answer = yield _change(
        call, "/refund-subscription", transactionId=roku.transaction_id(call), amount=json_number(call.params.amount),
        comments=call.params.comments,
    )
    return Done(str(roku.facts_of(answer).get("refundid") or ""))


class CreditParams(Params):
    """How much to credit, and for what."""

    amount: Decimal = field(
        "Amount", gt=0, max_digits=12, decimal_places=2, help="In the customer's currency; off the next charges."
    )
    product_id: str = field(
        "Product", default="", options="products",
        help="Else the product of the customer's transaction; where none is known, the credit is for the whole app.",
    )
    comments: str = field("Comment", default="", help="Stands with Roku beside the transaction.")


@connector.action(
    "issue_service_credit", "Give a service credit", params=CreditParams, repeat=Repeat.NEVER,
    help="Needs the attribute roku_customer_id, or roku_transaction_id, or the event's context transaction_id. The"
         f" channel is that of the settings, else that of the transaction. {IN_DOUBT}",
)
def issue_service_credit(call: Call[RokuSettings, CreditParams]) -> Flow:
    """Credit an amount to the customer; what is not known of customer, channel and product is looked up."""
    customer = perhaps_known(call, "roku_customer_id", "context.roku_customer_id")
    known = {"rokuCustomerId": customer.value if customer else "", "channelId": call.settings.channel_id,
             "productId": call.params.product_id}
    transaction = roku.perhaps_transaction_id(call)
    if not customer and not transaction:
        raise MissingAttributes(("roku_customer_id", SYNCED, roku.REPORTED))
    if transaction and not all(known.values()):
        found = yield from roku.transaction(transaction)
        known = {name: value or found.text(name) for name, value in known.items()}
    if not known["channelId"]:
        raise MissingAttributes((SYNCED, roku.REPORTED), "no channel: enter its id in the settings, or sync"
                                                         f" {SYNCED}")
    answer = yield _change(call, "/issue-service-credit", amount=json_number(call.params.amount), **known,
                           comments=call.params.comments)
    return Done(str(roku.facts_of(answer).get("referenceid") or ""))


class BillCycleParams(Params):
    """How long to postpone."""

    days: int = field("Days", ge=1, le=365, help="Added to the end of what is paid.")


@connector.action(
    "update_bill_cycle", "Move the next billing date", params=BillCycleParams, repeat=Repeat.NEVER,
    help=f"Postpones the next charge. Off until the settings allow it. {TRANSACTION_HELP} {IN_DOUBT}",
)
def update_bill_cycle(call: Call[RokuSettings, BillCycleParams]) -> Flow:
    """Move the end of what is paid."""
    if not call.settings.allow_bill_cycle:
        raise Rejected("switched_off", "allow moving billing dates in the connector's settings, once Roku confirmed it")
    found = yield from roku.transaction(roku.transaction_id(call))
    ends = found.moment("expirationDate")
    if ends is None:
        raise Rejected("no_expiration_date", "Roku names no end of the period; it is no subscription")
    until = f"{roku.iso(ends + timedelta(days=call.params.days))}Z"
    body = {"transactionId": found.id, NEW_DATE: until}
    yield post(BILL_CYCLE, json=body, step="update_bill_cycle")
    return Done(f"{found.id}:{until}", detail=told(bills_at=until))
