"""mParticle: prompt interactions as custom events, attributes as user attributes; Events API v2, Custom Feed.

Reference: https://docs.mparticle.com/developers/apis/http/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import SecretStr, model_validator

from connectors.kit import (
    Account,
    BatchFlow,
    BatchLimits,
    Call,
    CheckFlow,
    Connector,
    Done,
    Event,
    Item,
    Limits,
    MissingAttributes,
    Params,
    Rejected,
    Repeat,
    Response,
    Settings,
    Sign,
    Value,
    field,
    halved,
    post,
    reader,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import scalar
from connectors.kit.person import EMAIL, agreed
from connectors.kit.prompt import EventParams, Texts, event_name, filled

HOSTS = (".mparticle.com",)
BULK, HISTORICAL, SINGLE = "/v2/bulkevents", "/v2/bulkevents/historical", "/v2/events"
OLD = 30 * 86_400_000
"""Milliseconds after which data is historical and has its own path."""
MAX_VALUE = 4096
LIMITS = BatchLimits(items=50, bytes=250_000, item_bytes=125_000)
"""100 batches and events together, 256 KB a request and 128 KB a batch, with room for both meanings of KB."""
IDS = ("mparticle_customer_id", "user_id", EMAIL)
_TAIL = re.compile(r"(/v2)?(/(bulk)?events?)?/*$")

EventType = Literal[
    "navigation", "location", "search", "transaction", "user_content", "user_preference", "social", "media", "other"
]
Object = dict[str, Any]


class MParticleSettings(Settings):
    """One feed of an mParticle workspace."""

    base_api_endpoint: str = field(
        "Base API Endpoint", default="https://s2s.us1.mparticle.com/v2",
        help="The pod of the account: us1, us2, eu1 or au1. A key of another pod is refused.",
    )
    server_key: str = field(
        "Server Key", public=True, min_length=1,
        help="mParticle > Setup > Inputs > Feeds: the key of the Custom Feed (API Key of a platform input).",
    )
    server_secret: SecretStr = field("Server Secret", min_length=1, help="Beside the key of the feed.")
    mode: Literal["production", "development"] = field(
        "Mode", default="production", help="The environment that data counts for; the same key serves both."
    )
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(_root(self.base_api_endpoint), HOSTS, test_hosts=self.allow_test_hosts)
        refuse({"base_api_endpoint": problem} if problem else {})
        return self


def _root(endpoint: str) -> str:
    """The endpoint without version and path, as people paste it with and without."""
    return _TAIL.sub("", endpoint)


def signer(settings: MParticleSettings) -> Sign:
    """Key and secret of the feed at the account's pod."""
    return sign_with(_root(settings.base_api_endpoint), {
        "Accept": "application/json", "Authorization": basic(settings.server_key, settings.server_secret),
    })


def explain(response: Response) -> tuple[str, str]:
    """Code and message of the first error; for too many requests, whose limit it is."""
    error = response.member("errors", 0) or {}
    limit = response.headers.get("x-mp-rate-limit-exceeded", "")
    said = f"over the limit of the {limit}" if limit else str(error.get("message") or response.text[:200])
    return str(error.get("code") or f"http_{response.status}"), said


def check(settings: MParticleSettings) -> CheckFlow:
    """Send a batch of nothing for development: wrong credentials are told before it is looked at."""
    yield post(SINGLE, json={"environment": "development"}, step="check", effect=False, look_at=[400])
    return Account(f"feed {settings.server_key}", "live" if settings.mode == "production" else "sandbox")


connector = Connector(
    id="mparticle", title="mParticle", category="analytics", settings=MParticleSettings, signer=signer,
    read=reader(explain), check=check,
    help="Sends prompt interactions as custom events and keeps user attributes up to date, for all outputs of a"
         " workspace.",
    docs="https://docs.mparticle.com/developers/apis/http/", api_version="Events API v2",
    # 270 batches a second for an account, 50 in a request.
    limits=Limits(rate=5.0, concurrency=10, timeout=30.0),
    confidence="mParticle accepts a request before it looks into its batches: what it drops later is not told. It"
               " documents no deduplication: an interaction whose answer was lost may be there or not, and outputs can"
               " tell repeats by source_request_id alone. The data plan goes into `context`, as its schema and its"
               " own library write it; its OpenAPI file says `batch_context`.",
)


class Consents(Params):
    """What the user agreed to."""

    gdpr_consents: dict[str, str] = field(
        "GDPR consents", default={},
        help="By mParticle's purpose, the attribute that holds the consent: marketing: marketing_consent. An attribute"
             " that is absent tells nothing.",
    )
    ccpa_opt_out: str = field(
        "CCPA opt-out", default="", help="The attribute that says whether the user opted out of the sale of data."
    )


class ExportEvents(EventParams, Consents):
    """What an interaction looks like in mParticle."""

    PROPERTIES: ClassVar[tuple[str, ...]] = (
        "app_name", "prompt_id", "prompt_name", "experiment_id", "experiment_name", "variation_id", "variation_name",
        "survey_value",
    )

    custom_event_type: EventType = field("Custom event type", default="other", help="How mParticle groups the event.")
    app_name: str = field("App name", default="", help="Instead of the id that the app has here.")
    data_plan_id: str = field("Data plan id", default="",
                              help="The plan that events are checked against; empty for none.")
    data_plan_version: int | None = field("Data plan version", default=None, ge=1, help="Empty: the newest.")
    extra_attributes: Texts = field(
        "Extra attributes", default={},
        help="Fixed texts, or placeholders such as %plan% (a user attribute), %goal_name% or %promoInput1Value% (what"
             " the user typed); one that stands for nothing is left out.",
    )

    @model_validator(mode="after")
    def _whole_plan(self) -> Self:
        alone = self.data_plan_version is not None and not self.data_plan_id
        refuse({"data_plan_id": "a version needs the id of its plan"} if alone else {})
        return self


class SyncTraits(Consents):
    """Which attributes become user attributes."""

    traits: list[str] = field(
        "Traits to send", min_length=1, max_length=100, help="What the user no longer has is deleted in mParticle too."
    )


def _batch(call: Call[MParticleSettings, Any], **members: Any) -> Object:
    """A batch of one user; mParticle refuses members that it does not know."""
    event = call.event
    ids = {"customer_id": call.attribute(IDS[0]) or event.user_id, "email": call.attribute(EMAIL)}
    known = {name: value for name, value in ids.items() if value}
    if not known:
        raise MissingAttributes(IDS)
    consents = _consents(call)
    more = {**members, "consent_state": consents} if consents else members
    return {"environment": call.settings.mode, "source_request_id": call.outcome_id, "user_identities": known, **more}


def _consents(call: Call[MParticleSettings, Any]) -> Object:
    """The consents that are known, as of the time of the event."""
    want, time = call.params, call.event.time
    purposes = {name: agreed(call, attribute) for name, attribute in want.gdpr_consents.items()}
    gdpr = {name: _consent(value, time) for name, value in purposes.items() if value is not None}
    sale = agreed(call, want.ccpa_opt_out)
    ccpa = {} if sale is None else {"data_sale_opt_out": _consent(sale, time)}
    return {name: state for name, state in (("gdpr", gdpr), ("ccpa", ccpa)) if state}


def _consent(value: bool, time: int) -> Object:
    return {"consented": value, "timestamp_unixtime_ms": time}


def _facts(event: Event, app_name: str) -> Mapping[str, Value]:
    """Prompt and variation by mParticle's names; what is absent is left out."""
    context = event.context
    told: Mapping[str, Value] = {
        "app_name": app_name, "prompt_id": event.prompt_id, "prompt_name": event.prompt_name,
        "experiment_id": context.get("experiment_id"), "experiment_name": context.get("experiment_name"),
        "variation_id": event.variant_id, "variation_name": event.variant_name,
        "survey_value": context.get("survey_value") or event.form.get("survey_value"),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _text(value: Value) -> str:
    return (", ".join(value) if isinstance(value, list) else scalar(value))[:MAX_VALUE]


def event_item(call: Call[MParticleSettings, ExportEvents]) -> Item:
    """One interaction as a batch of one custom event."""
    event, want = call.event, call.params
    name = want.app_name or event.app_id
    attributes = {**filled(call, want.extra_attributes), **want.renamed(_facts(event, name))}
    data = {
        "event_name": event_name(event, want.chosen(event)), "custom_event_type": want.custom_event_type,
        "source_message_id": event.event_id, "timestamp_unixtime_ms": event.time,
        "custom_attributes": {key: _text(value) for key, value in attributes.items()},
    }
    more = {"context": {"data_plan": _plan(want)}} if want.data_plan_id else {}
    batch = _batch(call, application_info={"application_name": name}, **more,
                   events=[{"event_type": "custom_event", "data": data}])
    old = event.time < call.now * 1000 - OLD
    return Item(orjson.dumps(batch), call.outcome_id, HISTORICAL if old else "")


def _plan(want: ExportEvents) -> Object:
    version = want.data_plan_version
    return {"plan_id": want.data_plan_id, **({} if version is None else {"plan_version": version})}


@connector.export(
    "export_events", "Export events", item=event_item, limits=LIMITS, params=ExportEvents, repeat=Repeat.NEVER,
    help="Sends one custom event for each interaction: of mparticle_customer_id, else of your user id, and of the"
         " e-mail address. mParticle counts a repeat twice.",
)
def export_events(settings: MParticleSettings, items: Sequence[Item]) -> BatchFlow:
    """Send batches of events."""
    return (yield from upload(settings, items))


def profile_item(call: Call[MParticleSettings, SyncTraits]) -> Item:
    """The chosen attributes of one user; those that are absent are deleted."""
    traits = call.mapped({name: name for name in call.params.traits})
    members: Object = {"user_attributes": {name: _kept(value) for name, value in traits.items()}} if traits else {}
    gone = [name for name in call.params.traits if name not in traits]
    if gone:
        members["deleted_user_attributes"] = gone
    return Item(orjson.dumps(_batch(call, **members)), call.outcome_id)


def _kept(value: Value) -> Value:
    """A value that is not too long for mParticle."""
    if isinstance(value, list):
        return [one[:MAX_VALUE] for one in value]
    return value[:MAX_VALUE] if isinstance(value, str) else value


@connector.export(
    "sync_user_traits", "Send user traits as user attributes", item=profile_item, limits=LIMITS, params=SyncTraits,
    trigger="attributes", help="Updates the user's attributes in mParticle whenever they change.",
)
def sync_user_traits(settings: MParticleSettings, items: Sequence[Item]) -> BatchFlow:
    """Send batches of attributes; twice leaves the same."""
    return (yield from upload(settings, items))


def upload(settings: MParticleSettings, items: Sequence[Item]) -> BatchFlow:
    """Send batches; a refused request goes in halves, since mParticle does not say which one it minds."""
    answer = yield post(items[0].group or BULK, body=b"[" + b",".join(item.body for item in items) + b"]",
                        content_type="application/json", step="upload", look_at=[400, 413])
    if answer.ok:
        return [Done(item.reference, "accepted") for item in items]
    if len(items) == 1:
        return [Rejected(*explain(answer), status=answer.status)]
    return (yield from halved(upload, settings, items))
