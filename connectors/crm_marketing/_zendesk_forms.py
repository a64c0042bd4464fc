"""What an administrator enters for Zendesk: settings of the account, parameters of its actions."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

VENDOR = ".zendesk.com"
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")


class ZendeskSettings(Settings):
    """How to reach one Zendesk account."""

    domain: str = field("Domain", placeholder="yourcompany.zendesk.com",
                        help="Host of the account, or only its first part.")
    username: str = field("Username", min_length=1,
                          help="E-mail address of a verified agent or admin, with whose rights every call runs:"
                               " deleting, spam and suspending need somebody who may do so.")
    api_key: SecretStr = field(
        "API key (API token)", min_length=1,
        help="Admin Center > Apps and integrations > APIs > API tokens; token access must be switched on there.")
    base_url: str = field("API base URL", default="", help="Leave empty; only an emulator of a test has one.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def host(self) -> str:
        """The whole host name of the account."""
        return self.domain if "." in self.domain else self.domain + VENDOR

    @property
    def address(self) -> str:
        """What stands in front of every path."""
        return self.base_url or f"https://{self.host}"

    @model_validator(mode="after")
    def _goes_to_zendesk(self) -> Self:
        wrong = {}
        if not _LABEL.fullmatch(self.host.lower().removesuffix(VENDOR)):
            wrong["domain"] = "is no Zendesk account; write yourcompany.zendesk.com, or only yourcompany"
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, (self.host,), test_hosts=self.allow_test_hosts)
        refuse({name: why for name, why in wrong.items() if why})
        return self


Priority = Literal["low", "normal", "high", "urgent"]


class CreateTicket(Params):
    """What the ticket looks like."""

    subject: str = field("Subject", default="", max_length=150, help="Empty: 'Offer accepted: <name of the prompt>'.")
    priority: Literal["", "low", "normal", "high", "urgent"] = field(
        "Priority", default="", help="Empty: as the account decides.")
    group_id: int | None = field("Group", default=None, options="groups", help="Who shall look at it.")
    tags: tuple[str, ...] = field("Tags", default=(), help="Besides 'engage' and one for the prompt.")


class SetPriority(Params):
    """The new priority."""

    priority: Priority = field("Priority", help="Some plans know only some of them.")


class AssignAgent(Params):
    """Who gets the tickets."""

    assignee_id: int = field("Agent", options="agents", help="Who gets the tickets.")
    group_id: int | None = field("Group of the agent", default=None, options="groups",
                                 help="Name it if tickets may lie in groups that the agent does not belong to.")


class AssignGroup(Params):
    """Which group gets the tickets."""

    group_id: int = field("Group", options="groups", help="Who gets the tickets.")


class SetStatus(Params):
    """The new status."""

    status: Literal["open", "pending", "hold", "solved", "closed"] = field(
        "Status", help="'hold' must be switched on in the account; 'solved' needs an assignee; 'closed' is final.")


class SetSource(Params):
    """Where the tickets are said to come from."""

    source: str = field("Source", min_length=1, max_length=70, help="Becomes the tag source_<what you write>.")
