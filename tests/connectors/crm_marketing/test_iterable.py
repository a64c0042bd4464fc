"""Iterable's actions, exports, settings, signing, reading and pick lists, without a network."""

import orjson
import pytest
from pydantic import ValidationError

from connectors.crm_marketing.iterable import connector
from connectors.kit import Done, MissingAttributes, Option, Repeat
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"api_key": "it-key"}
HYBRID, BY_ID = {**SETTINGS, "identify_by": "hybrid"}, {**SETTINGS, "identify_by": "user_id"}
ANN = {"email_address": "ann@example.com"}
OK = answer(200, {"msg": "", "code": "Success", "params": None})
COUNTED = answer(200, {"successCount": 1, "failCount": 0, "failedUpdates": {}})
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
FACTS = {"promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15 07:59:59 +00:00"}


def perform(action, *answers, settings=SETTINGS, attributes=ANN, **more):
    call = flows.call(connector, action, settings=settings, attributes=attributes, **more)
    return flows.run(connector, action, call, answers)


def failed(*lists, count=1, **members):
    return answer(200, {"successCount": 0, "failCount": count, "failedUpdates": dict(lists), **members})


def item(id=EVENTS, *, settings=SETTINGS, attributes=ANN, **more):
    made = flows.call(connector, id, settings=settings, attributes=attributes, **more)
    return connector.exports[id].item(made)


def send(id, items, *answers):
    settings = connector.settings.model_validate(SETTINGS)
    return flows.drive(connector.exports[id].send(settings, items), answers, connector.read)


def users(*names):
    return [item(attributes={"email_address": f"{name}@example.com"}, outcome_id=f"id-{name}") for name in names]


def codes(run):
    return [getattr(end, "code", "") for end in run.done]


# -- who the user is


@pytest.mark.parametrize(("settings", "attributes", "user"), [
    (SETTINGS, ANN, {"email": "ann@example.com"}),
    (SETTINGS, {**ANN, "iterable_user_id": "it-7"}, {"email": "ann@example.com"}),
    (HYBRID, {**ANN, "iterable_user_id": "it-7"}, {"email": "ann@example.com"}),
    (HYBRID, {"iterable_user_id": "it-7"}, {"userId": "it-7"}),
    (HYBRID, {}, {"userId": "u-1"}),
    (BY_ID, {**ANN, "iterable_user_id": "it-7"}, {"userId": "it-7"}),
    (BY_ID, ANN, {"userId": "u-1"}),
])
def test_the_user_is_named_by_exactly_one_identifier_as_the_project_wants_it(settings, attributes, user):
    body = flows.json(perform("track_event", OK, settings=settings, attributes=attributes).requests[0])
    assert {name: body[name] for name in ("email", "userId") if name in body} == user


@pytest.mark.parametrize("action", ["track_event", "add_user_to_list", "trigger_journey"])
def test_a_project_that_wants_addresses_misses_the_address(action):
    params = {"add_user_to_list": {"list_id": 5}, "trigger_journey": {"workflow_id": 6}}.get(action)
    run = perform(action, attributes={"iterable_user_id": "it-7"}, params=params)
    assert (run.requests, run.failure.names) == ((), ("email_address",))


def test_an_event_without_user_id_names_what_could_stand_in():
    run = perform("track_event", settings=HYBRID, attributes={}, user_id="")
    assert run.failure.names == ("email_address", "iterable_user_id")


# -- actions


def test_an_event_has_our_id_its_own_time_and_the_prompt():
    run = perform("track_event", answer(200, {"msg": "", "code": "Success", "params": {"id": OUTCOME}}),
                  variant_id="v-1", variant_name="B")
    assert run.lines == ["POST /api/events/track"]
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert flows.json(run.requests[0]) == {
        "email": "ann@example.com", "eventName": "Recurly Engage Prompt Click", "id": OUTCOME, "createdAt": 1799999999,
        "dataFields": {**FACTS, "variation_id": "v-1", "variation_name": "B"},
    }
    assert run.done == Done(OUTCOME, "accepted")


def test_an_event_can_be_named_attributed_and_filled():
    params = {"event_name": "Saved", "campaign_id": 7, "template_id": 8, "create_new_fields": False,
              "extra_fields": {"seats": "%seats%", "reason": "%promoInput1Value%", "team": "growth", "gone": "%gone%",
                               "promo_id": "forged"}}
    run = perform("track_event", OK, params=params, attributes={**ANN, "seats": 3}, form={"promoInput1Value": "dear"})
    body = flows.json(run.requests[0])
    assert (body["eventName"], body["campaignId"], body["templateId"]) == ("Saved", 7, 8)
    assert body["createNewFields"] is False
    assert body["dataFields"] == {**FACTS, "seats": 3, "reason": "dear", "team": "growth"}


@pytest.mark.parametrize(("interaction", "name"), [
    ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"), ("timeout", "Timeout"),
    ("impression", "Impression"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    body = flows.json(perform("track_event", OK, interaction=interaction).requests[0])
    assert body["eventName"] == f"Recurly Engage Prompt {name}"


@pytest.mark.parametrize("existing", [False, True])
def test_the_user_is_put_on_the_list(existing):
    run = perform("add_user_to_list", COUNTED, params={"list_id": 501, "update_existing_only": existing})
    assert run.lines == ["POST /api/lists/subscribe"]
    subscriber = {"email": "ann@example.com", "dataFields": {}, "mergeNestedObjects": True, "preferUserId": True}
    assert flows.json(run.requests[0]) == {
        "listId": 501, "updateExistingUsersOnly": existing, "subscribers": [subscriber],
    }
    assert run.done == Done("501")


@pytest.mark.parametrize(("reply", "code"), [
    (failed(("invalidEmails", ["Ann@Example.com"])), "invalidEmails"),
    (failed(("forgottenEmails", ["ann@example.com"])), "forgottenEmails"),
    (failed(("notFoundEmails", ["ann@example.com"])), "notFoundEmails"),
    (failed(("conflictEmails", ["ann@example.com"])), "conflictEmails"),
    (failed(invalidEmails=["ann@example.com"]), "invalidEmails"),
    (failed(("invalidEmails", ["bob@example.com"])), "not_subscribed"),
    (answer(200, {"failCount": 1}), "not_subscribed"),
])
def test_a_list_that_did_not_take_the_user_says_why_without_repeating_the_address(reply, code):
    run = perform("add_user_to_list", reply, params={"list_id": 501})
    assert (run.reason, run.code) == ("rejected", code)
    assert "example.com" not in run.failure.message


def test_a_user_id_that_failed_is_found_too():
    run = perform("add_user_to_list", failed(("invalidUserIds", ["u-1"])), settings=BY_ID, params={"list_id": 501})
    assert run.code == "invalidUserIds"


def test_a_journey_starts_for_the_user():
    params = {"workflow_id": 601, "data_fields": {"name": "%first_name%", "offer": "20% off"}}
    run = perform("trigger_journey", OK, params=params, attributes={**ANN, "first_name": "Ann"})
    assert run.lines == ["POST /api/workflows/triggerWorkflow"]
    assert flows.json(run.requests[0]) == {
        "workflowId": 601, "email": "ann@example.com",
        "dataFields": {"name": "Ann", "offer": "20% off", "promo_id": "p-1", "promo_name": "Stay with us"},
    }
    assert run.done == Done("", "accepted")


@pytest.mark.parametrize(("settings", "attributes", "recipient"), [
    (SETTINGS, ANN, {"recipientEmail": "ann@example.com"}),
    (HYBRID, {"iterable_user_id": "it-7"}, {"recipientUserId": "it-7"}),
    (BY_ID, {**ANN, "iterable_user_id": "it-7"}, {"recipientUserId": "it-7"}),
])
def test_a_campaign_goes_to_the_user_once_and_tells_our_outcome(settings, attributes, recipient):
    run = perform("send_campaign_email", OK, settings=settings, attributes=attributes,
                  params={"campaign_id": 701, "data_fields": {"plan": "gold"}})
    assert run.lines == ["POST /api/email/target"]
    assert flows.json(run.requests[0]) == {
        "campaignId": 701, **recipient, "dataFields": {"plan": "gold"}, "allowRepeatMarketingSends": False,
        "metadata": {"outcome_id": OUTCOME},
    }
    assert run.done == Done("", "accepted")


def test_repeat_marketing_sends_can_be_allowed():
    run = perform("send_campaign_email", OK, params={"campaign_id": 701, "allow_repeat": True})
    assert flows.json(run.requests[0])["allowRepeatMarketingSends"] is True


def test_a_campaign_needs_a_stored_identifier():
    run = perform("send_campaign_email", attributes={}, params={"campaign_id": 701})
    assert (run.requests, run.failure.names) == ((), ("email_address", "iterable_user_id"))


def typed(*answers, form=None, **more):
    return perform("send_campaign_email_to_input", *answers, params={"campaign_id": 701}, attributes={},
                   form={"email": "friend@example.org"} if form is None else form, **more)


def test_a_campaign_goes_to_the_typed_address():
    run = typed(OK)
    assert run.lines == ["POST /api/email/target"]
    assert flows.json(run.requests[0])["recipientEmail"] == "friend@example.org"
    assert run.done == Done("", "accepted")


def test_an_unknown_address_is_added_and_the_mail_sent_then():
    unknown = answer(400, {"msg": "?", "code": "UnknownEmailError"})
    run = typed(unknown, OK, OK)
    assert run.lines == ["POST /api/email/target", "POST /api/users/update", "POST /api/email/target"]
    assert flows.json(run.requests[1]) == {"email": "friend@example.org"}
    assert run.requests[0].body == run.requests[2].body
    assert run.done.note == "accepted"
    assert typed(unknown, OK, unknown).code == "UnknownEmailError"


@pytest.mark.parametrize(("settings", "code"), [
    (BY_ID, "UnknownEmailError"), (SETTINGS, "BadParams"), (SETTINGS, "InvalidEmailAddressError"),
    (BY_ID, "InvalidUserIdError"), (BY_ID, "UnknownUserIdError"), (SETTINGS, "ForgottenUserError"),
])
def test_other_refusals_of_a_typed_address_end_it(settings, code):
    run = typed(answer(400, {"msg": "no", "code": code}), settings=settings)
    assert (run.reason, run.code, len(run.requests)) == ("rejected", code, 1)


@pytest.mark.parametrize(("form", "reason"), [({}, "missing_attributes"), ({"email": "ann"}, "rejected")])
def test_without_a_typed_address_nothing_is_sent(form, reason):
    run = typed(form=form)
    assert (run.requests, run.reason) == ((), reason)


def test_mails_and_journeys_are_never_repeated_the_rest_is_harmless():
    assert {name: one.repeat for name, one in connector.actions.items()} == {
        "track_event": Repeat.HARMLESS, "add_user_to_list": Repeat.HARMLESS, "trigger_journey": Repeat.NEVER,
        "send_campaign_email": Repeat.NEVER, "send_campaign_email_to_input": Repeat.NEVER,
    }


# -- exports


def test_profiles_hold_what_is_there_with_its_type():
    made = item(PROFILES, params={"traits": ["plan", "seats", "plans", "gone"], "merge_nested": False},
                attributes={**ANN, "plan": "gold", "seats": 0, "plans": ["a"], "gone": None})
    assert orjson.loads(made.body) == {
        "email": "ann@example.com", "dataFields": {"plan": "gold", "seats": 0, "plans": ["a"]},
        "mergeNestedObjects": False, "preferUserId": True,
    }
    assert connector.exports[PROFILES].trigger == "attributes"


def test_a_user_with_none_of_the_attributes_is_missing_them():
    with pytest.raises(MissingAttributes) as missing:
        item(PROFILES, params={"traits": ["plan"]})
    assert missing.value.names == ("plan",)


def test_profiles_go_together():
    made = [item(PROFILES, params={"traits": ["plan"]}, attributes={**ANN, "plan": "gold"})] * 2
    run = send(PROFILES, made, answer(200, {"successCount": 2, "failCount": 0}))
    assert run.lines == ["POST /api/users/bulkUpdate"]
    body = flows.json(run.requests[0])
    assert (body["createNewFields"], len(body["users"])) == (True, 2)
    assert body["users"][0] == orjson.loads(made[0].body)
    assert run.done == [Done("", "accepted")] * 2


def test_events_go_together_each_under_its_id():
    run = send(EVENTS, users("ann", "bob"), answer(200, {"successCount": 2, "failCount": 0}))
    assert run.lines == ["POST /api/events/trackBulk"]
    assert [one["id"] for one in flows.json(run.requests[0])["events"]] == ["id-ann", "id-bob"]
    assert run.done == [Done("id-ann", "accepted"), Done("id-bob", "accepted")]


def test_only_the_users_that_iterable_names_fail():
    run = send(EVENTS, users("ann", "bob", "cat"),
               failed(("forgottenEmails", ["bob@example.com"]), ("invalidEmails", ["cat@example.com"]), count=2))
    assert codes(run) == ["", "forgottenEmails", "invalidEmails"]


def test_events_of_a_name_that_is_not_allowed_fail():
    run = send(EVENTS, users("ann"), failed(disallowedEventNames=["Recurly Engage Prompt Click"]))
    assert codes(run) == ["disallowedEventName"]


def test_where_more_failed_than_iterable_names_halving_finds_them():
    fine, some = answer(200, {"failCount": 0}), answer(200, {"failCount": 1})
    run = send(EVENTS, users("a", "b", "c", "d"), some, fine, some, some, fine)
    assert codes(run) == ["", "", "failed", ""]
    assert [len(flows.json(one)["events"]) for one in run.requests] == [4, 2, 2, 1, 1]


@pytest.mark.parametrize(("status", "code"), [
    (400, "BatchTooLarge"), (413, "BatchTooLarge"), (400, "RequestFieldsTypesMismatched"), (409, "ForgottenUserError"),
    (400, "UniqueFieldsLimitExceeded"), (400, "ForgottenUserError"), (400, "InvalidEmailAddressError"),
])
def test_a_batch_that_one_item_can_spoil_goes_in_halves(status, code):
    no = answer(status, {"code": code, "msg": "no"})
    run = send(EVENTS, users("a", "b"), no, no, COUNTED)
    assert codes(run) == [code, ""]


def test_a_batch_whose_json_is_refused_fails_all_items_at_once():
    run = send(EVENTS, users("a", "b"), answer(400, {"code": "BadJsonBody"}))
    assert codes(run) == ["BadJsonBody"] * 2


def test_a_batch_waits_while_iterable_is_busy():
    run = send(EVENTS, users("a", "b"), answer(429, {"code": "RateLimitExceeded", "params": {"rateLimitReset": 3}}))
    assert (run.reason, run.failure.retry_after) == ("unavailable", 3.0)


# -- answers


@pytest.mark.parametrize(("status", "body", "reason", "code"), [
    (200, {"code": "BadParams", "msg": "?"}, "rejected", "BadParams"),
    (400, {"code": "BadParams", "msg": "?"}, "rejected", "BadParams"),
    (400, {"code": "UnknownUserIdError"}, "rejected", "UnknownUserIdError"),
    (400, {"code": "QueueEmailError"}, "rejected", "QueueEmailError"),
    (400, {"code": "Success"}, "rejected", "http_400"),
    (401, {"code": "BadApiKey", "msg": "Invalid API key"}, "misconfigured", "BadApiKey"),
    (403, {"code": "Forbidden"}, "misconfigured", "Forbidden"),
    (404, None, "rejected", "http_404"),
    (409, {"code": "ExternalKeyConflict"}, "rejected", "ExternalKeyConflict"),
    (422, None, "rejected", "http_422"),
    (429, {"code": "RateLimitExceeded"}, "unavailable", "RateLimitExceeded"),
    (500, {"code": "GenericError"}, "unavailable", "GenericError"),
    (502, None, "unavailable", "http_502"),
])
def test_the_status_decides_and_iterables_code_says_why(status, body, reason, code):
    run = perform("trigger_journey", answer(status, body), params={"workflow_id": 601})
    assert (run.reason, run.code) == (reason, code)


@pytest.mark.parametrize(("code", "unknown"), [
    ("QueueEmailError", False), ("GenericError", True), ("DatabaseError", True),
])
def test_a_mail_that_could_not_be_queued_was_not_sent(code, unknown):
    run = perform("send_campaign_email", answer(500, {"code": code}), params={"campaign_id": 701})
    assert run.failure.unknown is unknown


@pytest.mark.parametrize(("params", "headers", "wait"), [
    ({"rateLimitReset": 2}, {}, 2.0), (None, {"Retry-After": "5"}, 5.0), ({"rateLimitReset": "x"}, {}, None),
])
def test_a_rate_limit_names_the_seconds_to_wait(params, headers, wait):
    reply = answer(429, {"code": "RateLimitExceeded", "params": params}, headers=headers)
    assert perform("track_event", reply).failure.retry_after == wait


# -- settings, signing, pick lists


@pytest.mark.parametrize(("center", "host"), [("us", "api.iterable.com"), ("eu", "api.eu.iterable.com")])
def test_the_key_goes_to_the_projects_data_center(center, host):
    signed = flows.sign(connector, {**SETTINGS, "data_center": center}, perform("track_event", OK).requests[0])
    assert signed.url == f"https://{host}/api/events/track"
    assert flows.header(signed, "Api-Key") == "it-key"
    assert b"it-key" not in signed.body


@pytest.mark.parametrize(("settings", "place"), [
    ({"base_url": "https://api.iterable.com.evil.example"}, "base_url"),
    ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"identify_by": "phone"}, "identify_by"), ({"data_center": "in"}, "data_center"), ({"api_key": ""}, "api_key"),
])
def test_settings_that_would_leak_the_key_or_fail_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as caught:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in caught.value.errors()] == [(place,)]
    assert "it-key" not in str(caught.value)


@pytest.mark.parametrize(("action", "params"), [
    ("add_user_to_list", {}), ("add_user_to_list", {"list_id": 0}), ("trigger_journey", {}),
    ("send_campaign_email", {"campaign_id": "x"}), ("track_event", {"extra_fields": {"a": "%dead%41"}}),
])
def test_parameters_that_cannot_work_are_refused_in_the_configuration(action, params):
    with pytest.raises(ValidationError):
        perform(action, params=params)


def flow_of(flow, *answers, settings=SETTINGS):
    return flows.drive(flow(connector.settings.model_validate(settings)), answers, connector.read)


def test_the_connection_test_lists_the_lists():
    run = flow_of(connector.check, answer(200, {"lists": []}), settings={**HYBRID, "data_center": "eu"})
    assert (run.lines, run.done.name) == (["GET /api/lists"], "Iterable project (eu, users by hybrid)")
    assert flow_of(connector.check, answer(401, {"code": "BadApiKey"})).reason == "misconfigured"


def test_lists_that_users_can_be_put_into():
    rows = [{"id": 1, "name": "A", "listType": "Standard"}, {"id": 2, "name": "B", "listType": "Dynamic"}]
    assert flow_of(connector.options["lists"], answer(200, {"lists": rows})).done == [Option("1", "A")]


def test_journeys_page_by_page():
    rows = [{"id": 1, "name": "A", "enabled": True, "isArchived": False},
            {"id": 2, "name": "B", "enabled": False}, {"id": 3, "name": "C", "enabled": True, "isArchived": True}]
    first = answer(200, {"journeys": rows, "nextPageUrl": "https://elsewhere.example/"})
    run = flow_of(connector.options["journeys"], first, answer(200, {"journeys": rows[:1]}))
    assert run.done == [Option("1", "A")] * 2
    assert [flows.query(one) for one in run.requests] == [
        [("page", page), ("pageSize", "50"), ("sort", "id")] for page in ("1", "2")
    ]
    assert run.lines == ["GET /api/journeys"] * 2


def test_campaigns_that_can_be_sent_to_one_user():
    kinds = [("Triggered", "Email", "Running"), ("Blast", "Email", "Running"), ("Triggered", "Push", "Running"),
             ("Triggered", "Email", "Archived")]
    rows = [{"id": number, "name": "N", "type": kind, "messageMedium": medium, "campaignState": state}
            for number, (kind, medium, state) in enumerate(kinds)]
    assert flow_of(connector.options["campaigns"], answer(200, {"campaigns": rows})).done == [Option("0", "N")]


def test_a_list_whose_pages_never_end_ends():
    page = answer(200, {"journeys": [], "nextPageUrl": "x"})
    assert len(flow_of(connector.options["journeys"], *[page] * 20).requests) == 20
