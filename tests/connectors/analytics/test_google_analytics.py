"""Google Analytics: every request, ids, names and lengths that GA4 would drop silently, dry runs, settings."""

import orjson
import pytest
from pydantic import ValidationError

from connectors.analytics.google_analytics import connector
from connectors.kit import Done, MissingAttributes, Rejected, Repeat
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

WEB = {"measurement_id": "G-ABC123", "api_secret": "s3/cret"}
APP = {"stream_type": "app", "firebase_app_id": "1:123:android:abcdef", "api_secret": "s3/cret"}
EVENTS, PROFILES = "export_prompt_event", "sync_user_traits"
CLIENT = {"ga_client_id": "1234567.7654321"}
TIME = 1_799_999_999_000_000
BODY = {
    "client_id": "1234567.7654321", "user_id": "u-1", "timestamp_micros": TIME,
    "events": [{"name": "recurly_engage_prompt_click", "params": {
        "promo_id": "p-1", "promo_name": "Stay with us", "event_timestamp": "2027-01-15T07:59:59.000Z",
        "engagement_time_msec": 1,
    }}],
}
TAKEN, FINE = answer(204), answer(200, {"validationMessages": []})


def item(id=EVENTS, settings=WEB, attributes=CLIENT, **more):
    return connector.exports[id].item(flows.call(connector, id, settings=settings, attributes=attributes, **more))


def body_of(*args, **more):
    return orjson.loads(item(*args, **more).body)


def send(items, *answers, id=EVENTS, **settings):
    made = connector.settings.model_validate({**WEB, **settings})
    return flows.drive(connector.exports[id].send(made, items), answers, connector.read)


def test_an_interaction_is_one_event_of_a_browser():
    run = send([item()], TAKEN)
    assert run.lines == ["POST /mp/collect"]
    assert flows.query(run.requests[0]) == []
    assert run.requests[0].headers == {"Content-Type": "application/json"}
    assert run.requests[0].effect
    assert flows.json(run.requests[0]) == BODY
    assert run.done == [Done(OUTCOME, "accepted")]


def test_a_stream_of_an_app_names_the_instance_instead():
    body = body_of(settings=APP, attributes={"ga_app_instance_id": "f" * 32, **CLIENT})
    assert body == {"app_instance_id": "f" * 32, **{name: one for name, one in BODY.items() if name != "client_id"}}


@pytest.mark.parametrize(("interaction", "name"), [
    ("accept", "click"), ("secondary_accept", "click_2"), ("decline", "decline"), ("dismiss", "dismiss"),
    ("timeout", "timeout"), ("impression", "impression"), ("custom_goal", "custom_goal"), ("holdout", "holdout"),
])
def test_each_interaction_has_a_name_without_spaces(interaction, name):
    assert body_of(interaction=interaction)["events"][0]["name"] == f"recurly_engage_prompt_{name}"


@pytest.mark.parametrize(("cookie", "client"), [
    ("1234567.7654321", "1234567.7654321"), ("GA1.1.1234567.7654321", "1234567.7654321"), (" 1.2 ", "1.2"),
])
def test_the_client_id_may_be_the_whole_cookie(cookie, client):
    assert body_of(attributes={"ga_client_id": cookie})["client_id"] == client


@pytest.mark.parametrize("cookie", ["anonymous", "12", "0.5", "1.2.x", "a.b"])
def test_what_google_would_drop_for_its_client_id_fails(cookie):
    with pytest.raises(Rejected) as refused:
        item(attributes={"ga_client_id": cookie})
    assert refused.value.code == "invalid_client_id"


def test_a_user_without_a_cookie_gets_a_client_id_that_stays():
    first, again, other = (body_of(attributes={}, user_id=user)["client_id"] for user in ("u-1", "u-1", "u-2"))
    assert first == again != other
    assert [0 < int(part) < 2**31 for part in first.split(".")] == [True, True]
    assert first == "575307605.1920523593"


def test_an_address_is_no_user_id_to_google():
    body = body_of(attributes={}, user_id="ann@example.com")
    assert "user_id" not in body
    assert "ann" not in orjson.dumps(body).decode()


@pytest.mark.parametrize(("settings", "names"), [(WEB, ("ga_client_id", "user_id")), (APP, ("ga_app_instance_id",))])
@pytest.mark.parametrize(("id", "params"), [(EVENTS, {}), (PROFILES, {"traits": ["plan"]})])
def test_a_user_that_google_could_not_tell_is_missing_the_attribute(id, params, settings, names):
    with pytest.raises(MissingAttributes) as missing:
        item(id, settings=settings, params=params, attributes={"plan": "x"}, user_id="")
    assert missing.value.names == names


def test_an_app_needs_its_instance_even_where_our_id_is_known():
    with pytest.raises(MissingAttributes):
        item(settings=APP)


def test_names_parameters_traits_and_the_session_go_along():
    params = {"event_names": {"accept": "offer_accepted"}, "property_names": {"promo_id": "campaign", "promo_name": ""},
              "extra_params": {"seats": "%seats%", "vip": "%vip%", "campaign": "forged", "gone": "%gone%"},
              "include_user_properties": ["plan", "plans", "gone"]}
    attributes = {**CLIENT, "ga_session_id": "1700000000", "seats": 3, "vip": True, "plan": "gold", "plans": ["a", "b"]}
    body = body_of(params=params, attributes=attributes, variant_id="v", variant_name="B")
    assert body["events"] == [{"name": "offer_accepted", "params": {
        "seats": 3, "vip": "true", "campaign": "p-1", "variation_id": "v", "variation_name": "B",
        "event_timestamp": "2027-01-15T07:59:59.000Z", "session_id": "1700000000", "engagement_time_msec": 1,
    }}]
    assert body["user_properties"] == {"plan": {"value": "gold"}, "plans": {"value": "a,b"}}


def test_long_values_are_cut_since_google_would_drop_them():
    body = body_of(params={"include_user_properties": ["plan"]}, attributes={**CLIENT, "plan": "x" * 200},
                   prompt_name="y" * 200)
    assert body["events"][0]["params"]["promo_name"] == "y" * 100
    assert body["user_properties"]["plan"]["value"] == "x" * 36


@pytest.mark.parametrize(("attributes", "consent"), [
    ({"ads": True, "personal": "denied"}, {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}),
    ({"ads": "perhaps"}, {"ad_user_data": "DENIED"}), ({}, None),
])
@pytest.mark.parametrize(("id", "params"), [(EVENTS, {}), (PROFILES, {"traits": ["plan"]})])
def test_consent_is_told_where_it_is_known(id, params, attributes, consent):
    params = {**params, "ad_user_data": "ads", "ad_personalization": "personal"}
    assert body_of(id, params=params, attributes={**CLIENT, **attributes, "plan": "x"}).get("consent") == consent


def test_no_consent_is_told_where_no_attribute_was_named():
    assert "consent" not in body_of(attributes={**CLIENT, "ad_user_data": True})


def test_an_event_from_the_future_happened_now():
    assert body_of(time=int(NOW * 1000) + 5000)["timestamp_micros"] == int(NOW) * 1_000_000


def test_user_properties_ride_on_an_event_of_their_own():
    run = send([item(PROFILES, params={"traits": ["plan", "seats", "gone"]},
                     attributes={**CLIENT, "plan": "gold", "seats": 0})], TAKEN, id=PROFILES)
    assert run.lines == ["POST /mp/collect"]
    assert flows.json(run.requests[0]) == {
        "client_id": "1234567.7654321", "user_id": "u-1", "timestamp_micros": TIME,
        "user_properties": {"plan": {"value": "gold"}, "seats": {"value": 0}},
        "events": [{"name": "recurly_engage_traits", "params": {"engagement_time_msec": 1}}],
    }
    assert run.done == [Done(OUTCOME, "accepted")]


def test_a_user_with_none_of_the_traits_is_missing_them():
    with pytest.raises(MissingAttributes) as missing:
        item(PROFILES, params={"traits": ["plan", "seats"]})
    assert missing.value.names == ("plan", "seats")


def test_only_events_of_one_user_share_a_request():
    same, other, id_too = item(), item(attributes={"ga_client_id": "1.2"}), item(user_id="u-2")
    assert item(interaction="decline").group == same.group
    assert len({same.group, other.group, id_too.group}) == 3


def test_events_of_one_user_keep_their_own_times_and_the_latest_property_counts():
    params = {"include_user_properties": ["plan"]}
    first = item(params=params, attributes={**CLIENT, "plan": "free"}, interaction="impression")
    later = item(params=params, attributes={**CLIENT, "plan": "gold"}, time=int(NOW * 1000) - 500)
    run = send([first, later], TAKEN)
    body = flows.json(run.requests[0])
    assert [(one["name"], one["timestamp_micros"]) for one in body["events"]] == [
        ("recurly_engage_prompt_impression", TIME), ("recurly_engage_prompt_click", TIME + 500_000)]
    assert body["user_properties"] == {"plan": {"value": "gold", "timestamp_micros": TIME + 500_000}}
    assert (body["client_id"], body["timestamp_micros"]) == ("1234567.7654321", TIME + 500_000)
    assert run.done == [Done(OUTCOME, "accepted")] * 2


def test_a_body_that_is_too_large_goes_in_halves():
    large = answer(413)
    run = send([item(), item(), item()], large, TAKEN, large, TAKEN, large)
    assert [len(flows.json(one)["events"]) for one in run.requests] == [3, 1, 2, 1, 1]
    assert [getattr(end, "code", "") for end in run.done] == ["", "", "too_large"]


@pytest.mark.parametrize("reply", [answer(200), answer(204), answer(200, body=b"GIF89a")])
def test_a_2xx_says_that_it_arrived_and_no_more(reply):
    assert send([item()], reply).done == [Done(OUTCOME, "accepted")]


@pytest.mark.parametrize(("status", "reason", "unknown"), [
    (400, "rejected", None), (404, "rejected", None), (405, "rejected", None), (429, "unavailable", False),
    (500, "unavailable", True), (502, "unavailable", True), (503, "unavailable", False), (504, "unavailable", True),
])
def test_other_answers_concern_the_whole_request(status, reason, unknown):
    run = send([item(), item()], answer(status))
    assert (run.reason, run.code, getattr(run.failure, "unknown", None)) == (reason, f"http_{status}", unknown)


def test_a_dry_run_has_the_event_validated_and_counts_nothing():
    run = send([item()], FINE, validate_only=True)
    assert run.lines == ["POST /debug/mp/collect"]
    assert flows.json(run.requests[0]) == {**BODY, "validation_behavior": "ENFORCE_RECOMMENDATIONS"}
    assert not run.requests[0].effect
    assert run.done == [Done(OUTCOME)]


def test_a_dry_run_finds_the_event_that_breaks_a_rule():
    bad = answer(200, {"validationMessages": [
        {"fieldPath": "events[1].name", "description": "is reserved", "validationCode": "NAME_RESERVED"}]})
    run = send([item(), item()], bad, FINE, bad, validate_only=True)
    assert (run.done[0], run.done[1].code) == (Done(OUTCOME), "name_reserved")
    assert run.done[1].message == "events[1].name: is reserved"


def check(reply, settings=WEB):
    return flows.drive(connector.check(connector.settings.model_validate(settings)), [reply], connector.read)


@pytest.mark.parametrize(("settings", "ids"), [(WEB, {"client_id": "1.1"}), (APP, {"app_instance_id": "0" * 32})])
def test_the_connection_test_counts_nothing_and_says_what_it_cannot_know(settings, ids):
    run = check(FINE, settings)
    assert run.lines == ["POST /debug/mp/collect"]
    assert not run.requests[0].effect
    assert flows.json(run.requests[0]) == {
        **ids, "validation_behavior": "ENFORCE_RECOMMENDATIONS",
        "events": [{"name": "recurly_engage_prompt_click", "params": {"promo_id": "test", "engagement_time_msec": 1}}],
    }
    assert "does not tell" in run.done.name


def test_the_connection_test_shows_what_validation_says():
    bad = answer(200, {"validationMessages": [{"fieldPath": "client_id", "description": "odd"}]})
    assert (check(bad).code, check(bad).failure.message) == ("invalid_payload", "client_id: odd")


@pytest.mark.parametrize(("settings", "url"), [
    (WEB, "https://www.google-analytics.com/mp/collect?measurement_id=G-ABC123&api_secret=s3%2Fcret"),
    ({**APP, "region": "eu"},
     "https://region1.google-analytics.com/mp/collect?firebase_app_id=1:123:android:abcdef&api_secret=s3%2Fcret"),
    ({**WEB, "base_url": "http://127.0.0.1:9/", "allow_test_hosts": True},
     "http://127.0.0.1:9/mp/collect?measurement_id=G-ABC123&api_secret=s3%2Fcret"),
])
def test_stream_and_secret_stand_in_the_query_when_signing(settings, url):
    request = send([item()], TAKEN).requests[0]
    signed = flows.sign(connector, settings, request)
    assert signed.url == url
    assert signed.headers == ["Content-Type: application/json"]
    assert b"s3" not in request.body


def test_nothing_keeps_a_repeated_interaction_from_counting_twice():
    assert connector.exports[EVENTS].repeat is Repeat.NEVER
    assert connector.exports[PROFILES].repeat is Repeat.NEVER, "the event that carries them counts twice"
    assert (connector.exports[EVENTS].trigger, connector.exports[PROFILES].trigger) == ("interaction", "attributes")


@pytest.mark.parametrize(("settings", "place"), [
    ({**WEB, "measurement_id": ""}, "measurement_id"), ({**WEB, "measurement_id": "1234567"}, "measurement_id"),
    ({**WEB, "measurement_id": "UA-1-1"}, "measurement_id"), ({**WEB, "stream_type": "app"}, "firebase_app_id"),
    ({**APP, "firebase_app_id": "abcdef"}, "firebase_app_id"), ({**WEB, "api_secret": ""}, "api_secret"),
    ({**WEB, "region": "us"}, "region"), ({**WEB, "base_url": "https://google-analytics.example"}, "base_url"),
])
def test_mistyped_settings_are_refused_at_their_field(settings, place):
    with pytest.raises(ValidationError) as refused:
        connector.settings.model_validate(settings)
    assert [error["loc"] for error in refused.value.errors()] == [(place,)]


@pytest.mark.parametrize(("id", "params", "place"), [
    (EVENTS, {"event_name": "Offer accepted"}, "event_names"), (EVENTS, {"event_name": "session_start"}, "event_names"),
    (EVENTS, {"event_names": {"accept": "x" * 41}}, "event_names"), (EVENTS, {"event_name": "_x"}, "event_names"),
    (EVENTS, {"event_name": "firebase_x"}, "event_names"), (EVENTS, {"event_name": "2x"}, "event_names"),
    (EVENTS, {"extra_params": {"ga_x": "1"}}, "extra_params"), (EVENTS, {"extra_params": {"a-b": "1"}}, "extra_params"),
    (EVENTS, {"extra_params": {"session_id": "1"}}, "extra_params"),
    (EVENTS, {"extra_params": {f"p{number}": "1" for number in range(19)}}, "extra_params"),
    (EVENTS, {"property_names": {"promo_id": "campaign id"}}, "property_names"),
    (EVENTS, {"include_user_properties": ["user_id"]}, "include_user_properties"),
    (EVENTS, {"include_user_properties": ["x" * 25]}, "include_user_properties"),
    (PROFILES, {"traits": []}, "traits"), (PROFILES, {"traits": ["email_address"]}, "traits"),
    (PROFILES, {"traits": ["phone"]}, "traits"), (PROFILES, {"traits": ["google_plan"]}, "traits"),
    (PROFILES, {"traits": [f"t{number}" for number in range(26)]}, "traits"),
])
def test_what_google_would_drop_silently_is_refused_when_saved(id, params, place):
    with pytest.raises(ValidationError) as refused:
        item(id, params=params)
    assert refused.value.errors()[0]["loc"][0] == place


def test_an_event_has_at_most_25_parameters():
    extra = {f"p{number}": "1" for number in range(18)}
    body = body_of(params={"extra_params": extra}, attributes={**CLIENT, "ga_session_id": "1"}, variant_id="v",
                   variant_name="B")
    assert len(body["events"][0]["params"]) == 25
