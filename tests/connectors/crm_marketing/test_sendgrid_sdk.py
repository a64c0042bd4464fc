"""SendGrid's own Python library sends what we send."""

from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.crm_marketing.sendgrid import connector
from testkit import flows
from testkit.flows import OUTCOME, answer

pytestmark = pytest.mark.vendor
KEY = "SG.secret"
SETTINGS = {"api_key": KEY, "from_email": "offers@example.com", "from_name": "Offers ü"}
ANN = {"email_address": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "seats": 3}
TEMPLATE, LIST = "d-1a2b3c", "0b3cb8a2-1c3f-4a3c-9a05-3f0c0d5b9a11"


@pytest.fixture
def sdk(keeper):
    return pytest.importorskip("sendgrid", reason="sendgrid is not installed").SendGridAPIClient(KEY, host=keeper.url)


def mail(name="", categories=(), group=None, **data):
    """A mail as the library's own classes build it; its shortcuts make one personalization for each recipient."""
    from sendgrid.helpers import mail as parts

    made = parts.Mail(from_email=parts.From("offers@example.com", "Offers ü"))
    made.template_id = parts.TemplateId(TEMPLATE)
    person = parts.Personalization()
    person.add_to(parts.To("ann@example.com", name or None))
    person.add_custom_arg(parts.CustomArg("engage_execution_id", OUTCOME))
    if data:
        person.dynamic_template_data = data
    made.add_personalization(person)
    for one in reversed(categories):  # the library puts each before the others
        made.add_category(parts.Category(one))
    if group:
        made.asm = parts.Asm(parts.GroupId(group))
    return made


def ours(id, params, *replies, attributes=ANN, form=None):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes=attributes, form=form)
    return flows.run(connector, id, made, replies).requests


def compare(requests, kept, settings=SETTINGS, host="https://api.sendgrid.com"):
    for request, asked in zip(requests, kept, strict=True):
        signed = flows.sign(connector, settings, request)
        one, other = urlsplit(signed.url), urlsplit(asked.path)
        assert (signed.method, f"{one.scheme}://{one.netloc}", one.path) == (asked.method, host, other.path)
        assert sorted(parse_qsl(one.query)) == sorted(parse_qsl(other.query))
        assert orjson.loads(signed.body or b"null") == orjson.loads(asked.body or b"null")
        for name in ("authorization", "accept"):
            assert flows.header(signed, name) == asked.headers[name]
        if signed.body:
            assert flows.header(signed, "content-type") == asked.headers["content-type"]


def test_a_mail_is_what_the_vendors_library_sends(sdk, keeper):
    params = {"template_id": TEMPLATE, "asm_group_id": 7, "categories": ["a", "b"],
              "data_map": {"first": "first_name", "n": "seats"}}
    sdk.send(mail("Ann Lee", ["a", "b"], 7, first="Ann", n=3))
    compare(ours("send_template_email", params, answer(202)), keeper.kept)


def test_a_mail_to_a_typed_address_is_what_the_vendors_library_sends(sdk, keeper):
    sdk.send(mail())
    compare(ours("send_template_email_to_input", {"template_id": TEMPLATE}, answer(202), attributes={},
                 form={"email": "ann@example.com"}), keeper.kept)


def test_a_contact_is_what_the_vendors_library_sends(sdk, keeper):
    contact = {"email": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "custom_fields": {"e1_N": 3}}
    sdk.client.marketing.contacts.put(request_body={"list_ids": [LIST], "contacts": [contact]})
    compare(ours("add_to_list", {"list_id": LIST, "field_map": {"e1_N": "seats"}}, answer(202, {"job_id": "j"})),
            keeper.kept)


LISTS = [
    ("templates", {"result": []},
     lambda one: one.templates.get(query_params={"generations": "dynamic", "page_size": 200})),
    ("lists", {"result": []}, lambda one: one.marketing.lists.get(query_params={"page_size": 1000})),
    ("unsubscribe_groups", [], lambda one: one.asm.groups.get()),
    ("contact_fields", {}, lambda one: one.marketing.field_definitions.get()),
]


@pytest.mark.parametrize(("name", "reply", "do"), LISTS)
def test_pick_lists_are_asked_for_as_the_vendors_library_does(sdk, keeper, name, reply, do):
    do(sdk.client)
    asked = connector.options[name](connector.settings.model_validate(SETTINGS))
    compare(flows.drive(asked, [answer(json=reply)], connector.read).requests, keeper.kept)


def test_the_connection_test_asks_as_the_vendors_library_does(sdk, keeper):
    sdk.client.scopes.get()
    checked = connector.check(connector.settings.model_validate(SETTINGS))
    compare(flows.drive(checked, [answer(json={"scopes": ["mail.send"]})], connector.read).requests, keeper.kept)


def test_mails_of_european_subusers_go_where_the_vendors_library_sends_them(sdk, keeper):
    sdk.send(mail("Ann Lee"))
    sdk.set_sendgrid_data_residency("eu")
    compare(ours("send_template_email", {"template_id": TEMPLATE}, answer(202)), keeper.kept,
            {**SETTINGS, "base_url": "https://api.eu.sendgrid.com"}, sdk.host)
