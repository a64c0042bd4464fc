"""What an administrator enters for Piano: settings of the application, parameters of its actions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

ADDRESSES = {
    "us": "https://api.piano.io", "eu": "https://api-eu.piano.io", "au": "https://api-au.piano.io",
    "ap": "https://api-ap.piano.io", "sandbox": "https://sandbox.piano.io",
}
HOSTS = tuple(address.removeprefix("https://") for address in ADDRESSES.values())


class PianoSettings(Settings):
    """How to reach one application."""

    api_token: SecretStr = field("Publisher API token", min_length=1,
                                 help="Piano dashboard > Manage > API settings. It belongs to one application.")
    aid: str = field("Application ID", min_length=1, help="The aid of the application, beside its token.")
    region: Literal["us", "eu", "au", "ap", "sandbox"] = field(
        "Region", default="us", help="Where Piano keeps the application; sandbox is a system of its own.")
    base_url: str = field("API base URL", default="", placeholder=ADDRESSES["us"],
                          help="Instead of the region's own address; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """Where requests go."""
        return self.base_url or ADDRESSES[self.region]

    @model_validator(mode="after")
    def _goes_to_piano(self) -> Self:
        why = host_problem(self.address, HOSTS, test_hosts=self.allow_test_hosts)
        refuse({"base_url": why} if why else {})
        return self


class UpgradeSubscription(Params):
    """From which term to which, and when it is paid."""

    from_term_id: str = field("From term", options="terms", min_length=1, help="Only users on this term are moved.")
    to_term_id: str = field("To term", options="terms", min_length=1,
                            help="A change option between the two terms must exist in Piano.")
    to_term_period_id: str = field("Period of the new term", default="", help="For terms with several periods.")
    billing_timing: str = field(
        "Billing timing", default="0", min_length=1,
        help="One of the values that the change option in Piano's dashboard allows. What the numbers mean is not"
             " published: take what the dashboard shows.")
    immediate_access: bool = field("Give access at once", default=True, help="Means nothing with billing timing 0.")
    prorate_access: bool = field("Prorate", default=False, help="Whether what is paid already counts.")


class CancelSubscription(Params):
    """Whether money goes back."""

    refund_last_payment: bool = field("Refund the last payment", default=False,
                                      help="A subscription that does not renew any more is left as it is.")


class MoveNextBillDate(Params):
    """By how much."""

    days: int = field("Days", ge=1, le=3650, help="Added to the date of the next bill.")
