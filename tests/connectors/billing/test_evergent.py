import orjson
import pytest
from pydantic import ValidationError

from connectors.billing.evergent import connector
from connectors.kit import Repeat
from testkit import flows
from testkit.flows import answer

SETTINGS = {"domain": "rest-prod-x.evergent.com/x", "api_key": "secret", "channel_partner_id": "PARTNER"}
ANN = {"customer_id": "ann", "pack_id": "BASIC"}
BARE = {"customer_id": "ann"}
REQUIRED = {"redeem_coupon": {"coupon_code": "SAVE20"}, "change_service": {"to_service_id": "GOLD"},
            "pause_subscription": {"days": 30}, "resume_subscription": {}, "reactivate_subscription": {},
            "remove_subscription": {}}
LOOKS = ("change_service", "remove_subscription")
PATHS = {"redeem_coupon": "redeemCoupon", "change_service": "changeService", "pause_subscription": "pauseSubscription",
         "resume_subscription": "resumeSubscription", "reactivate_subscription": "reactivateSubscription",
         "remove_subscription": "removeSubscription"}
LOOKUP = "POST /getActiveSubscriptions"


def said(**message):
    return answer(json={"AnythingResponseMessage": message})


def good(**more):
    return said(responseCode="1", message="SUCCESS", **more)


def bad(code="eV1", text="no"):
    return said(responseCode="0", failureMessage=[{"errorCode": code, "errorMessage": text}])


def row(service="BASIC", **more):
    return {"serviceID": service, "status": "Active", "isRenewal": True, **more}


def services(*rows):
    return good(AccountServiceMessage=list(rows))


def run(id, answers=(), *, params=None, attributes=None, settings=None, **more):
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})},
                      params={**REQUIRED[id], **(params or {})}, attributes=ANN if attributes is None else attributes,
                      **more)
    return flows.run(connector, id, made, answers)


def happy(id, **more):
    return run(id, [*([services(row())] if id in LOOKS else []), good()], **more)


def ended(run):
    return run.done.reference, run.done.note


def sent(run):
    return flows.json(run.requests[-1])


# -- settings, signing, check


@pytest.mark.parametrize(("more", "members", "headers"), [
    ({}, {"apiKey": "secret"}, {}),
    ({"api_key_placement": "message:key"}, {"key": "secret"}, {}),
    ({"api_key_placement": "header:X-Api-Key"}, {}, {"x-api-key": "secret"}),
    ({"api_key_placement": "bearer"}, {}, {"authorization": "Bearer secret"}),
    ({"api_key_placement": "none", "api_user": "u", "api_password": "p"}, {"apiUser": "u", "apiPassword": "p"}, {}),
    ({"api_user": "u", "api_password": "p"}, {"apiUser": "u", "apiPassword": "p", "apiKey": "secret"}, {}),
])
def test_the_key_is_put_where_the_instance_wants_it_when_the_request_goes_out(more, members, headers):
    request = happy("redeem_coupon").requests[0]
    signed = flows.sign(connector, {**SETTINGS, **more}, request)
    assert signed.url == "https://rest-prod-x.evergent.com/x/redeemCoupon"
    assert orjson.loads(signed.body) == {"RedeemCouponRequestMessage": {
        "channelPartnerID": "PARTNER", "cpCustomerID": "ann", "couponCode": "SAVE20", **members}}
    assert {name: flows.header(signed, name) for name in headers} == headers
    assert flows.header(signed, "content-type") == "application/json"
    assert b"secret" not in request.body


@pytest.mark.parametrize(("domain", "address"), [
    ("https://rest-prod-x.evergent.com/x/", "https://rest-prod-x.evergent.com/x"),
    ("rest-stag.evergent.com", "https://rest-stag.evergent.com"),
    ("rest-stag.evergent.com/x/ev2", "https://rest-stag.evergent.com/x/ev2"),
])
def test_the_domain_is_taken_however_it_was_copied(domain, address):
    assert connector.settings(**{**SETTINGS, "domain": domain}).address == address


@pytest.mark.parametrize("wrong", [
    {"domain": ""}, {"domain": "evergent.com"}, {"domain": "x.evil.example"}, {"domain": "x.evergent.com@evil.example"},
    {"domain": "x.evergent.com/../y"}, {"domain": "x.evergent.com/a b"}, {"domain": "x.evergent.com/a?b"},
    {"domain": "http://x.evergent.com"}, {"api_key": ""}, {"channel_partner_id": ""}, {"api_key_placement": "query"},
    {"api_key_placement": "none"}, {"api_user": "u"}, {"api_password": "p"}, {"base_url": "http://127.0.0.1:9"},
    {"overrides": {"other": {}}}, {"overrides": {"redeem_coupon": {"method": "a b"}}}, {"already_done": "("},
    {"overrides": {"redeem_coupon": {"fields": {"other": "x"}}}}, {"other": 1},
    {"overrides": {"redeem_coupon": {"method": "https://evil.example"}}},
])
def test_settings_that_cannot_be_right_are_refused(wrong):
    with pytest.raises(ValidationError):
        connector.settings(**{**SETTINGS, **wrong})


def checked(reply, **more):
    return flows.drive(connector.check(connector.settings(**{**SETTINGS, **more})), [reply], connector.read)


@pytest.mark.parametrize("reply", [bad("eV2327", "No account found with the given details."), services()])
def test_the_connection_test_asks_for_nobody(reply):
    tested = checked(reply)
    assert (tested.lines, tested.requests[0].effect) == ([LOOKUP], False)
    assert sent(tested)["GetActiveSubscriptionsRequestMessage"]["cpCustomerID"] == "prompt-actions-connection-test"
    assert tested.done == ("rest-prod-x.evergent.com/x", "")
    assert checked(reply, domain="rest-stag.evergent.com/x").done.mode == "sandbox"


@pytest.mark.parametrize(("reply", "code"), [(bad("eV2001", "Authentication failed"), "eV2001"),
                                             (answer(404), "no_such_call"), (answer(401), "http_401")])
def test_a_connection_that_does_not_work_says_why(reply, code):
    assert checked(reply).code == code


# -- messages and their answers


MESSAGES = {
    "redeem_coupon": {"couponCode": "SAVE20"}, "change_service": {"oldServiceID": "BASIC", "newServiceID": "GOLD"},
    "pause_subscription": {"serviceID": "BASIC", "pauseDays": 30}, "resume_subscription": {"serviceID": "BASIC"},
    "reactivate_subscription": {"serviceID": "BASIC"},
    "remove_subscription": {"serviceType": "PRODUCT", "serviceID": "BASIC"},
}


@pytest.mark.parametrize("id", REQUIRED)
def test_each_action_sends_its_message(id):
    got = happy(id)
    method = PATHS[id]
    assert got.lines == [*([LOOKUP] if id in LOOKS else []), f"POST /{method}"]
    assert sent(got) == {f"{method[0].upper()}{method[1:]}RequestMessage": {
        "channelPartnerID": "PARTNER", "cpCustomerID": "ann", **MESSAGES[id]}}
    assert [request.effect for request in got.requests] == [*([False] if id in LOOKS else []), True]
    assert ended(got) == ({"redeem_coupon": "SAVE20", "change_service": "GOLD"}.get(id, "BASIC"), "")


def test_services_are_looked_up_by_customer():
    assert flows.json(happy("remove_subscription").requests[0]) == {"GetActiveSubscriptionsRequestMessage": {
        "channelPartnerID": "PARTNER", "cpCustomerID": "ann", "returnLiveEvents": "F"}}


def test_calls_and_fields_are_renamed_for_an_instance():
    overrides = {"redeem_coupon": {"method": "ev2/applyPromo", "request_message": "PromoRequest",
                                   "fields": {"coupon": "promoCode", "customer": "spAccountID"}}}
    got = happy("redeem_coupon", settings={"overrides": overrides})
    assert got.lines == ["POST /ev2/applyPromo"]
    assert sent(got) == {"PromoRequest": {"channelPartnerID": "PARTNER", "spAccountID": "ann", "promoCode": "SAVE20"}}


def test_a_new_method_names_its_message_and_an_empty_field_is_left_out():
    overrides = {"lookup": {"method": "ev2/getEntitlements", "fields": {"live_events": ""}}}
    got = run("remove_subscription", [services(row()), good()], settings={"overrides": overrides})
    assert (got.lines[0], flows.json(got.requests[0])) == ("POST /ev2/getEntitlements", {
        "GetEntitlementsRequestMessage": {"channelPartnerID": "PARTNER", "cpCustomerID": "ann"}})


@pytest.mark.parametrize(("reply", "reason", "code"), [
    (bad("eV2500", "not valid"), "rejected", "eV2500"), (bad("eV2", "Access Denied"), "misconfigured", "eV2"),
    (bad("eV2", "Invalid API key"), "misconfigured", "eV2"), (said(responseCode="0"), "rejected", "response_0"),
    (said(responseCode=0, failureMessage=[]), "rejected", "response_0"), (said(), "rejected", "response_None"),
    (said(responseCode=True), "rejected", "response_True"), (answer(json={"x": 1}), "rejected", "no_response_message"),
    (answer(200, body=b"<html>"), "unavailable", "unreadable_answer"),
    (answer(400), "rejected", "http_400"), (answer(401), "misconfigured", "http_401"),
    (answer(403), "misconfigured", "http_403"), (answer(404), "rejected", "no_such_call"),
    (answer(429), "unavailable", "http_429"),
    *[(answer(status), "unavailable", f"http_{status}") for status in (500, 502, 503, 504)],
])
@pytest.mark.parametrize("id", ["redeem_coupon", "pause_subscription"])
def test_each_refusal_is_read_by_who_must_act(id, reply, reason, code):
    got = run(id, [reply])
    assert (got.reason, got.code) == (reason, code)


def test_what_may_have_been_done_is_told_from_what_surely_was_not():
    unknown = [run("redeem_coupon", [reply]).failure.unknown
               for reply in (answer(500), answer(200, body=b"{"), answer(503), answer(429))]
    assert unknown == [True, True, False, False]


def test_a_number_is_a_success_as_its_text_is():
    assert ended(run("redeem_coupon", [said(responseCode=1)])) == ("SAVE20", "")


def test_a_failure_is_told_in_the_vendors_words():
    assert run("redeem_coupon", [bad("eV2500", "The coupon is not valid.")]).failure.message == (
        "The coupon is not valid.")


@pytest.mark.parametrize("id", REQUIRED)
def test_codes_that_the_settings_name_are_worth_another_try(id):
    got = run(id, [bad("eV7")], settings={"retry_codes": ["eV7"]})
    assert (got.reason, got.code, got.failure.unknown) == ("unavailable", "eV7", False)


@pytest.mark.parametrize("text", ["Coupon already redeemed", "It has ALREADY BEEN REDEEMED.", "already cancelled"])
def test_a_refusal_that_says_so_is_already_done(text):
    assert ended(run("redeem_coupon", [bad("eV2501", text)])) == ("SAVE20", "already_done")


@pytest.mark.parametrize(("pattern", "text"), [("", "already redeemed"), ("used up", "already redeemed")])
def test_what_says_so_is_the_settings_choice(pattern, text):
    assert run("redeem_coupon", [bad("eV2501", text)], settings={"already_done": pattern}).code == "eV2501"


# -- who and what


@pytest.mark.parametrize("id", REQUIRED)
def test_a_user_without_customer_id_is_named_before_any_request(id):
    got = run(id, attributes={"pack_id": "BASIC"})
    assert (got.requests, got.failure.names) == ((), ("customer_id",))


@pytest.mark.parametrize(("params", "attributes", "form", "code"), [
    ({"coupon_code": ""}, {**ANN, "coupon_code": "SYNCED"}, {}, "SYNCED"),
    ({"coupon_code": "BOUND"}, {**ANN, "coupon_code": "SYNCED"}, {}, "BOUND"),
    ({"coupon_code": "BOUND"}, ANN, {"coupon_code": " TYPED "}, "TYPED"),
])
def test_the_typed_coupon_goes_before_the_bound_one_before_the_synced_one(params, attributes, form, code):
    got = run("redeem_coupon", [good()], params=params, attributes=attributes, form=form)
    assert sent(got)["RedeemCouponRequestMessage"]["couponCode"] == code


def test_without_any_coupon_it_is_named():
    assert run("redeem_coupon", params={"coupon_code": ""}).failure.names == ("coupon_code", "form.coupon_code")


@pytest.mark.parametrize("id", [one for one in REQUIRED if one not in ("redeem_coupon", "change_service")])
def test_the_service_is_the_bound_one_else_the_only_one(id):
    before = [services(row("ONLY"))]
    named = run(id, [*(before if id in LOOKS else []), good()], params={"service_id": "BOUND"})
    assert next(iter(sent(named).values()))["serviceID"] == "BOUND"
    only = run(id, [*before, good()], attributes=BARE)
    assert (only.lines[0], next(iter(sent(only).values()))["serviceID"]) == (LOOKUP, "ONLY")
    assert run(id, [services()], attributes=BARE).code == "no_active_service"
    assert run(id, [services(row("A"), row("B"))], attributes=BARE).code == "several_services"
    assert run(id, [bad("eV2327")], attributes=BARE).code == "eV2327"


def test_an_only_service_that_stands_by_itself_is_read():
    got = run("resume_subscription", [good(AccountServiceMessage=row("ONLY")), good()], attributes=BARE)
    assert ended(got) == ("ONLY", "")


# -- what is looked for


def test_a_change_is_not_made_where_the_new_service_is_active():
    got = run("change_service", [services(row("GOLD"))])
    assert (got.lines, ended(got)) == ([LOOKUP], ("GOLD", "already_done"))


def test_a_change_from_a_service_that_is_not_active_is_said():
    got = run("change_service", [services(row("OTHER"))], params={"from_service_id": "BASIC"})
    assert (got.lines, got.code) == ([LOOKUP], "service_not_active")


def test_a_change_from_the_only_service_needs_no_name():
    got = run("change_service", [services(row("ONLY")), good()], attributes=BARE)
    assert sent(got)["ChangeServiceRequestMessage"]["oldServiceID"] == "ONLY"


@pytest.mark.parametrize(("rows", "doubtful", "asked"), [
    ([row(isRenewal=False)], False, 1), ([row(isRenewal="false")], False, 1), ([], True, 1), ([], False, 2),
    ([row()], True, 2), ([{"serviceID": "BASIC"}], False, 2),
])
def test_what_ends_already_is_left_and_what_is_unclear_is_asked_for(rows, doubtful, asked):
    got = run("remove_subscription", [services(*rows), *([good()] if asked == 2 else [])], doubtful=doubtful)
    assert (len(got.requests), ended(got)) == (asked, ("BASIC", "already_done" if asked == 1 else ""))


@pytest.mark.parametrize(("typed", "days"), [("7", 7), ("90", 90), (" 30 ", 30)])
def test_the_typed_days_go_before_the_bound_ones(typed, days):
    got = run("pause_subscription", [good()], form={"days": typed})
    assert sent(got)["PauseSubscriptionRequestMessage"]["pauseDays"] == days


@pytest.mark.parametrize("typed", ["0", "91", "-1", "x", "1.5", "007", "٣"])
def test_typed_days_that_are_none_are_refused(typed):
    got = run("pause_subscription", form={"days": typed})
    assert (got.requests, got.code) == ((), "invalid_days")


def test_what_cannot_be_told_afterwards_is_never_repeated():
    repeats = {one.id: one.repeat for one in connector.actions.values()}
    assert repeats == {
        "redeem_coupon": Repeat.NEVER, "change_service": Repeat.LOOK_BEFORE, "pause_subscription": Repeat.NEVER,
        "resume_subscription": Repeat.HARMLESS, "reactivate_subscription": Repeat.HARMLESS,
        "remove_subscription": Repeat.LOOK_BEFORE}
    assert list(repeats) == list(REQUIRED)


def test_the_low_confidence_is_said_where_people_read():
    assert "Low confidence" in connector.confidence
    assert all("Low confidence" in one.help for one in connector.actions.values())
