"""Salesforce: Support (core REST API v66.0) and Marketing Cloud Engagement (REST and SOAP) under one connector.

References: https://developer.salesforce.com/docs/platform/api-rest and
https://developer.salesforce.com/docs/marketing/marketing-cloud
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

from connectors.crm_marketing._salesforce_answers import DUPLICATE, KNOWN_SUBSCRIBER, ON_LIST, read, refusal, result
from connectors.crm_marketing._salesforce_cases import (
    AnyCall,
    cases_of,
    contacts_of,
    data_path,
    post_to_feeds,
    prompt_name,
    word,
)
from connectors.crm_marketing._salesforce_lists import definitions, definitions_page, lists, soap_call
from connectors.crm_marketing._salesforce_sign_in import (
    MARKETING,
    SHARED_LOGINS,
    SOAP,
    SUPPORT,
    SalesforceSettings,
    marketing_token,
    signer,
    soap_token,
    support_token,
)
from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Done,
    Flow,
    FormInput,
    Params,
    Rejected,
    Repeat,
    any_of,
    field,
    get,
    patch,
    post,
    segment,
)
from connectors.kit.person import EMAIL, full_name, is_address, known_or_typed_address, typed_address
from connectors.kit.soap import element, leaf

TYPED_EMAIL = FormInput("email", "E-mail address")
MESSAGE_KEYS_KEPT = 2 * 86400.0
FIELD_NAME = r"^([A-Za-z][A-Za-z0-9_]*)?$"
REFERENCES = 20
"""Ids of posts that an outcome names; its detail has their number."""
UPDATE_ADD = element("Options", element("SaveOptions", element(
    "SaveOption", leaf("PropertyName", "*"), leaf("SaveAction", "UpdateAdd"))))


def _check(settings: SalesforceSettings) -> CheckFlow:
    """Sign in wherever it is set up; a definition list that the scope forbids shows a good token all the same."""
    if settings.has_support:
        yield get(f"{data_path(settings)}/limits", realm=SUPPORT, step="limits")
    if settings.has_marketing:
        yield get(definitions_page(1, 1), realm=MARKETING, step="definitions", look_at=(403,))
    host = urlsplit(settings.support_login_url or settings.mc_base_url).hostname or ""
    sandbox = ".sandbox." in host or host == SHARED_LOGINS[1]
    return Account(host, "sandbox" if sandbox else "live" if settings.has_support else "")


connector = Connector(
    id="salesforce_marketing_cloud", title="Salesforce", category="crm_marketing", settings=SalesforceSettings,
    signer=signer, read=read, addon=True, check=_check, api_version="v66.0",
    tokens={SUPPORT: support_token, MARKETING: marketing_token, SOAP: soap_token},
    docs="https://developer.salesforce.com/docs/marketing/marketing-cloud/overview",
    help="Opens and comments cases in Salesforce, sends mails and fills lists in Marketing Cloud. Either may be used "
         "without the other. They are one connector: where one refuses its credentials, actions of both wait for them.",
    options={"definitions": definitions, "lists": lists},
    confidence="Not verified: the answer of the list of send definitions, and whether a list membership keeps an "
               "earlier opt-out when no status is sent.",
)


class NewCase(Params):
    """A case of Salesforce Support."""

    subject: str = field("Subject", default="", max_length=255, help="left empty: Offer accepted: <name of the prompt>")
    origin: str = field("Origin", default="Web", help="a value of the org's pick list")
    priority: str = field("Priority", default="", help="a value of the org's pick list")
    status: str = field("Status", default="", help="a value of the org's pick list")
    external_id_field: str = field(
        "External id field for de-duplication", default="", pattern=FIELD_NAME, placeholder="Engage_Execution_Id__c",
        help="API name of a unique external-id text field on Case; makes a repeat safe",
    )
    extra_fields: dict[str, bool | int | float | str] = field(
        "More fields", default={}, help="API names of fields on Case, with the value of each"
    )


class FeedPost(Params):
    """A post to the feeds of the user's cases."""

    text: str = field(
        "Text", default="", max_length=10_000, help="left empty: User accepted the offer in prompt <name of the prompt>"
    )
    only_open_cases: bool = field("Only open cases", default=False, help="off: closed cases get the post too")


class TriggeredSend(Params):
    """A mail whose content Marketing Cloud holds."""

    send_kind: Literal["transactional", "triggered_send_definition"] = field(
        "Kind of send", default="transactional", help="triggered_send_definition is the older kind"
    )
    definition_key: str = field("Email template (definition key)", options="definitions", min_length=1,
                                help="the mail that is sent")
    attribute_map: dict[str, str] = field(
        "Traits to attributes", default={}, help="each attribute of the template, and the synced attribute it shows"
    )


SendCall = Call[SalesforceSettings, TriggeredSend]


class Membership(Params):
    """A subscriber list of Marketing Cloud."""

    list_id: int = field("List", options="lists", ge=1, help="the list that the user is put on")
    resubscribe: bool = field(
        "Subscribe again", default=True, help="off: no status is sent, so that a person who left the list stays away"
    )


@connector.action(
    "create_case", "Create a case (Support)", params=NewCase,
    repeat_of=lambda params, _settings: Repeat.KEY if params.external_id_field else Repeat.NEVER,
    keeps_keys=float("inf"), help="With an external id field the same case is never opened twice.",
)
def create_case(call: Call[SalesforceSettings, NewCase]) -> Flow:
    """One new case, linked to the user's contact where exactly one is found."""
    _demand(call.settings.has_support, "Support", "support_...")
    contacts = yield from contacts_of(call, look_at=(400, 404))
    fields = _case(call, contacts[0] if len(contacts) == 1 else "")
    path, unique = f"{data_path(call.settings)}/sobjects/Case", call.params.external_id_field
    if not unique:
        answer = yield post(path, json=fields, realm=SUPPORT, step="case")
        return Done(reference=str(answer.member("id") or ""))
    answer = yield patch(f"{path}/{unique}/{segment(call.key())}", json=fields, realm=SUPPORT, step="case")
    new = answer.member("created") is True
    return Done(reference=str(answer.member("id") or call.key()), note="" if new else "already_done")


def _case(call: Call[SalesforceSettings, NewCase], contact: str) -> dict[str, Any]:
    params, email = call.params, call.attribute(EMAIL)
    fields = {
        "Subject": params.subject or f"Offer accepted: {prompt_name(call)}"[:255],
        "Description": _description(call)[:32_000], "Origin": params.origin, "Priority": params.priority,
        "Status": params.status, "ContactId": contact, "SuppliedEmail": email if is_address(email) else "",
        "SuppliedName": full_name(call)[:80],
    }
    return {**{name: text for name, text in fields.items() if text}, **params.extra_fields}


def _description(call: AnyCall) -> str:
    event = call.event
    lines = [f"User: {event.user_id}", f"Prompt: {prompt_name(call)} ({event.prompt_id})",
             f"Interaction: {event.interaction}", f"Time: {event.moment.isoformat(timespec='seconds')}"]
    traits = [f"{name}: {word(trait)}" for name, trait in sorted(call.attributes.items()) if trait not in (None, "")]
    return "\n".join([*lines, *traits])


def _demand(filled: bool, what: str, fields: str) -> None:
    """Refuse at once, so that the connector's other half is not held up as if its credentials were wrong."""
    if not filled:
        raise Rejected("not_set_up", f"the settings for {what} are empty; fill in {fields}, then replay")


@connector.action(
    "post_case_feed_item", "Post the offer acceptance to the feed of existing cases (Support)", params=FeedPost,
    requires=any_of("salesforce_id", EMAIL), repeat=Repeat.NEVER, help="No cases: nothing is posted, and it succeeds.",
)
def post_case_feed_item(call: Call[SalesforceSettings, FeedPost]) -> Flow:
    """One text post in the feed of every case of the user."""
    _demand(call.settings.has_support, "Support", "support_...")
    text = call.params.text or f"User accepted the offer in prompt {prompt_name(call)}"
    cases = yield from cases_of(call, call.params.only_open_cases)
    posts = yield from post_to_feeds(call, cases, text[:10_000])
    failure = posts.failure()
    if failure:
        raise failure
    return Done(reference=",".join(posts.made[:REFERENCES]), detail={"posts": str(len(posts.made))})


@connector.action(
    "triggered_send", "Triggered send (Marketing Cloud)", params=TriggeredSend, requires=any_of(EMAIL, "form.email"),
    form_inputs=[replace(TYPED_EMAIL, required=False)], keeps_keys=MESSAGE_KEYS_KEPT,
    repeat_of=lambda params, _settings: Repeat.KEY if params.send_kind == "transactional" else Repeat.NEVER,
    help="To the user's stored address; to the typed one only where none is stored.",
)
def triggered_send(call: SendCall) -> Flow:
    """One templated mail."""
    _demand(call.settings.has_marketing, "Marketing Cloud", "mc_...")
    address = known_or_typed_address(call)
    key = call.attribute("subscriber_key") or address
    attributes = {name: word(trait) for name, trait in call.mapped(call.params.attribute_map).items()}
    if call.params.send_kind == "transactional":
        return (yield from _transactional(call, address, key, attributes))
    return (yield from _by_definition(call, address, key, attributes))


def _transactional(call: SendCall, address: str, key: str, attributes: dict[str, str]) -> Flow:
    message_key = call.key()
    recipient = {"contactKey": key, "to": address, **({"attributes": attributes} if attributes else {})}
    answer = yield post(
        f"/messaging/v1/email/messages/{segment(message_key)}", realm=MARKETING, step="send",
        json={"definitionKey": call.params.definition_key, "recipient": recipient},
    )
    twice = refusal(answer)[0] == DUPLICATE
    return Done(reference=message_key, note="already_done" if twice else "accepted")


def _by_definition(call: SendCall, address: str, key: str, attributes: dict[str, str]) -> Flow:
    sender = call.settings.mc_from_email
    to = {"Address": address, "SubscriberKey": key, "ContactAttributes": {"SubscriberAttributes": attributes}}
    body = {**({"From": {"Address": sender}} if sender else {}), "To": to, "Options": {"RequestType": "ASYNC"}}
    path = f"/messaging/v1/messageDefinitionSends/key:{segment(call.params.definition_key)}/send"
    answer = yield post(path, json=body, realm=MARKETING, step="send")
    return Done(reference=str(answer.member("responses", 0, "recipientSendId") or ""), note="accepted")


@connector.action(
    "add_subscriber_to_list", "Add the subscriber to a list (Marketing Cloud)", params=Membership,
    requires=any_of(EMAIL, "subscriber_key"), repeat=Repeat.HARMLESS,
)
def add_subscriber_to_list(call: Call[SalesforceSettings, Membership]) -> Flow:
    """The known user is an active subscriber of the list."""
    email = call.attribute(EMAIL)
    return (yield from _subscribe(call, email, call.attribute("subscriber_key") or email))


@connector.action(
    "add_input_to_list", "Add the user to a list with form input (Marketing Cloud)", params=Membership,
    form_inputs=[TYPED_EMAIL], repeat=Repeat.HARMLESS,
)
def add_input_to_list(call: Call[SalesforceSettings, Membership]) -> Flow:
    """The typed address is a subscriber of the list."""
    email = typed_address(call)
    return (yield from _subscribe(call, email, call.attribute("subscriber_key") or email))


def _subscribe(call: Call[SalesforceSettings, Membership], email: str, key: str) -> Flow:
    """Create or update the subscriber with the list; an account that refuses to create gets an update."""
    _demand(call.settings.has_marketing, "Marketing Cloud", "mc_...")
    subscriber = _subscriber(call.params, email, key)
    end = result((yield soap_call("Create", "CreateRequest", UPDATE_ADD, subscriber)))
    if not end.ok and end.code == KNOWN_SUBSCRIBER:
        end = result((yield soap_call("Update", "UpdateRequest", element("Options"), subscriber)))
    if end.ok:
        return Done(reference=end.reference)
    if end.code == ON_LIST:
        return Done(reference=end.reference, note="already_done")
    raise end.refused()


def _subscriber(params: Membership, email: str, key: str) -> str:
    """The object in the WSDL's order of elements."""
    membership = element("Lists", leaf("ID", params.list_id), leaf("Status", "Active") if params.resubscribe else "")
    address = leaf("EmailAddress", email) if email else ""
    return element("Objects", address, leaf("SubscriberKey", key), membership, attributes={"xsi:type": "Subscriber"})
