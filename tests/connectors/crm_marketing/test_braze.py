"""Braze's actions, settings, signing and reading, without a network."""

import pytest
from pydantic import ValidationError

from connectors.crm_marketing.braze import connector
from connectors.kit import Done, Repeat
from testkit import flows
from testkit.flows import answer

SETTINGS = {"base_url": "https://rest.fra-02.braze.eu", "api_key": "0a1b-key"}
OWN_IDS = {**SETTINGS, "user_id_is_external_id": True}
TRACKED = answer(201, {"message": "success", "attributes_processed": 1})
ALIASED = answer(201, {"message": "success", "aliases_processed": 1})
EMAIL = {"email": "ann@example.com"}


def perform(action, *answers, settings=SETTINGS, **more):
    return flows.run(connector, action, flows.call(connector, action, settings=settings, **more), answers)


def add(*answers, form=EMAIL, **more):
    return perform("add_user_with_email", *(answers or [TRACKED]), form=form, **more)


def upsert(*answers, attributes=None, **more):
    known = {"email_address": "ann@example.com"} if attributes is None else attributes
    return perform("upsert_user_by_email", *answers, attributes=known, **more)


def track(*answers, **more):
    return perform("track_prompt_event", *(answers or [TRACKED]), **more)


def only(run, kind="attributes"):
    """The one object of the one array that was sent."""
    body = flows.json(run.requests[0])
    assert list(body) == [kind]
    (row,) = body[kind]
    return row


def test_an_address_with_an_alias_makes_a_profile_under_the_alias():
    run = add(params={"alias_label": "engage_user", "email_subscribe": "opted_in"})
    assert run.lines == ["POST /users/track"]
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert only(run) == {
        "user_alias": {"alias_name": "u-1", "alias_label": "engage_user"}, "_update_existing_only": False,
        "email": "ann@example.com", "email_subscribe": "opted_in",
    }
    assert run.done == Done("engage_user:u-1", "accepted")


def test_an_address_alone_makes_a_profile_that_only_the_address_names():
    run = add()
    assert only(run) == {"email": "ann@example.com", "_update_existing_only": False}
    assert run.done == Done("", "accepted")


@pytest.mark.parametrize(("settings", "attributes", "external"), [
    (SETTINGS, {"braze_external_id": "b-7"}, "b-7"), (OWN_IDS, {}, "u-1"),
    (OWN_IDS, {"braze_external_id": "b-7"}, "b-7"),
])
def test_a_known_external_id_names_the_profile(settings, attributes, external):
    run = add(settings=settings, attributes=attributes)
    assert run.lines == ["POST /users/track"]
    assert only(run) == {"external_id": external, "email": "ann@example.com"}
    assert run.done == Done(external, "accepted")


def test_a_known_profile_gets_the_alias_in_a_second_call():
    run = add(TRACKED, ALIASED, attributes={"braze_external_id": "b-7"}, params={"alias_label": "engage_user"})
    assert run.lines == ["POST /users/track", "POST /users/alias/new"]
    assert only(run) == {"external_id": "b-7", "email": "ann@example.com"}
    assert flows.json(run.requests[1]) == {
        "user_aliases": [{"external_id": "b-7", "alias_name": "u-1", "alias_label": "engage_user"}],
    }
    assert run.done == Done("b-7", "accepted")


def test_traits_go_along_with_their_types_and_absent_ones_are_left_out():
    traits = {"first_name": "first_name", "Seats": "seats", "Plans": "plans", "gone": "nowhere"}
    run = add(params={"trait_map": traits}, attributes={"first_name": "Ann", "seats": 0, "plans": ["a", "b"]})
    assert only(run) == {"email": "ann@example.com", "_update_existing_only": False, "first_name": "Ann", "Seats": 0,
                         "Plans": ["a", "b"]}


@pytest.mark.parametrize(("form", "reason", "code"), [
    ({}, "missing_attributes", "missing_attributes"), ({"email": " "}, "missing_attributes", "missing_attributes"),
    ({"email": "ann"}, "rejected", "invalid_address"),
])
def test_without_a_typed_address_nothing_is_sent(form, reason, code):
    run = perform("add_user_with_email", form=form)
    assert (run.requests, run.reason, run.code) == ((), reason, code)


def test_a_record_is_written_for_the_users_address():
    run = upsert(TRACKED, params={"trait_map": {"first_name": "first_name", "plan_name": "plan"}},
                 attributes={"email_address": "ann@example.com", "first_name": "Ann", "plan": "gold"})
    assert run.lines == ["POST /users/track"]
    assert only(run) == {"email": "ann@example.com", "_update_existing_only": False, "first_name": "Ann",
                         "plan_name": "gold"}
    assert run.done == Done("", "accepted")


def test_only_existing_records_are_written_where_the_binding_says_so():
    assert only(upsert(TRACKED, params={"update_existing_only": True}))["_update_existing_only"] is True


def test_a_record_needs_the_synced_address():
    run = upsert(attributes={"braze_external_id": "b-7"})
    assert (run.requests, run.failure.names) == ((), ("email_address",))


def test_an_event_tells_prompt_interaction_and_time():
    run = track(attributes={"braze_external_id": "b-7", "email_address": "ann@example.com"}, interaction="decline")
    assert run.lines == ["POST /users/track"]
    assert only(run, "events") == {
        "external_id": "b-7", "name": "engage_prompt_decline", "time": "2027-01-15T07:59:59.000Z",
        "properties": {"prompt_id": "p-1", "prompt_name": "Stay with us", "interaction": "decline",
                       "execution_id": flows.OUTCOME},
    }
    assert run.done == Done("", "accepted")


@pytest.mark.parametrize(("more", "who"), [
    ({"settings": OWN_IDS}, {"external_id": "u-1"}),
    ({"attributes": {"email_address": "ann@example.com"}}, {"email": "ann@example.com"}),
    ({"params": {"alias_label": "engage_user"}, "attributes": {"email_address": "ann@example.com"}},
     {"user_alias": {"alias_name": "u-1", "alias_label": "engage_user"}}),
])
def test_an_event_goes_to_external_id_alias_or_address(more, who):
    row = only(track(**more), "events")
    assert {name: value for name, value in row.items() if name not in ("name", "time", "properties")} == who


def test_an_event_of_a_user_whom_braze_cannot_know_names_what_is_missing():
    run = perform("track_prompt_event")
    assert (run.requests, run.failure.names) == ((), ("braze_external_id", "email_address"))


def test_name_and_app_of_an_event_can_be_chosen_and_long_texts_are_cut():
    row = only(track(settings={**OWN_IDS, "app_id": "app-1"}, params={"event_name": "Saved"}, prompt_name="n" * 300),
               "events")
    assert (row["name"], row["app_id"], len(row["properties"]["prompt_name"])) == ("Saved", "app-1", 255)


def test_profiles_may_be_written_twice_events_never():
    assert {name: one.repeat for name, one in connector.actions.items()} == {
        "add_user_with_email": Repeat.HARMLESS, "upsert_user_by_email": Repeat.HARMLESS,
        "track_prompt_event": Repeat.NEVER,
    }


@pytest.mark.parametrize("name", ["external_id", "user_alias", "braze_id", "email", "_update_existing_only"])
def test_traits_cannot_change_whose_profile_is_written(name):
    with pytest.raises(ValidationError, match="cannot be set here"):
        upsert(params={"trait_map": {name: "plan"}})


@pytest.mark.parametrize("params", [{"email_subscribe": "yes"}, {"alias_label": "x" * 256}, {"unknown": 1}])
def test_parameters_that_braze_would_refuse_are_refused_in_the_configuration(params):
    with pytest.raises(ValidationError):
        add(params=params)


def test_maintenance_queues_what_is_sent_and_that_is_a_success():
    assert upsert(answer(202, {"message": "queued"})).done.note == "accepted"


@pytest.mark.parametrize(("errors", "code", "message"), [
    ([{"type": "'email' is not valid", "input_array": "attributes", "index": 0}], "object_refused",
     "'email' is not valid"),
    ([{"type": "external_id is blacklisted", "input_array": "attributes", "index": 0}], "user_blocked",
     "external_id is blacklisted"),
    (["a", {"reason": "b"}], "object_refused", "a; {'reason': 'b'}"), ("alone", "object_refused", "alone"),
])
def test_a_success_that_names_the_object_is_a_refusal(errors, code, message):
    run = upsert(answer(201, {"message": "success", "attributes_processed": 0, "errors": errors}))
    assert (run.reason, run.code, run.failure.message) == ("rejected", code, message)


def test_a_success_with_an_empty_list_of_errors_is_one():
    assert upsert(answer(201, {"message": "success", "errors": []})).failure is None


@pytest.mark.parametrize(("status", "json", "reason", "code"), [
    (400, {"message": "provided external_id is blacklisted and disallowed"}, "rejected", "user_blocked"),
    (400, {"message": "'time' is a reserved property"}, "rejected", "http_400"),
    (401, {"message": "Invalid API key"}, "misconfigured", "http_401"),
    (403, {"message": "Access denied"}, "misconfigured", "http_403"),
    (404, {"message": "Not found"}, "rejected", "http_404"),
    (429, {"message": "Rate limited"}, "unavailable", "http_429"),
    (500, None, "unavailable", "http_500"), (503, None, "unavailable", "http_503"),
])
def test_each_status_has_its_reason(status, json, reason, code):
    run = upsert(answer(status, json))
    assert (run.reason, run.code) == (reason, code)
    assert run.failure.message == (json or {}).get("message", "")


def test_a_rate_limit_lasts_until_the_second_that_braze_names():
    headers = {"X-RateLimit-Reset": "1800000060", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    failure = upsert(answer(429, headers=headers)).failure
    assert (failure.throttled, failure.retry_after) == (True, 60.0)


def test_the_key_goes_into_the_header_and_to_the_instance_only():
    slashed = {**SETTINGS, "base_url": "https://rest.fra-02.braze.eu/"}
    signed = flows.sign(connector, slashed, upsert(TRACKED).requests[0])
    assert signed.url == "https://rest.fra-02.braze.eu/users/track"
    assert flows.header(signed, "Authorization") == "Bearer 0a1b-key"
    assert flows.header(signed, "Content-Type") == "application/json"
    assert b"0a1b-key" not in signed.body


@pytest.mark.parametrize(("settings", "place"), [
    ({"base_url": "https://dashboard-01.braze.com"}, "base_url"),
    ({"base_url": "https://rest.iad-01.braze.com.evil.example"}, "base_url"),
    ({"base_url": "http://rest.iad-01.braze.com"}, "base_url"),
    ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"base_url": "https://rest.iad-01.braze.com/users"}, "base_url"),
    ({"api_key": '"0a1b-key"'}, "api_key"), ({"api_key": "Bearer 0a1b"}, "api_key"), ({"api_key": ""}, "api_key"),
])
def test_settings_that_would_leak_the_key_or_fail_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as caught:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in caught.value.errors()] == [(place,)]
    assert "0a1b" not in str(caught.value)


def test_an_emulator_stands_in_where_the_settings_allow_it():
    made = {**SETTINGS, "base_url": "http://127.0.0.1:8080/braze", "allow_test_hosts": True}
    assert flows.sign(connector, made, upsert(TRACKED).requests[0]).url == "http://127.0.0.1:8080/braze/users/track"


@pytest.mark.parametrize(("reply", "reason"), [
    (answer(201, {"message": "success"}), ""), (answer(400, {"message": "no objects"}), ""),
    (answer(401), "misconfigured"), (answer(403), "misconfigured"), (answer(503), "unavailable"),
])
def test_the_connection_test_sends_nothing_and_sees_whether_the_key_is_taken(reply, reason):
    run = flows.drive(connector.check(connector.settings.model_validate(SETTINGS)), [reply], connector.read)
    assert flows.json(run.requests[0]) == {"attributes": [], "events": [], "purchases": []}
    assert not run.requests[0].effect
    assert run.reason == reason
    if not reason:
        assert run.done.name == "rest.fra-02.braze.eu"
