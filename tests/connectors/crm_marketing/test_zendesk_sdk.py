"""Zenpy, with which Python programs speak to Zendesk (it has no library of its own for Python), asks what we ask."""

from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from connectors.crm_marketing.zendesk import connector
from testkit import flows
from testkit.flows import answer

pytestmark = [pytest.mark.vendor, pytest.mark.filterwarnings("ignore")]
SETTINGS = {"domain": "shop", "username": "bot@shop.example", "api_key": "t0ken"}
JOB = answer(json={"job_status": {"id": "j-1", "status": "completed", "message": None, "results": None}})
TICKETS = answer(json={"tickets": [{"id": 1, "status": "open"}, {"id": 2, "status": "open"}],
                       "meta": {"has_more": False}})
DONE = {"job_status": {"id": "j-1", "status": "completed"}}


@pytest.fixture
def sdk():
    return pytest.importorskip("zenpy", reason="zenpy is not installed")


@pytest.fixture
def client(sdk, anywhere):
    return sdk.Zenpy(subdomain="shop", email="bot@shop.example", token="t0ken", disable_cache=True)


def ours(id, *replies, attributes=None, **params):
    made = flows.call(connector, id, settings=SETTINGS, params=params,
                      attributes={"zendesk_id": "77"} if attributes is None else attributes)
    return flows.run(connector, id, made, replies).requests


def _without_ids(body):
    """The library repeats in the body which ids the address names."""
    if isinstance(body, list):
        return [one for one in map(_without_ids, body) if one] or None
    if not isinstance(body, dict):
        return body
    kept = {name: _without_ids(one) for name, one in body.items() if name != "id"}
    return kept if any(one is not None for one in kept.values()) else None


def compare(request, keeper, *, free=()):
    """Ours beside the library's last one; parameters named in `free` are about pages."""
    signed, asked = flows.sign(connector, SETTINGS, request), keeper.kept[-1]
    one, other = urlsplit(signed.url), urlsplit(asked.path)
    assert (signed.method, f"https://{one.netloc}", one.path) == (
        asked.method, keeper.hosts[-1], other.path.removesuffix(".json"))
    mine, theirs = ({pair for pair in parse_qsl(part.query) if pair[0] not in free} for part in (one, other))
    assert mine == theirs
    assert flows.header(signed, "authorization") == asked.headers["authorization"]
    assert orjson.loads(signed.body or b"null") == _without_ids(orjson.loads(asked.body or b"null"))
    if signed.body:
        assert flows.header(signed, "content-type") == asked.headers["content-type"]


def asked(do):
    """Let the library ask; the keeper's empty answer it may mind."""
    with suppress(Exception):
        list(do() or [])


def test_a_ticket_is_the_librarys_and_carries_a_key_besides(client, sdk, anywhere):
    from zenpy.lib.api_objects import Comment, Ticket, User

    (request,) = ours("create_ticket", answer(201, {"ticket": {"id": 4}}), priority="high", group_id=9, tags=["offer"],
                      attributes={"email_address": "ann@example.com", "name": "Ann Lee"})
    mine = orjson.loads(request.body)["ticket"]
    made = Ticket(subject=mine["subject"], comment=Comment(body=mine["comment"]["body"], public=False),
                  requester=User(name="Ann Lee", email="ann@example.com"), external_id=mine["external_id"],
                  priority="high", group_id=9, tags=mine["tags"])
    asked(lambda: client.tickets.create(made))
    compare(request, anywhere)
    assert request.headers["Idempotency-Key"]


@pytest.mark.parametrize(("id", "params"), [
    ("set_tickets_priority", {"priority": "high"}), ("assign_tickets_agent", {"assignee_id": 5}),
    ("assign_tickets_group", {"group_id": 9}), ("set_tickets_status", {"status": "solved"}),
])
def test_tickets_are_changed_as_the_library_does(client, anywhere, id, params):
    request = ours(id, TICKETS, JOB, **params)[-1]
    assert (request.path, request.query) == ("/api/v2/tickets/update_many", [("ids", "1,2")])
    from zenpy.lib.api_objects import Ticket

    asked(lambda: client.tickets.update([Ticket(id=number, **params) for number in (1, 2)]))
    theirs = anywhere.kept[-1]
    assert (request.method, request.path) == (theirs.method, urlsplit(theirs.path).path.removesuffix(".json"))
    changes = orjson.loads(theirs.body)["tickets"]
    assert changes == [{"id": number, **orjson.loads(request.body)["ticket"]} for number in (1, 2)], "one by one"


def test_tickets_are_deleted_as_the_library_does(client, anywhere):
    from zenpy.lib.api_objects import Ticket

    asked(lambda: client.tickets.delete([Ticket(id=1), Ticket(id=2)]))
    compare(ours("delete_tickets", TICKETS, JOB)[-1], anywhere)


def test_a_users_tickets_are_read_as_the_library_does(client, anywhere):
    asked(lambda: client.users.requested(77))
    compare(ours("delete_tickets", TICKETS, JOB)[0], anywhere, free={"page[size]", "include"})


@pytest.mark.parametrize(("id", "suspended"), [("suspend_user", True), ("restore_user", False)])
def test_a_user_is_suspended_as_the_library_does(client, anywhere, id, suspended):
    from zenpy.lib.api_objects import User

    asked(lambda: client.users.update(User(id=77, suspended=suspended)))
    compare(ours(id, answer(json={"user": {"id": 77}}))[-1], anywhere)


def test_a_user_is_searched_for_as_the_library_does(client, anywhere):
    asked(lambda: client.users.search(query='email:"ann@example.com"'))
    found = answer(json={"users": [{"id": 77, "email": "ann@example.com"}]})
    request = ours("suspend_user", found, answer(json={"user": {"id": 77}}),
                   attributes={"email_address": "ann@example.com"})[0]
    compare(request, anywhere)


def test_the_connection_test_asks_as_the_library_does(client, anywhere):
    asked(client.users.me)
    seen = [answer(json={"user": {"id": 1, "role": "admin"}})]
    settings = connector.settings.model_validate(SETTINGS)
    compare(flows.drive(connector.check(settings), seen, connector.read).requests[0], anywhere)
