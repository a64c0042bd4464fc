import pytest
from pydantic import ValidationError

from connectors.crm_marketing.naviga import connector
from connectors.kit import Repeat, get
from testkit import flows
from testkit.flows import answer

SETTINGS = {"base_url": "https://server-acme-prod.subscriberconcierge.com", "token": "t0ken", "client_code": "ACME",
            "paper_code": "NEWS", "source_system": "ENGAGE"}
ANN = {"email_address": "ann+x@example.com"}
BY_ID = {"naviga_customer_registration_id": "r/1"}
OFFER = {"offer_id": "o-1", "offer_group_id": "g-1"}
PARAMS = {"create_subscription": OFFER, "upgrade_subscription": {"offer_id": "o-2"},
          "downgrade_subscription": {"offer_id": "o-2"}}


def run(id, answers=(), *, params=None, attributes=BY_ID, settings=None, **more):
    made = flows.call(connector, id, settings={**SETTINGS, **(settings or {})},
                      params=PARAMS.get(id, {}) if params is None else params, attributes=attributes, **more)
    return flows.run(connector, id, made, answers)


def envelope(result=None, *errors, code=200):
    return answer(json={"Code": code, "Errors": list(errors), "Result": result, "SessionId": "s", "RequestId": "q"})


def owned(*rows):
    return envelope({"OwnedSubscriptions": list(rows)})


def sub(id="s-1", status="L", paper="NEWS", **more):
    live = status == "L"
    return {"SubscriptionId": id, "Status": status, "StatusDescription": "Live" if live else "Stopped", "Active": live,
            "PaperCode": paper, "StopDate": None if live else "2026-01-01", **more}


def fault(message="Offer is gone", code="OFFER"):
    return {"Message": message, "Code": code, "Type": {"Id": 1, "Code": "Validation"}, "ErrorSource": "x"}


# -- settings and signing


def test_signing_sends_the_token_and_the_codes():
    signed = flows.sign(connector, {**SETTINGS, "media_group_code": "MG"}, get("/User/0", query={"email": "a+b@x"}))
    assert signed.url == "https://server-acme-prod.subscriberconcierge.com/User/0?email=a%2Bb%40x"
    assert [flows.header(signed, name) for name in
            ("authorization", "x-clientcode", "x-mediagroupcode", "x-papercode", "x-sourcesystem", "accept")] == [
        "bearer t0ken", "ACME", "MG", "NEWS", "ENGAGE", "application/json"]
    assert flows.header(flows.sign(connector, SETTINGS, get("/x")), "x-mediagroupcode") is None


@pytest.mark.parametrize(("wrong", "field"), [
    ({"base_url": "https://evil.example"}, "base_url"), ({"base_url": "http://a.subscriberconcierge.com"}, "base_url"),
    ({"base_url": "http://127.0.0.1:8080/naviga"}, "base_url"), ({"paths": {"pause": "/x"}}, "paths"),
    ({"paths": {"end": "https://evil.example"}}, "paths"), ({"paths": {"end": "//evil.example"}}, "paths")])
def test_mistakes_in_settings_are_found(wrong, field):
    with pytest.raises(ValidationError, match=field):
        connector.settings(**{**SETTINGS, **wrong})


def test_the_connection_test_searches_for_nobody():
    def ask(seen, **more):
        return flows.drive(connector.check(connector.settings(**{**SETTINGS, **more})), [seen], connector.read)

    ended = ask(envelope())
    assert ended.lines == ["GET /User/0"]
    assert flows.query(ended.requests[0]) == [("email", "connection-test@example.com")]
    assert ended.done == ("ACME, paper NEWS", "live")
    assert ask(envelope(), base_url="https://aws-test.subscriberconcierge.com").done.mode == "sandbox"
    assert ask(answer(401, {"error": "Invalid Authorization."})).reason == "misconfigured"


# -- reading of answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (envelope(None, fault()), "rejected", "OFFER"),
    (envelope(None, {"Message": "?", "Type": {"Code": "Kind"}}), "rejected", "Kind"),
    (envelope(None, fault(code="AUTH"), code=401), "misconfigured", "AUTH"),
    (envelope(None, fault(code="BUSY"), code=503), "unavailable", "BUSY"),
    (envelope(None, fault(code="BAD"), code=400), "rejected", "BAD"),
    (answer(400, {"error": "Authorization is missing."}), "misconfigured", "header_missing"),
    (answer(400, {"error": "X-SourceSystem is missing."}), "misconfigured", "header_missing"),
    (answer(400, {"error": "request cannot be null."}), "rejected", "http_400"),
    (answer(401, {"error": "Invalid X-SourceSystem."}), "misconfigured", "http_401"),
    (answer(404), "rejected", "http_404"),
    (answer(429), "unavailable", "http_429"),
    (answer(500, {"error": "Something went wrong..."}), "unavailable", "http_500"),
])
def test_each_answer_is_read_by_who_must_act(refusal, reason, code):
    ended = run("create_subscription", [owned(), refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_the_vendors_message_is_kept():
    assert run("create_subscription", [owned(), envelope(None, fault())]).failure.message == "Offer is gone"


# -- look-ups


@pytest.mark.parametrize(("id", "names"), [
    ("check_subscription", ("naviga_customer_registration_id", "email_address")),
    ("create_subscription", ("naviga_customer_registration_id", "email_address")),
    *((f"{verb}_subscription", ("naviga_subscription_id", "naviga_customer_registration_id"))
      for verb in ("start", "end", "upgrade", "downgrade"))])
def test_a_user_who_cannot_be_named_is_missing_attributes(id, names):
    ended = run(id, attributes={})
    assert (ended.requests, ended.failure.names) == ((), names)


def test_a_user_is_found_by_the_address():
    found = envelope({"User": {"CustomerRegistrationId": "r-9"}})
    ended = run("check_subscription", [found, owned(sub())], attributes=ANN, settings={"user_lookup": "2"})
    assert ended.lines == ["GET /User/2", "GET /Users/r-9/Subscriptions/v2"]
    assert flows.query(ended.requests[0]) == [("email", "ann+x@example.com")]


@pytest.mark.parametrize("seen", [envelope(), envelope({"User": None}), envelope({"User": {}})])
def test_an_unknown_address_is_rejected(seen):
    ended = run("create_subscription", [seen], attributes=ANN)
    assert (ended.reason, ended.code) == ("rejected", "user_not_found")


# -- check_subscription


def test_the_outcome_says_whether_a_subscription_is_live():
    ended = run("check_subscription", [owned(sub("s-0", "S"), sub("s-1"))])
    assert ended.lines == ["GET /Users/r%2F1/Subscriptions/v2"]
    assert flows.query(ended.requests[0]) == [
        ("request.customerRegistrationId", "r/1"), ("request.includeStoppedSubscriptions", "true")]
    assert ended.done == ("s-1", "", {"active": "true", "status": "Live"})
    assert run("check_subscription", [owned(sub("s-0", "S"))]).done == (
        "s-0", "", {"active": "false", "status": "Stopped"})
    assert run("check_subscription", [owned()]).done == ("", "", {"active": "false"})


def test_one_paper_can_be_asked_for():
    rows = owned(sub("s-1"), sub("s-2", paper="SPORT"))
    assert run("check_subscription", [rows], params={"paper_code": "SPORT"}).done.reference == "s-2"
    assert run("check_subscription", [rows], params={"paper_code": "OTHER"}).done.detail == {"active": "false"}


def test_an_answer_without_a_list_points_to_the_path_style():
    assert run("check_subscription", [envelope()]).code == "unreadable_answer"


def test_paths_are_those_of_the_style_or_of_the_settings():
    ended = run("check_subscription", [owned()], settings={"path_style": "engage"})
    assert (ended.lines, flows.query(ended.requests[0])) == (
        ["GET /subscribe/v1/subscription/status"], [("userId", "r/1")])
    ended = run("check_subscription", [owned()], settings={"paths": {"check": "/v9/{user}/subs"}})
    assert ended.lines == ["GET /v9/r%2F1/subs"]


# -- create_subscription


def test_a_subscription_is_created_from_the_offer():
    made = envelope({"SubscriptionID": "s-7", "SubscriberID": "1", "EventId": "e", "RedirectUrl": None})
    ended = run("create_subscription", [owned(sub("s-2", paper="SPORT"), sub("s-0", "S")), made],
                params={**OFFER, "coupon_code": "TEN"},
                attributes={**BY_ID, **ANN, "naviga_payment_method_id": "pm-1"})
    assert ended.lines == ["GET /Users/r%2F1/Subscriptions/v2", "POST /Subscriptions"]
    assert flows.json(ended.requests[1]) == {
        "CustomerRegistrationId": "r/1", "EmailAddress": "ann+x@example.com", "OfferId": "o-1", "OfferGroupId": "g-1",
        "StartType": "NewStart", "PaymentTypeId": 1, "PaymentMethodId": "pm-1", "CouponCode": "TEN",
        "IgnoreExistingSubscriberCheck": False}
    assert ended.done == ("s-7", "", {})


def test_what_is_not_known_is_left_out():
    ended = run("create_subscription", [owned(), envelope({"SubscriptionID": "s-7"})])
    assert set(flows.json(ended.requests[1])) == {
        "CustomerRegistrationId", "OfferId", "OfferGroupId", "StartType", "PaymentTypeId",
        "IgnoreExistingSubscriberCheck"}


@pytest.mark.parametrize("there", [sub(), sub(status="P", StopDate=None), sub(status="S", Active=True)])
def test_a_subscription_of_the_paper_that_was_not_stopped_is_already_done(there):
    ended = run("create_subscription", [owned(sub("s-0", "S"), there)])
    assert (len(ended.requests), ended.done) == (1, ("s-1", "already_done", {}))
    assert connector.actions["create_subscription"].repeat is Repeat.LOOK_BEFORE


@pytest.mark.parametrize(("params", "platform", "kind", "store"), [
    ({}, "ios", 31, "iTunesInfo"), ({}, "android", 32, "GooglePlayInfo"), ({}, None, 31, "iTunesInfo"),
    ({"payment_type_id": 32}, "ios", 32, "GooglePlayInfo")])
def test_a_purchase_in_an_app_sends_its_receipt(params, platform, kind, store):
    ended = run("create_subscription", [owned(), envelope({"SubscriptionID": "s-7"})],
                params={**OFFER, "start_type": "InApp", **params}, platform=platform, context={"receipt": "MII="})
    sent = flows.json(ended.requests[1])
    assert (sent["StartType"], sent["PaymentTypeId"], sent[store]) == ("InApp", kind, {"Receipt": "MII="})


def test_a_purchase_in_an_app_without_a_receipt_is_rejected():
    ended = run("create_subscription", [owned()], params={**OFFER, "start_type": "InApp"})
    assert (ended.reason, ended.code) == ("rejected", "no_receipt")


def test_a_payment_that_needs_the_browser_becomes_a_redirect():
    link = {"SubscriptionID": "s-7", "RedirectUrl": "https://pay.example/3ds"}
    ended = run("create_subscription", [owned(), envelope(link)])
    assert ended.done == ("s-7", "accepted", {"instruction": "redirect", "instruction.url": "https://pay.example/3ds"})


def test_a_success_without_a_subscription_is_in_doubt():
    assert run("create_subscription", [owned(), envelope()]).reason == "in_doubt"


# -- start, end


def test_a_stopped_subscription_is_started():
    ended = run("start_subscription", [owned(sub("s-0", "S")), answer(200)])
    assert ended.lines == ["GET /Users/r%2F1/Subscriptions/v2", "POST /subscribe/v1/subscription/s-0/activate"]
    assert (flows.json(ended.requests[1]), ended.done) == ({}, ("s-0", "accepted", {}))


def test_a_live_subscription_is_ended():
    ended = run("end_subscription", [owned(sub("s-0", "S"), sub()), answer(200)], params={"reason": "price"})
    assert ended.lines[1] == "POST /subscribe/v1/subscription/s-1/cancel"
    assert (flows.json(ended.requests[1]), ended.done) == ({"Reason": "price"}, ("s-1", "accepted", {}))
    assert flows.json(run("end_subscription", [owned(sub()), answer(200)]).requests[1]) == {}


@pytest.mark.parametrize(("id", "row"), [("start_subscription", sub()), ("end_subscription", sub("s-1", "S"))])
@pytest.mark.parametrize("attributes", [BY_ID, {**BY_ID, "naviga_subscription_id": "s-1"}])
def test_what_is_so_already_is_a_success(id, row, attributes):
    ended = run(id, [owned(row)], attributes=attributes)
    assert (len(ended.requests), ended.done) == (1, ("s-1", "already_done", {}))


@pytest.mark.parametrize(("id", "verb"), [("start_subscription", "activate"), ("end_subscription", "cancel")])
def test_a_subscription_that_is_named_is_the_one_that_is_meant(id, verb):
    rows = owned(sub("s-8", "S" if verb == "activate" else "L"), sub("s-9", "L" if verb == "activate" else "S"))
    ended = run(id, [rows, answer(200)], attributes={**BY_ID, "naviga_subscription_id": "s-8"})
    assert ended.lines[1] == f"POST /subscribe/v1/subscription/s-8/{verb}"
    alone = run(id, [answer(200)], attributes={"naviga_subscription_id": "s/8"})
    assert alone.lines == [f"POST /subscribe/v1/subscription/s%2F8/{verb}"]


@pytest.mark.parametrize(("id", "rows", "code"), [
    ("start_subscription", [], "subscription_not_found"), ("end_subscription", [], "subscription_not_found"),
    ("start_subscription", [sub("a", "S"), sub("b", "S")], "several_subscriptions"),
    ("end_subscription", [sub("a"), sub("b")], "several_subscriptions"),
    ("upgrade_subscription", [sub("a", "S")], "subscription_not_found"),
    ("downgrade_subscription", [sub("a"), sub("b")], "several_subscriptions"),
    ("end_subscription", [sub("a", paper="SPORT")], "subscription_not_found")])
def test_none_and_several_are_rejected(id, rows, code):
    ended = run(id, [owned(*rows)])
    assert (ended.reason, ended.code) == ("rejected", code)


# -- upgrade, downgrade


@pytest.mark.parametrize("verb", ["upgrade", "downgrade"])
def test_a_subscription_is_moved_to_another_offer(verb):
    ended = run(f"{verb}_subscription", [owned(sub()), answer(200)])
    assert ended.lines == ["GET /Users/r%2F1/Subscriptions/v2", f"POST /subscription/update/{verb}"]
    assert flows.json(ended.requests[1]) == {"SubscriptionId": "s-1", "OfferId": "o-2"}
    assert ended.done == ("s-1", "accepted", {})
    named = run(f"{verb}_subscription", [answer(200)], attributes={"naviga_subscription_id": "s-9"})
    assert flows.json(named.requests[0])["SubscriptionId"] == "s-9"
    assert connector.actions[f"{verb}_subscription"].repeat is Repeat.NEVER


@pytest.mark.parametrize(("verb", "operation"), [("start", "start"), ("end", "end"), ("upgrade", "upgrade"),
                                                 ("downgrade", "downgrade")])
def test_a_wrong_path_is_one_line_to_mend(verb, operation):
    ended = run(f"{verb}_subscription", [answer(200)], attributes={"naviga_subscription_id": "s-9"},
                settings={"paths": {operation: "/v2/subs/{subscription}/do"}})
    assert ended.lines == ["POST /v2/subs/s-9/do"]


def test_what_could_not_be_verified_is_said():
    assert "unverified" in connector.confidence
