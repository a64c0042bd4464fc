"""Amplitude: every request, every answer that names culprits or does not, settings and parameters."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import orjson
import pytest
from pydantic import ValidationError

from connectors.analytics.amplitude import connector
from connectors.kit import Account, Done, Item, MissingAttributes, Rejected, Repeat
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"api_key": "k3y"}
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
EVENT = {
    "user_id": "u-1", "event_type": "Recurly Engage Prompt Click", "time": 1_799_999_999_000, "insert_id": OUTCOME,
    "event_properties": {
        "promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15T07:59:59.000Z",
    },
}
TAKEN = answer(200, {"code": 200, "events_ingested": 1, "payload_size_bytes": 1, "server_upload_time": 1})


def item(id=EVENTS, **more):
    return connector.exports[id].item(flows.call(connector, id, settings=SETTINGS, **more))


def send(items, *answers, id=EVENTS, **settings):
    made = connector.settings.model_validate({**SETTINGS, **settings})
    return flows.drive(connector.exports[id].send(made, items), answers, connector.read)


def numbered(count):
    return [Item(b'{"n":%d,"user_id":"u%d"}' % (number, number), f"id-{number}") for number in range(count)]


def sent(run):
    """The numbers of the events of each request."""
    return [[one["n"] for one in flows.json(request)["events"]] for request in run.requests]


def codes(run):
    return [getattr(end, "code", "") for end in run.done]


@pytest.mark.parametrize(("endpoint", "path"), [("httpapi", "/2/httpapi"), ("batch", "/batch")])
def test_an_interaction_is_one_event_of_an_upload(endpoint, path):
    run = send([item()], TAKEN, endpoint=endpoint)
    assert run.lines == [f"POST {path}"]
    assert flows.query(run.requests[0]) == []
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert flows.json(run.requests[0]) == {"options": {"min_id_length": 1}, "events": [EVENT]}
    assert run.done == [Done(OUTCOME)]


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "Click"), ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"),
    ("timeout", "Timeout"), ("impression", "Impression"), ("custom_goal", "Custom Goal"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    assert orjson.loads(item(interaction=interaction).body)["event_type"] == f"Recurly Engage Prompt {name}"


@pytest.mark.parametrize(("attributes", "user_id", "ids"), [
    ({"amplitude_user_id": "a-7"}, "u-1", {"user_id": "a-7"}), ({}, "u-1", {"user_id": "u-1"}),
    ({"amplitude_device_id": "d-1"}, "u-1", {"user_id": "u-1", "device_id": "d-1"}),
    ({"amplitude_device_id": "d-1"}, "", {"device_id": "d-1"}),
])
def test_the_user_is_named_by_all_ids_there_are(attributes, user_id, ids):
    body = orjson.loads(item(attributes=attributes, user_id=user_id).body)
    assert {name: body[name] for name in ("user_id", "device_id") if name in body} == ids


@pytest.mark.parametrize(("id", "params"), [(EVENTS, {}), (PROFILES, {"traits": ["plan"]})])
def test_without_any_id_the_attributes_are_named(id, params):
    with pytest.raises(MissingAttributes) as missing:
        item(id, params=params, attributes={"plan": "x"}, user_id="")
    assert missing.value.names == ("amplitude_user_id", "user_id", "amplitude_device_id")


@pytest.mark.parametrize("ids", [{"user_id": "NULL"}, {"user_id": "0"}, {"attributes": {"amplitude_device_id": "-1"}}])
def test_an_id_that_amplitude_bans_fails_its_own_item(ids):
    with pytest.raises(Rejected) as refused:
        item(**ids)
    assert refused.value.code == "banned_id"


def test_names_properties_and_traits_can_be_chosen():
    params = {"event_names": {"accept": "Saved"}, "property_names": {"promo_id": "campaign", "promo_name": ""},
              "extra_properties": {"seats": "%seats%", "campaign": "forged", "gone": "%gone%"},
              "include_user_properties": ["plan", "plans", "gone"]}
    attributes = {"seats": 3, "plan": "gold", "plans": ["a"]}
    body = orjson.loads(item(params=params, attributes=attributes, variant_id="v", variant_name="B").body)
    assert body["event_type"] == "Saved"
    assert body["event_properties"] == {
        "seats": 3, "campaign": "p-1", "variation_id": "v", "variation_name": "B",
        "event_timestamp": "2027-01-15T07:59:59.000Z",
    }
    assert body["user_properties"] == {"plan": "gold", "plans": ["a"]}


@pytest.mark.parametrize(("once", "operation"), [(False, "$set"), (True, "$setOnce")])
def test_traits_are_an_identify_event_that_counts_as_none(once, operation):
    made = item(PROFILES, params={"traits": ["plan", "seats", "gone"], "set_once": once},
                attributes={"plan": "gold", "seats": 0})
    run = send([made], TAKEN, id=PROFILES)
    assert run.lines == ["POST /2/httpapi"]
    assert flows.json(run.requests[0])["events"] == [{
        "user_id": "u-1", "event_type": "$identify", "time": 1_799_999_999_000, "insert_id": OUTCOME,
        "user_properties": {operation: {"plan": "gold", "seats": 0}},
    }]
    assert run.done == [Done(OUTCOME)]


def test_a_user_with_none_of_the_traits_is_missing_them():
    with pytest.raises(MissingAttributes) as missing:
        item(PROFILES, params={"traits": ["plan", "seats"]})
    assert missing.value.names == ("plan", "seats")


def test_culprits_that_are_named_fail_and_the_others_are_sent_again_until_none_is_named():
    run = send(
        numbered(6),
        answer(400, {"code": 400, "error": "Invalid field values", "events_with_invalid_fields": {"time": [1]},
                     "events_with_missing_fields": {"event_type": [4]}}),
        answer(400, {"code": 400, "error": "Invalid id length",
                     "events_with_invalid_id_lengths": {"user_id": [0, 1], "device_id": [1]}}),
        TAKEN,
    )
    assert sent(run) == [[0, 1, 2, 3, 4, 5], [0, 2, 3, 5], [3, 5]]
    assert codes(run) == ["invalid_id_length", "invalid_field", "invalid_id_length", "", "missing_field", ""]
    assert run.done[1].message == "time: Invalid field values"
    assert {end.reason for end in run.done if isinstance(end, Rejected)} == {"rejected"}
    assert [end.reference for end in run.done if isinstance(end, Done)] == ["id-3", "id-5"]


def test_nothing_is_sent_when_all_were_named():
    run = send(numbered(1), answer(400, {"error": "x", "events_with_invalid_fields": {"time": [0]}}))
    assert (len(run.requests), codes(run)) == (1, ["invalid_field"])


@pytest.mark.parametrize("refusal", [{"silenced_events": [1]}, {"silenced_devices": ["u1"]}])
def test_silenced_devices_fail_alone(refusal):
    run = send(numbered(3), answer(400, {"error": "silenced", **refusal}), TAKEN)
    assert codes(run) == ["", "silenced", ""]


def test_places_that_do_not_exist_are_not_believed():
    run = send(numbered(2), answer(400, {"error": "odd", "events_with_invalid_fields": {"time": [9, "x", None]}}),
               TAKEN, answer(400, {"error": "odd"}))
    assert (sent(run), codes(run)) == ([[0, 1], [0], [1]], ["", "invalid_event"])


def test_a_refusal_that_names_no_item_is_halved():
    run = send(numbered(3), answer(400, {"error": "?"}), TAKEN, answer(400, {"error": "?"}), TAKEN,
               answer(400, {"error": "really"}))
    assert (sent(run), codes(run)) == ([[0, 1, 2], [0], [1, 2], [1], [2]], ["", "", "invalid_event"])
    assert run.done[2].message == "really"


def test_a_batch_that_is_too_large_is_halved_and_a_single_event_rejected():
    large = answer(413, {"code": 413, "error": "Payload too large"})
    run = send(numbered(2), large, TAKEN, large)
    assert (codes(run), run.done[1].message) == (["", "too_large"], "Payload too large")


def test_throttled_users_wait_and_the_others_are_sent_at_once():
    run = send(numbered(3), answer(429, {"error": "Too many requests", "eps_threshold": 30, "throttled_events": [1],
                                         "throttled_users": {"u1": 40}}), TAKEN)
    assert sent(run) == [[0, 1, 2], [0, 2]]
    assert (run.reason, run.failure.throttled, run.failure.retry_after, run.failure.unknown) == (
        "unavailable", True, 30.0, False)


@pytest.mark.parametrize("member", ["throttled_users", "throttled_devices"])
def test_users_that_are_throttled_by_name_only_are_found_too(member):
    run = send(numbered(3), answer(429, {"error": "x", member: {"u2": 40}}), TAKEN)
    assert (sent(run)[1], run.reason) == ([0, 1], "unavailable")


def test_a_rate_limit_that_names_nobody_is_everybodys():
    run = send(numbered(2), answer(429, {"error": "Too many requests"}))
    assert (run.reason, run.failure.throttled, run.failure.retry_after) == ("unavailable", True, 30.0)


def test_who_has_used_up_the_day_fails_and_nobody_waits():
    run = send(numbered(2), answer(429, {"error": "x", "throttled_events": [0], "throttled_users": {"u0": 1},
                                         "exceeded_daily_quota_users": {"u0": 500_001}}), TAKEN)
    assert codes(run) == ["daily_quota", ""]


def test_a_wrong_key_is_misconfigured_and_not_repeated_in_the_message():
    run = send(numbered(2), answer(400, {"code": 400, "error": "Invalid API key: k3y"}))
    assert (run.reason, run.code) == ("misconfigured", "invalid_api_key")
    assert "k3y" not in str(run.failure)


def test_a_request_that_lacks_a_member_is_our_fault_for_all():
    run = send(numbered(2), answer(400, {"error": "Request missing required field", "missing_field": "events"}))
    assert (run.reason, run.code) == ("rejected", "missing_field")


@pytest.mark.parametrize(("status", "reason", "unknown"), [
    (401, "misconfigured", None), (403, "misconfigured", None), (404, "rejected", None), (408, "unavailable", False),
    (500, "unavailable", True), (502, "unavailable", True), (503, "unavailable", False), (504, "unavailable", True),
])
def test_other_answers_concern_the_whole_batch(status, reason, unknown):
    run = send(numbered(2), answer(status, {"code": status, "error": "e"}))
    assert (run.reason, run.code, getattr(run.failure, "unknown", None)) == (reason, f"http_{status}", unknown)


@pytest.mark.parametrize(("settings", "url"), [
    ({}, "https://api2.amplitude.com/2/httpapi"), ({"region": "eu"}, "https://api.eu.amplitude.com/2/httpapi"),
    ({"base_url": "http://127.0.0.1:9/", "allow_test_hosts": True}, "http://127.0.0.1:9/2/httpapi"),
])
def test_the_key_is_put_in_front_and_the_body_compressed_when_signing(settings, url):
    request = send([item()], TAKEN).requests[0]
    assert b"k3y" not in request.body
    signed = flows.sign(connector, {**SETTINGS, **settings}, request)
    assert signed.url == url
    assert flows.header(signed, "Content-Encoding") == "gzip"
    assert flows.header(signed, "Content-Type") == "application/json"
    assert flows.header(signed, "Authorization") is None
    assert orjson.loads(gzip.decompress(signed.body)) == {
        "api_key": "k3y", "options": {"min_id_length": 1}, "events": [EVENT],
    }
    assert signed == flows.sign(connector, {**SETTINGS, **settings}, request)


def test_the_batch_endpoint_is_not_known_to_read_gzip():
    signed = flows.sign(connector, SETTINGS, send([item()], TAKEN, endpoint="batch").requests[0])
    assert flows.header(signed, "Content-Encoding") is None
    assert orjson.loads(signed.body)["api_key"] == "k3y"


def test_largest_batches_leave_room_for_what_signing_adds():
    limits = connector.exports[EVENTS].limits
    made = [Item(b"x" * (limits.bytes // 100 - 1)) for _ in range(100)]
    signed = flows.sign(connector, {"api_key": "k" * 64}, send(made, TAKEN, endpoint="batch").requests[0])
    assert len(signed.body) < 1_000_000


def check(reply, **settings):
    return flows.drive(connector.check(connector.settings.model_validate({**SETTINGS, **settings})), [reply],
                       connector.read)


@pytest.mark.parametrize("reply", [TAKEN, answer(400, {"error": "x", "missing_field": "events"})])
def test_the_connection_test_uploads_nothing(reply):
    run = check(reply, region="eu")
    assert run.lines == ["POST /2/httpapi"]
    assert flows.json(run.requests[0]) == {"options": {"min_id_length": 1}, "events": []}
    assert not run.requests[0].effect
    assert run.done == Account("the API key was not refused")


def test_the_connection_test_tells_a_wrong_key():
    assert check(answer(400, {"error": "Invalid API key: k3y"})).code == "invalid_api_key"


def test_repeats_are_recognised_and_triggers_told():
    assert connector.exports[EVENTS].repeat is Repeat.KEY
    assert (connector.exports[EVENTS].trigger, connector.exports[PROFILES].trigger) == ("interaction", "attributes")
    assert item() == item()


@pytest.mark.parametrize(("settings", "place"), [
    ({"api_key": ""}, "api_key"), ({"region": "in"}, "region"), ({"endpoint": "identify"}, "endpoint"),
    ({"base_url": "https://api2.amplitude.com.evil.example"}, "base_url"), ({"base_url": "http://[::1]:9"}, "base_url"),
])
def test_mistyped_settings_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as refused:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in refused.value.errors()] == [(place,)]


@pytest.mark.parametrize(("id", "params"), [
    (EVENTS, {"event_name": "[Amplitude] Start"}), (EVENTS, {"event_names": {"accept": "$identify"}}),
    (PROFILES, {}), (PROFILES, {"traits": []}),
])
def test_parameters_that_cannot_work_are_refused_when_saved(id, params):
    with pytest.raises(ValidationError):
        item(id, params=params)


# -- the vendor's own library


class Keeping(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.kept.append((self.path, dict(self.headers), json.loads(body)))
        reply = orjson.dumps({"code": 200, "events_ingested": 1, "payload_size_bytes": 1, "server_upload_time": 1})
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def loopback():
    with HTTPServer(("127.0.0.1", 0), Keeping) as server:
        server.kept = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.mark.vendor
def test_what_we_send_has_the_shape_that_amplitudes_own_library_sends(loopback):
    amplitude = pytest.importorskip("amplitude", reason="amplitude-analytics is not installed")
    config = amplitude.Config(server_url=f"http://127.0.0.1:{loopback.server_port}/2/httpapi", min_id_length=1,
                              flush_queue_size=1)
    client = amplitude.Amplitude("k3y", config)
    client.track(amplitude.BaseEvent("Recurly Engage Prompt Click", user_id="u-1", event_properties={"promo_id": "p"}))
    client.flush()
    change = amplitude.Identify()
    change.set("plan", "gold")
    client.identify(change, amplitude.EventOptions(user_id="u-1"))
    client.flush()
    client.shutdown()
    ours = [send([item()], TAKEN), send([item(PROFILES, params={"traits": ["plan"]}, attributes={"plan": "gold"})],
                                        TAKEN, id=PROFILES)]
    # the library sends from threads of its own, in whichever order they come
    kept = sorted(loopback.kept, key=lambda one: one[2]["events"][0]["event_type"] == "$identify")
    assert len(kept) == 2
    for (path, headers, theirs), run in zip(kept, ours, strict=True):
        signed = flows.sign(connector, SETTINGS, run.requests[0])
        body = json.loads(gzip.decompress(signed.body))
        assert signed.url.endswith(path)
        assert headers["Content-Type"].startswith(flows.header(signed, "Content-Type"))
        assert set(body) == set(theirs)
        assert (body["api_key"], body["options"]) == (theirs["api_key"], theirs["options"])
        more = {"library", "event_id", "ip"}  # what the library says about itself
        assert set(body["events"][0]) == set(theirs["events"][0]) - more
    assert body["events"][0]["event_type"] == theirs["events"][0]["event_type"] == "$identify"
    assert body["events"][0]["user_properties"] == theirs["events"][0]["user_properties"]
