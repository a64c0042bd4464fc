"""What an administrator enters for Chargify: settings of the site, parameters of its actions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, field_validator, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

HOSTS = (".chargify.com", ".ebilling.maxio.com")


class ChargifySettings(Settings):
    """How to reach one site."""

    api_key: SecretStr = field(
        "API key", min_length=1, help="Maxio > Config > Integrations > API Keys. A key belongs to one site; test sites"
                                      " have keys of their own.")
    domain: str = field("Domain", placeholder="your-site.chargify.com",
                        help="your-site.chargify.com, or your-site.ebilling.maxio.com where the site is in the EU."
                             " The site's name alone means .chargify.com.")
    base_url: str = field("API base URL", default="", help="Instead of the domain; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or f"https://{self.domain}"

    @field_validator("domain")
    @classmethod
    def _whole(cls, domain: str) -> str:
        """The host of the site, however it was copied."""
        host = domain.lower().removeprefix("https://").removesuffix("/")
        return host if not host or "." in host else f"{host}.chargify.com"

    @model_validator(mode="after")
    def _goes_to_chargify(self) -> Self:
        wrong = {"domain": host_problem(f"https://{self.domain}", HOSTS)}
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        refuse({name: why for name, why in wrong.items() if why})
        return self


class OnProduct(Params):
    """The plan that an action is about."""

    product_id: str = field("Plan", options="products", min_length=1,
                            help="Pick one, or write the plan's id or API handle.")


class CreateSubscription(OnProduct):
    """What the user is subscribed to."""

    product_price_point_id: int | None = field("Price point", default=None, ge=1, options="price_points",
                                               help="One of the plan's own prices. Empty: its default price.")
    coupon_codes: tuple[str, ...] = field("Coupon codes", default=(), help="Off the price from the start.")
    payment_collection_method: Literal["automatic", "remittance", "prepaid"] = field(
        "Collection", default="automatic",
        help="automatic: the customer's default payment method is charged. remittance: the customer gets invoices."
             " prepaid: it is taken from what was paid before.")
    if_subscribed: Literal["already_done", "add_another"] = field(
        "If the user has this plan already", default="already_done",
        help="Leave it and count as a success, or add a second subscription.")


class CancelSubscription(OnProduct):
    """When the subscription ends, and why."""

    when: Literal["immediately", "period_end"] = field(
        "When", default="immediately", help="At once, or at the end of what is paid for.")
    cancellation_message: str = field("Message", default="", help="For your own use; stands on the subscription.")
    reason_code: str = field("Reason code", default="", options="reason_codes",
                             help="One of the site's churn reason codes.")


class AddCoupon(OnProduct):
    """Which discount the subscription gets."""

    coupon_code: str = field("Coupon code", options="coupons", min_length=1,
                             help="Is added to the coupons that are there, if they can be combined.")
