"""What an administrator enters for Stripe: settings of the account, parameters of its actions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.auth import starts_with
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field


class StripeSettings(Settings):
    """How to reach one Stripe account."""

    api_key: SecretStr = field(
        "API key", placeholder="rk_live_...",
        help="A restricted key (rk_live_... or rk_test_...) that may write Customers and Subscriptions and read"
             " Products, Prices, Coupons and Promotion Codes; or a secret key (sk_...). Test keys use the sandbox.")
    connect_account_id: str = field(
        "Connected account", default="", pattern=r"^(acct_\w+)?$", placeholder="acct_...",
        help="Only with Stripe Connect: the account that the platform's key acts for.")
    base_url: str = field("API base URL", default="https://api.stripe.com", help="Leave as it is.")
    allow_test_hosts: bool = test_hosts_field()

    @field_validator("api_key")
    @classmethod
    def _is_secret_key(cls, key: SecretStr) -> SecretStr:
        if not starts_with(key, "rk_live_", "rk_test_", "sk_live_", "sk_test_"):
            raise ValueError("use a key that starts with rk_live_, rk_test_, sk_live_ or sk_test_"
                             " (Stripe Dashboard > Developers > API keys); publishable keys (pk_...) cannot do this")
        return key

    @model_validator(mode="after")
    def _goes_to_stripe(self) -> Self:
        why = host_problem(self.base_url, ("api.stripe.com",), test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self


class UserParams(Params):
    """What every action asks, since an e-mail address may belong to several customers."""

    if_several: Literal["newest", "fail"] = field(
        "If several customers have the e-mail address", default="newest",
        help="Only matters for users without a synced stripe_id: take the newest customer, or do nothing and report.")


class SubscribePlan(UserParams):
    """What the user is subscribed to."""

    price_id: str = field("Price", options="prices", min_length=1, help="The plan the user gets.")
    quantity: int = field("Quantity", default=1, ge=1, help="How many units or seats.")
    trial_period_days: int | None = field(
        "Trial days", default=None, ge=1, le=730, help="Free days before the first payment; empty for none.")
    coupon_id: str = field("Coupon", default="", options="coupons", help="Off the price from the first invoice on.")
    promotion_code_id: str = field("Promotion code", default="", options="promotion_codes",
                                   help="Instead of a coupon.")
    payment_behavior: Literal["error_if_incomplete", "allow_incomplete"] = field(
        "If the first payment fails", default="error_if_incomplete",
        help="error_if_incomplete: there is no subscription then. allow_incomplete: it waits for the user to pay.")
    if_subscribed: Literal["already_done", "add_another"] = field(
        "If the user has this plan already", default="already_done",
        help="Leave it and count as a success, or add a second subscription.")

    @model_validator(mode="after")
    def _one_discount(self) -> Self:
        if self.coupon_id and self.promotion_code_id:
            raise ValueError("choose a coupon or a promotion code, not both")
        return self


class UnsubscribePlan(UserParams):
    """Which subscription ends, and when."""

    price_id: str = field("Price", default="", options="prices",
                          help="The plan that ends. Empty: the user's only or newest live subscription.")
    when: Literal["period_end", "immediately"] = field(
        "When", default="period_end", help="At the end of what is paid for, or at once.")
    prorate: bool = field("Credit the unused time", default=False, help="Only when it ends immediately.")
    invoice_now: bool = field("Invoice open usage now", default=False, help="Only when it ends immediately.")
    feedback: Literal["", "customer_service", "low_quality", "missing_features", "other", "switched_service",
                      "too_complex", "too_expensive", "unused"] = field(
        "Reason", default="", help="Why the user left; stands on the cancellation in Stripe.")


class ApplyCoupon(UserParams):
    """Which discount the user's subscription gets."""

    coupon_id: str = field("Coupon", default="", options="coupons", help="One of coupon and promotion code.")
    promotion_code_id: str = field("Promotion code", default="", options="promotion_codes",
                                   help="One of coupon and promotion code.")
    price_id: str = field("Only the subscription with this price", default="", options="prices",
                          help="Empty: the user's only or newest live subscription.")
    keep_existing: bool = field("Keep other discounts", default=True,
                                help="Off: this discount replaces all others of the subscription.")

    @model_validator(mode="after")
    def _one_discount(self) -> Self:
        if bool(self.coupon_id) == bool(self.promotion_code_id):
            raise ValueError("choose a coupon or a promotion code, exactly one of the two")
        return self


class ExtendTrial(UserParams):
    """By how much a running trial grows."""

    days: int = field("Days to add", ge=1, le=730, help="Counted from the present end of the trial.")
    price_id: str = field("Only the subscription with this price", default="", options="prices",
                          help="Empty: the user's only or newest trial.")


Proration = Literal["create_prorations", "always_invoice", "none"]


class SwitchSubscription(UserParams):
    """From which price to which, and when."""

    price_id: str = field("New price", options="prices", min_length=1, help="The plan the user gets.")
    from_price_id: str = field("Only if on this price", default="", options="prices",
                               help="Needed where a subscription holds several prices.")
    when: Literal["immediately", "period_end"] = field(
        "When", default="immediately", help="At once, or when the paid period ends.")
    proration_behavior: Proration = field(
        "Proration", default="create_prorations",
        help="Immediately only. create_prorations: the difference goes onto the next invoice."
             " always_invoice: it is charged now. none: it is not charged.")


class UpdateSubscription(UserParams):
    """The new price, and how the difference is charged."""

    price_id: str = field("New price", options="prices", min_length=1, help="The plan the user gets.")
    proration_behavior: Proration = field(
        "Proration", default="create_prorations",
        help="create_prorations: the difference goes onto the next invoice. always_invoice: it is charged now."
             " none: it is not charged.")
    quantity: int | None = field("Quantity", default=None, ge=1, help="Empty: as it is.")
    payment_behavior: Literal["error_if_incomplete", "allow_incomplete", "pending_if_incomplete"] = field(
        "If a payment fails", default="error_if_incomplete",
        help="error_if_incomplete: nothing changes. allow_incomplete: it changes and the user owes."
             " pending_if_incomplete: it changes once the user has paid.")
