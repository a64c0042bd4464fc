"""SendGrid: mails from dynamic templates and marketing lists, Web API v3.

Reference: https://www.twilio.com/docs/sendgrid/api-reference
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Annotated, Any, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr, StringConstraints, model_validator

from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Failure,
    Flow,
    FormInput,
    Misconfigured,
    Option,
    OptionsFlow,
    Params,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    all_of,
    any_of,
    failure,
    field,
    get,
    post,
    put,
    sign_with,
)
from connectors.kit.auth import bearer, starts_with
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.person import EMAIL, full_name, is_address, known_or_typed_address, typed_address
from connectors.kit.reading import seconds_until

GLOBAL = "https://api.sendgrid.com"
EUROPE = "https://api.eu.sendgrid.com"
HOSTS = ("api.sendgrid.com", "api.eu.sendgrid.com")
MARKETING = "marketing"
"""Realm of the list API, which only the global host serves."""
MAX_PAGES = 50
"""Pages of a pick list; so that a page that names itself as the next one ends somewhere."""

Category = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class SendGridSettings(Settings):
    """An API key and the sender of all mails."""

    api_key: SecretStr = field(
        "API key",
        help="starts with SG.; needs the scopes mail.send, templates.read, marketing.read, marketing.update",
    )
    from_email: str = field("From address", help="a verified sender, or an address in an authenticated domain")
    from_name: str = field("From name", default="", help="shown beside the address; empty for none")
    base_url: str = field(
        "API host", default=GLOBAL,
        help=f"{GLOBAL}, or {EUROPE} for mails of EU regional subusers; lists always live on the global host",
    )
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong = {"base_url": host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)}
        if not starts_with(self.api_key, "SG."):
            wrong["api_key"] = "is no API key of SendGrid, which begins with SG. (Settings > API Keys)"
        if not is_address(self.from_email):
            wrong["from_email"] = "is no e-mail address; write name@domain"
        refuse({name: why for name, why in wrong.items() if why})
        return self


def _signer(settings: SendGridSettings) -> Sign:
    headers = {"Authorization": bearer(settings.api_key), "Accept": "application/json"}
    base = settings.base_url.rstrip("/")
    mail = sign_with(base, headers)
    marketing = sign_with(GLOBAL if base.lower() == EUROPE else base, headers)

    def sign(request: Request, context: SignContext) -> Signed:
        """Add the host that serves this part of the API, and the key."""
        return marketing(request, context) if request.realm == MARKETING else mail(request, context)

    return sign


def _read(_request: Request, response: Response) -> Failure | None:
    """Statuses mean what they say; a rate limit names the second at which it ends."""
    if response.ok:
        return None
    message = "; ".join(_said(one) for one in _errors(response)) or response.text[:200]
    wait = seconds_until(response, "x-ratelimit-reset") if response.status == 429 else None
    reference = response.member("errors", 0, "error_id")
    return failure(
        response, _code(response.status, message.lower()), message, wait=wait,
        request_id=reference if isinstance(reference, str) else "",
    )


def _errors(response: Response) -> Sequence[dict[str, Any]]:
    found = response.member("errors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _said(error: dict[str, Any]) -> str:
    """One error as "field: message"; SendGrid writes an absent field as null or as the word."""
    name, message = error.get("field"), error.get("message") or ""
    return f"{name}: {message}" if name and name != "null" else str(message)


def _code(status: int, message: str) -> str:
    """A short code for what SendGrid tells apart by its message only; "" for the status itself."""
    if status == 401 and "credits exceeded" in message:
        return "credits_exceeded"
    if status in (400, 404) and "list_ids" in message:
        return "unknown_list"
    if status == 400 and "email" in message and "not valid" in message:
        return "invalid_address"
    return ""


def _check(_settings: SendGridSettings) -> CheckFlow:
    """Ask what the key may do, and say so if it may not send."""
    answer = yield get("/v3/scopes", step="scopes")
    scopes = answer.member("scopes")
    if not isinstance(scopes, list) or "mail.send" not in scopes:
        raise Misconfigured("missing_scope", "the key lacks the scope mail.send; add it in SendGrid under API Keys")
    return Account(mode="live")


def _pages(path: str, realm: str = "", **query: str | int) -> Generator[Request, Response, list[dict[str, Any]]]:
    """All results of a paged list; the next page's token is taken from its link, never the link itself."""
    found: list[dict[str, Any]] = []
    token = None
    for _page in range(MAX_PAGES):
        answer = yield get(path, query={**query, "page_token": token}, realm=realm, step="options")
        found.extend(answer.member("result") or [])
        token = _next_token(answer.member("_metadata", "next"))
        if token is None:
            break
    return found


def _next_token(link: Any) -> str | None:
    return parse_qs(urlsplit(link).query).get("page_token", [None])[0] if isinstance(link, str) else None


def _templates(_settings: SendGridSettings) -> OptionsFlow:
    """Dynamic templates that can be sent: those with an active version."""
    found = yield from _pages("/v3/templates", generations="dynamic", page_size=200)
    return [
        Option(one["id"], one["name"]) for one in found
        if any(version.get("active") == 1 for version in one.get("versions") or ())
    ]


def _lists(_settings: SendGridSettings) -> OptionsFlow:
    """Marketing lists."""
    found = yield from _pages("/v3/marketing/lists", MARKETING, page_size=1000)
    return [Option(one["id"], one["name"]) for one in found]


def _unsubscribe_groups(_settings: SendGridSettings) -> OptionsFlow:
    """Unsubscribe groups."""
    answer = yield get("/v3/asm/groups", step="options")
    return [Option(str(one["id"]), one["name"]) for one in answer.json or ()]


def _contact_fields(_settings: SendGridSettings) -> OptionsFlow:
    """Fields of a contact that can be filled: the account's own by id, SendGrid's by name."""
    answer = yield get("/v3/marketing/field_definitions", realm=MARKETING, step="options")
    own = [Option(one["id"], one["name"]) for one in answer.member("custom_fields") or ()]
    theirs = {one["name"] for one in answer.member("reserved_fields") or () if not one.get("read_only")}
    return own + [Option(name, name) for name in RESERVED if name in theirs]


connector = Connector(
    id="sendgrid", title="SendGrid", category="crm_marketing", settings=SendGridSettings, signer=_signer, read=_read,
    check=_check, docs="https://www.twilio.com/docs/sendgrid/api-reference", api_version="v3",
    help="Sends mails from dynamic templates and adds contacts to marketing lists.",
    options={
        "templates": _templates, "lists": _lists, "unsubscribe_groups": _unsubscribe_groups,
        "contact_fields": _contact_fields,
    },
    confidence="SendGrid publishes no rate limits (they adapt to its answers); the names of the marketing scopes and "
               "the header X-Message-Id are not in its specification.",
)


class TemplateMail(Params):
    """A mail from a dynamic template."""

    template_id: str = field("Template", options="templates", pattern=r"^d-[A-Za-z0-9_-]+$",
                             help="the id of a dynamic template, which starts with d-")
    asm_group_id: int | None = field("Unsubscribe group", default=None, options="unsubscribe_groups", ge=1,
                                     help="what the link to unsubscribe takes the user off")
    data_map: dict[str, str] = field(
        "Traits to template variables", default={}, help="each variable of the template, and the attribute it shows"
    )


class CategorisedMail(TemplateMail):
    """A mail from a dynamic template, counted in categories."""

    categories: list[Category] = field("Categories", default=[], max_length=10,
                                       help="up to 10, for SendGrid's statistics")


class ListMembership(Params):
    """A contact on a list."""

    list_id: str = field("List", options="lists", min_length=1, help="the list that the user is put on")
    field_map: dict[str, str] = field(
        "Traits to contact fields", default={}, options="contact_fields",
        help="each contact field (a custom field by its id, such as w1) and the attribute it holds",
    )


RESERVED = ("first_name", "last_name", "address_line_1", "address_line_2", "city", "state_province_region",
            "postal_code", "country")
"""Fields that stand on the contact itself; all others are custom fields."""


@connector.action(
    "send_template_email", "Send a dynamic template email", params=CategorisedMail,
    requires=any_of(EMAIL, "form.email"), form_inputs=[FormInput("email", "E-mail address", required=False)],
    repeat=Repeat.NEVER, help="To the user's stored address; to the typed one only where none is stored.",
)
def send_template_email(call: Call[SendGridSettings, CategorisedMail]) -> Flow:
    """One mail from a dynamic template to the user's stored address."""
    return (yield from _send(call, known_or_typed_address(call), call.params.categories))


@connector.action(
    "send_template_email_to_input", "Send a dynamic template email to a typed address", params=TemplateMail,
    form_inputs=[FormInput("email", "E-mail address")], repeat=Repeat.NEVER,
    help="To whatever address was typed into the prompt: limit the prompt to one answer a user.",
)
def send_template_email_to_input(call: Call[SendGridSettings, TemplateMail]) -> Flow:
    """One mail from a dynamic template to the address that the user typed into the prompt."""
    return (yield from _send(call, typed_address(call), ()))


def _send(call: Call[SendGridSettings, Any], address: str, categories: Sequence[str]) -> Flow:
    answer = yield post("/v3/mail/send", json=_mail(call, address, categories), step="send")
    return Done(reference=answer.headers.get("x-message-id", ""), note="accepted")


def _mail(call: Call[SendGridSettings, Any], address: str, categories: Sequence[str]) -> dict[str, Any]:
    """The request's body; members without a value are left out, as SendGrid refuses empty ones."""
    params, settings = call.params, call.settings
    name = full_name(call) if address == call.attribute(EMAIL) else ""
    envelope = _filled(
        to=[_filled(email=address, name=name)],
        dynamic_template_data=call.mapped(params.data_map),
        custom_args={"engage_execution_id": call.outcome_id},
    )
    return _filled(
        personalizations=[envelope],
        **{"from": _filled(email=settings.from_email, name=settings.from_name)},
        template_id=params.template_id, categories=list(categories),
        asm=_filled(group_id=params.asm_group_id),
    )


@connector.action(
    "add_to_list", "Add the user to a list", params=ListMembership, requires=all_of(EMAIL), repeat=Repeat.HARMLESS,
    help="Makes or updates the contact. A contact that has further identifiers than its address is refused later, "
         "in SendGrid's own import report.",
)
def add_to_list(call: Call[SendGridSettings, ListMembership]) -> Flow:
    """The contact exists and is on the marketing list."""
    body = {"list_ids": [call.params.list_id], "contacts": [_contact(call)]}
    answer = yield put("/v3/marketing/contacts", json=body, realm=MARKETING, step="upsert")
    return Done(reference=str(answer.member("job_id") or ""), note="accepted")


def _contact(call: Call[SendGridSettings, ListMembership]) -> dict[str, Any]:
    """The user as a contact; first and last name go along unless the binding says otherwise."""
    names = {"first_name": "first_name", "last_name": "last_name", **call.params.field_map}
    values = call.mapped(names)
    own = {name: str(value) for name, value in values.items() if name in RESERVED}
    custom = {name: _plain(value) for name, value in values.items() if name not in RESERVED}
    return _filled(email=call.attribute(EMAIL), **own, custom_fields=custom)


def _plain(value: Any) -> Any:
    """A custom field holds a text, a number or a date: lists and truth values become text."""
    if isinstance(value, list):
        return ", ".join(value)
    return str(value).lower() if isinstance(value, bool) else value


def _filled(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None, [], {})}
