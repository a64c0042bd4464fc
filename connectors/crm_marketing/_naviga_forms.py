"""What an administrator enters for Naviga: access to the web API, its paths, parameters of the actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field, segment
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

HOSTS = (".subscriberconcierge.com",)
ENGAGE: Mapping[str, str] = {
    "find_user": "/User/{lookup}",
    "check": "/subscribe/v1/subscription/status",
    "create": "/subscribe/v1/subscription",
    "start": "/subscribe/v1/subscription/{subscription}/activate",
    "end": "/subscribe/v1/subscription/{subscription}/cancel",
    "upgrade": "/subscription/update/upgrade",
    "downgrade": "/subscription/update/downgrade",
}
"""Paths as they stand in a customer's guide; unverified."""
STYLES: Mapping[str, Mapping[str, str]] = {
    "engage": ENGAGE,
    "naviga": {**ENGAGE, "check": "/Users/{user}/Subscriptions/v2", "create": "/Subscriptions"},
}
"""Naviga's own documentation knows the user search, the check and the creation; the others are unverified."""


class NavigaSettings(Settings):
    """How to reach one client's Naviga Subscribe."""

    base_url: str = field("API base URL", placeholder="https://server-<client>-prod.subscriberconcierge.com",
                          help="The client's own host.")
    token: SecretStr = field("Bearer token", min_length=1, help="Given by Naviga.")
    client_code: str = field("Client code", min_length=1, help="Sent as X-ClientCode.")
    media_group_code: str = field("Media group code", default="", help="Sent as X-MediaGroupCode.")
    paper_code: str = field("Paper code", min_length=1,
                            help="Sent as X-PaperCode; also the paper whose subscriptions are looked at.")
    source_system: str = field("Source system", min_length=1, help="Sent as X-SourceSystem; given by Naviga.")
    user_lookup: Literal["0", "1", "2"] = field("User provider lookup", default="0",
                                                help="Stands in the path of the user search.")
    paths: dict[str, str] = field(
        "Path overrides", default={},
        help=f"Where your instance answers elsewhere: one of {', '.join(ENGAGE)} and its path, in which {{user}},"
             " {subscription} and {lookup} are filled in.")
    path_style: Literal["naviga", "engage"] = field(
        "Path style", default="naviga",
        help="naviga: check and create as in Naviga's own documentation. Start, end, upgrade and downgrade are"
             " documented by neither: try them in the test environment first.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong: dict[str, str] = {}
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        if problem:
            wrong["base_url"] = problem
        strange = sorted(set(self.paths) - set(ENGAGE))
        if strange:
            wrong["paths"] = f"knows no {', '.join(strange)}; there are {', '.join(ENGAGE)}"
        elif not all(path.startswith("/") and not path.startswith("//") for path in self.paths.values()):
            wrong["paths"] = "holds a path that does not begin with one slash"
        refuse(wrong)
        return self

    def path(self, operation: str, *, user: str = "", subscription: str = "") -> str:
        """The path of an operation, with its parts filled in."""
        path = self.paths.get(operation) or STYLES[self.path_style][operation]
        parts = {"{user}": user, "{subscription}": subscription, "{lookup}": self.user_lookup}
        for name, value in parts.items():
            path = path.replace(name, segment(value))
        return path


class CheckSubscription(Params):
    """Which paper."""

    paper_code: str = field("Only this paper", default="", help="Empty: all papers of the user.")


class CreateSubscription(Params):
    """Which offer, and how it is paid."""

    offer_id: str = field("Offer id", min_length=1, help="The offer's id in Naviga.")
    offer_group_id: str = field("Offer group id", min_length=1, help="The group that the offer belongs to.")
    start_type: Literal["NewStart", "InApp"] = field(
        "Start type", default="NewStart",
        help="InApp: bought in an app store; the event's context must hold the receipt.")
    payment_type_id: int | None = field(
        "Payment type", default=None, ge=1,
        help="1 card, 31 iTunes, 32 Google Play. Empty: card; for purchases in an app, the store of its platform.")
    coupon_code: str = field("Coupon code", default="", help="Off the price; empty for none.")


class EndSubscription(Params):
    """Why it ends."""

    reason: str = field("Reason", default="", help="Why the user left; empty for none.")


class ChangeOffer(Params):
    """What the subscription becomes."""

    offer_id: str = field("New offer", min_length=1, help="The id of the offer that the user gets.")
