"""Adobe Experience Platform and Journey Optimizer: events, journeys, campaigns, profiles.

Edge Network API v2, Streaming Ingestion 1.0, Journey Optimizer messaging 1.0.1, all under https://developer.adobe.com/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.crm_marketing import _adobe_experience_platform_answers as answers
from connectors.crm_marketing._adobe_experience_platform_forms import (
    AdobeSettings,
    ExportEvent,
    SyncTraits,
    TriggerCampaign,
    TriggerJourney,
)
from connectors.kit import (
    Account,
    BatchFlow,
    BatchLimits,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Item,
    Limits,
    Misconfigured,
    MissingAttributes,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    SignContext,
    Signed,
    TokenFlow,
    get,
    halved,
    post,
    segment,
)
from connectors.kit.auth import bearer, client_credentials, client_credentials_form
from connectors.kit.http import address, header_lines
from connectors.kit.person import EMAIL, is_address
from connectors.kit.prompt import filled, iso_time, prompt_properties
from connectors.kit.template import as_text

IMS = "ims"
"""The realm of the one token that all of Adobe's APIs take."""
LIFE, EARLY = 86_399.0, 3600.0
"""Seconds that a token lives, and how long before its end a new one is fetched."""
IDENTITY = "adobe_identity"
"""Attribute that holds the user's identity in the namespace of the settings."""
COLLECT = "/ee/v2/collect"
EVENTS = BatchLimits(items=100, bytes=65_000, item_bytes=60_000)
"""A request to the edge network may have 64 kB."""
PROFILES = BatchLimits(items=1000, bytes=1_000_000, item_bytes=500_000)
"""A request to an inlet may have 1 MB."""
ACTIVITIES: Mapping[str, str] = {"accept": "goal", "secondary_accept": "goal"}
"""What Adobe's schema calls interactions, where it is another word."""
SOURCE = "prompt-actions"
Row = dict[str, Any]
AnyCall = Call[AdobeSettings, Any]


def token(settings: AdobeSettings, now: float) -> TokenFlow:
    """A token for server-to-server calls, good for a day."""
    url = f"{settings.at('ims')}/ims/token/v3"
    asked = client_credentials_form(url, settings.client_id, settings.client_secret, scope=settings.scopes)
    return client_credentials(asked, now, lifetime=LIFE, early=EARLY)


def signer(settings: AdobeSettings) -> Sign:
    """Token, client and organization on what signs in; nothing on what goes to the open edge network."""

    def sign(request: Request, context: SignContext) -> Signed:
        """Add the credentials; every path is a whole address."""
        lines = [] if context.token is None else [
            f"Authorization: {bearer(context.token.value)}", f"x-api-key: {settings.client_id}",
            f"x-gw-ims-org-id: {settings.ims_org_id}"]
        return Signed(request.method, address("", request), header_lines(request, lines), request.body)

    return sign


def _realm(settings: AdobeSettings) -> str:
    return IMS if settings.signs_in else ""


def _collect(settings: AdobeSettings, events: bytes, step: str, **more: Any) -> Request:
    """Events for the datastream, on the edge network's host for those who sign in or for those who do not."""
    url = settings.at("server" if settings.signs_in else "edge") + COLLECT
    return post(url, query={"datastreamId": settings.datastream_id}, body=b'{"events":[' + events + b"]}",
                content_type="application/json", realm=_realm(settings), step=step, **more)


def check(settings: AdobeSettings) -> CheckFlow:
    """Sign in and ask for the health of the messaging API; without credentials see whether the datastream is known."""
    if settings.signs_in:
        yield get(f"{settings.at('ajo')}/ajo/im/health", realm=IMS, step="check")
        return Account(f"{settings.ims_org_id}, sandbox {settings.sandbox_name}")
    answer = yield _collect(settings, b"", "check", effect=False, look_at=[400])
    code, message = answers.explain(answer.json)
    if code in answers.SETTINGS:
        raise Misconfigured(code, message, status=answer.status)
    return Account(f"datastream {settings.datastream_id}, not signed in")


connector = Connector(
    id="adobe_experience_platform", title="Adobe (AEP & AJO)", category="crm_marketing", settings=AdobeSettings,
    signer=signer, read=answers.read, check=check, tokens={IMS: token}, addon=True,
    help="Sends prompt interactions to Experience Platform, starts journeys and campaigns of Journey Optimizer, and"
         " keeps profiles up to date.",
    docs="https://developer.adobe.com/experience-platform-apis/",
    api_version="Edge Network v2, Streaming Ingestion 1.0, AJO messaging 1.0.1", limits=Limits(concurrency=50),
    confidence="Not tried against a live organization. Not documented: whether a journey starts again for an event"
               " that is sent twice, whether a campaign's request id is recognised, whether one bad event refuses a"
               " whole batch (taken to be so), the limits of campaigns, and how IMS words its errors. What does not fit"
               " the schema is dropped by Adobe without an answer.",
)


# -- who, and what happened


def identity(call: AnyCall, namespace: str, trait: str = "user_id") -> str:
    """The user's value in a namespace; raises MissingAttributes where none is synced that could be one."""
    if trait != "user_id":
        return call.first(trait)
    known = call.attribute(IDENTITY)
    if known or namespace.lower() != "email":
        return known or call.event.user_id
    own = call.event.user_id
    return call.attribute(EMAIL) or (own if is_address(own) else call.first(IDENTITY, EMAIL))


def _identities(call: AnyCall, value: str, **more: str) -> Row:
    return {call.settings.identity_map_symbol: [{"id": value, "primary": True, **more}]}


def _event(call: AnyCall, event_type: str, identities: Row, fields: Mapping[str, Any]) -> Row:
    """An ExperienceEvent; by its id the profile store drops it when it comes again."""
    return {"_id": call.outcome_id, "timestamp": iso_time(call.event),
            "eventType": event_type or call.settings.event_type, "identityMap": identities,
            call.settings.instance_name: dict(fields)}


def _facts(call: AnyCall) -> Row:
    activity = ACTIVITIES.get(call.event.interaction, call.event.interaction)
    return {"activity": activity, "app_id": call.event.app_id, **prompt_properties(call.event)}


# -- events


def event_item(call: Call[AdobeSettings, ExportEvent]) -> Item:
    """One interaction as an ExperienceEvent."""
    value = identity(call, call.settings.identity_map_symbol, call.params.identity_trait)
    identities = _identities(call, value, authenticatedState="authenticated")
    xdm = _event(call, call.params.event_type, identities, _facts(call))
    return Item(orjson.dumps({"xdm": xdm}), call.outcome_id)


@connector.export(
    "export_prompt_event", "Send the prompt interaction to Experience Platform", item=event_item, limits=EVENTS,
    params=ExportEvent,
    help="One ExperienceEvent for each interaction, through the datastream. Profiles take an event once, by its id; the"
         " data lake keeps each copy, if one had to be sent again.",
)
def export_prompt_event(settings: AdobeSettings, items: Sequence[Item]) -> BatchFlow:
    """Send events of several users; a bad one refuses its request, hence it is found by halving."""
    events = b",".join(item.body for item in items)
    answer = yield _collect(settings, events, "collect", look_at=[200, 400, 403, 413])
    refused = answers.read(Request("POST", COLLECT), answer)
    if refused is None:
        told = answers.warnings(answer)
        return [Done(item.reference, "accepted", told) for item in items]
    if isinstance(refused, Misconfigured):
        raise refused
    if len(items) > 1:
        return (yield from halved(export_prompt_event, settings, items))
    return [refused]


# -- journeys


@connector.action(
    "trigger_journey", "Trigger a Journey Optimizer journey by event", params=TriggerJourney,
    repeat=Repeat.NEVER,
    help="Sends the event that a journey listens to. By default Journey Optimizer lets nobody enter a journey again"
         " within five minutes. Adobe does not say whether a journey was live and entered.",
)
def trigger_journey(call: Call[AdobeSettings, TriggerJourney]) -> Flow:
    """Send one event, through the datastream or through an inlet."""
    want, settings = call.params, call.settings
    fields = filled(call, want.event_fields)
    xdm = _event(call, want.event_type, _identities(call, identity(call, settings.identity_map_symbol)), fields)
    if want.journey_event_id:
        xdm["_experience"] = {"campaign": {"orchestration": {"eventID": want.journey_event_id}}}
    if want.route == "edge":
        answer = yield _collect(settings, orjson.dumps({"xdm": xdm}), "collect")
        return Done(str(answer.member("requestId") or call.outcome_id), "accepted", answers.warnings(answer))
    schema = _schema(want.event_schema_id, want.event_schema_version)
    message = _message(settings, schema, want.event_dataset_id, want.event_flow_id or settings.profile_flow_id, xdm)
    return _streamed((yield _stream(settings, "", orjson.dumps(message))))


def _streamed(answer: Response) -> Done:
    return Done(str(answer.member("xactionId") or ""), "accepted")


# -- the streaming inlet


def _schema(id: str, version: str) -> Row:
    return {"id": id, "contentType": f"application/vnd.adobe.xed-full+json;version={version}"}


def _message(settings: AdobeSettings, schema: Row, dataset: str, flow: str, entity: Row) -> Row:
    """One record under its schema, which must be named twice."""
    return {"header": {"schemaRef": schema, "imsOrgId": settings.ims_org_id, "datasetId": dataset, "flowId": flow,
                       "source": {"name": SOURCE}},
            "body": {"xdmMeta": {"schemaRef": schema}, "xdmEntity": entity}}


def _check_inlet(settings: AdobeSettings) -> None:
    if not settings.inlet_id:
        raise Rejected("no_inlet", "the settings name no streaming connection (inlet)")


def _stream(settings: AdobeSettings, route: str, body: bytes, **more: Any) -> Request:
    _check_inlet(settings)
    return post(f"{settings.at('streaming')}/collection/{route}{segment(settings.inlet_id)}", body=body,
                content_type="application/json", headers={"x-sandbox-name": settings.sandbox_name},
                realm=_realm(settings), step="stream", **more)


# -- campaigns


@connector.action(
    "trigger_campaign", "Trigger an AJO API-triggered campaign for the user", params=TriggerCampaign,
    repeat=Repeat.NEVER, help="Sends the campaign's message (e-mail, SMS, push) to the user; needs credentials.",
)
def trigger_campaign(call: Call[AdobeSettings, TriggerCampaign]) -> Flow:
    """Send the campaign's message to one recipient."""
    settings = call.settings
    if not settings.signs_in:
        raise Rejected("no_credentials", "campaigns need the OAuth client id, its secret and the organization id")
    body = {"requestId": call.outcome_id, "campaignId": call.params.campaign_id, "recipients": [_recipient(call)]}
    answer = yield post(f"{settings.at('ajo')}/ajo/im/executions/unitary", json=body, realm=IMS, step="execute",
                        headers={"x-sandbox-name": settings.sandbox_name})
    return Done(str(answer.member("executionId") or call.outcome_id), "accepted")


def _recipient(call: Call[AdobeSettings, TriggerCampaign]) -> Row:
    """A profile, or an address that is none; values of the context are texts."""
    want = call.params
    told = {**filled(call, want.context), "promo_id": call.event.prompt_id}
    recipient: Row = {"type": want.recipient_type, "userId": identity(call, want.namespace),
                      "namespace": want.namespace, "context": {name: as_text(one) for name, one in told.items()}}
    if want.recipient_type == "external":
        recipient["channelData"] = call.mapped({"emailAddress": EMAIL, "mobilePhoneNumber": "phone"})
        if not recipient["channelData"]:
            raise MissingAttributes((EMAIL, "phone"))
    return recipient


# -- profiles


def profile_item(call: Call[AdobeSettings, SyncTraits]) -> Item:
    """The chosen attributes of one user as a record of the profile schema; those that are absent are left out."""
    settings, traits = call.settings, call.mapped({name: name for name in call.params.traits})
    _check_inlet(settings)
    if not settings.profile_schema_id:
        raise Rejected("no_profile_schema", "the settings name no profile schema")
    if not traits:
        raise MissingAttributes(call.params.traits)
    entity = {"_id": call.event.user_id, settings.instance_name: traits,
              "identityMap": _identities(call, identity(call, settings.identity_map_symbol))}
    schema = _schema(settings.profile_schema_id, settings.profile_schema_version)
    message = _message(settings, schema, settings.profile_dataset_id, settings.profile_flow_id, entity)
    return Item(orjson.dumps(message), call.event.user_id)


@connector.export(
    "sync_user_traits", "Update the AEP profile with traits", item=profile_item, limits=PROFILES, params=SyncTraits,
    trigger="attributes",
    help="Streams a profile record whenever attributes change. Adobe looks at the schema later, and says so only in the"
         " monitoring of the dataset.",
)
def sync_user_traits(settings: AdobeSettings, items: Sequence[Item]) -> BatchFlow:
    """Stream a batch of records; those that Adobe refuses are told apart in its answer."""
    body = b'{"messages":[' + b",".join(item.body for item in items) + b"]}"
    answer = yield _stream(settings, "batch/", body, look_at=[413])
    if answer.ok:
        return answers.batch_ends(answer, items)
    if len(items) > 1:
        return (yield from halved(sync_user_traits, settings, items))
    return [Rejected("too_large", "the record has more than 1 MB", status=answer.status)]
