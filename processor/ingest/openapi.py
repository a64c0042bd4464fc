"""The OpenAPI description, made from the Avro records, so that it says what is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.event import EXPORT_INTERACTIONS
from processor import __version__
from processor.avro.schemas import project
from processor.ingest.problems import MEDIA_TYPE
from processor.model.attributes import MODES
from processor.settings import IngestSettings

Schema = dict[str, Any]
LONGEST_KEY = 200
"""Characters of an Idempotency-Key."""
LONG = {"type": "integer", "minimum": -(1 << 63), "maximum": (1 << 63) - 1}
TIME = {"anyOf": [
    {"type": "integer", "minimum": 1, "description": "Milliseconds since 1970."},
    {"type": "string", "format": "date-time", "description": "ISO 8601 with a zone."},
]}
TEXT = {"type": "string"}
REFUSALS = {
    400: "The body is no JSON.", 401: "There is no such key.", 403: "The key is for another app.",
    413: "Too large, or too many records.", 415: "The body does not say that it is JSON.",
    422: "A record is not valid: `errors` has each place and what is taken. Nothing was published.",
    429: "Too many records a second; see Retry-After.",
    503: "Kafka has not acknowledged; send it again with the same event ids after Retry-After.",
}
ABOUT = """Prompt interactions and user attributes from product apps without a Kafka client.

202 means that Kafka has acknowledged every record of the request on all replicas. Whatever else is answered, the
request can be sent again: an event that arrives twice within the duplicates window runs once.
"""


def document(settings: IngestSettings) -> Schema:
    """The description of the whole door."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "prompt-actions ingest", "version": __version__, "description": ABOUT},
        "security": [{"key": []}, {"segment": []}],
        "paths": {
            "/v1/interactions": _post("Publish prompt interactions", "Interaction", settings, keyed=True),
            "/v1/attributes": _post("Sync user attributes", "Attributes", settings),
            "/v1/track": _post("Publish an interaction as Segment's `track`", "Track", settings, keyed=True),
            "/v1/identify": _post("Sync attributes as Segment's `identify`", "Identify", settings),
            "/v1/batch": _post("Several of Segment's messages", "Batch", settings, several=False),
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of the app."},
                "segment": {"type": "http", "scheme": "basic", "description": "The key as the name, no password."},
            },
            "schemas": _schemas(settings),
        },
    }


def _post(title: str, name: str, settings: IngestSettings, *, several: bool = True, keyed: bool = False) -> Schema:
    one = {"$ref": f"#/components/schemas/{name}"}
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": settings.max_batch}
    header = {"name": "Idempotency-Key", "in": "header", "description": "The event's id, where the body names none.",
              "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    accepted = {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
    return {"post": {
        "summary": title, "operationId": name.lower(), **({"parameters": [header]} if keyed else {}),
        "requestBody": {"required": True, "content": {"application/json": {
            "schema": {"anyOf": [one, many]} if several else one}}},
        "responses": {
            "202": {"description": "Acknowledged by Kafka.", "content": accepted},
            **{str(status): {"description": text, "content": problem} for status, text in REFUSALS.items()},
        },
    }}


def _schemas(settings: IngestSettings) -> Schema:
    return {
        "Interaction": _record("PromptInteraction", {"interaction": {"enum": list(EXPORT_INTERACTIONS)}},
                               optional=("app_id", "event_id", "time")),
        "Attributes": _record("UserAttributes", {"mode": {"enum": list(MODES), "default": "merge"}},
                              optional=("app_id", "time", "mode", "source")),
        "Track": _TRACK, "Identify": _IDENTIFY,
        "Batch": {"type": "object", "required": ["batch"], "properties": {"batch": {
            "type": "array", "minItems": 1, "maxItems": settings.max_batch, "items": {
                "type": "object", "required": ["type"],
                "properties": {"type": {"enum": ["track", "identify", "page", "screen", "group", "alias"]}}}}}},
        "Accepted": {"type": "object", "required": ["accepted"], "additionalProperties": False, "properties": {
            "accepted": {"type": "integer", "minimum": 0},
            "event_ids": {"type": "array", "items": TEXT, "description": "Of the interactions, in their order."},
            "ignored": {"type": "integer", "description": "Messages of kinds that mean nothing here."}}},
        "Problem": _PROBLEM,
    }


def _record(name: str, special: Mapping[str, Schema], *, optional: tuple[str, ...]) -> Schema:
    """A record as its Avro schema and our checks have it."""
    fields = project().current[name].source["fields"]
    needed = [one["name"] for one in fields if "default" not in one and one["name"] not in optional]
    members = {one["name"]: {**_type(one["type"]), "description": one["doc"], **special.get(one["name"], {})}
               for one in fields}
    members["time"] = {**TIME, "description": "When it happened. Default: now."}
    for one in ("app_id", "user_id", "event_id", "prompt_id"):
        if one in members:
            members[one]["minLength"] = 1
    return {"type": "object", "required": needed, "properties": members, "additionalProperties": False}


def _type(kind: Any) -> Schema:
    if isinstance(kind, list):
        return {"anyOf": [_type(one) for one in kind]}
    if isinstance(kind, Mapping):
        inner = _type(kind.get("values", kind.get("items")))
        return {"type": "object", "additionalProperties": inner} if kind["type"] == "map" else \
            {"type": "array", "items": inner}
    simple: dict[str, Schema] = {
        "string": dict(TEXT), "long": dict(LONG), "double": {"type": "number"}, "boolean": {"type": "boolean"},
        "null": {"type": "null"}}
    return simple[kind]


_TRACK: Schema = {
    "type": "object", "required": ["userId", "event", "properties"],
    "properties": {
        "userId": {"type": "string", "minLength": 1},
        "event": {"enum": [*EXPORT_INTERACTIONS, "Prompt Accepted", "Prompt Declined", "Prompt Dismissed"],
                  "description": "The interaction; a name such as `Prompt Accepted` is understood."},
        "properties": {"type": "object", "required": ["prompt_id"], "properties": {
            "prompt_id": {"type": "string", "minLength": 1},
            "form": {"type": "object", "additionalProperties": TEXT},
            "context": {"type": "object", "additionalProperties": TEXT}},
            "description": "Fields of Interaction, in snake or camel case; other texts and numbers are its context."},
        "messageId": {"type": "string", "minLength": 1, "description": "The event's id."},
        "timestamp": TIME, "context": {"type": "object"},
    },
}
_IDENTIFY: Schema = {
    "type": "object", "required": ["userId", "traits"],
    "properties": {
        "userId": {"type": "string", "minLength": 1}, "timestamp": TIME,
        "traits": {"type": "object", "description": "The attributes; objects inside are named with dots."},
    },
}
_PROBLEM: Schema = {
    "type": "object", "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT,
        "errors": {"type": "array", "items": {"type": "object", "required": ["at", "what"], "properties": {
            "at": {**TEXT, "description": "A JSON pointer into the body."}, "what": TEXT, "allowed": TEXT,
            "nearest": TEXT}}},
    },
}
