"""What an administrator enters for Cleeng: settings of the publisher, parameters of its actions."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

VERSION = "3.1"
ADDRESSES = {"production": "https://api.cleeng.com", "sandbox": "https://api.sandbox.cleeng.com"}
HOSTS = ("api.cleeng.com", "api.sandbox.cleeng.com")
OFFER = r"[SPEAR][1-9]\d{8}_[A-Z0-9]{2}"
COUPON = r"[A-Za-z0-9_-]{2,40}"
LONGEST_REASON = 512
"""Characters of a cancellation reason."""


class CleengSettings(Settings):
    """How to reach one publisher."""

    api_key: SecretStr = field(
        "API key", min_length=1,
        help="The publisher token: Cleeng dashboard > Admin access > API keys. The sandbox has tokens of its own.")
    environment: Literal["production", "sandbox"] = field("Environment", default="production",
                                                          help="Where the publisher token belongs to.")
    base_url: str = field("API base URL", default="", placeholder=ADDRESSES["production"],
                          help="Instead of the environment's own address; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """The host; the version comes behind it."""
        return self.base_url or ADDRESSES[self.environment]

    @field_validator("base_url")
    @classmethod
    def _without_version(cls, url: str) -> str:
        return url.rstrip("/").removesuffix(f"/{VERSION}")

    @model_validator(mode="after")
    def _goes_to_cleeng(self) -> Self:
        why = host_problem(self.address, HOSTS, test_hosts=self.allow_test_hosts)
        if not why and self.base_url in set(ADDRESSES.values()) - {ADDRESSES[self.environment]}:
            why = f"is not the address of {self.environment}: leave it empty, or choose the other environment"
        refuse({"base_url": why} if why else {})
        return self


def _offer_field(title: str, help: str) -> Any:
    return field(title, default="", pattern=f"^({OFFER})?$", placeholder="S123456789_US", help=help)


class SwitchSubscription(Params):
    """From which offer to which."""

    to_offer_id: str = field("New offer id", pattern=r"^[SPEAR][1-9]\d{8}_[A-Z]{2}$", placeholder="S123456789_US",
                             help="The offer the user gets, with its country.")
    switch_direction: Literal["upgrade", "downgrade"] = field(
        "Direction", help="As the switch is set up in the Cleeng dashboard.")
    from_offer_id: str = _offer_field("Only if the user is on this offer", "Empty: the newest active subscription.")
    algorithm: Literal["", "DEFERRED", "IMMEDIATE_WITHOUT_PRORATION"] = field(
        "Algorithm", default="", help="Only for subscriptions that Cleeng does not manage itself; left out for others.")


class ApplyCoupon(Params):
    """Which discount the user gets."""

    coupon_code: str = field("Coupon code", pattern=f"^{COUPON}$",
                             help="Counts from the next payment. What the user types into the prompt goes before it.")


class OneOffer(Params):
    """Which subscription, for users with several."""

    offer_id: str = _offer_field("Only the subscription of this offer", "Needed for users with several.")


class ReactivateSubscription(Params):
    """Which subscription renews again."""

    offer_id: str = _offer_field("Only the subscription of this offer", "Empty: the newest stopped one.")


class CancelSubscription(OneOffer):
    """Why the subscription ends."""

    cancellation_reason: str = field(
        "Reason", default="Engage prompt", min_length=1, max_length=LONGEST_REASON,
        help="Stands in Cleeng's reports. What the user types into the prompt goes before it.")


class PauseSubscription(OneOffer):
    """For how long."""

    resumes_after_billing_cycles: int = field("Billing cycles to pause", ge=1,
                                              help="Counted from the next anniversary; the dashboard sets a limit.")


class ExtendSubscription(Params):
    """By how much."""

    days: int = field("Days", ge=1, le=3650, help="Added to the end of what is paid for.")
