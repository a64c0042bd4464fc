"""Segment's messages, batches, settings, signing and reading, without a network."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import orjson
import pytest
from pydantic import ValidationError

from connectors.crm_marketing.segment import connector
from connectors.kit import Done, Item, MissingAttributes, Repeat
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"write_key": "wk"}
TAKEN = answer(200, {"success": True})
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
TRACK = {
    "type": "track", "messageId": OUTCOME, "userId": "u-1", "event": "Recurly Engage Prompt Click",
    "timestamp": "2027-01-15T07:59:59.000Z",
    "properties": {"promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15T07:59:59.000Z"},
    "context": {"library": {"name": "prompt-actions", "version": "1"}}, "integrations": {},
}


def perform(action, *answers, **more):
    call = flows.call(connector, action, settings=SETTINGS, **more)
    return flows.run(connector, action, call, answers or [TAKEN])


def message(run):
    """The one message of the one batch that was sent."""
    (one,) = flows.json(run.requests[0])["batch"]
    return one


def item(id, **more):
    return connector.exports[id].item(flows.call(connector, id, settings=SETTINGS, **more))


def send(items, *answers, id=EVENTS):
    return flows.drive(connector.exports[id].send(connector.settings.model_validate(SETTINGS), items), answers,
                       connector.read)


def messages(count):
    return [Item(b'{"n":%d}' % number, f"id-{number}") for number in range(count)]


def test_an_interaction_is_a_track_call_in_a_batch_of_one():
    run = perform("track_prompt_event")
    assert run.lines == ["POST /v1/batch"]
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert flows.json(run.requests[0]) == {"batch": [TRACK]}
    assert run.done == Done(OUTCOME, "accepted")


def test_variation_names_and_destinations_go_along():
    params = {"event_name": "Saved", "integrations": {"All": False, "Mixpanel": True},
              "extra_properties": {"seats": "%seats%", "team": "growth", "gone": "%gone%", "promo_id": "forged"}}
    one = message(perform("track_prompt_event", params=params, attributes={"seats": 3}, variant_id="v-1",
                          variant_name="B"))
    assert (one["event"], one["integrations"]) == ("Saved", {"All": False, "Mixpanel": True})
    assert one["properties"] == {**TRACK["properties"], "variation_id": "v-1", "variation_name": "B", "seats": 3,
                                 "team": "growth"}


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "Click"), ("secondary_accept", "Click 2"), ("decline", "Decline"), ("dismiss", "Dismiss"),
    ("timeout", "Timeout"), ("impression", "Impression"), ("custom_goal", "Custom Goal"), ("holdout", "Holdout"),
])
def test_each_interaction_has_its_event_name(interaction, name):
    assert orjson.loads(item(EVENTS, interaction=interaction).body)["event"] == f"Recurly Engage Prompt {name}"


@pytest.mark.parametrize(("attributes", "user_id", "user"), [
    ({"segment_user_id": "s-7"}, "u-1", {"userId": "s-7"}), ({}, "u-1", {"userId": "u-1"}),
    ({"anonymous_id": "a-1"}, "u-1", {"userId": "u-1", "anonymousId": "a-1"}),
    ({"anonymous_id": "a-1"}, "", {"anonymousId": "a-1"}),
])
def test_the_user_is_named_by_the_best_ids_there_are(attributes, user_id, user):
    one = message(perform("track_prompt_event", attributes=attributes, user_id=user_id))
    assert {name: one[name] for name in ("userId", "anonymousId") if name in one} == user


@pytest.mark.parametrize(("action", "params"), [("track_prompt_event", {}), ("identify_user", {"traits": ["plan"]})])
def test_without_any_id_nothing_is_sent_since_segment_would_drop_it_silently(action, params):
    call = flows.call(connector, action, settings=SETTINGS, params=params, attributes={"plan": "x"}, user_id="")
    run = flows.run(connector, action, call)
    assert (run.requests, run.failure.names) == ((), ("segment_user_id", "user_id", "anonymous_id"))


def test_traits_have_segments_names_and_their_types():
    attributes = {"email_address": "ann@example.com", "first_name": "Ann", "plan": "gold", "seats": 0, "gone": None}
    run = perform("identify_user", params={"traits": [*attributes, "nowhere"]}, attributes=attributes)
    assert run.lines == ["POST /v1/batch"]
    assert message(run) == {
        "type": "identify", "messageId": OUTCOME, "userId": "u-1", "timestamp": "2027-01-15T07:59:59.000Z",
        "traits": {"email": "ann@example.com", "firstName": "Ann", "plan": "gold", "seats": 0},
        "context": {"library": {"name": "prompt-actions", "version": "1"}}, "integrations": {},
    }
    assert run.done == Done(OUTCOME, "accepted")


def test_a_user_with_none_of_the_traits_is_missing_them():
    call = flows.call(connector, "identify_user", settings=SETTINGS, params={"traits": ["plan"]})
    assert flows.run(connector, "identify_user", call).failure.names == ("plan",)
    with pytest.raises(MissingAttributes):
        item(PROFILES, params={"traits": ["plan"]})


def test_segment_recognises_repeats_by_the_message_id_for_a_day():
    track, identify = connector.actions["track_prompt_event"], connector.actions["identify_user"]
    assert (track.repeat, track.keeps_keys, identify.repeat) == (Repeat.KEY, 86_400, Repeat.HARMLESS)
    assert len(OUTCOME) < 100


def test_exports_make_the_same_messages_and_tell_interactions_from_changes():
    assert orjson.loads(item(EVENTS).body) == TRACK
    assert item(EVENTS).reference == OUTCOME
    made = item(PROFILES, params={"traits": ["plan"]}, attributes={"plan": "gold"})
    assert orjson.loads(made.body)["traits"] == {"plan": "gold"}
    assert {name: one.trigger for name, one in connector.exports.items()} == {
        EVENTS: "interaction", PROFILES: "attributes",
    }


@pytest.mark.parametrize("id", [EVENTS, PROFILES])
def test_messages_go_together(id):
    run = send(messages(2), TAKEN, id=id)
    assert (run.lines, flows.json(run.requests[0])) == (["POST /v1/batch"], {"batch": [{"n": 0}, {"n": 1}]})
    assert run.done == [Done("id-0", "accepted"), Done("id-1", "accepted")]


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_that_segment_refuses_goes_in_halves_until_one_is_to_blame(status):
    no = answer(status, {"message": "malformed"})
    run = send(messages(4), no, TAKEN, no, no, TAKEN)
    assert [getattr(end, "code", "") for end in run.done] == ["", "", f"http_{status}", ""]
    assert run.done[2].message == "malformed"


def test_largest_batches_leave_room_for_what_signing_adds():
    limits = connector.exports[EVENTS].limits
    made = [Item(b"x" * (limits.bytes // 100 - 1), "") for _ in range(100)]
    run = send(made, TAKEN)
    assert 475_000 < len(gzip.decompress(flows.sign(connector, SETTINGS, run.requests[0]).body)) < 500_000
    assert limits.item_bytes <= 32_768


@pytest.mark.parametrize("reply", [answer(200), answer(200, body=b"<html>"), answer(200, {"success": False})])
def test_the_status_of_a_success_decides_never_its_body(reply):
    assert perform("track_prompt_event", reply).failure is None


@pytest.mark.parametrize(("status", "reason"), [
    (302, "rejected"), (400, "rejected"), (401, "misconfigured"), (403, "misconfigured"), (404, "rejected"),
    (408, "unavailable"), (410, "unavailable"), (413, "rejected"), (422, "rejected"), (429, "unavailable"),
    (460, "unavailable"), (500, "unavailable"), (501, "rejected"), (502, "unavailable"), (503, "unavailable"),
    (504, "unavailable"), (505, "rejected"), (511, "rejected"),
])
def test_each_status_has_its_reason(status, reason):
    run = perform("track_prompt_event", answer(status))
    assert (run.reason, run.code) == (reason, f"http_{status}")


@pytest.mark.parametrize(("headers", "wait"), [
    ({"Retry-After": "7", "X-RateLimit-Reset": "9"}, 7.0), ({"X-RateLimit-Reset": "9"}, 9.0), ({}, None),
    ({"X-RateLimit-Reset": "soon"}, None),
    ({"Retry-After": "Fri, 15 Jan 2027 08:00:05 GMT", "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 5.0),
])
def test_a_rate_limit_says_how_long_to_wait(headers, wait):
    failure = perform("track_prompt_event", answer(429, headers=headers)).failure
    assert (failure.throttled, failure.retry_after) == (True, wait)


@pytest.mark.parametrize(("region", "url"), [
    ("us", "https://api.segment.io/v1/batch"), ("eu", "https://events.eu1.segmentapis.com/v1/batch"),
])
def test_key_and_time_of_sending_are_put_in_front_when_signing(region, url):
    request = perform("track_prompt_event").requests[0]
    signed = flows.sign(connector, {**SETTINGS, "region": region}, request)
    assert signed.url == url
    assert flows.header(signed, "Authorization") == "Basic d2s6"
    assert flows.header(signed, "Content-Type") == "application/json"
    assert json.loads(signed.body) == {"writeKey": "wk", "sentAt": "2027-01-15T08:00:00.000Z", "batch": [TRACK]}
    assert b"wk" not in request.body
    assert flows.header(signed, "Content-Encoding") is None
    later = flows.sign(connector, SETTINGS, request, now=flows.NOW + 1)
    assert json.loads(later.body)["sentAt"] == "2027-01-15T08:00:01.000Z"


def test_a_batch_is_compressed_when_signing_and_a_repeat_has_the_same_bytes():
    request = send(messages(200), TAKEN).requests[0]
    signed = flows.sign(connector, SETTINGS, request)
    assert flows.header(signed, "Content-Encoding") == "gzip"
    assert len(signed.body) < len(request.body) / 3
    assert json.loads(gzip.decompress(signed.body))["batch"] == json.loads(request.body)["batch"]
    assert flows.sign(connector, SETTINGS, request) == signed


@pytest.mark.parametrize(("settings", "place"), [
    ({"base_url": "https://api.segment.io.evil.example"}, "base_url"), ({"base_url": "http://127.0.0.1:1"}, "base_url"),
    ({"region": "in"}, "region"), ({"write_key": ""}, "write_key"),
])
def test_settings_that_would_leak_the_key_or_fail_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as caught:
        connector.settings.model_validate({**SETTINGS, **settings})
    assert [error["loc"] for error in caught.value.errors()] == [(place,)]


@pytest.mark.parametrize(("action", "params"), [
    ("identify_user", {}), ("identify_user", {"traits": []}), ("track_prompt_event", {"integrations": {"All": "some"}}),
])
def test_parameters_that_cannot_work_are_refused_in_the_configuration(action, params):
    with pytest.raises(ValidationError):
        perform(action, params=params)


def test_a_connection_cannot_be_tested_since_segment_takes_every_key():
    assert connector.check is None


# -- the vendor's own library


class Keeping(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.kept.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(200)
        self.end_headers()

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
def test_what_we_send_has_the_shape_that_segments_own_library_sends(loopback):
    analytics = pytest.importorskip("segment.analytics", reason="segment-analytics-python is not installed")
    host = f"http://127.0.0.1:{loopback.server_port}"
    client = analytics.Client("wk", host=host, sync_mode=True)
    client.track("u-1", "Recurly Engage Prompt Click", {"promo_id": "p-1"})
    client.identify("u-1", {"plan": "gold"})
    ours = [perform("track_prompt_event"), perform("identify_user", params={"traits": ["a"]}, attributes={"a": 1})]
    for (path, headers, theirs), run in zip(loopback.kept, ours, strict=True):
        signed = flows.sign(connector, SETTINGS, run.requests[0])
        body = json.loads(signed.body)
        assert signed.url.endswith(path)
        assert flows.header(signed, "Authorization") == headers["Authorization"]
        assert flows.header(signed, "Content-Type") == headers["Content-Type"]
        assert set(body) == set(theirs)
        absent = {name for name, value in theirs["batch"][0].items() if value is None}
        assert set(body["batch"][0]) == set(theirs["batch"][0]) - absent
        assert set(body["batch"][0]["context"]["library"]) == set(theirs["batch"][0]["context"]["library"])
