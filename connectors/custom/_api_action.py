"""A saved API action: a request that an administrator describes, checked and taken apart when it is saved."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, model_validator

from connectors.kit import Repeat, field
from connectors.kit.endpoint import Endpoint, parse_endpoint
from connectors.kit.http import FORM, JSON
from connectors.kit.template import MAX_HEADER, RESERVED, Template, as_text, is_header_text

PROVIDER = "provider."
CONTEXT = "context."
OPEN, CLOSE = RESERVED[0], RESERVED[1]
"""Around the name of a credential in an unsigned request; no user's value may hold them."""
EVENT_FIELDS = frozenset({
    "user_id", "prompt_id", "prompt_name", "variation_id", "variation_name", "activity", "event_timestamp",
    "event_id", "app_id", "outcome_id",
})
FORM_INPUTS = ("promoInput1Value", "promoInput2Value", "promoInput3Value")
FORBIDDEN = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
    "cookie", "content-encoding", "x-request-id", "webhook-id", "webhook-timestamp", "webhook-signature",
})
"""Headers that belong to the connection or to us; so do all that begin with `proxy-`."""
LARGEST = 2**63

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_URL_TEXT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*")
_HIDDEN = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff]|EF%B7%9[01])", re.IGNORECASE)
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)

Scalar = str | int | float | bool | None


class Member(BaseModel):
    """One name and its value, which may hold placeholders."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = field(
        "Name", min_length=1, max_length=256, pattern=rf"^[^{RESERVED}]+$", help="As the receiver calls it."
    )
    value: Scalar = field("Value", help="Text may hold placeholders, like %user_id%.")


def _listed(value: Any) -> Any:
    """A mapping as a list of members: the shorter way to write it."""
    return [{"name": name, "value": one} for name, one in value.items()] if isinstance(value, Mapping) else value


Members = Annotated[
    tuple[Member, ...], BeforeValidator(_listed, json_schema_input_type=dict[str, Scalar] | tuple[Member, ...])]
Part = Template | Scalar


@dataclass(frozen=True, slots=True)
class Compiled:
    """A definition, ready to be filled for each event: nothing is parsed any more."""

    endpoint: Endpoint
    path: Template
    inline_query: Template
    headers: tuple[tuple[str, Template], ...]
    query: tuple[tuple[str, Template], ...]
    payload: tuple[tuple[str, Part], ...]
    content_type: str
    names: tuple[str, ...]
    """Placeholders that an event and its user must fill."""
    credentials: frozenset[str]


class ApiAction(BaseModel):
    """One request to a server of the customer's choice, by its name in the prompt's list of actions."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = field("URL", help="Placeholders may stand in path and query, not in the host.", max_length=8192)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = field(
        "Method", default="POST", help="GET and DELETE send no payload."
    )
    headers: Members = field("Headers", default=(), max_length=64, help="Sent beside those that every request has.")
    query: Members = field("Query", default=(), max_length=200, help="Added to what the URL has already.")
    payload: Members = field("Payload", default=(), max_length=500, help="One level of names and values.")
    timeout: float = field(
        "Longest wait in seconds", default=10.0, gt=0, le=15, help="Then the try has failed, and may be repeated."
    )
    success_status: tuple[int, ...] = field("Statuses that mean success", default=(), help="Left empty: any 2xx.")
    success_member: str = field("Member of the answer that tells success", default="", help='Like "result.ok".')
    success_equals: Scalar = field(
        "Value of that member", default=True, help="Any other value, or none, is a refusal."
    )
    reference: str = field(
        "Member to keep as reference", default="", help='Like "data.id", or "header:location" for a header.'
    )
    idempotency_header: str = field(
        "Header for an idempotency key", default="", help="Like Idempotency-Key; left empty: none is sent. "
        "A 409 then means that an earlier try still runs, and is tried again."
    )
    safe_to_repeat: bool = field(
        "Safe to repeat", default=False,
        help="Whether a POST or PATCH whose answer was lost may be sent again.",
    )
    form_inputs: tuple[str, ...] = field(
        "Form inputs", default=FORM_INPUTS,
        help="Names that users fill in the prompt. No other name is taken from what a user typed.",
    )
    attributes: tuple[str, ...] = field(
        "Attributes", default=(), help="Names of the user's attributes; if given, no other placeholder is let through."
    )
    defaults: dict[str, Scalar] = field("Defaults", default={}, help="By placeholder, where a user has no value.")

    _compiled: Compiled = PrivateAttr()

    @model_validator(mode="after")
    def _compile(self) -> Self:
        self._compiled = _Compiler(self).compiled()
        return self

    @property
    def compiled(self) -> Compiled:
        """The definition, taken apart."""
        return self._compiled

    @property
    def repeat(self) -> Repeat:
        """How safe it is to send the request again after its answer was lost."""
        return Repeat.NEVER if self.method in ("POST", "PATCH") and not self.safe_to_repeat else Repeat.HARMLESS


def marker(credential: str) -> str:
    """What stands for a credential in an unsigned request."""
    return f"{OPEN}{credential}{CLOSE}"


def _canonical(name: str) -> str:
    """The one header that is looked up later on has one spelling."""
    return "Content-Type" if name.lower() == "content-type" else name


class _Compiler:
    """Checks one definition and takes it apart; raises ValueError where something cannot be sent safely."""

    def __init__(self, action: ApiAction) -> None:
        self.action = action
        self.names: dict[str, None] = {}
        self.credentials: set[str] = set()

    def compiled(self) -> Compiled:
        """The whole definition."""
        action = self.action
        endpoint = self._endpoint()
        path, _, inline = endpoint.rest.partition("?")
        if _DOTS.search(path):
            raise ValueError("url: the path holds '.' or '..'; write where it really leads")
        return Compiled(
            endpoint, self._url_part(path), self._url_part(inline), self._headers(),
            tuple((one.name, self._text(one)) for one in action.query), self._payload(), self._content_type(),
            tuple(self.names), frozenset(self.credentials),
        )

    def _endpoint(self) -> Endpoint:
        try:
            return parse_endpoint(self.action.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from None

    def _url_part(self, text: str) -> Template:
        """A part of the URL; what is not ASCII is percent-encoded, everything else must be right as it stands."""
        encoded = "".join(one if one.isascii() else quote(one) for one in text)
        template = self._parsed(encoded, "url")
        for literal in template.literals:
            if not _URL_TEXT.fullmatch(literal) or _HIDDEN.search(literal):
                raise ValueError(f"url: '{literal[:40]}' must be percent-encoded (a percent sign is %25)")
        return self._bound(template, quoted=True)

    def _headers(self) -> tuple[tuple[str, Template], ...]:
        action, seen = self.action, {self.action.idempotency_header.lower()}
        self._check_header_name(action.idempotency_header or "none")
        for one in action.headers:
            self._check_header_name(one.name)
            if one.name.lower() in seen:
                raise ValueError(f"headers: '{one.name}' stands there twice; each name has one value")
            seen.add(one.name.lower())
        return tuple((_canonical(one.name), self._header_value(one)) for one in action.headers)

    @staticmethod
    def _check_header_name(name: str) -> None:
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"headers: '{name}' is no name of a header")
        if lower in FORBIDDEN or lower.startswith("proxy-"):
            raise ValueError(f"headers: '{name}' cannot be set here: it belongs to the connection or is set by us")

    def _header_value(self, member: Member) -> Template:
        where = f"header '{member.name}'"
        template = self._parsed(as_text(member.value), where)
        text = "".join(template.literals)
        if not template.names and not text.strip():
            raise ValueError(f"{where}: is empty")
        if not is_header_text(text) or len(text) > MAX_HEADER:
            raise ValueError(f"{where}: only visible ASCII and spaces may stand there, {MAX_HEADER} at most")
        return self._bound(template)

    def _text(self, member: Member) -> Template:
        return self._bound(self._parsed(as_text(member.value), f"query '{member.name}'"))

    def _payload(self) -> tuple[tuple[str, Part], ...]:
        action = self.action
        if action.payload and action.method in ("GET", "DELETE"):
            raise ValueError(f"payload: {action.method} carries none; use the query, or another method")
        names = [one.name for one in action.payload]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"payload: '{twice}' stands there twice")
        return tuple((one.name, self._payload_value(one)) for one in action.payload)

    def _payload_value(self, member: Member) -> Part:
        where, value = f"payload '{member.name}'", member.value
        if isinstance(value, str):
            return self._bound(self._parsed(value, where))
        if isinstance(value, (int, float)) and not (math.isfinite(value) and abs(value) < LARGEST):
            raise ValueError(f"{where}: is no number that JSON readers agree on")
        return value

    def _content_type(self) -> str:
        action = self.action
        given = [as_text(one.value) for one in action.headers if one.name.lower() == "content-type"]
        kind = (given[0] if given else JSON).partition(";")[0].strip().lower()
        if action.payload and kind not in (FORM, JSON) and not kind.endswith("+json"):
            raise ValueError(f"header 'Content-Type': a payload is sent as {JSON} or {FORM}")
        return FORM if kind == FORM else JSON

    def _parsed(self, text: str, where: str) -> Template:
        try:
            template = Template.parse(text)
            for name in template.names:
                self._note(name)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        return template

    def _note(self, name: str) -> None:
        if name.startswith(PROVIDER):
            self.credentials.add(name.removeprefix(PROVIDER))
            return
        known = {*EVENT_FIELDS, *self.action.form_inputs, *self.action.attributes, *self.action.defaults}
        free = not self.action.attributes and "." not in name
        if name not in known and not free and not name.startswith(CONTEXT):
            near = get_close_matches(name, [*known, f"{PROVIDER}name", f"{CONTEXT}name"], 1)
            hint = f"did you mean '%{near[0]}%'?" if near else "add it to the attributes of the action"
            raise ValueError(f"'%{name}%' is no known placeholder: {hint}")
        self.names[name] = None

    @staticmethod
    def _bound(template: Template, *, quoted: bool = False) -> Template:
        """The template with markers where credentials belong."""
        names = (name for name in template.names if name.startswith(PROVIDER))
        markers = {name: marker(name.removeprefix(PROVIDER)) for name in names}
        return template.bound({name: quote(one, safe="") if quoted else one for name, one in markers.items()})
