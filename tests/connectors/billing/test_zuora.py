"""Zuora: every request, every answer that the vendor is known to give."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from connectors.billing.zuora import connector
from connectors.kit import Broken, Repeat, Token, get
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"client_id": "a" * 36, "client_secret": "hush"}
OLDER = {**SETTINGS, "transaction_api": "subscribe_amend"}
BY_ACCOUNT = {"account_number": "A/1"}
LIST = "GET /v1/subscriptions/accounts/A%2F1"
NUMBER = f"PA-{OUTCOME}"
FIND = f"GET /v1/orders/{NUMBER}"
DAY = "2027-01-15"
TRIGGERS = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
DATES = [{"name": name, "triggerDate": DAY} for name in TRIGGERS]
OLD_DATES = dict.fromkeys(("contractEffectiveDate", "serviceActivationDate", "customerAcceptanceDate"), DAY)


def plan(id="prp_1", change="Add"):
    return {"id": f"rp_{id}", "productRatePlanId": id, "lastChangeType": change}


def sub(number="S-1", status="Active", *plans, **more):
    return {"id": "i1", "subscriptionNumber": number, "status": status, "termType": "TERMED", "autoRenew": True,
            "termEndDate": "2027-06-01", "subscriptionEndDate": "2027-06-01", "ratePlans": list(plans) or [plan()],
            **more}


def page(*rows, **more):
    return answer(json={"success": True, "subscriptions": list(rows), **more})


def ordered(status="Completed", **more):
    return answer(json={"success": True, "orderNumber": NUMBER, "status": status,
                        "subscriptions": [{"subscriptionNumber": "S-1", "status": "Active"}], **more})


def failed(code, message="no", status=200, headers=None):
    body = {"success": False, "processId": "P1", "requestId": "R1", "reasons": [{"code": code, "message": message}]}
    return answer(status, body, headers=headers)


def run(id, answers=(), *, params=None, attributes=None, settings=SETTINGS, **more):
    made = flows.call(connector, id, settings=settings, params=params,
                      attributes=BY_ACCOUNT if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def order(kind, action, *, subscription="S-1", options=None, dates=None):
    """The body of an order with one action."""
    target = {"subscriptionNumber": subscription} if subscription else {}
    body = {"existingAccountNumber": "A/1", "orderDate": DAY, "orderNumber": NUMBER,
            "description": "Prompt p-1, accept",
            "subscriptions": [{**target, "orderActions": [{"type": kind, "triggerDates": dates or DATES, **action}]}]}
    return body if options is None else {**body, "processingOptions": options}


PARAMS = {
    "add_plan": {"product_rate_plan_id": "prp_2", "run_billing": True, "collect_payment": True},
    "remove_plan": {"product_rate_plan_id": "prp_1"},
    "cancel_subscription": {"cancellation_policy": "SpecificDate", "cancellation_date": "2027-03-01",
                            "apply_credit": True},
    "suspend_subscription": {"suspend_policy": "FixedPeriodsFromToday", "suspend_periods": 2,
                             "suspend_periods_type": "Week"},
    "resume_subscription": {"resume_policy": "FixedPeriodsFromSuspendDate", "resume_periods": 3,
                            "resume_periods_type": "Month", "extends_term": True},
    "change_auto_renewal": {"auto_renew": False},
    "create_subscription": {"product_rate_plan_id": "prp_2", "term_type": "TERMED"},
}
CANCEL = {"cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": "2027-03-01"}
SUSPEND = {"suspendPolicy": "FixedPeriodsFromToday", "suspendPeriods": 2, "suspendPeriodsType": "Week"}
RESUME = {"resumePolicy": "FixedPeriodsFromSuspendDate", "resumePeriods": 3, "resumePeriodsType": "Month",
          "extendsTerm": True}
TERMS = {"initialTerm": {"termType": "TERMED", "startDate": DAY, "period": 12, "periodType": "Month"},
         "autoRenew": True, "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
         "renewalTerms": [{"period": 12, "periodType": "Month"}]}
ORDERS = {
    "add_plan": order("AddProduct", {"addProduct": {"productRatePlanId": "prp_2"}},
                      options={"runBilling": True, "collectPayment": True}),
    "remove_plan": order("RemoveProduct", {"removeProduct": {"ratePlanId": "rp_prp_1"}}, options={"runBilling": False}),
    "cancel_subscription": order("CancelSubscription", {"cancelSubscription": CANCEL},
                                 options={"runBilling": True, "applyCredit": True}),
    "suspend_subscription": order("Suspend", {"suspend": SUSPEND}),
    "resume_subscription": order("Resume", {"resume": RESUME}),
    "change_auto_renewal": order("TermsAndConditions", {"termsAndConditions": {"autoRenew": False}}),
    "create_subscription": order(
        "CreateSubscription", {"createSubscription": {
            "terms": TERMS, "subscribeToRatePlans": [{"productRatePlanId": "prp_2"}]}},
        subscription="", options={"runBilling": True, "collectPayment": False}),
}
AMENDS = {
    "add_plan": ("", {"add": [{"productRatePlanId": "prp_2", **OLD_DATES}], "runBilling": True, "collect": True}),
    "remove_plan": ("", {"remove": [{"ratePlanId": "rp_prp_1", **OLD_DATES}], "runBilling": False}),
    "cancel_subscription": ("/cancel", {**CANCEL, "runBilling": True, "applyCredit": True}),
    "suspend_subscription": ("/suspend", {**SUSPEND, "suspendPeriods": "2"}),
    "resume_subscription": ("/resume", {**RESUME, "resumePeriods": "3"}),
    "change_auto_renewal": ("", {"autoRenew": False}),
}
UPDATE_TYPES = {"": "UpdateSubscriptionRequest", "/cancel": "CancelSubscriptionRequest",
                "/suspend": "SuspendSubscriptionRequest", "/resume": "ResumeSubscriptionRequest"}


def rows_for(id):
    return [sub(status="Suspended")] if id == "resume_subscription" else [sub()]


# -- settings and signing


def token_of(settings=SETTINGS, *answers):
    return flows.drive(connector.tokens[""](connector.settings.model_validate(settings), NOW), answers, connector.read)


def test_a_token_is_got_with_client_credentials_and_kept_until_a_minute_before_its_end():
    got = token_of(SETTINGS, answer(json={"access_token": "T", "token_type": "bearer", "expires_in": 3598}))
    assert got.lines == ["POST https://rest.zuora.com/oauth/token"]
    assert flows.form(got.requests[0]) == [("grant_type", "client_credentials"), ("client_id", "a" * 36),
                                           ("client_secret", "hush")]
    assert got.requests[0].headers == {"Content-Type": "application/x-www-form-urlencoded",
                                       "Accept": "application/json", "Zuora-Version": "2025-08-12"}
    assert got.done == Token("T", NOW + 3538)


@pytest.mark.parametrize(("refusal", "reason"), [
    (failed(90000011, status=401), "misconfigured"), (failed(90000011), "misconfigured"),
    (answer(429, headers={"RateLimit-Reset": "9"}), "unavailable"),
])
def test_refused_tokens(refusal, reason):
    assert token_of(SETTINGS, refusal).reason == reason


def test_signing_puts_host_token_version_and_entity_onto_a_request():
    signed = flows.sign(connector, {**SETTINGS, "api_url": "https://rest.eu.zuora.com/", "entity_id": "e1"},
                        get("/v1/x", query={"a": "b c"}), token=Token("T", 0))
    assert (signed.method, signed.url) == ("GET", "https://rest.eu.zuora.com/v1/x?a=b%20c")
    assert signed.headers == ["Authorization: Bearer T", "Accept: application/json", "Zuora-Version: 2025-08-12",
                              "Zuora-Entity-Ids: e1"]
    plain = flows.sign(connector, SETTINGS, get("/v1/x"), token=Token("T", 0))
    assert flows.header(plain, "zuora-entity-ids") is None
    with pytest.raises(Broken):
        flows.sign(connector, SETTINGS, get("/v1/x"))


@pytest.mark.parametrize(("more", "place"), [
    ({"client_id": "short"}, "client_id"), ({"client_secret": ""}, "client_secret"),
    ({"time_zone": "Mars/Base"}, "time_zone"), ({"time_zone": "../etc/passwd"}, "time_zone"),
    ({"api_url": "http://rest.zuora.com"}, "api_url"), ({"api_url": "https://rest.zuora.com.evil.example"}, "api_url"),
    ({"api_url": "https://rest.zuora.com/v1"}, "api_url"), ({"api_url": "http://127.0.0.1:1"}, "api_url"),
    ({"transaction_api": "soap"}, "transaction_api"), ({"other": 1}, "other"),
])
def test_settings_that_cannot_be_right_are_refused_at_their_place(more, place):
    with pytest.raises(ValidationError) as refused:
        connector.settings.model_validate({**SETTINGS, **more})
    assert [error["loc"] for error in refused.value.errors()] == [(place,)]
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(("url", "mode"), [
    ("https://rest.zuora.com", "live"), ("https://rest.ap.zuora.com", "live"),
    ("https://rest.apisandbox.zuora.com", "sandbox"), ("https://rest.sandbox.eu.zuora.com", "sandbox"),
    ("https://rest.test.zuora.com", "sandbox"),
])
def test_the_connection_test_reads_the_catalogue_and_tells_the_mode_by_the_host(url, mode):
    settings = connector.settings.model_validate({**SETTINGS, "api_url": url})
    ended = flows.drive(connector.check(settings), [answer(json={"success": True, "products": []})], connector.read)
    assert (ended.lines, flows.query(ended.requests[0])) == (["GET /v1/catalog/products"], [("pageSize", "1")])
    assert ended.done == (url.removeprefix("https://"), mode)


def test_rate_plans_are_listed_over_all_pages_without_expired_ones():
    products = [{"name": "Paper", "productRatePlans": [{"id": "1", "name": "Monthly", "status": "Active"},
                                                       {"id": "2", "name": "Old", "status": "Expired"}]}]
    more = [{"name": "App", "productRatePlans": [{"id": "3", "name": "Yearly"}]}]
    pages = [answer(json={"success": True, "products": products, "nextPage": "https://evil.example/"}),
             answer(json={"success": True, "products": more})]
    ended = flows.drive(connector.options["rate_plans"](None), pages, connector.read)
    assert [flows.query(one) for one in ended.requests] == [[("pageSize", "40")], [("pageSize", "40"), ("page", "2")]]
    assert ended.done == [("1", "Paper: Monthly"), ("3", "App: Yearly")]


# -- actions


@pytest.mark.parametrize("id", PARAMS)
def test_an_order_is_made_with_our_number_and_a_key(id):
    ended = run(id, [page(*rows_for(id)), ordered()], params=PARAMS[id])
    assert ended.lines == [LIST, "POST /v1/orders"]
    assert flows.query(ended.requests[0]) == [("pageSize", "40")]
    assert flows.json(ended.requests[1]) == ORDERS[id]
    assert ended.requests[1].headers == {"Content-Type": "application/json", "Zuora-Track-Id": "evt-1",
                                         "Idempotency-Key": f"{OUTCOME}:order"}
    assert ended.requests[1].timeout == 125.0, "Zuora works up to 120 seconds on an order"
    reference = "S-1" if id == "create_subscription" else NUMBER
    assert ended.done == (reference, "", {"order": NUMBER, "subscription": "S-1"})


@pytest.mark.parametrize("id", AMENDS)
def test_the_older_call_changes_the_subscription_itself(id):
    verb, body = AMENDS[id]
    done = answer(json={"success": True, "subscriptionId": "i2"})
    ended = run(id, [page(*rows_for(id)), done], params=PARAMS[id], settings=OLDER)
    assert ended.lines == [LIST, f"PUT /v1/subscriptions/S-1{verb}"]
    assert flows.json(ended.requests[1]) == body
    assert "Idempotency-Key" not in ended.requests[1].headers
    assert ended.requests[1].timeout == 125.0, "given up earlier, it would be in doubt"
    assert ended.done == ("i2", "", {"subscription": "S-1"})


CREATED = {"accountKey": "A/1", "contractEffectiveDate": DAY, "termType": "TERMED", "renewalTerm": 12,
           "subscribeToRatePlans": [{"productRatePlanId": "prp_2"}], "runBilling": True, "collect": False,
           "initialTerm": 12, "initialTermPeriodType": "Month", "autoRenew": True}


def test_the_older_call_creates_a_subscription_under_a_key():
    done = answer(json={"success": True, "subscriptionId": "i2", "subscriptionNumber": "S-2"})
    ended = run("create_subscription", [page(sub()), done], params=PARAMS["create_subscription"], settings=OLDER)
    assert ended.lines == [LIST, "POST /v1/subscriptions"]
    assert flows.json(ended.requests[1]) == CREATED
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:subscribe"
    assert ended.done.reference == "S-2"


def test_an_evergreen_subscription_has_no_renewal():
    params = {**PARAMS["create_subscription"], "term_type": "EVERGREEN", "contract_effective_date": "2027-02-01"}
    made = flows.json(run("create_subscription", [page(), ordered()], params=params).requests[1])
    action = made["subscriptions"][0]["orderActions"][0]
    assert action["createSubscription"]["terms"] == {"initialTerm": {"termType": "EVERGREEN",
                                                                     "startDate": "2027-02-01"}}
    assert {one["triggerDate"] for one in action["triggerDates"]} == {"2027-02-01"}
    assert made["orderDate"] == DAY
    older = run("create_subscription", [page(), ordered()], params=params, settings=OLDER)
    assert not {"initialTerm", "initialTermPeriodType", "autoRenew"} & set(flows.json(older.requests[1]))


def test_without_invoice_settlement_credit_comes_from_the_balance():
    settings = {**SETTINGS, "invoice_settlement": False}
    ended = run("cancel_subscription", [page(sub()), ordered()], params=PARAMS["cancel_subscription"],
                settings=settings)
    assert flows.json(ended.requests[1])["processingOptions"] == {"runBilling": True, "applyCreditBalance": True}


def test_today_is_a_date_in_the_tenants_zone():
    evening = datetime(2027, 1, 15, 23, 30, tzinfo=UTC).timestamp()
    ended = run("change_auto_renewal", [page(sub()), ordered()], params={"auto_renew": False}, now=evening,
                settings={**SETTINGS, "time_zone": "Asia/Tokyo"})
    assert flows.json(ended.requests[1])["orderDate"] == "2027-01-16"


def test_an_effective_date_goes_into_all_three_dates():
    params = {"product_rate_plan_id": "prp_2", "effective_date": "2027-02-02"}
    made = flows.json(run("add_plan", [page(sub()), ordered()], params=params).requests[1])
    dates = made["subscriptions"][0]["orderActions"][0]["triggerDates"]
    assert ([one["triggerDate"] for one in dates], made["orderDate"]) == (["2027-02-02"] * 3, DAY)


def test_an_event_id_that_a_header_cannot_carry_is_made_plain():
    ended = run("add_plan", [page()], params=PARAMS["add_plan"], event_id='x:"ü' + "y" * 90)
    assert ended.requests[0].headers["Zuora-Track-Id"] == "x---" + "y" * 60


@pytest.mark.parametrize("id", PARAMS)
def test_a_user_without_account_number_is_named_before_any_request(id):
    ended = run(id, params=PARAMS[id], attributes={"email_address": "a@example.com"})
    assert (ended.requests, ended.failure.names) == ((), ("account_number",))


@pytest.mark.parametrize("status", ["Pending", "Draft", "Scheduled"])
def test_an_order_that_is_not_in_force_yet_is_accepted(status):
    assert run("add_plan", [page(sub()), ordered(status)], params=PARAMS["add_plan"]).done.note == "accepted"


def test_older_versions_name_numbers_only():
    made = answer(json={"success": True, "orderNumber": NUMBER, "status": "Completed", "subscriptionNumbers": ["S-7"]})
    ended = run("create_subscription", [page(), made], params=PARAMS["create_subscription"])
    assert ended.done.reference == "S-7"


def test_subscriptions_are_read_over_all_pages():
    pages = [page(sub("S-1"), nextPage="https://evil.example/"), page(sub("S-2", "Active", plan("z")))]
    ended = run("remove_plan", [*pages, ordered()], params={"product_rate_plan_id": "z"})
    assert ended.lines == [LIST, LIST, "POST /v1/orders"]
    assert flows.query(ended.requests[1]) == [("pageSize", "40"), ("page", "2")]
    assert flows.json(ended.requests[2])["subscriptions"][0]["subscriptionNumber"] == "S-2"


# -- already done, and nothing to do it to


ALREADY = [
    ("add_plan", {"product_rate_plan_id": "prp_1"}, [sub()]),
    ("remove_plan", {"product_rate_plan_id": "prp_2"}, [sub()]),
    ("remove_plan", {"product_rate_plan_id": "prp_2"}, [sub("S-1", "Active", plan("prp_2", "Remove"))]),
    ("cancel_subscription", None, [sub(status="Cancelled")]),
    ("cancel_subscription", None, [sub(scheduledCancelDate="2027-02-01")]),
    ("cancel_subscription", None, [sub(subscriptionEndDate="2027-05-01")]),
    ("cancel_subscription", None, [sub(termType="EVERGREEN", termEndDate=None)]),
    ("suspend_subscription", None, [sub(status="Suspended")]),
    ("suspend_subscription", None, [sub(scheduledSuspendDate="2027-02-01")]),
    ("resume_subscription", None, [sub()]),
    ("resume_subscription", None, [sub(status="Suspended", scheduledResumeDate="2027-02-01")]),
    ("change_auto_renewal", {"auto_renew": True}, [sub()]),
    ("create_subscription", {"product_rate_plan_id": "prp_1", "term_type": "TERMED"}, [sub()]),
]


@pytest.mark.parametrize(("id", "params", "rows"), ALREADY)
@pytest.mark.parametrize("settings", [SETTINGS, OLDER])
def test_what_is_so_already_is_left_alone(id, params, rows, settings):
    ended = run(id, [page(*rows)], params=params or PARAMS[id], settings=settings)
    assert ended.done == ("S-1", "already_done", {"subscription": "S-1"})


NOTHING = [("add_plan", "no_active_subscription"), ("remove_plan", "no_active_subscription"),
           ("cancel_subscription", "no_active_subscription"), ("suspend_subscription", "no_active_subscription"),
           ("resume_subscription", "no_suspended_subscription"), ("change_auto_renewal", "no_active_subscription")]


@pytest.mark.parametrize(("id", "code"), NOTHING)
def test_an_account_without_a_fitting_subscription_is_rejected(id, code):
    assert run(id, [page(sub(status="Expired"))], params=PARAMS[id]).code == code


def test_an_evergreen_subscription_has_no_auto_renewal():
    ended = run("change_auto_renewal", [page(sub(termType="EVERGREEN"))], params={"auto_renew": False})
    assert (ended.reason, ended.code) == ("rejected", "not_termed")


def test_a_second_subscription_with_the_plan_is_made_where_that_is_wanted():
    params = {"product_rate_plan_id": "prp_1", "term_type": "TERMED", "if_subscribed": "add_another"}
    assert run("create_subscription", [page(sub()), ordered()], params=params).done.note == ""


# -- repeats


def test_how_safe_a_repeat_is_depends_on_the_transaction_api():
    def safety(id, settings):
        one = connector.actions[id]
        return one.safety(one.params.model_validate(PARAMS[id]), connector.settings.model_validate(settings))

    assert {safety(one, SETTINGS) for one in PARAMS} == {Repeat.LOOK_BEFORE}
    assert {one: safety(one, OLDER) for one in PARAMS} == {
        **dict.fromkeys(PARAMS, Repeat.NEVER), "change_auto_renewal": Repeat.HARMLESS,
        "create_subscription": Repeat.KEY}


def test_a_subscription_that_our_order_changed_last_is_our_own_doing():
    rows = [sub("S-1", orderNumber="O-1"), sub("S-2", "Cancelled", orderNumber=NUMBER)]
    ended = run("cancel_subscription", [page(*rows)], params=PARAMS["cancel_subscription"])
    assert ended.done == (NUMBER, "", {"order": NUMBER, "subscription": "S-2"})


@pytest.mark.parametrize("more", [{"doubtful": True}, {"now": NOW + 24 * 3600}])
def test_the_order_of_an_earlier_try_is_looked_for_where_its_key_may_be_forgotten(more):
    there = answer(json={"success": True, "order": {"orderNumber": NUMBER, "status": "Completed",
                                                    "subscriptions": [{"subscriptionNumber": "S-5"}]}})
    ended = run("cancel_subscription", [there], params=PARAMS["cancel_subscription"], **more)
    assert ended.lines == [FIND]
    assert ended.done == (NUMBER, "", {"order": NUMBER, "subscription": "S-5"})


@pytest.mark.parametrize("absent", [failed(50400040), answer(404)])
def test_without_an_earlier_order_the_action_goes_on(absent):
    ended = run("change_auto_renewal", [absent, page(sub()), ordered()], params={"auto_renew": False}, doubtful=True)
    assert ended.lines == [FIND, LIST, "POST /v1/orders"]


def test_an_order_that_failed_is_said_to_have_failed():
    there = answer(json={"success": True, "order": {"orderNumber": NUMBER, "status": "Failed"}})
    assert run("add_plan", [there], params=PARAMS["add_plan"], doubtful=True).code == "order_failed"


@pytest.mark.parametrize(("refusal", "reason"), [
    (failed(50400061), "unavailable"), (failed(50400020), "rejected"), (answer(500), "unavailable")])
def test_an_order_that_cannot_be_looked_for_stops_the_action(refusal, reason):
    assert run("add_plan", [refusal], params=PARAMS["add_plan"], doubtful=True).reason == reason


def test_a_lock_is_waited_for_and_each_try_has_its_own_key_since_refusals_are_stored():
    locked = failed(58730050, "Lock competition")
    ended = run("change_auto_renewal", [page(sub()), locked, locked, ordered()], params={"auto_renew": False})
    posts = ended.requests[1:]
    assert [one.headers["Idempotency-Key"] for one in posts] == [
        f"{OUTCOME}:order", f"{OUTCOME}:order:2", f"{OUTCOME}:order:3"]
    assert [one.wait for one in posts] == [0, 1, 2]
    assert ended.done.reference == NUMBER


def test_a_lock_that_does_not_open_is_rejected_since_nothing_was_done():
    ended = run("change_auto_renewal", [page(sub()), *[failed(58730050)] * 5], params={"auto_renew": False})
    assert (ended.reason, ended.code, ended.failure.request_id) == ("rejected", "58730050", "R1")


@pytest.mark.parametrize("code", [58730060, 58730061])
def test_after_an_internal_failure_the_order_is_looked_for_before_another_try(code):
    there = answer(json={"success": True, "order": {"orderNumber": NUMBER, "status": "Completed"}})
    ended = run("change_auto_renewal", [page(sub()), failed(code), there], params={"auto_renew": False})
    assert ended.lines == [LIST, "POST /v1/orders", FIND]
    assert ended.done.reference == NUMBER
    again = run("change_auto_renewal", [page(sub()), failed(code), failed(50400040), ordered()],
                params={"auto_renew": False})
    assert again.lines == [LIST, "POST /v1/orders", FIND, "POST /v1/orders"]


def test_an_internal_failure_of_the_older_creation_is_in_doubt():
    ended = run("create_subscription", [page(), failed(53100060)], params=PARAMS["create_subscription"],
                settings=OLDER)
    assert ended.reason == "in_doubt"


# -- reading of answers


READINGS = [
    (failed(53100020, "bad value"), "rejected", "53100020"), (failed("53100030"), "rejected", "53100030"),
    (failed(53100040), "rejected", "53100040"), (failed(53100010), "rejected", "53100010"),
    (failed(53100011), "misconfigured", "53100011"), (failed(90000020), "misconfigured", "90000020"),
    (failed(53100090, status=400), "rejected", "53100090"), (answer(400), "rejected", "http_400"),
    (answer(401), "misconfigured", "http_401"), (answer(403), "misconfigured", "http_403"),
    (answer(404), "rejected", "http_404"), (answer(409), "unavailable", "http_409"),
    (answer(422), "in_doubt", "idempotency_key_reused"), (answer(429), "unavailable", "http_429"),
    (answer(500), "unavailable", "http_500"), (answer(502, body=b"<html>"), "unavailable", "http_502"),
    (answer(503), "unavailable", "http_503"), (answer(504), "unavailable", "http_504"),
    (answer(200, body=b'{"succ'), "unavailable", "unreadable_answer"), (answer(200, {}), "unavailable",
                                                                        "unreadable_answer"),
]


def refused(refusal, settings=SETTINGS):
    return run("change_auto_renewal", [page(sub()), refusal], params={"auto_renew": False}, settings=settings)


@pytest.mark.parametrize(("refusal", "reason", "code"), READINGS)
def test_each_answer_of_an_order_is_read_by_who_must_act(refusal, reason, code):
    assert (refused(refusal).reason, refused(refusal).code) == (reason, code)


def test_only_answers_that_may_hide_an_effect_are_unknown():
    unknown = {status: refused(answer(status)).failure.unknown for status in (409, 429, 500, 502, 503, 504)}
    assert unknown == {409: True, 429: False, 500: True, 502: True, 503: False, 504: True}
    assert refused(answer(200, {})).failure.unknown


@pytest.mark.parametrize(("code", "unknown", "throttled"), [
    (58730050, False, False), (58730060, True, False), (58730061, True, False), (58730070, False, True)])
def test_what_passes_is_tried_again_by_the_engine_where_no_key_stores_the_refusal(code, unknown, throttled):
    found = refused(failed(code), OLDER).failure
    assert (found.reason, found.unknown, found.throttled) == ("unavailable", unknown, throttled)
    assert run("add_plan", [failed(code)], params=PARAMS["add_plan"]).failure.unknown is False


def test_a_limit_says_when_it_is_lifted_and_a_failure_what_support_asks_for():
    limited = refused(failed(50000070, status=429, headers={"RateLimit-Reset": "17"})).failure
    assert (limited.retry_after, limited.throttled) == (17.0, True)
    assert refused(answer(503, headers={"Retry-After": "5"})).failure.retry_after == 5.0
    found = refused(failed(53100020, "'termType' is wrong")).failure
    assert (found.message, found.request_id) == ("'termType' is wrong", "R1")


# -- forms


@pytest.mark.parametrize(("id", "params", "place"), [
    ("add_plan", {"product_rate_plan_id": "x", "collect_payment": True}, "collect_payment"),
    ("add_plan", {"product_rate_plan_id": ""}, "product_rate_plan_id"),
    ("add_plan", {"product_rate_plan_id": "x", "effective_date": "soon"}, "effective_date"),
    ("cancel_subscription", {"cancellation_policy": "SpecificDate"}, "cancellation_date"),
    ("cancel_subscription", {"cancellation_policy": "EndOfCurrentTerm", "cancellation_date": "2027-01-01"},
     "cancellation_date"),
    ("suspend_subscription", {"suspend_policy": "SpecificDate"}, "suspend_date"),
    ("suspend_subscription", {"suspend_policy": "Today", "suspend_periods": 2}, "suspend_periods"),
    ("suspend_subscription", {"suspend_policy": "FixedPeriodsFromToday", "suspend_periods": 2}, "suspend_periods_type"),
    ("resume_subscription", {"resume_policy": "Today", "resume_date": "2027-01-01"}, "resume_date"),
    ("resume_subscription", {"resume_policy": "FixedPeriodsFromToday", "resume_periods_type": "Day"}, "resume_periods"),
    ("create_subscription", {"product_rate_plan_id": "x", "term_type": "TERMED", "run_billing": False,
                             "collect_payment": True}, "collect_payment"),
])
def test_parameters_that_do_not_go_together_are_refused_at_their_place(id, params, place):
    with pytest.raises(ValidationError) as wrong:
        connector.actions[id].params.model_validate(params)
    assert [error["loc"] for error in wrong.value.errors()] == [(place,)]


# -- the vendor's own schemas


def schema_problems(name, value):
    types = specs.load_types("zuora")
    if types is None:
        pytest.skip("the vendor's schemas are not beside the project")
    return types.problems(name, value)


@pytest.mark.parametrize("id", PARAMS)
def test_every_order_is_as_the_vendors_schema_says(id):
    assert schema_problems("CreateOrderRequest", ORDERS[id]) == []


@pytest.mark.parametrize("id", AMENDS)
def test_every_older_change_is_as_the_vendors_schema_says(id):
    verb, body = AMENDS[id]
    assert schema_problems(UPDATE_TYPES[verb], body) == []


def test_the_older_creation_and_the_canned_answers_are_as_the_vendors_schemas_say():
    assert schema_problems("CreateSubscriptionRequest", CREATED) == []
    assert schema_problems("GetSubscriptionsResponse", page(sub()).json) == []
    assert schema_problems("CreateOrderResponse", ordered().json) == []
    assert schema_problems("CommonResponse", failed("53100020").json) == []
