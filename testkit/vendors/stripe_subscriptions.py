"""Stripe's writes on subscriptions: create, change, cancel; each change is an effect in the ledger."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from testkit.vendors.exchange import Answer, Refused, answer
from testkit.vendors.stripe_form import (
    boolean,
    check_choice,
    check_names,
    hashes,
    integer,
    no_such,
    refuse,
    required,
)
from testkit.vendors.stripe_reads import expanded
from testkit.vendors.stripe_state import DAY, Object, StripeState, item, subscription, user
from testkit.vendors.vendor import Routes

PAYMENT = frozenset({"allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"})
PRORATION = frozenset({"always_invoice", "create_prorations", "none"})
FEEDBACK = frozenset({"customer_service", "low_quality", "missing_features", "other", "switched_service",
                      "too_complex", "too_expensive", "unused"})
BOTH = frozenset({
    "items", "discounts", "payment_behavior", "off_session", "metadata", "proration_behavior", "trial_end",
    "cancel_at_period_end", "cancel_at", "default_payment_method", "collection_method", "days_until_due",
    "description", "automatic_tax", "add_invoice_items", "billing_cycle_anchor", "payment_settings", "expand",
    "trial_settings", "default_tax_rates",
})
CREATE = BOTH | {"customer", "trial_period_days", "currency", "backdate_start_date", "trial_from_plan"}
UPDATE = BOTH | {"cancellation_details", "proration_date", "pause_collection"}
CANCEL = frozenset({"prorate", "invoice_now", "cancellation_details", "expand"})
ITEM = frozenset({"id", "price", "quantity", "deleted", "metadata", "discounts", "clear_usage", "tax_rates",
                  "price_data"})
PENDING_ALLOWED = frozenset({"items", "payment_behavior", "proration_behavior", "off_session", "trial_end", "expand",
                             "billing_cycle_anchor", "proration_date", "add_invoice_items"})
writes: Routes[StripeState] = Routes()
Params = dict[str, Any]


class Write(NamedTuple):
    """A change under way: nothing of it holds before it is committed."""

    state: StripeState
    params: Params
    key: str
    subscription: Object
    effects: list[tuple[str, Mapping[str, Any]]]

    def note(self, kind: str, **detail: Any) -> None:
        """Something will have changed."""
        self.effects.append((f"subscription.{kind}", {"subscription": self.subscription["id"], **detail}))

    def commit(self, kind: str = "") -> Answer:
        """Let the change hold, write its effects down, and answer with the subscription."""
        made = self.subscription
        self.state.subscriptions[made["id"]] = made
        if kind and not self.effects:
            self.note(kind)
        for name, detail in self.effects:
            self.state.world.ledger.effect("stripe", name, user(made["customer"]), key=self.key,
                                           mark=mark(made["metadata"]), **detail)
        return answer(200, expanded(self.state, [made], self.params, "")[0])


def mark(metadata: Mapping[str, Any]) -> str:
    """The caller's own reference: the first metadata entry named `...event_id`."""
    return next((str(value) for name, value in metadata.items() if name.endswith("event_id")), "")


@writes.on("POST", "/v1/subscriptions")
def create(state: StripeState, params: Params, key: str) -> Answer:
    """A new subscription."""
    check_names(params, CREATE)
    owner = str(required(params, "customer"))
    required(params, "items")
    behavior = _enumerations(params)
    if state.customer(owner) is None:
        raise no_such("customer", owner, "customer")
    made = subscription(state.id("sub"), owner, state.now(), state.now() + 30 * DAY)
    write = Write(state, params, key, made, [])
    prices = _add_items(write)
    write.note("created", prices=prices, customer=owner)
    _discounts(write)
    _start_trial(write)
    _simple(write)
    if made["status"] != "trialing":
        _first_payment(write, behavior)
    state.add_subscription(made)
    return write.commit()


def _enumerations(params: Params) -> str:
    check_choice(params, "proration_behavior", PRORATION)
    boolean(params, "off_session")
    anchor = params.get("billing_cycle_anchor")
    if anchor is not None and not isinstance(anchor, dict):
        raise refuse(400, "Invalid object", began=False, param="billing_cycle_anchor")
    return check_choice(params, "payment_behavior", PAYMENT)


def _add_items(write: Write) -> list[str]:
    for place, entry in enumerate(hashes(write.params, "items")):
        check_names(entry, ITEM, f"items[{place}]")
        _add_item(write, entry, place)
    return [one["price"]["id"] for one in write.subscription["items"]["data"]]


def _add_item(write: Write, entry: Params, place: int) -> None:
    where = f"items[{place}][price]"
    found = _price(write, str(required(entry, "price", where)), where)
    items = write.subscription["items"]["data"]
    if any(one["price"]["id"] == found["id"] for one in items):
        raise refuse(400, f"An existing Subscription Item is already using that Price: {found['id']}.", param=where)
    quantity = integer(entry, "quantity", f"items[{place}][quantity]")
    made = item(write.state.id("si"), write.subscription["id"], found, 1 if quantity is None else quantity,
                write.state.now())
    made.update(current_period_start=write.state.now(), current_period_end=write.state.now() + 30 * DAY)
    items.append(made)


def _price(write: Write, id: str, where: str) -> Object:
    found = write.state.price(id)
    if found is None:
        raise no_such("price", id, where)
    return found


def _start_trial(write: Write) -> None:
    days = integer(write.params, "trial_period_days")
    if days:
        now = write.state.now()
        write.subscription.update(status="trialing", trial_start=now, trial_end=now + days * DAY)
    _trial_end(write)


def _first_payment(write: Write, behavior: str) -> None:
    write.subscription["latest_invoice"] = write.state.id("in")
    if write.state.pays(write.subscription["customer"]):
        return
    if behavior == "error_if_incomplete":
        raise declined()
    write.subscription["status"] = "incomplete"


def declined() -> Refused:
    """A card without money."""
    return refuse(402, "Your card has insufficient funds.", type="card_error", code="card_declined",
                  decline_code="insufficient_funds")


@writes.on("POST", "/v1/subscriptions/{id}")
def update(state: StripeState, params: Params, key: str, id: str) -> Answer:
    """A change of a subscription: items, discounts, trial, end."""
    check_names(params, UPDATE)
    behavior = _enumerations(params)
    found = _existing(state, id)
    if found["status"] == "canceled" and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise refuse(400, "A canceled subscription can only update its cancellation_details and metadata.")
    if behavior == "pending_if_incomplete":
        check_names(params, PENDING_ALLOWED)
    write = Write(state, params, key, copy.deepcopy(found), [])
    if _change_items(write) and not _pay_for_change(write, behavior):
        return _pending(write, found)
    _discounts(write)
    _trial_end(write)
    _end(write)
    _simple(write)
    return write.commit("updated" if set(params) - {"expand"} and write.subscription != found else "")


def _existing(state: StripeState, id: str) -> Object:
    found = state.subscription(id)
    if found is None:
        raise no_such("subscription", id, "id", 404)
    return found


def _change_items(write: Write) -> bool:
    """Change, add and remove items; says whether a price changed."""
    before = _lines(write.subscription)
    for place, entry in enumerate(hashes(write.params, "items")):
        check_names(entry, ITEM, f"items[{place}]")
        if "id" in entry:
            _change_item(write, entry, place)
        else:
            _add_item(write, entry, place)
    after = _lines(write.subscription)
    if before == after:
        return False
    if not after:
        raise refuse(400, "A subscription must have at least one active plan.", param="items")
    write.note("items_changed", before=before, after=after,
               proration=write.params.get("proration_behavior", "create_prorations"))
    return True


def _lines(subscription: Object) -> list[tuple[str, int]]:
    return [(one["price"]["id"], one["quantity"]) for one in subscription["items"]["data"]]


def _change_item(write: Write, entry: Params, place: int) -> None:
    items = write.subscription["items"]["data"]
    found = next((one for one in items if one["id"] == entry["id"]), None)
    if found is None:
        raise no_such("subscription_item", entry["id"], f"items[{place}][id]")
    if boolean(entry, "deleted"):
        items.remove(found)
        return
    quantity = integer(entry, "quantity", f"items[{place}][quantity]")
    if "price" in entry:
        found["price"] = _price(write, entry["price"], f"items[{place}][price]")
        found["quantity"] = 1
    if quantity is not None:
        found["quantity"] = quantity


def _pay_for_change(write: Write, behavior: str) -> bool:
    """Whether a changed price is in force: a card without money keeps or refuses it, as was asked."""
    if write.params.get("proration_behavior") == "none" or write.state.pays(write.subscription["customer"]):
        return True
    if behavior == "error_if_incomplete":
        raise declined()
    if behavior == "pending_if_incomplete":
        return False
    write.subscription["status"] = "past_due"
    return True


def _pending(write: Write, found: Object) -> Answer:
    """The change waits for a payment; the subscription stays as it is."""
    changed = copy.deepcopy(found)
    changed["pending_update"] = {"expires_at": write.state.now() + 23 * 3600,
                                 "subscription_items": write.subscription["items"]["data"], "trial_end": None}
    waiting = Write(write.state, write.params, write.key, changed, [])
    waiting.note("update_pending")
    return waiting.commit()


def _discounts(write: Write) -> None:
    """The list replaces what is there; an empty text clears it."""
    if "discounts" not in write.params:
        return
    before: Sequence[str] = write.subscription["discounts"]
    kept = [_discount(write, entry, place) for place, entry in enumerate(hashes(write.params, "discounts"))]
    write.subscription["discounts"] = kept
    for lost in set(before) - set(kept):
        write.note("discount_removed", discount=lost)


def _discount(write: Write, entry: Params, place: int) -> str:
    where = f"discounts[{place}]"
    check_names(entry, {"coupon", "discount", "promotion_code"}, where)
    if len(entry) != 1:
        raise refuse(400, "You may only specify one of these parameters: coupon, discount, promotion_code.",
                     began=False, param=where)
    if "discount" in entry:
        if entry["discount"] not in write.subscription["discounts"]:
            raise no_such("discount", entry["discount"], f"{where}[discount]")
        return str(entry["discount"])
    code = entry.get("promotion_code")
    return _new_discount(write, _coupon_of(write, code, where) if code else entry["coupon"], code, where)


def _coupon_of(write: Write, code: str, where: str) -> str:
    found = write.state.promotion_code(code)
    if found is None:
        raise no_such("promotion code", code, f"{where}[promotion_code]")
    if not found["active"]:
        raise refuse(400, "This promotion code cannot be redeemed because it is used up.",
                     param=f"{where}[promotion_code]")
    return str(found["promotion"]["coupon"])


def _new_discount(write: Write, id: str, code: str | None, where: str) -> str:
    found = write.state.coupon(id)
    if found is None:
        raise no_such("coupon", id, f"{where}[coupon]")
    if not found["valid"]:
        raise refuse(400, f"Coupon expired: {id}", code="coupon_expired", param=f"{where}[coupon]")
    made = write.state.discount(write.subscription, id, code)
    found["times_redeemed"] += 1
    write.note("discount_added", discount=made["id"], coupon=id, promotion_code=code or "")
    return str(made["id"])


def _trial_end(write: Write) -> None:
    value = write.params.get("trial_end")
    if value in (None, ""):
        return
    now = write.state.now()
    end = now if value == "now" else integer(write.params, "trial_end") or 0
    if value != "now" and not now < end <= now + 2 * 366 * DAY:
        raise refuse(400, "trial_end must be in the future and within two years of the anchor.", param="trial_end")
    before = write.subscription["trial_end"]
    if end != before:
        write.subscription.update(trial_end=end, billing_cycle_anchor=end, status="trialing" if end > now else "active")
        write.note("trial_moved", before=before, after=end)


def _end(write: Write) -> None:
    """Cancellation at the period's end, or its withdrawal."""
    details = write.params.get("cancellation_details") or {}
    check_names(details, {"comment", "feedback"}, "cancellation_details")
    check_choice(details, "feedback", FEEDBACK, "cancellation_details")
    wanted = boolean(write.params, "cancel_at_period_end")
    subscription = write.subscription
    if wanted is not None and subscription["schedule"]:
        raise refuse(400, f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, "
                          "and updating any cancelation behavior directly is not allowed. Please update the schedule "
                          "instead.", param="cancel_at_period_end")
    subscription["cancellation_details"].update(details)
    if wanted is None or wanted == subscription["cancel_at_period_end"]:
        return
    end = max(one["current_period_end"] for one in subscription["items"]["data"])
    subscription.update(cancel_at_period_end=wanted, cancel_at=end if wanted else None,
                        canceled_at=write.state.now() if wanted else None)
    write.note("cancel_scheduled" if wanted else "cancel_withdrawn", feedback=details.get("feedback", ""))


def _simple(write: Write) -> None:
    """Parameters that are only kept."""
    metadata = write.params.get("metadata")
    if isinstance(metadata, dict):
        write.subscription["metadata"].update(metadata)
    for name in ("description", "default_payment_method", "collection_method"):
        if name in write.params:
            write.subscription[name] = write.params[name] or None


@writes.on("DELETE", "/v1/subscriptions/{id}")
def cancel(state: StripeState, params: Params, key: str, id: str) -> Answer:
    """The end, at once; a canceled subscription is not there any more."""
    check_names(params, CANCEL)
    details = params.get("cancellation_details") or {}
    check_names(details, {"comment", "feedback"}, "cancellation_details")
    check_choice(details, "feedback", FEEDBACK, "cancellation_details")
    prorate, invoice = boolean(params, "prorate"), boolean(params, "invoice_now")
    found = _existing(state, id)
    if found["status"] == "canceled":
        raise no_such("subscription", id, "id", 404)
    write = Write(state, params, key, copy.deepcopy(found), [])
    write.subscription.update(status="canceled", canceled_at=state.now(), ended_at=state.now(), discounts=[])
    write.subscription["cancellation_details"].update(details, reason="cancellation_requested")
    write.note("canceled", prorate=bool(prorate), invoice_now=bool(invoice), feedback=details.get("feedback", ""))
    return write.commit()
