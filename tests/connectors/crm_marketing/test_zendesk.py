import base64

import pytest
from pydantic import ValidationError

from connectors.crm_marketing.zendesk import connector
from connectors.kit import Done, get
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"domain": "shop", "username": "bot@shop.example", "api_key": "t0ken"}
BY_ID = {"zendesk_id": "77"}
REQUIRED = {"set_tickets_priority": {"priority": "high"}, "assign_tickets_agent": {"assignee_id": 5},
            "assign_tickets_group": {"group_id": 9}, "set_tickets_status": {"status": "solved"},
            "set_tickets_source": {"source": "In app"}}
FOR_USERS = sorted(set(connector.actions) - {"create_ticket"})
UPDATES = sorted(REQUIRED)
BULK = sorted(set(FOR_USERS) - {"suspend_user", "restore_user"})


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params=REQUIRED.get(id, {}) if params is None else params,
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def tickets(*rows, cursor=None):
    return answer(json={"tickets": [{"id": number, "status": status} for number, status in rows],
                        "meta": {"has_more": cursor is not None, "after_cursor": cursor}})


def job(status="completed", id="j-1", **more):
    return answer(json={"job_status": {"id": id, "status": status, "message": None, "results": None, **more}})


def error(status, code="RecordInvalid", description="Record validation errors", headers=None, **more):
    return answer(status, {"error": code, "description": description, **more},
                  headers={"X-Request-Id": "z-9", **(headers or {})})


def users(*rows, next_page=None):
    return answer(json={"users": list(rows), "next_page": next_page, "count": len(rows)})


# -- settings and signing


@pytest.mark.parametrize("domain", ["shop", "shop.zendesk.com"])
def test_signing_goes_to_the_account_as_user_slash_token(domain):
    signed = flows.sign(connector, {**SETTINGS, "domain": domain}, get("/api/v2/users/me"))
    assert signed.url == "https://shop.zendesk.com/api/v2/users/me"
    scheme, credentials = flows.header(signed, "authorization").split()
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"bot@shop.example/token:t0ken")
    assert flows.header(signed, "accept") == "application/json"


@pytest.mark.parametrize("domain", [
    "", "evil.example", "shop.zendesk.com.evil.example", "shop.zendesk.com/x", "https://shop.zendesk.com", "a.b",
    "zendesk.com", "-shop", "shop@evil", "shop:1", "x.shop.zendesk.com"])
def test_credentials_go_to_an_account_of_zendesk_and_nowhere_else(domain):
    with pytest.raises(ValidationError, match="yourcompany"):
        connector.settings(**{**SETTINGS, "domain": domain})


def test_only_a_test_has_another_address():
    local = {**SETTINGS, "base_url": "http://127.0.0.1:8080/zendesk"}
    with pytest.raises(ValidationError, match="base_url"):
        connector.settings(**local)
    signed = flows.sign(connector, {**local, "allow_test_hosts": True}, get("/api/v2/users/me"))
    assert signed.url == "http://127.0.0.1:8080/zendesk/api/v2/users/me"


def checked(seen):
    return flows.drive(connector.check(connector.settings(**SETTINGS)), [seen], connector.read)


def test_the_connection_test_says_which_account_and_role():
    ended = checked(answer(json={"user": {"id": 1, "role": "admin"}}))
    assert ended.lines == ["GET /api/v2/users/me"]
    assert ended.done.name == "shop.zendesk.com (as admin)"


@pytest.mark.parametrize(("seen", "code"), [
    (answer(json={"user": {"id": None, "role": "end-user"}}), "bad_credentials"),
    (answer(json={"user": {"id": 1, "role": "end-user"}}), "no_agent"),
    (error(401, "Couldn't authenticate you"), "Couldn't authenticate you")])
def test_a_user_who_cannot_do_the_work_is_misconfigured(seen, code):
    ended = checked(seen)
    assert (ended.reason, ended.code) == ("misconfigured", code)


# -- reading of answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (error(400, "BadRequest"), "rejected", "BadRequest"),
    (answer(400, {"error": {"title": "Bad", "message": "no idempotency key match"}}), "in_doubt",
     "idempotency_key_reused"),
    (error(401), "misconfigured", "RecordInvalid"),
    (error(403, "Forbidden"), "misconfigured", "Forbidden"),
    (error(404, "RecordNotFound"), "rejected", "RecordNotFound"),
    (error(409, "UpdateConflict"), "unavailable", "UpdateConflict"),
    (error(422), "rejected", "RecordInvalid"),
    (answer(429, body=b"Number of allowed API requests per minute exceeded"), "unavailable", "http_429"),
    (answer(500, body=b"<html>"), "unavailable", "http_500"),
    (answer(503), "unavailable", "http_503"),
    (answer(201, body=b'{"ticket": {'), "unavailable", "unreadable_answer"),
    (answer(200, {"error": "x"}), "unavailable", "unreadable_answer"),
])
def test_each_answer_is_read_by_who_must_act(refusal, reason, code):
    ended = run("create_ticket", [refusal])
    assert (ended.reason, ended.code) == (reason, code)


def failure_of(refusal):
    return run("create_ticket", [refusal]).failure


def test_a_refused_field_is_named_with_the_request_id():
    found = failure_of(error(422, details={"group_id": [{"description": "Group is invalid", "error": "InvalidValue"}]}))
    assert found.message == "Record validation errors; group_id: Group is invalid"
    assert (found.status, found.request_id) == (422, "z-9")
    titled = failure_of(answer(404, {"error": {"title": "No help desk", "message": "There is none here"}}))
    assert (titled.code, titled.message) == ("http_404", "No help desk: There is none here")


def test_a_wait_is_the_vendors_or_ten_seconds():
    assert failure_of(error(429, headers={"Retry-After": "41"})).retry_after == 41
    assert failure_of(error(429)).retry_after == failure_of(error(503)).retry_after == 10
    assert failure_of(error(502)).retry_after is None


def test_only_answers_that_may_hide_an_effect_are_unknown_and_only_a_limit_throttles():
    found = {status: failure_of(error(status)) for status in (409, 429, 500, 502, 503, 504)}
    assert [status for status, one in found.items() if one.unknown] == [500, 502, 504]
    assert [status for status, one in found.items() if one.throttled] == [429]


# -- the user


@pytest.mark.parametrize("id", FOR_USERS)
def test_actions_on_a_user_need_an_id_or_an_address(id):
    ended = run(id, attributes={})
    assert (ended.requests, ended.failure.names) == ((), ("zendesk_id", "email_address"))


def test_a_user_is_found_by_exactly_the_address_whatever_its_case():
    found = users({"id": 1, "email": "ann+x@example.com.au"}, {"id": 2, "email": "Ann+X@Example.com"})
    ended = run("suspend_user", [found, answer(json={"user": {"id": 2}})],
                attributes={"email_address": "ann+x@example.com"})
    assert flows.query(ended.requests[0]) == [("query", 'email:"ann+x@example.com"')]
    assert "query=email%3A%22ann%2Bx%40example.com%22" in flows.sign(connector, SETTINGS, ended.requests[0]).url
    assert ended.lines == ["GET /api/v2/users/search", "PUT /api/v2/users/2"]


def test_a_user_on_the_second_page_of_a_search_is_found():
    more = users({"id": 1, "email": "b@x"}, next_page="https://shop.zendesk.com/api/v2/users/search?page=2")
    ended = run("suspend_user", [more, users({"id": 3, "email": "a@x"}), answer(json={})],
                attributes={"email_address": "a@x"})
    assert ("page", "2") in flows.query(ended.requests[1])
    assert ended.done.reference == "3"


def test_an_unknown_address_is_rejected():
    ended = run("suspend_user", [users({"id": 1, "email": "other@x"})], attributes={"email_address": "a@x"})
    assert (ended.reason, ended.code) == ("rejected", "user_not_found")


@pytest.mark.parametrize(("id", "suspended"), [("suspend_user", True), ("restore_user", False)])
def test_users_are_suspended_and_restored(id, suspended):
    ended = run(id, [answer(json={"user": {"id": 77, "suspended": suspended}})])
    assert ended.lines == ["PUT /api/v2/users/77"]
    assert flows.json(ended.requests[0]) == {"user": {"suspended": suspended}}
    assert ended.done.reference == "77"


@pytest.mark.parametrize("id", ["suspend_user", "restore_user"])
def test_a_person_who_may_not_be_suspended_does_not_pause_the_connector(id):
    ended = run(id, [error(403, "Forbidden", "You cannot suspend an owner")])
    assert (ended.reason, ended.code, ended.failure.request_id) == ("rejected", "Forbidden", "z-9")


def test_a_stale_user_id_is_rejected():
    assert run("suspend_user", [error(404, "RecordNotFound", "Not found")]).code == "RecordNotFound"


# -- create_ticket


def test_a_ticket_tells_what_the_user_did():
    ended = run("create_ticket", [answer(201, {"ticket": {"id": 35, "status": "new"}})],
                params={"priority": "high", "group_id": "9", "tags": ["big spender"]},
                attributes={"zendesk_id": "77", "plan": "gold", "lists": ["a", "b"], "none": None},
                form={"why": "too dear"})
    assert ended.lines == ["POST /api/v2/tickets"]
    assert ended.requests[0].headers == {"Content-Type": "application/json", "Idempotency-Key": OUTCOME}
    ticket = flows.json(ended.requests[0])["ticket"]
    comment = ticket.pop("comment")
    assert ticket == {
        "subject": "Offer accepted: Stay with us", "requester_id": 77, "external_id": OUTCOME, "priority": "high",
        "group_id": 9, "tags": ["engage", "prompt_p-1", "big_spender"]}
    assert comment["public"] is False
    assert comment["body"].splitlines() == [
        "The prompt 'Stay with us' was accepted.", "", "User: u-1", "Prompt: p-1", "Interaction: accept",
        "Time: 2027-01-15 07:59:59 UTC", "why: too dear", "lists: a, b", "plan: gold", "zendesk_id: 77"]
    assert ended.done.reference == "35"


@pytest.mark.parametrize(("attributes", "requester"), [
    ({"zendesk_id": "77", "email_address": "a@x"}, {"requester_id": 77}),
    ({"email_address": "a@x", "first_name": "Ann"}, {"requester": {"name": "Ann", "email": "a@x"}}),
    ({"email_address": "a@x"}, {"requester": {"name": "u-1", "email": "a@x"}}),
    ({}, {})])
def test_a_ticket_belongs_to_the_user_as_far_as_known(attributes, requester):
    sent = flows.json(run("create_ticket", [answer(201, {"ticket": {"id": 1}})], attributes=attributes).requests[0])
    assert {name: value for name, value in sent["ticket"].items() if name.startswith("requester")} == requester


def test_the_subject_is_the_bindings_or_says_what_happened():
    made = answer(201, {"ticket": {"id": 1}})
    own = run("create_ticket", [made], params={"subject": "Call them"})
    declined = run("create_ticket", [made], interaction="decline", prompt_name=None)
    assert [flows.json(one.requests[0])["ticket"]["subject"] for one in (own, declined)] == [
        "Call them", "Offer declined: p-1"]


@pytest.mark.parametrize("more", [{"doubtful": True}, {"now": NOW + 2 * 3600}])
def test_a_ticket_whose_key_may_be_forgotten_is_looked_for_first(more):
    found = run("create_ticket", [answer(json={"tickets": [{"id": 35}]})], **more)
    assert flows.query(found.requests[0]) == [("external_id", OUTCOME)]
    assert (found.lines, found.done.reference) == (["GET /api/v2/tickets"], "35")
    absent = run("create_ticket", [answer(json={"tickets": []}), answer(201, {"ticket": {"id": 36}})], **more)
    assert (absent.lines[1], absent.done.reference) == ("POST /api/v2/tickets", "36")


# -- what is done to all tickets of a user


CHANGES = {
    "set_tickets_priority": {"priority": "high"}, "assign_tickets_agent": {"assignee_id": 5},
    "assign_tickets_group": {"group_id": 9}, "set_tickets_status": {"status": "solved"},
    "set_tickets_source": {"additional_tags": ["source_In_app"]},
}


@pytest.mark.parametrize("id", UPDATES)
def test_every_open_ticket_is_updated_and_the_job_waited_for(id):
    done = job(results=[{"id": 1, "action": "update", "success": True, "status": "Updated"}])
    ended = run(id, [tickets((1, "open"), (2, "closed"), (3, "solved")), job("queued"), job("working"), done])
    assert ended.lines == ["GET /api/v2/users/77/tickets/requested", "PUT /api/v2/tickets/update_many",
                           "GET /api/v2/job_statuses/j-1", "GET /api/v2/job_statuses/j-1"]
    assert flows.query(ended.requests[0]) == [("page[size]", "100")]
    assert flows.query(ended.requests[1]) == [("ids", "1,3")]
    assert flows.json(ended.requests[1]) == {"ticket": CHANGES[id]}
    assert [one.wait for one in ended.requests] == [0, 0, 1, 2]
    assert (ended.done.reference, ended.done.note, ended.done.detail) == ("j-1", "", {"tickets": "2"})


def test_an_agents_group_goes_along():
    ended = run("assign_tickets_agent", [tickets((1, "open")), job()], params={"assignee_id": 5, "group_id": 9})
    assert flows.json(ended.requests[1]) == {"ticket": {"assignee_id": 5, "group_id": 9}}


def test_deletion_takes_closed_tickets_too_and_has_no_body():
    ended = run("delete_tickets", [tickets((1, "open"), (2, "closed")), job()])
    request = ended.requests[1]
    assert (request.method, request.path, request.body) == ("DELETE", "/api/v2/tickets/destroy_many", None)
    assert flows.query(request) == [("ids", "1,2")]


def test_spam_takes_tickets_that_are_not_closed_and_has_no_body():
    ended = run("spam_tickets", [tickets((1, "open"), (2, "closed")), job()])
    request = ended.requests[1]
    assert (request.method, request.path, request.body) == ("PUT", "/api/v2/tickets/mark_many_as_spam", None)
    assert flows.query(request) == [("ids", "1")]


@pytest.mark.parametrize("id", ["delete_tickets", "spam_tickets"])
def test_a_missing_right_to_delete_does_not_pause_the_connector(id):
    ended = run(id, [tickets((1, "open")), error(403, "Forbidden", "You do not have access")])
    assert (ended.reason, ended.code) == ("rejected", "Forbidden")


@pytest.mark.parametrize("id", BULK)
def test_a_user_without_tickets_is_a_success_of_none(id):
    ended = run(id, [tickets()])
    assert (ended.done.reference, ended.done.detail, len(ended.requests)) == ("", {"tickets": "0"}, 1)


def test_tickets_beyond_a_page_and_beyond_a_job_are_all_changed():
    first = tickets(*((number, "open") for number in range(100)), cursor="abc")
    ended = run("set_tickets_priority", [first, tickets((100, "new")), job(id="j-1"), job(id="j-2")])
    assert flows.query(ended.requests[1]) == [("page[size]", "100"), ("page[after]", "abc")]
    sent = [dict(one.query)["ids"] for one in ended.requests[2:]]
    assert (sent[0], sent[1]) == (",".join(str(number) for number in range(100)), "100")
    assert (ended.done.reference, ended.done.detail) == ("j-1,j-2", {"tickets": "101"})


def test_a_list_without_end_is_given_up_before_anything_is_changed():
    ended = run("delete_tickets", [tickets((1, "open"), cursor="same")] * 50)
    assert (ended.reason, ended.code) == ("rejected", "list_too_long")


def test_a_job_that_takes_long_is_accepted():
    ended = run("delete_tickets", [tickets((1, "open")), job("queued"), *[job("working")] * 5])
    assert [one.wait for one in ended.requests[2:]] == [1, 2, 4, 8, 15]
    assert (ended.done.reference, ended.done.note) == ("j-1", "accepted")


def test_refused_tickets_are_named_and_the_other_chunks_are_done_all_the_same():
    refused = {"id": 7, "action": "update", "success": False, "error": "TicketUpdateFailed", "details": "no assignee"}
    rows = tickets(*((number, "open") for number in range(101)))
    ended = run("set_tickets_status", [rows, job(results=[{"id": 1, "success": True}, refused]), job(id="j-2")])
    assert (ended.reason, ended.code) == ("rejected", "tickets_refused")
    assert ended.failure.message == "1 of 101 tickets were refused (7: TicketUpdateFailed no assignee)"
    assert len(ended.requests) == 3


@pytest.mark.parametrize("status", ["failed", "killed"])
def test_a_job_that_failed_is_rejected_with_its_message(status):
    ended = run("delete_tickets", [tickets((1, "open")), job(status, message="Something broke")])
    assert (ended.reason, ended.code) == ("rejected", f"job_{status}")
    assert ended.failure.message == "job j-1: Something broke"


def test_a_result_that_is_one_object_is_read_too():
    mine = tickets((1, "open"))
    refused = run("delete_tickets", [mine, job(results={"success": False, "error": "No"}), mine])
    assert refused.code == "tickets_refused"


@pytest.mark.parametrize("action", ["delete_tickets", "spam_tickets"])
def test_tickets_that_are_refused_because_they_are_gone_were_removed_by_a_try_whose_answer_was_lost(action):
    gone = job(results=[{"id": 1, "success": False, "error": "TicketNotFound"}])
    assert run(action, [tickets((1, "open")), gone, tickets()]).done == Done(
        note="already_done", detail={"tickets": "1"})
    assert run(action, [tickets((1, "open"), (2, "open")), gone, tickets((2, "open"))]).code == "tickets_refused"
    assert run("delete_tickets", [tickets((1, "open")), job(results={"success": True})]).done


# -- pick lists


def options(name, *seen):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), seen, connector.read)


def test_agents_are_offered_page_by_page():
    first = answer(json={"users": [{"id": 5, "name": "Ann", "email": "a@x"}],
                         "meta": {"has_more": True, "after_cursor": "c"}})
    ended = options("agents", first, answer(json={"users": [{"id": 6, "name": "Bob", "email": "b@x"}]}))
    assert flows.query(ended.requests[0]) == [("role[]", "agent"), ("role[]", "admin"), ("page[size]", "100")]
    assert ended.done == [("5", "Ann (a@x)"), ("6", "Bob (b@x)")]


def test_groups_are_offered():
    ended = options("groups", answer(json={"groups": [{"id": 9, "name": "Retention"}]}))
    assert ended.lines == ["GET /api/v2/groups/assignable"]
    assert ended.done == [("9", "Retention")]
