"""Google Analytics 4: prompt interactions as events, attributes as user properties. Measurement Protocol for GA4.

Reference: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self
from urllib.parse import quote

import orjson
from pydantic import SecretStr, model_validator

from connectors.analytics._google_analytics_forms import (
    ExportEvent,
    SyncTraits,
    cut,
    default_name,
    derived_client_id,
    known_client_id,
)
from connectors.kit import (
    Account,
    BatchFlow,
    BatchLimits,
    Call,
    CheckFlow,
    Connector,
    Done,
    Item,
    Limits,
    MissingAttributes,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    Value,
    field,
    halved,
    post,
    reader,
)
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.person import agreed, is_address
from connectors.kit.prompt import filled, prompt_properties

API = {"global": "https://www.google-analytics.com", "eu": "https://region1.google-analytics.com"}
HOSTS = ("www.google-analytics.com", "region1.google-analytics.com")
COLLECT, VALIDATE = "/mp/collect", "/debug/mp/collect"
LIMITS = BatchLimits(items=25, bytes=125_000, item_bytes=125_000)
"""25 events, all of one user; a body of less than 130 kB."""
CARRIER = "recurly_engage_traits"
"""The event that user properties ride on: a request needs one."""

Object = dict[str, Any]


class GoogleAnalyticsSettings(Settings):
    """One data stream of a GA4 property."""

    stream_type: Literal["web", "app"] = field(
        "Stream type", default="web", help="web: a website, users are told by client id; app: Firebase, by instance."
    )
    measurement_id: str = field(
        "GA Tag ID (Measurement ID)", default="", pattern=r"^(G-[A-Z0-9]+)?$",
        help="For web streams: G- and letters; not the number of the stream.",
    )
    firebase_app_id: str = field(
        "Firebase App ID", default="", pattern=r"^(\d+:\d+:[a-z]+:[0-9a-f]+)?$",
        help="For app streams, such as 1:1234567890:android:abcdef.",
    )
    api_secret: SecretStr = field(
        "Measurement Protocol API secret", min_length=1,
        help="GA Admin > Data collection and modification > Data streams > the stream > Measurement Protocol API"
             " secrets. Google answers wrong ones like right ones: look at Realtime after the first prompts.",
    )
    region: Literal["global", "eu"] = field("Collection region", default="global",
                                            help="eu keeps what is collected in the EU.")
    validate_only: bool = field(
        "Dry run", default=False, help="Ask Google's validation instead: nothing is counted, what breaks a rule fails."
    )
    base_url: str = field("API base URL", default="", help="Instead of the region's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts) if self.base_url else ""
        found = {"base_url": problem} if problem else {}
        needed = "measurement_id" if self.stream_type == "web" else "firebase_app_id"
        if not getattr(self, needed):
            found[needed] = f"is needed for a stream of type {self.stream_type}"
        refuse(found)
        return self

    @property
    def stream(self) -> tuple[str, str]:
        """The parameter that names the stream, and its value."""
        app = self.stream_type == "app"
        return ("firebase_app_id", self.firebase_app_id) if app else ("measurement_id", self.measurement_id)


def signer(settings: GoogleAnalyticsSettings) -> Sign:
    """Stream and secret in the query, the colons of an app's id as they are; there is no header."""
    base = (settings.base_url or API[settings.region]).rstrip("/")
    name, stream = settings.stream
    query = f"?{name}={quote(stream, safe=':')}&api_secret={quote(settings.api_secret.get_secret_value(), safe='')}"

    def sign(request: Request, _context: SignContext) -> Signed:
        """Add address and query."""
        return Signed(request.method, address(base, request) + query, header_lines(request), request.body)

    return sign


def explain(response: Response) -> tuple[str, str]:
    """The status: nothing else is documented."""
    return f"http_{response.status}", response.text[:200]


def check(settings: GoogleAnalyticsSettings) -> CheckFlow:
    """Have an event of ours validated; Google says nothing about stream and secret."""
    user = {"client_id": "1.1"} if settings.stream_type == "web" else {"app_instance_id": "0" * 32}
    event = {"name": default_name("accept"), "params": {"promo_id": "test", "engagement_time_msec": 1}}
    answer = yield _validation({**user, "events": [event]})
    problem = _invalid(answer)
    if problem:
        raise problem
    return Account(f"{settings.stream[1]} (Google does not tell whether the secret is right)")


connector = Connector(
    id="google_analytics", title="Google Analytics", category="analytics", settings=GoogleAnalyticsSettings,
    signer=signer, read=reader(explain), check=check,
    help="Sends prompt interactions as GA4 events and attributes as user properties.",
    docs="https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference",
    api_version="GA4 Measurement Protocol (unversioned, /mp/collect)", limits=Limits(concurrency=50, timeout=30.0),
    confidence="Google answers 2xx to whatever arrives, with a wrong secret or a broken event too, and recognises no"
               " repeat: an interaction whose answer was lost may be counted or not. Which other statuses it gives is"
               " not documented. Events older than 72 hours are moved to that age.",
)


def _user(call: Call[GoogleAnalyticsSettings, Any]) -> Object:
    """Who did it: the browser or app instance, and our own id unless it is an address, which Google forbids."""
    known = call.event.user_id
    if call.settings.stream_type == "app":
        ids = {"app_instance_id": call.first("ga_app_instance_id")}
    else:
        cookie = call.attribute("ga_client_id")
        if not cookie and not known:
            raise MissingAttributes(("ga_client_id", "user_id"))
        ids = {"client_id": known_client_id(cookie) if cookie else derived_client_id(known)}
    return {**ids, "user_id": known} if known and not is_address(known) else dict(ids)


def _payload(call: Call[GoogleAnalyticsSettings, Any], traits: Sequence[str], name: str, params: Object) -> Item:
    """A request of one event; those of one user can be put together later."""
    user, want = _user(call), call.params
    consents = {
        "ad_user_data": agreed(call, want.ad_user_data), "ad_personalization": agreed(call, want.ad_personalization),
    }
    told = {key: "GRANTED" if value else "DENIED" for key, value in consents.items() if value is not None}
    properties = {key: {"value": cut(value, 36)} for key, value in call.mapped({one: one for one in traits}).items()}
    body = {
        **user, "timestamp_micros": min(call.event.time, int(call.now * 1000)) * 1000,
        **({"user_properties": properties} if properties else {}), **({"consent": told} if told else {}),
        "events": [{"name": name, "params": params}],
    }
    return Item(orjson.dumps(body), call.outcome_id, "\n".join(user.values()))


def event_item(call: Call[GoogleAnalyticsSettings, ExportEvent]) -> Item:
    """One interaction as an event; values are cut, since Google drops long ones without a word."""
    event, want, session = call.event, call.params, call.attribute("ga_session_id")
    facts: dict[str, Value] = {**filled(call, want.extra_params), **want.renamed(prompt_properties(event))}
    params: Object = {name: cut(value, 100) for name, value in facts.items()}
    if session:
        params["session_id"] = session
    name = want.chosen(event) or default_name(event.interaction)
    return _payload(call, want.include_user_properties, name, {**params, "engagement_time_msec": 1})


@connector.export(
    "export_prompt_event", "Send the prompt interaction as an event", item=event_item, limits=LIMITS,
    params=ExportEvent, repeat=Repeat.NEVER,
    help="Records one event for each interaction: of ga_client_id (the value of the _ga cookie) or"
         " ga_app_instance_id, else, on the web, of a client id made of your user id. Google counts a repeat twice.",
)
def export_prompt_event(settings: GoogleAnalyticsSettings, items: Sequence[Item]) -> BatchFlow:
    """Send events of one user."""
    return (yield from upload(settings, items))


def profile_item(call: Call[GoogleAnalyticsSettings, SyncTraits]) -> Item:
    """The chosen attributes as user properties, on an event of their own."""
    if not call.mapped({name: name for name in call.params.traits}):
        raise MissingAttributes(call.params.traits)
    return _payload(call, call.params.traits, CARRIER, {"engagement_time_msec": 1})


@connector.export(
    "sync_user_traits", "Send user traits as user properties", item=profile_item, limits=LIMITS, params=SyncTraits,
    trigger="attributes", repeat=Repeat.NEVER,
    help=f"Sets user properties whenever attributes change, with a small event named {CARRIER}, which Google counts"
         " each time. They can be reported on once they are custom dimensions in GA.",
)
def sync_user_traits(settings: GoogleAnalyticsSettings, items: Sequence[Item]) -> BatchFlow:
    """Send user properties of one user; twice leaves the same, but for one more event."""
    return (yield from upload(settings, items))


def upload(settings: GoogleAnalyticsSettings, items: Sequence[Item]) -> BatchFlow:
    """Send requests of one user as one; nothing tells what Google makes of it, unless it is a dry run."""
    body = _together([orjson.loads(item.body) for item in items])
    if settings.validate_only:
        answer = yield _validation(body)
    else:
        answer = yield post(COLLECT, json=body, step="collect", look_at=[413])
    refusal = _invalid(answer) if answer.ok else Rejected("too_large", explain(answer)[1], status=answer.status)
    if refusal is None:
        return [Done(item.reference, "" if settings.validate_only else "accepted") for item in items]
    return [refusal] if len(items) == 1 else (yield from halved(upload, settings, items))


def _validation(body: Object) -> Request:
    return post(VALIDATE, json={**body, "validation_behavior": "ENFORCE_RECOMMENDATIONS"}, step="validate",
                effect=False)


def _invalid(answer: Response) -> Rejected | None:
    """The first rule that validation found broken."""
    first = answer.member("validationMessages", 0)
    if not isinstance(first, dict):
        return None
    code, where = str(first.get("validationCode") or "").lower(), first.get("fieldPath")
    return Rejected(code or "invalid_payload", f"{where}: {first.get('description')}"[:200], status=answer.status)


def _together(payloads: Sequence[Object]) -> Object:
    """One body; events and user properties keep the times of their own, of each property the latest counts."""
    if len(payloads) == 1:
        return payloads[0]
    body: Object = {}
    properties: Object = {}
    events: list[Object] = []
    for one in payloads:
        time = {"timestamp_micros": one["timestamp_micros"]}
        properties.update({name: {**value, **time} for name, value in one.get("user_properties", {}).items()})
        events += [{**event, **time} for event in one["events"]]
        body.update(one)
    return {**body, **({"user_properties": properties} if properties else {}), "events": events}
