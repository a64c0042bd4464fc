"""The emulated Zendesk behaves as its card says: users, tickets, jobs, and keys on ticket creation only."""

from __future__ import annotations

from base64 import b64encode

import pytest

from testkit.vendors.credentials import ZENDESK_API_KEY, ZENDESK_USERNAME
from testkit.vendors.zendesk_state import ticket_ids, user_id

ANN = user_id("ann")


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def zendesk(caller):
    return caller("zendesk", Authorization=basic(f"{ZENDESK_USERNAME}/token", ZENDESK_API_KEY))


def ticket(**more):
    return {"ticket": {"subject": "Offer", "comment": {"body": "accepted", "public": False}, **more}}


def job(zendesk, method: str, path: str, data=None) -> list[dict]:
    """Start a job and poll it to its end."""
    started = zendesk(method, path, data=data).json["job_status"]
    assert (started["status"], started["results"]) == ("queued", None)
    done = zendesk("GET", f"/api/v2/job_statuses/{started['id']}").json["job_status"]
    assert done["status"] == "completed"
    return done["results"]


@pytest.mark.parametrize("header", ["", basic(ZENDESK_USERNAME, ZENDESK_API_KEY),
                                    basic(f"{ZENDESK_USERNAME}/token", "wrong")])
def test_the_user_name_carries_token(caller, header):
    assert caller("zendesk", Authorization=header)("GET", "/api/v2/users/me").status == 401


def test_the_credentials_belong_to_someone(zendesk):
    assert zendesk("GET", "/api/v2/users/me.json").json["user"]["role"] == "admin"


def test_a_user_is_searched_by_address_whatever_its_capitals(zendesk):
    def found(address: str) -> list[int]:
        users = zendesk("GET", f"/api/v2/users/search?query=email%3A%22{address}%22").json["users"]
        return [one["id"] for one in users]

    assert found("Ann%40example.com") == [ANN]
    assert found("missing%40example.com") == []


def test_a_search_may_find_near_misses_too(zendesk, control):
    control.seed("zendesk", "user", name="Other", email="joann@example.com")
    users = zendesk("GET", "/api/v2/users/search?query=email%3A%22ann%40example.com%22").json["users"]
    assert {one["email"] for one in users} == {"joann@example.com", "ann@example.com"}


def test_every_user_has_three_tickets_by_cursor(zendesk):
    first = zendesk("GET", f"/api/v2/users/{ANN}/tickets/requested?page%5Bsize%5D=2").json
    assert first["meta"]["has_more"]
    rest = zendesk("GET", first["links"]["next"].partition("/zendesk")[2]).json
    assert not rest["meta"]["has_more"]
    found = {one["id"]: one["status"] for one in first["tickets"] + rest["tickets"]}
    assert found == dict(zip(ticket_ids(ANN), ("open", "pending", "closed"), strict=True))


def test_a_ticket_is_created_once_for_its_key(zendesk, control):
    data = ticket(requester={"name": "Ann", "email": "ann@example.com"}, external_id="exec-1", tags=["engage"])
    first = zendesk("POST", "/api/v2/tickets", data=data, Idempotency_Key="k")
    assert (first.status, first.json["ticket"]["status"], first.headers["x-idempotency-lookup"]) == (201, "new", "miss")
    assert first.headers["location"].endswith(f"/tickets/{first.json['ticket']['id']}.json")
    again = zendesk("POST", "/api/v2/tickets", data=data, Idempotency_Key="k")
    assert (again.body, again.headers["x-idempotency-lookup"]) == (first.body, "hit")
    (effect,) = control.ledger("zendesk")
    assert (effect.kind, effect.user, effect.key, effect.mark) == ("ticket.created", "ann", "k", "exec-1")
    assert zendesk("GET", "/api/v2/tickets?external_id=exec-1").json["count"] == 1


def test_a_key_with_other_parameters_is_refused(zendesk):
    zendesk("POST", "/api/v2/tickets", data=ticket(), Idempotency_Key="k")
    assert zendesk("POST", "/api/v2/tickets", data=ticket(priority="low"), Idempotency_Key="k").status == 400


def test_a_key_is_forgotten_after_two_hours(zendesk, control):
    zendesk("POST", "/api/v2/tickets", data=ticket(), Idempotency_Key="k")
    control.advance(2 * 3600 + 1)
    zendesk("POST", "/api/v2/tickets", data=ticket(), Idempotency_Key="k")
    assert control.counts("zendesk") == {"ticket.created": 2}


@pytest.mark.parametrize(("more", "member"), [
    ({"priority": "top"}, "priority"), ({"comment": {}}, "comment"), ({"group_id": 404}, "group"),
    ({"requester_id": 5}, "requester_id"), ({"requester": {"email": "new@other.org"}}, "requester"),
])
def test_a_field_that_is_refused_is_named(zendesk, control, more, member):
    got = zendesk("POST", "/api/v2/tickets", data=ticket(**more))
    assert (got.status, got.json["error"]) == (422, "RecordInvalid")
    assert member in got.json["details"]
    assert control.ledger("zendesk") == []


def test_many_tickets_are_updated_by_a_job_and_closed_ones_refused(zendesk, control):
    ids = ticket_ids(ANN)
    results = job(zendesk, "PUT", f"/api/v2/tickets/update_many?ids={','.join(map(str, ids))}",
                  {"ticket": {"priority": "urgent"}})
    assert [one["success"] for one in results] == [True, True, False]
    assert "closed" in results[2]["details"]
    assert zendesk("GET", f"/api/v2/tickets/{ids[0]}").json["ticket"]["priority"] == "urgent"
    assert control.counts("zendesk") == {"ticket.updated": 2}


def test_setting_the_same_again_is_no_effect(zendesk, control):
    for _ in range(2):
        job(zendesk, "PUT", f"/api/v2/tickets/update_many?ids={ticket_ids(ANN)[0]}",
            {"ticket": {"additional_tags": ["source_prompt"]}})
    assert control.counts("zendesk") == {"ticket.updated": 1}


def test_batch_mode_sets_different_values(zendesk):
    ids = ticket_ids(ANN)
    job(zendesk, "PUT", "/api/v2/tickets/update_many",
        {"tickets": [{"id": ids[0], "priority": "low"}, {"id": ids[1], "priority": "high"}]})
    found = [zendesk("GET", f"/api/v2/tickets/{one}").json["ticket"]["priority"] for one in ids[:2]]
    assert found == ["low", "high"]


def test_more_than_a_hundred_are_refused(zendesk):
    ids = ",".join(map(str, range(101)))
    assert zendesk("PUT", f"/api/v2/tickets/update_many?ids={ids}", data={"ticket": {}}).status == 400


def test_a_job_can_take_several_polls(zendesk, control):
    control.seed("zendesk", "job", polls=2)
    started = zendesk("DELETE", f"/api/v2/tickets/destroy_many?ids={ticket_ids(ANN)[0]}").json["job_status"]
    states = [zendesk("GET", f"/api/v2/job_statuses/{started['id']}").json["job_status"]["status"] for _ in range(3)]
    assert states == ["working", "working", "completed"]


def test_solving_needs_an_agent(zendesk):
    path = f"/api/v2/tickets/update_many?ids={ticket_ids(ANN)[0]}"
    (refused,) = job(zendesk, "PUT", path, {"ticket": {"status": "solved"}})
    assert (refused["success"], refused["error"]) == (False, "TicketUpdateFailed")
    (done,) = job(zendesk, "PUT", path, {"ticket": {"status": "solved", "assignee_id": 9002, "group_id": 7001}})
    assert done["success"]


def test_deleted_tickets_are_gone_and_can_be_restored(zendesk):
    ids = ",".join(map(str, ticket_ids(ANN)))
    assert all(one["success"] for one in job(zendesk, "DELETE", f"/api/v2/tickets/destroy_many?ids={ids}"))
    assert zendesk("GET", f"/api/v2/users/{ANN}/tickets/requested").json["tickets"] == []
    zendesk("PUT", f"/api/v2/deleted_tickets/restore_many?ids={ids}")
    assert len(zendesk("GET", f"/api/v2/users/{ANN}/tickets/requested").json["tickets"]) == 3


def test_spam_deletes_and_suspends(zendesk, control):
    job(zendesk, "PUT", f"/api/v2/tickets/mark_many_as_spam?ids={ticket_ids(ANN)[0]}")
    assert zendesk("GET", f"/api/v2/users/{ANN}").json["user"]["suspended"]
    assert control.counts("zendesk") == {"ticket.spam": 1, "user.suspended": 1}


def test_a_user_is_suspended_and_restored(zendesk, control):
    for wanted in (True, True, False):
        got = zendesk("PUT", f"/api/v2/users/{ANN}", data={"user": {"suspended": wanted}})
        assert got.json["user"]["suspended"] is wanted
    assert control.counts("zendesk") == {"user.suspended": 1, "user.restored": 1}
    assert zendesk("PUT", "/api/v2/users/9001", data={"user": {"suspended": True}}).status == 403
    assert zendesk("PUT", "/api/v2/users/5", data={"user": {"suspended": True}}).json["error"] == "RecordNotFound"


def test_agents_and_groups_can_be_picked(zendesk):
    agents = zendesk("GET", "/api/v2/users?role[]=agent&role[]=admin&page[size]=100").json["users"]
    assert {one["id"] for one in agents} == {9001, 9002}
    groups = zendesk("GET", "/api/v2/groups/assignable?page[size]=100").json["groups"]
    assert [one["id"] for one in groups] == [7001, 7002]


def test_too_many_calls_are_told_to_wait(zendesk, control):
    control.fault(vendor="zendesk", status=429, retry_after=93)
    got = zendesk("GET", "/api/v2/users/me")
    assert (got.status, got.headers["retry-after"]) == (429, "93")
