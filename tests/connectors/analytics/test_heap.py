"""Heap: every request, every answer, settings and parameters, without a network."""

import orjson
import pytest
from pydantic import ValidationError

from connectors.analytics.heap import connector
from connectors.kit import Done, Item, MissingAttributes, Rejected, Repeat
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"app_id": "4711"}
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
EVENT = {
    "identity": "u-1", "event": "Recurly Engage Prompt Click", "timestamp": "2027-01-15T07:59:59.000Z",
    "idempotency_key": OUTCOME,
    "properties": {"promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15T07:59:59.000Z"},
}


def item(id=EVENTS, **more):
    return connector.exports[id].item(flows.call(connector, id, settings=SETTINGS, **more))


def send(items, *answers, id=EVENTS):
    settings = connector.settings.model_validate(SETTINGS)
    return flows.drive(connector.exports[id].send(settings, items), answers, connector.read)


def numbered(count):
    return [Item(b'{"n":%d}' % number, f"id-{number}") for number in range(count)]


def test_one_interaction_stands_in_the_body_itself():
    run = send([item()], answer(200))
    assert run.lines == ["POST /api/track"]
    assert flows.query(run.requests[0]) == []
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert flows.json(run.requests[0]) == {"app_id": "4711", **EVENT}
    assert run.done == [Done(OUTCOME)]


def test_several_interactions_go_in_a_list():
    run = send(numbered(3), answer(200))
    assert run.lines == ["POST /api/track"]
    assert flows.json(run.requests[0]) == {"app_id": "4711", "events": [{"n": 0}, {"n": 1}, {"n": 2}]}
    assert run.done == [Done("id-0"), Done("id-1"), Done("id-2")]


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "Click"), ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"),
    ("timeout", "Timeout"), ("impression", "Impression"), ("custom_goal", "Custom Goal"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    assert orjson.loads(item(interaction=interaction).body)["event"] == f"Recurly Engage Prompt {name}"


@pytest.mark.parametrize(("attributes", "identity"), [
    ({"heap_identity": "h", "email_address": "a@b.example"}, "h"), ({"email_address": "a@b.example"}, "a@b.example"),
    ({}, "u-1"), ({"heap_identity": 7}, "7"),
])
def test_the_identity_is_what_the_site_passes_to_heap_else_the_address_else_our_id(attributes, identity):
    assert orjson.loads(item(attributes=attributes).body)["identity"] == identity


@pytest.mark.parametrize(("id", "params"), [(EVENTS, {}), (PROFILES, {"traits": ["plan"]})])
def test_a_user_without_any_id_is_missing_them(id, params):
    with pytest.raises(MissingAttributes) as missing:
        item(id, params=params, attributes={"plan": "x"}, user_id="")
    assert missing.value.names == ("heap_identity", "email_address", "user_id")


def test_an_identity_that_heap_would_refuse_fails_its_own_item():
    assert orjson.loads(item(user_id="x" * 255).body)["identity"] == "x" * 255
    with pytest.raises(Rejected) as refused:
        item(user_id="x" * 256)
    assert refused.value.code == "identity_too_long"


def test_names_and_properties_can_be_chosen_and_what_we_know_is_never_replaced():
    params = {"event_names": {"accept": "Saved"}, "property_names": {"promo_id": "campaign", "promo_name": ""},
              "extra_properties": {"seats": "%seats%", "campaign": "forged", "gone": "%gone%", "goal": "%goal_name%"}}
    body = orjson.loads(item(params=params, attributes={"seats": 3}, goal_name="Stayed", variant_id="v-1",
                             variant_name="B").body)
    assert body["event"] == "Saved"
    assert body["properties"] == {
        "campaign": "p-1", "variation_id": "v-1", "variation_name": "B", "seats": 3, "goal": "Stayed",
        "event_timestamp": "2027-01-15T07:59:59.000Z",
    }


def test_values_are_numbers_or_short_texts():
    attributes = {"plans": ["a", "b"], "vip": True, "ratio": 0.5, "story": "x" * 2000, "email_address": "a@b.example"}
    made = item(PROFILES, params={"traits": [*attributes, "gone"]}, attributes=attributes)
    assert orjson.loads(made.body) == {"identity": "a@b.example", "properties": {
        "plans": "a||b", "vip": "true", "ratio": 0.5, "story": "x" * 1023, "email": "a@b.example",
    }}


def test_user_properties_go_to_their_own_path_alone_or_in_a_list():
    alone = send([item(PROFILES, params={"traits": ["plan"]}, attributes={"plan": "gold"})], answer(200), id=PROFILES)
    assert alone.lines == ["POST /api/add_user_properties"]
    assert flows.json(alone.requests[0]) == {"app_id": "4711", "identity": "u-1", "properties": {"plan": "gold"}}
    both = send(numbered(2), answer(200), id=PROFILES)
    assert flows.json(both.requests[0]) == {"app_id": "4711", "users": [{"n": 0}, {"n": 1}]}
    assert (alone.done, both.done) == ([Done()], [Done(), Done()])


def test_a_user_with_none_of_the_traits_is_missing_them():
    with pytest.raises(MissingAttributes) as missing:
        item(PROFILES, params={"traits": ["plan", "seats"]})
    assert missing.value.names == ("plan", "seats")


@pytest.mark.parametrize("id", [EVENTS, PROFILES])
@pytest.mark.parametrize("status", [400, 413])
def test_a_refused_batch_goes_in_halves_until_one_item_is_to_blame(id, status):
    no, yes = answer(status, {"error": "bad one"}), answer(200)
    run = send(numbered(4), no, yes, no, no, yes, id=id)
    assert [getattr(end, "code", "") for end in run.done] == ["", "", f"http_{status}", ""]
    assert (run.done[2].reason, run.done[2].message, run.done[2].status) == ("rejected", "bad one", status)
    assert len(flows.json(run.requests[1])[{EVENTS: "events", PROFILES: "users"}[id]]) == 2


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"OK"])
def test_the_body_of_a_success_means_nothing(body):
    assert send(numbered(1), answer(200, body=body)).done == [Done("id-0")]


@pytest.mark.parametrize(("status", "reason"), [
    (401, "misconfigured"), (403, "misconfigured"), (404, "rejected"), (408, "unavailable"), (429, "unavailable"),
    (500, "unavailable"), (502, "unavailable"), (503, "unavailable"), (504, "unavailable"),
])
def test_other_answers_concern_the_whole_batch(status, reason):
    run = send(numbered(2), answer(status, headers={"Retry-After": "4"}))
    assert (run.reason, run.code) == (reason, f"http_{status}")
    assert getattr(run.failure, "retry_after", 4.0) == 4.0


def test_repeats_are_recognised_and_triggers_told():
    assert connector.exports[EVENTS].repeat is Repeat.KEY
    assert (connector.exports[EVENTS].trigger, connector.exports[PROFILES].trigger) == ("interaction", "attributes")
    assert item().reference == OUTCOME
    assert item() == item()


@pytest.mark.parametrize(("settings", "url"), [
    ({}, "https://heapanalytics.com/api/track"), ({"region": "eu"}, "https://c.eu.heap-api.com/api/track"),
    ({"base_url": "https://heapanalytics.com/"}, "https://heapanalytics.com/api/track"),
    ({"base_url": "http://127.0.0.1:9", "allow_test_hosts": True}, "http://127.0.0.1:9/api/track"),
])
def test_each_data_center_has_its_own_host_and_no_header_names_the_app(settings, url):
    signed = flows.sign(connector, {**SETTINGS, **settings}, send(numbered(1), answer(200)).requests[0])
    assert signed.url == url
    assert signed.headers == ["Content-Type: application/json", "Accept: application/json"]


@pytest.mark.parametrize(("settings", "place"), [
    ({"app_id": ""}, "app_id"), ({"app_id": "app-1"}, "app_id"), ({"region": "in"}, "region"),
    ({"base_url": "https://heap.example"}, "base_url"), ({"base_url": "http://127.0.0.1:9"}, "base_url"),
])
def test_mistyped_settings_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as refused:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in refused.value.errors()] == [(place,)]


@pytest.mark.parametrize(("id", "params", "place"), [
    (EVENTS, {"extra_properties": {"ID": "x"}}, "extra_properties"),
    (EVENTS, {"property_names": {"promo_id": "id"}}, "property_names"),
    (EVENTS, {"event_name": "x" * 1025}, "event_names"), (PROFILES, {"traits": []}, "traits"),
    (PROFILES, {"traits": ["Id"]}, "traits"), (PROFILES, {}, "traits"),
])
def test_parameters_that_heap_would_refuse_are_refused_when_saved(id, params, place):
    with pytest.raises(ValidationError) as refused:
        item(id, params=params)
    assert refused.value.errors()[0]["loc"][0] == place
