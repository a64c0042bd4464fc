"""What an administrator enters for Adobe: datastream, credentials, streaming inlet; parameters of the actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import SecretStr, model_validator

from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.prompt import Texts

HOSTS: Mapping[str, str] = {
    "edge": "https://edge.adobedc.net",
    "server": "https://server.adobedc.net",
    "streaming": "https://dcs.adobedc.net",
    "ajo": "https://platform.adobe.io",
    "ims": "https://ims-na1.adobelogin.com",
}
"""Where each of Adobe's APIs answers; `server` is the edge network for those who sign in."""
SCOPES = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
NONE = SecretStr("")
SIGN_IN, INLET = "sign_in", "streaming"
FILLED = "Fixed texts, or placeholders such as %first_name% (a user attribute) or %prompt_name%."


class AdobeSettings(Settings):
    """How to reach one Adobe organization's datastream, and what else of it is used."""

    identity_map_symbol: str = field("Identity Map Symbol", min_length=1, placeholder="Email",
                                     help="Identity namespace of the sandbox, such as Email, CRMID; case matters.")
    event_type: str = field("Event Type", default="web.webinteraction.linkClicks", min_length=1,
                            help="Value of xdm.eventType; one of the known values where it fits.")
    instance_name: str = field(
        "Adobe Instance Name", pattern=r"^_[A-Za-z0-9_]+$", placeholder="_production",
        help="The member for custom fields, with its underscore, as in the details of the schema. Fields that the"
             " schema lacks there are dropped.")
    datastream_id: str = field("Data Stream ID", min_length=1, help="Data Collection > Datastreams.")
    ims_org_id: str = field("IMS Organization ID", default="", pattern=r"^(.+@AdobeOrg)?$", group=SIGN_IN,
                            placeholder="...@AdobeOrg", help="Ends in @AdobeOrg; needed with credentials.")
    client_id: str = field("OAuth client id (API key)", default="", group=SIGN_IN,
                           help="Adobe Developer Console > project > OAuth Server-to-Server. Without it events go out"
                                " unauthenticated, and campaigns and authenticated inlets cannot be used.")
    client_secret: SecretStr = field("OAuth client secret", default=NONE, group=SIGN_IN,
                                     help="Beside the client id in the Developer Console.")
    scopes: str = field("OAuth scopes", default=SCOPES, min_length=1, group=SIGN_IN,
                        help="Separated by commas, copied from the Developer Console; an empty or foreign one fails.")
    sandbox_name: str = field("Sandbox name", default="prod", min_length=1,
                              help="Such as prod; where profiles and campaigns live.")
    inlet_id: str = field("Streaming connection (inlet) id", default="", group=INLET,
                          help="Only for syncing traits and for journeys that an inlet feeds.")
    profile_schema_id: str = field("Profile schema $id", default="", group=INLET,
                                   placeholder="https://ns.adobe.com/<tenant>/schemas/<id>",
                                   help="Of the schema that synced profiles have.")
    profile_schema_version: str = field("Profile schema version", default="1", group=INLET, pattern=r"^\d+(\.\d+)?$",
                                        help="Of the same schema.")
    profile_dataset_id: str = field("Profile dataset id", default="", group=INLET, help="Needed with an inlet.")
    profile_flow_id: str = field("Dataflow id", default="", group=INLET, help="Needed with an inlet.")
    base_url: str = field("API base URL", default="", help="Leave empty; only an emulator of a test has one.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def signs_in(self) -> bool:
        """Whether there are credentials."""
        return bool(self.client_id)

    @property
    def has_secret(self) -> bool:
        """Whether the secret was entered."""
        return self.client_secret != NONE

    def at(self, api: str) -> str:
        """The address in front of one API's paths."""
        return self.base_url or HOSTS[api]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong: dict[str, str] = {}
        sign_in = {"ims_org_id": bool(self.ims_org_id), "client_id": self.signs_in, "client_secret": self.has_secret}
        if self.client_id or self.has_secret:
            wrong.update({name: "is needed to sign in, with the other two" for name, there in sign_in.items()
                          if not there})
        inlet = ("ims_org_id", "profile_dataset_id", "profile_flow_id") if self.inlet_id else ()
        wrong.update({name: "is needed with an inlet" for name in inlet if not getattr(self, name)})
        if self.base_url:
            allowed = [url.removeprefix("https://") for url in HOSTS.values()]
            problem = host_problem(self.base_url, allowed, test_hosts=self.allow_test_hosts)
            wrong.update({"base_url": problem} if problem else {})
        refuse(wrong)
        return self


class ExportEvent(Params):
    """Who an interaction belongs to, and what it is called."""

    identity_trait: str = field(
        "Trait that holds the identity value", default="user_id", min_length=1,
        help="user_id: the attribute adobe_identity where it is synced, else your own user id; in the namespace Email"
             " the e-mail address.")
    event_type: str = field("Event type", default="", help="Instead of the one of the settings.")


class TriggerJourney(Params):
    """Which journey listens, and what it is told."""

    journey_event_id: str = field(
        "Orchestration eventID", default="", pattern=r"^([0-9A-Fa-f]{64})?$",
        help="64 characters, from Journey Optimizer > Configurations > Events > View payload. Empty for events that"
             " rules recognise.")
    event_type: str = field("Event type", default="", help="Instead of the one of the settings.")
    event_fields: Texts = field("Extra fields under the instance name", default={}, help=FILLED)
    route: Literal["edge", "inlet"] = field("Way in", default="edge",
                                            help="inlet: through the streaming connection of the settings.")
    event_schema_id: str = field("Event schema $id", default="", help="For the inlet.")
    event_schema_version: str = field("Event schema version", default="1", pattern=r"^\d+(\.\d+)?$",
                                      help="For the inlet.")
    event_dataset_id: str = field("Event dataset id", default="", help="For the inlet.")
    event_flow_id: str = field("Event dataflow id", default="", help="For the inlet; empty: the one of the settings.")

    @model_validator(mode="after")
    def _inlet_is_described(self) -> Self:
        names = ("event_schema_id", "event_dataset_id") if self.route == "inlet" else ()
        refuse({name: "is needed for the inlet" for name in names if not getattr(self, name)})
        return self


class TriggerCampaign(Params):
    """Which campaign, for whom."""

    campaign_id: str = field("Campaign id", min_length=1, help="An API-triggered campaign that is live.")
    recipient_type: Literal["aep", "external"] = field(
        "Recipient", default="aep", help="aep: a profile of the platform. external: an address without a profile.")
    namespace: str = field("Namespace", default="email", min_length=1, help="Which identity of the profile is meant.")
    context: Texts = field("Context attributes", default={}, help=FILLED)


class SyncTraits(Params):
    """Which attributes go to the profile."""

    traits: list[str] = field("Traits to send", min_length=1,
                              help="Each becomes the field of its name under the instance name.")
