"""Segment: prompt interactions as track calls, attributes as identify calls. HTTP Tracking API v1.

Reference: https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

import orjson
from pydantic import SecretStr, model_validator

from connectors.kit import (
    BatchFlow,
    BatchLimits,
    Call,
    Connector,
    Done,
    Failure,
    Flow,
    Item,
    Limits,
    MissingAttributes,
    Params,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    Unavailable,
    failure,
    field,
    post,
    retry_after,
)
from connectors.kit.auth import basic
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import Texts, event_name, filled, iso_time, prompt_properties

API = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
HOSTS = ("api.segment.io", "events.eu1.segmentapis.com")
BATCH = "/v1/batch"
LIBRARY = {"name": "prompt-actions", "version": "1"}
"""Who sends, as Segment's messages say it; the version is that of this mapping."""
KEPT = 24 * 3600.0
"""Seconds for which Segment drops messages whose id it has seen."""
LIMITS = BatchLimits(items=2500, bytes=475_000, item_bytes=32_768)
"""A request may have 500 kB, with write key and sending time; the vendor's own libraries stop at 475,000 bytes."""
SMALL = 1024
"""Bytes of a body below which compressing it is not worth the while."""
AGAIN, FINAL = frozenset({410, 460}), frozenset({501, 505, 511})
"""Statuses that Segment means otherwise than they are usually read."""
TRAIT_NAMES: Mapping[str, str] = {
    "email_address": "email", "first_name": "firstName", "last_name": "lastName", "created_at": "createdAt",
}
"""Segment's names of traits that we call otherwise."""

Message = dict[str, Any]


class SegmentSettings(Settings):
    """One source of a Segment workspace."""

    write_key: SecretStr = field(
        "Source write key", min_length=1,
        help="An HTTP API source in the Segment workspace > Settings > API Keys. Segment answers wrong keys like right"
             " ones: look at the source's Debugger after the first prompts.",
    )
    region: Literal["us", "eu"] = field(
        "Workspace region", default="us", help="Segment rejects what is sent to another region than the workspace's."
    )
    base_url: str = field("API base URL", default="", help="Instead of the region's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts) if self.base_url else ""
        refuse({"base_url": problem} if problem else {})
        return self


def signer(settings: SegmentSettings) -> Sign:
    """The write key in the header and, as the vendor's own libraries do, in the body with the time of sending.

    Batches are compressed, as the same libraries can.
    """
    key = settings.write_key.get_secret_value()
    base = (settings.base_url or API[settings.region]).rstrip("/")
    lines: Sequence[str] = ("Accept: application/json", f"Authorization: {basic(key, '')}")

    def sign(request: Request, context: SignContext) -> Signed:
        """Put key and time in front of the messages; with the time, Segment corrects clocks that are wrong."""
        sent = datetime.fromtimestamp(context.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = orjson.dumps({"writeKey": key, "sentAt": sent})
        body, more = head[:-1] + b"," + (request.body or b"{}")[1:], lines
        if len(body) > SMALL:
            body, more = gzip.compress(body, 6, mtime=0), (*lines, "Content-Encoding: gzip")
        return Signed(request.method, address(base, request), header_lines(request, more), body)

    return sign


def read(_request: Request, response: Response) -> Failure | None:
    """By status alone: the body of a success says nothing."""
    status, text = response.status, str(response.member("message") or response.text)[:200]
    if status in AGAIN:
        return Unavailable(f"http_{status}", text, status=status, retry_after=retry_after(response), unknown=True)
    if status in FINAL:
        return Rejected(f"http_{status}", text, status=status)
    return failure(response, message=text, wait=_wait(response) if status == 429 else None)


def _wait(response: Response) -> float | None:
    """Seconds until there is room again: Retry-After, else Segment's own header."""
    wait = retry_after(response)
    text = response.headers.get("x-ratelimit-reset", "")
    return float(text) if wait is None and text.isdecimal() else wait


connector = Connector(
    id="segment", title="Segment", category="crm_marketing", settings=SegmentSettings, signer=signer, read=read,
    help="Sends prompt interactions as track calls and attributes as identify calls, for all of Segment's"
         " destinations.",
    docs="https://www.twilio.com/docs/segment/connections/sources/catalog/libraries/server/http-api",
    api_version="HTTP Tracking API v1",
    # Recommended for a workspace; above, Segment queues or refuses.
    limits=Limits(rate=1000.0, concurrency=50),
    confidence="Segment accepts events that it refuses later (no user, no name, wrong write key) with the same 200;"
               " what a key of another region gets is documented in two ways. By its own word it drops 99 % of the"
               " repeats of a message id.",
)


class TrackEvent(Params):
    """What an interaction looks like in Segment."""

    event_name: str = field("Event name", default="", help="Instead of the name that belongs to the interaction.")
    extra_properties: Texts = field(
        "Extra properties", default={},
        help="Fixed texts, or placeholders such as %first_name% (a user attribute) or %promoInput1Value% (what the user"
             " typed); one that stands for nothing is left out.",
    )
    integrations: dict[str, bool] = field(
        "Destinations on/off", default={}, help="Such as All: no, Mixpanel: yes. Names are case sensitive."
    )


class Identify(Params):
    """Which attributes become traits."""

    traits: list[str] = field("Traits to send", min_length=1, help="E-mail address and names get Segment's own names.")


def _message(call: Call[SegmentSettings, Any], kind: str, **members: Any) -> Message:
    """A message under an id that is the same however often it is sent."""
    user = {"userId": call.attribute("segment_user_id") or call.event.user_id,
            "anonymousId": call.attribute("anonymous_id")}
    known = {name: value for name, value in user.items() if value}
    if not known:
        raise MissingAttributes(("segment_user_id", "user_id", "anonymous_id"))
    return {"type": kind, "messageId": call.outcome_id, **known, "timestamp": iso_time(call.event),
            "context": {"library": LIBRARY}, "integrations": {}, **members}


def track_message(call: Call[SegmentSettings, TrackEvent]) -> Message:
    """The interaction as a track call."""
    want = call.params
    properties = {**filled(call, want.extra_properties), **prompt_properties(call.event)}
    return _message(call, "track", event=event_name(call.event, want.event_name), properties=properties,
                    integrations=want.integrations)


def identify_message(call: Call[SegmentSettings, Identify]) -> Message:
    """The chosen attributes as an identify call; those that are absent are left out."""
    traits = call.mapped({TRAIT_NAMES.get(name, name): name for name in call.params.traits})
    if not traits:
        raise MissingAttributes(call.params.traits)
    return _message(call, "identify", traits=traits)


def _item(message: Message) -> Item:
    return Item(orjson.dumps(message), message["messageId"])


def _alone(message: Message) -> Flow:
    """A batch of one: the vendor's own libraries send no other."""
    item = _item(message)
    yield _batch([item])
    return Done(item.reference, "accepted")


def _batch(items: Sequence[Item], **more: Any) -> Request:
    body = b'{"batch":[' + b",".join(item.body for item in items) + b"]}"
    return post(BATCH, body=body, content_type="application/json", step="batch", **more)


@connector.action(
    "track_prompt_event", "Track the prompt interaction", params=TrackEvent, repeat=Repeat.KEY, keeps_keys=KEPT,
    help="Sends one track call for the user: segment_user_id, else your own user id; anonymous_id goes along.",
)
def track_prompt_event(call: Call[SegmentSettings, TrackEvent]) -> Flow:
    """One track call."""
    return (yield from _alone(track_message(call)))


@connector.action(
    "identify_user", "Identify the user with traits", params=Identify, repeat=Repeat.HARMLESS,
    help="Sends one identify call with the chosen attributes.",
)
def identify_user(call: Call[SegmentSettings, Identify]) -> Flow:
    """One identify call."""
    return (yield from _alone(identify_message(call)))


def event_item(call: Call[SegmentSettings, TrackEvent]) -> Item:
    """One interaction of a batch."""
    return _item(track_message(call))


@connector.export(
    "export_prompt_event", "Send the interactions of all prompts as track calls", item=event_item, limits=LIMITS,
    params=TrackEvent, repeat=Repeat.KEY, help="Sends one track call for each interaction, in batches.",
)
def export_prompt_event(_settings: SegmentSettings, items: Sequence[Item]) -> BatchFlow:
    """Send a batch of track calls."""
    return (yield from _sent(items))


def profile_item(call: Call[SegmentSettings, Identify]) -> Item:
    """One user's traits of a batch."""
    return _item(identify_message(call))


@connector.export(
    "sync_user_traits", "Identify users whenever attributes change", item=profile_item, limits=LIMITS, params=Identify,
    trigger="attributes", help="Sends one identify call for each change, in batches.",
)
def sync_user_traits(_settings: SegmentSettings, items: Sequence[Item]) -> BatchFlow:
    """Send a batch of identify calls."""
    return (yield from _sent(items))


def _sent(items: Sequence[Item]) -> BatchFlow:
    """Send messages together; a refused batch goes in halves, since Segment does not say which one it minds."""
    answer = yield _batch(items, look_at=[400, 413])
    if answer.ok:
        return [Done(item.reference, "accepted") for item in items]
    if len(items) == 1:
        return [read(_batch(items), answer) or Done(items[0].reference, "accepted")]
    middle = len(items) // 2
    first = yield from _sent(items[:middle])
    second = yield from _sent(items[middle:])
    return [*first, *second]
