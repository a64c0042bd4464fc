"""What an administrator enters for Iterable: access, and the parameters of each action."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.prompt import Texts

API = {"us": "https://api.iterable.com", "eu": "https://api.eu.iterable.com"}
HOSTS = ("api.iterable.com", "api.eu.iterable.com")
FILLED = ("Fixed texts, or placeholders such as %first_name% (a user attribute), %prompt_name% or %promoInput1Value%"
          " (what the user typed); one that stands for nothing is left out.")


class IterableSettings(Settings):
    """How to reach one Iterable project, and how it knows its users."""

    api_key: SecretStr = field(
        "API key", min_length=1,
        help="Iterable > Integrations > API keys, type Server-side. It belongs to one project and one data center.",
    )
    data_center: Literal["us", "eu"] = field("Data center", default="us", help="Where Iterable keeps the project.")
    identify_by: Literal["email", "user_id", "hybrid"] = field(
        "Users are identified by", default="email",
        help="The type of the project. 'user_id': the attribute iterable_user_id, else your own user id. 'hybrid': the"
             " e-mail address, else the user id.",
    )
    base_url: str = field("API base URL", default="", help="Instead of the data center's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts) if self.base_url else ""
        refuse({"base_url": problem} if problem else {})
        return self

    @property
    def address(self) -> str:
        """Where the project's data center answers."""
        return self.base_url or API[self.data_center]


class TrackEvent(Params):
    """What the event is called and what it holds."""

    event_name: str = field("Event name", default="", help="Empty: the name that belongs to the interaction.")
    campaign_id: int | None = field("Campaign to attribute to", default=None, ge=1, options="campaigns",
                                    help="Counts the event for a campaign; empty for none.")
    template_id: int | None = field("Template to attribute to", default=None, ge=1,
                                    help="The id of a template; empty for none.")
    create_new_fields: bool | None = field(
        "Allow new fields", default=None, help="Nothing chosen: as the project is set up."
    )
    extra_fields: Texts = field("Extra data fields", default={}, help=FILLED)


class ListMembership(Params):
    """Which list."""

    list_id: int = field("List", ge=1, options="lists", help="A static list; dynamic ones fill themselves.")
    update_existing_only: bool = field(
        "Only existing users", default=False,
        help="Works in projects that identify users by user id, and in hybrid ones.",
    )


class TriggerJourney(Params):
    """Which journey, and what it is told."""

    workflow_id: int = field("Journey", ge=1, options="journeys", help="One that is started by the API, and enabled.")
    data_fields: Texts = field("Data for the journey", default={}, help=FILLED)


class SendCampaign(Params):
    """Which campaign, and what its template shows."""

    campaign_id: int = field("Campaign", ge=1, options="campaigns", help="A triggered e-mail campaign that is running.")
    data_fields: Texts = field("Template data", default={}, help=FILLED)
    allow_repeat: bool = field(
        "Allow repeat marketing sends", default=False,
        help="No: Iterable sends a marketing campaign to the same user only once; transactional ones it sends each"
             " time.",
    )


class SyncTraits(Params):
    """Which attributes go to the profile."""

    traits: list[str] = field("Traits to send", min_length=1, help="Attributes that become fields of the profile.")
    merge_nested: bool = field("Merge nested objects", default=True,
                               help="Off: an object replaces the one that is there.")
