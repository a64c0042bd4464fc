"""Braze: user profiles and custom events, REST API. Reference: https://www.braze.com/docs/api/basics/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Failure,
    Flow,
    FormInput,
    Limits,
    MissingAttributes,
    Params,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    all_of,
    failure,
    field,
    post,
    sign_with,
)
from connectors.kit.auth import bearer
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, is_test_host, test_hosts_field
from connectors.kit.person import EMAIL, typed_address
from connectors.kit.prompt import iso_time
from connectors.kit.reading import seconds_until

TRACK = "/users/track"
NEW_ALIAS = "/users/alias/new"
HOSTS = (".braze.com", ".braze.eu")
TEXT = 255
"""Characters of a text in a custom event's properties."""
IDENTIFIERS = frozenset({"external_id", "user_alias", "braze_id", "email", "_update_existing_only"})
"""Members that say whose profile it is, or whether one is made."""
BLOCKED = "blacklisted"
"""The word by which Braze tells that it takes nothing more for a user id."""

_KEY = re.compile(r"[!-~]+")

Row = dict[str, Any]


class BrazeSettings(Settings):
    """How to reach one Braze workspace."""

    base_url: str = field(
        "Base URL", placeholder="https://rest.iad-01.braze.com",
        help="The REST endpoint of your instance, such as https://rest.iad-01.braze.com or"
             " https://rest.fra-02.braze.eu: Braze > Settings > APIs and Identifiers. Not the dashboard's address.",
    )
    api_key: SecretStr = field(
        "API key", min_length=1, help="A REST API key with the permissions users.track and users.alias.new."
    )
    app_id: str = field("App identifier", default="", help="Only used on events: ties them to one of your apps.")
    user_id_is_external_id: bool = field(
        "User ids are external ids", default=False,
        help="Say yes where your app gives Braze the same user ids (external_id) that it gives us; otherwise a user is"
             " found by the attribute braze_external_id, by alias or by e-mail address.",
    )
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        key = self.api_key.get_secret_value()
        wrong = {
            "base_url": self._base_problem(),
            "api_key": "" if _KEY.fullmatch(key) and not set("\"'") & set(key)
            else "holds quotes, spaces or other characters that no Braze key has",
        }
        refuse({name: why for name, why in wrong.items() if why})
        return self

    def _base_problem(self) -> str:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        host = urlsplit(self.base_url).hostname or ""
        if problem or host.startswith("rest.") or (self.allow_test_hosts and is_test_host(host)):
            return problem
        return "is no REST endpoint; its host begins with 'rest.', as in https://rest.iad-01.braze.com"


def signer(settings: BrazeSettings) -> Sign:
    """Bearer key at the instance of the workspace."""
    return sign_with(settings.base_url, {"Authorization": bearer(settings.api_key), "Accept": "application/json"})


def read(_request: Request, response: Response) -> Failure | None:
    """By status; a success can name objects that were refused, and each of our requests holds one object."""
    problems = _problems(response)
    if response.ok:
        return Rejected(_code(problems) or "object_refused", problems, status=response.status) if problems else None
    message = str(response.member("message") or "") or problems or response.text[:200]
    wait = seconds_until(response, "x-ratelimit-reset") if response.status == 429 else None
    return failure(response, _code(message), message[:200], wait=wait)


def _problems(response: Response) -> str:
    """What Braze says of the objects that it refused."""
    found = response.member("errors")
    rows = found if isinstance(found, list) else [found] if found else []
    return "; ".join(str(one.get("type") or one) if isinstance(one, dict) else str(one) for one in rows)[:200]


def _code(message: str) -> str:
    return "user_blocked" if BLOCKED in message else ""


def check(settings: BrazeSettings) -> CheckFlow:
    """Send nothing to the endpoint that all actions use: a wrong key, or one without the permission, is refused."""
    nothing: Mapping[str, Any] = {"attributes": [], "events": [], "purchases": []}
    yield post(TRACK, json=nothing, step="check", effect=False, look_at=[400])
    return Account(urlsplit(settings.base_url).hostname or "")


connector = Connector(
    id="braze", title="Braze", category="crm_marketing", settings=BrazeSettings, signer=signer, read=read, check=check,
    help="Creates and updates user profiles, and records prompt interactions as custom events.",
    docs="https://www.braze.com/docs/api/endpoints/user_data/post_user_track", api_version="REST, unversioned",
    # 3,000 requests in three seconds for a workspace; plans by monthly active users have hourly limits of their own.
    limits=Limits(rate=1000.0, concurrency=50),
    confidence="Not tried against a live workspace. Braze names no limit for the size of a request. That a request"
               " without objects is answered by 2xx or 400 where the key is right, on which the connection test"
               " relies, is not documented.",
)


def _no_identifiers(names: dict[str, str]) -> dict[str, str]:
    taken = sorted(IDENTIFIERS.intersection(names))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be set here: it tells whose profile is written")
    return names


TraitMap = Annotated[dict[str, str], AfterValidator(_no_identifiers)]
TRAITS_HELP = "Each Braze attribute (first_name, or one of your own) and the user attribute that fills it."


class AddUser(Params):
    """How a profile for a typed address is found and filled."""

    alias_label: str = field(
        "Alias label", default="", max_length=TEXT,
        help="Label of the alias under which your user id is kept, such as engage_user; empty: no alias.",
    )
    email_subscribe: Literal["opted_in", "subscribed", "unsubscribed"] | None = field(
        "Email subscription state", default=None, help="Left as it is where nothing is chosen."
    )
    trait_map: TraitMap = field("Traits to attributes", default={}, help=TRAITS_HELP)


class UpsertUser(Params):
    """Which attributes are written, and whether profiles are made."""

    trait_map: TraitMap = field("Traits to attributes", default={}, help=TRAITS_HELP)
    update_existing_only: bool = field(
        "Only update existing profiles", default=False, help="Then Braze ignores an address it does not know."
    )


class TrackEvent(Params):
    """What the event is called, and by which alias the user is known."""

    event_name: str = field("Event name", default="", max_length=TEXT,
                            help="Empty: engage_prompt_ and the interaction, as in engage_prompt_accept.")
    alias_label: str = field(
        "Alias label", default="", max_length=TEXT,
        help="Finds users without an external id by this alias of your user id, before their e-mail address.",
    )


def _external_id(call: Call[BrazeSettings, Any]) -> str:
    own = call.event.user_id if call.settings.user_id_is_external_id else ""
    return call.attribute("braze_external_id") or own


def _alias(call: Call[BrazeSettings, Any], label: str) -> Row:
    return {"alias_name": call.event.user_id, "alias_label": label}


@connector.action(
    "add_user_with_email", "Add a user with an email address", params=AddUser,
    form_inputs=[FormInput("email", "E-mail address")], repeat=Repeat.HARMLESS,
    help="Creates or updates the profile that carries the typed address: the one with the user's external id, else the"
         " one with the alias, else the one with the address.",
)
def add_user_with_email(call: Call[BrazeSettings, AddUser]) -> Flow:
    """One profile carries the typed address and, if wanted, the alias."""
    external, label = _external_id(call), call.params.alias_label
    record: Row = {**call.mapped(call.params.trait_map), "email": typed_address(call)}
    if call.params.email_subscribe:
        record["email_subscribe"] = call.params.email_subscribe
    if external:
        record["external_id"] = external
    else:
        # an alias alone makes no profile unless this is said
        record |= {"user_alias": _alias(call, label)} if label else {}
        record["_update_existing_only"] = False
    yield post(TRACK, json={"attributes": [record]}, step="track")
    if external and label:
        alias = {"external_id": external, **_alias(call, label)}
        yield post(NEW_ALIAS, json={"user_aliases": [alias]}, step="alias")
    return Done(external or (f"{label}:{call.event.user_id}" if label else ""), "accepted")


@connector.action(
    "upsert_user_by_email", "Create or update a user record by email", params=UpsertUser, requires=all_of(EMAIL),
    repeat=Repeat.HARMLESS,
    help="Of several profiles with the address Braze takes one with an external id, and of those the one changed last.",
)
def upsert_user_by_email(call: Call[BrazeSettings, UpsertUser]) -> Flow:
    """The profile with the user's address holds the mapped attributes."""
    record = {**call.mapped(call.params.trait_map), "email": call.first(EMAIL),
              "_update_existing_only": call.params.update_existing_only}
    yield post(TRACK, json={"attributes": [record]}, step="track")
    return Done(note="accepted")


@connector.action(
    "track_prompt_event", "Export the prompt interaction as a custom event", params=TrackEvent,
    # Braze stores each event anew, even an identical one, and has no way to look for it.
    repeat=Repeat.NEVER,
    help="Records one custom event on the user's profile. Needs an external id, an alias or an e-mail address.",
)
def track_prompt_event(call: Call[BrazeSettings, TrackEvent]) -> Flow:
    """One custom event on the user's profile."""
    event, name = call.event, call.params.event_name
    properties = {"prompt_id": event.prompt_id, "prompt_name": event.prompt_name, "interaction": event.interaction,
                  "execution_id": call.outcome_id}
    record: Row = {
        **_known_user(call), "name": name or f"engage_prompt_{event.interaction}", "time": iso_time(event),
        "properties": {key: value[:TEXT] for key, value in properties.items() if value is not None},
    }
    if call.settings.app_id:
        record["app_id"] = call.settings.app_id
    yield post(TRACK, json={"events": [record]}, step="track")
    return Done(note="accepted")


def _known_user(call: Call[BrazeSettings, TrackEvent]) -> Row:
    """Whose event it is: by external id, by alias, by address."""
    external = _external_id(call)
    if external:
        return {"external_id": external}
    if call.params.alias_label:
        return {"user_alias": _alias(call, call.params.alias_label)}
    if call.attribute(EMAIL):
        return {"email": call.attribute(EMAIL)}
    raise MissingAttributes(("braze_external_id", EMAIL))
