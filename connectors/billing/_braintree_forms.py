"""What an administrator enters for Braintree: settings of the merchant, parameters of its actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, is_test_host, test_hosts_field

HOSTS = {"production": "api.braintreegateway.com", "sandbox": "api.sandbox.braintreegateway.com"}
ID = r"^[A-Za-z0-9_-]*$"
"""Characters of Braintree's ids; one with others cannot exist."""


class BraintreeSettings(Settings):
    """How to reach one Braintree gateway."""

    merchant_id: str = field("Merchant ID", min_length=1, pattern=ID,
                             help="Braintree > Settings > API > Keys; not the merchant account's id.")
    public_key: str = field("Public key", min_length=1, public=True, help="Braintree > Settings > API > Keys.")
    private_key: SecretStr = field("Secret key", min_length=1, help="Called private key in Braintree's control panel.")
    environment: Literal["production", "sandbox"] = field(
        "Environment", default="production", help="Sandbox and production have keys of their own.")
    base_url: str = field("Gateway URL", default="", help="Leave empty: it follows from the environment.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _goes_to_braintree(self) -> Self:
        wanted = HOSTS[self.environment]
        why = host_problem(self.address, (wanted,), test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self

    @property
    def address(self) -> str:
        """Where the gateway is."""
        return self.base_url or f"https://{HOSTS[self.environment]}:443"

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        return self.environment == "production" and not is_test_host(urlsplit(self.address).hostname or "")


class UserParams(Params):
    """What every action asks, since an e-mail address may belong to several customers."""

    if_several: Literal["newest", "fail"] = field(
        "If several customers have the e-mail address", default="newest",
        help="Only matters for users without a synced braintree_id, and where several of them could be meant: take"
             " the newest customer, or do nothing and report.")


class SubscribePlan(UserParams):
    """What the user is subscribed to."""

    plan_id: str = field("Plan", options="plans", min_length=1, pattern=ID, help="The plan the user gets.")
    trial_days: int | None = field("Trial days", default=None, ge=1, le=730, help="Empty: as the plan says.")
    discount_id: str = field("Discount from the start", default="", options="discounts", pattern=ID,
                             help="Off the price from the first billing on.")
    merchant_account_id: str = field("Merchant account", default="", pattern=ID,
                                     help="Decides the currency, which must be the plan's. Empty: the default one.")
    if_subscribed: Literal["already_done", "add_another"] = field(
        "If the user has this plan already", default="already_done",
        help="Leave it and count as a success, or add a second subscription.")


class AddDiscount(UserParams):
    """Which discount the user's subscription gets."""

    discount_id: str = field("Discount", options="discounts", min_length=1, pattern=ID,
                             help="Lowers the next billing; nothing is refunded.")
    plan_id: str = field("Only the subscription with this plan", default="", options="plans", pattern=ID,
                         help="Empty: the user's newest active subscription.")
    amount: Decimal | None = field("Amount instead of the discount's own", default=None, gt=0, max_digits=12,
                                   decimal_places=3, placeholder="5.00", help="In the plan's currency, such as 5.00.")
    number_of_billing_cycles: int | None = field("For how many billing cycles", default=None, ge=1,
                                                 help="Empty: as the discount says.")
