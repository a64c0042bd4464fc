"""Mixpanel: every request, every answer that the vendor is known to give."""

import gzip

import orjson
import pytest
from pydantic import ValidationError

from connectors.analytics.mixpanel import connector
from connectors.kit import Item, MissingAttributes, Rejected, get
from testkit import flows
from testkit.flows import answer, call, drive

SETTINGS = {
    "service_account_username": "robot.1", "service_account_password": "s3cret",
    "project_token": "tok", "project_id": "4711",
}
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"


def item(id=EVENTS, params=None, attributes=None, **fields):
    made = call(connector, id, settings=SETTINGS, params=params, attributes=attributes, **fields)
    return connector.exports[id].item(made)


def send(answers, items, id=EVENTS):
    settings = connector.settings.model_validate(SETTINGS)
    return drive(connector.exports[id].send(settings, items), answers, connector.read)


def events(count):
    return [Item(b'{"n":%d}' % number, reference=f"id-{number}") for number in range(count)]


def sent(request):
    return orjson.loads(gzip.decompress(request.body))


def test_an_event_carries_ids_time_and_prompt_as_mixpanel_wants_them():
    made = item(variant_id="v-1", variant_name="B", attributes={"mixpanel_distinct_id": "mp-9"})
    assert made.reference == flows.OUTCOME
    assert orjson.loads(made.body) == {
        "event": "Recurly Engage Prompt Click",
        "properties": {
            "time": 1799999999000, "distinct_id": "mp-9", "$insert_id": flows.OUTCOME, "ip": "0",
            "promo_id": "p-1", "promo_name": "Stay with us", "variation_id": "v-1", "variation_name": "B",
            "event_timestamp": "2027-01-15T07:59:59.000Z",
        },
    }


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "Click"), ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"),
    ("timeout", "Timeout"), ("impression", "Impression"), ("custom_goal", "Custom Goal"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    body = orjson.loads(item(interaction=interaction).body)
    assert body["event"] == f"Recurly Engage Prompt {name}"


def test_our_user_id_stands_in_and_a_known_address_replaces_the_zero():
    properties = orjson.loads(item(ip_address="203.0.113.7").body)["properties"]
    assert (properties["distinct_id"], properties["ip"]) == ("u-1", "203.0.113.7")


def test_parameters_rename_the_event_and_add_properties_but_never_replace_what_deduplication_needs():
    params = {"event_name": "Saved", "extra_properties": {"team": "growth", "promo_id": "forged"}}
    body = orjson.loads(item(params=params).body)
    assert (body["event"], body["properties"]["team"], body["properties"]["promo_id"]) == ("Saved", "growth", "p-1")


@pytest.mark.parametrize("name", ["$ignore", "time", "distinct_id", "$insert_id"])
def test_properties_that_would_lose_events_are_refused_when_saved(name):
    with pytest.raises(ValidationError, match="cannot be set here"):
        item(params={"extra_properties": {name: "1"}})


@pytest.mark.parametrize("id", ["anonymous", "NULL", "0", "[]", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_mixpanel_bans_fails_its_own_item_before_any_call(id):
    with pytest.raises(Rejected) as refused:
        item(user_id=id)
    assert refused.value.code == "banned_distinct_id"


def test_without_any_id_the_attribute_is_named():
    with pytest.raises(MissingAttributes) as missing:
        item(user_id="")
    assert missing.value.names == ("mixpanel_distinct_id", "user_id")


def test_a_batch_is_one_gzipped_array_in_strict_mode_and_each_item_succeeds():
    run = send([answer(200, {"code": 200, "num_records_imported": 2, "status": "OK"})], events(2))
    (request,) = run.requests
    assert run.lines == ["POST /import"]
    assert flows.query(request) == [("strict", "1"), ("project_id", "4711")]
    assert request.headers == {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert sent(request) == [{"n": 0}, {"n": 1}]
    assert [done.reference for done in run.done] == ["id-0", "id-1"]


def test_the_same_batch_has_the_same_bytes_so_that_a_repeat_is_recognised():
    first, second = (send([answer(200, {})], events(3)).requests[0].body for _ in range(2))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"


def test_only_the_records_that_mixpanel_names_fail():
    refusal = {"code": 400, "status": "Bad Request", "num_records_imported": 3, "failed_records": [
        {"index": 1, "$insert_id": "id-1", "field": "properties.time", "message": "is invalid"},
        {"insert_id": "id-3", "field": "", "message": "too long"},
    ]}
    run = send([answer(400, refusal)], events(4))
    assert [type(end).__name__ for end in run.done] == ["Done", "Rejected", "Done", "Rejected"]
    assert (run.done[1].code, run.done[1].message) == ("invalid_record", "properties.time: is invalid")
    assert run.done[3].message == "too long"


def test_a_batch_that_is_refused_as_a_whole_fails_all_items_alike():
    run = send([answer(400, {"code": 400, "error": "request body is not an array"})], events(2))
    assert (run.reason, run.code, run.failure.status) == ("rejected", "invalid_batch", 400)


def test_a_batch_that_is_too_large_goes_in_halves():
    answers = [answer(413, {"error": "too large"}), answer(200, {}), answer(413, {}), answer(200, {}), answer(200, {})]
    run = send(answers, events(4))
    assert [sent(one) for one in run.requests] == [
        [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}], [{"n": 0}, {"n": 1}], [{"n": 2}, {"n": 3}], [{"n": 2}], [{"n": 3}],
    ]
    assert [done.reference for done in run.done] == ["id-0", "id-1", "id-2", "id-3"]


def test_a_single_event_that_is_too_large_is_rejected():
    run = send([answer(413, {"error": "request exceeds max limit of 2097152 bytes"})], events(1))
    assert (run.done[0].reason, run.done[0].code) == ("rejected", "too_large")


@pytest.mark.parametrize(("status", "reason"), [
    (401, "misconfigured"), (403, "misconfigured"), (404, "rejected"), (429, "unavailable"), (503, "unavailable"),
])
def test_other_answers_concern_the_whole_batch(status, reason):
    run = send([answer(status, {"error": "Invalid credentials"})], events(2))
    assert (run.reason, run.code, run.failure.message) == (reason, f"http_{status}", "Invalid credentials")


def test_a_profile_update_maps_the_names_that_mixpanel_reserves():
    attributes = {"email_address": "a@b.de", "first_name": "Ann", "plan": "gold", "seats": 3, "gone": None}
    made = item(PROFILES, {"traits": ["email_address", "first_name", "plan", "seats", "gone"]}, attributes)
    assert orjson.loads(made.body) == {
        "$token": "tok", "$distinct_id": "u-1",
        "$set": {"$email": "a@b.de", "$first_name": "Ann", "plan": "gold", "seats": 3},
    }


def test_set_once_is_another_operation():
    body = orjson.loads(item(PROFILES, {"traits": ["plan"], "set_once": True}, {"plan": "x"}).body)
    assert body["$set_once"] == {"plan": "x"}
    assert "$set" not in body


def test_a_user_with_none_of_the_attributes_is_missing_them():
    with pytest.raises(MissingAttributes) as missing:
        item(PROFILES, {"traits": ["plan", "seats"]}, {"other": 1})
    assert missing.value.names == ("plan", "seats")


def test_profiles_follow_changes_of_attributes_events_follow_interactions():
    assert connector.exports[PROFILES].trigger == "attributes"
    assert connector.exports[EVENTS].trigger == "interaction"


def test_profiles_go_uncompressed_to_engage():
    run = send([answer(200, {"status": 1, "error": None})], events(2), PROFILES)
    (request,) = run.requests
    assert run.lines == ["POST /engage"]
    assert flows.query(request) == [("ip", "0"), ("verbose", "1"), ("strict", "1")]
    assert flows.json(request) == [{"n": 0}, {"n": 1}]
    assert [type(end).__name__ for end in run.done] == ["Done", "Done"]


@pytest.mark.parametrize("body", [b"0", b'{"status":0,"error":"no data"}', b"<html>"])
def test_a_200_that_says_no_rejects_every_profile(body):
    run = send([answer(200, body=body)], events(2), PROFILES)
    assert [end.code for end in run.done] == ["invalid_profile"] * 2


def test_a_plain_1_is_a_success():
    assert [type(end).__name__ for end in send([answer(200, body=b"1")], events(1), PROFILES).done] == ["Done"]


def test_when_some_profiles_failed_halving_finds_them():
    some, fine = {"status": 1, "error": "some records failed"}, {"status": 1, "error": None}
    answers = [answer(200, one) for one in (some, fine, some, fine, {"status": 0, "error": "bad $email"})]
    run = send(answers, events(4), PROFILES)
    assert [type(end).__name__ for end in run.done] == ["Done", "Done", "Done", "Rejected"]
    assert run.done[3].message == "bad $email"


@pytest.mark.parametrize(("region", "host"), [("us", "api"), ("eu", "api-eu"), ("in", "api-in")])
def test_each_region_has_its_own_host(region, host):
    request = send([answer(200, {})], events(1)).requests[0]
    signed = flows.sign(connector, {**SETTINGS, "region": region}, request)
    assert signed.url == f"https://{host}.mixpanel.com/import?strict=1&project_id=4711"


def test_imports_are_signed_with_the_service_account_profiles_are_not():
    imports = send([answer(200, {})], events(1)).requests[0]
    engage = send([answer(200, body=b"1")], events(1), PROFILES).requests[0]
    assert flows.header(flows.sign(connector, SETTINGS, imports), "Authorization") == "Basic cm9ib3QuMTpzM2NyZXQ="
    assert flows.header(flows.sign(connector, SETTINGS, engage), "Authorization") is None


@pytest.mark.parametrize(("settings", "url"), [
    ({}, "https://mixpanel.com/api/app/me"),
    ({"region": "eu"}, "https://eu.mixpanel.com/api/app/me"),
    ({"base_url": "http://127.0.0.1:9/", "allow_test_hosts": True}, "http://127.0.0.1:9/api/app/me"),
])
def test_the_connection_test_asks_who_we_are(settings, url):
    made = connector.settings.model_validate({**SETTINGS, **settings})
    run = drive(connector.check(made), [answer(200, {})], connector.read)
    assert run.lines == [f"GET {url}"]
    assert "4711" in run.done.name


def test_a_wrong_password_shows_in_the_connection_test():
    made = connector.settings.model_validate(SETTINGS)
    assert drive(connector.check(made), [answer(401)], connector.read).reason == "misconfigured"


def test_a_base_address_of_ones_own_replaces_the_region():
    signed = flows.sign(connector, {**SETTINGS, "base_url": "http://127.0.0.1:9", "allow_test_hosts": True}, get("/x"))
    assert signed.url == "http://127.0.0.1:9/x"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://mixpanel.example", "https://api.mixpanel.com.evil.example"])
def test_credentials_go_to_mixpanels_hosts_only(url):
    with pytest.raises(ValidationError, match="base_url"):
        connector.settings.model_validate({**SETTINGS, "base_url": url})


def test_names_of_events_and_properties_can_be_chosen():
    params = {"event_names": {"accept": "Offer accepted"}, "property_names": {"promo_id": "campaign", "promo_name": ""}}
    body = orjson.loads(item(params=params).body)
    assert body["event"] == "Offer accepted"
    assert (body["properties"]["campaign"], "promo_id" in body["properties"]) == ("p-1", False)
    assert "promo_name" not in body["properties"]


def test_a_property_cannot_take_the_name_that_deduplication_lives_on():
    with pytest.raises(ValidationError, match="cannot be set here"):
        item(params={"property_names": {"promo_id": "$insert_id"}})
