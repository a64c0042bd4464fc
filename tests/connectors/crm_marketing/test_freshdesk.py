import base64

import pytest
from pydantic import ValidationError

from connectors.crm_marketing.freshdesk import connector
from connectors.kit import Repeat, get
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"domain": "shop", "api_key": "t0ken"}
BY_ID = {"freshdesk_id": "77"}
ANN = {"email_address": "ann+x@example.com"}
MARK = "engage_d000040008000000000000001"
PARAMS = {"set_tickets_priority": {"priority": 3}, "set_tickets_status": {"status": 4},
          "set_tickets_responder": {"responder_id": 5}, "set_tickets_group": {"group_id": 9},
          "set_tickets_source": {"source": 7}}
FOR_CONTACTS = sorted(set(connector.actions) - {"create_ticket"})
BULK = {"delete_tickets": "bulk_delete", **dict.fromkeys(PARAMS, "bulk_update")}
NOBODY = answer(400, {"description": "Validation failed", "errors": [
    {"field": "email", "message": "There is no contact matching the given email", "code": "invalid_value"}]})


def run(id, answers=(), *, params=None, attributes=None, settings=None, **more):
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})},
                      params=PARAMS.get(id, {}) if params is None else params,
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def rows(*numbers, **more):
    return answer(json=[{"id": number, "status": 2, "priority": 1, "source": 2, "responder_id": None, "group_id": None,
                         **more} for number in numbers])


def started(id="j-1"):
    return answer(202, {"job_id": id, "href": f"https://evil.example/api/v2/jobs/{id}"})


def job(status="COMPLETED", **more):
    return answer(json={"id": "j-1", "status": status, **more})


def error(status, code="invalid_value", field="group_id", message="It should be valid", **headers):
    return answer(status, {"description": "Validation failed", "errors": [
        {"field": field, "message": message, "code": code}]}, headers={"X-Request-Id": "f-9", **headers})


# -- settings and signing


@pytest.mark.parametrize("domain", ["shop", "Shop.freshdesk.com", "https://shop.freshdesk.com/"])
def test_signing_goes_to_the_account_with_the_key_as_user(domain):
    signed = flows.sign(connector, {**SETTINGS, "domain": domain}, get("/api/v2/agents/me"))
    assert signed.url == "https://shop.freshdesk.com/api/v2/agents/me"
    scheme, credentials = flows.header(signed, "authorization").split()
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"t0ken:X")
    assert flows.header(signed, "accept") == "application/json"


@pytest.mark.parametrize("domain", ["", "help.shop.example", "shop.freshdesk.com.evil.example", "shop.freshdesk.com/x",
                                    "http://shop.freshdesk.com", "a.b.freshdesk.com", "x@shop"])
def test_credentials_go_to_an_account_of_freshdesk_and_nowhere_else(domain):
    with pytest.raises(ValidationError, match=r"yourcompany\.freshdesk\.com"):
        connector.settings(**{**SETTINGS, "domain": domain})


def test_only_a_test_has_another_address():
    local = {**SETTINGS, "base_url": "http://127.0.0.1:8080/freshdesk"}
    with pytest.raises(ValidationError, match="base_url"):
        connector.settings(**local)
    signed = flows.sign(connector, {**local, "allow_test_hosts": True}, get("/api/v2/agents/me"))
    assert signed.url == "http://127.0.0.1:8080/freshdesk/api/v2/agents/me"


def checked(seen):
    return flows.drive(connector.check(connector.settings(**SETTINGS)), [seen], connector.read)


def test_the_connection_test_says_whose_key_it_is():
    ended = checked(answer(json={"id": 5, "contact": {"name": "Bob"}}))
    assert (ended.lines, ended.done.name) == (["GET /api/v2/agents/me"], "shop.freshdesk.com (as Bob)")
    wrong = checked(answer(401, {"code": "invalid_credentials", "message": "You have to be logged in"}))
    assert (wrong.reason, wrong.code) == ("misconfigured", "invalid_credentials")


# -- reading of answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (error(400, "missing_field", "cf_plan"), "rejected", "missing_field"),
    (error(400), "rejected", "invalid_value"),
    (error(409, "duplicate_value", "unique_external_id"), "rejected", "duplicate_value"),
    (answer(401, {"code": "password_lockout", "message": "locked"}), "misconfigured", "password_lockout"),
    (answer(403, {"code": "access_denied", "message": "no"}), "misconfigured", "access_denied"),
    (answer(403, {"code": "require_feature", "message": "not in your plan"}), "rejected", "require_feature"),
    (answer(404), "rejected", "http_404"),
    (answer(415), "rejected", "http_415"),
    (answer(429, {"message": "You have exceeded the limit"}), "unavailable", "http_429"),
    (answer(500, {"code": "internal_error", "message": "?"}), "unavailable", "internal_error"),
    (answer(503, body=b"<html>"), "unavailable", "http_503"),
    (answer(201, body=b'{"id": '), "unavailable", "unreadable_answer"),
])
def test_each_answer_is_read_by_who_must_act(refusal, reason, code):
    ended = run("create_ticket", [rows(), refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_refused_fields_are_named_with_the_request_id():
    found = run("create_ticket", [rows(), error(400)]).failure
    assert (found.message, found.status, found.request_id) == (
        "Validation failed; group_id: It should be valid", 400, "f-9")


def test_the_vendors_wait_counts_and_only_answers_that_may_hide_an_effect_are_unknown():
    def of(status, **headers):
        return run("create_ticket", [rows(), error(status, **headers)]).failure

    assert of(429, **{"Retry-After": "41"}).retry_after == 41
    assert of(429).throttled
    assert [status for status in (429, 500, 502, 503, 504) if of(status).unknown] == [500, 502, 504]
    assert run("create_ticket", [rows(), answer(201, body=b"{")]).failure.unknown


# -- create_ticket


def test_a_ticket_tells_what_the_user_did():
    ended = run("create_ticket", [rows(), answer(201, {"id": 35})],
                params={"priority": 2, "status": 3, "group_id": 9, "type": "Question", "tags": ["vip"]},
                attributes={"freshdesk_id": "77", "plan": "gold <b>"}, form={"why": "too dear & slow"})
    assert ended.lines == ["GET /api/v2/tickets", "POST /api/v2/tickets"]
    assert flows.json(ended.requests[1]) == {
        "requester_id": 77, "subject": "Offer accepted: Stay with us",
        "description": "<br>".join([
            f"Reference: {OUTCOME}", "The prompt &#x27;Stay with us&#x27; was accepted.", "", "User: u-1",
            "Prompt: p-1", "Interaction: accept", "Time: 2027-01-15 07:59:59 UTC", "why: too dear &amp; slow",
            "freshdesk_id: 77", "plan: gold &lt;b&gt;"]),
        "priority": 2, "status": 3, "source": 2, "group_id": 9, "type": "Question", "tags": ["engage", MARK, "vip"]}
    assert (ended.done.reference, len(MARK)) == ("35", 32)


def test_what_is_not_chosen_is_left_out_or_has_its_default():
    sent = flows.json(run("create_ticket", [rows(), answer(201, {"id": 1})], interaction="decline",
                          prompt_name=None).requests[1])
    assert (sent["subject"], sent["priority"], sent["status"]) == ("Offer declined: p-1", 1, 2)
    assert not {"group_id", "type"} & set(sent)
    own = run("create_ticket", [rows(), answer(201, {"id": 1})], params={"subject": "Call them"})
    assert flows.json(own.requests[1])["subject"] == "Call them"


@pytest.mark.parametrize(("attributes", "requester", "seen", "query"), [
    ({"freshdesk_id": "77", **ANN}, {"requester_id": 77}, [rows()], ("requester_id", "77")),
    ({**ANN, "first_name": "Ann"}, {"email": ANN["email_address"], "name": "Ann"}, [NOBODY],
     ("email", ANN["email_address"])),
    ({}, {"unique_external_id": "u-1", "name": "u-1"}, [answer(json=[])], ("unique_external_id", "u-1")),
    ({}, {"unique_external_id": "u-1", "name": "u-1"}, [answer(json=[{"id": 8}]), rows()],
     ("unique_external_id", "u-1")),
])
def test_a_ticket_belongs_to_the_contact_as_far_as_known(attributes, requester, seen, query):
    ended = run("create_ticket", [*seen, answer(201, {"id": 1})], attributes=attributes)
    assert flows.query(ended.requests[0])[0] == query
    sent = flows.json(ended.requests[-1])
    assert {name: sent[name] for name in ("requester_id", "email", "name", "unique_external_id") if name in sent} == (
        requester)


@pytest.mark.parametrize("mark", [{"tags": ["engage", MARK]}, {"description": f"<div>Reference: {OUTCOME}</div>"},
                                  {"description_text": f"Reference: {OUTCOME}"}])
def test_a_ticket_of_an_earlier_try_is_found_by_its_tag_or_its_reference(mark):
    ended = run("create_ticket", [answer(json=[{"id": 34, "tags": ["engage"]}, {"id": 35, **mark}])])
    assert (ended.lines, ended.done.reference) == (["GET /api/v2/tickets"], "35")
    assert flows.query(ended.requests[0]) == [
        ("requester_id", "77"), ("updated_since", "2027-01-14T07:59:59Z"), ("include", "description"),
        ("per_page", "100"), ("page", "1")]
    assert connector.actions["create_ticket"].repeat is Repeat.LOOK_BEFORE


def test_a_publisher_whose_clock_is_ahead_hides_no_earlier_ticket():
    ended = run("create_ticket", [rows(), answer(201, {"id": 1})], time=4_000_000_000_000)
    assert dict(ended.requests[0].query)["updated_since"] == "2027-01-14T08:00:00Z"


def test_a_list_that_is_refused_for_another_reason_creates_nothing():
    ended = run("create_ticket", [error(400, field="updated_since")], attributes=ANN)
    assert (ended.reason, len(ended.requests)) == ("rejected", 1)


# -- the contact


@pytest.mark.parametrize("id", FOR_CONTACTS)
def test_actions_on_a_contact_need_an_id_or_an_address(id):
    ended = run(id, attributes={})
    assert (ended.requests, ended.failure.names) == ((), ("freshdesk_id", "email_address"))


def test_a_contact_is_found_by_the_address():
    ended = run("set_tickets_priority", [answer(json=[{"id": 8}]), rows()], attributes=ANN)
    assert ended.lines == ["GET /api/v2/contacts", "GET /api/v2/tickets"]
    assert flows.sign(connector, SETTINGS, ended.requests[0]).url.endswith("?email=ann%2Bx%40example.com")
    assert flows.query(ended.requests[1])[0] == ("requester_id", "8")


@pytest.mark.parametrize("id", sorted(BULK))
def test_an_unknown_address_is_rejected(id):
    ended = run(id, [answer(json=[])], attributes=ANN)
    assert (ended.reason, ended.code) == ("rejected", "user_not_found")


@pytest.mark.parametrize("id", ["delete_contact", "restore_contact"])
def test_an_address_that_neither_a_live_nor_a_deleted_contact_has_is_rejected(id):
    ended = run(id, [answer(json=[]), answer(json=[])], attributes=ANN)
    assert ended.code == "user_not_found"
    states = [dict(one.query).get("state") for one in ended.requests]
    assert states == ([None, "deleted"] if id == "delete_contact" else ["deleted", None])


def test_a_contact_is_deleted_softly():
    ended = run("delete_contact", [answer(204)])
    assert (ended.lines, ended.done) == (["DELETE /api/v2/contacts/77"], ("77", "", {}))
    by_address = run("delete_contact", [answer(json=[{"id": 8}]), answer(204)], attributes=ANN)
    assert by_address.lines == ["GET /api/v2/contacts", "DELETE /api/v2/contacts/8"]


def test_a_deleted_contact_is_restored_without_a_body():
    ended = run("restore_contact", [answer(204)])
    assert (ended.lines, ended.done.reference) == (["PUT /api/v2/contacts/77/restore"], "77")
    assert ended.requests[0].body is None
    by_address = run("restore_contact", [answer(json=[{"id": 8, "deleted": True}]), answer(204)], attributes=ANN)
    assert by_address.lines == ["GET /api/v2/contacts", "PUT /api/v2/contacts/8/restore"]
    assert flows.query(by_address.requests[0]) == [("email", ANN["email_address"]), ("state", "deleted")]


@pytest.mark.parametrize(("id", "seen", "attributes"), [
    ("delete_contact", [answer(405), answer(json={"id": 77, "deleted": True})], BY_ID),
    ("delete_contact", [answer(json=[]), answer(json=[{"id": 8}])], ANN),
    ("restore_contact", [answer(404), answer(json={"id": 77, "active": True})], BY_ID),
    ("restore_contact", [answer(json=[]), answer(json=[{"id": 8}])], ANN),
])
def test_a_contact_that_is_so_already_is_a_success(id, seen, attributes):
    assert run(id, seen, attributes=attributes).done.note == "already_done"


@pytest.mark.parametrize(("id", "seen", "code"), [
    ("delete_contact", [answer(404), answer(404)], "contact_not_found"),
    ("restore_contact", [answer(404), answer(404)], "contact_not_found"),
    ("delete_contact", [answer(405), answer(json={"id": 77})], "contact_not_deletable"),
    ("restore_contact", [answer(405), answer(json={"id": 77, "deleted": True})], "contact_not_restorable"),
])
def test_a_contact_that_cannot_be_changed_is_rejected(id, seen, code):
    ended = run(id, seen)
    assert (ended.reason, ended.code) == ("rejected", code)
    assert ended.lines[1] == "GET /api/v2/contacts/77"


# -- all tickets of a contact


@pytest.mark.parametrize("id", sorted(PARAMS))
def test_every_ticket_that_differs_is_updated_and_the_job_waited_for(id):
    same = answer(json=[{"id": 3, **PARAMS[id]}, {"id": 1}, {"id": 2}])
    ended = run(id, [same, started(), job("IN PROGRESS"), job("in_progress"), job(data=[{"id": 1, "success": True}])])
    assert ended.lines == ["GET /api/v2/tickets", "POST /api/v2/tickets/bulk_update", *["GET /api/v2/jobs/j-1"] * 3]
    assert flows.query(ended.requests[0]) == [
        ("requester_id", "77"), ("updated_since", "2000-01-01T00:00:00Z"), ("per_page", "100"), ("page", "1")]
    assert flows.json(ended.requests[1]) == {"bulk_action": {"ids": [1, 2], "properties": PARAMS[id]}}
    assert [one.wait for one in ended.requests] == [0, 0, 2, 4, 8]
    assert ended.done == ("j-1", "", {"tickets": "2"})


@pytest.mark.parametrize("id", sorted(PARAMS))
def test_tickets_that_are_so_already_are_left_alone(id):
    assert run(id, [answer(json=[{"id": 3, **PARAMS[id]}])]).done == ("", "already_done", {"tickets": "0"})


@pytest.mark.parametrize("skip", [True, False])
def test_closing_can_be_quiet(skip):
    ended = run("set_tickets_status", [rows(1), started(), job()],
                params={"status": 5, "skip_close_notification": skip})
    assert flows.json(ended.requests[1])["bulk_action"]["properties"] == {"status": 5, "skip_close_notification": skip}


def test_all_tickets_are_deleted():
    ended = run("delete_tickets", [rows(1, 2), started(), job()])
    assert ended.lines[1] == "POST /api/v2/tickets/bulk_delete"
    assert flows.json(ended.requests[1]) == {"bulk_action": {"ids": [1, 2]}}
    assert ended.done == ("j-1", "", {"tickets": "2"})


@pytest.mark.parametrize("id", sorted(BULK))
def test_a_contact_without_tickets_is_a_success_of_none(id):
    assert run(id, [rows()]).done == ("", "already_done", {"tickets": "0"})


def test_tickets_beyond_a_page_and_beyond_a_job_are_all_changed():
    first = rows(*range(100))
    ended = run("delete_tickets", [first, rows(100), started(), job(), started("j-2"), job()])
    assert [dict(one.query)["page"] for one in ended.requests[:2]] == ["1", "2"]
    sent = [flows.json(one)["bulk_action"]["ids"] for one in (ended.requests[2], ended.requests[4])]
    assert sent == [list(range(100)), [100]]
    assert ended.done == ("j-1,j-2", "", {"tickets": "101"})


def test_a_short_page_with_a_link_to_a_next_one_is_not_the_last():
    link = '<https://shop.freshdesk.com/api/v2/tickets?page=2>; rel="next"'
    ended = run("delete_tickets", [answer(json=[{"id": 1}], headers={"Link": link}), rows(2), started(), job()])
    assert flows.json(ended.requests[2]) == {"bulk_action": {"ids": [1, 2]}}


def test_a_list_without_end_is_given_up_before_anything_is_changed():
    ended = run("delete_tickets", [rows(*range(100))] * 50)
    assert (ended.reason, ended.code) == ("rejected", "list_too_long")


def test_a_job_that_takes_long_is_accepted():
    ended = run("delete_tickets", [rows(1), started(), *[job("IN PROGRESS")] * 5])
    assert [one.wait for one in ended.requests[2:]] == [2, 4, 8, 15, 30]
    assert (ended.done.reference, ended.done.note) == ("j-1", "accepted")


def test_a_job_that_ended_under_an_unknown_name_is_accepted_not_confirmed():
    assert run("delete_tickets", [rows(1), started(), job("FINISHED")]).done.note == "accepted"


def test_refused_tickets_are_named_and_the_other_chunks_are_done_all_the_same():
    bad = job(data=[{"id": 1, "success": True}, {"id": 7, "success": False, "error": "close needs a type"}])
    ended = run("set_tickets_status", [rows(*range(100)), rows(100), started(), bad, started("j-2"), job()])
    assert (ended.reason, ended.code) == ("rejected", "tickets_refused")
    assert ended.failure.message == "1 of 101 tickets were refused (7: close needs a type)"
    assert len(ended.requests) == 6


def test_a_job_that_failed_is_rejected():
    ended = run("delete_tickets", [rows(1), started(), job("FAILED")])
    assert (ended.reason, ended.code) == ("rejected", "job_failed")


def test_tickets_that_are_refused_because_they_are_gone_were_deleted_by_a_try_whose_answer_was_lost():
    gone = job(data=[{"id": 1, "success": False, "error": "not found"}])
    ended = run("delete_tickets", [rows(1), started(), gone, rows()])
    assert (ended.done.note, ended.done.detail) == ("already_done", {"tickets": "1"})
    assert run("delete_tickets", [rows(1, 2), started(), gone, rows(1)]).code == "tickets_refused"


# -- spam


def test_spam_is_refused_before_any_request_unless_the_settings_allow_the_undocumented_call():
    ended = run("spam_tickets")
    assert (ended.requests, ended.reason, ended.code) == ((), "rejected", "unsupported_by_vendor")


def test_spam_marks_ticket_by_ticket_where_it_is_allowed():
    ended = run("spam_tickets", [rows(1, 2), answer(204), answer(204)], settings={"allow_spam_endpoint": True})
    assert ended.lines == ["GET /api/v2/tickets", "PUT /api/v2/tickets/1/spam", "PUT /api/v2/tickets/2/spam"]
    assert [one.body for one in ended.requests] == [None] * 3
    assert ended.done == ("2", "", {"tickets": "2"})


@pytest.mark.parametrize("status", [404, 405])
def test_an_account_without_the_undocumented_call_is_told_so(status):
    ended = run("spam_tickets", [rows(1), answer(status)], settings={"allow_spam_endpoint": True})
    assert (ended.reason, ended.code) == ("rejected", "unsupported_by_vendor")


# -- pick lists


def options(name, *seen):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), seen, connector.read)


def test_agents_and_groups_are_offered():
    ended = options("agents", answer(json=[{"id": 5, "contact": {"name": "Bob", "email": "b@x"}}]))
    assert flows.query(ended.requests[0]) == [("per_page", "100"), ("page", "1")]
    assert (ended.lines, ended.done) == (["GET /api/v2/agents"], [("5", "Bob (b@x)")])
    ended = options("groups", answer(json=[{"id": 9, "name": "Retention"}]))
    assert (ended.lines, ended.done) == (["GET /api/v2/groups"], [("9", "Retention")])


def test_statuses_of_the_account_are_offered():
    fields = [{"type": "default_source", "choices": {"Email": 1}},
              {"type": "default_status", "choices": {"2": ["Open", "Being processed"], "8": "On hold"}}]
    ended = options("statuses", answer(json=fields))
    assert (ended.lines, ended.done) == (["GET /api/v2/ticket_fields"], [("2", "Open"), ("8", "On hold")])
