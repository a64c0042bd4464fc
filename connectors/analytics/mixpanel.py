"""Mixpanel: prompt interactions as events, attributes as user profiles; Ingestion API 1.0.0.

Reference: https://developer.mixpanel.com/reference/ingestion-api
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, SecretStr, model_validator

from connectors.kit import (
    Account,
    BatchFlow,
    BatchLimits,
    Call,
    CheckFlow,
    Connector,
    Done,
    Item,
    ItemEnd,
    Limits,
    MissingAttributes,
    Params,
    Rejected,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    field,
    get,
    halved,
    post,
    reader,
)
from connectors.kit.auth import basic
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import EventParams, event_name, prompt_properties

API = {"us": "https://api.mixpanel.com", "eu": "https://api-eu.mixpanel.com", "in": "https://api-in.mixpanel.com"}
WEB = {"us": "https://mixpanel.com", "eu": "https://eu.mixpanel.com", "in": "https://in.mixpanel.com"}

BANNED = frozenset({
    "00000000-0000-0000-0000-000000000000", "anon", "anonymous", "nil", "none", "null", "n/a", "na", "undefined",
    "unknown", "<nil>", "0", "-1", "true", "false", "[]", "{}",
})
"""Distinct ids that Mixpanel refuses, since they would melt strangers into one user."""
OURS = frozenset({"time", "distinct_id", "$insert_id", "$ignore"})
"""Properties that deduplication lives on, and the one that makes Mixpanel drop an event without a word."""
PROFILE_NAMES: Mapping[str, str] = {
    "email": "$email", "email_address": "$email", "first_name": "$first_name", "last_name": "$last_name",
    "name": "$name", "phone": "$phone", "created_at": "$created", "avatar": "$avatar",
}
LIMITS = BatchLimits(items=2000, bytes=2_090_000, item_bytes=1_048_576)
"""The 413 of /import names 2,097,152 bytes, uncompressed; brackets and commas take up to 2,001 of them."""


class MixpanelSettings(Settings):
    """How to reach one Mixpanel project."""

    service_account_username: str = field("Service account username", min_length=1,
                                          help="Organization settings > Service Accounts.")
    service_account_password: SecretStr = field(
        "Service account password", help="The service account's secret; role Admin or Owner in the project."
    )
    project_token: str = field(
        "Project token", public=True, min_length=1,
        help="Names the project in profile updates; public by design, no credential.",
    )
    project_id: str = field("Project ID", help="The number in the project settings.", pattern=r"^\d+$")
    region: Literal["us", "eu", "in"] = field("Data residency", default="us", help="Where Mixpanel keeps the project.")
    base_url: str = field("API base URL", default="", help="Instead of the region's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        hosts = [url.removeprefix("https://") for url in API.values()]
        problem = host_problem(self.base_url, hosts, test_hosts=self.allow_test_hosts) if self.base_url else ""
        refuse({"base_url": problem} if problem else {})
        return self


def signer(settings: MixpanelSettings) -> Sign:
    """The service account for everything but /engage, where the project token stands in each record."""
    base = (settings.base_url or API[settings.region]).rstrip("/")
    account = f"Authorization: {basic(settings.service_account_username, settings.service_account_password)}"

    def sign(request: Request, _context: SignContext) -> Signed:
        """Add the base address, and the credentials where the path wants them."""
        more = ["Accept: application/json"]
        if request.path != "/engage":
            more.append(account)
        return Signed(request.method, address(base, request), header_lines(request, more), request.body)

    return sign


def _explain(response: Response) -> tuple[str, str]:
    error = response.member("error")
    return f"http_{response.status}", error[:200] if isinstance(error, str) else ""


read = reader(_explain)


def check(settings: MixpanelSettings) -> CheckFlow:
    """Ask who we are: refused where the service account is wrong."""
    web = settings.base_url.rstrip("/") or WEB[settings.region]
    yield get(f"{web}/api/app/me", step="check")
    return Account(f"{settings.service_account_username}, project {settings.project_id}")


connector = Connector(
    "mixpanel", "Mixpanel", "analytics", MixpanelSettings, signer,
    help="Sends prompt interactions as events and keeps user profiles up to date.",
    docs="https://developer.mixpanel.com/reference/ingestion-api",
    api_version="Ingestion API 1.0.0",
    read=read,
    check=check,
    limits=Limits(concurrency=10, timeout=30.0),
    confidence="The size limit of a request is documented as 10 MB and, in an example, as 2 MiB: the smaller one is "
    "kept. How /engage tells which of several profiles failed is not documented: the batch is halved until it shows.",
)


def distinct_id(call: Call[Any, Any]) -> str:
    """The user's id at Mixpanel, else our own; raises Rejected where Mixpanel would refuse it."""
    found = call.attribute("mixpanel_distinct_id") or call.event.user_id
    if not found:
        raise MissingAttributes(["mixpanel_distinct_id", "user_id"])
    if found.strip().lower() in BANNED:
        raise Rejected("banned_distinct_id", f"Mixpanel refuses '{found}' as a user's id; sync mixpanel_distinct_id")
    return found


def _own_properties(names: dict[str, str]) -> dict[str, str]:
    taken = sorted(OURS.intersection(names))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be set here: choose another property name")
    return names


class ExportParams(EventParams):
    """What a prompt interaction looks like in Mixpanel."""

    extra_properties: Annotated[dict[str, str], AfterValidator(_own_properties)] = field(
        "Extra properties", default={}, max_length=200, help="Fixed values that are added to each event."
    )

    @model_validator(mode="after")
    def _not_ours(self) -> Self:
        taken = sorted(OURS.intersection(self.property_names.values()))
        refuse({"property_names": f"{', '.join(taken)} cannot be set here: choose another name"} if taken else {})
        return self


def event_item(call: Call[MixpanelSettings, ExportParams]) -> Item:
    """One prompt interaction as an event; its id and time stay the same however often it is sent."""
    event, params = call.event, call.params
    properties = {
        **params.extra_properties, "time": event.time, "distinct_id": distinct_id(call), "$insert_id": call.outcome_id,
        "ip": event.ip_address or "0", **params.renamed(prompt_properties(event)),
    }
    body = orjson.dumps({"event": event_name(event, params.chosen(event)), "properties": properties})
    return Item(body, reference=call.outcome_id)


@connector.export(
    "export_prompt_event", "Send the prompt interaction as an event",
    item=event_item, limits=LIMITS, params=ExportParams, help="Imports one event for each interaction.",
)
def export_prompt_event(settings: MixpanelSettings, items: Sequence[Item]) -> BatchFlow:
    """Import a batch; what Mixpanel found invalid fails by itself, the rest is in."""
    response = yield post(
        "/import", query={"strict": "1", "project_id": settings.project_id}, step="import",
        body=gzip.compress(_array(items), mtime=0), content_type="application/json",
        headers={"Content-Encoding": "gzip"}, look_at=(400, 413),
    )
    if response.status == 413:
        if len(items) == 1:
            return [_refusal(response, "too_large")]
        return (yield from halved(export_prompt_event, settings, items))
    failed = _failed_records(response, items)
    if response.status == 400 and not failed:
        raise _refusal(response, "invalid_batch")
    return [failed.get(index) or Done(item.reference) for index, item in enumerate(items)]


def _array(items: Sequence[Item]) -> bytes:
    return b"[" + b",".join(item.body for item in items) + b"]"


def _refusal(response: Response, code: str) -> Rejected:
    return Rejected(code, _explain(response)[1] or f"answer {response.status}", status=response.status)


def _failed_records(response: Response, items: Sequence[Item]) -> dict[int, ItemEnd]:
    """Refusals by place in the batch; a record without a place is found by the id that we gave it."""
    records = response.member("failed_records")
    places = {item.reference: index for index, item in enumerate(items) if item.reference}
    found: dict[int, ItemEnd] = {}
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict):
            index = record.get("index")
            known = index if isinstance(index, (int, float)) else places.get(_insert_id(record), -1)
            found[int(known)] = _record_refusal(record, response.status)
    return found


def _insert_id(record: Mapping[str, Any]) -> str:
    return str(record.get("$insert_id") or record.get("insert_id") or "")


def _record_refusal(record: Mapping[str, Any], status: int) -> Rejected:
    where, message = record.get("field"), str(record.get("message") or "refused")
    text = f"{where}: {message}" if where else message
    return Rejected("invalid_record", text[:200], status=status)


class SyncParams(Params):
    """Which attributes go to the profile."""

    traits: list[str] = field("Attributes to send", min_length=1, help="They become properties of the profile.")
    set_once: bool = field("Do not overwrite existing values", default=False,
                           help="On: the first value of a property stays.")


def profile_item(call: Call[MixpanelSettings, SyncParams]) -> Item:
    """The chosen attributes of one user as a profile update; those that are absent are left out."""
    values = ((name, call.attributes.get(name)) for name in call.params.traits)
    present = {PROFILE_NAMES.get(name, name): value for name, value in values if value is not None}
    if not present:
        raise MissingAttributes(call.params.traits)
    operation = "$set_once" if call.params.set_once else "$set"
    record = {"$token": call.settings.project_token, "$distinct_id": distinct_id(call), operation: present}
    return Item(orjson.dumps(record))


@connector.export(
    "sync_user_traits", "Update the user's profile",
    item=profile_item, limits=LIMITS, params=SyncParams, trigger="attributes",
    help="Creates or updates the user's profile whenever attributes change.",
)
def sync_user_traits(settings: MixpanelSettings, items: Sequence[Item]) -> BatchFlow:
    """Update a batch of profiles; setting them twice is harmless, so a bad one is found by halving."""
    response = yield post(
        "/engage", query={"ip": "0", "verbose": "1", "strict": "1"}, step="engage",
        body=_array(items), content_type="application/json",
    )
    error = response.member("error")
    if not _accepted(response):
        return [_refusal(response, "invalid_profile")] * len(items)
    if not error:
        return [Done() for _ in items]
    if len(items) == 1:
        return [_refusal(response, "invalid_profile")]
    return (yield from halved(sync_user_traits, settings, items))


def _accepted(response: Response) -> bool:
    """Whether any record was valid: /engage answers 200 either way, and the body decides."""
    answer = response.json
    return answer.get("status") == 1 if isinstance(answer, dict) else answer == 1
