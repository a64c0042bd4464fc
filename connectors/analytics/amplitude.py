"""Amplitude: prompt interactions as events, attributes as user properties; HTTP V2 API and Batch Event Upload.

Reference: https://amplitude.com/docs/apis/analytics/http-v2
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

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
    Failure,
    Item,
    ItemEnd,
    Limits,
    Misconfigured,
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
    Value,
    field,
    halved,
    post,
    reader,
)
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import EventParams, Texts, event_name, filled, prompt_properties

API = {"us": "https://api2.amplitude.com", "eu": "https://api.eu.amplitude.com"}
HOSTS = ("api2.amplitude.com", "api.eu.amplitude.com")
PATHS = {"httpapi": "/2/httpapi", "batch": "/batch"}
HEAD = b'{"options":{"min_id_length":1},"events":['
"""Ids of fewer than five characters are dropped otherwise."""
LIMITS = BatchLimits(items=2000, bytes=990_000, item_bytes=262_144)
"""1 MB on /2/httpapi, uncompressed, with key and options; /batch would take 20 MB."""
WAIT = 30.0
"""Seconds that Amplitude asks to leave a throttled user alone."""
BANNED = frozenset({
    "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "",
    "00000000-0000-0000-0000-000000000000", "{}", "lmy47d", "0", "-1",
})
"""Ids that Amplitude takes for no id at all."""
IDS = ("amplitude_user_id", "user_id", "amplitude_device_id")
CULPRITS = {
    "events_with_invalid_fields": "invalid_field", "events_with_missing_fields": "missing_field",
    "events_with_invalid_id_lengths": "invalid_id_length",
}
"""Members of a refusal that list places in the batch by field, and our code for each."""


class AmplitudeSettings(Settings):
    """One Amplitude project."""

    api_key: SecretStr = field(
        "Project API key", min_length=1,
        help="Amplitude > Settings > Projects > General. The secret key beside it is not needed.",
    )
    region: Literal["us", "eu"] = field("Data residency", default="us", help="Where Amplitude keeps the project.")
    endpoint: Literal["httpapi", "batch"] = field(
        "Upload endpoint", default="httpapi",
        help="batch: for many events of one user or device at once (1000 a second instead of 30).",
    )
    base_url: str = field("API base URL", default="", help="Instead of the region's own address.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts) if self.base_url else ""
        refuse({"base_url": problem} if problem else {})
        return self


def signer(settings: AmplitudeSettings) -> Sign:
    """The key in front of the body; compressed where Amplitude says that it reads that."""
    head = orjson.dumps({"api_key": settings.api_key.get_secret_value()})[:-1] + b","
    base = (settings.base_url or API[settings.region]).rstrip("/")

    def sign(request: Request, _context: SignContext) -> Signed:
        """Add key and address."""
        body, lines = head + (request.body or b"{}")[1:], ["Accept: */*"]
        if request.path == PATHS["httpapi"]:
            body, lines = gzip.compress(body, 6, mtime=0), [*lines, "Content-Encoding: gzip"]
        return Signed(request.method, address(base, request), header_lines(request, lines), body)

    return sign


def explain(response: Response) -> tuple[str, str]:
    """Amplitude's words, unless they repeat the key."""
    error = str(response.member("error") or response.text)[:200]
    return f"http_{response.status}", "" if "api key" in error.lower() else error


def check(settings: AmplitudeSettings) -> CheckFlow:
    """Upload nothing: a wrong key is told before anything else."""
    answer = yield post(PATHS[settings.endpoint], body=HEAD + b"]}", content_type="application/json", step="check",
                        effect=False, look_at=[400])
    _check_key(answer)
    return Account("the API key was not refused")


connector = Connector(
    id="amplitude", title="Amplitude", category="analytics", settings=AmplitudeSettings, signer=signer,
    read=reader(explain), check=check,
    help="Sends prompt interactions as events and keeps user properties up to date.",
    docs="https://amplitude.com/docs/apis/analytics/http-v2",
    api_version="HTTP V2 API (/2/httpapi), Batch Event Upload (/batch)",
    limits=Limits(rate=100.0, concurrency=10, timeout=30.0),
    confidence="Amplitude has no call that only tests a key: the connection test uploads an empty batch, whose answer"
               " is documented for a wrong key alone. User properties go as $identify events, as the vendor's own"
               " library sends them, since those are told item by item. The Starter plan asks for at most 10 events"
               " a request, which is not kept.",
)


class ExportEvent(EventParams):
    """What an interaction looks like in Amplitude."""

    extra_properties: Texts = field(
        "Extra event properties", default={},
        help="Fixed texts, or placeholders such as %plan% (a user attribute), %goal_name% or %promoInput1Value% (what"
             " the user typed); one that stands for nothing is left out.",
    )
    include_user_properties: list[str] = field(
        "Traits to set on the user with the event", default=[], help="Attributes; those that are absent are left out."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        taken = [name for name in self.all_names if name.startswith(("[Amplitude]", "$"))]
        refuse({"event_names": f"'{taken[0]}' is reserved by Amplitude"} if taken else {})
        return self


class SyncTraits(Params):
    """Which attributes become user properties."""

    traits: list[str] = field("Traits to send", min_length=1, help="Attributes that become user properties.")
    set_once: bool = field("Do not overwrite existing values", default=False,
                           help="On: the first value of a property stays.")


def _event(call: Call[AmplitudeSettings, Any], type: str, **members: Any) -> Item:
    """An event under an id that is the same however often it is sent; absent members are left out."""
    ids = {"user_id": call.attribute("amplitude_user_id") or call.event.user_id,
           "device_id": call.attribute("amplitude_device_id")}
    known = {name: value for name, value in ids.items() if value}
    if not known:
        raise MissingAttributes(IDS)
    for name, value in known.items():
        if value.strip().lower() in BANNED:
            raise Rejected("banned_id", f"Amplitude refuses '{value}' as {name}; sync amplitude_{name}")
    own = {name: value for name, value in members.items() if value}
    return Item(orjson.dumps({
        **known, "event_type": type, "time": call.event.time, "insert_id": call.outcome_id, **own,
    }), call.outcome_id)


def event_item(call: Call[AmplitudeSettings, ExportEvent]) -> Item:
    """One interaction as an event."""
    event, want = call.event, call.params
    properties = {**filled(call, want.extra_properties), **want.renamed(prompt_properties(event))}
    return _event(call, event_name(event, want.chosen(event)), event_properties=properties,
                  user_properties=_traits(call, want.include_user_properties))


def profile_item(call: Call[AmplitudeSettings, SyncTraits]) -> Item:
    """The chosen attributes as a change of user properties, which counts as no event."""
    traits = _traits(call, call.params.traits)
    if not traits:
        raise MissingAttributes(call.params.traits)
    return _event(call, "$identify", user_properties={"$setOnce" if call.params.set_once else "$set": traits})


def _traits(call: Call[AmplitudeSettings, Any], names: Iterable[str]) -> dict[str, Value]:
    return call.mapped({name: name for name in names})


@connector.export(
    "export_prompt_event", "Send the prompt interaction as an event", item=event_item, limits=LIMITS,
    params=ExportEvent, repeat=Repeat.KEY,
    help="Uploads one event for each interaction: of amplitude_user_id, else of your user id; amplitude_device_id"
         " goes along.",
)
def export_prompt_event(settings: AmplitudeSettings, items: Sequence[Item]) -> BatchFlow:
    """Upload a batch of events."""
    return (yield from upload(settings, items))


@connector.export(
    "sync_user_traits", "Set user properties from traits", item=profile_item, limits=LIMITS, params=SyncTraits,
    trigger="attributes",
    help="Updates user properties whenever attributes change; they show with the user's next event.",
)
def sync_user_traits(settings: AmplitudeSettings, items: Sequence[Item]) -> BatchFlow:
    """Upload a batch of changes."""
    return (yield from upload(settings, items))


def upload(settings: AmplitudeSettings, items: Sequence[Item]) -> BatchFlow:
    """Send items until Amplitude names no bad one any more: it takes all or nothing, and may name only the first."""
    ends: dict[int, ItemEnd] = {}
    left, throttled = list(range(len(items))), False
    while left:
        batch = [items[place] for place in left]
        answer = yield _upload(settings, batch)
        refused, slow = _refused(answer, batch), _slow(answer, batch)
        if not refused and not slow:
            ends.update(zip(left, (yield from _as_a_whole(settings, batch, answer)), strict=True))
            break
        ends.update({left[index]: failure for index, failure in refused.items()})
        throttled = throttled or bool(slow - refused.keys())
        left = [place for index, place in enumerate(left) if index not in refused and index not in slow]
    if throttled:  # the others are in; when they come again, Amplitude knows them by their ids
        raise Unavailable("throttled", "too many events of one user or device", status=429, retry_after=WAIT,
                          throttled=True)
    return [ends[place] for place in range(len(items))]


def _upload(settings: AmplitudeSettings, items: Sequence[Item]) -> Request:
    body = HEAD + b",".join(item.body for item in items) + b"]}"
    return post(PATHS[settings.endpoint], body=body, content_type="application/json", step="upload",
                look_at=[400, 413, 429])


def _as_a_whole(settings: AmplitudeSettings, items: Sequence[Item], answer: Response) -> BatchFlow:
    """The end of a batch of which no item was named."""
    if answer.ok:
        return [Done(item.reference) for item in items]
    _check_key(answer)
    if answer.status == 429:
        raise Unavailable("throttled", explain(answer)[1], status=429, retry_after=WAIT, throttled=True)
    missing = answer.member("missing_field")
    if missing:
        raise Rejected("missing_field", f"the request lacks {missing}", status=answer.status)
    if len(items) > 1:
        return (yield from halved(upload, settings, items))
    return [Rejected("too_large" if answer.status == 413 else "invalid_event", explain(answer)[1],
                     status=answer.status)]


def _check_key(answer: Response) -> None:
    """Raise Misconfigured for a wrong key; the answer's own words would repeat it."""
    if answer.status == 400 and str(answer.member("error") or "").lower().startswith("invalid api key"):
        raise Misconfigured("invalid_api_key", "Amplitude does not know the project API key", status=400)


def _refused(answer: Response, items: Sequence[Item]) -> dict[int, Failure]:
    """Refusals by place in the batch: what is wrong with the item, or an allowance that is used up for the day."""
    if answer.status not in (400, 429):
        return {}
    said, found = explain(answer)[1], dict[int, Failure]()
    for member, code in CULPRITS.items():
        fields = answer.member(member)
        for name, places in fields.items() if isinstance(fields, dict) else ():
            found.update({index: Rejected(code, f"{name}: {said}", status=answer.status)
                          for index in _places(places, items)})
    silenced = {*_places(answer.member("silenced_events"), items), *_of(items, answer, "silenced_devices")}
    spent = _of(items, answer, "exceeded_daily_quota_users", "exceeded_daily_quota_devices")
    found.update({index: Rejected("silenced", "Amplitude has silenced this device", status=answer.status)
                  for index in silenced})
    found.update({index: Rejected("daily_quota", "this user or device has used up its events of the day",
                                  status=answer.status) for index in spent})
    return found


def _slow(answer: Response, items: Sequence[Item]) -> set[int]:
    """Places of items whose user or device sends too much at present."""
    if answer.status != 429:
        return set()
    return {*_places(answer.member("throttled_events"), items),
            *_of(items, answer, "throttled_users", "throttled_devices")}


def _places(value: Any, items: Sequence[Item]) -> list[int]:
    return [one for one in value if isinstance(one, int) and 0 <= one < len(items)] if isinstance(value, list) else []


def _of(items: Sequence[Item], answer: Response, *members: str) -> set[int]:
    """Places of items whose user or device one of the answer's members names."""
    named = {str(one) for member in members for one in answer.member(member) or ()}
    if not named:
        return set()
    events = [orjson.loads(item.body) for item in items]
    return {index for index, one in enumerate(events) if {one.get("user_id"), one.get("device_id")} & named}
