"""Iterable: events, lists, journeys, campaign mails and profiles. REST API, https://api.iterable.com/api/docs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import orjson

from connectors.crm_marketing import _iterable_answers as answers
from connectors.crm_marketing._iterable_forms import (
    IterableSettings,
    ListMembership,
    SendCampaign,
    SyncTraits,
    TrackEvent,
    TriggerJourney,
)
from connectors.kit import (
    Account,
    BatchFlow,
    BatchLimits,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Item,
    Limits,
    MissingAttributes,
    Option,
    OptionsFlow,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    any_of,
    get,
    post,
    sign_with,
)
from connectors.kit.person import EMAIL, typed_address
from connectors.kit.prompt import event_name, filled, prompt_properties

USER_ID = "iterable_user_id"
"""Attribute that holds the user's id at Iterable."""
PAGES = 20
"""Most pages of a pick list that are read."""
BATCH = BatchLimits(items=1000, bytes=3_900_000, item_bytes=1_000_000)
"""A request may have 4 MB; how many items is not documented."""
OVER = ("Archived", "Aborted", "Finished")
"""States of campaigns that send nothing any more."""
WHOLE = ("BadJsonBody",)
"""Codes of a refused batch that no single item can be the reason of."""

Row = dict[str, Any]
Rows = Generator[Request, Response, list[Row]]


def signer(settings: IterableSettings) -> Sign:
    """The key in a header of Iterable's own, at the project's data center."""
    key = settings.api_key.get_secret_value()
    return sign_with(settings.address, {"Api-Key": key, "Accept": "application/json"})


def check(settings: IterableSettings) -> CheckFlow:
    """List the lists: refused where the key is wrong, or of the other data center."""
    yield get("/api/lists", step="check")
    return Account(f"Iterable project ({settings.data_center}, users by {settings.identify_by})")


def lists(_settings: IterableSettings) -> OptionsFlow:
    """Static lists; users cannot be put into others."""
    answer = yield get("/api/lists", step="lists")
    rows = answer.member("lists") or []
    return [Option(str(one["id"]), str(one["name"])) for one in rows if one.get("listType") == "Standard"]


def journeys(_settings: IterableSettings) -> OptionsFlow:
    """Journeys that take users."""
    rows = yield from _listed("/api/journeys", "journeys", 50)
    taking = [one for one in rows if one.get("enabled") and not one.get("isArchived")]
    return [Option(str(one["id"]), str(one["name"])) for one in taking]


def campaigns(_settings: IterableSettings) -> OptionsFlow:
    """Triggered e-mail campaigns that can still send."""
    rows = yield from _listed("/api/campaigns", "campaigns", 1000)
    return [
        Option(str(one["id"]), str(one["name"])) for one in rows
        if one.get("type") == "Triggered" and str(one.get("messageMedium", "")).lower() == "email"
        and one.get("campaignState") not in OVER
    ]


def _listed(path: str, member: str, size: int) -> Rows:
    """All entries, page by page; the vendor's own link is not followed, since credentials would go with it."""
    rows: list[Row] = []
    for page in range(1, PAGES + 1):
        answer = yield get(path, query={"page": page, "pageSize": size, "sort": "id"}, step=member)
        rows += answer.member(member) or []
        if not answer.member("nextPageUrl"):
            break
    return rows


connector = Connector(
    id="iterable", title="Iterable", category="crm_marketing", settings=IterableSettings, signer=signer,
    read=answers.read, check=check, options={"lists": lists, "journeys": journeys, "campaigns": campaigns},
    help="Records events, adds users to lists, starts journeys, sends campaign mails and updates profiles.",
    docs="https://api.iterable.com/api/docs", api_version="REST, unversioned",
    # A project's limits a second: events 2,000, batches of events 10, batches of users 5, profiles 500, lists 100.
    limits=Limits(rate=500.0, concurrency=50),
    confidence="Not tried against a live project. Not documented: how many items a batch may hold, the rate limits of"
               " mails, lists and journeys, which code a wrong campaign, list or journey gives, and whether a mail to"
               " an unknown address creates the user.",
)


def who(call: Call[IterableSettings, Any], email: str = "email", user_id: str = "userId") -> Row:
    """The user by exactly one identifier, as the project's type wants it, in members of these names."""
    kind, address = call.settings.identify_by, call.attribute(EMAIL)
    if address and kind != "user_id":
        return {email: address}
    own = call.attribute(USER_ID) or call.event.user_id
    if own and kind != "email":
        return {user_id: own}
    raise MissingAttributes((EMAIL,) if kind == "email" else (EMAIL, USER_ID))


def _facts(call: Call[Any, Any]) -> dict[str, str]:
    """Prompt, variation and time, the time as Iterable recognises dates in fields."""
    return {**prompt_properties(call.event), "event_timestamp": f"{call.event.moment:%Y-%m-%d %H:%M:%S} +00:00"}


def event_body(call: Call[IterableSettings, TrackEvent]) -> Row:
    """The interaction as an event; sent again under its id it is updated, not added."""
    want = call.params
    body: Row = {
        **who(call), "eventName": event_name(call.event, want.event_name), "id": call.outcome_id,
        "createdAt": call.event.time // 1000, "dataFields": {**filled(call, want.extra_fields), **_facts(call)},
        "campaignId": want.campaign_id, "templateId": want.template_id, "createNewFields": want.create_new_fields,
    }
    return {name: value for name, value in body.items() if value is not None}


@connector.action(
    "track_event", "Track a custom event", params=TrackEvent, repeat=Repeat.HARMLESS,
    help="Records the interaction as a custom event of the user.",
)
def track_event(call: Call[IterableSettings, TrackEvent]) -> Flow:
    """One custom event, under an id of ours that makes a repeat an update."""
    yield post("/api/events/track", json=event_body(call), step="track")
    return Done(call.outcome_id, "accepted")


@connector.action(
    "add_user_to_list", "Add the user to a list", params=ListMembership, repeat=Repeat.HARMLESS,
    help="Puts the user on a static list; an unknown user is created.",
)
def add_user_to_list(call: Call[IterableSettings, ListMembership]) -> Flow:
    """The user is on the list."""
    user, want = who(call), call.params
    subscriber = {**user, "dataFields": {}, "mergeNestedObjects": True, "preferUserId": True}
    body = {"listId": want.list_id, "updateExistingUsersOnly": want.update_existing_only, "subscribers": [subscriber]}
    answer = yield post("/api/lists/subscribe", json=body, step="subscribe")
    if answer.member("failCount"):
        raise answers.user_refusal(answer, user) or Rejected("not_subscribed", "Iterable did not say why")
    return Done(str(want.list_id))


@connector.action(
    "trigger_journey", "Add the user to an automation (journey)", params=TriggerJourney, repeat=Repeat.NEVER,
    help="Starts a journey for the user. Limits of the journey itself may keep a user from entering it again.",
)
def trigger_journey(call: Call[IterableSettings, TriggerJourney]) -> Flow:
    """The user enters the journey."""
    event, want = call.event, call.params
    told = {"promo_id": event.prompt_id, **({"promo_name": event.prompt_name} if event.prompt_name else {})}
    body = {"workflowId": want.workflow_id, **who(call), "dataFields": {**filled(call, want.data_fields), **told}}
    yield post("/api/workflows/triggerWorkflow", json=body, step="trigger")
    return Done(note="accepted")


@connector.action(
    "send_campaign_email", "Send a campaign email to the stored address", params=SendCampaign,
    requires=any_of(EMAIL, USER_ID), repeat=Repeat.NEVER,
    help="Sends a triggered e-mail campaign to the user, at the address that is stored.",
)
def send_campaign_email(call: Call[IterableSettings, SendCampaign]) -> Flow:
    """One mail to the user."""
    yield _mail(call, who(call, "recipientEmail", "recipientUserId"))
    return Done(note="accepted")


@connector.action(
    "send_campaign_email_to_input", "Send a campaign email to the address the user typed", params=SendCampaign,
    form_inputs=[FormInput("email", "E-mail address")], repeat=Repeat.NEVER,
    help="To whatever address was typed into the prompt: limit the prompt to one answer a user. An address that the"
         " project does not know is added to it first, unless the project identifies users by user id.",
)
def send_campaign_email_to_input(call: Call[IterableSettings, SendCampaign]) -> Flow:
    """One mail to the typed address; where the project refuses unknown addresses, the user is made first."""
    address = typed_address(call)
    recipient = {"recipientEmail": address}
    answer = yield _mail(call, recipient, look_at=[400])
    if answers.code_of(answer) == "UnknownEmailError" and call.settings.identify_by != "user_id":
        yield post("/api/users/update", json={"email": address}, step="create_user")
        answer = yield _mail(call, recipient, wait=1.0)
    refused = answers.read(_mail(call, recipient), answer)
    if refused is not None:
        raise refused
    return Done(note="accepted")


def _mail(call: Call[IterableSettings, SendCampaign], recipient: Mapping[str, str], **more: Any) -> Request:
    want = call.params
    return post("/api/email/target", step="target", **more, json={
        "campaignId": want.campaign_id, **recipient, "dataFields": filled(call, want.data_fields),
        "allowRepeatMarketingSends": want.allow_repeat, "metadata": {"outcome_id": call.outcome_id},
    })


def profile_item(call: Call[IterableSettings, SyncTraits]) -> Item:
    """The chosen attributes of one user; those that are absent are left out."""
    want = call.params
    fields = call.mapped({name: name for name in want.traits})
    if not fields:
        raise MissingAttributes(want.traits)
    return Item(orjson.dumps({
        **who(call), "dataFields": fields, "mergeNestedObjects": want.merge_nested, "preferUserId": True,
    }))


@connector.export(
    "sync_user_traits", "Update the user's profile with traits", item=profile_item, limits=BATCH, params=SyncTraits,
    trigger="attributes", help="Creates or updates the user's profile whenever attributes change.",
)
def sync_user_traits(_settings: IterableSettings, items: Sequence[Item]) -> BatchFlow:
    """Update a batch of profiles; fields that the project does not know are added to it."""
    return (yield from _batch("/api/users/bulkUpdate", b'{"createNewFields":true,"users":[', items))


def event_item(call: Call[IterableSettings, TrackEvent]) -> Item:
    """One interaction as an event of a batch."""
    return Item(orjson.dumps(event_body(call)), call.outcome_id)


@connector.export(
    "export_prompt_event", "Send the interactions of all prompts as events", item=event_item, limits=BATCH,
    params=TrackEvent, help="Records one custom event for each interaction, in batches.",
)
def export_prompt_event(_settings: IterableSettings, items: Sequence[Item]) -> BatchFlow:
    """Record a batch of events; each has an id, so that a repeat updates it."""
    return (yield from _batch("/api/events/trackBulk", b'{"events":[', items))


def _batch(path: str, head: bytes, items: Sequence[Item]) -> BatchFlow:
    """Send items together. A bad one is found by the user it is for, else by halving: repeats are harmless."""
    body = head + b",".join(item.body for item in items) + b"]}"
    answer = yield post(path, body=body, content_type="application/json", step="batch", look_at=[400, 409, 413])
    refused = None
    if not answer.ok:
        refused = answers.read(Request("POST", path), answer)
        if refused is not None and (len(items) == 1 or refused.code in WHOLE):
            return [refused] * len(items)
    found = answers.ends(answer, items) if refused is None else None
    if found is not None:
        return found
    if len(items) == 1:
        return [Rejected("failed", "Iterable did not say why", status=answer.status)]
    middle = len(items) // 2
    first = yield from _batch(path, head, items[:middle])
    second = yield from _batch(path, head, items[middle:])
    return [*first, *second]
