from datetime import UTC, datetime

import orjson
import pytest
from pydantic import ValidationError

from connectors.billing.chargify import connector
from connectors.kit import Option
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"api_key": "private", "domain": "shop"}
LIST = "/customers/77/subscriptions.json"
REQUIRED = {"create_subscription": {"product_id": "1"}, "cancel_subscription": {"product_id": "1"},
            "add_coupon": {"product_id": "1", "coupon_code": "SAVE20"}}
DUPLICATE = {"errors": ["DuplicatePrevention::DuplicateSubmissionError"]}


def at(seconds):
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


def sub(id=5, state="active", product=1, handle="gold", created=-9000, **more):
    return {"id": id, "state": state, "product": {"id": product, "handle": handle}, "coupon_codes": [],
            "cancel_at_end_of_period": False, "canceled_at": None, "created_at": at(created), "reference": None, **more}


def page(*rows):
    return answer(json=[{"subscription": row} for row in rows])


def one(row, status=200):
    return answer(status, {"subscription": row})


def refused(status, *errors, **body):
    return answer(status, body or {"errors": list(errors)})


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params={**REQUIRED[id], **(params or {})},
                      attributes={"chargify_id": 77} if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def ended(run):
    return run.done.reference, run.done.note


# -- settings and signing


def test_signing_is_basic_with_the_letter_x():
    signed = flows.sign(connector, SETTINGS, run("add_coupon", [page()]).requests[0])
    assert signed.url == f"https://shop.chargify.com{LIST}"
    assert flows.header(signed, "authorization") == "Basic cHJpdmF0ZTp4"
    assert flows.header(signed, "accept") == "application/json"
    assert flows.header(signed, "content-type") is None


@pytest.mark.parametrize(("domain", "host"), [
    ("shop", "shop.chargify.com"), ("Shop.Chargify.com", "shop.chargify.com"),
    ("https://shop.chargify.com/", "shop.chargify.com"), ("shop.ebilling.maxio.com", "shop.ebilling.maxio.com"),
])
def test_the_domain_is_taken_however_it_was_copied(domain, host):
    assert connector.settings(api_key="k", domain=domain).address == f"https://{host}"


@pytest.mark.parametrize("wrong", [
    {"api_key": ""}, {"domain": ""}, {"domain": "chargify.com"}, {"domain": "shop.evil.example"},
    {"domain": "shop.chargify.com/path"}, {"domain": "a b"}, {"base_url": "http://127.0.0.1:9"},
    {"base_url": "https://shop.chargify.com.evil.example"}, {"other": 1},
])
def test_settings_that_cannot_be_right_are_refused(wrong):
    with pytest.raises(ValidationError):
        connector.settings(**{**SETTINGS, **wrong})


def test_an_emulator_can_be_named_for_tests():
    settings = connector.settings(**SETTINGS, base_url="http://127.0.0.1:9/chargify", allow_test_hosts=True)
    assert settings.address == "http://127.0.0.1:9/chargify"


def checked(*answers):
    return flows.drive(connector.check(connector.settings(**SETTINGS)), answers, connector.read)


@pytest.mark.parametrize(("test", "mode"), [(True, "sandbox"), (False, "live")])
def test_the_connection_test_names_the_site_and_its_mode(test, mode):
    tested = checked(answer(json={"site": {"name": "Shop", "test": test}}))
    assert (tested.lines, tested.done) == (["GET /site.json"], ("Shop", mode))


def test_a_key_that_may_not_see_the_site_is_tested_on_plans():
    tested = checked(refused(403, "no"), page())
    assert (tested.lines, tested.done) == (["GET /site.json", "GET /products.json"], ("shop.chargify.com", ""))
    assert checked(refused(401)).reason == "misconfigured"


# -- pick lists


def options(name, *answers):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), answers, connector.read)


def test_plans_are_listed_with_exact_prices_and_without_archived_ones():
    row = {"id": 1, "name": "Gold", "price_in_cents": 1005, "interval": 1, "interval_unit": "month",
           "archived_at": None}
    listed = options("products", answer(json=[{"product": row}, {"product": {**row, "id": 2, "interval": 3}},
                                              {"product": {**row, "archived_at": at(-1)}}]))
    assert flows.query(listed.requests[0]) == [("page", "1"), ("per_page", "200")]
    assert listed.done == [Option("1", "Gold: 10.05 every month"), Option("2", "Gold: 10.05 every 3 months")]


def test_prices_of_plans_are_listed_without_those_that_nobody_else_can_get():
    row = {"id": 7, "name": "Yearly", "product_id": 1, "price_in_cents": 9900, "interval": 12, "interval_unit": "month",
           "archived_at": None, "type": "catalog"}
    listed = options("price_points", answer(json={"price_points": [
        row, {**row, "id": 8, "archived_at": at(-1)}, {**row, "id": 9, "type": "custom"}]}))
    assert listed.lines == ["GET /products_price_points.json"]
    assert flows.query(listed.requests[0]) == [("page", "1"), ("per_page", "200")]
    assert listed.done == [Option("7", "Yearly: 99.00 every 12 months (plan 1)")]


def test_long_lists_of_prices_are_read_to_their_end():
    rows = [{"id": number, "name": "N", "interval": 1, "interval_unit": "month"} for number in range(200)]
    listed = options("price_points", answer(json={"price_points": rows}), answer(json={"price_points": rows[:1]}))
    assert (len(listed.done), flows.query(listed.requests[1])[0]) == (201, ("page", "2"))


def test_long_lists_are_read_to_their_end():
    full = answer(json=[{"coupon": {"code": f"C{number}", "name": "N"}} for number in range(200)])
    listed = options("coupons", full, answer(json=[{"coupon": {"code": "LAST", "name": None}}]))
    assert flows.query(listed.requests[1]) == [("page", "2"), ("per_page", "200")]
    assert (len(listed.done), listed.done[-1]) == (201, Option("LAST", "LAST (LAST)"))


def test_reason_codes_are_listed_by_their_description():
    listed = options("reason_codes", answer(json=[{"reason_code": {"code": "TOO", "description": "Too expensive"}}]))
    assert listed.done == [Option("TOO", "Too expensive")]


# -- reading of answers


READINGS = [
    (refused(400, "bad"), "rejected", "http_400"), (refused(401), "misconfigured", "http_401"),
    (refused(403), "misconfigured", "http_403"), (answer(404), "rejected", "http_404"),
    (answer(408), "unavailable", "http_408"),
    (refused(422, "No payment method was on file"), "rejected", "http_422"),
    (refused(422, errors=["3DS"], action_link="https://pay.example/secret"), "rejected", "needs_customer_action"),
    (refused(422, codes=["Invalid"]), "rejected", "coupon_refused"),
    (refused(422, coupon_codes=["Not stackable"]), "rejected", "coupon_refused"),
    (refused(422, subscription=["Cannot"]), "rejected", "subscription_refused"),
    (refused(429, "denied due to a usage violation"), "unavailable", "http_429"),
    *[(answer(status, body=b"<html>"), "unavailable", f"http_{status}") for status in (500, 502, 503, 504, 521, 522,
                                                                                     524)],
    (answer(201, body=b'{"subscription": {'), "unavailable", "unreadable_answer"),
]


def failure_of(refusal):
    return run("create_subscription", [page(), refusal]).failure


@pytest.mark.parametrize(("refusal", "reason", "code"), READINGS)
def test_each_answer_of_a_change_is_read_by_who_must_act(refusal, reason, code):
    found = failure_of(refusal)
    assert (found.reason, found.code) == (reason, code)


def test_only_answers_that_may_hide_an_effect_are_unknown():
    unknown = {"408": answer(408), "500": answer(500), "524": answer(524), "unreadable": answer(200, body=b"?")}
    known = {"429": refused(429), "503": answer(503)}
    assert {name: failure_of(one).unknown for name, one in unknown.items()} == dict.fromkeys(unknown, True)
    assert {name: failure_of(one).unknown for name, one in known.items()} == dict.fromkeys(known, False)


def test_a_usage_violation_is_followed_by_a_pause_since_no_header_names_one():
    found = failure_of(refused(429))
    assert (found.throttled, found.retry_after) == (True, 120.0)
    assert failure_of(answer(429, {}, headers={"Retry-After": "7"})).retry_after == 7.0


def test_all_texts_of_a_refusal_are_told_but_not_the_customers_link():
    assert failure_of(refused(422, "One.", "Two.")).message == "One.; Two."
    assert failure_of(refused(422, errors={"base": ["Three."]})).message == "Three."
    assert failure_of(answer(404)).message == "no reason was given"
    assert "secret" not in failure_of(refused(422, errors=["3DS"], action_link="https://x.example/secret")).message


# -- the customer


@pytest.mark.parametrize("id", sorted(connector.actions))
def test_every_action_needs_the_customers_id(id):
    lacking = run(id, attributes={"other": "x"})
    assert (lacking.requests, lacking.failure.names) == ((), ("chargify_id",))
    assert run(id, attributes={"chargify_id": "ann/../1"}).code == "invalid_chargify_id"
    unknown = run(id, [answer(404)])
    assert (unknown.lines, unknown.code) == ([f"GET {LIST}"], "user_not_found")


@pytest.mark.parametrize("id", ["cancel_subscription", "add_coupon"])
def test_a_customer_without_a_live_subscription_to_the_plan_is_rejected(id):
    rows = page(sub(product=2, handle="iron"), sub(state="on_hold"), sub(state="failed_to_create"))
    assert run(id, [rows]).code == "no_active_subscription"


@pytest.mark.parametrize("id", ["cancel_subscription", "add_coupon"])
@pytest.mark.parametrize("product", ["1", "gold"])
def test_the_newest_live_subscription_to_the_plan_is_meant_by_id_or_handle(id, product):
    rows = page(sub(3, created=-90), sub(4, "past_due", created=-10), sub(5, product=2, handle="iron", created=-1))
    ran = run(id, [rows, one(sub(4))], params={"product_id": product})
    assert "/subscriptions/4" in ran.requests[1].path


# -- create_subscription


def test_create_subscribes_with_everything_the_binding_says():
    made = one(sub(9, "trialing"), 201)
    ran = run("create_subscription", [page(), made], params={
        "product_price_point_id": 12, "coupon_codes": ["SAVE20"], "payment_collection_method": "remittance"})
    assert ran.lines == [f"GET {LIST}", "POST /subscriptions.json"]
    assert flows.json(ran.requests[1]) == {
        "subscription": {"product_id": 1, "product_price_point_id": 12, "customer_id": 77, "coupon_codes": ["SAVE20"],
                         "payment_collection_method": "remittance", "reference": OUTCOME},
        "uniqueness_token": f"{OUTCOME}:subscribe"}
    assert (ran.requests[1].headers["Content-Type"], ran.requests[1].timeout) == ("application/json", 125.0)
    assert (*ended(ran), ran.done.detail) == ("9", "", {"state": "trialing"})


def test_create_sends_a_handle_as_one_and_leaves_out_what_is_empty():
    ran = run("create_subscription", [page(), one(sub(9), 201)], params={"product_id": "gold"})
    assert flows.json(ran.requests[1])["subscription"] == {
        "product_handle": "gold", "customer_id": 77, "payment_collection_method": "automatic", "reference": OUTCOME}


def test_create_leaves_a_customer_alone_who_has_the_plan_unless_another_is_wanted():
    assert ended(run("create_subscription", [page(sub())])) == ("5", "already_done")
    ran = run("create_subscription", [page(sub()), one(sub(9), 201)], params={"if_subscribed": "add_another"})
    assert ended(ran) == ("9", "")
    gone = run("create_subscription", [page(sub(state="canceled")), one(sub(9), 201)])
    assert ended(gone) == ("9", "")


def test_create_finds_what_an_earlier_try_made_even_if_another_was_wanted():
    ours = page(sub(), sub(8, "canceled", reference=OUTCOME))
    assert ended(run("create_subscription", [ours], params={"if_subscribed": "add_another"})) == ("8", "")


def test_a_duplicate_is_looked_for_until_it_shows():
    ran = run("create_subscription", [page(), answer(409, DUPLICATE), page(), page(), page(sub(8, reference=OUTCOME))])
    assert ended(ran) == ("8", "")
    assert [request.wait for request in ran.requests[2:]] == [0.0, 5.0, 15.0]


def test_a_duplicate_that_never_shows_was_refused():
    ran = run("create_subscription", [page(), answer(409, DUPLICATE), *[page(sub())] * 5],
              params={"if_subscribed": "add_another"})
    assert (ran.reason, ran.code) == ("rejected", "refused_before")
    assert sum(request.wait for request in ran.requests) == 120.0


# -- cancel_subscription


def test_cancel_at_once_says_why():
    ran = run("cancel_subscription", [page(sub()), one(sub(state="canceled"))],
              params={"cancellation_message": "in app", "reason_code": "TOO"})
    assert (ran.lines[1], ran.requests[1].headers["Content-Type"]) == ("DELETE /subscriptions/5.json",
                                                                       "application/json")
    assert flows.json(ran.requests[1]) == {"subscription": {"cancellation_message": "in app", "reason_code": "TOO"}}
    assert (*ended(ran), ran.done.detail) == ("5", "", {"state": "canceled"})


def test_cancel_at_once_has_no_body_where_nothing_is_said():
    ran = run("cancel_subscription", [page(sub()), one(sub(state="canceled"))])
    assert ran.requests[1].body is None


def test_cancel_at_period_end_is_told_once():
    said = answer(json={"message": "This subscription will be canceled at 2027-02-01."})
    ran = run("cancel_subscription", [page(sub()), said], params={"when": "period_end", "reason_code": "TOO"})
    assert ran.lines[1] == "POST /subscriptions/5/delayed_cancel.json"
    assert flows.json(ran.requests[1]) == {"subscription": {"reason_code": "TOO"},
                                           "uniqueness_token": f"{OUTCOME}:cancel_later"}
    assert (*ended(ran), ran.done.detail) == ("5", "", {"state": "active"})


def test_cancel_at_period_end_is_done_where_it_is_planned():
    ran = run("cancel_subscription", [page(sub(cancel_at_end_of_period=True))], params={"when": "period_end"})
    assert ended(ran) == ("5", "already_done")
    now = run("cancel_subscription", [page(sub(cancel_at_end_of_period=True)), one(sub(state="canceled"))])
    assert ended(now) == ("5", "")


def test_a_duplicate_cancellation_is_looked_for():
    ran = run("cancel_subscription", [page(sub()), answer(409, DUPLICATE), page(sub(cancel_at_end_of_period=True))],
              params={"when": "period_end"})
    assert ended(ran) == ("5", "")


@pytest.mark.parametrize("row", [sub(6, "canceled", canceled_at=at(-5)), sub(6, "expired", canceled_at=at(-5))])
def test_of_two_subscriptions_only_one_ends_however_often_the_flow_begins(row):
    assert ended(run("cancel_subscription", [page(sub(), row)])) == ("6", "already_done")


def test_what_ended_before_the_interaction_does_not_count_while_another_runs():
    old = sub(6, "canceled", canceled_at=at(-900))
    assert ended(run("cancel_subscription", [page(sub(), old), one(sub(state="canceled"))])) == ("5", "")
    assert ended(run("cancel_subscription", [page(old)])) == ("6", "already_done")


@pytest.mark.parametrize(("state", "code"), [("canceled", ""), ("active", "http_422")])
def test_a_refused_cancellation_is_read_again(state, code):
    ran = run("cancel_subscription", [page(sub()), refused(422, "The subscription is already canceled"),
                                      one(sub(state=state))])
    assert (ran.lines[2], ran.code) == ("GET /subscriptions/5.json", code)


def test_a_cancellation_that_chargify_refuses_is_rejected():
    later = run("cancel_subscription", [page(sub(state="past_due")), refused(422, "past due")],
                params={"when": "period_end"})
    assert (later.reason, later.failure.message) == ("rejected", "past due")
    assert run("cancel_subscription", [page(sub()), answer(404)]).code == "http_404"


# -- add_coupon


def test_a_coupon_is_added_to_those_that_are_there():
    ran = run("add_coupon", [page(sub(coupon_codes=["OTHER"])), one(sub(coupon_codes=["OTHER", "SAVE20"]))])
    assert ran.lines[1] == "POST /subscriptions/5/add_coupon.json"
    assert flows.query(ran.requests[1]) == []
    assert flows.json(ran.requests[1]) == {"codes": ["SAVE20"], "uniqueness_token": f"{OUTCOME}:coupon"}
    assert ended(ran) == ("5", "")


def test_a_coupon_that_is_there_is_left_whatever_its_case():
    assert ended(run("add_coupon", [page(sub(coupon_codes=["save20"]))])) == ("5", "already_done")


def test_a_duplicate_coupon_is_looked_for():
    ran = run("add_coupon", [page(sub()), answer(409, DUPLICATE), page(sub(coupon_codes=["SAVE20"]))])
    assert ended(ran) == ("5", "")


# -- the vendor's specification


REQUESTS = {
    "create": lambda: run("create_subscription", [page(), one(sub(), 201)], params={
        "product_price_point_id": 1, "coupon_codes": ["A"], "payment_collection_method": "prepaid"}),
    "create by handle": lambda: run("create_subscription", [page(), one(sub(), 201)], params={"product_id": "gold"}),
    "cancel": lambda: run("cancel_subscription", [page(sub()), one(sub())], params={"reason_code": "A"}),
    "cancel refused": lambda: run("cancel_subscription", [page(sub()), refused(422), one(sub(state="canceled"))],
                                  params={"cancellation_message": "A"}),
    "cancel later": lambda: run("cancel_subscription", [page(sub()), answer(json={})], params={"when": "period_end"}),
    "coupon": lambda: run("add_coupon", [page(sub()), one(sub())]),
    **{name: lambda name=name: options(name, answer(json=[])) for name in connector.options if name != "price_points"},
}
"""All but the list of prices, which the copy of the specification leaves out: `test_chargify_sdk` compares it."""


def without_token(request):
    """The specification does not know the token, which is described on a page of its own."""
    body = flows.json(request)
    if not isinstance(body, dict) or "uniqueness_token" not in body:
        return request
    return request._replace(body=orjson.dumps({name: body[name] for name in body if name != "uniqueness_token"}))


@pytest.mark.parametrize("name", REQUESTS)
def test_every_request_is_as_the_vendors_specification_says(name):
    spec = specs.load("chargify")
    if spec is None:
        pytest.skip("Chargify's OpenAPI file is not here; TESTKIT_VENDOR_SPECS names its folder")
    for request in REQUESTS[name]().requests:
        assert spec.problems(without_token(request)) == []
