"""Zendesk Support: tickets and users. API v2, https://developer.zendesk.com/api-reference/ticketing/introduction/."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from connectors.crm_marketing import _zendesk_answers as answers
from connectors.crm_marketing._zendesk_answers import Row
from connectors.crm_marketing._zendesk_forms import (
    AssignAgent,
    AssignGroup,
    CreateTicket,
    SetPriority,
    SetSource,
    SetStatus,
    ZendeskSettings,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    Limits,
    Misconfigured,
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
"""Most tickets that one request may change."""
PAGES = 50
"""Most pages of a list that are read."""
POLLS = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds to wait before each question after a job; a job that takes longer is accepted, not confirmed."""
TEXT = 60_000
"""Characters of a comment; Zendesk takes 65,535 bytes of most texts."""
FRESH = 3600.0
"""Seconds for which an idempotency key is surely kept; two hours are said, by a secondary source."""
USER = any_of("zendesk_id", "email_address")

Rows = Generator[Request, Response, list[Row]]


def signer(settings: ZendeskSettings) -> Sign:
    """Basic, with the literal /token behind the user name."""
    credentials = basic(f"{settings.username}/token", settings.api_key)
    return sign_with(settings.address, {"Authorization": credentials, "Accept": "application/json"})


def check(settings: ZendeskSettings) -> CheckFlow:
    """See who the token belongs to; wrong credentials make an anonymous user without an id."""
    answer = yield get("/api/v2/users/me", step="me")
    role = answer.member("user", "role")
    if answer.member("user", "id") is None:
        raise Misconfigured("bad_credentials", "Zendesk does not know this username and API token")
    if role not in ("agent", "admin"):
        raise Misconfigured("no_agent", f"{settings.username} is no agent or admin in Zendesk, but '{role}'")
    return Account(f"{settings.host} (as {role})")


def agents(_settings: ZendeskSettings) -> OptionsFlow:
    """People who can be given tickets."""
    rows = yield from _listed("/api/v2/users", {"role[]": ["agent", "admin"]}, "users", "agents")
    return [Option(str(row["id"]), f"{row.get('name')} ({row.get('email')})") for row in rows]


def groups(_settings: ZendeskSettings) -> OptionsFlow:
    """Groups that can be given tickets."""
    rows = yield from _listed("/api/v2/groups/assignable", {}, "groups", "groups")
    return [Option(str(row["id"]), str(row.get("name"))) for row in rows]


connector = Connector(
    id="zendesk", title="Zendesk", category="crm_marketing", settings=ZendeskSettings, signer=signer,
    read=answers.read, check=check, options={"agents": agents, "groups": groups},
    help="Creates support tickets; sets priority, status, agent and group of the user's tickets; suspends users.",
    docs="https://developer.zendesk.com/api-reference/", api_version="v2", request_id_header="x-request-id",
    # Per minute and plan: 200 (Team), 400 (Growth, Professional), 700 (Enterprise), 2500 (Enterprise Plus).
    limits=Limits(rate=2500 / 60, concurrency=20),
    doubt="Also where Zendesk saw the idempotency key with other contents.",
    confidence="Not tried against a live account. Unverified: how long idempotency keys are kept, whether tags are"
               " added in bulk, whether closed tickets can be deleted on every plan.",
)


def _listed(path: str, query: Mapping[str, Any], member: str, step: str) -> Rows:
    """All entries of a list, by cursor; the vendor's own link is not followed, since credentials would go with it."""
    rows: list[Row] = []
    after: Row = {}
    for _ in range(PAGES):
        answer = yield get(path, query={**query, "page[size]": 100, **after}, step=step)
        rows += answer.member(member) or []
        cursor = answer.member("meta", "after_cursor")
        if answer.member("meta", "has_more") is not True or not cursor:
            return rows
        after = {"page[after]": cursor}
    raise Rejected("list_too_long", f"more than {PAGES * 100} entries in {path}; nothing was changed")


def _find_user(call: Call[Any, Any]) -> Generator[Request, Response, str]:
    """The synced user, else the one with exactly the user's e-mail address."""
    known = call.attribute("zendesk_id")
    if known:
        return known
    email = call.first("email_address")
    words = email.replace('"', "")
    for page in range(1, PAGES + 1):
        more = {"page": page} if page > 1 else {}
        answer = yield get("/api/v2/users/search", query={"query": f'email:"{words}"', **more}, step="search_user")
        for one in answer.member("users") or []:
            if str(one.get("email") or "").lower() == email.lower():
                return str(one["id"])
        if not answer.member("next_page"):
            break
    raise Rejected("user_not_found", "no Zendesk user has the user's e-mail address; new ones are found minutes later")


def _tickets(call: Call[Any, Any], *, closed: bool) -> Generator[Request, Response, list[str]]:
    """Ids of the tickets that the user requested; closed ones cannot be changed any more."""
    user = yield from _find_user(call)
    path = f"/api/v2/users/{segment(user)}/tickets/requested"
    rows = yield from _listed(path, {}, "tickets", "tickets")
    return [str(row["id"]) for row in rows if closed or row.get("status") != "closed"]


def _for_chunks(tickets: Sequence[str], request: Any) -> Flow:
    """One job for every hundred tickets, each waited for before the next one starts."""
    jobs: list[Row] = []
    for start in range(0, len(tickets), CHUNK):
        answer = yield request(",".join(tickets[start:start + CHUNK]))
        if answer.status == 403:
            raise answers.not_allowed(answer)
        jobs.append((yield from _finished(answer.member("job_status") or {})))
    answers.check_jobs(jobs, len(tickets))
    pending = any(answers.is_pending(job) for job in jobs)
    reference = ",".join(str(job.get("id")) for job in jobs)
    return Done(reference, "accepted" if pending else "", {"tickets": str(len(tickets))})


def _remove(call: Call[Any, Any], request: Any, *, closed: bool) -> Flow:
    """Remove tickets; what is refused since it is gone, as when an answer was lost and it is asked again, is done."""
    tickets = yield from _tickets(call, closed=closed)
    try:
        return (yield from _for_chunks(tickets, request))
    except Rejected as refusal:
        if refusal.code != answers.REFUSED or set((yield from _tickets(call, closed=closed))) & set(tickets):
            raise
        return Done(note="already_done", detail={"tickets": str(len(tickets))})


def _finished(job: Row) -> Generator[Request, Response, Row]:
    for wait in POLLS:
        if not answers.is_pending(job):
            break
        path = f"/api/v2/job_statuses/{segment(job.get('id'))}"
        answer = yield get(path, step="job", wait=wait)
        job = answer.member("job_status") or {}
    return job


def _update_tickets(call: Call[Any, Any], change: Mapping[str, Any]) -> Flow:
    tickets = yield from _tickets(call, closed=False)
    return (yield from _for_chunks(tickets, lambda ids: put(
        "/api/v2/tickets/update_many", query={"ids": ids}, json={"ticket": change}, step="update_tickets")))


@connector.action(
    "create_ticket", "Create a support ticket about the offer acceptance", params=CreateTicket,
    # The key protects for some hours, the external id for ever.
    repeat=Repeat.LOOK_BEFORE,
    help="Creates one ticket with an internal note that tells what the user did; the user gets no mail.",
)
def create_ticket(call: Call[ZendeskSettings, CreateTicket]) -> Flow:
    """Create a ticket once: an earlier one is found by its external id when its key may be forgotten."""
    key = call.key()
    if call.doubtful or call.now - call.event.time / 1000 > FRESH:
        answer = yield get("/api/v2/tickets", query={"external_id": key}, step="find_ticket")
        earlier = answer.member("tickets", 0, "id")
        if earlier is not None:
            return Done(str(earlier))
    answer = yield post("/api/v2/tickets", json={"ticket": _ticket(call)}, headers={"Idempotency-Key": key},
                        step="create_ticket")
    return Done(str(answer.member("ticket", "id")))


def _ticket(call: Call[Any, CreateTicket]) -> Row:
    event, want = call.event, call.params
    ticket: Row = {
        "subject": want.subject or f"Offer {said(event)}: {prompt_label(event)}",
        "comment": {"body": "\n".join(story(call))[:TEXT], "public": False},
        **_requester(call),
        "external_id": call.key(),
        "priority": want.priority or None,
        "group_id": want.group_id,
        "tags": [_tag(one) for one in ("engage", f"prompt_{event.prompt_id}", *want.tags)],
    }
    return {name: value for name, value in ticket.items() if value is not None}


def _requester(call: Call[Any, Any]) -> Row:
    """Whose ticket it is: without id and address it belongs to the API user, and the note names the user."""
    known, email = call.attribute("zendesk_id"), call.attribute("email_address")
    if known:
        return {"requester_id": int(known) if known.isdecimal() else known}
    return {"requester": {"name": full_name(call) or call.event.user_id, "email": email}} if email else {}


def _tag(text: str) -> str:
    return "_".join(text.split())


@connector.action(
    "set_tickets_priority", "Set the priority of all existing tickets", params=SetPriority, requires=USER,
    repeat=Repeat.HARMLESS, help="Every ticket that the user requested and that is not closed.",
)
def set_tickets_priority(call: Call[ZendeskSettings, SetPriority]) -> Flow:
    """Set priority on every open ticket of the user."""
    return (yield from _update_tickets(call, {"priority": call.params.priority}))


@connector.action(
    "assign_tickets_agent", "Assign all existing tickets to one agent", params=AssignAgent, requires=USER,
    repeat=Repeat.HARMLESS, help="Every ticket that the user requested and that is not closed.",
)
def assign_tickets_agent(call: Call[ZendeskSettings, AssignAgent]) -> Flow:
    """Set the assignee, with the agent's group if it is given, on every open ticket of the user."""
    want = call.params
    change = {"assignee_id": want.assignee_id, **({"group_id": want.group_id} if want.group_id else {})}
    return (yield from _update_tickets(call, change))


@connector.action("suspend_user", "Suspend the user", requires=USER, repeat=Repeat.HARMLESS,
                  help="The user cannot sign in to Zendesk; new tickets go to the suspended queue.")
def suspend_user(call: Call[ZendeskSettings, Any]) -> Flow:
    """Suspend the user."""
    return (yield from _set_suspended(call, True))


@connector.action("restore_user", "Restore a suspended user", requires=USER, repeat=Repeat.HARMLESS,
                  help="Lifts the suspension; tickets that were deleted as spam stay deleted.")
def restore_user(call: Call[ZendeskSettings, Any]) -> Flow:
    """Lift the suspension."""
    return (yield from _set_suspended(call, False))


def _set_suspended(call: Call[Any, Any], suspended: bool) -> Flow:
    user = yield from _find_user(call)
    answer = yield put(f"/api/v2/users/{segment(user)}", json={"user": {"suspended": suspended}},
                       step="suspend" if suspended else "restore", look_at=[403])
    if answer.status == 403:
        raise answers.not_allowed(answer)
    return Done(str(answer.member("user", "id") or user))


@connector.action(
    "assign_tickets_group", "Assign all existing tickets to a group", params=AssignGroup, requires=USER,
    repeat=Repeat.HARMLESS, help="Every ticket that the user requested and that is not closed. An agent who is not"
                                 " in the group is taken off the ticket.",
)
def assign_tickets_group(call: Call[ZendeskSettings, AssignGroup]) -> Flow:
    """Set the group on every open ticket of the user."""
    return (yield from _update_tickets(call, {"group_id": call.params.group_id}))


@connector.action(
    "delete_tickets", "Delete all tickets", requires=USER, repeat=Repeat.HARMLESS,
    help="Moves every ticket that the user requested, closed ones too, to the deleted tickets; they are gone after"
         " 30 days.",
)
def delete_tickets(call: Call[ZendeskSettings, Any]) -> Flow:
    """Delete every ticket of the user, softly."""
    return (yield from _remove(call, lambda ids: delete(
        "/api/v2/tickets/destroy_many", query={"ids": ids}, step="delete_tickets", look_at=[403]), closed=True))


@connector.action(
    "set_tickets_status", "Set the status of all existing tickets", params=SetStatus, requires=USER,
    repeat=Repeat.HARMLESS, help="Every ticket that the user requested and that is not closed; closing is final.",
)
def set_tickets_status(call: Call[ZendeskSettings, SetStatus]) -> Flow:
    """Set the status on every open ticket of the user."""
    return (yield from _update_tickets(call, {"status": call.params.status}))


@connector.action(
    "spam_tickets", "Mark all existing tickets as spam", requires=USER, repeat=Repeat.HARMLESS,
    help="Deletes the user's open tickets and suspends the user; 'Restore a suspended user' lifts the suspension.",
)
def spam_tickets(call: Call[ZendeskSettings, Any]) -> Flow:
    """Mark every open ticket of the user as spam, which suspends the user."""
    return (yield from _remove(call, lambda ids: put(
        "/api/v2/tickets/mark_many_as_spam", query={"ids": ids}, step="spam_tickets", look_at=[403]), closed=False))


@connector.action(
    "set_tickets_source", "Tag existing tickets with a source", params=SetSource, requires=USER,
    repeat=Repeat.HARMLESS, help="Zendesk itself sets a ticket's source, and nobody can change it; instead, a tag"
                                 " source_... is added to every ticket that the user requested and that is not closed.",
)
def set_tickets_source(call: Call[ZendeskSettings, SetSource]) -> Flow:
    """Add a tag that names the source to every open ticket of the user; other tags stay."""
    return (yield from _update_tickets(call, {"additional_tags": [_tag(f"source_{call.params.source}")]}))
