"""What an administrator enters for Evergent: settings of the instance with its own names, parameters of actions."""

from __future__ import annotations

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator

from connectors.billing._evergent_messages import FIELDS, LOOKUP, METHODS
from connectors.kit import Params, Settings, field
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field

HOSTS = (".evergent.com",)
MOST_DAYS = 90
"""Days that a pause may last, by the Engage page."""
ALREADY = r"already (been )?(redeemed|applied|active|resumed|reactivated|cancell?ed|removed|changed|paused)"
_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._~-]*)*")


class Override(BaseModel):
    """How one call is named at this instance, where that differs."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    method: str = field("Method", default="", pattern=r"^([A-Za-z]\w*(/[A-Za-z]\w*)*)?$",
                        help="Such as redeemCoupon, or ev2/redeemCoupon. Empty: the usual one.")
    request_message: str = field(
        "Request message", default="", pattern=r"^([A-Za-z]\w*)?$",
        help="Such as RedeemCouponRequestMessage. Empty: the method with a capital, and RequestMessage.")
    fields: dict[str, str] = field("Fields", default={},
                                   help="Such as coupon: promoCode. An empty name leaves the field out.")

    @field_validator("fields")
    @classmethod
    def _known(cls, given: dict[str, str]) -> dict[str, str]:
        strange = sorted(set(given) - set(FIELDS))
        if strange:
            raise ValueError(f"there is no field {', '.join(strange)}; there are {', '.join(FIELDS)}")
        return given


class EvergentSettings(Settings):
    """How to reach one instance."""

    domain: str = field(
        "Domain", min_length=1, placeholder="rest-prod-xyz.evergent.com/xyz",
        help="Host of your instance, with the tenant's path if it has one. Each instance has its own set of calls:"
             " ask Evergent which of them yours has, and how they are spelt.")
    api_key: SecretStr = field("API key", min_length=1, help="The key that Evergent gave you for server calls.")
    channel_partner_id: str = field("Channel partner ID", min_length=1, help="Goes into every message.")
    api_key_placement: str = field(
        "How the key is sent", default="message:apiKey", public=True,
        pattern=r"^(message:[A-Za-z]\w*|header:[A-Za-z][A-Za-z0-9-]*|bearer|none)$",
        help="message:<field>, header:<name>, bearer, or none where API user and password are all that counts. Low"
             " confidence: Evergent's own documents are not public; message:apiKey is what public apps send.")
    api_user: str = field("API user", default="", help="Only for instances that want user and password in messages.")
    api_password: SecretStr | None = field("API password", default=None, help="Belongs to the API user.")
    overrides: dict[str, Override] = field(
        "Method and field overrides", default={},
        help="By action (redeem_coupon ...) or lookup: what your instance calls it. Low confidence: only"
             " removeSubscription and getActiveSubscriptions were seen in public code, so compare with Evergent's"
             " documents for your instance.")
    already_done: str = field("Messages that mean already done", default=ALREADY,
                              help="A regular expression, without regard to case. Empty: every refusal is a failure.")
    retry_codes: tuple[str, ...] = field("Error codes worth another try", default=(),
                                         help="Codes of Evergent, such as eV9999; all others are final.")
    base_url: str = field("API base URL", default="", help="Instead of the domain; leave it empty.")
    allow_test_hosts: bool = test_hosts_field()

    @property
    def address(self) -> str:
        """Where requests go, without the method."""
        return self.base_url or f"https://{self.domain}"

    @field_validator("domain")
    @classmethod
    def _bare(cls, domain: str) -> str:
        return domain.removeprefix("https://").rstrip("/")

    @field_validator("already_done")
    @classmethod
    def _is_pattern(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        host, slash, path = self.domain.partition("/")
        wrong = {"domain": host_problem(f"https://{host}", HOSTS)}
        if not wrong["domain"] and not _PATH.fullmatch(slash + path):
            wrong["domain"] = "has a path that is none; write host/tenant"
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        if bool(self.api_user) != bool(self.api_password):
            wrong["api_user"] = "comes with the API password: enter both or none"
        if self.api_key_placement == "none" and not self.api_user:
            wrong["api_key_placement"] = "sends nothing at all: enter API user and password, or choose another way"
        strange = sorted(set(self.overrides) - {*METHODS, LOOKUP})
        if strange:
            wrong["overrides"] = f"names {', '.join(strange)}; there are {', '.join([*METHODS, LOOKUP])}"
        refuse({name: why for name, why in wrong.items() if why})
        return self


class RedeemCoupon(Params):
    """Which coupon."""

    coupon_code: str = field("Coupon code", default="",
                             help="Empty: the synced attribute coupon_code. What the user types goes before both.")


class ChangeService(Params):
    """From which product to which."""

    from_service_id: str = field("From service", default="", help="Empty: the synced attribute pack_id, else the"
                                                                  " account's only active service.")
    to_service_id: str = field("To service", min_length=1, help="The product that the user gets.")


class OneService(Params):
    """Which product."""

    service_id: str = field("Service", default="", help="Empty: the synced attribute pack_id, else the account's only"
                                                        " active service.")


class PauseSubscription(OneService):
    """For how long."""

    days: int = field("Days", ge=1, le=MOST_DAYS, help="At most 90. What the user types into the prompt goes before.")
