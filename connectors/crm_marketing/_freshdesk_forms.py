"""What an administrator enters for Freshdesk: settings of the account, parameters of its actions."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import account_host, host_problem, test_hosts_field

VENDOR = ".freshdesk.com"
PRIORITIES = "1 low, 2 medium, 3 high, 4 urgent."


class FreshdeskSettings(Settings):
    """How to reach one Freshdesk account."""

    domain: str = field("Domain", placeholder="yourcompany.freshdesk.com",
                        help="Host of the account, or only its first part; the API does not answer under a host of"
                             " your own.")
    api_key: SecretStr = field(
        "API key", min_length=1,
        help="Profile settings of an agent or admin, with whose rights every call runs. The Free plan has no API.")
    allow_spam_endpoint: bool = field(
        "Try the undocumented spam call", default=False,
        help="Freshdesk's public API has no call that marks tickets as spam. Some accounts may take an undocumented"
             " one, which 'Mark all existing tickets as spam' tries if this is on; deleting tickets and contact is the"
             " documented way.")
    base_url: str = field("API base URL", default="", help="Leave empty; only an emulator of a test has one.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def host(self) -> str:
        """The whole host name of the account."""
        return account_host(self.domain, VENDOR)

    @property
    def address(self) -> str:
        """What stands in front of every path."""
        return self.base_url or f"https://{self.host}"

    @model_validator(mode="after")
    def _goes_to_freshdesk(self) -> Self:
        wrong = {}
        if not self.host:
            wrong["domain"] = "is no Freshdesk account; write yourcompany.freshdesk.com, or only yourcompany"
        elif self.base_url:
            wrong["base_url"] = host_problem(self.base_url, (self.host,), test_hosts=self.allow_test_hosts)
        refuse({name: why for name, why in wrong.items() if why})
        return self


class CreateTicket(Params):
    """What the ticket looks like."""

    subject: str = field("Subject", default="", max_length=255, help="Empty: 'Offer accepted: <name of the prompt>'.")
    priority: Literal[1, 2, 3, 4] = field("Priority", default=1, help=PRIORITIES)
    status: Literal[2, 3, 4, 5] = field("Status", default=2, help="2 open, 3 pending, 4 resolved, 5 closed.")
    group_id: int | None = field("Group", default=None, options="groups", help="Who shall look at it.")
    type: str = field("Type", default="", help="One of the account's ticket types, written as there.")
    tags: tuple[str, ...] = field("Tags", default=(), help="Besides 'engage' and one that names this outcome; at most"
                                                           " 32 characters each.")


class SetPriority(Params):
    """The new priority."""

    priority: Literal[1, 2, 3, 4] = field("Priority", help=PRIORITIES)


class SetStatus(Params):
    """The new status."""

    status: int = field("Status", ge=2, options="statuses",
                        help="2 open, 3 pending, 4 resolved, 5 closed, and those of your own. Fields that the account"
                             " requires for closing make it fail.")
    skip_close_notification: bool | None = field(
        "Do not mail the requester when closing", default=None, help="Nothing chosen: as the account decides.")


class SetResponder(Params):
    """Who gets the tickets."""

    responder_id: int = field("Agent", ge=1, options="agents", help="Who gets the tickets.")


class SetGroup(Params):
    """Which group gets the tickets."""

    group_id: int = field("Group", ge=1, options="groups", help="Who gets the tickets.")


class SetSource(Params):
    """Where the tickets are said to come from."""

    source: Literal[1, 2, 3, 7, 9, 10] = field(
        "Source", help="1 e-mail, 2 portal, 3 phone, 7 chat, 9 feedback widget, 10 outbound e-mail, which other tickets"
                       " may not become.")
