"""Salesforce's actions without a network: cases, sends, and what happens where only one half is set up."""

import pytest

from connectors.crm_marketing.salesforce_marketing_cloud import connector
from connectors.kit import Account, Done, Repeat
from testkit import flows

SUPPORT = {"support_login_url": "https://acme.my.salesforce.com", "support_client_id": "id",
           "support_client_secret": "hush"}
MARKETING = {"mc_client_id": "id", "mc_client_secret": "hush",
             "mc_base_url": "https://t.rest.marketingcloudapis.com/",
             "mc_auth_base_url": "https://t.auth.marketingcloudapis.com/",
             "mc_soap_base_url": "https://t.soap.marketingcloudapis.com/"}
BOTH = {**SUPPORT, **MARKETING}
CONTACT = "003000000000001AAA"
EMAIL = {"email_address": "ann@example.com"}
QUERY = "GET /services/data/v66.0/query"
CASE = "/services/data/v66.0/sobjects/Case"
PAGE = "GET /messaging/v1/email/definitions?$pageSize={}&$page={}"
CREATED = flows.answer(201, {"id": "500A", "success": True, "errors": []})


def perform(action, *answers, params=None, attributes=None, settings=BOTH, **more):
    call = flows.call(connector, action, settings=settings, params=params, attributes=attributes, **more)
    return flows.run(connector, action, call, answers)


def records(*ids, **more):
    return flows.answer(200, {"totalSize": len(ids), "done": True, "records": [{"Id": one} for one in ids], **more})


def refused(status, code, message="no"):
    return flows.answer(status, [{"message": message, "errorCode": code}])


def soql(request):
    return dict(request.query)["q"]


def flow_of(flow, *answers, settings=BOTH):
    return flows.drive(flow(connector.settings.model_validate(settings)), answers, connector.read)


# Cases

def test_a_case_tells_who_answered_which_prompt_when_and_what_is_known_of_the_user():
    params = {"priority": "High", "status": "New", "extra_fields": {"Vip__c": True}}
    run = perform("create_case", CREATED, params=params,
                  attributes={"salesforce_id": CONTACT, **EMAIL, "name": "Ann Lee", "plans": ["a", "b"]})
    assert run.lines == [f"POST {CASE}"]
    assert run.requests[0].realm == "support"
    assert flows.json(run.requests[0]) == {
        "Subject": "Offer accepted: Stay with us",
        "Description": "User: u-1\nPrompt: Stay with us (p-1)\nInteraction: accept\nTime: 2027-01-15T07:59:59+00:00\n"
                       f"email_address: ann@example.com\nname: Ann Lee\nplans: a, b\nsalesforce_id: {CONTACT}",
        "Origin": "Web", "Priority": "High", "Status": "New", "ContactId": CONTACT,
        "SuppliedEmail": "ann@example.com", "SuppliedName": "Ann Lee", "Vip__c": True,
    }
    assert run.done == Done(reference="500A")


def test_a_case_needs_no_attribute_at_all():
    run = perform("create_case", CREATED, params={"subject": "Help", "origin": "Prompt"})
    assert set(flows.json(run.requests[0])) == {"Subject", "Description", "Origin"}
    assert flows.json(run.requests[0])["Subject"] == "Help"


def test_the_contact_is_looked_up_by_address():
    run = perform("create_case", records(CONTACT), CREATED, attributes=EMAIL)
    assert run.lines == [QUERY, f"POST {CASE}"]
    assert soql(run.requests[0]) == "SELECT Id FROM Contact WHERE Email = 'ann@example.com' LIMIT 200"
    assert flows.json(run.requests[1])["ContactId"] == CONTACT


@pytest.mark.parametrize("found", [records(), records(CONTACT, "003000000000002AAA"),
                                   refused(400, "INVALID_TYPE"), refused(404, "NOT_FOUND")])
def test_a_case_is_opened_without_a_contact_where_not_exactly_one_is_found(found):
    run = perform("create_case", found, CREATED, attributes=EMAIL)
    assert run.done == Done(reference="500A")
    assert "ContactId" not in flows.json(run.requests[1])


def test_an_id_of_something_else_is_no_contact():
    run = perform("create_case", CREATED, attributes={"salesforce_id": "00Q000000000001AAA"})
    assert "ContactId" not in flows.json(run.requests[0])


def test_an_external_id_field_makes_the_case_an_upsert_under_the_outcomes_id():
    run = perform("create_case", flows.answer(201, {"id": "500A", "success": True, "created": True}),
                  params={"external_id_field": "Engage_Execution_Id__c"})
    assert run.lines == [f"PATCH {CASE}/Engage_Execution_Id__c/{flows.OUTCOME}"]
    assert "Engage_Execution_Id__c" not in flows.json(run.requests[0])
    assert run.done == Done(reference="500A")


@pytest.mark.parametrize(("reply", "reference"), [
    (flows.answer(200, {"id": "500A", "success": True, "created": False}), "500A"), (flows.answer(204), flows.OUTCOME),
])
def test_an_upsert_that_finds_the_case_was_done_before(reply, reference):
    run = perform("create_case", reply, params={"external_id_field": "Engage_Execution_Id__c"})
    assert run.done == Done(reference=reference, note="already_done")


@pytest.mark.parametrize("name", ["a/b", "x'", "1x", "a.b"])
def test_an_external_id_field_is_an_api_name(name):
    with pytest.raises(ValueError, match="external_id_field"):
        perform("create_case", params={"external_id_field": name})


@pytest.mark.parametrize(("status", "code", "reason"), [
    (400, "REQUIRED_FIELD_MISSING", "rejected"), (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "rejected"),
    (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "rejected"), (400, "DUPLICATES_DETECTED", "rejected"),
    (403, "INSUFFICIENT_ACCESS_OR_READONLY", "misconfigured"), (403, "API_DISABLED_FOR_ORG", "misconfigured"),
    (401, "INVALID_SESSION_ID", "misconfigured"), (410, "UNSUPPORTED_API_VERSION", "misconfigured"),
    (404, "NOT_FOUND", "rejected"), (415, "UNSUPPORTED_MEDIA_TYPE", "rejected"),
    (400, "UNABLE_TO_LOCK_ROW", "unavailable"), (403, "REQUEST_LIMIT_EXCEEDED", "unavailable"),
    (503, "SERVER_UNAVAILABLE", "unavailable"), (500, "UNKNOWN_EXCEPTION", "unavailable"),
])
def test_each_answer_of_support_has_its_reason(status, code, reason):
    run = perform("create_case", refused(status, code, "why"))
    assert (run.reason, run.code, run.failure.status) == (reason, code, status)
    assert "why" in run.failure.message


def test_an_external_id_that_is_not_unique_is_refused():
    run = perform("create_case", flows.answer(300, ["/a", "/b"]), params={"external_id_field": "Key__c"})
    assert (run.reason, run.code) == ("rejected", "http_300")


def test_a_lock_and_a_used_up_allowance_leave_nothing_in_doubt():
    lock = perform("create_case", refused(400, "UNABLE_TO_LOCK_ROW")).failure
    limit = perform("create_case", refused(403, "REQUEST_LIMIT_EXCEEDED")).failure
    assert (lock.unknown, limit.unknown) == (False, False)
    assert (limit.throttled, limit.retry_after) == (True, 900.0)


def test_a_repeat_of_a_case_is_safe_only_with_an_external_id():
    action = connector.actions["create_case"]
    settings = connector.settings.model_validate(BOTH)
    assert action.safety(action.params(), settings) is Repeat.NEVER
    assert action.safety(action.params(external_id_field="Key__c"), settings) is Repeat.KEY


# Sends

def send(*answers, attributes=None, params=None, **more):
    params = {"definition_key": "offer", **(params or {})}
    return perform("triggered_send", *answers, params=params, attributes=EMAIL if attributes is None else attributes,
                   **more)


ACCEPTED = flows.answer(202, {"requestId": "r-1", "errorcode": 0, "responses": [{"messageKey": flows.OUTCOME}]})


def test_a_transactional_send_carries_the_outcomes_id_as_its_message_key():
    run = send(ACCEPTED, params={"attribute_map": {"First": "first_name", "Seats": "seats", "No": "gone"}},
               attributes={**EMAIL, "subscriber_key": "sub-1", "first_name": "Ann", "seats": 3})
    assert run.lines == [f"POST /messaging/v1/email/messages/{flows.OUTCOME}"]
    assert run.requests[0].realm == "marketing"
    assert flows.json(run.requests[0]) == {
        "definitionKey": "offer",
        "recipient": {"contactKey": "sub-1", "to": "ann@example.com", "attributes": {"First": "Ann", "Seats": "3"}},
    }
    assert run.done == Done(reference=flows.OUTCOME, note="accepted")


def test_without_a_subscriber_key_the_address_is_the_key_and_no_attributes_are_sent():
    assert flows.json(send(ACCEPTED).requests[0])["recipient"] == {
        "contactKey": "ann@example.com", "to": "ann@example.com"}


def test_a_typed_address_is_used_only_where_none_is_stored():
    assert flows.json(send(ACCEPTED, form={"email": "x@example.com"}).requests[0])["recipient"]["to"] == EMAIL[
        "email_address"]
    typed = send(ACCEPTED, attributes={}, form={"email": "x@example.com"})
    assert flows.json(typed.requests[0])["recipient"]["to"] == "x@example.com"


def test_a_send_without_any_address_names_both_ways():
    assert send(attributes={}).failure.names == ("email_address", "form.email")


def test_a_typed_address_that_is_none_is_refused():
    assert send(attributes={}, form={"email": "nobody"}).code == "invalid_address"


@pytest.mark.parametrize("reply", [
    flows.answer(202, {"errorcode": 109001, "responses": [{"errorcode": 109110}]}),
    flows.answer(400, {"errorcode": 109110, "message": "DuplicateMessageKey"}),
    flows.answer(409, {"errorcode": "109110"}),
])
def test_a_message_key_that_was_used_before_means_done(reply):
    assert send(reply).done == Done(reference=flows.OUTCOME, note="already_done")


@pytest.mark.parametrize(("json", "code", "words"), [
    ({"errorcode": 109001, "responses": [{"errorcode": 109106, "message": "bad to"}]}, "109106", "bad to"),
    ({"errorcode": 109001, "responses": [{"errorcode": 109109}]}, "109109", "subscriber key"),
    ({"errorcode": 109001, "responses": [{"errorcode": 109105}]}, "109105", ""),
    ({"errorcode": 109001, "responses": [{"errorcode": 109121}]}, "109121", ""),
    ({"errorcode": 109111, "message": "InvalidValue_definitionKey"}, "109111", "definition is unknown"),
    ({"errorcode": 109001}, "109001", ""),
])
def test_a_refusal_inside_a_202_is_a_refusal(json, code, words):
    run = send(flows.answer(202, {"requestId": "r-1", **json}))
    assert (run.reason, run.code, run.failure.request_id) == ("rejected", code, "r-1")
    assert words in run.failure.message


@pytest.mark.parametrize(("status", "json", "reason", "code"), [
    (400, {"message": "bad", "errorcode": 10000}, "rejected", "10000"),
    (400, {"message": "bad", "errorcode": 10006}, "rejected", "10006"),
    (403, {"message": "Insufficient Privileges", "errorcode": 20002}, "misconfigured", "20002"),
    (404, {"message": "none", "errorcode": 30003}, "rejected", "30003"),
    (401, {"message": "Not Authorized", "errorcode": 0}, "misconfigured", "http_401"),
    (403, {"message": "Insufficient Privileges", "errorcode": 20000}, "misconfigured", "20000"),
    (429, {"message": "Rate limit exceeded", "errorcode": 50100, "retryAfter": 5}, "unavailable", "50100"),
    (500, None, "unavailable", "http_500"),
])
def test_each_answer_of_marketing_cloud_has_its_reason(status, json, reason, code):
    run = send(flows.answer(status, json))
    assert (run.reason, run.code) == (reason, code)


@pytest.mark.parametrize(("json", "headers", "wait"), [
    ({"errorcode": 50100, "retryAfter": 5}, {"Retry-After": "9"}, 5.0),
    ({"errorcode": 50100}, {"Retry-After": "9"}, 9.0),
    ({"errorcode": 50200}, {}, 60.0), ({"errorcode": 50100}, {}, None),
])
def test_a_rate_limit_waits_as_long_as_it_says(json, headers, wait):
    failure = send(flows.answer(429, json, headers=headers)).failure
    assert (failure.throttled, failure.retry_after) == (True, wait)


LEGACY = {"send_kind": "triggered_send_definition", "definition_key": "welcome/1"}


def test_a_triggered_send_definition_is_sent_from_the_settings_address():
    queued = {"recipientSendId": "rs-1", "hasErrors": False, "messages": ["Queued"]}
    run = send(flows.answer(202, {"responses": [queued]}),
               params={**LEGACY, "attribute_map": {"First": "first_name"}}, attributes={**EMAIL, "first_name": "Ann"},
               settings={**BOTH, "mc_from_email": "offers@example.com"})
    assert run.lines == ["POST /messaging/v1/messageDefinitionSends/key:welcome%2F1/send"]
    assert flows.json(run.requests[0]) == {
        "From": {"Address": "offers@example.com"},
        "To": {"Address": "ann@example.com", "SubscriberKey": "ann@example.com",
               "ContactAttributes": {"SubscriberAttributes": {"First": "Ann"}}},
        "Options": {"RequestType": "ASYNC"},
    }
    assert run.done == Done(reference="rs-1", note="accepted")


@pytest.mark.parametrize(("end", "code", "words"), [
    ({"hasErrors": True, "messageErrors": [{"messageErrorCode": 180008, "messageErrorStatus": "InvalidSubscriber"}]},
     "180008", "no valid subscriber"),
    ({"hasErrors": True, "messages": ["Nope"]}, "has_errors", "Nope"),
    ({"hasErrors": False, "messages": ["InvalidOrMissingToAddress"]}, "InvalidOrMissingToAddress", "address"),
])
def test_a_triggered_send_with_errors_inside_its_202_is_refused(end, code, words):
    run = send(flows.answer(202, {"responses": [end]}), params=LEGACY)
    assert (run.reason, run.code) == ("rejected", code)
    assert words in run.failure.message


def test_only_a_transactional_send_is_safe_to_repeat_and_for_two_days():
    action = connector.actions["triggered_send"]
    settings = connector.settings.model_validate(BOTH)
    assert action.safety(action.params(definition_key="x"), settings) is Repeat.KEY
    assert action.safety(action.params(**LEGACY), settings) is Repeat.NEVER
    assert action.keeps_keys == 2 * 24 * 3600


# One half without the other

@pytest.mark.parametrize(("action", "settings", "params"), [
    ("create_case", MARKETING, {}), ("post_case_feed_item", MARKETING, {}),
    ("triggered_send", SUPPORT, {"definition_key": "x"}), ("add_subscriber_to_list", SUPPORT, {"list_id": 1}),
    ("add_input_to_list", SUPPORT, {"list_id": 1}),
])
def test_an_action_of_a_half_that_is_not_set_up_says_which_fields_to_fill_in(action, settings, params):
    run = perform(action, params=params, settings=settings, attributes=EMAIL, form={"email": "x@example.com"})
    assert (run.reason, run.code, run.requests) == ("rejected", "not_set_up", ())
    assert "fill in" in run.failure.message


# Connection test and pick lists


@pytest.mark.parametrize(("settings", "lines", "account"), [
    (BOTH, ["GET /services/data/v66.0/limits", PAGE.format(1, 1)], Account("acme.my.salesforce.com", "live")),
    ({**SUPPORT, "support_login_url": "https://acme--dev.sandbox.my.salesforce.com"},
     ["GET /services/data/v66.0/limits"], Account("acme--dev.sandbox.my.salesforce.com", "sandbox")),
    (MARKETING, [PAGE.format(1, 1)], Account("t.rest.marketingcloudapis.com", "")),
])
def test_the_connection_test_signs_in_wherever_it_is_set_up(settings, lines, account):
    run = flow_of(connector.check, *[flows.answer(200, {})] * len(lines), settings=settings)
    assert (run.lines, run.done) == (lines, account)


def test_a_package_that_may_only_send_passes_the_connection_test():
    assert flow_of(connector.check, flows.answer(403), settings=MARKETING).failure is None
    assert flow_of(connector.check, flows.answer(401), settings=MARKETING).reason == "misconfigured"
