"""SendGrid's actions, settings, signing, reading and pick lists, without a network."""

import pytest
from pydantic import ValidationError

from connectors.crm_marketing.sendgrid import connector
from connectors.kit import Done, MissingAttributes, Option, Repeat, Response
from testkit import flows, specs

SETTINGS = {"api_key": "SG.secret", "from_email": "offers@example.com", "from_name": "Offers"}
TEMPLATE = "d-1a2b3c"
LIST = "0b3cb8a2-1c3f-4a3c-9a05-3f0c0d5b9a11"
ACCEPTED = flows.answer(202, headers={"X-Message-Id": "msg-1"})
UPSERTED = flows.answer(202, {"job_id": "job-1"})


def perform(action, *answers, params=None, settings=SETTINGS, **more):
    call = flows.call(connector, action, settings=settings, params=params, **more)
    return flows.run(connector, action, call, answers)


def send(*answers, action="send_template_email", attributes=None, **more):
    params = {"template_id": TEMPLATE, **more.pop("params", {})}
    known = {"email_address": "ann@example.com"} if attributes is None else attributes
    return perform(action, *answers, params=params, attributes=known, **more)


def add(*answers, params=None, **attributes):
    known = {"email_address": "ann@example.com", **attributes}
    return perform("add_to_list", *answers, params={"list_id": LIST, **(params or {})}, attributes=known)


def read(status, json=None, headers=None):
    return send(flows.answer(status, json, headers=headers)).failure


def test_a_template_mail_goes_to_the_stored_address_with_all_that_the_binding_names():
    run = send(
        ACCEPTED,
        params={"asm_group_id": 7, "categories": ["retention"], "data_map": {"first": "first_name", "plan": "plan"}},
        attributes={"email_address": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "seats": 3},
    )
    assert run.lines == ["POST /v3/mail/send"]
    assert run.requests[0].effect
    assert run.requests[0].headers["Content-Type"] == "application/json"
    assert flows.json(run.requests[0]) == {
        "personalizations": [{
            "to": [{"email": "ann@example.com", "name": "Ann Lee"}],
            "dynamic_template_data": {"first": "Ann"},
            "custom_args": {"engage_execution_id": flows.OUTCOME},
        }],
        "from": {"email": "offers@example.com", "name": "Offers"},
        "template_id": TEMPLATE,
        "categories": ["retention"],
        "asm": {"group_id": 7},
    }
    assert run.done == Done(reference="msg-1", note="accepted")


def test_members_without_a_value_are_left_out():
    body = flows.json(send(ACCEPTED, settings={**SETTINGS, "from_name": ""}).requests[0])
    assert body == {
        "personalizations": [{
            "to": [{"email": "ann@example.com"}], "custom_args": {"engage_execution_id": flows.OUTCOME},
        }],
        "from": {"email": "offers@example.com"}, "template_id": TEMPLATE,
    }


def test_template_data_keeps_numbers_and_lists_and_zero():
    run = send(ACCEPTED, params={"data_map": {"n": "seats", "all": "plans", "none": "gone"}},
               attributes={"email_address": "a@example.com", "seats": 0, "plans": ["a", "b"], "gone": None})
    assert flows.json(run.requests[0])["personalizations"][0]["dynamic_template_data"] == {"n": 0, "all": ["a", "b"]}


def test_the_stored_address_goes_before_the_typed_one():
    run = send(ACCEPTED, form={"email": "other@example.com"})
    assert flows.json(run.requests[0])["personalizations"][0]["to"] == [{"email": "ann@example.com"}]


def test_the_typed_address_stands_in_where_none_is_stored():
    run = send(ACCEPTED, attributes={}, form={"email": " ann@example.com "})
    assert flows.json(run.requests[0])["personalizations"][0]["to"] == [{"email": "ann@example.com"}]


@pytest.mark.parametrize("form", [{}, {"email": "  "}])
def test_without_any_address_both_ways_to_give_one_are_named(form):
    run = send(attributes={}, form=form)
    assert isinstance(run.failure, MissingAttributes)
    assert run.failure.names == ("email_address", "form.email")
    assert not run.requests


def test_a_typed_address_is_sent_to_and_carries_nobodys_name():
    run = send(ACCEPTED, action="send_template_email_to_input", form={"email": "friend@example.org"},
               attributes={"email_address": "ann@example.com", "name": "Ann"})
    assert run.lines == ["POST /v3/mail/send"]
    assert flows.json(run.requests[0])["personalizations"][0]["to"] == [{"email": "friend@example.org"}]
    assert run.done == Done(reference="msg-1", note="accepted")


def test_a_missing_form_input_is_named():
    run = send(action="send_template_email_to_input", attributes={}, form={})
    assert run.failure.names == ("form.email",)


@pytest.mark.parametrize("typed", [
    "ann", "ann@localhost", "a@b@example.com", "Ann <ann@example.com>", "ann@example.com,bob@example.com",
    "ann@exa mple.com", "a\r\nb@example.com", "@example.com", "a" * 65 + "@example.com", ".a@example.com",
])
def test_what_is_no_address_is_refused_before_any_call_and_not_repeated_in_the_message(typed):
    run = send(action="send_template_email_to_input", form={"email": typed})
    assert (run.reason, run.code, run.requests) == ("rejected", "invalid_address", ())
    assert typed not in run.failure.message


def test_an_unanswered_mail_is_never_repeated_and_a_contact_is():
    repeats = {name: action.repeat for name, action in connector.actions.items()}
    assert repeats == {"send_template_email": Repeat.NEVER, "send_template_email_to_input": Repeat.NEVER,
                       "add_to_list": Repeat.HARMLESS}


@pytest.mark.parametrize("params", [
    {"template_id": "1a2b"}, {"asm_group_id": 0}, {"categories": ["x" * 256]}, {"categories": ["x"] * 11}, {"to": "x"},
])
def test_parameters_that_sendgrid_would_refuse_are_refused_in_the_configuration(params):
    with pytest.raises(ValidationError):
        send(params=params)


def test_a_contact_goes_onto_the_list():
    run = add(UPSERTED, first_name="Ann", last_name="Lee")
    assert run.lines == ["PUT /v3/marketing/contacts"]
    assert run.requests[0].realm == "marketing"
    assert flows.json(run.requests[0]) == {
        "list_ids": [LIST], "contacts": [{"email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}],
    }
    assert run.done == Done(reference="job-1", note="accepted")


def test_mapped_traits_become_reserved_or_custom_fields():
    fields = {"city": "town", "first_name": "nickname", "w1": "seats", "w2": "vip", "w3": "plans"}
    run = add(UPSERTED, params={"field_map": fields}, first_name="Ann", nickname="Annie", town="Oslo", seats=3,
              vip=True, plans=["a", "b"])
    assert flows.json(run.requests[0])["contacts"] == [{
        "email": "ann@example.com", "first_name": "Annie", "city": "Oslo",
        "custom_fields": {"w1": 3, "w2": "true", "w3": "a, b"},
    }]


def test_a_list_needs_the_stored_address():
    run = perform("add_to_list", params={"list_id": LIST}, form={"email": "ann@example.com"})
    assert run.failure.names == ("email_address",)


def test_a_refused_field_is_named_with_the_vendors_words():
    failure = read(400, {"errors": [{"message": "Does not contain a valid address.", "field": "from.email"},
                                    {"message": "Second.", "field": None}]})
    assert (failure.reason, failure.status) == ("rejected", 400)
    assert failure.message == "from.email: Does not contain a valid address.; Second."


def test_the_word_null_names_no_field():
    assert read(400, {"errors": [{"message": "Bad.", "field": "null", "error_id": "e-1"}]}).message == "Bad."


def test_an_error_id_is_kept_as_the_request_id():
    assert read(400, {"errors": [{"message": "Bad.", "error_id": "e-1"}]}).request_id == "e-1"


@pytest.mark.parametrize(("status", "json", "reason", "code"), [
    (401, {"errors": [{"message": "The provided authorization grant is invalid"}]}, "misconfigured", "http_401"),
    (401, {"errors": [{"message": "Maximum credits exceeded"}]}, "misconfigured", "credits_exceeded"),
    (403, {"errors": [{"message": "from address is no verified Sender Identity"}]}, "misconfigured", "http_403"),
    (404, None, "rejected", "http_404"),
    (405, None, "rejected", "http_405"),
    (413, {"errors": [{"message": "too large"}]}, "rejected", "http_413"),
    (500, None, "unavailable", "http_500"),
    (503, None, "unavailable", "http_503"),
])
def test_each_status_has_its_reason(status, json, reason, code):
    failure = read(status, json)
    assert (failure.reason, failure.code) == (reason, code)


@pytest.mark.parametrize(("status", "unknown"), [(500, True), (502, True), (503, False), (504, True)])
def test_a_broken_server_may_have_taken_the_mail_and_an_unavailable_one_has_not(status, unknown):
    assert read(status).unknown is unknown


def test_a_rate_limit_lasts_until_the_second_that_sendgrid_names():
    failure = read(429, headers={"X-RateLimit-Reset": "1800000012", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"})
    assert (failure.throttled, failure.unknown, failure.retry_after) == (True, False, 12.0)


def test_a_rate_limit_without_its_end_leaves_the_wait_to_the_engine():
    assert read(429).retry_after is None


@pytest.mark.parametrize(("status", "message", "code"), [
    (400, "email 'ann' is not valid", "invalid_address"), (404, "list_ids: not found", "unknown_list"),
    (400, "invalid list_ids", "unknown_list"), (400, "something else", "http_400"),
])
def test_a_refused_contact_says_whether_address_or_list_is_wrong(status, message, code):
    run = add(flows.answer(status, {"errors": [{"message": message}]}))
    assert (run.reason, run.code) == ("rejected", code)


def test_an_error_without_json_is_told_by_its_text():
    assert send(Response(400, {}, b"<html>no</html>")).failure.message == "<html>no</html>"


def signed(request, **settings):
    return flows.sign(connector, {**SETTINGS, **settings}, request)


def test_mails_go_to_the_chosen_host_with_the_key():
    request = signed(send(ACCEPTED).requests[0], base_url="https://api.eu.sendgrid.com/")
    assert request.url == "https://api.eu.sendgrid.com/v3/mail/send"
    assert flows.header(request, "Authorization") == "Bearer SG.secret"
    assert flows.header(request, "Accept") == "application/json"
    assert flows.header(request, "Content-Type") == "application/json"


@pytest.mark.parametrize("base", ["https://api.sendgrid.com", "https://api.eu.sendgrid.com"])
def test_lists_always_live_on_the_global_host(base):
    assert signed(add(UPSERTED).requests[0], base_url=base).url == "https://api.sendgrid.com/v3/marketing/contacts"


def test_an_emulator_serves_lists_too():
    request = signed(add(UPSERTED).requests[0], base_url="http://127.0.0.1:8080/sendgrid", allow_test_hosts=True)
    assert request.url == "http://127.0.0.1:8080/sendgrid/v3/marketing/contacts"


@pytest.mark.parametrize(("settings", "field"), [
    ({"base_url": "https://evil.example"}, "base_url"), ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"base_url": "https://api.sendgrid.com.evil.example"}, "base_url"), ({"from_email": "Offers"}, "from_email"),
    ({"api_key": ""}, "api_key"), ({"api_key": "secret of Twilio"}, "api_key"),
])
def test_settings_that_would_leak_the_key_or_fail_are_refused_at_their_field(settings, field):
    with pytest.raises(ValidationError) as caught:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
    assert "SG.secret" not in str(caught.value)
    assert "Twilio" not in str(caught.value)


def flow_of(flow, *answers):
    return flows.drive(flow(connector.settings.model_validate(SETTINGS)), answers, connector.read)


def test_the_connection_test_asks_what_the_key_may_do():
    run = flow_of(connector.check, flows.answer(200, {"scopes": ["mail.send", "templates.read"]}))
    assert run.lines == ["GET /v3/scopes"]
    assert run.failure is None


@pytest.mark.parametrize("reply", [flows.answer(200, {"scopes": ["templates.read"]}), flows.answer(401)])
def test_the_connection_test_fails_where_the_key_may_not_send(reply):
    assert flow_of(connector.check, reply).reason == "misconfigured"


def test_templates_are_listed_page_by_page_if_they_can_be_sent():
    first = {"result": [{"id": "d-1", "name": "Offer", "versions": [{"active": 1}]},
                        {"id": "d-2", "name": "Draft", "versions": [{"active": 0}]}],
             "_metadata": {"next": "https://elsewhere.example/v3/templates?page_size=200&page_token=t%2B1"}}
    second = {"result": [{"id": "d-3", "name": "Empty", "versions": []},
                         {"id": "d-4", "name": "Late", "versions": [{"active": 0}, {"active": 1}]}], "_metadata": {}}
    run = flow_of(connector.options["templates"], flows.answer(200, first), flows.answer(200, second))
    assert run.done == [Option("d-1", "Offer"), Option("d-4", "Late")]
    assert run.lines == ["GET /v3/templates"] * 2
    assert flows.query(run.requests[0]) == [("generations", "dynamic"), ("page_size", "200")]
    assert flows.query(run.requests[1])[-1] == ("page_token", "t+1")


def test_lists_are_listed():
    run = flow_of(connector.options["lists"], flows.answer(200, {"result": [{"id": LIST, "name": "News"}]}))
    assert run.done == [Option(LIST, "News")]
    assert (run.requests[0].realm, flows.query(run.requests[0])) == ("marketing", [("page_size", "1000")])


def test_a_list_whose_next_page_is_itself_ends():
    page = flows.answer(200, {"result": [], "_metadata": {"next": "https://x/?page_token=1"}})
    assert len(flow_of(connector.options["lists"], *[page] * 50).requests) == 50


def test_unsubscribe_groups_are_listed():
    run = flow_of(connector.options["unsubscribe_groups"], flows.answer(200, [{"id": 7, "name": "Offers"}]))
    assert (run.lines, run.done) == (["GET /v3/asm/groups"], [Option("7", "Offers")])


def test_contact_fields_are_the_accounts_own_and_those_that_can_be_written():
    found = {"custom_fields": [{"id": "w1", "name": "seats"}],
             "reserved_fields": [{"name": "city"}, {"name": "created_at", "read_only": True}, {"name": "email"}]}
    run = flow_of(connector.options["contact_fields"], flows.answer(200, found))
    assert run.done == [Option("w1", "seats"), Option("city", "city")]


REQUESTS = {
    "full mail": lambda: send(
        ACCEPTED, params={"asm_group_id": 7, "categories": ["a"], "data_map": {"x": "first_name"}},
        attributes={"email_address": "ann@example.com", "first_name": "Ann"}),
    "plain mail": lambda: send(ACCEPTED),
    "typed mail": lambda: send(ACCEPTED, action="send_template_email_to_input", form={"email": "a@example.com"}),
    "contact": lambda: add(UPSERTED, params={"field_map": {"city": "town", "w1": "seats"}}, town="Oslo", seats="3"),
    "scopes": lambda: flow_of(connector.check, flows.answer(200, {"scopes": ["mail.send"]})),
    "templates": lambda: flow_of(connector.options["templates"], flows.answer(200, {})),
    "lists": lambda: flow_of(connector.options["lists"], flows.answer(200, {})),
    "groups": lambda: flow_of(connector.options["unsubscribe_groups"], flows.answer(200, [])),
    "fields": lambda: flow_of(connector.options["contact_fields"], flows.answer(200, {})),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_is_as_the_vendors_specification_says(name):
    spec = specs.load("sendgrid")
    if spec is None:
        pytest.skip("SendGrid's OpenAPI files are not here; TESTKIT_VENDOR_SPECS names their folder")
    for request in REQUESTS[name]().requests:
        assert spec.problems(request, free=["custom_fields"]) == []
