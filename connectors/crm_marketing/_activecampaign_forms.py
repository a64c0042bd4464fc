"""What an administrator enters for ActiveCampaign: access to the account, parameters of its actions."""

from __future__ import annotations

from typing import Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import account_host, host_problem, test_hosts_field

VENDOR = ".api-us1.com"
ENDINGS = (VENDOR, ".activehosted.com")
"""What the hosts of accounts end in; an account that is told another one needs it here."""


class ActiveCampaignSettings(Settings):
    """How to reach one ActiveCampaign account."""

    subdomain: str = field("Subdomain", placeholder="myaccount",
                           help="Name of the account, or its whole URL from Settings > Developer.")
    base_url: str = field("API URL", default="", placeholder="https://myaccount.api-us1.com",
                          help="As shown under Settings > Developer, where it is not made of the subdomain.")
    api_key: SecretStr = field("API key", min_length=1,
                               help="Settings > Developer; belongs to one user, with whose group's rights calls run.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def host(self) -> str:
        """The host that the subdomain stands for; "" where it stands for none."""
        whole = next((one for one in ENDINGS if self.subdomain.lower().rstrip("/").endswith(one)), VENDOR)
        return account_host(self.subdomain, whole)

    @property
    def address(self) -> str:
        """What stands in front of every path."""
        return self.base_url or f"https://{self.host}"

    @model_validator(mode="after")
    def _goes_to_activecampaign(self) -> Self:
        wrong = {}
        if not self.host:
            wrong["subdomain"] = "is no ActiveCampaign account; write its name, or https://myaccount.api-us1.com"
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, ENDINGS, test_hosts=self.allow_test_hosts)
        refuse({name: why for name, why in wrong.items() if why})
        return self


class AddContact(Params):
    """What of the user becomes a custom field."""

    field_map: dict[str, str] = field(
        "Traits to custom fields", default={}, options="fields",
        help="By attribute, the id of the custom field, such as plan: 12. Dates are YYYY-MM-DD; lists become several"
             " choices.")


class AddToList(Params):
    """Which list."""

    list_id: str = field("List", options="lists", pattern=r"^\d+$", help="The list that the user is put on.")
    resubscribe: bool = field(
        "Also re-subscribe people who unsubscribed", default=False,
        help="No: somebody who unsubscribed from the list is left alone, and the outcome says so.")


class AddToAutomation(Params):
    """Which automation."""

    automation_id: str = field("Automation", options="automations", pattern=r"^\d+$",
                               help="Whether a contact can enter it more than once is set up in the automation.")
