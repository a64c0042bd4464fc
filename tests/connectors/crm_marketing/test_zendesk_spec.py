"""Zendesk's published specification knows every request of ours, and every member of its answers that we read."""

import pytest

from connectors.crm_marketing.zendesk import connector
from connectors.kit import get, post
from testkit import flows, specs
from testkit.flows import answer

SETTINGS = {"domain": "shop", "username": "bot@shop.example", "api_key": "t0ken"}
ANN = {"email_address": "ann@example.com"}
TICKETS = answer(json={"tickets": [{"id": 1, "status": "open"}], "meta": {"has_more": False, "after_cursor": None}})
JOB = answer(json={"job_status": {"id": "j-1", "status": "completed", "message": None, "results": None}})
TICKET = answer(201, {"ticket": {"id": 4}})
USERS = answer(json={"users": [{"id": 77, "email": "ann@example.com"}], "next_page": None, "count": 1})
USER = answer(json={"user": {"id": 77, "name": "Ann"}})
NONE = answer(json={"tickets": [], "users": [], "next_page": None, "count": 0, "meta": {"has_more": False}})
BULK = [USERS, TICKETS, JOB]
RUNS = {
    "create_ticket": ({}, [TICKET]),
    "set_tickets_priority": ({"priority": "high"}, BULK),
    "assign_tickets_agent": ({"assignee_id": 5}, BULK),
    "suspend_user": ({}, [USERS, USER]),
    "restore_user": ({}, [USERS, USER]),
    "assign_tickets_group": ({"group_id": 9}, BULK),
    "delete_tickets": ({}, BULK),
    "set_tickets_status": ({"status": "solved"}, BULK),
    "spam_tickets": ({}, BULK),
    "set_tickets_source": ({"source": "In app"}, BULK),
}
LACKING = {
    "there is no operation GET /api/v2/users/77/tickets/requested": "it is in the list of endpoints of tickets",
    "query: ids is unknown": "the file names the ids in its texts only",
    "query: page[size] is unknown": "pages by cursor are described once for all lists",
    "body.ticket: requester is unknown": "how a ticket is made for somebody new stands beside it",
    "body.ticket: additional_tags is unknown": "of update_many, described beside it",
    "body.user: suspended is unknown": "it stands in the table of users",
    "body.user: name is required": "of a new user", "body.user: email is required": "of a new user",
    "body: None is no object": "marking as spam takes no body",
}
"""What the file does not know, and why we send it all the same: the pages of Zendesk's reference do."""


@pytest.fixture(scope="module")
def spec():
    return specs.load("zendesk") or pytest.skip("Zendesk's specification is not here; TESTKIT_VENDOR_SPECS names it")


def run(id, params, seen, **more):
    made = flows.call(connector, id, settings=SETTINGS, params=params, attributes=ANN, **more)
    return flows.run(connector, id, made, seen)


def problems(spec, requests):
    """What the specification says against them and its pages do not explain."""
    return [one for request in requests for one in spec.problems(request) if one not in LACKING]


@pytest.mark.parametrize("id", RUNS)
def test_every_request_is_as_the_vendors_specification_says(spec, id):
    ended = run(id, *RUNS[id])
    assert ended.failure is None
    assert problems(spec, ended.requests) == []


def test_every_action_is_among_them():
    assert set(RUNS) == set(connector.actions)


def test_the_look_for_an_earlier_ticket_is_too(spec):
    ended = run("create_ticket", {}, [NONE, TICKET], doubtful=True)
    assert problems(spec, ended.requests) == []


@pytest.mark.parametrize("name", connector.options)
def test_pick_lists_and_the_connection_test_are_too(spec, name):
    settings = connector.settings.model_validate(SETTINGS)
    empty = answer(json={"users": [], "groups": [], "custom_statuses": [], "meta": {"has_more": False}})
    me = answer(json={"user": {"id": 1, "role": "admin"}})
    checked = flows.drive(connector.check(settings), [me], connector.read)
    listed = flows.drive(connector.options[name](settings), [empty], connector.read)
    assert problems(spec, [*checked.requests, *listed.requests]) == []


def test_a_mistake_is_found_all_the_same(spec):
    for wrong in (post("/api/v2/tickets", json={"ticket": {"priorty": "high", "comment": {"body": "x"}}}),
                  get("/api/v2/ticket")):
        assert problems(spec, [wrong])


@pytest.mark.parametrize(("schema", "body"), [
    ("JobStatusResponse", JOB.json), ("UserResponse", USER.json)])
def test_canned_answers_are_what_the_specification_shows(schema, body):
    types = specs.load_components("zendesk")
    if types is None:
        pytest.skip("Zendesk's specification is not here; TESTKIT_VENDOR_SPECS names it")
    assert types.problems(schema, body) == []
