"""Names that GA4 takes, forms that keep to them, client ids and the length of values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Self

from pydantic import model_validator

from connectors.kit import Params, Rejected, Value, field
from connectors.kit.fields import refuse
from connectors.kit.http import scalar
from connectors.kit.prompt import EVENT_NAMES, EventParams, Texts

RESERVED_EVENTS = frozenset({
    "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data",
    "app_exception", "app_install", "app_remove", "app_store_refund", "app_update", "app_upgrade",
    "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "firebase_campaign",
    "firebase_in_app_message_action", "firebase_in_app_message_dismiss", "firebase_in_app_message_impression",
    "first_open", "first_visit", "notification_dismiss", "notification_foreground", "notification_open",
    "notification_receive", "notification_send", "os_update", "session_start", "user_engagement",
    # app streams only, where these have a meaning of their own
    "ad_impression", "in_app_purchase", "screen_view",
})
RESERVED_PARAMS = frozenset({"firebase_conversion", "session_id", "engagement_time_msec"})
RESERVED_PROPERTIES = frozenset({
    "first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id", "first_open_after_install",
})
PREFIXES = ("firebase_", "ga_", "google_", "gtag.")
PERSONAL = frozenset({
    "email", "email_address", "first_name", "last_name", "name", "full_name", "phone", "phone_number",
})
"""Attributes that Google's terms forbid to send."""
MAX_PROPERTIES = 25
MAX_EXTRA = 18
"""25 parameters, less the five of the prompt, the session and the engagement time."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CLIENT = re.compile(r"(?:.*\.)?([1-9]\d*\.[1-9]\d*)")


def _problem(names: Iterable[str], longest: int, reserved: frozenset[str], prefixes: tuple[str, ...] = PREFIXES) -> str:
    """Why Google would drop what has one of these names; "" where it would not."""
    for name in names:
        if len(name) > longest or not _NAME.fullmatch(name):
            return f"'{name[:50]}': Google takes letters, digits and _, a letter first, {longest} characters at most"
        if name in reserved or name.startswith(prefixes):
            return f"'{name}' is reserved by Google"
    return ""


def _traits_problem(names: list[str]) -> str:
    personal = sorted(PERSONAL.intersection(names))
    if personal:
        return f"Google's terms forbid to send {', '.join(personal)}"
    return _problem(names, 24, RESERVED_PROPERTIES)


class Consents(Params):
    """What the user agreed to, for Google's advertising products."""

    ad_user_data: str = field(
        "Consent to user data for advertising", default="",
        help="The attribute that says whether the user agreed; absent, nothing is told. What is no clear yes is a no.",
    )
    ad_personalization: str = field(
        "Consent to personalised advertising", default="", help="The attribute that says so, in the same way."
    )


class ExportEvent(EventParams, Consents):
    """What an interaction looks like in Google Analytics."""

    extra_params: Texts = field(
        "Extra event parameters", default={}, max_length=MAX_EXTRA,
        help="Fixed texts, or placeholders such as %plan% (a user attribute), %goal_name% or %promoInput1Value% (what"
             " the user typed); one that stands for nothing is left out. Values are cut to 100 characters.",
    )
    include_user_properties: list[str] = field(
        "Traits to send as user properties", default=[], max_length=MAX_PROPERTIES,
        help="Attributes; names of up to 24 characters, values are cut to 36. No personal data: Google forbids it.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        renamed = [name for name in self.property_names.values() if name]
        found = {
            "event_names": _problem(self.all_names, 40, RESERVED_EVENTS),
            "property_names": _problem(renamed, 40, RESERVED_PARAMS),
            "extra_params": _problem(self.extra_params, 40, RESERVED_PARAMS),
            "include_user_properties": _traits_problem(self.include_user_properties),
        }
        refuse({place: why for place, why in found.items() if why})
        return self


class SyncTraits(Consents):
    """Which attributes become user properties."""

    traits: list[str] = field(
        "Traits to send", min_length=1, max_length=MAX_PROPERTIES,
        help="Names of up to 24 characters, values are cut to 36. No personal data: Google forbids it.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = _traits_problem(self.traits)
        refuse({"traits": problem} if problem else {})
        return self


def default_name(interaction: str) -> str:
    """The name that belongs to an interaction, without the spaces that GA4 does not take."""
    known = EVENT_NAMES.get(interaction, f"Recurly Engage Prompt {interaction}")
    return known.lower().replace(" ", "_")[:40]


def cut(value: Value, longest: int) -> str | int | float:
    """A value as GA4 takes it: a number, or text of so many characters."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return (",".join(value) if isinstance(value, list) else scalar(value))[:longest]


def known_client_id(text: str) -> str:
    """Two numbers with a dot between, alone or at the end of a whole _ga cookie (GA1.1.1234.5678)."""
    found = _CLIENT.fullmatch(text.strip())
    if found is None:
        raise Rejected("invalid_client_id", "ga_client_id is not what a _ga cookie holds: two numbers and a dot")
    return found[1]


def derived_client_id(user_id: str) -> str:
    """A client id for a user without one: two numbers below 2^31 that are always the same."""
    digest = sha256(user_id.encode()).digest()
    first, second = (int.from_bytes(part) & 0x7FFFFFFF for part in (digest[:4], digest[4:8]))
    return f"{first or 1}.{second or 1}"
