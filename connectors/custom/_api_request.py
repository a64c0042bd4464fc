"""Fills a saved API action for one event: whatever a user typed, the request keeps its host, path and structure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from connectors.custom._api_action import CONTEXT, ApiAction, Compiled, Part
from connectors.kit import Call, MissingAttributes, Rejected, Request, Value
from connectors.kit.http import FORM, address
from connectors.kit.template import Lookup, Template, as_text, header_value, path_value, query_value, sound

MAX_BODY = 262_144
MAX_HEADERS = 32_768
MAX_URL = 16_384
OURS: Mapping[str, str] = {"Accept": "*/*"}

IN_USE = frozenset({409})
"""What a server answers while an earlier request with the same idempotency key runs (draft of the IETF)."""

ApiCall = Call[Any, Any]


def _values(call: ApiCall, action: ApiAction) -> Mapping[str, Value]:
    """A sound value for each placeholder; raises MissingAttributes naming all that have none."""
    names = action.compiled.names
    facts = _facts(call) if names else {}
    found = {name: _value(call, action, facts, name) for name in names}
    lacking = [_source(action, name) for name, value in found.items() if value is None and name not in action.defaults]
    if lacking:
        raise MissingAttributes(lacking)
    return {name: sound(name, value) for name, value in found.items()}


def _value(call: ApiCall, action: ApiAction, facts: Mapping[str, str | None], name: str) -> Value:
    """What was typed, before the event's facts, before the user's attributes, before the default."""
    typed = call.form(name) if name in action.form_inputs else ""
    if name.startswith(CONTEXT):
        typed = call.event.context.get(name.removeprefix(CONTEXT), "")
    for value in (typed, facts.get(name), call.attributes.get(name)):
        if value is not None and value != "":
            return value
    return action.defaults.get(name)


def _facts(call: ApiCall) -> Mapping[str, str | None]:
    event = call.event
    return {
        "user_id": event.user_id, "prompt_id": event.prompt_id, "prompt_name": event.prompt_name,
        "variation_id": event.variant_id, "variation_name": event.variant_name, "activity": event.interaction,
        "event_timestamp": event.moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "event_id": event.event_id, "app_id": event.app_id, "outcome_id": call.outcome_id,
    }


def _source(action: ApiAction, name: str) -> str:
    return f"form.{name}" if name in action.form_inputs else name


def filled_request(call: ApiCall, action: ApiAction) -> Request:
    """The saved request with every placeholder filled, and marks where credentials belong.

    Raises MissingAttributes naming all that has no value, and Rejected for a value that must not be sent.
    """
    compiled, lookup = action.compiled, _values(call, action).__getitem__
    body = _body(compiled, lookup)
    request = Request(
        action.method, _url(compiled, lookup), [(name, one.render(lookup)) for name, one in compiled.query],
        _headers(call, action, lookup, body), body, "call", action.method != "GET",
        frozenset(action.success_status) | (IN_USE if action.idempotency_header else frozenset()),
        timeout=action.timeout,
    )
    if len(address("", request)) > MAX_URL:
        raise Rejected("invalid_value", f"the URL is longer than {MAX_URL} characters")
    return request


def _url(compiled: Compiled, lookup: Lookup) -> str:
    path = compiled.path.render(lookup, path_value)
    inline = compiled.inline_query.render(lookup, query_value)
    url = f"{compiled.endpoint.origin}{path}{'?' if inline else ''}{inline}"
    if urlsplit(url).netloc != compiled.endpoint.place:
        raise Rejected("invalid_value", "the URL would lead to another host")
    return url


def _headers(call: ApiCall, action: ApiAction, lookup: Lookup, body: bytes | None) -> Mapping[str, str]:
    compiled = action.compiled
    given = {name: one.render(lookup, header_value) for name, one in compiled.headers}
    taken = {name.lower() for name in given}
    more = {**OURS, **({"Content-Type": compiled.content_type} if body is not None else {})}
    lines = {name: value for name, value in more.items() if name.lower() not in taken} | given
    lines["X-Request-Id"] = call.outcome_id
    if action.idempotency_header:
        lines[action.idempotency_header] = call.key()
    if any(not value.strip() for value in lines.values()):
        raise Rejected("invalid_value", "a header would be empty")
    if sum(len(name) + len(value) + 4 for name, value in lines.items()) > MAX_HEADERS:
        raise Rejected("invalid_value", f"the headers are longer than {MAX_HEADERS} characters")
    return lines


def _body(compiled: Compiled, lookup: Lookup) -> bytes | None:
    """The payload as one encoded whole: nothing is ever put into encoded text."""
    if not compiled.payload:
        return None
    values = {name: _filled(part, lookup) for name, part in compiled.payload}
    if compiled.content_type == FORM:
        body = urlencode([(name, as_text(value)) for name, value in values.items()]).encode()
    else:
        body = _json(values)
    if len(body) > MAX_BODY:
        raise Rejected("invalid_value", f"the body is larger than {MAX_BODY} bytes")
    return body


def _filled(part: Part, lookup: Lookup) -> Value:
    return part.value(lookup) if isinstance(part, Template) else part


def _json(values: Mapping[str, Value]) -> bytes:
    try:
        return orjson.dumps(values)
    except TypeError:
        raise Rejected("invalid_value", "a number in the body is larger than 64 bits") from None
