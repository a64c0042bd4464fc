import pytest
from pydantic import ValidationError

from connectors.crm_marketing.activecampaign import connector
from connectors.kit import Repeat, get
from testkit import flows, specs
from testkit.flows import answer

SETTINGS = {"subdomain": "shop", "api_key": "t0ken"}
ANN = {"email_address": "ann@example.com"}
BY_ID = {"activecampaign_id": "113"}
PARAMS = {"add_to_list": {"list_id": "2"}, "add_to_automation": {"automation_id": "42"}}
SPECS = specs.load("activecampaign")
SYNCED = answer(201, {"contact": {"id": "113", "email": "ann@example.com"}, "fieldValues": []})
NO_LISTS = answer(json={"contactLists": []})
NOT_IN = answer(json={"contactAutomations": []})


def run(id, answers=(), *, params=None, attributes=ANN, **more):
    made = flows.call(connector, id, settings=SETTINGS, params=PARAMS.get(id, {}) if params is None else params,
                      attributes=attributes, **more)
    return flows.run(connector, id, made, answers)


def on_list(status, list_id="2"):
    return answer(json={"contactLists": [{"id": "1", "list": "9", "status": "2"},
                                         {"id": "7", "list": list_id, "status": status}]})


def entered(adddate, **more):
    entry = {"id": "5", "seriesid": "42", "status": "2", "adddate": adddate, **more}
    return answer(json={"contactAutomations": [entry]})


# -- settings and signing


@pytest.mark.parametrize(("subdomain", "host"), [
    ("shop", "shop.api-us1.com"), ("https://Shop.api-us1.com/", "shop.api-us1.com"),
    ("shop.activehosted.com", "shop.activehosted.com")])
def test_signing_goes_to_the_account_with_the_token_header(subdomain, host):
    signed = flows.sign(connector, {**SETTINGS, "subdomain": subdomain}, get("/api/3/users/me"))
    assert signed.url == f"https://{host}/api/3/users/me"
    assert flows.header(signed, "api-token") == "t0ken"
    assert flows.header(signed, "accept") == "application/json"


@pytest.mark.parametrize("subdomain", ["", "shop.example", "a.b.api-us1.com", "shop.api-us1.com.evil.example", "x@y",
                                       "http://shop.api-us1.com", "shop_1"])
def test_credentials_go_to_an_account_of_activecampaign_and_nowhere_else(subdomain):
    with pytest.raises(ValidationError, match="subdomain"):
        connector.settings(**{**SETTINGS, "subdomain": subdomain})


def test_a_stored_url_wins_over_the_subdomain():
    stored = {**SETTINGS, "base_url": "https://shop-eu.api-us1.com"}
    assert flows.sign(connector, stored, get("/api/3/users/me")).url == "https://shop-eu.api-us1.com/api/3/users/me"
    for other in ("https://evil.example", "http://127.0.0.1:8080/activecampaign"):
        with pytest.raises(ValidationError, match="base_url"):
            connector.settings(**{**SETTINGS, "base_url": other})
    local = {**SETTINGS, "base_url": "http://127.0.0.1:8080/activecampaign", "allow_test_hosts": True}
    assert flows.sign(connector, local, get("/x")).url == "http://127.0.0.1:8080/activecampaign/x"


def test_the_connection_test_says_whose_key_it_is():
    ended = flows.drive(connector.check(connector.settings(**SETTINGS)), [answer(json={"user": {"username": "bob"}})],
                        connector.read)
    assert (ended.lines, ended.done.name) == (["GET /api/3/users/me"], "shop.api-us1.com (as bob)")


# -- reading of answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (answer(400, {}), "rejected", "http_400"),
    (answer(401, {"message": "?"}), "misconfigured", "http_401"),
    (answer(403, body=b'{"errors":[{"status":403,"title":"Forbidden","detail":"no"}]}'), "misconfigured", "http_403"),
    (answer(404, {"message": "No Result found for Subscriber with id 121"}), "rejected", "http_404"),
    (answer(422, {"errors": [{"title": "Invalid", "detail": "x", "code": "email_invalid", "error": "must_be_valid",
                              "source": {"pointer": "/data/attributes/email"}}]}), "rejected", "email_invalid"),
    (answer(429), "unavailable", "http_429"),
    (answer(500), "unavailable", "http_500"),
    (answer(503), "unavailable", "http_503"),
    (answer(200, {"contact": {}}), "rejected", "unreadable_answer"),
])
def test_each_answer_is_read_by_who_must_act(refusal, reason, code):
    ended = run("add_contact", [refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_messages_and_waits_are_the_vendors():
    bad = answer(422, {"errors": [{"title": "Email is invalid", "source": {"pointer": "/data/attributes/email"}}]})
    assert run("add_contact", [bad]).failure.message == "Email is invalid: /data/attributes/email"
    busy = run("add_contact", [answer(429, headers={"Retry-After": "30"})]).failure
    assert (busy.retry_after, busy.throttled) == (30, True)


# -- add_contact


def test_what_was_typed_goes_before_what_was_synced():
    ended = run("add_contact", [SYNCED], params={"field_map": {"plan": "12", "tags": "3", "vip": "4", "gone": "5"}},
                attributes={**ANN, "first_name": "Ann", "last_name": "Old", "plan": "gold", "tags": ["a", "b"],
                            "vip": True},
                form={"email": "typed@example.com", "last_name": " New "})
    (request,) = ended.requests
    assert (request.method, request.path) == ("POST", "/api/3/contact/sync")
    assert request.headers == {"Content-Type": "application/json"}
    assert flows.json(request) == {"contact": {
        "email": "typed@example.com", "firstName": "Ann", "lastName": "New", "fieldValues": [
            {"field": "12", "value": "gold"}, {"field": "3", "value": "||a||b||"}, {"field": "4", "value": "true"}]}}
    assert ended.done == ("113", "", {})


def test_what_is_not_known_is_left_out_so_that_it_stays_as_it_is():
    assert flows.json(run("add_contact", [SYNCED]).requests[0]) == {"contact": {"email": "ann@example.com"}}
    typed = run("add_contact", [SYNCED], attributes={}, form={"email": "typed@example.com", "phone": "1"})
    assert flows.json(typed.requests[0]) == {"contact": {"email": "typed@example.com", "phone": "1"}}


def test_what_was_typed_and_is_no_address_is_rejected_before_any_request():
    ended = run("add_contact", form={"email": "nonsense"})
    assert (ended.requests, ended.code) == ((), "invalid_address")


@pytest.mark.parametrize(("id", "names"), [
    ("add_contact", ("email_address", "form.email")),
    ("add_to_list", ("email_address", "activecampaign_id", "form.email")),
    ("add_to_automation", ("email_address", "activecampaign_id", "form.email"))])
def test_a_user_who_cannot_be_named_is_missing_attributes(id, names):
    ended = run(id, attributes={})
    assert (ended.requests, ended.failure.names) == ((), names)


# -- add_to_list


def test_the_user_is_subscribed():
    made = answer(201, {"contacts": [], "contactList": {"id": "7", "status": 1}})
    ended = run("add_to_list", [SYNCED, NO_LISTS, made])
    assert ended.lines == ["POST /api/3/contact/sync", "GET /api/3/contacts/113/contactLists",
                           "POST /api/3/contactLists"]
    assert flows.json(ended.requests[2]) == {"contactList": {"list": "2", "contact": "113", "status": "1"}}
    assert ended.done == ("7", "", {})


def test_a_synced_id_needs_no_look_up():
    ended = run("add_to_list", [NO_LISTS, answer(json={"contactList": {"id": "7"}})], attributes={**ANN, **BY_ID})
    assert ended.lines == ["GET /api/3/contacts/113/contactLists", "POST /api/3/contactLists"]


@pytest.mark.parametrize(("status", "note", "detail"), [
    ("1", "already_done", {}), ("2", "", {"skipped": "unsubscribed"})])
def test_who_is_on_the_list_or_left_it_is_let_alone(status, note, detail):
    ended = run("add_to_list", [on_list(status)], attributes=BY_ID)
    assert (len(ended.requests), ended.done) == (1, ("7", note, detail))


@pytest.mark.parametrize("seen", [on_list("3"), on_list("0"), on_list("2", "8")])
def test_bounced_unconfirmed_and_other_lists_are_no_reason_against_it(seen):
    assert run("add_to_list", [seen, answer(json={"contactList": {"id": "8"}})], attributes=BY_ID).done.reference == "8"


def test_who_left_the_list_is_re_subscribed_where_the_binding_says_so():
    ended = run("add_to_list", [answer(json={"contactList": {"id": "7"}})], attributes=BY_ID,
                params={"list_id": "2", "resubscribe": True})
    assert ended.lines == ["POST /api/3/contactLists"]
    assert flows.json(ended.requests[0]) == {
        "contactList": {"list": "2", "contact": "113", "status": "1", "sourceid": 4}}


@pytest.mark.parametrize(("id", "seen"), [("add_to_list", NO_LISTS), ("add_to_automation", NOT_IN)])
def test_a_contact_or_list_that_is_gone_is_rejected(id, seen):
    gone = answer(404, {"message": "No Result found for Subscriber with id 113"})
    assert run(id, [gone], attributes=BY_ID).reason == "rejected"
    assert run(id, [seen, gone], attributes=BY_ID).reason == "rejected"


# -- add_to_automation


def test_the_user_enters_the_automation():
    made = answer(201, {"contacts": [], "contactAutomation": {"id": "5", "contact": "113", "automation": "42"}})
    ended = run("add_to_automation", [SYNCED, NOT_IN, made])
    assert ended.lines == ["POST /api/3/contact/sync", "GET /api/3/contacts/113/contactAutomations",
                           "POST /api/3/contactAutomations"]
    assert flows.json(ended.requests[2]) == {"contactAutomation": {"contact": 113, "automation": 42}}
    assert ended.done == ("5", "", {})


@pytest.mark.parametrize("adddate", ["2027-01-15T02:00:00-06:00", "2027-01-15T07:59:20+00:00", "2027-01-15 08:00:00"])
def test_who_entered_since_the_interaction_does_not_enter_again(adddate):
    ended = run("add_to_automation", [entered(adddate)], attributes=BY_ID)
    assert (len(ended.requests), ended.done.reference) == (1, "5")
    assert connector.actions["add_to_automation"].repeat is Repeat.LOOK_BEFORE


@pytest.mark.parametrize("seen", [
    entered("2027-01-15T07:50:00+00:00"), entered("0000-00-00"), entered(None),
    entered("2027-01-15T08:00:00+00:00", seriesid="43")])
def test_earlier_entries_and_those_of_other_automations_do_not_count(seen):
    made = answer(201, {"contactAutomation": {"id": "6"}})
    assert run("add_to_automation", [seen, made], attributes=BY_ID).done.reference == "6"


def test_a_clock_of_the_publisher_that_is_ahead_hides_no_earlier_entry():
    ended = run("add_to_automation", [entered("2027-01-15T07:59:30+00:00")], attributes=BY_ID, time=4_000_000_000_000)
    assert ended.done.reference == "5"


def test_a_contact_who_cannot_enter_is_rejected_and_a_missing_right_pauses_the_connector():
    cannot = answer(403, body=b'{"message": "Could not create SubscriberSeries"}')
    ended = run("add_to_automation", [NOT_IN, cannot], attributes=BY_ID)
    assert (ended.reason, ended.code, ended.failure.status) == ("rejected", "cannot_enter", 403)
    forbidden = answer(403, {"errors": [{"status": 403, "title": "Forbidden", "detail": "no permission"}]})
    ended = run("add_to_automation", [NOT_IN, forbidden], attributes=BY_ID)
    assert (ended.reason, ended.failure.message) == ("misconfigured", "Forbidden: no permission")


# -- pick lists


def options(name, *seen):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), seen, connector.read)


def test_lists_are_offered_page_by_page():
    full = answer(json={"lists": [{"id": str(number), "name": "x"} for number in range(100)]})
    ended = options("lists", full, answer(json={"lists": [{"id": "100", "name": "Last"}]}))
    assert [flows.query(one) for one in ended.requests] == [
        [("limit", "100"), ("offset", "0")], [("limit", "100"), ("offset", "100")]]
    assert (len(ended.done), ended.done[-1]) == (101, ("100", "Last"))


def test_automations_that_run_and_custom_fields_are_offered():
    ended = options("automations", answer(json={"automations": [
        {"id": "1", "name": "On", "status": "1"}, {"id": "2", "name": "Off", "status": "2"}]}))
    assert (ended.lines, ended.done) == (["GET /api/3/automations"], [("1", "On")])
    ended = options("fields", answer(json={"fields": [{"id": "12", "title": "Plan", "type": "text"}]}))
    assert (ended.lines, ended.done) == (["GET /api/3/fields"], [("12", "Plan (text)")])


# -- the vendor's specification


@pytest.mark.skipif(SPECS is None, reason="no vendor-specs/activecampaign folder")
@pytest.mark.parametrize(("id", "seen", "params"), [
    ("add_contact", [SYNCED], {"field_map": {"plan": "12"}}),
    ("add_to_list", [SYNCED, NO_LISTS, answer(json={"contactList": {"id": "7"}})], {"list_id": "2"}),
    ("add_to_list", [SYNCED, answer(json={"contactList": {"id": "7"}})], {"list_id": "2", "resubscribe": True}),
    ("add_to_automation", [SYNCED, NOT_IN, answer(201, {"contactAutomation": {"id": "5"}})], {"automation_id": "42"}),
])
def test_every_request_is_as_the_vendors_specification_says(id, seen, params):
    ended = run(id, seen, params=params, attributes={**ANN, "plan": "gold", "first_name": "Ann", "phone": "1"})
    told = [one._replace(path=one.path.removeprefix("/api/3")) for one in ended.requests]
    assert [problem for one in told for problem in SPECS.problems(one)] == []
