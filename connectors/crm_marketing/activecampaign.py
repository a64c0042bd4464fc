"""ActiveCampaign: contacts, lists and automations. API v3, https://developers.activecampaign.com/reference/overview."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

from connectors.crm_marketing._activecampaign_forms import (
    ActiveCampaignSettings,
    AddContact,
    AddToAutomation,
    AddToList,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Limits,
    Option,
    OptionsFlow,
    Rejected,
    Repeat,
    Request,
    Response,
    Sign,
    any_of,
    failure,
    get,
    post,
    reader,
    segment,
    sign_with,
)
from connectors.kit.event import Value
from connectors.kit.person import EMAIL, typed_address
from connectors.kit.template import as_text

ID = "activecampaign_id"
"""Attribute that holds the contact's id."""
SIZE = 100
"""Entries of a page."""
PAGES = 20
"""Most pages of a pick list that are read."""
SUBSCRIBED, UNSUBSCRIBED = "1", "2"
"""Statuses of a contact on a list."""
BY_HAND = 4
"""The source that must be named to re-subscribe somebody."""
ACTIVE = "1"
"""Status of an automation that runs."""
CANNOT_ENTER = "Could not create SubscriberSeries"
CLOCKS = 60.0
"""Seconds by which the publisher's clock may be ahead of ActiveCampaign's."""
EMAIL_INPUT = FormInput("email", "E-mail address", required=False)
Row = dict[str, Any]


def signer(settings: ActiveCampaignSettings) -> Sign:
    """The key in a header of the vendor's own, at the account's host."""
    key = settings.api_key.get_secret_value()
    return sign_with(settings.address, {"Api-Token": key, "Accept": "application/json"})


def explain(response: Response) -> tuple[str, str]:
    """Code and message, out of one of the two forms that errors have."""
    first = response.member("errors", 0)
    if isinstance(first, dict):
        code = first.get("code") or first.get("error") or f"http_{response.status}"
        parts = (first.get("title"), first.get("detail"), (first.get("source") or {}).get("pointer"))
        return str(code), ": ".join(str(part) for part in parts if part)[:200]
    return f"http_{response.status}", str(response.member("message") or response.text)[:200]


def check(settings: ActiveCampaignSettings) -> CheckFlow:
    """See whose key it is."""
    answer = yield get("/api/3/users/me", step="me")
    return Account(f"{settings.host} (as {answer.member('user', 'username') or 'user'})")


def _listed(path: str, member: str) -> Generator[Request, Response, list[Row]]:
    rows: list[Row] = []
    for page in range(PAGES):
        answer = yield get(path, query={"limit": SIZE, "offset": page * SIZE}, step=member)
        found = answer.member(member) or []
        rows += found
        if len(found) < SIZE:
            break
    return rows


def lists(_settings: ActiveCampaignSettings) -> OptionsFlow:
    """Lists that a contact can be put on."""
    rows = yield from _listed("/api/3/lists", "lists")
    return [Option(str(one["id"]), str(one.get("name"))) for one in rows]


def automations(_settings: ActiveCampaignSettings) -> OptionsFlow:
    """Automations that run."""
    rows = yield from _listed("/api/3/automations", "automations")
    return [Option(str(one["id"]), str(one.get("name"))) for one in rows if str(one.get("status")) == ACTIVE]


def fields(_settings: ActiveCampaignSettings) -> OptionsFlow:
    """Custom fields of contacts."""
    rows = yield from _listed("/api/3/fields", "fields")
    return [Option(str(one["id"]), f"{one.get('title')} ({one.get('type')})") for one in rows]


connector = Connector(
    id="activecampaign", title="ActiveCampaign", category="crm_marketing", settings=ActiveCampaignSettings,
    signer=signer, read=reader(explain), check=check,
    options={"lists": lists, "automations": automations, "fields": fields},
    help="Adds contacts, puts them on lists and into automations.",
    docs="https://developers.activecampaign.com/reference/overview", api_version="v3",
    # Five requests a second for the whole account, whoever else uses its API.
    limits=Limits(rate=5.0, concurrency=5),
    confidence="Not tried against a live account. Not documented: the body of a 422, whether a wrong key gives 401 or"
               " 403 (both count as wrong credentials), and whether hosts of accounts end in anything but"
               " .api-us1.com and .activehosted.com.",
)


def _address(call: Call[Any, Any]) -> str:
    """What was typed, else the synced address."""
    return typed_address(call) if call.form("email") else call.first(EMAIL, "form.email")


def _given(call: Call[Any, Any], name: str) -> str:
    return call.form(name) or call.attribute(name)


def _choices(value: Value) -> str:
    """A value of a custom field; several choices stand between bars."""
    return f"||{'||'.join(value)}||" if isinstance(value, list) else as_text(value)


def _sync(call: Call[Any, Any], field_values: list[Row] | None = None) -> Generator[Request, Response, str]:
    """Create or update the contact with the user's address; what is left out stays as it is. Its id."""
    contact: Row = {
        "email": _address(call), "firstName": _given(call, "first_name"), "lastName": _given(call, "last_name"),
        "phone": _given(call, "phone"), "fieldValues": field_values,
    }
    answer = yield post("/api/3/contact/sync", step="sync_contact",
                        json={"contact": {name: value for name, value in contact.items() if value}})
    found = answer.member("contact", "id")
    if not found:
        raise Rejected("unreadable_answer", "ActiveCampaign did not say which contact it is", status=answer.status)
    return str(found)


def _contact(call: Call[Any, Any]) -> Generator[Request, Response, str]:
    """The synced contact, else the one with the user's address, made where there is none."""
    return call.attribute(ID) or (yield from _sync(call))


@connector.action(
    "add_contact", "Add a contact", params=AddContact, requires=any_of(EMAIL, "form.email"),
    form_inputs=[EMAIL_INPUT, FormInput("first_name", "First name", required=False),
                 FormInput("last_name", "Last name", required=False), FormInput("phone", "Phone", required=False)],
    repeat=Repeat.HARMLESS,
    help="Creates or updates the contact with the user's e-mail address. What was typed into the prompt goes before"
         " what was synced.",
)
def add_contact(call: Call[ActiveCampaignSettings, AddContact]) -> Flow:
    """The contact exists, with what is known of the user."""
    values = call.mapped({number: ours for ours, number in call.params.field_map.items()})
    rows = [{"field": number, "value": _choices(value)} for number, value in values.items()]
    return Done((yield from _sync(call, rows)))


@connector.action(
    "add_to_list", "Add the user to a list", params=AddToList, requires=any_of(EMAIL, ID, "form.email"),
    form_inputs=[EMAIL_INPUT], repeat=Repeat.HARMLESS,
    help="Subscribes the user; the contact is created where there is none.",
)
def add_to_list(call: Call[ActiveCampaignSettings, AddToList]) -> Flow:
    """The contact is subscribed to the list, unless it unsubscribed from it."""
    contact, want = (yield from _contact(call)), call.params
    if not want.resubscribe:
        answer = yield get(f"/api/3/contacts/{segment(contact)}/contactLists", step="see_lists")
        known = [one for one in answer.member("contactLists") or () if str(one.get("list")) == want.list_id]
        status = str(known[0].get("status")) if known else ""
        if status == UNSUBSCRIBED:
            return Done(str(known[0].get("id") or ""), detail={"skipped": "unsubscribed"})
        if status == SUBSCRIBED:
            return Done(str(known[0].get("id") or ""), "already_done")
    source = {"sourceid": BY_HAND} if want.resubscribe else {}
    answer = yield post("/api/3/contactLists", step="subscribe", json={
        "contactList": {"list": want.list_id, "contact": contact, "status": SUBSCRIBED, **source}})
    return Done(str(answer.member("contactList", "id") or ""))


@connector.action(
    "add_to_automation", "Add the user to an automation", params=AddToAutomation,
    requires=any_of(EMAIL, ID, "form.email"), form_inputs=[EMAIL_INPUT], repeat=Repeat.LOOK_BEFORE,
    help="The contact enters the automation at its start; it is created where there is none. ActiveCampaign knows no"
         " idempotency keys: a contact that has entered since the interaction does not enter again.",
)
def add_to_automation(call: Call[ActiveCampaignSettings, AddToAutomation]) -> Flow:
    """The contact enters the automation, unless it has since the interaction."""
    contact, automation = (yield from _contact(call)), call.params.automation_id
    entered = yield get(f"/api/3/contacts/{segment(contact)}/contactAutomations", step="see_automations")
    for one in entered.member("contactAutomations") or ():
        if automation in (str(one.get("seriesid")), str(one.get("automation"))) and _since(one.get("adddate"), call):
            return Done(str(one.get("id") or ""))
    answer = yield post("/api/3/contactAutomations", step="enter", look_at=[403], json={
        "contactAutomation": {"contact": _number(contact), "automation": _number(automation)}})
    if answer.ok:
        return Done(str(answer.member("contactAutomation", "id") or ""))
    if answer.member("message") == CANNOT_ENTER:
        raise Rejected("cannot_enter", f"{CANNOT_ENTER}: automation or contact does not exist, or the contact cannot"
                                       " enter again", status=403)
    raise failure(answer, *explain(answer)) or Rejected(*explain(answer))


def _since(moment: Any, call: Call[Any, Any]) -> bool:
    """Whether somebody entered after the interaction, hence maybe by an earlier try of this action."""
    try:
        entered = datetime.fromisoformat(str(moment))
    except ValueError:
        return False
    return entered.replace(tzinfo=entered.tzinfo or UTC).timestamp() >= min(call.event.time / 1000, call.now) - CLOCKS


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
