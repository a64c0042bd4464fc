"""mParticle: every request against the vendor's schema, every answer, settings and parameters."""

import orjson
import pytest
import yaml
from pydantic import ValidationError

from connectors.analytics.mparticle import connector
from connectors.kit import Account, Done, Item, MissingAttributes, Repeat
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"server_key": "key", "server_secret": "s3cret"}
EVENTS, PROFILES = "export_events", "sync_user_traits"
BATCH = {
    "environment": "production", "source_request_id": OUTCOME, "user_identities": {"customer_id": "u-1"},
    "application_info": {"application_name": "app"},
    "events": [{"event_type": "custom_event", "data": {
        "event_name": "Recurly Engage Prompt Click", "custom_event_type": "other", "source_message_id": "evt-1",
        "timestamp_unixtime_ms": 1_799_999_999_000,
        "custom_attributes": {"app_name": "app", "prompt_id": "p-1", "prompt_name": "Stay with us"},
    }}],
}
TAKEN = answer(202)


def item(id=EVENTS, settings=SETTINGS, **more):
    return connector.exports[id].item(flows.call(connector, id, settings=settings, **more))


def send(items, *answers, id=EVENTS):
    settings = connector.settings.model_validate(SETTINGS)
    return flows.drive(connector.exports[id].send(settings, items), answers, connector.read)


def numbered(count):
    return [Item(b'{"n":%d}' % number, f"id-{number}") for number in range(count)]


def test_an_interaction_is_a_batch_of_one_custom_event():
    run = send([item()], TAKEN)
    assert run.lines == ["POST /v2/bulkevents"]
    assert flows.query(run.requests[0]) == []
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert flows.json(run.requests[0]) == [BATCH]
    assert run.done == [Done(OUTCOME, "accepted")]


def test_several_users_share_a_request():
    run = send(numbered(3), TAKEN)
    assert flows.json(run.requests[0]) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert run.done == [Done(f"id-{number}", "accepted") for number in range(3)]


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "Click"), ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"),
    ("timeout", "Timeout"), ("impression", "Impression"), ("custom_goal", "Custom Goal"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    (event,) = orjson.loads(item(interaction=interaction).body)["events"]
    assert event["data"]["event_name"] == f"Recurly Engage Prompt {name}"


@pytest.mark.parametrize(("attributes", "user_id", "identities"), [
    ({"mparticle_customer_id": "m-7"}, "u-1", {"customer_id": "m-7"}), ({}, "u-1", {"customer_id": "u-1"}),
    ({"email_address": "a@b.example"}, "u-1", {"customer_id": "u-1", "email": "a@b.example"}),
    ({"email_address": "a@b.example"}, "", {"email": "a@b.example"}),
])
def test_the_user_is_named_by_all_ids_there_are(attributes, user_id, identities):
    assert orjson.loads(item(attributes=attributes, user_id=user_id).body)["user_identities"] == identities


@pytest.mark.parametrize(("id", "params"), [(EVENTS, {}), (PROFILES, {"traits": ["plan"]})])
def test_a_user_without_any_id_is_missing_them(id, params):
    with pytest.raises(MissingAttributes) as missing:
        item(id, params=params, attributes={"plan": "x"}, user_id="")
    assert missing.value.names == ("mparticle_customer_id", "user_id", "email_address")


def test_everything_that_is_known_of_the_prompt_goes_along_as_text():
    params = {
        "custom_event_type": "user_preference", "event_names": {"accept": "Saved"}, "app_name": "Acme TV",
        "property_names": {"prompt_id": "campaign"}, "data_plan_id": "plan", "data_plan_version": 3,
        "extra_attributes": {"seats": "%seats%", "campaign": "forged", "gone": "%gone%", "goal": "%goal_value%"},
    }
    made = item(params=params, attributes={"seats": 3}, variant_id="v", variant_name="B", goal_value=9.5,
                context={"experiment_id": "x", "experiment_name": "X"}, form={"survey_value": "bad price"},
                settings={**SETTINGS, "mode": "development"})
    body = orjson.loads(made.body)
    assert body["context"] == {"data_plan": {"plan_id": "plan", "plan_version": 3}}
    assert (body["environment"], body["application_info"]) == ("development", {"application_name": "Acme TV"})
    data = body["events"][0]["data"]
    assert (data["event_name"], data["custom_event_type"]) == ("Saved", "user_preference")
    assert data["custom_attributes"] == {
        "app_name": "Acme TV", "campaign": "p-1", "prompt_name": "Stay with us", "variation_id": "v",
        "variation_name": "B", "experiment_id": "x", "experiment_name": "X", "survey_value": "bad price",
        "seats": "3", "goal": "9.5",
    }


def test_a_plan_without_a_version_is_its_newest():
    assert orjson.loads(item(params={"data_plan_id": "plan"}).body)["context"] == {"data_plan": {"plan_id": "plan"}}


def test_consents_are_told_as_the_user_gave_them_and_silence_is_none():
    params = {"gdpr_consents": {"marketing": "marketing_ok", "ads": "ads_ok", "other": "unknown"},
              "ccpa_opt_out": "do_not_sell"}
    attributes = {"marketing_ok": "granted", "ads_ok": False, "do_not_sell": True, "plan": "x"}
    when = {"timestamp_unixtime_ms": 1_799_999_999_000}
    expected = {
        "gdpr": {"marketing": {"consented": True, **when}, "ads": {"consented": False, **when}},
        "ccpa": {"data_sale_opt_out": {"consented": True, **when}},
    }
    assert orjson.loads(item(params=params, attributes=attributes).body)["consent_state"] == expected
    synced = item(PROFILES, params={**params, "traits": ["plan"]}, attributes=attributes)
    assert orjson.loads(synced.body)["consent_state"] == expected
    assert "consent_state" not in orjson.loads(item(params=params).body)


def test_data_older_than_thirty_days_has_its_own_path_and_request():
    month = 30 * 86_400_000
    new, old = item(time=int(NOW * 1000) - month), item(time=int(NOW * 1000) - month - 1)
    assert (new.group, old.group) == ("", "/v2/bulkevents/historical")
    assert send([old], TAKEN).lines == ["POST /v2/bulkevents/historical"]


def test_traits_are_set_and_those_that_are_gone_deleted():
    attributes = {"plan": "gold", "seats": 0, "vip": True, "plans": ["a", "b" * 5000], "story": "x" * 5000,
                  "none": None}
    made = item(PROFILES, params={"traits": [*attributes, "gone"]}, attributes=attributes)
    run = send([made], TAKEN, id=PROFILES)
    assert run.lines == ["POST /v2/bulkevents"]
    assert flows.json(run.requests[0]) == [{
        "environment": "production", "source_request_id": OUTCOME, "user_identities": {"customer_id": "u-1"},
        "user_attributes": {"plan": "gold", "seats": 0, "vip": True, "plans": ["a", "b" * 4096], "story": "x" * 4096},
        "deleted_user_attributes": ["none", "gone"],
    }]
    assert run.done == [Done(OUTCOME, "accepted")]


def test_only_deletions_are_a_change_too():
    body = orjson.loads(item(PROFILES, params={"traits": ["plan"]}).body)
    assert ("user_attributes" in body, body["deleted_user_attributes"]) == (False, ["plan"])


@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_request_goes_in_halves_until_one_batch_is_to_blame(status):
    no = answer(status, {"errors": [{"code": "BAD_REQUEST", "message": "event_type is missing"}]})
    run = send(numbered(4), no, TAKEN, no, no, TAKEN)
    assert [len(flows.json(one)) for one in run.requests] == [4, 2, 2, 1, 1]
    assert [getattr(end, "code", "") for end in run.done] == ["", "", "BAD_REQUEST", ""]
    assert (run.done[2].reason, run.done[2].message) == ("rejected", "event_type is missing")


@pytest.mark.parametrize(("status", "reason", "unknown"), [
    (401, "misconfigured", None), (403, "misconfigured", None), (404, "rejected", None), (429, "unavailable", False),
    (500, "unavailable", True), (502, "unavailable", True), (503, "unavailable", False), (504, "unavailable", True),
])
def test_other_answers_concern_the_whole_request(status, reason, unknown):
    run = send(numbered(2), answer(status))
    assert (run.reason, run.code, getattr(run.failure, "unknown", None)) == (reason, f"http_{status}", unknown)


def test_a_rate_limit_says_whose_it_is_and_how_long():
    reply = answer(429, headers={"Retry-After": "7", "X-mp-rate-limit-exceeded": "workspace"})
    failure = send(numbered(1), reply).failure
    assert (failure.throttled, failure.retry_after, failure.message) == (True, 7.0, "over the limit of the workspace")


def test_nothing_keeps_a_repeated_interaction_from_counting_twice():
    assert connector.exports[EVENTS].repeat is Repeat.NEVER
    assert connector.exports[PROFILES].repeat is Repeat.HARMLESS
    assert (connector.exports[EVENTS].trigger, connector.exports[PROFILES].trigger) == ("interaction", "attributes")


@pytest.mark.parametrize("endpoint", [
    "https://s2s.eu1.mparticle.com/v2", "https://s2s.eu1.mparticle.com", "https://s2s.eu1.mparticle.com/",
    "https://s2s.eu1.mparticle.com/v2/", "https://s2s.eu1.mparticle.com/v2/events",
    "https://s2s.eu1.mparticle.com/v2/bulkevents", "https://s2s.eu1.mparticle.com/v2/bulkevents/",
])
def test_the_endpoint_is_taken_however_it_is_pasted(endpoint):
    signed = flows.sign(connector, {**SETTINGS, "base_api_endpoint": endpoint}, send([item()], TAKEN).requests[0])
    assert signed.url == "https://s2s.eu1.mparticle.com/v2/bulkevents"
    assert flows.header(signed, "Authorization") == "Basic a2V5OnMzY3JldA=="
    assert flows.header(signed, "Content-Type") == "application/json"


def test_the_first_pod_is_the_usual_one():
    signed = flows.sign(connector, SETTINGS, send([item()], TAKEN).requests[0])
    assert signed.url == "https://s2s.us1.mparticle.com/v2/bulkevents"


@pytest.mark.parametrize(("mode", "shown"), [("production", "live"), ("development", "sandbox")])
@pytest.mark.parametrize("status", [202, 400])
def test_the_connection_test_sends_nothing_to_development(mode, shown, status):
    settings = connector.settings.model_validate({**SETTINGS, "mode": mode})
    run = flows.drive(connector.check(settings), [answer(status)], connector.read)
    assert run.lines == ["POST /v2/events"]
    assert (flows.json(run.requests[0]), run.requests[0].effect) == ({"environment": "development"}, False)
    assert run.done == Account("feed key", shown)


@pytest.mark.parametrize("status", [401, 403])
def test_the_connection_test_tells_wrong_credentials(status):
    settings = connector.settings.model_validate(SETTINGS)
    assert flows.drive(connector.check(settings), [answer(status)], connector.read).reason == "misconfigured"


@pytest.mark.parametrize(("settings", "place"), [
    ({"server_key": ""}, "server_key"), ({"server_secret": ""}, "server_secret"), ({"mode": "test"}, "mode"),
    ({"base_api_endpoint": "https://s2s.mparticle.com.evil.example/v2"}, "base_api_endpoint"),
    ({"base_api_endpoint": "http://s2s.us1.mparticle.com/v2"}, "base_api_endpoint"),
    ({"base_api_endpoint": "http://127.0.0.1:9/v2"}, "base_api_endpoint"),
    ({"base_api_endpoint": "https://s2s.us1.mparticle.com/v1"}, "base_api_endpoint"),
    ({"base_api_endpoint": ""}, "base_api_endpoint"),
])
def test_mistyped_settings_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as refused:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in refused.value.errors()] == [(place,)]


@pytest.mark.parametrize(("id", "params", "place"), [
    (EVENTS, {"custom_event_type": "click"}, "custom_event_type"), (EVENTS, {"data_plan_version": 2}, "data_plan_id"),
    (EVENTS, {"property_names": {"promo_id": "x"}}, "property_names"), (PROFILES, {"traits": []}, "traits"),
    (PROFILES, {"traits": ["t"] * 101}, "traits"),
])
def test_parameters_that_cannot_work_are_refused_when_saved(id, params, place):
    with pytest.raises(ValidationError) as refused:
        item(id, params=params)
    assert refused.value.errors()[0]["loc"][0] == place


# -- the vendor's own specification

FULL = {
    "custom_event_type": "media", "data_plan_id": "plan", "data_plan_version": 1, "extra_attributes": {"a": "%seats%"},
    "gdpr_consents": {"marketing": "ok"}, "ccpa_opt_out": "ok",
}
ATTRIBUTES = {"seats": 3, "ok": True, "email_address": "a@b.example", "plans": ["a"]}


@pytest.mark.parametrize("made", [
    item, lambda: item(params=FULL, attributes=ATTRIBUTES, variant_id="v"),
    lambda: item(PROFILES, params={"traits": [*ATTRIBUTES, "gone"], "gdpr_consents": {"m": "ok"}},
                 attributes=ATTRIBUTES),
])
def test_batches_are_what_the_vendors_schema_asks_for(made):
    schema = specs.load_schema("mparticle", "eventsapi.batch.schema.json")
    if schema is None:
        pytest.skip("the folder of vendors' specifications is not there")
    assert schema.problems("whole", orjson.loads(made().body)) == []


def test_paths_and_answers_are_those_of_the_vendors_description():
    place = specs.folder()
    file = place / "mparticle" / "events.openapi.yaml" if place else None
    if file is None or not file.is_file():
        pytest.skip("the folder of vendors' specifications is not there")
    paths = yaml.safe_load(file.read_text(encoding="utf-8"))["paths"]
    assert {f"/v2{path}" for path in paths} == {"/v2/events", "/v2/bulkevents"}
    assert set(paths["/bulkevents"]["post"]["responses"]) == {"202", "400", "401", "403", "429", "503"}
    body = paths["/bulkevents"]["post"]["responses"]["400"]["content"]["application/json"]
    said = body["examples"]["badrequest"]["value"]
    assert send(numbered(1), answer(400, said)).done[0].code == "BAD_REQUEST"
