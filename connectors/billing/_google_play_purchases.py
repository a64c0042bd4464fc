"""What the Google Play connector knows of purchases: how they are read, and what Google's refusals mean."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors.kit import (
    Call,
    Done,
    Failure,
    InDoubt,
    Misconfigured,
    MissingAttributes,
    Rejected,
    Request,
    Response,
    Unavailable,
    failure,
    get,
    retry_after,
    segment,
)
from connectors.kit.purchase import known, perhaps_known, purchase_name, told

REPORTED, SYNCED = "context.purchase_token", "google_purchase_token"
"""Where a purchase token stands: with the event, as the app reported it, or with the user."""
ORDER, SYNCED_ORDER = "context.order_id", "google_order_id"
QUOTA = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"})
SETTLED = (400, 409)
"""Refusals that can mean that it was so before: the purchase is read to know."""
STALE = (400, 409, 412)
"""Refusals of an extension that can mean that the subscription changed after it was read."""
ACKNOWLEDGED = "ACKNOWLEDGEMENT_STATE_ACKNOWLEDGED"
CONSUMED = "CONSUMPTION_STATE_CONSUMED"
STATE, ENTITLED = "SUBSCRIPTION_STATE_", frozenset({"active", "in_grace_period", "canceled"})
"""States in which the user has access; a canceled subscription lasts until its end."""

PlayCall = Call[Any, Any]
Facts = Mapping[str, Any]


def explain(response: Response) -> tuple[str, str]:
    """Google's own reason, else its status, and its message; the token endpoint has a word alone."""
    error = response.member("error")
    if isinstance(error, str):
        return error, str(response.member("error_description") or "")[:200]
    reason = response.member("error", "errors", 0, "reason") or response.member("error", "status")
    return str(reason or f"http_{response.status}"), str(response.member("error", "message") or "")[:200]


def read(_request: Request, response: Response) -> Failure | None:
    """By status, but a quota can hide in a 403 and a running change in a 409."""
    if response.ok:
        return None
    code, message = explain(response)
    status = response.status
    if status == 429 or (status == 403 and code in QUOTA):
        return Unavailable(code, message, status=status, retry_after=retry_after(response), throttled=True)
    if status == 409 and code in ("concurrentUpdate", "ABORTED"):
        return Unavailable(code, message, status=status, retry_after=retry_after(response))
    return failure(response, code, message)


def refused(request: Request, response: Response) -> Failure:
    """The failure behind an answer that the flow looked at in vain."""
    return read(request, response) or Rejected("unexpected_answer", status=response.status)


def path(call: PlayCall, *parts: str) -> str:
    """A path below the app; the parts are segments already."""
    return "/".join((f"/androidpublisher/v3/applications/{segment(call.settings.package_name)}", *parts))


def subscription_path(call: PlayCall, token: str, method: str = "") -> str:
    """The subscription behind a token, or a method of it."""
    return path(call, "purchases", "subscriptionsv2", "tokens", segment(token)) + method


def product_path(call: PlayCall, token: str, product: str, method: str) -> str:
    """A method of the one-time purchase behind a token."""
    return path(call, "purchases", "products", segment(product), "tokens", segment(token)) + method


def synced_first(call: PlayCall) -> str:
    """The token of the user's subscription, as it is synced, else as the event tells it."""
    return known(call, SYNCED, REPORTED).value


def product_of(call: PlayCall, chosen: str) -> str:
    """The chosen product, else the one that the event names."""
    found = perhaps_known(call, "context.product_id")
    if not chosen and found is None:
        raise MissingAttributes(["context.product_id"], "choose the product, or let the event name it")
    return chosen or (found.value if found else "")


class Subscription(NamedTuple):
    """A subscription as Google sees it now."""

    token: str
    facts: Facts

    @property
    def state(self) -> str:
        """Google's state in short: active, paused, in_grace_period, on_hold, canceled, expired, pending ..."""
        return str(self.facts.get("subscriptionState") or "").removeprefix(STATE).lower()

    @property
    def items(self) -> Sequence[Facts]:
        """What is subscribed to; more than one with add-ons."""
        found = self.facts.get("lineItems")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @property
    def is_acknowledged(self) -> bool:
        """Whether the delivery was confirmed."""
        return self.facts.get("acknowledgementState") == ACKNOWLEDGED

    @property
    def etag(self) -> str:
        """By which Google knows that nothing changed since this was read."""
        return str(self.facts.get("etag") or "")

    @property
    def expires_at(self) -> str:
        """When the first item ends or renews, as Google writes it."""
        return str(self.item("").get("expiryTime") or "")

    def item(self, product: str) -> Facts:
        """The item of that product, or the first one where none is named; empty where it is not there."""
        return next((one for one in self.items if product in ("", one.get("productId"))), {})


SubscriptionFlow = Generator[Request, Response, Subscription]


def subscription(call: PlayCall, token: str, step: str = "subscription") -> SubscriptionFlow:
    """The subscription behind a purchase token."""
    return Subscription(token, (yield get(subscription_path(call, token), step=step)).json or {})


def one_time(call: PlayCall, token: str, step: str = "purchase") -> Generator[Request, Response, Facts]:
    """The one-time purchase behind a token."""
    facts: Facts = (yield get(path(call, "purchases", "productsv2", "tokens", segment(token)), step=step)).json or {}
    return facts


def line_item(facts: Facts, product: str) -> Facts:
    """The item of that product in a one-time purchase, or the first one where none is named."""
    found = facts.get("productLineItem")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return next((one for one in rows if product in ("", one.get("productId"))), {})


def is_consumed(facts: Facts, product: str) -> bool:
    """Whether the item was consumed before."""
    return bool((line_item(facts, product).get("productOfferDetails") or {}).get("consumptionState") == CONSUMED)


def check_product(item: Facts, expected: str) -> None:
    """Raise Rejected where the purchase is not of the expected product."""
    if expected and not item:
        raise Rejected("product_mismatch", f"the purchase is not of the product {expected}")


def subscription_detail(found: Subscription, item: Facts) -> dict[str, str]:
    """What is worth keeping of a subscription, without any token."""
    offer, linked = item.get("offerDetails") or {}, found.facts.get("linkedPurchaseToken")
    return told(
        status=found.state, product_id=item.get("productId"), expires_at=item.get("expiryTime"),
        auto_renew=(item.get("autoRenewingPlan") or {}).get("autoRenewEnabled"),
        base_plan_id=offer.get("basePlanId"), offer_id=offer.get("offerId"), region=found.facts.get("regionCode"),
        acknowledged=found.is_acknowledged, test="testPurchase" in found.facts or None,
        replaces=purchase_name(linked) if isinstance(linked, str) and linked else None,
    )


Settled = Generator[Request, Response, Done]
Look = Generator[Request, Response, bool]


def settled(request: Request, look: Callable[[], Look], reference: str) -> Settled:
    """Send `request`; where Google refuses it, `look` tells whether it was done before."""
    response = yield request._replace(look_at=frozenset(SETTLED))
    if response.ok:
        return Done(reference)
    reason = refused(request, response)
    if isinstance(reason, (Unavailable, Misconfigured)) or not (yield from look()):
        raise reason
    return Done(reference, "already_done")


def is_stale(response: Response) -> bool:
    """Whether Google refused an extension since the subscription changed after it was read; how is not documented."""
    return response.status in (409, 412) or "etag" in explain(response)[1].lower()


def was_extended(before: Subscription, after: Subscription, wanted: timedelta) -> bool:
    """Whether the wanted extension happened meanwhile; raises InDoubt where something else did."""
    old, new = _moment(before.expires_at), _moment(after.expires_at)
    shift = new - old if old and new else None
    if shift is None or shift not in (timedelta(0), wanted):
        raise InDoubt("subscription_changed", f"it ended at {before.expires_at}, now at {after.expires_at}: look why")
    return shift == wanted


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
