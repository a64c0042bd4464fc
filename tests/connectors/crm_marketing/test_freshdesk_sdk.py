"""python-freshdesk, with which Python programs speak to Freshdesk (it has no library of its own), asks what we ask."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.crm_marketing.freshdesk import connector
from testkit import flows
from testkit.flows import answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"domain": "shop", "api_key": "t0ken"}
NONE = answer(json=[])


@pytest.fixture
def client(anywhere):
    api = pytest.importorskip("freshdesk.api", reason="python-freshdesk is not installed")
    made = api.API("shop.freshdesk.com", "t0ken")
    made._session.auth = ("t0ken", "X")  # the password means nothing; Freshdesk's own examples write X
    return made


def ours(id, *replies, attributes=None, **params):
    made = flows.call(connector, id, settings=SETTINGS, params=params,
                      attributes={"freshdesk_id": "77"} if attributes is None else attributes)
    return flows.run(connector, id, made, replies).requests


def compare(request, keeper):
    signed, asked = flows.sign(connector, SETTINGS, request), keeper.kept[-1]
    one, other = urlsplit(signed.url), urlsplit(asked.path)
    assert (signed.method, f"https://{one.netloc}", one.path) == (asked.method, keeper.hosts[-1], other.path)
    assert set(parse_qsl(one.query)) == set(parse_qsl(other.query))
    assert flows.header(signed, "authorization") == asked.headers["authorization"]
    assert orjson.loads(signed.body or b"null") == orjson.loads(asked.body or b"null")
    if signed.body:
        assert flows.header(signed, "content-type") == asked.headers["content-type"]


def asked(do, *arguments, **more):
    """Let the library ask; the keeper's empty answer it may mind."""
    with suppress(Exception):
        do(*arguments, **more)


def test_a_ticket_is_the_one_that_the_library_makes(client, anywhere):
    *_, request = ours("create_ticket", NONE, answer(201, {"id": 4}), priority=3, group_id=9,
                       attributes={"email_address": "ann@example.com", "name": "Ann Lee"})
    mine = orjson.loads(request.body)
    asked(client.tickets.create_ticket, mine.pop("subject"), **mine)
    compare(request, anywhere)
    assert {"status", "priority", "source", "description"} <= set(mine)


@pytest.mark.parametrize(("id", "method"), [
    ("delete_contact", "soft_delete_contact"), ("restore_contact", "restore_contact")])
def test_a_contact_is_deleted_and_restored_as_the_library_does(client, anywhere, id, method):
    asked(getattr(client.contacts, method), 77)
    compare(ours(id, answer(204))[-1], anywhere)


def test_agents_and_groups_are_read_as_the_library_does(client, anywhere):
    settings = connector.settings.model_validate(SETTINGS)
    for name, do in (("agents", client.agents.list_agents), ("groups", client.groups.list_groups)):
        anywhere.replies.append([])
        asked(do, per_page=100)
        (request,) = flows.drive(connector.options[name](settings), [NONE], connector.read).requests
        compare(request, anywhere)


def test_the_connection_test_asks_as_the_library_does(client, anywhere):
    asked(client.agents.currently_authenticated_agent)
    settings = connector.settings.model_validate(SETTINGS)
    seen = [answer(json={"id": 5, "contact": {"name": "Bob"}})]
    compare(flows.drive(connector.check(settings), seen, connector.read).requests[0], anywhere)
