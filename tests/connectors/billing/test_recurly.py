from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from connectors.billing.recurly import connector
from connectors.kit import Option
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"api_key": "private"}
BY_CODE = {"account_code": "bob@example.com"}
ACCOUNT = "/accounts/code-bob%40example.com"
ALL = f"GET {ACCOUNT}/subscriptions"
REQUIRED = {
    "apply_coupon": {"coupon_id": "c1"}, "pause_subscription": {"pause_cycles": 2}, "resume_subscription": {},
    "switch_subscription": {"plan_code": "gold"}, "create_subscription": {"plan_code": "gold", "currency": "USD"},
    "reactivate_subscription": {}, "update_subscription_price": {"unit_amount": "9.99"}, "convert_trial": {},
    "record_usage": {"add_on_code": "gb", "amount": 3}, "cancel_subscription": {},
}


def at(seconds):
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat().replace("+00:00", "Z")


def page(*rows, **more):
    return answer(json={"object": "list", "has_more": False, "next": None, "data": list(rows), **more})


def sub(id="s1", state="active", plan="silver", activated=-9000, **more):
    return {"id": id, "object": "subscription", "state": state, "plan": {"code": plan}, "activated_at": at(activated),
            "created_at": at(activated), "unit_amount": 5.0, "pending_change": None, "remaining_pause_cycles": None,
            **more}


def error(status, type="validation", message="no", headers=None, **more):
    return answer(status, {"error": {"type": type, "message": message, **more}},
                  headers={"X-Request-Id": "req-9", **(headers or {})})


def declined(code="insufficient_funds", category="soft"):
    return error(422, "transaction", "declined", transaction_error={
        "object": "transaction_error", "category": category, "code": code, "message": "Sorry."})


def run(id, answers=(), *, params=None, attributes=None, settings=None, **more):
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})},
                      params={**REQUIRED[id], **(params or {})},
                      attributes=BY_CODE if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def keyed(request, step):
    return request.headers["Idempotency-Key"] == f"{OUTCOME}:{step}"


def ended(run):
    return run.done.reference, run.done.note


# -- settings and signing


def test_signing_puts_key_version_and_content_type_onto_every_request():
    request = run("cancel_subscription", [page()]).requests[0]
    signed = flows.sign(connector, SETTINGS, request)
    assert signed.url == f"https://v3.recurly.com{ACCOUNT}/subscriptions?limit=200&sort=created_at&order=desc"
    assert flows.header(signed, "authorization") == "Basic cHJpdmF0ZTo="
    assert flows.header(signed, "accept") == "application/vnd.recurly.v2021-02-25"
    assert [line for line in signed.headers if "content-type" in line.lower()] == ["Content-Type: application/json"]


def test_a_body_does_not_double_the_content_type():
    request = run("pause_subscription", [page(sub()), answer(json={})]).requests[1]
    lines = flows.sign(connector, SETTINGS, request).headers
    assert [line for line in lines if line.lower().startswith("content-type")] == ["Content-Type: application/json"]


@pytest.mark.parametrize(("settings", "host"), [
    ({}, "https://v3.recurly.com"), ({"region": "eu"}, "https://v3.eu.recurly.com"),
    ({"base_url": "http://127.0.0.1:9/recurly", "allow_test_hosts": True}, "http://127.0.0.1:9/recurly"),
])
def test_requests_go_to_the_data_centre_of_the_site(settings, host):
    request = run("cancel_subscription", [page()]).requests[0]
    assert flows.sign(connector, {**SETTINGS, **settings}, request).url.startswith(f"{host}/accounts/")


@pytest.mark.parametrize("wrong", [
    {"api_key": ""}, {"api_key": "ewr1-shown"}, {"api_key": "fra-shown"}, {"region": "mars"},
    {"base_url": "https://v3.recurly.com.evil.example"}, {"base_url": "http://127.0.0.1:9"}, {"other": 1},
])
def test_settings_that_cannot_be_right_are_refused_and_keys_never_shown(wrong):
    with pytest.raises(ValidationError) as refused:
        connector.settings(**{**SETTINGS, **wrong})
    assert "shown" not in str(refused.value)


@pytest.mark.parametrize(("mode", "shown"), [("production", "live"), ("sandbox", "sandbox")])
def test_the_connection_test_names_the_site_and_its_mode(mode, shown):
    tested = flows.drive(connector.check(connector.settings(**SETTINGS)),
                         [page({"subdomain": "shop", "mode": mode})], connector.read)
    assert (tested.lines, tested.done) == (["GET /sites"], ("shop", shown))


def test_a_key_that_may_not_see_sites_is_tested_on_plans():
    checked = connector.check(connector.settings(**SETTINGS))
    tested = flows.drive(checked, [error(403, "invalid_permissions"), page()], connector.read)
    assert (tested.lines, tested.done) == (["GET /sites", "GET /plans"], ("Recurly (us)", ""))


def test_a_wrong_key_fails_the_connection_test():
    tested = flows.drive(connector.check(connector.settings(**SETTINGS)), [error(401, "unauthorized")], connector.read)
    assert (tested.reason, tested.code) == ("misconfigured", "unauthorized")


# -- pick lists


def options(name, *answers):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), answers, connector.read)


def test_plans_are_listed_with_their_currencies():
    listed = options("plans", page({"id": "p1", "code": "gold", "name": "Gold",
                                    "currencies": [{"currency": "USD"}, {"currency": "EUR"}]}))
    assert flows.query(listed.requests[0]) == [("state", "active"), ("limit", "200")]
    assert listed.done == [Option("gold", "Gold (USD, EUR)")]


def test_coupons_are_listed_by_id_and_those_that_cannot_be_bound_are_left_out():
    listed = options("coupons", page(
        {"id": "c1", "code": "SAVE", "name": "Save", "state": "redeemable", "coupon_type": "single_code"},
        {"id": "c2", "code": "OLD", "name": "Old", "state": "expired", "coupon_type": "single_code"},
        {"id": "c3", "code": "B", "name": "Bulk", "state": "redeemable", "coupon_type": "bulk"}))
    assert listed.done == [Option("c1", "Save (SAVE)")]


def test_usage_based_add_ons_of_all_plans_are_listed_once():
    gb = {"code": "gb", "name": "Gigabytes", "add_on_type": "usage"}
    listed = options("add_ons", page({"id": "p/1", "code": "a", "name": "A"}, {"id": "p2", "code": "b", "name": "B"}),
                     page(gb, {"code": "seat", "name": "Seat", "add_on_type": "fixed"}), page(gb))
    assert listed.lines == ["GET /plans", "GET /plans/p%2F1/add_ons", "GET /plans/p2/add_ons"]
    assert listed.done == [Option("gb", "Gigabytes (A)")]


# -- reading of answers


READINGS = [
    (error(400, "bad_request"), "rejected", "bad_request"),
    (error(401, "unauthorized"), "misconfigured", "unauthorized"),
    (error(402, "x"), "rejected", "x"),
    (error(403, "invalid_permissions"), "misconfigured", "invalid_permissions"),
    (error(404, "not_found"), "rejected", "not_found"),
    (error(406, "invalid_api_version"), "rejected", "invalid_api_version"),
    (error(409, "x"), "rejected", "x"),
    (error(409, "x", headers={"Recurly-Should-Retry": "true", "Retry-After": "2"}), "unavailable", "in_flight"),
    (error(412, "x"), "rejected", "x"),
    (error(422, "validation"), "rejected", "validation"),
    (error(422, "missing_feature"), "rejected", "missing_feature"),
    (error(422, "simultaneous_request"), "unavailable", "simultaneous_request"),
    (error(422, "simultaneous_request", headers={"Idempotency-Prior": "true"}), "rejected", "simultaneous_request"),
    (declined(), "rejected", "insufficient_funds"),
    (error(429, "rate_limited"), "unavailable", "rate_limited"),
    (error(500, "internal_server_error"), "unavailable", "internal_server_error"),
    (error(500, "internal_server_error", headers={"Idempotency-Prior": "true"}), "in_doubt", "internal_server_error"),
    (error(503, "service_not_available"), "unavailable", "service_not_available"),
    (error(504, "tax_service_error"), "unavailable", "tax_service_error"),
    (answer(502, body=b"<html>"), "unavailable", "http_502"),
    (answer(201, body=b'{"id": "s'), "unavailable", "unreadable_answer"),
]


def failure_of(refusal):
    return run("create_subscription", [page(), refusal]).failure


@pytest.mark.parametrize(("refusal", "reason", "code"), READINGS)
def test_each_answer_of_a_change_is_read_by_who_must_act(refusal, reason, code):
    found = failure_of(refusal)
    assert (found.reason, found.code) == (reason, code)


def test_only_answers_that_may_hide_an_effect_are_unknown():
    unknown = {"500": error(500), "504": error(504), "unreadable": answer(200, body=b"?"),
               "in flight": error(409, headers={"Recurly-Should-Retry": "true"})}
    known = {"503": error(503), "429": error(429, "rate_limited"), "busy": error(422, "simultaneous_request")}
    assert {name: failure_of(one).unknown for name, one in unknown.items()} == dict.fromkeys(unknown, True)
    assert {name: failure_of(one).unknown for name, one in known.items()} == dict.fromkeys(known, False)


def test_a_rate_limit_lasts_until_the_moment_that_recurly_names():
    found = failure_of(error(429, "rate_limited", headers={
        "X-RateLimit-Reset": str(int(NOW) + 42), "Date": "Fri, 15 Jan 2027 08:00:00 GMT"}))
    assert (found.throttled, found.retry_after) == (True, 42.0)


def test_a_request_in_flight_is_asked_again_when_recurly_says():
    headers = {"Recurly-Should-Retry": "true", "Retry-After": "3"}
    assert failure_of(error(409, headers=headers)).retry_after == 3.0


def test_a_failure_names_request_parameter_and_reason_of_the_bank():
    found = failure_of(error(422, message="Invalid.", params=[{"param": "plan_code", "message": "is unknown"}]))
    assert (found.status, found.request_id, found.message) == (422, "req-9", "Invalid. (plan_code: is unknown)")
    assert "category: soft" in failure_of(declined()).message
    assert "customer must confirm" in failure_of(declined("x", "three_d_secure_required")).message


# -- the account


@pytest.mark.parametrize("id", sorted(connector.actions))
def test_every_action_waits_for_an_account_code(id):
    ran = run(id, attributes={"account_code": "", "other": "x"})
    assert (ran.requests, ran.failure.names) == ((), ("account_code", "account_number"))


@pytest.mark.parametrize("id", sorted(set(connector.actions) - {"apply_coupon"}))
def test_every_action_rejects_an_unknown_account(id):
    ran = run(id, [error(404, "not_found")])
    assert (ran.lines, ran.reason, ran.code) == ([ALL], "rejected", "user_not_found")


@pytest.mark.parametrize(("settings", "attributes", "path"), [
    ({}, {"account_code": "a/1", "account_number": "2"}, "/accounts/code-a%2F1/subscriptions"),
    ({}, {"account_number": "2"}, "/accounts/code-2/subscriptions"),
    ({"use_account_code": True}, {"account_code": "a"}, "/accounts/code-u-1/subscriptions"),
    ({"use_account_code": True}, {}, "/accounts/code-u-1/subscriptions"),
])
def test_the_account_code_is_an_attribute_or_the_users_own_id(settings, attributes, path):
    ran = run("cancel_subscription", [page()], settings=settings, attributes=attributes)
    assert ran.requests[0].path == path


def test_lists_are_followed_on_the_sites_own_host_only():
    first = page(sub(state="expired"), has_more=True,
                 next="https://elsewhere.example/accounts/x/subscriptions?cursor=abc&limit=200")
    ran = run("cancel_subscription", [first, page()])
    assert ran.requests[1].path == "/accounts/x/subscriptions?cursor=abc&limit=200"


@pytest.mark.parametrize(("id", "code"), [
    ("pause_subscription", "no_active_subscription"), ("resume_subscription", "no_paused_subscription"),
    ("switch_subscription", "no_active_subscription"), ("update_subscription_price", "no_active_subscription"),
    ("record_usage", "no_active_subscription"), ("cancel_subscription", "no_active_subscription"),
])
def test_a_user_without_a_subscription_is_rejected(id, code):
    assert run(id, [page()]).code == code


@pytest.mark.parametrize("id", ["pause_subscription", "switch_subscription", "update_subscription_price",
                                "cancel_subscription"])
def test_the_newest_subscription_is_changed_or_the_one_that_the_binding_names(id):
    rows = page(sub("old", plan="bronze", activated=-9000), sub("new", activated=-10))
    assert "/subscriptions/new" in run(id, [rows, answer(json={})]).requests[1].path
    named = run(id, [rows, answer(json={})], params={"only_plan_code": "bronze"})
    assert "/subscriptions/old" in named.requests[1].path


# -- apply_coupon


def redemption(id="r1", coupon="c1", subscription=None):
    return {"id": id, "coupon": {"id": coupon, "code": "SAVE"}, "subscription_id": subscription, "state": "active"}


def test_a_coupon_is_redeemed_on_the_account():
    ran = run("apply_coupon", [page(redemption("r0", "other")), answer(json=redemption())], params={"currency": "USD"})
    assert ran.lines == [f"GET {ACCOUNT}/coupon_redemptions/active", f"POST {ACCOUNT}/coupon_redemptions/active"]
    assert flows.query(ran.requests[0]) == []
    assert flows.json(ran.requests[1]) == {"coupon_id": "c1", "currency": "USD"}
    assert keyed(ran.requests[1], "redeem")
    assert (*ended(ran), ran.done.detail) == ("r1", "", {"state": "active"})


def test_a_coupon_is_redeemed_on_one_subscription():
    ran = run("apply_coupon", [page(sub(state="future")), page(redemption(subscription="other")),
                               answer(201, redemption())], params={"scope": "subscription"})
    assert flows.query(ran.requests[0])[0] == ("state", "live")
    assert flows.json(ran.requests[2]) == {"coupon_id": "c1", "subscription_id": "s1"}


def test_a_coupon_given_by_its_code_is_looked_up():
    coupon = answer(json={"id": "c7", "code": "A/B", "state": "redeemable"})
    ran = run("apply_coupon", [coupon, page(), answer(json=redemption())], params={"coupon_id": "code-A/B"})
    assert ran.lines[0] == "GET /coupons/code-A%2FB"
    assert flows.json(ran.requests[2]) == {"coupon_id": "c7"}


def test_a_coupon_that_cannot_be_redeemed_is_rejected_unless_the_user_has_it():
    used_up = answer(json={"id": "c1", "code": "SAVE", "state": "maxed_out"})
    refused = run("apply_coupon", [used_up, page()], params={"coupon_id": "code-SAVE"})
    assert (refused.reason, refused.code) == ("rejected", "coupon_not_redeemable")
    has = run("apply_coupon", [used_up, page(redemption())], params={"coupon_id": "code-SAVE"})
    assert ended(has) == ("r1", "already_done")


def test_a_coupon_that_runs_is_left_and_a_refusal_is_looked_into():
    assert ended(run("apply_coupon", [page(redemption())])) == ("r1", "already_done")
    assert ended(run("apply_coupon", [page(), error(422), page(redemption())])) == ("r1", "already_done")
    assert run("apply_coupon", [page(), error(422), page()]).code == "validation"


def test_an_unknown_account_or_coupon_is_rejected():
    assert run("apply_coupon", [error(404, "not_found")]).code == "user_not_found"
    assert run("apply_coupon", [page(), error(404, "not_found")]).code == "not_found"


# -- pause_subscription


def test_pause_sets_the_cycles():
    paused = answer(json=sub(remaining_pause_cycles=2))
    ran = run("pause_subscription", [page(sub()), paused])
    assert ran.lines == [ALL, "PUT /subscriptions/s1/pause"]
    assert flows.json(ran.requests[1]) == {"remaining_pause_cycles": 2}
    assert keyed(ran.requests[1], "pause")
    assert (*ended(ran), ran.done.detail) == ("s1", "", {"state": "active"})


@pytest.mark.parametrize("row", [sub(remaining_pause_cycles=2), sub(state="paused", remaining_pause_cycles=1)])
def test_what_pauses_stays_as_it_is(row):
    assert ended(run("pause_subscription", [page(row)])) == ("s1", "already_done")


def test_another_number_of_cycles_is_set():
    assert ended(run("pause_subscription", [page(sub(remaining_pause_cycles=1)), answer(json=sub())])) == ("s1", "")


def test_a_refused_pause_is_rejected_unless_it_came_true():
    assert run("pause_subscription", [page(sub()), error(422), answer(json=sub())]).code == "validation"
    assert run("pause_subscription", [page(sub()), error(422, "missing_feature")]).code == "missing_feature"


# -- resume_subscription


def test_resume_makes_a_paused_subscription_active():
    ran = run("resume_subscription", [page(sub("s0", "expired"), sub(state="paused")), answer(json=sub())])
    assert flows.query(ran.requests[0]) == [("limit", "200"), ("sort", "updated_at"), ("order", "desc")]
    assert (ran.lines[1], ran.requests[1].body) == ("PUT /subscriptions/s1/resume", None)
    assert keyed(ran.requests[1], "resume")
    assert ended(ran) == ("s1", "")


def test_resume_takes_a_planned_pause_back():
    ran = run("resume_subscription", [page(sub(remaining_pause_cycles=3)), answer(json=sub())])
    assert ran.lines[1] == "PUT /subscriptions/s1/pause"
    assert flows.json(ran.requests[1]) == {"remaining_pause_cycles": 0}


def test_resume_has_nothing_to_do_for_an_active_subscription():
    assert ended(run("resume_subscription", [page(sub())])) == ("s1", "already_done")
    refused = [page(sub(state="paused")), error(422, message="Unable to resume active"), answer(json=sub())]
    assert ended(run("resume_subscription", refused)) == ("s1", "already_done")


def test_a_charge_that_fails_when_resuming_is_rejected():
    assert run("resume_subscription", [page(sub(state="paused")), declined()]).code == "insufficient_funds"


SEVERAL = {
    "resume_subscription": page(sub("a", "paused", "x"), sub("b", "active", "y", remaining_pause_cycles=1)),
    "reactivate_subscription": page(sub("a", "canceled", "x"), sub("b", "canceled", "y")),
    "convert_trial": page(sub("a", plan="x"), sub("b", plan="y")),
}


@pytest.mark.parametrize("id", sorted(SEVERAL))
def test_of_several_none_is_changed_where_a_repeat_could_not_tell_which_it_was(id):
    assert run(id, [SEVERAL[id]]).code == "several_subscriptions"
    named = run(id, [SEVERAL[id], answer(json=sub("a"))], params={"only_plan_code": "x"})
    assert ended(named) == ("a", "")


# -- switch_subscription


def change(id="ch1", **more):
    return answer(201, {"id": id, "object": "subscription_change", "subscription_id": "s1", "activated": True, **more})


def test_switch_changes_the_plan_now_with_the_proration_that_the_binding_says():
    ran = run("switch_subscription", [page(sub()), change()],
              params={"proration_charge": "prorated_amount", "proration_credit": "none"})
    assert ran.lines == [ALL, "POST /subscriptions/s1/change"]
    assert flows.query(ran.requests[0]) == [
        ("state", "live"), ("limit", "200"), ("sort", "created_at"), ("order", "desc")]
    assert flows.json(ran.requests[1]) == {"plan_code": "gold", "timeframe": "now", "proration_settings": {
        "charge": "prorated_amount", "credit": "none"}}
    assert keyed(ran.requests[1], "change")
    assert (*ended(ran), ran.done.detail) == ("ch1", "", {"subscription": "s1", "activated": "true"})


def test_a_switch_for_later_leaves_proration_out():
    ran = run("switch_subscription", [page(sub()), change(activated=False)],
              params={"timeframe": "term_end", "proration_charge": "none"})
    assert flows.json(ran.requests[1]) == {"plan_code": "gold", "timeframe": "term_end"}
    assert ran.done.detail["activated"] == "false"


@pytest.mark.parametrize(("timeframe", "row"), [
    ("now", sub(plan="gold")), ("bill_date", sub(plan="gold")),
    ("term_end", sub(pending_change={"id": "ch0", "plan": {"code": "gold"}})),
])
def test_switch_is_done_where_the_plan_is_there_or_planned(timeframe, row):
    assert ended(run("switch_subscription", [page(row)], params={"timeframe": timeframe})) == ("s1", "already_done")


@pytest.mark.parametrize("row", [sub(pending_change={"plan": {"code": "gold"}}),
                                 sub(plan="gold", pending_change={"plan": {"code": "iron"}})])
def test_switch_now_replaces_what_was_planned(row):
    ran = run("switch_subscription", [page(row), answer(204)])
    assert ended(ran) == ("s1", "")


def test_switch_finds_what_it_switched_before_although_the_plan_it_came_from_is_gone():
    rows = page(sub("b", plan="silver", activated=-9000), sub("a", plan="gold", activated=-10))
    assert ended(run("switch_subscription", [rows], params={"only_plan_code": "silver"})) == ("a", "already_done")


def test_a_refused_switch_is_looked_into():
    same = error(422, message="Subscription hasn't been changed")
    assert ended(run("switch_subscription", [page(sub()), same, answer(json=sub(plan="gold"))])) == (
        "s1", "already_done")
    assert run("switch_subscription", [page(sub()), same, answer(json=sub())]).code == "validation"
    assert run("switch_subscription", [page(sub()), declined()]).code == "insufficient_funds"
    assert run("switch_subscription", [page(sub()), error(422, "immutable_subscription")]).code == (
        "immutable_subscription")
    busy = run("switch_subscription", [page(sub()), error(422, "simultaneous_request")])
    assert (busy.reason, busy.failure.unknown) == ("unavailable", False)


# -- create_subscription


def test_create_subscribes_an_account_that_is_there():
    ran = run("create_subscription", [page(sub(state="expired", plan="gold")), answer(201, sub("s9"))],
              params={"coupon_codes": ["SAVE"]})
    assert ran.lines == [ALL, "POST /subscriptions"]
    assert flows.query(ran.requests[0]) == [("limit", "200"), ("sort", "created_at"), ("order", "desc")]
    assert flows.json(ran.requests[1]) == {"plan_code": "gold", "currency": "USD", "coupon_codes": ["SAVE"],
                                           "account": {"code": "bob@example.com"}}
    assert keyed(ran.requests[1], "subscribe")
    assert (*ended(ran), ran.done.detail) == ("s9", "", {"state": "active"})


def test_create_leaves_a_user_alone_who_has_the_plan_unless_another_is_wanted():
    has = page(sub(plan="gold"))
    assert ended(run("create_subscription", [has])) == ("s1", "already_done")
    another = run("create_subscription", [has, answer(201, sub("s9"))], params={"if_subscribed": "add_another"})
    assert ended(another) == ("s9", "")
    assert "coupon_codes" not in flows.json(another.requests[1])


def test_create_finds_what_an_earlier_try_made_even_if_another_was_wanted():
    ours = page(sub(plan="gold"), sub("s8", "expired", "gold", activated=-1))
    assert ended(run("create_subscription", [ours], params={"if_subscribed": "add_another"})) == ("s8", "")


@pytest.mark.parametrize("currency", ["", "usd", "DOLLAR"])
def test_create_needs_a_currency_as_recurly_writes_it(currency):
    with pytest.raises(ValidationError):
        run("create_subscription", params={"currency": currency})


# -- reactivate_subscription


def test_reactivate_renews_again():
    ran = run("reactivate_subscription", [page(sub(state="canceled")), answer(json=sub())])
    assert flows.query(ran.requests[0]) == [
        ("state", "canceled"), ("limit", "200"), ("sort", "updated_at"), ("order", "desc")]
    assert (ran.lines[1], ran.requests[1].body) == ("PUT /subscriptions/s1/reactivate", None)
    assert keyed(ran.requests[1], "reactivate")
    assert ended(ran) == ("s1", "")


def test_reactivate_is_done_where_one_is_active_and_rejected_where_none_is():
    assert ended(run("reactivate_subscription", [page(), page(sub())])) == ("s1", "already_done")
    assert run("reactivate_subscription", [page(), page()]).code == "no_canceled_subscription"


@pytest.mark.parametrize(("fresh", "code"), [("active", ""), ("expired", "validation"), ("failed", "validation")])
def test_a_refused_reactivation_is_read_again(fresh, code):
    ran = run("reactivate_subscription", [page(sub(state="canceled")), error(422), answer(json=sub(state=fresh))])
    assert (ran.lines[2], ran.code) == ("GET /subscriptions/s1", code)


# -- update_subscription_price


def test_the_price_goes_out_digit_for_digit():
    ran = run("update_subscription_price", [page(sub()), change()], params={"unit_amount": "19.10"})
    assert ran.requests[1].body == b'{"unit_amount":19.10,"timeframe":"now"}'
    assert (ran.lines[1], keyed(ran.requests[1], "change")) == ("POST /subscriptions/s1/change", True)
    assert ended(ran) == ("ch1", "")


@pytest.mark.parametrize(("timeframe", "row"), [
    ("now", sub(unit_amount=9.99)), ("bill_date", sub(pending_change={"unit_amount": 9.99}))])
def test_a_price_that_is_so_or_planned_is_done(timeframe, row):
    ran = run("update_subscription_price", [page(row)], params={"timeframe": timeframe})
    assert ended(ran) == ("s1", "already_done")


def test_a_refused_price_is_looked_into():
    ran = run("update_subscription_price", [page(sub()), error(422), answer(json=sub(unit_amount=9.99))])
    assert ended(ran) == ("s1", "already_done")


@pytest.mark.parametrize("amount", ["-1", "1000001", "9.999", "NaN", "ten"])
def test_a_price_that_recurly_would_not_take_is_refused_beforehand(amount):
    with pytest.raises(ValidationError):
        run("update_subscription_price", params={"unit_amount": amount})


# -- convert_trial


def test_convert_ends_the_trial():
    trial = sub(trial_ends_at=at(86_400))
    ran = run("convert_trial", [page(trial), answer(json=sub(trial_ends_at=at(0)))])
    assert flows.query(ran.requests[0])[0] == ("state", "in_trial")
    assert (ran.lines[1], ran.requests[1].body) == ("PUT /subscriptions/s1/convert_trial", None)
    assert keyed(ran.requests[1], "convert_trial")
    assert ended(ran) == ("s1", "")


def test_convert_is_done_where_the_trial_is_over_and_rejected_where_there_is_none():
    assert ended(run("convert_trial", [page(), page(sub())])) == ("s1", "already_done")
    assert run("convert_trial", [page(), page()]).code == "no_trial"
    over = [page(sub()), error(422), answer(json=sub(trial_ends_at=at(-5)))]
    assert ended(run("convert_trial", over)) == ("s1", "already_done")
    assert run("convert_trial", [page(sub()), error(422), answer(json=sub(trial_ends_at=at(5)))]).code == "validation"
    assert run("convert_trial", [page(sub()), declined()]).code == "insufficient_funds"


# -- record_usage

USAGE = "/subscriptions/s1/add_ons/code-gb/usage"


def with_add_on(id="s1", **more):
    return sub(id, add_ons=[{"add_on": {"code": "gb"}}], **more)


def test_usage_is_recorded_with_our_mark_on_the_subscription_that_has_the_add_on():
    ran = run("record_usage", [page(with_add_on(), sub("new", activated=-5)), answer(201, {"id": "u1"})],
              params={"amount": "2.50"})
    assert ran.lines == [ALL, f"POST {USAGE}"]
    when = "2027-01-15T07:59:59+00:00"
    assert ran.requests[1].body.startswith(b'{"amount":2.50,')
    assert flows.json(ran.requests[1]) == {"amount": 2.5, "merchant_tag": OUTCOME, "recording_timestamp": when,
                                           "usage_timestamp": when}
    assert keyed(ran.requests[1], "usage")
    assert (*ended(ran), ran.done.detail) == ("u1", "", {"subscription": "s1"})


@pytest.mark.parametrize("more", [{"doubtful": True}, {"now": NOW + 3001}])
def test_usage_is_looked_for_when_its_key_may_be_forgotten(more):
    found = run("record_usage", [page(with_add_on()), page({"id": "u0", "merchant_tag": OUTCOME})], **more)
    assert (found.lines, ended(found)) == ([ALL, f"GET {USAGE}"], ("u0", ""))
    assert flows.query(found.requests[1]) == [("billing_status", "all"), ("limit", "200"),
                                              ("sort", "recorded_timestamp"), ("order", "desc")]
    other = page({"id": "u0", "merchant_tag": "other"})
    assert ended(run("record_usage", [page(with_add_on()), other, answer(201, {"id": "u1"})], **more)) == ("u1", "")


@pytest.mark.parametrize(("refusal", "code"), [(error(404, "not_found"), "not_found"), (error(422), "validation")])
def test_usage_that_recurly_refuses_is_rejected(refusal, code):
    assert run("record_usage", [page(sub()), refusal]).code == code


# -- cancel_subscription


def test_cancel_stops_renewal():
    ran = run("cancel_subscription", [page(sub()), answer(json=sub(state="canceled"))],
              params={"timeframe": "bill_date"})
    assert ran.lines == [ALL, "PUT /subscriptions/s1/cancel"]
    assert flows.json(ran.requests[1]) == {"timeframe": "bill_date"}
    assert keyed(ran.requests[1], "cancel")
    assert (*ended(ran), ran.done.detail) == ("s1", "", {"state": "canceled"})


@pytest.mark.parametrize("refund", ["none", "partial", "full"])
@pytest.mark.parametrize("state", ["active", "future", "canceled"])
def test_cancel_with_a_refund_choice_ends_at_once(refund, state):
    ran = run("cancel_subscription", [page(sub(state=state)), answer(json=sub(state="expired"))],
              params={"refund": refund})
    assert (ran.lines[1], ran.requests[1].body) == ("DELETE /subscriptions/s1", None)
    assert flows.query(ran.requests[1]) == [("refund", refund), ("charge", "true")]
    assert keyed(ran.requests[1], "terminate")


@pytest.mark.parametrize(("refund", "row"), [
    ("at_term_end", sub("s2", "canceled", canceled_at=at(-3), expires_at=at(9999))),
    ("at_term_end", sub("s2", "failed", updated_at=at(-3))),
    ("full", sub("s2", "expired", expires_at=at(-3))),
])
def test_of_two_subscriptions_only_one_ends_however_often_the_flow_begins(refund, row):
    assert ended(run("cancel_subscription", [page(sub(), row)], params={"refund": refund})) == ("s2", "already_done")


@pytest.mark.parametrize("row", [sub("s2", "canceled", canceled_at=at(-500), expires_at=at(9999)),
                                 sub("s2", "expired", expires_at=at(-500))])
def test_what_ended_before_the_interaction_does_not_count_while_another_runs(row):
    ran = run("cancel_subscription", [page(sub(), row), answer(json=sub(state="canceled"))])
    assert ended(ran) == ("s1", "")
    assert ended(run("cancel_subscription", [page(row)])) == ("s2", "already_done")


@pytest.mark.parametrize(("refund", "fresh", "code"), [
    ("at_term_end", "canceled", ""), ("full", "expired", ""), ("full", "active", "validation")])
def test_a_refused_cancellation_is_read_again(refund, fresh, code):
    ran = run("cancel_subscription", [page(sub()), error(422), answer(json=sub(state=fresh))],
              params={"refund": refund})
    assert (ran.lines[2], ran.code) == ("GET /subscriptions/s1", code)


# -- the vendor's specification


REQUESTS = {
    "coupon": lambda: run("apply_coupon", [page(), answer(json={})], params={"currency": "USD"}),
    "coupon by code": lambda: run("apply_coupon", [answer(json={"id": "c"}), page(sub()), page(), answer(json={})],
                                  params={"coupon_id": "code-X", "scope": "subscription"}),
    "pause": lambda: run("pause_subscription", [page(sub()), answer(json={})]),
    "resume": lambda: run("resume_subscription", [page(sub(state="paused")), answer(json={})]),
    "switch": lambda: run("switch_subscription", [page(sub()), change()], params={"proration_charge": "none"}),
    "switch later": lambda: run("switch_subscription", [page(sub()), change()], params={"timeframe": "bill_date"}),
    "create": lambda: run("create_subscription", [page(), answer(201, {})], params={"coupon_codes": ["A"]}),
    "reactivate": lambda: run("reactivate_subscription", [page(sub(state="canceled")), answer(json={})]),
    "reactivated": lambda: run("reactivate_subscription", [page(sub(state="canceled")), error(422),
                                                           answer(json=sub())]),
    "price": lambda: run("update_subscription_price", [page(sub()), change()]),
    "convert": lambda: run("convert_trial", [page(sub()), answer(json={})]),
    "usage": lambda: run("record_usage", [page(sub()), page(), answer(201, {})], doubtful=True),
    "cancel": lambda: run("cancel_subscription", [page(sub()), answer(json={})]),
    "terminate": lambda: run("cancel_subscription", [page(sub()), answer(json={})], params={"refund": "full"}),
    "plans": lambda: options("plans", page()),
    "coupons": lambda: options("coupons", page()),
    "add-ons": lambda: options("add_ons", page({"id": "p", "code": "p"}), page()),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_is_as_the_vendors_specification_says(name):
    spec = specs.load("recurly")
    if spec is None:
        pytest.skip("Recurly's OpenAPI file is not here; TESTKIT_VENDOR_SPECS names its folder")
    for request in REQUESTS[name]().requests:
        assert spec.problems(request) == []
