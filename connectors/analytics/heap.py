"""Heap: prompt interactions as server-side events, attributes as user properties. Server-side API (unversioned).

Reference: https://developers.heap.io/reference/server-side-apis-overview
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import orjson
from pydantic import model_validator

from connectors.kit import (
    BatchFlow,
    BatchLimits,
    Call,
    Connector,
    Done,
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
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import scalar
from connectors.kit.prompt import EventParams, Texts, event_name, filled, iso_time, prompt_properties

API = {"us": "https://heapanalytics.com", "eu": "https://c.eu.heap-api.com"}
HOSTS = ("heapanalytics.com", "c.eu.heap-api.com")
TRACK, PROFILES = "/api/track", "/api/add_user_properties"
MAX_NAME, MAX_IDENTITY, MAX_VALUE = 1024, 255, 1023
"""Characters of an event's name, of an identity and of a value: fewer than 1024."""
LIMITS = BatchLimits(items=1000, bytes=900_000, item_bytes=262_144)
"""1000 items are the vendor's own; it names no size, hence one that every server takes."""
IDS = ("heap_identity", "email_address", "user_id")
"""What can name a user, best first: the attribute, the address, the app's own id."""
TRAIT_NAMES: Mapping[str, str] = {"email_address": "email"}
"""Heap's built-in property Email is fed by `email` in lower case only."""


class HeapSettings(Settings):
    """One environment of a Heap project."""

    app_id: str = field(
        "App ID (environment ID)", pattern=r"^\d+$",
        help="Heap > Account > Manage > Projects: the number of the environment. It stands in the web snippet, so it"
             " is no secret, and it is all that the API asks for. A wrong one is not told: look into Heap afterwards.",
    )
    region: Literal["us", "eu"] = field(
        "Data center", default="us", help="Where the project lives; the other one takes the events and loses them."
    )
    base_url: str = field("API base URL", default="", help="Instead of the data center's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts) if self.base_url else ""
        refuse({"base_url": problem} if problem else {})
        return self


def signer(settings: HeapSettings) -> Sign:
    """The address of the data center; the app id stands in each body."""
    return sign_with(settings.base_url or API[settings.region], {"Accept": "application/json"})


def explain(response: Response) -> tuple[str, str]:
    """What Heap says, which it does in no documented form."""
    told = response.member("error") or response.member("message")
    return f"http_{response.status}", (told if isinstance(told, str) else response.text)[:200]


connector = Connector(
    id="heap", title="Heap", category="analytics", settings=HeapSettings, signer=signer, read=reader(explain),
    help="Sends prompt interactions as server-side events and keeps user properties up to date.",
    docs="https://developers.heap.io/reference/server-side-apis-overview",
    api_version="Server-side API (unversioned)",
    limits=Limits(concurrency=10, timeout=30.0),
    confidence="Heap documents neither the answer to too many requests (429 is assumed), nor which item of a batch"
               " it minds (a refused batch is halved until it shows), nor for how long it remembers an idempotency"
               " key. No call tells whether the app id is right, so a connection cannot be tested.",
)


def _named(names: Sequence[str]) -> str:
    """Why properties cannot have these names; "" where they can."""
    bad = [name for name in names if name.lower() == "id" or not 0 < len(name) < MAX_NAME]
    return f"Heap takes no property named {bad[0][:50]!r}" if bad else ""


class ExportEvent(EventParams):
    """What an interaction looks like in Heap."""

    extra_properties: Texts = field(
        "Extra properties", default={},
        help="Fixed texts, or placeholders such as %plan% (a user attribute), %goal_name% or %promoInput1Value% (what"
             " the user typed); one that stands for nothing is left out.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        renamed = [name for name in self.property_names.values() if name]
        found = {"extra_properties": _named(list(self.extra_properties)), "property_names": _named(renamed)}
        long = any(len(name) > MAX_NAME for name in self.all_names)
        found["event_names"] = f"an event's name has at most {MAX_NAME} characters" if long else ""
        refuse({place: why for place, why in found.items() if why})
        return self


class SyncTraits(Params):
    """Which attributes become user properties."""

    traits: list[str] = field("Traits to send", min_length=1, help="The e-mail address becomes Heap's own Email.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = _named(self.traits)
        refuse({"traits": problem} if problem else {})
        return self


def identity(call: Call[HeapSettings, Any]) -> str:
    """What the app passes to heap.identify(): another value would be a second user."""
    found = call.attribute(IDS[0]) or call.attribute(IDS[1]) or call.event.user_id
    if not found:
        raise MissingAttributes(IDS)
    if len(found) > MAX_IDENTITY:
        raise Rejected("identity_too_long", f"Heap takes identities of at most {MAX_IDENTITY} characters")
    return found


def _plain(value: Value) -> str | int | float:
    """A value as Heap keeps it: a number, or text that is not too long; lists are joined as Heap joins them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return ("||".join(value) if isinstance(value, list) else scalar(value))[:MAX_VALUE]


def event_item(call: Call[HeapSettings, ExportEvent]) -> Item:
    """One interaction; Heap turns its key into the event's id, so that a repeat changes nothing."""
    event, want = call.event, call.params
    properties = {**filled(call, want.extra_properties), **want.renamed(prompt_properties(event))}
    return Item(orjson.dumps({
        "identity": identity(call), "event": event_name(event, want.chosen(event)), "timestamp": iso_time(event),
        "idempotency_key": call.outcome_id, "properties": {name: _plain(value) for name, value in properties.items()},
    }), call.outcome_id)


def _body(settings: HeapSettings, items: Sequence[Item], name: str) -> bytes:
    """One item stands in the body itself, several in a list named `name`."""
    head = orjson.dumps({"app_id": settings.app_id})[:-1] + b","
    if len(items) == 1:
        return head + items[0].body[1:]
    return head + b'"%s":[' % name.encode() + b",".join(item.body for item in items) + b"]}"


@connector.export(
    "export_prompt_event", "Send the prompt interaction as an event", item=event_item, limits=LIMITS,
    params=ExportEvent, repeat=Repeat.KEY,
    help="Records one event for each interaction: of heap_identity, else of the e-mail address, else of your user id.",
)
def export_prompt_event(settings: HeapSettings, items: Sequence[Item]) -> BatchFlow:
    """Send events; a refused batch goes in halves, since Heap does not say which one it minds."""
    answer = yield post(TRACK, body=_body(settings, items, "events"), content_type="application/json", step="track",
                        look_at=[400, 413])
    if answer.ok:
        return [Done(item.reference) for item in items]
    if len(items) == 1:
        return [_refusal(answer)]
    return (yield from halved(export_prompt_event, settings, items))


def _refusal(answer: Response) -> Rejected:
    return Rejected(*explain(answer), status=answer.status)


def profile_item(call: Call[HeapSettings, SyncTraits]) -> Item:
    """The chosen attributes of one user; those that are absent are left out."""
    traits = call.mapped({TRAIT_NAMES.get(name, name): name for name in call.params.traits})
    if not traits:
        raise MissingAttributes(call.params.traits)
    properties = {name: _plain(value) for name, value in traits.items()}
    return Item(orjson.dumps({"identity": identity(call), "properties": properties}))


@connector.export(
    "sync_user_traits", "Add user properties", item=profile_item, limits=LIMITS, params=SyncTraits,
    trigger="attributes", help="Sets the chosen attributes on the user whenever they change.",
)
def sync_user_traits(settings: HeapSettings, items: Sequence[Item]) -> BatchFlow:
    """Set properties; twice is harmless, so a refused batch goes in halves too."""
    answer = yield post(PROFILES, body=_body(settings, items, "users"), content_type="application/json",
                        step="properties", look_at=[400, 413])
    if answer.ok:
        return [Done() for _ in items]
    if len(items) == 1:
        return [_refusal(answer)]
    return (yield from halved(sync_user_traits, settings, items))
