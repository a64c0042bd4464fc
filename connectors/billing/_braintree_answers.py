"""How Braintree's answers are read, and what is found in its XML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from connectors.kit import Failure, Rejected, Request, Response, Unavailable, failure
from connectors.kit.soap import found, parse, value

ID_IN_USE, TOKEN_GONE, HAS_DISCOUNT = "81902", "91903", "91911"
HINTS: Mapping[str, str] = {
    "91904": "no such plan", TOKEN_GONE: "the payment method is gone",
    "91902": "this card cannot carry subscriptions", "91928": "this payment method cannot carry subscriptions",
    "91930": "this payment method cannot carry subscriptions",
    "91923": "the plan's currency is not that of the merchant account", "92013": "no such discount",
    "92022": "the subscription is past due: its discounts cannot change",
    "81901": "the subscription has been canceled", "81910": "the subscription has expired",
}
METHODS = (
    "credit-cards", "paypal-accounts", "apple-pay-cards", "android-pay-cards", "venmo-accounts", "us-bank-accounts",
    "sepa-debit-accounts", "visa-checkout-cards", "masterpass-cards", "samsung-pay-cards",
    "amex-express-checkout-cards", "europe-bank-accounts",
)
"""Arrays of payment methods in a customer; a new kind is one more name."""
_ID = re.compile("[A-Za-z0-9_-]+")


def is_id(text: str) -> bool:
    """Whether an id can exist at Braintree; another one is not asked for, as the vendor's own clients do not."""
    return bool(_ID.fullmatch(text))


def root(response: Response) -> Element:
    """The object in an answer, which `read` has seen to be there."""
    return parse(response.body)


def read(request: Request, response: Response) -> Failure | None:
    """Statuses mean what they say; 422 has a body with codes."""
    if response.ok:
        return None if response.status == 204 or _root(response) is not None else Unavailable(
            "unreadable_answer", "a success without XML in it", status=response.status, unknown=request.effect)
    return failure(response, *explain(response))


def _root(response: Response) -> Element | None:
    try:
        return parse(response.body)
    except ValueError:
        return None


def codes(response: Response) -> list[str]:
    """The codes of all validation errors, at any depth."""
    whole = _root(response)
    return [] if whole is None else [value(one, "code") for one in found(whole, "error")]


def explain(response: Response) -> tuple[str, str]:
    """The first code, else what became of the payment; the message, with what it means to us."""
    whole = _root(response)
    if whole is None:
        return f"http_{response.status}", _MEANINGS.get(response.status, "")
    known = codes(response)
    message = value(whole, "message").replace("\n", " ")
    payment = next(found(whole, "transaction"), None)
    if payment is not None and value(payment, "status"):
        answer = " ".join(part for part in (value(payment, "processor-response-code"),
                                            value(payment, "processor-response-text")) if part)
        return value(payment, "status"), f"{message} (processor: {answer or 'no answer'})"
    hint = next((HINTS[code] for code in known if code in HINTS), "")
    text = f"{message} ({hint})" if hint else message
    return (known[0] if known and known[0] else f"http_{response.status}"), text


_MEANINGS: Mapping[int, str] = {
    401: "Braintree does not know these keys", 403: "these keys may not do this", 404: "no such object",
    426: "Braintree wants a newer version of its API",
}


def refused(response: Response) -> Rejected:
    """The failure of a 422 that the flow has looked at."""
    return Rejected(*explain(response), status=response.status)


class Subscription(NamedTuple):
    """What matters of a subscription."""

    id: str
    plan: str
    status: str
    created: str
    discounts: frozenset[str] | None
    """Ids of its discounts; None where the answer does not tell."""


def subscription(node: Element) -> Subscription:
    """A subscription out of its element."""
    holder = next((one for one in node if one.tag == "discounts"), None)
    discounts = None if holder is None else frozenset(value(one, "id") for one in holder)
    return Subscription(value(node, "id"), value(node, "plan-id"), value(node, "status"), value(node, "created-at"),
                        discounts)


class Customer(NamedTuple):
    """What matters of a customer."""

    id: str
    created: str
    token: str
    """The default payment method; "" where there is none."""
    subscriptions: tuple[Subscription, ...]


def customer(node: Element) -> Customer:
    """A customer with payment methods and their subscriptions."""
    methods = [one for kind in node if kind.tag in METHODS for one in kind if value(one, "token")]
    token = next((value(one, "token") for one in methods if value(one, "default") == "true"), "")
    rows = tuple(subscription(one) for method in methods for holder in method if holder.tag == "subscriptions"
                 for one in holder)
    return Customer(value(node, "id"), value(node, "created-at"), token, rows)
