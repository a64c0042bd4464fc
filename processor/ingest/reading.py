"""From the body of a request to records for Kafka, all or none: checked by the models that the Avro records have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import orjson

from processor.avro.codec import Codec
from processor.avro.jsonform import JsonFormError, Problem, attributes_from_json, event_from_json
from processor.engine.room import IDS
from processor.ingest import segment
from processor.ingest.keys import Holder
from processor.ingest.problems import Refusal, Wrong, wrong_at
from processor.settings import ProcessorSettings

Kind = Literal["interactions", "attributes", "track", "identify", "batch"]
SOURCE = "ingest"
LONGEST_USER = 1000
UNHEARD = frozenset({"page", "screen", "group", "alias"})
"""Kinds of Segment's messages that mean nothing here; they are passed over."""


class Record(NamedTuple):
    """What goes to Kafka."""

    topic: str
    key: bytes
    value: bytes


class Read(NamedTuple):
    """What a body holds."""

    records: list[Record]
    event_ids: list[str]
    ignored: int


class _Item(NamedTuple):
    kind: Kind
    form: Mapping[str, Any]
    at: str
    """JSON pointer of the item."""
    fallback: str
    """The event's id where it names none; "" where there is none either."""


class Reader:
    """Reads bodies; for one thread."""

    def __init__(self, settings: ProcessorSettings, codec: Codec, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._codec = codec
        self._clock = clock

    def read(self, kind: Kind, body: bytes, holder: Holder, idempotency_key: str) -> Read:
        """All records of a body; raises Refusal with every mistake, and then none of them is to be published."""
        items, ignored = self._items(kind, _parsed(body), idempotency_key)
        records: list[Record] = []
        event_ids: list[str] = []
        wrong: list[Wrong] = []
        for item in items:
            self._take(item, holder, records, event_ids, wrong)
        if wrong:
            rest = "" if len(items) == 1 else f"; nothing of the {len(items)} records was taken"
            raise Refusal(422, "invalid_record", f"{len(wrong)} {'mistake' if len(wrong) == 1 else 'mistakes'}{rest}."
                          " Mend what `errors` names and send it again.", wrong)
        return Read(records, event_ids, ignored)

    def _items(self, kind: Kind, data: Any, key: str) -> tuple[list[_Item], int]:
        if kind == "batch":
            return self._batch(data)
        several = data if isinstance(data, list) else [data]
        self._check_number(several)
        if data is not several:
            return [_Item(kind, data, "", key)], 0
        return [_Item(kind, form, f"/{at}", key and f"{key}:{at}") for at, form in enumerate(several)], 0

    def _batch(self, data: Any) -> tuple[list[_Item], int]:
        given = data.get("batch") if isinstance(data, Mapping) else None
        if not isinstance(given, list):
            raise Refusal(422, "invalid_record", "The body has no list of messages.",
                          [Wrong("/batch", "is missing", 'a list: {"batch": [{"type": "track", ...}]}')])
        self._check_number(given)
        items: list[_Item] = []
        ignored = 0
        for at, one in enumerate(given):
            kind = _kind(one)
            if kind in UNHEARD:
                ignored += 1
            else:
                known: Kind = "track" if kind == "track" else "identify" if kind == "identify" else "batch"
                items.append(_Item(known, one, f"/batch/{at}", ""))
        return items, ignored

    def _check_number(self, given: list[Any]) -> None:
        most = self._settings.ingest.max_batch
        if not given:
            raise Refusal(422, "invalid_record", "The list is empty: send at least one record.",
                          [Wrong("", "is empty", f"1 to {most} records")])
        if len(given) > most:
            raise Refusal(413, "too_large", f"{len(given)} records; at most {most} are taken at once. Send them in"
                          " several requests.")

    def _take(self, item: _Item, holder: Holder, records: list[Record], ids: list[str], wrong: list[Wrong]) -> None:
        """One item more, or its mistakes."""
        if not isinstance(item.form, Mapping) or item.kind == "batch":
            wrong.append(_no_item(item))
            return
        members, places = self._members(item, wrong)
        app = members.get("app_id", holder.app)
        if isinstance(app, str) and app and not holder.may(app):
            raise Refusal(403, "other_app", "This key may publish into "
                          + (", ".join(holder.apps) if "*" not in holder.apps else "other apps") + " only.",
                          [Wrong(f"{item.at}/app_id", "is an app that the key is not for")])
        try:
            made = self._made(item, {**members, **({"app_id": app} if app else {})})
        except JsonFormError as error:
            wrong.extend(_placed(wrong_at("", one), item.at, places) for one in error.problems)
            return
        records.append(made[0])
        if made[1]:
            ids.append(made[1])

    def _members(self, item: _Item, wrong: list[Wrong]) -> tuple[dict[str, Any], Mapping[str, str]]:
        """The record's members, with what we add where it is absent."""
        places: Mapping[str, str] = {}
        members: Mapping[str, Any] = item.form
        if item.kind in ("track", "identify"):
            found = segment.track(item.form) if item.kind == "track" else segment.identify(item.form)
            wrong.extend(one._replace(at=f"{item.at}/{one.at}") for one in found.wrong)
            members, places = found.members, found.places
        more: dict[str, Any] = {"time": round(self._clock() * 1000)}
        if item.kind in ("attributes", "identify"):
            more["source"] = SOURCE
        elif item.fallback:
            more["event_id"] = item.fallback
        return {**more, **members}, places

    def _made(self, item: _Item, members: Mapping[str, Any]) -> tuple[Record, str]:
        """The record and the event's id; raises JsonFormError."""
        topics = self._settings.topics
        if item.kind in ("attributes", "identify"):
            change = attributes_from_json(members)
            _check("UserAttributes", self._problems(change.user_id, 0, change.time))
            value = self._codec.encode_attributes(change)
            return self._record(topics.attributes, change.app_id, change.user_id, value), ""
        event = event_from_json(members)
        length = len(event.event_id) + len(event.user_id) + len(event.prompt_id)
        _check("PromptInteraction", self._problems(event.user_id, length, event.time))
        value = self._codec.encode_event(event)
        return self._record(topics.interactions, event.app_id, event.user_id, value), event.event_id

    def _problems(self, user: str, length: int, moment: int) -> list[Problem]:
        """What the processor would refuse."""
        latest = (self._clock() + self._settings.future_tolerance) * 1000
        found = []
        if not user:
            found.append(Problem("user_id", "is empty", "text of at least one character"))
        if length > IDS or len(user) > LONGEST_USER:
            found.append(Problem("user_id", "is too long, by itself or together with event_id and prompt_id",
                                 f"{LONGEST_USER} characters, and {IDS} for the three ids together"))
        if moment <= 0 or moment > latest:
            found.append(Problem("time", "is before 1970 or too far ahead of our clock",
                                 "when it happened, in milliseconds since 1970 or as ISO 8601 with a zone"))
        return found

    def _record(self, topic: str, app: str, user: str, value: bytes) -> Record:
        most = self._settings.max_value_bytes
        if len(value) > most:
            raise Refusal(413, "too_large", f"A record has {len(value)} bytes; at most {most} are taken.")
        return Record(topic, f"{app}:{user}".encode(), value)


def _kind(message: Any) -> str:
    """What a message of a batch says that it is."""
    kind = message.get("type") if isinstance(message, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _check(record: str, found: list[Problem]) -> None:
    if found:
        raise JsonFormError(record, found)


def _placed(wrong: Wrong, base: str, places: Mapping[str, str]) -> Wrong:
    """The mistake where the sender wrote it: under the name that its own shape has."""
    name, _, rest = wrong.at.removeprefix("/").partition("/")
    told = wrong
    if name == "event_id" and wrong.what == "is missing":
        told = wrong._replace(allowed="an id that stays the same when you send the event again; or the header"
                                      " Idempotency-Key")
    if name == "app_id" and wrong.what == "is missing":
        told = wrong._replace(allowed="the app's id: this key is for several")
    where = places.get(name, name)
    return told._replace(at=f"{base}/{where}" + (f"/{rest}" if rest else ""))


def _no_item(item: _Item) -> Wrong:
    if isinstance(item.form, Mapping):
        return Wrong(f"{item.at}/type", "is no kind of message", "track, identify (page, screen, group and alias are"
                                                                 " passed over)")
    return Wrong(item.at, f"is {'null' if item.form is None else type(item.form).__name__}", "an object")


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if body.strip() else "it is empty"
        raise Refusal(400, "no_json", f"The body is no JSON in UTF-8: {error.msg} ({where}).") from None
