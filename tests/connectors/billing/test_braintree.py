"""Braintree: every request, every answer that the vendor is known to give."""

from base64 import b64encode

import pytest
from pydantic import ValidationError

from connectors.billing.braintree import connector
from connectors.kit import Repeat, get
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"merchant_id": "m1", "public_key": "pub", "private_key": "hush"}
BY_ID = {"braintree_id": "c-1"}
BY_EMAIL = {"email_address": 'Ünn&"<x>@example.com'}
XML = "application/xml"
NAMES = {"subscribe_plan": {"plan_id": "gold"}, "add_discount": {"discount_id": "off5"}}


def xml(body, status=200):
    return answer(status, body=f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode())


def sub(id="s1", plan="gold", status="Active", created="2026-01-01T00:00:00Z", discounts=()):
    held = "" if discounts is None else '<discounts type="array">' + "".join(
        f'<discount><id>{one}</id><amount>5.00</amount><quantity type="integer">1</quantity></discount>'
        for one in discounts) + "</discounts>"
    return (f"<subscription><id>{id}</id><plan-id>{plan}</plan-id><status>{status}</status>"
            f'<created-at type="datetime">{created}</created-at><add-ons type="array"/>{held}'
            f'<transactions type="array"><transaction><id>t1</id><status>settled</status></transaction></transactions>'
            f"</subscription>")


def customer(*subs, id="c-1", token="tok", created="2026-01-01T00:00:00Z", kind="credit-cards"):
    other = ('<credit-card><token>old</token><default type="boolean">false</default>'
             '<subscriptions type="array"/></credit-card>')
    method = (f'<x><token>{token}</token><default type="boolean">true</default><expired nil="true"/>'
              f'<subscriptions type="array">{"".join(subs)}</subscriptions></x>') if token else ""
    return xml(f'<customer><id>{id}</id><created-at type="datetime">{created}</created-at><addresses type="array"/>'
               f'<credit-cards type="array">{other}</credit-cards><{kind} type="array">{method}</{kind}></customer>'
               if kind != "credit-cards" else
               f'<customer><id>{id}</id><created-at type="datetime">{created}</created-at>'
               f'<credit-cards type="array">{other if token else ""}{method}</credit-cards></customer>')


def ids(*found):
    items = "".join(f"<item>{one}</item>" for one in found)
    return xml(f'<search-results><page-size type="integer">50</page-size><ids type="array">{items}</ids>'
               "</search-results>")


def refused(*codes, message="No.", depth=("subscription",), more=""):
    errors = '<errors type="array">' + "".join(
        f'<error><code>{one}</code><attribute type="symbol">a</attribute><message>m</message></error>'
        for one in codes) + "</errors>"
    for name in reversed(depth):
        errors = f"<{name}>{errors}</{name}>"
    return xml(f'<api-error-response><message>{message}</message><errors><errors type="array"/>{errors}</errors>'
               f"<params/>{more}</api-error-response>", 422)


def created(id=OUTCOME, status="Active"):
    return xml(sub(id, status=status), 201)


def run(id, answers=(), *, params=None, attributes=BY_ID, **more):
    made = flows.call(connector, id, settings=SETTINGS, params={**NAMES[id], **(params or {})}, attributes=attributes,
                      **more)
    return flows.run(connector, id, made, answers)


def body(request):
    assert request.headers["Content-Type"] == XML
    return request.body.decode("ascii")


# -- settings and signing


@pytest.mark.parametrize(("more", "base"), [
    ({}, "https://api.braintreegateway.com:443"),
    ({"environment": "sandbox"}, "https://api.sandbox.braintreegateway.com:443"),
    ({"base_url": "https://api.braintreegateway.com/"}, "https://api.braintreegateway.com"),
    ({"base_url": "http://127.0.0.1:9/braintree", "allow_test_hosts": True}, "http://127.0.0.1:9/braintree"),
])
def test_signing_puts_gateway_merchant_keys_and_version_onto_a_request(more, base):
    signed = flows.sign(connector, {**SETTINGS, **more}, get("/customers/c-1", content_type=XML))
    assert signed.url == f"{base}/merchants/m1/customers/c-1"
    assert signed.headers == ["Content-Type: application/xml",
                              f"Authorization: Basic {b64encode(b'pub:hush').decode()}", "X-ApiVersion: 6",
                              "Accept: application/xml"]


@pytest.mark.parametrize(("more", "place"), [
    ({"merchant_id": "a/b"}, "merchant_id"), ({"merchant_id": ""}, "merchant_id"), ({"public_key": ""}, "public_key"),
    ({"private_key": ""}, "private_key"), ({"environment": "test"}, "environment"), ({"other": 1}, "other"),
    ({"base_url": "https://evil.example"}, "base_url"), ({"base_url": "http://127.0.0.1:9"}, "base_url"),
    ({"base_url": "https://api.sandbox.braintreegateway.com"}, "base_url"),
    ({"base_url": "https://api.braintreegateway.com/merchants"}, "base_url"),
])
def test_settings_that_cannot_be_right_are_refused_at_their_place(more, place):
    with pytest.raises(ValidationError) as wrong:
        connector.settings.model_validate({**SETTINGS, **more})
    assert [error["loc"] for error in wrong.value.errors()] == [(place,)]
    assert "hush" not in str(wrong.value)


@pytest.mark.parametrize(("environment", "mode"), [("production", "live"), ("sandbox", "sandbox")])
def test_the_connection_test_reads_the_plans(environment, mode):
    settings = connector.settings.model_validate({**SETTINGS, "environment": environment})
    ended = flows.drive(connector.check(settings), [xml('<plans type="array"/>')], connector.read)
    assert (ended.lines, ended.requests[0].headers) == (["GET /plans/"], {"Content-Type": XML})
    assert ended.done == ("m1", mode)


def test_pick_lists_name_price_and_length():
    plans = xml('<plans type="array"><plan><id>gold</id><name>Gold</name><price>9.99</price><currency-iso-code>EUR'
                '</currency-iso-code><billing-frequency type="integer">3</billing-frequency><discounts type="array">'
                "<discount><id>x</id></discount></discounts></plan></plans>")
    found = flows.drive(connector.options["plans"](None), [plans], connector.read)
    assert found.done == [("gold", "Gold: 9.99 EUR every 3 month(s)")]
    rows = xml('<discounts type="array"><discount><id>a</id><name>A</name><amount>5.00</amount><never-expires '
               'type="boolean">true</never-expires></discount><discount><id>b</id><name>B</name><amount>1.00</amount>'
               '<never-expires type="boolean">false</never-expires><number-of-billing-cycles type="integer">2'
               "</number-of-billing-cycles></discount></discounts>")
    listed = flows.drive(connector.options["discounts"](None), [rows], connector.read)
    assert listed.lines == ["GET /discounts/"]
    assert listed.done == [("a", "A: 5.00 off, for ever"), ("b", "B: 1.00 off, 2 billing cycle(s)")]


# -- who the user is


@pytest.mark.parametrize("id", NAMES)
def test_a_user_without_id_and_address_is_named_before_any_request(id):
    ended = run(id, attributes={})
    assert (ended.requests, ended.failure.names) == ((), ("braintree_id", "email_address"))


def test_an_address_is_searched_for_with_every_character_kept():
    ended = run("subscribe_plan", [ids("c-1"), customer(), created()], attributes=BY_EMAIL)
    assert ended.lines == ["POST /customers/advanced_search_ids", "GET /customers/c-1", "POST /subscriptions"]
    assert body(ended.requests[0]) == ('<search><email><is>&#220;nn&amp;"&lt;x&gt;@example.com</is></email></search>')
    assert [one.effect for one in ended.requests] == [False, False, True]


@pytest.mark.parametrize(("answers", "attributes"), [
    ([ids()], BY_EMAIL), ([answer(404)], BY_ID), ([], {"braintree_id": "a b"}), ([], {"braintree_id": "../plans"}),
    ([], {"braintree_id": "ü"}),
])
@pytest.mark.parametrize("id", NAMES)
def test_an_unknown_user_is_rejected_and_an_id_that_cannot_exist_is_not_asked_for(id, answers, attributes):
    ended = run(id, answers, attributes=attributes)
    assert (ended.reason, ended.code, len(ended.requests)) == ("rejected", "user_not_found", len(answers))


def test_of_several_customers_the_newest_that_fits_is_taken_and_noted():
    people = [customer(id="a", created="2026-01-01T00:00:00Z"), customer(id="b", token="tok_b",
                                                                         created="2026-02-01T00:00:00Z"),
              customer(id="c", token="", created="2026-03-01T00:00:00Z"), answer(404)]
    ended = run("subscribe_plan", [ids("a", "b", "c", "d"), *people, created()], attributes=BY_EMAIL)
    assert "<payment_method_token>tok_b</payment_method_token>" in body(ended.requests[-1])
    assert ended.done.detail == {"customer_choice": "newest_of_several", "status": "Active"}


def test_of_several_customers_one_that_fits_alone_needs_no_choice():
    people = [customer(sub("s1"), id="a"), customer(id="b", created="2026-09-01T00:00:00Z")]
    ended = run("add_discount", [ids("a", "b"), *people, xml(sub())], attributes=BY_EMAIL,
                params={"if_several": "fail"})
    assert (ended.lines[-1], ended.done.detail) == ("PUT /subscriptions/s1", {})


def test_several_customers_can_be_a_failure_and_too_many_are_one():
    people = [customer(id="a"), customer(id="b")]
    ended = run("subscribe_plan", [ids("a", "b"), *people], attributes=BY_EMAIL, params={"if_several": "fail"})
    assert ended.code == "several_customers"
    assert run("subscribe_plan", [ids(*map(str, range(21)))], attributes=BY_EMAIL).code == "several_customers"


# -- subscribe_plan


def test_a_subscription_is_created_under_an_id_of_ours():
    ended = run("subscribe_plan", [customer(), created()])
    assert ended.lines == ["GET /customers/c-1", "POST /subscriptions"]
    assert body(ended.requests[1]) == (
        f"<subscription><id>{OUTCOME}</id><payment_method_token>tok</payment_method_token><plan_id>gold</plan_id>"
        "</subscription>")
    assert ended.done == (OUTCOME, "", {"status": "Active"})


def test_trial_discount_and_merchant_account_are_sent_along():
    params = {"trial_days": 14, "discount_id": "off5", "merchant_account_id": "eur"}
    ended = run("subscribe_plan", [customer(), created(status="Pending")], params=params)
    assert body(ended.requests[1]) == (
        f"<subscription><id>{OUTCOME}</id><payment_method_token>tok</payment_method_token><plan_id>gold</plan_id>"
        '<merchant_account_id>eur</merchant_account_id><trial_period type="boolean">true</trial_period>'
        '<trial_duration type="integer">14</trial_duration><trial_duration_unit>day</trial_duration_unit><discounts>'
        '<add type="array"><item><inherited_from_id>off5</inherited_from_id></item></add></discounts></subscription>')
    assert ended.done.detail == {"status": "Pending"}


@pytest.mark.parametrize("kind", ["paypal-accounts", "apple-pay-cards", "android-pay-cards", "venmo-accounts",
                                  "us-bank-accounts", "sepa-debit-accounts"])
def test_every_kind_of_payment_method_can_be_the_default(kind):
    assert "<payment_method_token>tok<" in body(run("subscribe_plan", [customer(kind=kind), created()]).requests[1])


def test_without_a_default_payment_method_nothing_is_created():
    assert run("subscribe_plan", [customer(token="")]).code == "no_payment_method"


@pytest.mark.parametrize("status", ["Active", "Pending", "Past Due"])
def test_a_user_who_has_the_plan_is_left_alone_unless_another_one_is_wanted(status):
    there = customer(sub("s1", status=status))
    assert run("subscribe_plan", [there]).done == ("s1", "already_done", {"status": status})
    again = run("subscribe_plan", [there, created()], params={"if_subscribed": "add_another"})
    assert again.done.reference == OUTCOME


@pytest.mark.parametrize("held", [sub("s1", status="Canceled"), sub("s1", status="Expired"), sub("s1", plan="silver")])
def test_other_subscriptions_do_not_count(held):
    assert run("subscribe_plan", [customer(held), created()]).done.reference == OUTCOME


def test_what_an_earlier_try_made_is_found_by_its_id():
    ended = run("subscribe_plan", [customer(sub(OUTCOME, status="Canceled"))])
    assert ended.done == (OUTCOME, "", {"status": "Canceled"})


def test_an_id_in_use_is_an_earlier_try_that_got_through():
    ended = run("subscribe_plan", [customer(), refused("81902"), xml(sub(OUTCOME))])
    assert ended.lines[-1] == f"GET /subscriptions/{OUTCOME}"
    assert ended.done == (OUTCOME, "", {"status": "Active"})


def test_an_id_in_use_with_another_plan_is_rejected():
    ended = run("subscribe_plan", [customer(), refused("81902"), xml(sub(OUTCOME, plan="silver"))])
    assert (ended.reason, ended.code) == ("rejected", "id_in_use")


def test_a_payment_method_that_is_gone_is_read_again_once():
    gone = refused("91903")
    ended = run("subscribe_plan", [customer(), gone, customer(token="new"), created()])
    assert "<payment_method_token>new<" in body(ended.requests[3])
    assert ended.done.reference == OUTCOME
    assert run("subscribe_plan", [customer(), gone, customer()]).code == "91903"
    assert run("subscribe_plan", [customer(), gone, customer(token="new"), gone]).code == "91903"
    assert run("subscribe_plan", [customer(), gone, customer(token="")]).code == "no_payment_method"


@pytest.mark.parametrize(("code", "said"), [
    ("91904", "no such plan"), ("91902", "card cannot carry"), ("91928", "cannot carry"), ("91930", "cannot carry"),
    ("91923", "currency"), ("99999", "No."),
])
def test_validation_errors_come_with_code_message_and_meaning(code, said):
    ended = run("subscribe_plan", [customer(), refused(code, message="No.\nNever.")])
    assert (ended.reason, ended.code, ended.failure.status) == ("rejected", code, 422)
    assert said in ended.failure.message
    assert "No. Never." in ended.failure.message


@pytest.mark.parametrize("status", ["processor_declined", "gateway_rejected"])
def test_a_first_charge_that_fails_says_what_the_processor_said(status):
    more = (f"<transaction><id>t</id><status>{status}</status><processor-response-code>2001</processor-response-code>"
            "<processor-response-text>Insufficient Funds</processor-response-text></transaction>")
    ended = run("subscribe_plan", [customer(), refused(message="Insufficient Funds", more=more)])
    assert (ended.reason, ended.code) == ("rejected", status)
    assert ended.failure.message == "Insufficient Funds (processor: 2001 Insufficient Funds)"


# -- add_discount


def test_a_discount_is_added():
    ended = run("add_discount", [customer(sub(discounts=["other"])), xml(sub(discounts=["other", "off5"]))])
    assert ended.lines == ["GET /customers/c-1", "PUT /subscriptions/s1"]
    assert body(ended.requests[1]) == (
        '<subscription><discounts><add type="array"><item><inherited_from_id>off5</inherited_from_id></item></add>'
        "</discounts></subscription>")
    assert ended.done == ("s1", "", {})


@pytest.mark.parametrize(("given", "sent"), [("5.00", "5.00"), ("0.10", "0.10"), ("1000000", "1000000"), (7, "7")])
def test_amount_and_cycles_go_out_digit_for_digit(given, sent):
    ended = run("add_discount", [customer(sub()), xml(sub())], params={"amount": given, "number_of_billing_cycles": 3})
    assert (f'<amount>{sent}</amount><number_of_billing_cycles type="integer">3</number_of_billing_cycles></item>'
            in body(ended.requests[1]))


def test_active_goes_before_pending_and_newer_before_older():
    rows = [sub("p", status="Pending", created="2026-09-01T00:00:00Z"), sub("old", created="2026-01-01T00:00:00Z"),
            sub("new", created="2026-03-01T00:00:00Z"), sub("late", status="Past Due", created="2026-10-01T00:00:00Z")]
    assert run("add_discount", [customer(*rows), xml(sub())]).lines[-1] == "PUT /subscriptions/new"
    assert run("add_discount", [customer(rows[0], rows[3]), xml(sub())]).lines[-1] == "PUT /subscriptions/p"


def test_only_the_subscription_with_the_plan_is_meant_where_one_is_named():
    rows = [sub("a", plan="gold"), sub("b", plan="silver")]
    ended = run("add_discount", [customer(*rows), xml(sub())], params={"plan_id": "silver"})
    assert ended.lines[-1] == "PUT /subscriptions/b"
    assert run("add_discount", [customer(rows[0])], params={"plan_id": "silver"}).code == "no_active_subscription"


@pytest.mark.parametrize("status", ["Past Due", "Canceled", "Expired"])
def test_without_a_subscription_that_takes_discounts_it_is_rejected(status):
    assert run("add_discount", [customer(sub(status=status))]).code == "no_active_subscription"


def test_a_discount_that_is_there_is_already_done():
    assert run("add_discount", [customer(sub(discounts=["off5"]))]).done == ("s1", "already_done", {})


def test_discounts_that_the_customer_does_not_show_are_read_from_the_subscription():
    hidden = customer(sub(discounts=None))
    ended = run("add_discount", [hidden, xml(sub(discounts=["off5"]))])
    assert (ended.lines[-1], ended.done.note) == ("GET /subscriptions/s1", "already_done")
    assert run("add_discount", [hidden, xml(sub()), xml(sub())]).lines[-1] == "PUT /subscriptions/s1"


def test_a_discount_that_the_vendor_finds_there_is_already_done_at_any_depth():
    deep = refused("91911", depth=("subscription", "discounts", "add", "index-0"))
    assert run("add_discount", [customer(sub()), deep]).done.note == "already_done"


@pytest.mark.parametrize("code", ["92013", "92022", "81901", "81910"])
def test_a_discount_that_cannot_be_added_is_rejected_with_its_meaning(code):
    ended = run("add_discount", [customer(sub()), refused(code)])
    assert (ended.reason, ended.code) == ("rejected", code)
    assert ended.failure.message.startswith("No. (")


# -- reading of answers, repeats, forms


READINGS = [
    (answer(400), "rejected", "http_400"), (answer(401), "misconfigured", "http_401"),
    (answer(403), "misconfigured", "http_403"), (answer(404), "rejected", "http_404"),
    (answer(408), "unavailable", "http_408"), (answer(426), "rejected", "http_426"),
    (answer(429), "unavailable", "http_429"), (answer(500), "unavailable", "http_500"),
    (answer(502, body=b"<html><p>bad"), "unavailable", "http_502"), (answer(503), "unavailable", "http_503"),
    (answer(504), "unavailable", "http_504"), (answer(200, body=b"<html>half"), "unavailable", "unreadable_answer"),
    (answer(201), "unavailable", "unreadable_answer"),
    (xml('<!DOCTYPE x [<!ENTITY y "z">]><subscription/>', 201), "unavailable", "unreadable_answer"),
]


@pytest.mark.parametrize(("reply", "reason", "code"), READINGS)
@pytest.mark.parametrize("id", NAMES)
def test_each_answer_of_a_change_is_read_by_who_must_act(id, reply, reason, code):
    ended = run(id, [customer(sub(plan="gold" if id == "add_discount" else "silver")), reply])
    assert (ended.reason, ended.code) == (reason, code)


def test_only_answers_that_may_hide_an_effect_are_unknown():
    unknown = {status: run("subscribe_plan", [customer(), answer(status)]).failure.unknown
               for status in (201, 429, 500, 502, 503, 504)}
    assert unknown == {201: True, 429: False, 500: True, 502: True, 503: False, 504: True}
    assert not run("subscribe_plan", [answer(200)]).failure.unknown


def test_how_repeats_are_avoided():
    assert {name: one.repeat for name, one in connector.actions.items()} == {
        "subscribe_plan": Repeat.KEY, "add_discount": Repeat.LOOK_BEFORE}


@pytest.mark.parametrize(("id", "more", "place"), [
    ("subscribe_plan", {"plan_id": ""}, "plan_id"), ("subscribe_plan", {"plan_id": "a b"}, "plan_id"),
    ("subscribe_plan", {"trial_days": 0}, "trial_days"), ("add_discount", {"amount": "0"}, "amount"),
    ("add_discount", {"amount": "1e999"}, "amount"), ("add_discount", {"amount": "NaN"}, "amount"),
    ("add_discount", {"number_of_billing_cycles": 0}, "number_of_billing_cycles"),
])
def test_parameters_that_cannot_be_right_are_refused(id, more, place):
    with pytest.raises(ValidationError) as wrong:
        connector.actions[id].params.model_validate({**NAMES[id], **more})
    assert {error["loc"] for error in wrong.value.errors()} == {(place,)}
