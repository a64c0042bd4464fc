"""Freshdesk: tickets and contacts of a help desk. API v2, https://developers.freshdesk.com/api/."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from html import escape
from typing import Any

from connectors.crm_marketing import _freshdesk_answers as answers
from connectors.crm_marketing._freshdesk_answers import Row
from connectors.crm_marketing._freshdesk_forms import (
    CreateTicket,
    FreshdeskSettings,
    SetGroup,
    SetPriority,
    SetResponder,
    SetSource,
    SetStatus,
)
from connectors.crm_marketing._freshdesk_lookups import (
    contact,
    earlier_ticket,
    is_deleted,
    listed,
    mark_of,
    tickets_of,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    Option,
    OptionsFlow,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    any_of,
    delete,
    get,
    post,
    put,
    segment,
    sign_with,
)
from connectors.kit.auth import basic
from connectors.kit.person import full_name
from connectors.kit.story import prompt_label, said, story

CHUNK = 100
"""Most tickets that one bulk request changes; the vendor names no number."""
POLLS = (2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait before each question after a job; a job that takes longer is accepted, not confirmed."""
SPAM_PATH = "/api/v2/tickets/{}/spam"
"""Undocumented, and off unless the settings say otherwise."""
PORTAL = 2
"""The source of the tickets that are made here."""
TEXT = 60_000
"""Characters of a description."""
USER = any_of("freshdesk_id", "email_address")
EVERY = "Every ticket that the contact requested, but deleted, spam and archived ones."


def signer(settings: FreshdeskSettings) -> Sign:
    """Basic, with the key as the user and any password."""
    credentials = basic(settings.api_key.get_secret_value(), "X")
    return sign_with(settings.address, {"Authorization": credentials, "Accept": "application/json"})


def check(settings: FreshdeskSettings) -> CheckFlow:
    """See whose key it is."""
    answer = yield get("/api/v2/agents/me", step="me")
    return Account(f"{settings.host} (as {answer.member('contact', 'name') or 'agent'})")


def agents(_settings: FreshdeskSettings) -> OptionsFlow:
    """People who can be given tickets, by their id as agents."""
    rows = yield from listed("/api/v2/agents", {}, "agents")
    people = [(str(one["id"]), one.get("contact") or {}) for one in rows]
    return [Option(number, f"{person.get('name')} ({person.get('email')})") for number, person in people]


def groups(_settings: FreshdeskSettings) -> OptionsFlow:
    """Groups that can be given tickets."""
    rows = yield from listed("/api/v2/groups", {}, "groups")
    return [Option(str(one["id"]), str(one.get("name"))) for one in rows]


def statuses(_settings: FreshdeskSettings) -> OptionsFlow:
    """Statuses of the account, its own ones too."""
    answer = yield get("/api/v2/ticket_fields", step="fields")
    fields = answer.json if isinstance(answer.json, list) else []
    choices = next((one.get("choices") for one in fields if one.get("type") == "default_status"), None) or {}
    return [Option(str(value), str(name[0] if isinstance(name, list) else name)) for value, name in choices.items()]


connector = Connector(
    id="freshdesk", title="Freshdesk", category="crm_marketing", settings=FreshdeskSettings, signer=signer,
    read=answers.read, check=check, options={"agents": agents, "groups": groups, "statuses": statuses},
    help="Creates support tickets; sets priority, status, agent, group and source of the user's tickets; deletes and"
         " restores contacts.",
    docs="https://developers.freshdesk.com/api/", api_version="v2", request_id_header="x-request-id",
    # Per minute and plan: 200 (Growth), 400 (Pro), 700 (Enterprise), 50 (trial); making and changing tickets less.
    limits=Limits(rate=700 / 60, concurrency=10),
    confidence="Not tried against a live account. Not documented: how many tickets a bulk call takes, the names of a"
               " job's states and its list of refused tickets, whether a source can be set on every ticket, and any"
               " call that marks tickets as spam.",
)


# -- one ticket


@connector.action(
    "create_ticket", "Create a support ticket about the offer acceptance", params=CreateTicket,
    repeat=Repeat.LOOK_BEFORE,
    help="Creates one ticket that tells what the user did. Freshdesk mails the requester if the account's"
         " notifications for new tickets say so. Freshdesk knows no idempotency keys: before a ticket is made, those of"
         " the requester are searched for one with this outcome's tag or reference.",
)
def create_ticket(call: Call[FreshdeskSettings, CreateTicket]) -> Flow:
    """Create a ticket, unless an earlier try has."""
    earlier = yield from earlier_ticket(call)
    if earlier:
        return Done(earlier)
    answer = yield post("/api/v2/tickets", json=_ticket(call), step="create_ticket")
    return Done(str(answer.member("id")))


def _ticket(call: Call[Any, CreateTicket]) -> Row:
    event, want = call.event, call.params
    lines = [f"Reference: {call.outcome_id}", *story(call)]
    ticket: Row = {
        **_requester(call),
        "subject": want.subject or f"Offer {said(event)}: {prompt_label(event)}",
        "description": "<br>".join(escape(line) for line in "\n".join(lines)[:TEXT].split("\n")),
        "priority": want.priority, "status": want.status, "source": PORTAL, "group_id": want.group_id,
        "type": want.type or None, "tags": ["engage", mark_of(call), *want.tags],
    }
    return {name: value for name, value in ticket.items() if value is not None}


def _requester(call: Call[Any, Any]) -> Row:
    """Whose ticket it is: a known contact, else one that Freshdesk makes from the address or from our user id."""
    known, email = call.attribute("freshdesk_id"), call.attribute("email_address")
    if known:
        return {"requester_id": int(known) if known.isdecimal() else known}
    name = full_name(call) or call.event.user_id
    return {"email": email, "name": name} if email else {"unique_external_id": call.event.user_id, "name": name}


# -- all tickets of a contact


def _update(call: Call[Any, Any], change: Mapping[str, Any], **more: Any) -> Flow:
    """Set what differs; tickets that are so already are left alone."""
    found = yield from tickets_of(call)
    ids = [one["id"] for one in found if any(one.get(name) != value for name, value in change.items())]
    properties = {**change, **more}
    return (yield from _in_chunks(ids, lambda some: post(
        "/api/v2/tickets/bulk_update", step="update_tickets",
        json={"bulk_action": {"ids": some, "properties": properties}})))


def _in_chunks(ids: list[Any], request: Callable[[list[Any]], Request]) -> Flow:
    """One job for every hundred tickets, each waited for before the next one starts."""
    jobs: list[Row] = []
    for start in range(0, len(ids), CHUNK):
        answer = yield request(ids[start:start + CHUNK])
        jobs.append((yield from _finished(str(answer.member("job_id") or ""))))
    answers.check_jobs(jobs, len(ids))
    if not jobs:
        return Done(note="already_done", detail={"tickets": "0"})
    confirmed = all(answers.is_confirmed(job) for job in jobs)
    reference = ",".join(str(job["job_id"]) for job in jobs)
    return Done(reference, "" if confirmed else "accepted", {"tickets": str(len(ids))})


def _finished(id: str) -> Generator[Request, Response, Row]:
    job: Row = {}
    for wait in POLLS if id else ():
        answer = yield get(f"/api/v2/jobs/{segment(id)}", step="job", wait=wait)
        job = answer.json if isinstance(answer.json, dict) else {}
        if not answers.is_pending(job):
            break
    return {**job, "job_id": id}


@connector.action(
    "set_tickets_priority", "Update the priority of existing tickets", params=SetPriority, requires=USER,
    repeat=Repeat.HARMLESS, help=EVERY,
)
def set_tickets_priority(call: Call[FreshdeskSettings, SetPriority]) -> Flow:
    """Set priority on all tickets of the contact."""
    return (yield from _update(call, {"priority": call.params.priority}))


@connector.action(
    "set_tickets_status", "Update the status of existing tickets", params=SetStatus, requires=USER,
    repeat=Repeat.HARMLESS, help=f"{EVERY} Closed ones can be opened again.",
)
def set_tickets_status(call: Call[FreshdeskSettings, SetStatus]) -> Flow:
    """Set the status on all tickets of the contact."""
    skip = call.params.skip_close_notification
    more = {} if skip is None else {"skip_close_notification": skip}
    return (yield from _update(call, {"status": call.params.status}, **more))


@connector.action(
    "set_tickets_responder", "Update the responder of existing tickets", params=SetResponder, requires=USER,
    repeat=Repeat.HARMLESS, help=EVERY,
)
def set_tickets_responder(call: Call[FreshdeskSettings, SetResponder]) -> Flow:
    """Give all tickets of the contact to one agent."""
    return (yield from _update(call, {"responder_id": call.params.responder_id}))


@connector.action(
    "set_tickets_group", "Update the group of existing tickets", params=SetGroup, requires=USER,
    repeat=Repeat.HARMLESS, help=EVERY,
)
def set_tickets_group(call: Call[FreshdeskSettings, SetGroup]) -> Flow:
    """Give all tickets of the contact to one group."""
    return (yield from _update(call, {"group_id": call.params.group_id}))


@connector.action(
    "set_tickets_source", "Update the source of existing tickets", params=SetSource, requires=USER,
    repeat=Repeat.HARMLESS, help=EVERY,
)
def set_tickets_source(call: Call[FreshdeskSettings, SetSource]) -> Flow:
    """Set the source on all tickets of the contact."""
    return (yield from _update(call, {"source": call.params.source}))


# -- the contact


@connector.action(
    "delete_contact", "Soft delete a contact", requires=USER, repeat=Repeat.HARMLESS,
    help="The contact moves to the deleted ones, from where it can be restored; its tickets stay.",
)
def delete_contact(call: Call[FreshdeskSettings, Any]) -> Flow:
    """Delete the contact, softly."""
    found = yield from contact(call, deleted_first=False)
    if found.deleted:
        return Done(found.id, "already_done")
    answer = yield delete(f"/api/v2/contacts/{segment(found.id)}", step="delete_contact", look_at=[404, 405])
    if answer.ok:
        return Done(found.id)
    if (yield from is_deleted(found.id, answer)):
        return Done(found.id, "already_done")
    raise answers.refused(answer, "contact_not_deletable", "Freshdesk does not delete this contact; it may be spam")


@connector.action(
    "restore_contact", "Restore a contact", requires=USER, repeat=Repeat.HARMLESS,
    help="A softly deleted contact is live again.",
)
def restore_contact(call: Call[FreshdeskSettings, Any]) -> Flow:
    """Take the contact back from the deleted ones."""
    found = yield from contact(call, deleted_first=True)
    if found.deleted is False:
        return Done(found.id, "already_done")
    answer = yield put(f"/api/v2/contacts/{segment(found.id)}/restore", step="restore_contact", look_at=[404, 405],
                       content_type="application/json")
    if answer.ok:
        return Done(found.id)
    if not (yield from is_deleted(found.id, answer)):
        return Done(found.id, "already_done")
    raise answers.refused(answer, "contact_not_restorable", "Freshdesk does not restore this deleted contact")


@connector.action(
    "delete_tickets", "Delete all tickets", requires=USER, repeat=Repeat.HARMLESS,
    help=f"{EVERY} They lie in the trash for about 30 days; the API cannot delete them for good.",
)
def delete_tickets(call: Call[FreshdeskSettings, Any]) -> Flow:
    """Move all tickets of the contact to the trash."""
    ids = [one["id"] for one in (yield from tickets_of(call))]
    try:
        return (yield from _in_chunks(ids, lambda some: post(
            "/api/v2/tickets/bulk_delete", step="delete_tickets", json={"bulk_action": {"ids": some}})))
    except Rejected as refusal:
        # What is refused since it is gone, as when an answer was lost and it is asked again, is done.
        if refusal.code != answers.REFUSED or any(one["id"] in ids for one in (yield from tickets_of(call))):
            raise
        return Done(note="already_done", detail={"tickets": str(len(ids))})


@connector.action(
    "spam_tickets", "Mark all existing tickets as spam", requires=USER, repeat=Repeat.HARMLESS,
    help="Not supported by Freshdesk's public API: fails unless the settings allow the undocumented call. 'Delete all"
         " tickets' and 'Soft delete a contact' are the documented way.",
)
def spam_tickets(call: Call[FreshdeskSettings, Any]) -> Flow:
    """Mark the contact's tickets as spam, one by one, where the account takes the undocumented call."""
    if not call.settings.allow_spam_endpoint:
        raise _unsupported(None)
    found = yield from tickets_of(call)
    for one in found:
        answer = yield put(SPAM_PATH.format(segment(one["id"])), step="spam_ticket", look_at=[404, 405],
                           content_type="application/json")
        if not answer.ok:
            raise _unsupported(answer)
    count = str(len(found))
    return Done(count, "" if found else "already_done", {"tickets": count})


def _unsupported(answer: Response | None) -> Rejected:
    message = "Freshdesk's public API marks no tickets as spam; use 'Delete all tickets' and 'Soft delete a contact'"
    return answers.refused(answer, "unsupported_by_vendor", message) if answer else Rejected(
        "unsupported_by_vendor", message)
