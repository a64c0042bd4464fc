from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from connectors.billing.vindicia import connector
from connectors.kit import Option, Repeat
from testkit import flows
from testkit.flows import NOW, OUTCOME, answer

SETTINGS = {"username": "shop_soap", "password": "pass:word"}
BY_ID = {"vindicia_subscription_id": "S/1"}
BY_ACCOUNT = {"vindicia_account_id": "A 1"}
ONE = "/subscriptions/S%2F1"
REQUIRED = {
    "replace_product": {"product_id": "gold"}, "add_product": {"product_id": "gold"},
    "add_campaign": {"campaign_code": "ANNUAL10"}, "cancel_subscription": {}, "delay_billing": {"days": 30},
}


def at(seconds):
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat()


def item(product="basic", id="", created=-9000, **more):
    return {"object": "SubscriptionItem", "id": id or f"i-{product}", "vid": "v", "created": at(created),
            "product": {"object": "Product", "id": product, "vid": f"vid-{product}"}, **more}


def many(*rows, **more):
    return {"object": "List", "data": list(rows), "total_count": len(rows), **more}


def sub(*items, id="S/1", status="Active", starts=-90_000, **more):
    return {"object": "Subscription", "id": id, "vid": f"vid-{id}", "status": status, "starts": at(starts),
            "items": many(*(items or [item()])),
            "next_billing": {"object": "Transaction", "created": "2027-02-05T00:00:00-08:00"}, **more}


def shown(*items, **more):
    return answer(json=sub(*items, **more))


def listed(*rows, **more):
    return answer(json=many(*rows, **more))


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params={**REQUIRED[id], **(params or {})},
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def ended(run):
    return run.done.reference, run.done.note


# -- settings, signing, check, pick lists


def test_signing_is_basic_at_the_environments_host():
    signed = flows.sign(connector, SETTINGS, run("cancel_subscription", [shown(), shown()]).requests[1])
    assert signed.url == ("https://api.vindicia.com/subscriptions/S%2F1/actions/cancel?disentitle=false&settle=false")
    assert flows.header(signed, "authorization") == "Basic c2hvcF9zb2FwOnBhc3M6d29yZA=="
    assert flows.header(signed, "accept") == "application/json"
    test = connector.settings(**SETTINGS, environment="prodtest")
    assert test.address == "https://api.prodtest.vindicia.com"


@pytest.mark.parametrize("wrong", [
    {"username": ""}, {"username": "a:b"}, {"password": ""}, {"environment": "test"}, {"other": 1},
    {"base_url": "https://vindicia.example"}, {"base_url": "http://127.0.0.1:9"},
    {"base_url": "https://api.prodtest.vindicia.com"}, {"base_url": "https://api.vindicia.com/path"},
])
def test_settings_that_cannot_be_right_are_refused(wrong):
    with pytest.raises(ValidationError):
        connector.settings(**{**SETTINGS, **wrong})


@pytest.mark.parametrize(("environment", "mode"), [("production", "live"), ("prodtest", "sandbox")])
def test_the_connection_test_looks_at_one_product(environment, mode):
    settings = connector.settings(**SETTINGS, environment=environment)
    tested = flows.drive(connector.check(settings), [listed()], connector.read)
    assert (tested.lines, flows.query(tested.requests[0])) == (["GET /products"], [("limit", "1")])
    assert tested.done == ("shop_soap", mode)


def options(name, *answers):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), answers, connector.read)


def test_products_are_listed_page_by_page_without_suspended_ones():
    described = many({"object": "ProductDescription", "description": "Gold"})
    got = options("products", listed({"id": "gold", "status": "Active", "descriptions": described},
                                     next="/products?limit=100&starting_after=a%20b"),
                  listed({"id": "old", "status": "Suspended"}, {"id": "bare", "status": "Active"}))
    assert got.lines == ["GET /products", "GET /products?limit=100&starting_after=a%20b"]
    assert got.done == [Option("gold", "Gold (gold)"), Option("bare", "bare")]


@pytest.mark.parametrize("following", ["https://evil.example/x", "@evil.example/x", 7])
def test_a_list_that_leads_elsewhere_is_not_followed(following):
    assert options("products", listed(next=following)).lines == ["GET /products"]


def test_promotions_that_run_are_listed_by_their_code():
    got = options("campaigns", listed({"id": "AIP", "state": "Active", "promotion_code": "TEN", "description": "10 %"},
                                      {"id": "OFF", "state": "Inactive", "promotion_code": "X"},
                                      {"id": "COUPON", "state": "Active"}))
    assert got.done == [Option("TEN", "10 % (TEN)")]


def test_billing_plans_are_asked_for_in_lower_case():
    got = options("billing_plans", listed({"id": "M", "status": "Active", "description": "Monthly"}))
    assert flows.query(got.requests[0]) == [("limit", "100"), ("status", "active")]
    assert got.done == [Option("M", "Monthly")]


# -- answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (answer(400, {"object": "Error", "code": "E-1", "message": "no"}), "rejected", "E-1"),
    (answer(401), "misconfigured", "http_401"), (answer(403), "misconfigured", "http_403"),
    (answer(402, {"object": "Error", "code": "402"}), "rejected", "payment_refused"),
    (answer(404), "rejected", "http_404"), (answer(409), "rejected", "http_409"), (answer(422), "rejected", "http_422"),
    (answer(408), "unavailable", "http_408"), (answer(429), "unavailable", "http_429"),
    *[(answer(status), "unavailable", f"http_{status}") for status in (500, 502, 503, 504)],
    (answer(200, {"object": "Error", "message": "inactive campaign"}), "rejected", "refused"),
    (answer(200, body=b'{"object": "Subscr'), "unavailable", "unreadable_answer"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    got = run("add_product", [shown(), refusal])
    assert (got.reason, got.code) == (reason, code)


def test_the_whole_error_is_the_message_and_the_request_is_named():
    body = {"object": "Error", "message": "inactive campaign"}
    failure = run("add_product", [shown(), answer(200, body, headers={"Request-Id": "soap-1"})]).failure
    assert (failure.message, failure.request_id) == ('{"object":"Error","message":"inactive campaign"}', "soap-1")


@pytest.mark.parametrize(("refusal", "unknown", "throttled", "wait"), [
    (answer(500), True, False, None), (answer(503, headers={"Retry-After": "7"}), False, False, 7.0),
    (answer(429, headers={"Retry-After": "3"}), False, True, 3.0), (answer(200, body=b"{"), True, False, None),
])
def test_what_may_have_been_done_is_told_from_what_surely_was_not(refusal, unknown, throttled, wait):
    failure = run("add_product", [shown(), refusal]).failure
    assert (failure.unknown, failure.throttled, failure.retry_after) == (unknown, throttled, wait)


# -- look-ups


@pytest.mark.parametrize("id", REQUIRED)
def test_a_user_without_any_id_is_named_before_any_request(id):
    got = run(id, attributes={})
    assert (got.requests, got.failure.names) == ((), ("vindicia_subscription_id", "vindicia_account_id"))


@pytest.mark.parametrize("id", REQUIRED)
def test_a_subscription_that_does_not_exist_is_said(id):
    assert run(id, [answer(404)]).code == "subscription_not_found"


@pytest.mark.parametrize("id", REQUIRED)
def test_an_account_without_active_subscription_is_said(id):
    got = run(id, [listed(sub(status="Suspended"))], attributes=BY_ACCOUNT)
    assert (got.lines, got.code) == (["GET /subscriptions"], "no_active_subscription")
    assert flows.query(got.requests[0]) == [("limit", "100"), ("account", "A 1")]


def test_of_several_subscriptions_the_newest_active_one_is_taken():
    rows = [sub(id="old"), sub(id="new", starts=-10), sub(id="newest", starts=-1, status="Cancelled")]
    got = run("add_product", [listed(*rows), shown()], attributes=BY_ACCOUNT)
    assert got.lines[1] == "POST /subscriptions/new"


# -- replacing


def test_the_only_product_is_replaced_by_an_item_with_our_id():
    got = run("replace_product", [shown(), shown(item("gold"))], params={"campaign_code": "TEN",
                                                                         "billing_plan_id": "ANNUAL"})
    assert got.lines == [f"GET {ONE}", f"POST {ONE}"]
    assert flows.query(got.requests[1]) == [("effective_date", "today"), ("bill_prorated_period", "true")]
    assert flows.json(got.requests[1]) == {
        "object": "Subscription", "id": "S/1",
        "items": [{"object": "SubscriptionItem", "id": OUTCOME, "product": {"object": "Product", "id": "gold"},
                   "campaign_code": "TEN",
                   "replaces": {"object": "SubscriptionItem", "product": {"object": "Product", "id": "basic"}}}],
        "billing_plan": {"object": "BillingPlan", "id": "ANNUAL"},
    }
    assert got.requests[1].headers["Content-Type"] == "application/json"
    assert (ended(got), got.done.detail) == (("vid-S/1", ""), {"status": "Active", "item": OUTCOME})


def test_a_replacement_at_the_next_bill_prorates_nothing():
    got = run("replace_product", [shown(), shown()], params={"effective_date": "nextBill"})
    assert flows.query(got.requests[1]) == [("effective_date", "nextBill")]
    assert "billing_plan" not in flows.json(got.requests[1])


def test_of_several_subscriptions_the_one_with_the_old_product_is_taken():
    rows = [sub(item("other"), id="new", starts=-1), sub(item("basic"), item("more"), id="old")]
    got = run("replace_product", [listed(*rows), shown()], attributes=BY_ACCOUNT,
              params={"replaces_product_id": "vid-basic"})
    assert got.lines[1] == "POST /subscriptions/old"


@pytest.mark.parametrize(("items", "note"), [
    ([item("gold", OUTCOME), item("basic", ends=at(9))], ""), ([item("gold", "theirs", created=5)], ""),
    ([item("gold")], "already_done"), ([item("gold"), item("basic", ends=at(9))], "already_done"),
])
@pytest.mark.parametrize("old", ["", "basic"])
def test_what_is_replaced_stays_so(items, note, old):
    got = run("replace_product", [shown(*items)], params={"replaces_product_id": old})
    assert (got.lines, ended(got)) == ([f"GET {ONE}"], ("vid-S/1", note))


@pytest.mark.parametrize(("items", "old", "code"), [
    ([item("a"), item("b")], "", "several_products"), ([item("a", ends=at(1))], "", "no_product"),
    ([item("a")], "basic", "product_not_found"), ([item("basic"), item("gold")], "basic", "has_both_products"),
])
def test_a_product_that_cannot_be_replaced_is_said(items, old, code):
    got = run("replace_product", [shown(*items)], params={"replaces_product_id": old})
    assert (len(got.requests), got.code) == (1, code)


# -- adding


def test_a_product_is_added_beside_the_others():
    got = run("add_product", [shown(), shown()], params={"bill_prorated_period": False})
    assert flows.query(got.requests[1]) == [("effective_date", "today"), ("bill_prorated_period", "false")]
    assert flows.json(got.requests[1]) == {"object": "Subscription", "id": "S/1", "items": [
        {"object": "SubscriptionItem", "id": OUTCOME, "product": {"object": "Product", "id": "gold"}}]}
    assert ended(got) == ("vid-S/1", "")


@pytest.mark.parametrize(("there", "note"), [(item("gold", OUTCOME), ""), (item("gold"), "already_done")])
def test_a_product_that_is_there_is_not_added(there, note):
    assert ended(run("add_product", [shown(item(), there)])) == ("vid-S/1", note)


def test_a_subscription_without_an_id_of_the_merchant_goes_by_vindicias():
    got = run("add_product", [answer(json={**sub(), "id": None}), shown()])
    assert (got.lines[1], flows.json(got.requests[1])["vid"]) == ("POST /subscriptions/vid-S%2F1", "vid-S/1")


# -- campaigns


def test_a_campaign_comes_with_the_product_replaced_by_itself():
    got = run("add_campaign", [shown(item("a"), item("b")), shown()])
    assert flows.query(got.requests[1]) == [("effective_date", "nextBill"), ("bill_prorated_period", "false")]
    assert flows.json(got.requests[1])["items"] == [
        {"object": "SubscriptionItem", "id": OUTCOME, "product": {"object": "Product", "id": "a"},
         "campaign_code": "ANNUAL10",
         "replaces": {"object": "SubscriptionItem", "product": {"object": "Product", "id": "a"}}}]
    assert got.done.detail["campaign_code"] == "ANNUAL10"


def test_the_code_that_the_user_types_goes_before_the_bindings():
    got = run("add_campaign", [shown(item("a"), item("b")), shown()], form={"coupon_code": " ONCE-1 "},
              params={"product_id": "b"})
    sent = flows.json(got.requests[1])["items"][0]
    assert (sent["campaign_code"], sent["product"]["id"]) == ("ONCE-1", "b")


TICKET = {"discount_tickets": [{"object": "DiscountTicket", "campaign_id": "AIP_10"}]}
BILLED = {"most_recent_billing": {"items": many({"sku": "basic", "campaign_id": "AIP_10"})}}
CAMPAIGN = {"object": "Campaign", "id": "AIP_10", "promotion_code": "ANNUAL10"}


@pytest.mark.parametrize("there", [sub(item(**TICKET)), sub(**BILLED), sub(next_billing=BILLED["most_recent_billing"])])
def test_a_campaign_that_is_on_the_product_is_known_by_its_id(there):
    got = run("add_campaign", [answer(json=there), listed(CAMPAIGN)])
    assert (got.lines[1], ended(got)) == ("GET /campaigns", ("vid-S/1", "already_done"))


def test_another_campaign_on_the_product_does_not_hinder():
    got = run("add_campaign", [shown(item(**TICKET)), listed({**CAMPAIGN, "promotion_code": "OTHER"}), shown()])
    assert got.lines[2] == f"POST {ONE}"


def test_an_item_of_ours_is_not_replaced_again_and_one_of_the_step_before_is():
    assert ended(run("add_campaign", [shown(item(id=OUTCOME))])) == ("vid-S/1", "")
    assert len(run("add_campaign", [shown(item(created=5, replaces={"id": "x"})), shown()]).requests) == 2


def test_a_campaign_for_a_product_that_is_not_there_is_said():
    assert run("add_campaign", [shown()], params={"product_id": "gold"}).code == "product_not_found"


# -- the end, and the date of the bill


def test_a_cancellation_says_what_becomes_of_access():
    got = run("cancel_subscription", [shown(), shown(status="Cancelled")], params={"disentitle": True, "settle": True})
    assert got.lines == [f"GET {ONE}", f"POST {ONE}/actions/cancel"]
    assert flows.query(got.requests[1]) == [("disentitle", "true"), ("settle", "true")]
    assert got.requests[1].body is None
    assert got.done.detail == {"status": "Cancelled"}


@pytest.mark.parametrize("status", ["Pending Cancel", "Cancelled"])
def test_a_subscription_that_ends_is_left_alone(status):
    assert ended(run("cancel_subscription", [shown(status=status)])) == ("vid-S/1", "already_done")


def test_of_several_active_subscriptions_none_ends():
    rows = [sub(), sub(id="S2"), sub(id="S3", status="Cancelled")]
    got = run("cancel_subscription", [listed(*rows)], attributes=BY_ACCOUNT)
    assert (len(got.requests), got.code) == (1, "several_subscriptions")


def test_the_next_bill_moves_by_days_of_its_own_time_zone():
    got = run("delay_billing", [shown(), shown()], params={"permanent": False})
    assert got.lines[1] == f"POST {ONE}/billing_day_changes"
    assert flows.query(got.requests[1]) == [("to_date", "2027-03-07"), ("perm", "false")]
    assert got.requests[1].body is None
    assert got.done.detail["next_billing"] == "2027-03-07"


@pytest.mark.parametrize("bill", [None, {}, {"created": "soon"}])
def test_without_a_next_bill_nothing_moves(bill):
    assert run("delay_billing", [shown(next_billing=bill)]).code == "nothing_to_delay"


def test_only_a_moved_date_cannot_be_told_from_one_that_was_moved_before():
    never = [one.id for one in connector.actions.values() if one.repeat is Repeat.NEVER]
    assert never == ["delay_billing"]
    assert list(connector.actions) == list(REQUIRED)
