import orjson
import pytest
from pydantic import ValidationError

from connectors.billing.cleeng import connector
from connectors.kit import Repeat
from testkit import flows, specs
from testkit.flows import NOW, answer

SETTINGS = {"api_key": "publisher"}
BY_ID = {"cleeng_subscription_id": 123456789}
BY_CUSTOMER = {"cleeng_customer_id": "700000001"}
ONE = "/subscriptions/123456789"
BASIC, GOLD = "S100000001_US", "S100000002_US"
REQUIRED = {
    "switch_subscription": {"to_offer_id": GOLD, "switch_direction": "upgrade"},
    "apply_coupon": {"coupon_code": "SAVE20"}, "reactivate_subscription": {}, "cancel_subscription": {},
    "pause_subscription": {"resumes_after_billing_cycles": 2}, "extend_subscription": {"days": 7},
}
DAY = 86_400


def sub(number=123456789, status="active", offer=BASIC, start=1, end=9 * DAY, **more):
    return {"subscriptionId": number, "customerId": 700000001, "status": status, "offerId": offer,
            "dateFrom": int(NOW) - 100 * DAY + start, "dateTo": int(NOW) + end, "couponCode": None,
            "pendingSwitchId": None, "isExternallyManaged": False, "pause": None, **more}


def listed(*rows):
    return answer(json={"success": True, "data": list(rows), "message": ""})


def one(**more):
    return answer(json=sub(**more))


def updated(**more):
    return answer(json={"success": True, "subscription": sub(**more), "message": "updated"})


def switched(status="inprogress"):
    return answer(json={"id": "sw-1", "status": status, "toOfferId": GOLD, "subscriptionId": 123456789})


def failed(status, code="", **more):
    return answer(status, {"message": "no", **({"code": code} if code else {}), **more})


FIRST = {"reactivate_subscription": {"status": "stopped"}}
LAST = {"switch_subscription": switched(), "apply_coupon": updated(), "extend_subscription": updated()}


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params={**REQUIRED[id], **(params or {})},
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def happy(id, **more):
    return run(id, [one(**FIRST.get(id, {})), LAST.get(id) or one()], **more)


def ended(run):
    return run.done.reference, run.done.note


# -- settings, signing, check


def test_the_token_goes_into_its_own_header_at_the_versions_address():
    signed = flows.sign(connector, SETTINGS, happy("apply_coupon").requests[1])
    assert signed.url == "https://api.cleeng.com/3.1/subscriptions/123456789"
    assert flows.header(signed, "x-publisher-token") == "publisher"
    assert flows.header(signed, "accept") == "application/json"
    assert flows.header(signed, "content-type") == "application/json"


@pytest.mark.parametrize(("more", "address"), [
    ({}, "https://api.cleeng.com"), ({"environment": "sandbox"}, "https://api.sandbox.cleeng.com"),
    ({"base_url": "https://api.cleeng.com/3.1/"}, "https://api.cleeng.com"),
    ({"base_url": "http://127.0.0.1:9/cleeng", "allow_test_hosts": True}, "http://127.0.0.1:9/cleeng"),
])
def test_the_address_is_taken_with_and_without_its_version(more, address):
    assert connector.settings(**SETTINGS, **more).address == address


@pytest.mark.parametrize("wrong", [
    {"api_key": ""}, {"environment": "test"}, {"other": 1}, {"base_url": "https://cleeng.example"},
    {"base_url": "http://127.0.0.1:9"}, {"base_url": "https://api.sandbox.cleeng.com/3.1"},
    {"base_url": "https://api.cleeng.com/3.0"},
])
def test_settings_that_cannot_be_right_are_refused(wrong):
    with pytest.raises(ValidationError):
        connector.settings(**{**SETTINGS, **wrong})


@pytest.mark.parametrize(("environment", "mode"), [("production", "live"), ("sandbox", "sandbox")])
@pytest.mark.parametrize("said", [listed(), failed(400)])
def test_the_connection_test_needs_a_token_that_is_taken(environment, mode, said):
    settings = connector.settings(**SETTINGS, environment=environment)
    tested = flows.drive(connector.check(settings), [said], connector.read)
    assert flows.query(tested.requests[0]) == [("status", "active"), ("limit", "1"), ("offset", "0")]
    assert tested.done == (f"Cleeng ({environment})", mode)
    assert flows.drive(connector.check(settings), [failed(401)], connector.read).reason == "misconfigured"


# -- answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (failed(400), "rejected", "http_400"), (failed(401), "misconfigured", "http_401"),
    (failed(403), "rejected", "access_denied"), (failed(404), "rejected", "http_404"),
    (failed(422), "rejected", "http_422"), (failed(429), "unavailable", "http_429"),
    *[(failed(status), "unavailable", f"http_{status}") for status in (500, 502, 503, 504)],
    (answer(200, {"success": False, "subscription": None, "message": "used up"}), "rejected", "refused"),
    (answer(200, body=b'{"success": '), "unavailable", "unreadable_answer"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    got = run("apply_coupon", [one(), refusal])
    assert (got.reason, got.code) == (reason, code)


@pytest.mark.parametrize(("refusal", "unknown", "wait"), [
    (failed(500), True, None), (failed(503), False, None), (answer(200, body=b"{"), True, None),
    (answer(429, headers={"Retry-After": "9"}), False, 9.0),
])
def test_what_may_have_been_done_is_told_from_what_surely_was_not(refusal, unknown, wait):
    failure = run("apply_coupon", [one(), refusal]).failure
    assert (failure.unknown, failure.retry_after) == (unknown, wait)


# -- look-ups


@pytest.mark.parametrize("id", REQUIRED)
def test_a_user_without_any_id_is_named_before_any_request(id):
    got = run(id, attributes={})
    assert (got.requests, got.failure.names) == ((), ("cleeng_subscription_id", "cleeng_customer_id"))


@pytest.mark.parametrize("id", REQUIRED)
def test_a_subscription_that_does_not_exist_is_said(id):
    got = run(id, [failed(404)])
    assert (got.lines, got.code) == ([f"GET {ONE}"], "subscription_not_found")


@pytest.mark.parametrize("attributes", [
    {"cleeng_subscription_id": "12/../3"}, {"cleeng_customer_id": "ann"}, {"cleeng_customer_id": "12"},
])
def test_an_id_that_is_no_number_is_refused_before_any_request(attributes):
    got = run("apply_coupon", attributes=attributes)
    assert (got.requests, got.code) == ((), f"invalid_{next(iter(attributes))}")


STATES = {"reactivate_subscription": ["stopped", "active"], "cancel_subscription": ["active", "stopped"],
          "pause_subscription": ["active", "stopped"]}


@pytest.mark.parametrize("id", REQUIRED)
def test_a_customer_is_asked_for_by_state(id):
    got = run(id, [listed()], attributes=BY_CUSTOMER)
    assert got.lines == ["GET /subscriptions"]
    assert flows.query(got.requests[0]) == [
        ("customerId", "700000001"), *[("status", state) for state in STATES.get(id, ["active"])],
        ("limit", "100"), ("offset", "0")]
    assert got.code in ("no_subscription", "no_stopped_subscription")


def test_long_lists_are_read_to_their_end_and_the_newest_is_taken():
    rows = [sub(200_000_000 + number, start=number) for number in range(101)]
    got = run("extend_subscription", [listed(*rows[:100]), listed(*rows[100:]), updated()], attributes=BY_CUSTOMER)
    assert flows.query(got.requests[1])[-1] == ("offset", "100")
    assert got.lines[2] == "PATCH /subscriptions/200000100"


# -- switching


def test_a_switch_is_asked_for_and_taken():
    got = happy("switch_subscription")
    assert got.lines == [f"GET {ONE}", "POST /subscription_switches"]
    assert flows.json(got.requests[1]) == {"subscriptionId": 123456789, "toOfferId": GOLD, "switchDirection": "upgrade"}
    assert (ended(got), got.done.detail) == (("sw-1", "accepted"), {"status": "inprogress"})


@pytest.mark.parametrize(("external", "sent"), [(True, {"algorithm": "DEFERRED"}), (False, {})])
def test_the_algorithm_is_for_subscriptions_that_others_manage(external, sent):
    got = run("switch_subscription", [one(isExternallyManaged=external), switched("finished")],
              params={"algorithm": "DEFERRED"})
    assert {name: one for name, one in flows.json(got.requests[1]).items() if name == "algorithm"} == sent
    assert ended(got) == ("sw-1", "")


@pytest.mark.parametrize(("row", "end"), [
    (sub(offer=GOLD), ("123456789", "already_done")), (sub(pendingSwitchId="sw-9"), ("sw-9", "accepted")),
])
def test_a_switch_that_was_asked_for_is_not_asked_for_again(row, end):
    got = run("switch_subscription", [answer(json=row)])
    assert (len(got.requests), ended(got)) == (1, end)


def test_a_subscription_that_was_replaced_is_followed():
    replaced = sub(status="terminated", replacedBy={"subscriptionId": 987654321, "reason": "switch", "date": 1})
    got = run("switch_subscription", [answer(json=replaced), one(number=987654321, offer=GOLD)])
    assert (got.lines[1], ended(got)) == ("GET /subscriptions/987654321", ("987654321", "already_done"))


def test_only_users_on_the_named_offer_are_switched():
    rows = [sub(200000001, offer="S300000003_US", start=5), sub(200000002)]
    got = run("switch_subscription", [listed(*rows), switched()], attributes=BY_CUSTOMER,
              params={"from_offer_id": BASIC})
    assert flows.json(got.requests[1])["subscriptionId"] == 200000002
    assert run("switch_subscription", [one()], params={"from_offer_id": "S300000003_US"}).code == "no_subscription"


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("body", [{"code": "{}"}, {"message": "Failed: {}"}, {"errors": [{"code": "{}"}]}])
@pytest.mark.parametrize(("code", "reason", "wait"), [
    ("VALIDATION_ERROR", "rejected", None), ("PAYMENT_GATEWAY_NOT_SUPPORTED", "rejected", None),
    ("RECURRING_PROCESS_ALREADY_STARTED", "unavailable", 600.0), ("SWITCH_IN_PROGRESS", "unavailable", 60.0),
    ("SUBSCRIPTION_WITH_COUPON_NOT_ALLOWED", "rejected", None), ("OFFER_INACTIVE", "rejected", None),
    ("TO_OFFER_COUNTRY_NOT_ALLOWED", "rejected", None), ("TO_FREE_OFFER_NOT_ALLOWED", "rejected", None),
    ("SWITCH_NOT_DEFINED_IN_SWITCH_SETTINGS", "rejected", None),
])
def test_the_code_of_a_refused_switch_is_found_wherever_it_stands(status, body, code, reason, wait):
    told = orjson.loads(orjson.dumps(body).replace(b"{}", code.encode()))
    got = run("switch_subscription", [one(), answer(status, told)])
    assert (got.reason, got.code, getattr(got.failure, "retry_after", None)) == (reason, code, wait)


@pytest.mark.parametrize("code", ["ALREADY_HAS_ACCESS", "SAME_TARGET_OFFER"])
def test_a_user_who_has_the_offer_is_already_switched(code):
    assert ended(run("switch_subscription", [one(), failed(422, code)])) == ("123456789", "already_done")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_switch_that_failed_at_once_is_a_failure(status):
    assert run("switch_subscription", [one(), switched(status)]).code == f"switch_{status}"


# -- coupons


def test_a_coupon_is_set_alone():
    got = happy("apply_coupon")
    assert got.lines == [f"GET {ONE}", f"PATCH {ONE}"]
    assert flows.json(got.requests[1]) == {"couponCode": "SAVE20"}
    assert (ended(got), got.done.detail) == (("123456789", ""), {"status": "active", "coupon": "SAVE20"})


def test_the_code_that_the_user_types_goes_before_the_bindings():
    assert flows.json(happy("apply_coupon", form={"coupon_code": " MINE "}).requests[1]) == {"couponCode": "MINE"}
    got = run("apply_coupon", form={"coupon_code": "a b"})
    assert (got.requests, got.code) == ((), "invalid_coupon_code")


def test_a_coupon_that_is_there_is_left():
    assert ended(run("apply_coupon", [one(couponCode="SAVE20")])) == ("123456789", "already_done")


# -- renewal, pause, extension


def test_a_stopped_subscription_renews_again():
    got = happy("reactivate_subscription")
    assert (got.lines, got.requests[1].body) == ([f"GET {ONE}", f"POST {ONE}/activate"], None)
    assert (ended(got), got.done.detail) == (("123456789", ""), {"status": "active"})


def test_a_subscription_that_renews_needs_nothing():
    got = run("reactivate_subscription", [listed(sub(200000001, "stopped"), sub())], attributes=BY_CUSTOMER)
    assert ended(got) == ("123456789", "already_done")


@pytest.mark.parametrize("row", [sub(status="stopped", end=-1), sub(status="terminated"), sub(status="paused"),
                                 sub(status="stopped", offer=GOLD)])
def test_what_has_expired_or_is_another_offer_cannot_renew(row):
    got = run("reactivate_subscription", [answer(json=row)], params={"offer_id": BASIC})
    assert got.code == "no_stopped_subscription"


@pytest.mark.parametrize(("form", "reason"), [({}, "Engage prompt"), ({"reason": "x" * 600}, "x" * 512)])
def test_a_cancellation_names_a_reason(form, reason):
    got = run("cancel_subscription", [one(), one(status="stopped")], form=form)
    assert got.lines == [f"GET {ONE}", f"POST {ONE}/cancel"]
    assert flows.json(got.requests[1]) == {"cancellationReason": reason}
    assert got.done.detail == {"status": "stopped"}


@pytest.mark.parametrize("status", ["stopped", "terminated"])
def test_what_has_ended_is_left(status):
    assert ended(run("cancel_subscription", [one(status=status)])) == ("123456789", "already_done")


@pytest.mark.parametrize("id", ["cancel_subscription", "pause_subscription"])
def test_of_several_subscriptions_none_is_taken_unless_the_offer_is_named(id):
    rows = [sub(), sub(200000001, offer=GOLD)]
    assert run(id, [listed(*rows)], attributes=BY_CUSTOMER).code == "several_subscriptions"
    got = run(id, [listed(*rows), one()], attributes=BY_CUSTOMER, params={"offer_id": GOLD})
    assert got.lines[1].startswith("POST /subscriptions/200000001/")


def test_a_pause_begins_at_the_anniversary():
    got = happy("pause_subscription")
    assert got.lines == [f"GET {ONE}", f"POST {ONE}/pause"]
    assert flows.json(got.requests[1]) == {"pauseDate": "anniversary-date", "resumesAfterBillingCycles": 2}
    assert ended(got) == ("123456789", "")


@pytest.mark.parametrize("row", [sub(status="paused"), sub(pause={"resumeDate": int(NOW) + 9}),
                                 sub(pause={"requestedAt": 5})])
def test_a_pause_that_is_planned_or_runs_is_left(row):
    assert ended(run("pause_subscription", [answer(json=row)])) == ("123456789", "already_done")


def test_a_pause_that_is_over_hinders_none():
    assert len(run("pause_subscription", [one(pause={"resumeDate": int(NOW) - 9}), one()]).requests) == 2


def test_too_long_a_pause_is_refused_in_the_vendors_words():
    refusal = answer(400, {"message": "Maximum limit of allowed billing cycles exceeded"})
    assert run("pause_subscription", [one(), refusal]).failure.message.startswith("Maximum limit")


def test_the_end_moves_by_days_in_seconds():
    got = happy("extend_subscription")
    assert (got.lines[1], flows.json(got.requests[1])) == (f"PATCH {ONE}", {"expiresAt": int(NOW) + 16 * DAY})
    assert got.done.detail["expires_at"] == str(int(NOW) + 16 * DAY)
    assert run("extend_subscription", [one(dateTo=None)]).code == "no_end"


def test_only_a_moved_end_cannot_be_told_from_one_that_was_moved_before():
    never = [one.id for one in connector.actions.values() if one.repeat is Repeat.NEVER]
    assert (never, list(connector.actions)) == (["extend_subscription"], list(REQUIRED))


@pytest.mark.parametrize(("id", "params"), [
    ("switch_subscription", {"to_offer_id": "S1_US"}), ("switch_subscription", {"switch_direction": "sideways"}),
    ("apply_coupon", {"coupon_code": "a b"}), ("cancel_subscription", {"cancellation_reason": "x" * 513}),
    ("pause_subscription", {"resumes_after_billing_cycles": 0}), ("extend_subscription", {"days": 0}),
])
def test_parameters_that_cleeng_would_refuse_are_refused_before(id, params):
    with pytest.raises(ValidationError):
        run(id, params=params)


# -- the vendor's own specification


@pytest.fixture(scope="module")
def spec():
    return specs.load("cleeng") or pytest.skip("the vendor's specification is not beside the project")


@pytest.mark.parametrize("id", REQUIRED)
def test_every_request_fits_the_vendors_specification(spec, id):
    by_customer = run(id, [listed()], attributes=BY_CUSTOMER)
    for request in (*happy(id).requests, *by_customer.requests):
        assert spec.problems(request) == []


def test_the_algorithm_fits_the_specification_too(spec):
    got = run("switch_subscription", [one(isExternallyManaged=True), switched()], params={"algorithm": "DEFERRED"})
    assert spec.problems(got.requests[1]) == []


def test_canned_subscriptions_are_what_the_specification_shows():
    types = specs.load_components("cleeng") or pytest.skip("the vendor's specification is not beside the project")
    row = sub(pause={"requestedAt": 5, "pauseDate": 6, "resumeDate": 7}, couponCode="X")
    assert types.problems("SubscriptionResource", row) == []
    assert types.problems("SwitchResource", switched().json) == []
