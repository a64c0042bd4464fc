"""What the emulated Stripe account holds; customers, subscriptions, prices and coupons exist by rule, on demand."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors.vendor import World, is_missing, user_of

DAY = 86400
Object = dict[str, Any]

PRICES: Mapping[str, tuple[int, str]] = {
    "price_basic": (1000, "month"), "price_premium": (2000, "month"), "price_annual": (10000, "year"),
}
COUPONS: Mapping[str, Object] = {
    "SAVE20": {"percent_off": 20.0, "duration": "repeating", "duration_in_months": 3},
    "XMAS": {"percent_off": 25.5, "duration": "forever"},
    "TENOFF": {"amount_off": 1000, "currency": "usd", "duration": "once"},
    "EXPIRED": {"percent_off": 50.0, "duration": "once", "valid": False},
}


class StripeState:
    """All objects, by id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Begin anew with what exists by rule."""
        self.customers: dict[str, Object] = {}
        self.subscriptions: dict[str, Object] = {}
        self.by_customer: dict[str, list[str]] = {}
        self.discounts: dict[str, Object] = {}
        self.schedules: dict[str, Object] = {}
        self.emails: dict[str, list[str]] = {}
        self.prices = {id: price(id, self.now()) for id in PRICES}
        self.coupons = {id: coupon(id, self.now()) for id in COUPONS}
        self.deleted_coupons: set[str] = set()
        self.promotion_codes: dict[str, Object] = {}
        self.promotion_code("promo_FALL20")

    def now(self) -> int:
        """Unix seconds."""
        return int(self.world.now())

    def id(self, prefix: str) -> str:
        """A new id."""
        return f"{prefix}_{self.world.number():014d}"

    def customer(self, id: str) -> Object | None:
        """The customer `cus_<user>`; None where the name begins with `missing`."""
        found = self.customers.get(id)
        if found is None and id.startswith("cus_") and len(id) > 4 and not is_missing(id[4:]):
            found = self.customers[id] = customer(id, self.now())
            if not id[4:].startswith("free"):
                self.add_subscription(by_rule(id, self.now()))
        return found

    def customers_by_email(self, email: str) -> list[Object]:
        """Customers with exactly this address, the newest first."""
        ids = list(self.emails.get(email, ()))
        user = user_of(email)
        if user and not ids:
            ids = [f"cus_{user}-newer", f"cus_{user}"] if user.startswith("twin") else [f"cus_{user}"]
        return [found for id in ids if (found := self.customer(id)) is not None]

    def add_subscription(self, subscription: Object) -> None:
        """Keep a subscription and remember whose it is."""
        self.subscriptions[subscription["id"]] = subscription
        self.by_customer.setdefault(subscription["customer"], []).append(subscription["id"])

    def subscription(self, id: str) -> Object | None:
        """A subscription; `sub_<user>` appears with its customer."""
        if id not in self.subscriptions and id.startswith("sub_"):
            self.customer(f"cus_{id[4:]}")
        return self.subscriptions.get(id)

    def subscriptions_of(self, customer: str) -> list[Object]:
        """A customer's subscriptions, the newest first."""
        found = [self.subscriptions[id] for id in self.by_customer.get(customer, ())]
        return sorted(found, key=lambda one: (one["created"], one["id"]), reverse=True)

    def price(self, id: str) -> Object | None:
        """The price; any `price_...` exists whose name does not begin with `missing`."""
        if id not in self.prices and id.startswith("price_") and not is_missing(id[6:]):
            self.prices[id] = price(id, self.now())
        return self.prices.get(id)

    def coupon(self, id: str) -> Object | None:
        """The coupon; any exists whose id does not begin with `missing`, until it is deleted."""
        if id not in self.coupons and id and id not in self.deleted_coupons and not is_missing(id.lower()):
            self.coupons[id] = coupon(id, self.now())
        return self.coupons.get(id)

    def promotion_code(self, id: str) -> Object | None:
        """The promotion code; any `promo_...` exists whose name does not begin with `missing`."""
        if id not in self.promotion_codes and id.startswith("promo_") and not is_missing(id[6:].lower()):
            self.promotion_codes[id] = promotion_code(id, self.now())
        return self.promotion_codes.get(id)

    def discount(self, subscription: Object, coupon: str, promotion_code: str | None) -> Object:
        """A new discount on a subscription."""
        made: Object = {
            "id": self.id("di"), "object": "discount", "checkout_session": None, "customer": subscription["customer"],
            "customer_account": None, "end": None, "invoice": None, "invoice_item": None,
            "promotion_code": promotion_code, "source": {"coupon": coupon, "type": "coupon"}, "start": self.now(),
            "subscription": subscription["id"], "subscription_item": None,
        }
        self.discounts[made["id"]] = made
        return made

    def pays(self, customer: str) -> bool:
        """Whether this customer's card works: not if the name begins with `broke`."""
        return not customer.startswith("cus_broke")

    def shown(self) -> Object:
        """Everything, as JSON."""
        return copy.deepcopy({
            "customers": self.customers, "subscriptions": self.subscriptions, "discounts": self.discounts,
            "schedules": self.schedules, "prices": self.prices, "coupons": self.coupons,
            "promotion_codes": self.promotion_codes,
        })


def user(customer: str) -> str:
    """The user behind a customer id, for the ledger."""
    return customer.removeprefix("cus_")


def customer(id: str, now: int, **more: Any) -> Object:
    """A customer as Stripe shows it."""
    return {
        "id": id, "object": "customer", "address": None, "balance": 0, "created": now - 90 * DAY, "currency": "usd",
        "default_source": None, "delinquent": False, "description": None, "discount": None,
        "email": f"{id[4:]}@example.com", "invoice_settings": {"default_payment_method": "pm_card_visa"},
        "livemode": False, "metadata": {}, "name": None, "phone": None, "preferred_locales": [], "test_clock": None,
        **more,
    }


def by_rule(customer: str, now: int) -> Object:
    """The subscription that every customer has: at price_basic, active unless the name says otherwise."""
    name = user(customer)
    made = subscription(f"sub_{name}", customer, now - 90 * DAY, now + 20 * DAY)
    made["items"]["data"] = [item(f"si_{name}", made["id"], price("price_basic", now), 1, now)]
    if name.startswith("trial"):
        made.update(status="trialing", trial_start=now - 7 * DAY, trial_end=now + 7 * DAY)
    elif name.startswith("pastdue"):
        made["status"] = "past_due"
    return made


def subscription(id: str, customer: str, created: int, ends: int, **more: Any) -> Object:
    """A subscription as Stripe shows it, without items."""
    return {
        "id": id, "object": "subscription", "application": None, "automatic_tax": {"enabled": False},
        "billing_cycle_anchor": ends, "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically", "created": created, "currency": "usd", "customer": customer,
        "default_payment_method": None, "default_tax_rates": [], "description": None, "discounts": [],
        "ended_at": None, "items": {"object": "list", "data": [], "has_more": False,
                                    "url": f"/v1/subscription_items?subscription={id}"},
        "latest_invoice": None, "livemode": False, "metadata": {}, "pause_collection": None, "pending_update": None,
        "schedule": None, "start_date": created, "status": "active", "test_clock": None, "trial_end": None,
        "trial_start": None, **more,
    }


def item(id: str, subscription: str, of_price: Object, quantity: int, now: int) -> Object:
    """One line of a subscription; the paid period stands here."""
    return {
        "id": id, "object": "subscription_item", "created": now, "discounts": [], "metadata": {}, "price": of_price,
        "quantity": quantity, "subscription": subscription, "tax_rates": [],
        "current_period_start": now - 10 * DAY, "current_period_end": now + 20 * DAY,
    }


def price(id: str, now: int, **more: Any) -> Object:
    """A recurring price as Stripe shows it."""
    amount, interval = PRICES.get(id, (1500, "year" if "annual" in id or "year" in id else "month"))
    return {
        "id": id, "object": "price", "active": True, "billing_scheme": "per_unit", "created": now - 365 * DAY,
        "currency": "usd", "livemode": False, "lookup_key": None, "metadata": {},
        "nickname": id.removeprefix("price_").replace("_", " ").title(), "product": f"prod_{id.removeprefix('price_')}",
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed", "trial_period_days": None},
        "type": "recurring", "unit_amount": amount, "unit_amount_decimal": str(amount), **more,
    }


def coupon(id: str, now: int, **more: Any) -> Object:
    """A coupon as Stripe shows it; one whose id begins with `expired` is not valid any more."""
    return {
        "id": id, "object": "coupon", "amount_off": None, "created": now - 365 * DAY, "currency": None,
        "duration": "once", "duration_in_months": None, "livemode": False, "max_redemptions": None, "metadata": {},
        "name": id.title(), "percent_off": None if id in COUPONS else 10.0, "redeem_by": None, "times_redeemed": 0,
        "valid": not id.lower().startswith("expired"), **COUPONS.get(id, {}), **more,
    }


def promotion_code(id: str, now: int, **more: Any) -> Object:
    """A promotion code as Stripe shows it; one whose name begins with `used` is used up."""
    return {
        "id": id, "object": "promotion_code", "active": not id.lower().startswith("promo_used"), "code": id[6:],
        "created": now - 30 * DAY, "customer": None, "customer_account": None, "expires_at": None, "livemode": False,
        "max_redemptions": None, "metadata": {}, "promotion": {"coupon": "SAVE20", "type": "coupon"},
        "restrictions": {"first_time_transaction": False, "minimum_amount": None, "minimum_amount_currency": None},
        "times_redeemed": 0, **more,
    }
