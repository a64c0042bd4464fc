"""What an administrator enters for Recurly: settings of the site, parameters of its actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.auth import starts_with
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

ADDRESSES = {"us": "https://v3.recurly.com", "eu": "https://v3.eu.recurly.com"}
HOSTS = ("v3.recurly.com", "v3.eu.recurly.com")


class RecurlySettings(Settings):
    """How to reach one Recurly site."""

    api_key: SecretStr = field(
        "Private API key", min_length=1,
        help="Recurly > Integrations > API Credentials. A key belongs to one site; sandbox and production sites have"
             " keys of their own.")
    use_account_code: bool = field(
        "Use Account Code", default=False,
        help="On: your own user id is the account code in Recurly. Off: the account code is the synced attribute"
             " account_code or, without it, account_number.")
    region: Literal["us", "eu"] = field("Data centre", default="us", help="Where Recurly keeps the site.")
    base_url: str = field("API base URL", default="", placeholder=ADDRESSES["us"],
                          help="Instead of the data centre's own address; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or ADDRESSES[self.region]

    @field_validator("api_key")
    @classmethod
    def _is_private(cls, key: SecretStr) -> SecretStr:
        if starts_with(key, "ewr1-", "fra-"):
            raise ValueError("this is the public key of Recurly.js; use a private API key"
                             " (Recurly > Integrations > API Credentials)")
        return key

    @model_validator(mode="after")
    def _goes_to_recurly(self) -> Self:
        why = host_problem(self.address, HOSTS, test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self


class OnSubscription(Params):
    """What every action on a subscription asks, since a user may have several."""

    only_plan_code: str = field(
        "Only the subscription with this plan", default="", options="plans",
        help="Empty: the user's only subscription that fits, else the newest.")


class OneSubscription(OnSubscription):
    """The same for actions that cannot tell afterwards which of several they have changed."""

    only_plan_code: str = field(
        "Only the subscription with this plan", default="", options="plans",
        help="Needed for users with several subscriptions that fit: without it, they are refused.")


class ApplyCoupon(OnSubscription):
    """Which discount the user gets, and where."""

    coupon_id: str = field(
        "Coupon", options="coupons", min_length=1,
        help="Pick one, or write code- and the coupon's code (code-SAVE20).")
    currency: str = field("Currency", default="", pattern=r"^([A-Z]{3})?$", placeholder="USD",
                          help="Needed for coupons with a fixed amount.")
    scope: Literal["account", "subscription"] = field(
        "Apply to", default="account",
        help="Everything on the account, or one subscription: as the coupon was made for.")


class PauseSubscription(OnSubscription):
    """For how long."""

    pause_cycles: int = field("Billing cycles to pause", ge=1, help="Counted from the next billing date.")


Timeframe = Literal["now", "bill_date", "term_end"]
Proration = Literal["", "full_amount", "prorated_amount", "none"]


class SwitchSubscription(OnSubscription):
    """To which plan, when, and who pays the difference."""

    plan_code: str = field("New plan", options="plans", min_length=1, max_length=50, help="The plan the user gets.")
    timeframe: Timeframe = field(
        "When", default="now", help="now, at the next billing date, or when the term of the subscription ends.")
    proration_charge: Proration = field("Charge on immediate change", default="",
                                        help="Only with now. Empty: as the site is set up.")
    proration_credit: Proration = field("Credit on immediate change", default="",
                                        help="Only with now. Empty: as the site is set up.")


class CreateSubscription(Params):
    """What the user is subscribed to."""

    plan_code: str = field("Plan", options="plans", min_length=1, max_length=50, help="The plan the user gets.")
    currency: str = field("Currency", pattern=r"^[A-Z]{3}$", placeholder="USD", help="One of the plan's currencies.")
    coupon_codes: tuple[str, ...] = field("Coupon codes", default=(), help="Codes, not ids.")
    if_subscribed: Literal["already_done", "add_another"] = field(
        "If the user has this plan already", default="already_done",
        help="Leave it and count as a success, or add a second subscription where the site allows it.")


class UpdatePrice(OnSubscription):
    """The new price."""

    unit_amount: Decimal = field(
        "New price", ge=0, le=1_000_000, decimal_places=2,
        help="In the subscription's own currency and in its major unit: 9.99, not 999.")
    timeframe: Timeframe = field(
        "When", default="now", help="now, at the next billing date, or when the term of the subscription ends.")


class RecordUsage(OnSubscription):
    """How much of what."""

    add_on_code: str = field("Add-on", options="add_ons", min_length=1, max_length=50, help="A usage-based add-on.")
    amount: Decimal = field(
        "Amount", decimal_places=9,
        help="Is added to what was recorded before. Digits after the point are cut off, unless the site has the"
             " feature Decimal Quantity. For add-ons billed by percentage: the money in cents.")


class CancelSubscription(OnSubscription):
    """How the subscription ends."""

    refund: Literal["at_term_end", "none", "partial", "full"] = field(
        "Refund", default="at_term_end",
        help="at_term_end: nothing is refunded and the user keeps access for what is paid. The others end the"
             " subscription at once: without, with a prorated, or with a full refund of the last invoice.")
    timeframe: Literal["term_end", "bill_date"] = field(
        "Ends at", default="term_end", help="Only with at_term_end: the end of the term, or the next billing date.")
