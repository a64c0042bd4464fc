"""What an administrator enters for Vindicia: settings of the merchant, parameters of its actions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

ADDRESSES = {"production": "https://api.vindicia.com", "prodtest": "https://api.prodtest.vindicia.com"}
HOSTS = ("api.vindicia.com", "api.prodtest.vindicia.com")

When = Literal["today", "nextBill"]
WHEN = "today, or with the next bill."
PRORATED = "Only with today: whether the rest of the running period is billed at once."


class VindiciaSettings(Settings):
    """How to reach one merchant account."""

    username: str = field("API Username", min_length=1,
                          help="The API user of the merchant account; ProdTest and production have different ones.")
    password: SecretStr = field("API Password", min_length=1, help="The password of that API user.")
    environment: Literal["production", "prodtest"] = field(
        "Environment", default="production", help="prodtest is Vindicia's test system.")
    base_url: str = field("API base URL", default="", placeholder=ADDRESSES["production"],
                          help="Instead of the environment's own address; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or ADDRESSES[self.environment]

    @field_validator("username")
    @classmethod
    def _fits_basic(cls, name: str) -> str:
        if ":" in name:
            raise ValueError("holds a colon, which no user name of HTTP Basic may")
        return name

    @model_validator(mode="after")
    def _goes_to_vindicia(self) -> Self:
        why = host_problem(self.address, HOSTS, test_hosts=self.allow_test_hosts)
        if not why and self.base_url.rstrip("/") in set(ADDRESSES.values()) - {ADDRESSES[self.environment]}:
            why = f"is not the address of {self.environment}: leave it empty, or choose the other environment"
        refuse({"base_url": why} if why else {})
        return self


class ReplaceProduct(Params):
    """Which product for which, when, and at what price."""

    product_id: str = field("New product", options="products", min_length=1, help="The product the user gets.")
    replaces_product_id: str = field(
        "Product to be replaced", default="", options="products",
        help="Empty: the only product of the subscription; with several, users are refused.")
    effective_date: When = field("When", default="today", help=WHEN)
    bill_prorated_period: bool = field("Bill the prorated rest of the period now", default=True, help=PRORATED)
    campaign_code: str = field("Promotion or coupon code", default="", help="A discount on the new product.")
    billing_plan_id: str = field("Also change the billing plan", default="", options="billing_plans",
                                 help="Empty: the plan stays. Monthly to annual needs it.")


class AddProduct(Params):
    """Which product is added, when, and at what price."""

    product_id: str = field("Product", options="products", min_length=1, help="The product the user gets in addition.")
    effective_date: When = field("When", default="today", help=WHEN)
    bill_prorated_period: bool = field("Bill the prorated rest of the period now", default=True, help=PRORATED)
    campaign_code: str = field("Promotion or coupon code", default="", help="A discount on the product.")


class AddCampaign(Params):
    """Which discount, on what."""

    campaign_code: str = field(
        "Campaign", options="campaigns", min_length=1,
        help="A promotion code, or one coupon code. What the user types into the prompt goes before it.")
    product_id: str = field("Product the discount applies to", default="", options="products",
                            help="Empty: the subscription's first product.")
    effective_date: When = field("When", default="nextBill", help=WHEN)


class CancelSubscription(Params):
    """How the subscription ends."""

    disentitle: bool = field("End access at once", default=False,
                             help="Off: the user keeps access for what is paid.")
    settle: bool = field("Settle outstanding amount", default=False, help="Bills what is still open.")


class DelayBilling(Params):
    """By how much."""

    days: int = field("Days to delay", ge=1, le=3650, help="Counted from the date of the next bill.")
    permanent: bool = field("Keep the new billing day", default=True,
                            help="Off: only the next bill moves; later periods keep their day.")
