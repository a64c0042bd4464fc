"""API actions: whatever a user types, the request keeps its host, path, headers and structure."""

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import settings as checked
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.custom.custom_api import connector
from connectors.kit import Failure, Misconfigured, Repeat, Request
from testkit import flows
from testkit.flows import OUTCOME, answer, call, drive, run

KEY = 'sk+/é"\\&'
ACTION = {
    "url": "https://api.example.com/v1/users/%user_id%/offers?plan=%plan%",
    "headers": {"Authorization": "Bearer %provider.api_key%", "X-Typed": "%promoInput1Value%"},
    "query": {"prompt": "%prompt_id%"},
    "payload": {"plan": "%plan%", "seats": "%seats%", "note": "said: %promoInput1Value%", "fixed": 1},
}
CREDENTIALS = {"api_key": "sk_live_1", "odd": KEY}
ATTRIBUTES = {"plan": "gold", "seats": 3}
FORM = {"promoInput1Value": "too dear"}


def settings(action=None, **more):
    return {"credentials": CREDENTIALS, "api_actions": {"offer": {**ACTION, **(action or {})}}, **more}


def act(action=None, answers=(), *, name="offer", attributes=ATTRIBUTES, form=FORM, more=None, **event):
    made = call(connector, "call_api", settings=settings(action, **(more or {})), params={"api_action": name},
                attributes=attributes, form=form, **event)
    return run(connector, "call_api", made, answers)


def only(action=None, **more):
    done = act(action, [answer(200)], **more)
    assert done.failure is None, done.failure
    return done.requests[0]


def signed(request, action=None, **more):
    return flows.sign(connector, settings(action, **more), request)


def refusal(action=None, **more):
    with pytest.raises(ValidationError) as error:
        connector.settings.model_validate(settings(action, **more))
    return "; ".join(one["msg"] for one in error.value.errors())


def test_the_saved_request_is_filled_and_sent():
    done = act(answers=[answer(201)])
    (request,) = done.requests
    assert done.lines == ["POST https://api.example.com/v1/users/u-1/offers?plan=gold"]
    assert flows.query(request) == [("prompt", "p-1")]
    assert request.headers["X-Typed"] == "too dear"
    assert request.headers["X-Request-Id"] == OUTCOME
    assert request.headers["Content-Type"] == "application/json"
    assert "User-Agent" not in request.headers  # the processor's own, which is a setting
    assert flows.json(request) == {"plan": "gold", "seats": 3, "note": "said: too dear", "fixed": 1}
    assert (request.timeout, request.effect) == (10, True)
    assert done.done == ("", "", {"status": "201"})


def test_credentials_enter_when_the_request_is_signed_and_not_before():
    request = only()
    assert "sk_live_1" not in repr(request)
    assert flows.header(signed(request), "Authorization") == "Bearer sk_live_1"
    assert signed(request).url == "https://api.example.com/v1/users/u-1/offers?plan=gold&prompt=p-1"


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_a_credential_is_encoded_for_the_place_where_it_stands(kind):
    action = {
        "url": "https://api.example.com/%provider.odd%?k=%provider.odd%", "headers": {"content-type": kind},
        "query": {"q": "%provider.odd%"}, "payload": {"key": "%provider.odd%", "user": "%promoInput1Value%"},
    }
    out = signed(only(action), action)
    parts = urlsplit(out.url)
    assert unquote(parts.path) == f"/{KEY}"
    assert parse_qsl(parts.query) == [("k", KEY), ("q", KEY)]
    body = orjson.loads(out.body) if kind == "application/json" else dict(parse_qsl(out.body.decode()))
    assert body == {"key": KEY, "user": "too dear"}


def test_a_user_who_types_a_placeholder_gets_these_characters_sent():
    typed = "%provider.api_key% %plan% %%"
    action = {"payload": {"note": "%promoInput1Value%"}}
    out = signed(only(action, form={"promoInput1Value": typed}), action)
    assert orjson.loads(out.body) == {"note": typed}
    assert flows.header(out, "X-Typed") == typed


@pytest.mark.parametrize("typed", ["\ufdd0api_key\ufdd1", "x\ufdd0", "\ufdd1"])
@pytest.mark.parametrize("place", [
    {"payload": {"n": "%promoInput1Value%"}}, {"query": {"n": "%promoInput1Value%"}}, {"headers": {}},
])
def test_a_user_cannot_type_the_mark_of_a_credential(typed, place):
    action = {"headers": {}, "payload": {"n": "%promoInput1Value%"}, **place}
    done = act(action, form={"promoInput1Value": typed})
    assert (done.reason, done.code, done.requests) == ("rejected", "invalid_value", ())
    assert typed not in done.failure.message


@pytest.mark.parametrize("typed", ["%EF%B7%90api_key%EF%B7%91", "\\ufdd0api_key\\ufdd1"])
def test_the_encoded_form_of_a_mark_is_text_like_any_other(typed):
    action = {"url": "https://api.example.com/%promoInput1Value%", "payload": {"n": "%promoInput1Value%"}}
    out = signed(only(action, form={"promoInput1Value": typed}), action)
    assert "sk_live_1" not in out.url
    assert orjson.loads(out.body) == {"n": typed}


@pytest.mark.parametrize(("missing", "names"), [
    ({"attributes": {}}, ("plan", "seats")), ({"attributes": {"plan": "", "seats": 3}}, ("plan",)),
    ({"form": {}}, ("form.promoInput1Value",)), ({"form": {"promoInput1Value": " "}}, ("form.promoInput1Value",)),
])
def test_everything_that_has_no_value_is_named_at_once(missing, names):
    done = act(**missing)
    assert (done.reason, done.requests) == ("missing_attributes", ())
    assert sorted(done.failure.names) == sorted(names)


def test_a_default_stands_in_and_keeps_its_type():
    action = {"url": "https://api.example.com/", "headers": {}, "payload": {"a": "%seats%", "b": "%coupon%"},
              "defaults": {"seats": 1, "coupon": None}}
    assert flows.json(only(action, attributes={})) == {"a": 1, "b": None}


@pytest.mark.parametrize("value", [True, 7, 2.5, "x", ["a", "b"]])
def test_a_member_that_is_one_placeholder_keeps_the_type(value):
    action = {"payload": {"v": "%v%", "text": "is %v%"}, "url": "https://api.example.com/"}
    body = flows.json(only(action, attributes={"v": value}))
    assert body["v"] == value
    assert isinstance(body["text"], str)


def test_the_facts_of_the_event_are_at_hand():
    names = ("user_id", "prompt_id", "prompt_name", "variation_id", "activity", "event_timestamp", "event_id", "app_id",
             "outcome_id", "context.store")
    action = {"url": "https://api.example.com/", "headers": {}, "payload": {name: f"%{name}%" for name in names}}
    assert flows.json(only(action, variant_id="v-1", context={"store": "apple"})) == {
        "user_id": "u-1", "prompt_id": "p-1", "prompt_name": "Stay with us", "variation_id": "v-1",
        "activity": "accept", "event_timestamp": "2027-01-15T07:59:59.000Z", "event_id": "evt-1", "app_id": "app",
        "outcome_id": OUTCOME, "context.store": "apple",
    }


def test_declared_form_inputs_come_before_event_and_attributes():
    action = {"payload": {"who": "%plan%"}, "form_inputs": ["plan"], "headers": {}}
    assert flows.json(only(action, form={"plan": "typed"})) == {"who": "typed"}
    assert flows.json(only(action, form={})) == {"who": "gold"}


def test_a_user_cannot_replace_an_attribute_by_typing_its_name():
    action = {"payload": {"plan": "%plan%", "user": "%user_id%"}, "headers": {}}
    assert flows.json(only(action, form={"plan": "free", "user_id": "victim"})) == {"plan": "gold", "user": "u-1"}


HOSTILE = st.text() | st.sampled_from([
    "../../admin", "..", ".", "%2e%2e%2f", "//evil.com", "@evil.com", "a@b:c", "?x=1", "#x", "&y=2", "a\r\nX: 1", "\\",
    '","admin":true,"x":"', "%provider.api_key%", "\x00", "\u2028", "💥", "x" * 9000, ";/..", "%00", "a b+c",
])


def first_step(action, form, attributes):
    """The request that a flow begins with, or the failure that it ends in."""
    made = call(connector, "call_api", settings=settings(action), params={"api_action": "offer"}, form=form,
                attributes=attributes)
    try:
        return next(connector.actions["call_api"].run(made))
    except Failure as failure:
        return failure


KINDS = st.sampled_from(["application/json", "application/x-www-form-urlencoded"])


@checked(deadline=None)  # a busy machine is no failure
@given(typed=HOSTILE, attribute=HOSTILE, kind=KINDS)
def test_whatever_is_typed_the_request_is_the_one_that_was_saved(typed, attribute, kind):
    action = {
        "url": "https://api.example.com/a/%promoInput1Value%/x-%nick%/b?t=%promoInput1Value%&u=%nick%",
        "headers": {"Content-Type": kind}, "query": {"q": "%promoInput1Value%"},
        "payload": {"typed": "%promoInput1Value%", "mixed": "<%nick%>"},
    }
    request = first_step(action, {"promoInput1Value": typed}, {"nick": attribute})
    if isinstance(request, Failure):
        assert request.code in ("invalid_value", "missing_attributes")
        return
    out, typed = signed(request, action), typed.strip()
    parts = urlsplit(out.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert [unquote(one) for one in parts.path.split("/")] == ["", "a", typed, f"x-{attribute}", "b"]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("t", typed), ("u", attribute), ("q", typed)]
    body = orjson.loads(out.body) if kind.endswith("json") else dict(parse_qsl(out.body.decode(), True))
    assert body == {"typed": typed, "mixed": f"<{attribute}>"}
    assert "sk_live_1" not in repr(out)


@checked(deadline=None)  # a busy machine is no failure
@given(typed=HOSTILE, attribute=HOSTILE)
def test_whatever_is_typed_there_are_as_many_headers_as_were_saved(typed, attribute):
    action = {"url": "https://api.example.com/", "payload": {}, "query": {},
              "headers": {"X-Typed": "t=%promoInput1Value%", "X-Nick": "%nick%"}}
    request = first_step(action, {"promoInput1Value": typed}, {"nick": attribute})
    if isinstance(request, Failure):
        assert request.code in ("invalid_value", "missing_attributes")
        return
    out = signed(request, action)
    assert [line.partition(":")[0] for line in out.headers] == [
        "Accept", "X-Typed", "X-Nick", "X-Request-Id",
    ]
    assert all(" " <= character <= "~" for line in out.headers for character in line)
    assert flows.header(out, "X-Typed") == f"t={typed.strip()}"
    assert flows.header(out, "X-Nick") == attribute.strip()


@pytest.mark.parametrize("typed", [
    "a/b", "//evil.com", "@evil.com", "?x=1&y=2#z", "%provider.api_key%", "%2e%2e%2f", "💥", "x;y=1", '","a":"',
])
def test_odd_but_harmless_text_gets_through(typed):
    action = {"url": "https://api.example.com/%promoInput1Value%", "headers": {}}
    assert isinstance(first_step(action, {"promoInput1Value": typed}, ATTRIBUTES), Request)


@checked(deadline=None)  # a busy machine is no failure
@given(HOSTILE)
def test_json_carries_any_text_unchanged(typed):
    assume(typed.strip() and "\ufdd0" not in typed and "\ufdd1" not in typed)
    action = {"url": "https://api.example.com/", "headers": {}, "payload": {"typed": "%promoInput1Value%"}}
    request = only(action, form={"promoInput1Value": typed})
    assert orjson.loads(signed(request, action).body) == {"typed": typed.strip()}


@pytest.mark.parametrize(("action", "attributes"), [
    ({"payload": {"v": "%v%"}}, {"v": float("nan")}), ({"payload": {"v": "%v%"}}, {"v": 2**70}),
    ({"payload": {"v": "%v%"}}, {"v": "x" * 70_000}), ({"query": {"v": "%v%"}}, {"v": "x" * 17_000}),
    ({"payload": {f"m{n}": "%v%" for n in range(5)}}, {"v": "x" * 60_000}),
    ({"headers": {f"H{n}": "%v%" for n in range(5)}}, {"v": "x" * 8_000}),
    ({"headers": {"H": "%v%"}}, {"v": "é"}), ({"headers": {"H": "%v%"}}, {"v": " "}),
])
def test_what_is_too_large_or_no_value_for_its_place_is_refused(action, attributes):
    done = act({"url": "https://api.example.com/", "headers": {}, "payload": {}, **action}, attributes=attributes)
    assert (done.reason, done.code, done.requests) == ("rejected", "invalid_value", ())


def test_without_a_payload_there_is_no_body():
    action = {"url": "https://api.example.com/x", "method": "DELETE", "payload": {}, "headers": {}, "query": {}}
    request = only(action)
    assert (request.method, request.body, "Content-Type" in request.headers) == ("DELETE", None, False)


def test_ones_own_headers_replace_ours():
    action = {"headers": {"user-agent": "shop", "Content-Type": "application/vnd.api+json"}}
    request = only(action)
    assert "User-Agent" not in request.headers
    assert request.headers["user-agent"] == "shop"
    assert request.headers["Content-Type"] == "application/vnd.api+json"


def test_a_409_under_an_idempotency_key_is_an_earlier_try_that_still_runs_and_no_refusal():
    """Taken for a refusal, a replay would use another key, and the effect would happen twice."""
    keyed = {"idempotency_header": "Idempotency-Key"}
    done = act(keyed, answers=[answer(409)])
    assert (done.reason, done.code) == ("unavailable", "key_in_use")
    assert act({}, answers=[answer(409)]).reason == "rejected"
    assert act({**keyed, "success_status": [200, 409], "success_member": ""}, answers=[answer(409)]).reason == ""


def test_an_idempotency_key_is_sent_where_the_action_names_its_header():
    assert only({"idempotency_header": "Idempotency-Key"}).headers["Idempotency-Key"] == OUTCOME
    assert "Idempotency-Key" not in only().headers


@pytest.mark.parametrize(("method", "safe", "repeat"), [
    ("POST", False, Repeat.NEVER), ("PATCH", False, Repeat.NEVER), ("POST", True, Repeat.HARMLESS),
    ("PUT", False, Repeat.HARMLESS), ("GET", False, Repeat.HARMLESS), ("DELETE", False, Repeat.HARMLESS),
])
def test_the_safety_of_a_repeat_is_that_of_the_saved_action(method, safe, repeat):
    one = settings({"method": method, "safe_to_repeat": safe, "payload": {}})
    action = connector.actions["call_api"]
    params = action.params.model_validate({"api_action": "offer"})
    assert action.safety(params, connector.settings.model_validate(one)) is repeat
    assert action.safety(action.params.model_validate({"api_action": "gone"}),
                         connector.settings.model_validate(one)) is Repeat.NEVER


def test_an_action_that_does_not_exist_is_named_with_the_nearest():
    done = act(name="offers")
    assert (done.reason, done.code) == ("rejected", "unknown_api_action")
    assert "did you mean 'offer'?" in done.failure.message


def test_any_2xx_is_a_success_unless_the_action_says_otherwise():
    assert act({"success_status": [202, 404]}, [answer(404)]).done.detail == {"status": "404"}
    assert act({"success_status": [202]}, [answer(200)]).code == "unexpected_status"


@pytest.mark.parametrize(("body", "code"), [
    ({"result": [{"ok": True}]}, ""), ({"result": [{"ok": 1}]}, "unsuccessful_answer"),
    ({"result": []}, "unsuccessful_answer"), (None, "unsuccessful_answer"),
])
def test_a_member_of_the_answer_can_tell_success(body, code):
    assert act({"success_member": "result.0.ok"}, [answer(200, body)]).code == code


@pytest.mark.parametrize(("reference", "found"), [("data.id", "7"), ("header:Location", "/offers/7"), ("no.such", "")])
def test_a_reference_is_kept(reference, found):
    reply = answer(201, {"data": {"id": 7}}, headers={"Location": "/offers/7"})
    assert act({"reference": reference}, [reply]).done.reference == found


@pytest.mark.parametrize(("status", "reason", "code"), [
    (301, "rejected", "redirect_not_followed"), (307, "rejected", "redirect_not_followed"),
    (400, "rejected", "http_400"), (401, "rejected", "http_401"), (403, "rejected", "http_403"),
    (404, "rejected", "http_404"), (408, "unavailable", "http_408"), (425, "unavailable", "http_425"),
    (429, "unavailable", "http_429"), (500, "unavailable", "http_500"), (502, "unavailable", "http_502"),
    (503, "unavailable", "http_503"), (504, "unavailable", "http_504"),
])
def test_answers_are_read_by_their_status_and_never_repeated(status, reason, code):
    done = act(answers=[answer(status, {"error": "bad key sk_live_1"}, headers={"Location": "https://evil.com"})])
    assert (done.reason, done.code) == (reason, code)
    assert "sk_live_1" not in str(done.failure)


@pytest.mark.parametrize(("header", "wait"), [("7", 7), ("86400", 300), ("", None)])
def test_a_long_wait_is_cut(header, wait):
    assert act(answers=[answer(429, headers={"Retry-After": header})]).failure.retry_after == wait


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_covers_what_goes_out():
    action = {"payload": {"key": "%provider.odd%"}}
    out = signed(only(action), action, signing_secret=SECRET)
    sent = f"{OUTCOME}.1800000000.".encode() + out.body
    expected = hmac.new(b64decode(SECRET[6:]), sent, sha256).digest()
    assert orjson.loads(out.body) == {"key": KEY}
    assert flows.header(out, "webhook-id") == OUTCOME
    assert flows.header(out, "webhook-timestamp") == "1800000000"
    assert flows.header(out, "webhook-signature") == f"v1,{b64encode(expected).decode()}"


def test_without_a_signing_secret_nothing_is_signed():
    assert flows.header(signed(only()), "webhook-signature") is None


def test_a_credential_that_no_header_can_hold_is_a_matter_of_settings():
    action = {"headers": {"X-Key": "%provider.odd%"}}
    with pytest.raises(Misconfigured) as refused:
        signed(only(action), action)
    assert "'odd'" in refused.value.message
    assert KEY not in str(refused.value)


def test_a_mark_without_its_credential_is_never_sent():
    with pytest.raises(Misconfigured, match="'gone'"):
        signed(Request("GET", "https://api.example.com/", headers={"X": "\ufdd0gone\ufdd1"}))


@pytest.mark.parametrize(("action", "why"), [
    ({"url": "http://api.example.com/"}, "must begin with https://"),
    ({"url": "https://localhost/"}, "private network"),
    ({"url": "https://169.254.169.254/latest"}, "private network"),
    ({"url": "https://api.example.com:8443/"}, "add 'api.example.com:8443' to the allowed hosts"),
    ({"url": "https://%plan%.example.com/"}, "placeholder or percent sign in its host"),
    ({"url": "https://user:pw@example.com/"}, "user name or password"),
    ({"url": "https://api.example.com/a/../b"}, "'.' or '..'"),
    ({"url": "https://api.example.com/a/%2e%2E/b"}, "'.' or '..'"),
    ({"url": "https://api.example.com/50%/x"}, "%25"), ({"url": "https://api.example.com/%0d%0aX"}, "percent-encoded"),
    ({"url": "https://api.example.com/%EF%B7%90api_key%EF%B7%91"}, "percent-encoded"),
    ({"url": "https://api.example.com/%DFx%20"}, "write '%%DFx%%20'"),
    ({"headers": {"Host": "x"}}, "cannot be set here"), ({"headers": {"content-length": "1"}}, "cannot be set here"),
    ({"headers": {"Proxy-Authorization": "x"}}, "cannot be set here"), ({"headers": {"Cookie": "a"}}, "cannot be set"),
    ({"headers": {"webhook-id": "x"}}, "cannot be set here"), ({"headers": {"X Y": "x"}}, "no name of a header"),
    ({"headers": {"%plan%:": "x"}}, "no name of a header"), ({"headers": {"X": "a\r\nY: b"}}, "visible ASCII"),
    ({"headers": {"X": "é"}}, "visible ASCII"), ({"headers": {"X": " "}}, "is empty"),
    ({"headers": {"A": "1", "a": "2"}}, "stands there twice"),
    ({"headers": {"Key": "1"}, "idempotency_header": "key"}, "stands there twice"),
    ({"idempotency_header": "Host"}, "cannot be set here"),
    ({"headers": {"Content-Type": "text/plain"}}, "Content-Type"),
    ({"method": "GET"}, "GET carries none"), ({"method": "DELETE"}, "DELETE carries none"),
    ({"payload": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}, "stands there twice"),
    ({"payload": {"a": {"b": 1}}}, "valid"), ({"payload": {"a": float("inf")}}, "no number"),
    ({"payload": {"a": 2**64}}, "no number"), ({"payload": {"a": "%provider.nope%"}}, "is no credential"),
    ({"payload": {"a": "%provder.api_key%"}}, "no known placeholder"), ({"payload": {"a\ufdd0": "x"}}, "match"),
    ({"payload": {"a": "\ufdd0api_key\ufdd1"}}, "internal use"), ({"timeout": 60}, "less than or equal to 15"),
    ({"attributes": ["plan", "seats"], "query": {"q": "%plam%"}}, "did you mean '%plan%'?"),
])
def test_what_could_not_be_sent_safely_is_refused_when_saved(action, why):
    assert why in refusal(action)


@pytest.mark.parametrize(("more", "why"), [
    ({"allowed_hosts": ["other.example.com"]}, "not among the allowed ones"),
    ({"credential_hosts": {"api_key": ["other.example.com"]}}, "may not go"),
    ({"credential_hosts": {"nope": ["x"]}}, "names no credential"), ({"signing_secret": "short"}, "no signing secret"),
])
def test_hosts_and_secrets_are_checked_together(more, why):
    found = refusal(**more)
    assert why in found
    assert "sk_live_1" not in found


def test_a_port_of_ones_own_is_allowed_by_name():
    action = {"url": "https://api.example.com:8443/x", "headers": {}, "payload": {}, "query": {}}
    request = only(action, more={"allowed_hosts": ["api.example.com:8443"]})
    assert request.path == "https://api.example.com:8443/x"


def test_private_addresses_are_for_those_who_ask_for_them():
    action = {"url": "http://127.0.0.1:9000/x", "headers": {}, "payload": {}, "query": {}}
    assert connector.foreign_addresses
    assert only(action, more={"allow_private_addresses": True}).path == "http://127.0.0.1:9000/x"


def test_members_may_be_written_as_a_list():
    action = {"query": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}
    assert flows.query(only(action)) == [("a", "1"), ("a", "2")]


def test_saved_actions_can_be_picked():
    options = drive(connector.options["api_actions"](connector.settings.model_validate(settings()))).done
    assert options == [("offer", "POST api.example.com")]
