"""SendGrid: mail with templates, marketing contacts and lists, scopes; a repeated call sends a second mail."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from testkit.vendors import credentials
from testkit.vendors.exchange import JSON_HEADER, Answer, Ask, Refused, answer
from testkit.vendors.vendor import DEFAULT_USER_DOMAIN, Routes, Vendor, World, is_missing, user_of

Object = dict[str, Any]
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
READS = ("templates.read", "marketing.read", "user.scopes")
SCOPES = ("mail.send", *READS, "marketing.update")
MESSAGES = {401: "authorization required", 403: "access forbidden", 404: "resource not found",
            413: "The JSON payload you have included in your request is too large.", 429: "too many requests"}
MAIL = frozenset({
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id",
    "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings",
    "tracking_settings",
})
MAX_CONTACTS = 30_000
routes: Routes[SendGrid] = Routes()


def list_id(name: str) -> str:
    """The id of the list that exists by rule under this name: `newsletter`, `winback`."""
    return str(uuid5(NAMESPACE_DNS, f"list.{name}"))


LISTS = {list_id(name): name for name in ("newsletter", "winback")}


def errors(status: int, message: str, field: str | None = None) -> Answer:
    """SendGrid's error body."""
    return answer(status, {"errors": [{"message": message, "field": field, "help": None}]})


def refuse(status: int, message: str, field: str | None = None) -> Refused:
    """The exception that ends a request with SendGrid's error body."""
    return Refused(errors(status, message, field))


class SendGrid(Vendor):
    """The emulated SendGrid account."""

    name = "sendgrid"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.mails: list[Object] = []
        self.contacts: dict[str, Object] = {}
        self.jobs: dict[str, Object] = {}
        self.suppressed: set[str] = set()
        self.lists = dict(LISTS)
        self.templates: dict[str, str] = {"d-offer": "Offer accepted", "d-winback": "We miss you"}

    def serve(self, ask: Ask) -> Answer:
        """Check the key, then find what is asked."""
        key = ask.bearer
        if key not in (credentials.SENDGRID_API_KEY, credentials.SENDGRID_READ_ONLY_KEY):
            raise refuse(401, "The provided authorization grant is invalid, expired, or revoked")
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise refuse(405 if routes.methods(ask.path) else 404, "method or resource not found")
        if key == credentials.SENDGRID_READ_ONLY_KEY and ask.method in ("POST", "PUT", "DELETE"):
            raise refuse(403, "access forbidden")
        if ask.body and ask.content_type != "application/json":
            raise refuse(415, "Content-Type should be application/json.")
        return found[0](self, ask, **found[1])

    def has_list(self, id: str) -> bool:
        """Any UUID names a list, but for those that begin with eight zeros."""
        return id in self.lists or (bool(UUID.fullmatch(id)) and not id.startswith("00000000"))

    def error(self, status: int) -> Answer:
        """SendGrid's error body for a status."""
        return errors(status, MESSAGES.get(status, "an error has occurred"))

    def inner_error(self, ask: Ask) -> Answer:
        """SendGrid has none; this one accepts without saying what it accepted."""
        return Answer(202, b"", JSON_HEADER).with_headers(("X-Emulated-For", ask.path))

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """SendGrid names the time at which its window ends, and no Retry-After."""
        return {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(self.world.now() + seconds))}

    def state(self) -> Mapping[str, Any]:
        """Mails, contacts by address, jobs, lists."""
        return copy.deepcopy({"mails": self.mails, "contacts": self.contacts, "jobs": self.jobs, "lists": self.lists,
                              "templates": self.templates, "suppressed": sorted(self.suppressed)})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`template` (id, name), `list` (id, name), `suppression` (email)."""
        if what == "template":
            self.templates[values["id"]] = values.get("name", values["id"])
        elif what == "list":
            self.lists[values["id"]] = values.get("name", values["id"])
        elif what == "suppression":
            self.suppressed.add(values["email"])
        else:
            return super().seed(what, values)
        return values.get("id") or values.get("email")

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


@routes.on("GET", "/v3/scopes")
def scopes(_vendor: SendGrid, ask: Ask) -> Answer:
    """What the key may do."""
    return answer(200, {"scopes": SCOPES if ask.bearer == credentials.SENDGRID_API_KEY else READS})


@routes.on("POST", "/v3/mail/send")
def send(vendor: SendGrid, ask: Ask) -> Answer:
    """Take a mail; 202 says that it was taken, not that it arrived."""
    mail = ask.json
    if not isinstance(mail, dict):
        raise refuse(400, "Bad Request")
    recipients = _check_mail(vendor, mail)
    settings = mail.get("mail_settings") or {}
    if (settings.get("sandbox_mode") or {}).get("enable") is True:
        return Answer(200)
    id = f"emulated{vendor.world.number():014d}"
    vendor.mails.append({"id": id, **mail})
    for address, custom in recipients:
        vendor.note("mail.sent", user_of(address) or address, mark=_mark(custom), message=id, to=address,
                    template=mail.get("template_id", ""))
    return Answer(202, b"", (("X-Message-Id", id),))


def _mark(custom: Mapping[str, Any]) -> str:
    return next((str(value) for name, value in custom.items() if name.endswith(("execution_id", "event_id"))), "")


def _check_mail(vendor: SendGrid, mail: Object) -> list[tuple[str, Mapping[str, Any]]]:
    for name in mail:
        if name not in MAIL:
            raise refuse(400, f"Additional property {name} is not allowed", name)
    sender = mail.get("from")
    if not isinstance(sender, dict) or not ADDRESS.fullmatch(str(sender.get("email", ""))):
        raise refuse(400, "The from object must be provided for every email send. It is an object that requires the "
                          "email parameter, but may also contain a name parameter.", "from.email")
    if not sender["email"].endswith(DEFAULT_USER_DOMAIN):
        raise refuse(403, "The from address does not match a verified Sender Identity. Mail cannot be sent until this "
                          "error is resolved.", "from")
    _check_content(vendor, mail)
    return _recipients(mail)


def _check_content(vendor: SendGrid, mail: Object) -> None:
    template = mail.get("template_id")
    if not template and not (mail.get("subject") and mail.get("content")):
        raise refuse(400, "The subject and content, or a template_id, are required.", "template_id")
    known = template in vendor.templates or (str(template).startswith("d-") and not is_missing(str(template)[2:]))
    if template and not known:
        raise refuse(400, "The template_id must be a valid GUID or dynamic template id.", "template_id")
    group = (mail.get("asm") or {}).get("group_id")
    if "asm" in mail and not isinstance(group, int):
        raise refuse(400, "The asm group_id must be a number.", "asm.group_id")


def _recipients(mail: Object) -> list[tuple[str, Mapping[str, Any]]]:
    people = mail.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        raise refuse(400, "The personalizations field is required and must have at least one personalization.",
                     "personalizations")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for place, one in enumerate(people):
        custom = _custom(one, place)
        for number, to in enumerate(one.get("to") or [{}]):
            if not ADDRESS.fullmatch(str(to.get("email", ""))):
                raise refuse(400, "Does not contain a valid address.", f"personalizations.{place}.to.{number}.email")
            found.append((str(to["email"]), custom))
    return found


def _custom(personalization: Object, place: int) -> Mapping[str, Any]:
    custom = personalization.get("custom_args") or {}
    if any(not isinstance(value, str) for value in custom.values()):
        raise refuse(400, "The custom_args values must be strings.", f"personalizations.{place}.custom_args")
    return dict(custom)


@routes.on("GET", "/v3/templates")
def templates(vendor: SendGrid, ask: Ask) -> Answer:
    """Dynamic templates, each with its active version."""
    if not ask.value("page_size").isdigit():
        raise refuse(400, "page_size is required", "page_size")
    found = [{"id": id, "name": name, "generation": "dynamic", "updated_at": "2026-01-01 00:00:00",
              "versions": [{"id": f"v-{id}", "template_id": id, "active": 1, "name": "v1", "subject": name}]}
             for id, name in vendor.templates.items()]
    wanted = found if "dynamic" in ask.value("generations", "legacy") else []
    return answer(200, {"result": wanted, "_metadata": {"self": f"{ask.base_url}{ask.path}", "count": len(wanted)}})


@routes.on("GET", "/v3/marketing/lists")
def lists(vendor: SendGrid, ask: Ask) -> Answer:
    """Marketing lists."""
    found = [{"id": id, "name": name, "contact_count": sum(id in one["list_ids"] for one in vendor.contacts.values())}
             for id, name in vendor.lists.items()]
    return answer(200, {"result": found, "_metadata": {"self": f"{ask.base_url}{ask.path}", "count": len(found)}})


@routes.on("GET", "/v3/asm/groups")
def groups(_vendor: SendGrid, _ask: Ask) -> Answer:
    """Unsubscribe groups."""
    return answer(200, [{"id": 101, "name": "Offers", "description": "Offers", "is_default": True}])


@routes.on("GET", "/v3/marketing/field_definitions")
def fields(_vendor: SendGrid, _ask: Ask) -> Answer:
    """Custom fields of contacts."""
    return answer(200, {"custom_fields": [{"id": "w1", "name": "plan", "field_type": "Text"}], "reserved_fields": []})


@routes.on("GET", "/v3/asm/suppressions/global/{email}")
def suppression(vendor: SendGrid, _ask: Ask, email: str) -> Answer:
    """Whether an address has unsubscribed from everything."""
    return answer(200, {"recipient_email": email} if email in vendor.suppressed else {})


@routes.on("PUT", "/v3/marketing/contacts")
def upsert(vendor: SendGrid, ask: Ask) -> Answer:
    """Add or change contacts; one bad address refuses them all."""
    given = ask.json
    people = given.get("contacts") if isinstance(given, dict) else None
    if not isinstance(people, list) or not 1 <= len(people) <= MAX_CONTACTS:
        raise refuse(400, "contacts is required and holds 1 to 30000 contacts", "contacts")
    wanted = given.get("list_ids") or []
    for id in wanted:
        if not vendor.has_list(str(id)):
            raise refuse(404, f"list_ids: list '{id}' does not exist", "list_ids")
    for place, one in enumerate(people):
        if not ADDRESS.fullmatch(str(one.get("email", ""))):
            raise refuse(400, f"email '{one.get('email', '')}' is not valid", f"contacts[{place}].email")
    created = sum(_upsert(vendor, one, wanted) for one in people)
    return answer(202, {"job_id": _job(vendor, len(people), created)})


def _upsert(vendor: SendGrid, given: Object, wanted: list[str]) -> bool:
    """Whether the contact is new."""
    email = str(given["email"]).lower()
    new = email not in vendor.contacts
    held = vendor.contacts.setdefault(email, {"id": str(uuid5(NAMESPACE_DNS, email)), "email": email, "list_ids": []})
    held.update({name: value for name, value in given.items() if name != "email"})
    added = [id for id in wanted if id not in held["list_ids"]]
    held["list_ids"] += added
    for id in added:
        vendor.note("contact.added_to_list", user_of(email) or email, list=id, contact=held["id"])
    return new


def _job(vendor: SendGrid, requested: int, created: int) -> str:
    id = str(uuid5(NAMESPACE_DNS, f"job.{vendor.world.number()}"))
    vendor.jobs[id] = {"id": id, "status": "completed", "job_type": "upsert", "results": {
        "requested_count": requested, "created_count": created, "updated_count": requested - created,
        "errored_count": 0, "errors_url": ""}}
    return id


@routes.on("GET", "/v3/marketing/contacts/imports/{id}")
def job(vendor: SendGrid, _ask: Ask, id: str) -> Answer:
    """How an upsert went."""
    if id not in vendor.jobs:
        raise refuse(404, "job not found")
    return answer(200, vendor.jobs[id])


@routes.on("POST", "/v3/marketing/contacts/search/emails")
def by_email(vendor: SendGrid, ask: Ask) -> Answer:
    """Contacts by address; 404 where none of them is known."""
    wanted = ask.json.get("emails", []) if isinstance(ask.json, dict) else []
    found = {one: {"contact": vendor.contacts[one.lower()]} for one in wanted if one.lower() in vendor.contacts}
    if not found:
        raise refuse(404, "no contacts found")
    return answer(200, {"result": found})
