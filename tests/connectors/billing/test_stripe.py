import pytest
from pydantic import ValidationError

from connectors.billing.stripe import connector
from testkit import flows
from testkit.flows import OUTCOME, answer

SETTINGS = {"api_key": "rk_test_123"}
BY_ID = {"stripe_id": "cus_1"}
BY_EMAIL = {"email_address": "Ann@Example.com"}
END = 1_900_000_000


def page(*rows, more=False):
    return answer(json={"object": "list", "data": list(rows), "has_more": more})


def item(price="price_old", id="si_1", quantity=3):
    return {"id": id, "price": {"id": price}, "quantity": quantity}


def sub(id="sub_1", *items, status="active", created=1, **more):
    return {"id": id, "status": status, "created": created, "items": {"data": list(items) or [item()]},
            "discounts": [], "schedule": None, "metadata": {}, **more}


def error(status, code=None, message="no", type="invalid_request_error", headers=None, **more):
    body = {"error": {"type": type, "code": code, "message": message, **more}}
    return answer(status, body, headers={"Request-Id": "req_9", **(headers or {})})


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params=params,
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def posted(request):
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return flows.form(request)


# -- settings and signing


def test_signing_puts_key_version_and_connected_account_onto_a_request():
    signed = flows.sign(connector, {**SETTINGS, "connect_account_id": "acct_7"}, connector_request())
    assert signed.url == "https://api.stripe.com/v1/subscriptions?customer=cus_1&limit=100"
    assert flows.header(signed, "authorization") == "Bearer rk_test_123"
    assert flows.header(signed, "stripe-version") == "2026-10-28.endive"
    assert flows.header(signed, "stripe-account") == "acct_7"


def connector_request():
    return run("extend_trial", [page()], params={"days": 1}).requests[0]._replace(
        query=[("customer", "cus_1"), ("limit", "100")])


def test_no_connected_account_no_header():
    assert flows.header(flows.sign(connector, SETTINGS, connector_request()), "stripe-account") is None


@pytest.mark.parametrize("key", ["rk_live_1", "rk_test_1", "sk_live_1", "sk_test_1"])
def test_secret_and_restricted_keys_are_taken(key):
    connector.settings(api_key=key)


@pytest.mark.parametrize("key", ["pk_live_shown", "whsec_shown", "shown", ""])
def test_other_keys_are_refused_and_never_shown(key):
    with pytest.raises(ValidationError, match="rk_live_") as refused:
        connector.settings(api_key=key)
    assert "shown" not in str(refused.value)


@pytest.mark.parametrize("more", [{"connect_account_id": "cus_1"}, {"base_url": "api.stripe.com"},
                                  {"base_url": "https://api.stripe.com.evil.example"}, {"other": 1}])
def test_settings_that_cannot_be_right_are_refused(more):
    with pytest.raises(ValidationError):
        connector.settings(api_key="rk_test_1", **more)


@pytest.mark.parametrize(("key", "mode"), [("sk_live_1", "live"), ("rk_test_1", "sandbox")])
def test_the_connection_test_names_the_account_and_its_mode(key, mode):
    seen = answer(json={"id": "acct_1", "settings": {"dashboard": {"display_name": "Ann's Shop"}}})
    ended = flows.drive(connector.check(connector.settings(api_key=key)), [seen], connector.read)
    assert ended.lines == ["GET /v1/account"]
    assert ended.done == ("Ann's Shop", mode)


def test_a_restricted_key_that_may_not_see_the_account_is_tested_on_customers():
    checked = [error(403), page()]
    ended = flows.drive(connector.check(connector.settings(**SETTINGS)), checked, connector.read)
    assert ended.lines == ["GET /v1/account", "GET /v1/customers"]
    assert ended.done == ("", "sandbox")
    refused = flows.drive(connector.check(connector.settings(**SETTINGS)), [error(403), error(403)], connector.read)
    assert refused.reason == "misconfigured"


# -- reading of answers


READINGS = [
    (error(400, "resource_missing", "No such price", param="items[0][price]"), "rejected", "resource_missing"),
    (error(400, None, type="idempotency_error"), "in_doubt", "idempotency_error"),
    (error(400, "customer_max_subscriptions"), "rejected", "customer_max_subscriptions"),
    (error(401, "api_key_expired"), "misconfigured", "api_key_expired"),
    (error(402, "card_declined", type="card_error", decline_code="insufficient_funds"), "rejected", "card_declined"),
    (error(403, None), "misconfigured", "invalid_request_error"),
    (error(404, "resource_missing"), "rejected", "resource_missing"),
    (error(409, "lock_timeout"), "unavailable", "lock_timeout"),
    (error(409, "x", headers={"Stripe-Should-Retry": "false"}), "rejected", "x"),
    (error(424, "x"), "rejected", "x"),
    (error(400, "x", headers={"Stripe-Should-Retry": "true"}), "unavailable", "x"),
    (error(429, "rate_limit"), "unavailable", "rate_limit"),
    (error(500, type="api_error"), "unavailable", "api_error"),
    (error(500, type="api_error", headers={"Stripe-Should-Retry": "false"}), "in_doubt", "api_error"),
    (answer(502, body=b"<html>bad gateway</html>"), "unavailable", "http_502"),
    (answer(200, body=b'{"id": "su'), "unavailable", "unreadable_answer"),
    (answer(200, {"error": {"message": "strange"}}), "unavailable", "unreadable_answer"),
]


@pytest.mark.parametrize(("refusal", "reason", "code"), READINGS)
def test_each_answer_of_a_change_is_read_by_who_must_act(refusal, reason, code):
    ended = run("subscribe_plan", [page(), refusal], params={"price_id": "price_1"})
    assert (ended.reason, ended.code) == (reason, code)


def failure_of(refusal):
    return run("subscribe_plan", [page(), refusal], params={"price_id": "price_1"}).failure


def test_a_failure_carries_request_id_parameter_and_decline_code():
    found = failure_of(error(402, "card_declined", "Your card was declined.", decline_code="do_not_honor"))
    assert (found.status, found.request_id) == (402, "req_9")
    assert found.message == "Your card was declined. (decline_code: do_not_honor)"
    assert "param: items[0][price]" in failure_of(error(400, "resource_missing", param="items[0][price]")).message


def test_only_answers_that_may_hide_an_effect_are_unknown():
    unknown = {"500": error(500), "502": error(502), "504": error(504), "in use": error(409, "idempotency_key_in_use"),
               "unreadable": answer(200, body=b"?")}
    known = {"503": error(503), "429": error(429), "lock": error(409, "lock_timeout")}
    assert {name: failure_of(one).unknown for name, one in unknown.items()} == dict.fromkeys(unknown, True)
    assert {name: failure_of(one).unknown for name, one in known.items()} == dict.fromkeys(known, False)


def test_a_rate_limit_says_which_and_how_long_and_a_lock_is_none():
    found = failure_of(error(429, "rate_limit", "slow", headers={"Retry-After": "2",
                                                                "Stripe-Rate-Limited-Reason": "endpoint-rate"}))
    assert (found.throttled, found.retry_after, found.message) == (True, 2.0, "slow (limit: endpoint-rate)")
    assert failure_of(error(429, "lock_timeout")).throttled is False


def test_a_stored_server_error_of_a_look_up_hides_no_effect():
    ended = run("subscribe_plan", [error(500, headers={"Stripe-Should-Retry": "false"})], params={"price_id": "p"})
    assert ended.reason == "rejected"


def test_a_key_that_stripe_repeats_in_its_message_is_blotted_out():
    assert failure_of(error(401, None, "Expired API Key: rk_test_abc123")).message == "Expired API Key: <key>"


# -- the user's customer


def test_without_a_synced_id_the_customer_is_found_by_address_then_by_its_lower_case():
    ended = run("extend_trial", [page(), page({"id": "cus_5"}), page()], params={"days": 1}, attributes=BY_EMAIL)
    assert [flows.query(one) for one in ended.requests[:2]] == [
        [("email", "Ann@Example.com"), ("limit", "2")], [("email", "ann@example.com"), ("limit", "2")]]
    assert ("customer", "cus_5") in flows.query(ended.requests[2])


def test_an_unknown_address_is_rejected_and_one_in_lower_case_is_asked_once():
    ended = run("extend_trial", [page()], params={"days": 1}, attributes={"email_address": "a@b.c"})
    assert (ended.reason, ended.code) == ("rejected", "user_not_found")


def test_of_several_customers_the_newest_is_taken_and_the_outcome_says_so():
    two = page({"id": "cus_new"}, {"id": "cus_old"})
    ended = run("apply_coupon", [two, page(sub()), answer(json={"discounts": ["di_9"]})],
                params={"coupon_id": "X"}, attributes=BY_EMAIL)
    assert ("customer", "cus_new") in flows.query(ended.requests[1])
    assert ended.done.detail == {"customer_choice": "newest_of_several", "discount": "di_9"}


def test_of_several_customers_none_is_taken_where_the_binding_says_so():
    two = page({"id": "cus_new"}, {"id": "cus_old"})
    ended = run("apply_coupon", [two], params={"coupon_id": "X", "if_several": "fail"}, attributes=BY_EMAIL)
    assert (ended.reason, ended.code) == ("rejected", "several_customers")


REQUIRED = {"subscribe_plan": {"price_id": "p"}, "unsubscribe_plan": {}, "apply_coupon": {"coupon_id": "X"},
            "extend_trial": {"days": 7}, "switch_subscription": {"price_id": "p"},
            "update_subscription": {"price_id": "p"}}


@pytest.mark.parametrize("id", sorted(connector.actions))
def test_every_action_needs_a_customer_id_or_an_address(id):
    ended = run(id, params=REQUIRED[id], attributes={"other": "x"})
    assert (ended.requests, ended.failure.names) == ((), ("stripe_id", "email_address"))


@pytest.mark.parametrize("id", ["apply_coupon", "switch_subscription", "update_subscription"])
def test_a_user_without_a_live_subscription_is_rejected(id):
    ended = run(id, [page(sub(status="incomplete"), sub(status="incomplete_expired"))], params=REQUIRED[id])
    assert (ended.reason, ended.code) == ("rejected", "no_active_subscription")


def test_the_best_state_and_then_the_newest_subscription_is_changed():
    rows = [sub("sub_due", status="past_due", created=9), sub("sub_old", created=1), sub("sub_new", created=2)]
    ended = run("apply_coupon", [page(*rows), answer(json={})], params={"coupon_id": "X"})
    assert ended.requests[-1].path == "/v1/subscriptions/sub_new"


def test_long_lists_are_read_to_their_end():
    first = page(sub("sub_a", status="incomplete"), more=True)
    ended = run("apply_coupon", [first, page(sub("sub_b")), answer(json={})], params={"coupon_id": "X"})
    assert ("starting_after", "sub_a") in flows.query(ended.requests[1])
    assert ended.requests[2].path == "/v1/subscriptions/sub_b"


# -- subscribe_plan


def test_subscribe_creates_a_subscription_with_everything_the_binding_says():
    made = answer(json={"id": "sub_9", "status": "trialing"})
    ended = run("subscribe_plan", [page({"id": "cus_2"}), page(), made], attributes={"email_address": "a@b.c"}, params={
        "price_id": "price_1", "quantity": 2, "trial_period_days": 14, "coupon_id": "WIN"})
    assert ended.lines == ["GET /v1/customers", "GET /v1/subscriptions", "POST /v1/subscriptions"]
    assert flows.query(ended.requests[1]) == [("customer", "cus_2"), ("price", "price_1"), ("limit", "100")]
    assert posted(ended.requests[2]) == [
        ("customer", "cus_2"), ("items[0][price]", "price_1"), ("items[0][quantity]", "2"),
        ("trial_period_days", "14"), ("discounts[0][coupon]", "WIN"), ("payment_behavior", "error_if_incomplete"),
        ("off_session", "true"), ("metadata[engage_event_id]", "evt-1")]
    assert ended.requests[2].headers["Idempotency-Key"] == f"{OUTCOME}:subscribe"
    assert (ended.done.reference, ended.done.note, ended.done.detail) == ("sub_9", "", {"status": "trialing"})


def test_subscribe_takes_a_promotion_code_instead_of_a_coupon_but_not_both():
    ended = run("subscribe_plan", [page(), answer(json={})], params={"price_id": "p", "promotion_code_id": "promo_1"})
    assert ("discounts[0][promotion_code]", "promo_1") in posted(ended.requests[1])
    with pytest.raises(ValidationError, match="not both"):
        run("subscribe_plan", params={"price_id": "p", "promotion_code_id": "promo_1", "coupon_id": "X"})


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_subscribe_leaves_a_user_alone_who_has_the_plan(status):
    ended = run("subscribe_plan", [page(sub(status="incomplete"), sub("sub_3", status=status))],
                params={"price_id": "p"})
    assert (ended.done.reference, ended.done.note) == ("sub_3", "already_done")


def test_subscribe_adds_another_where_the_binding_says_so_or_the_old_one_does_not_run():
    made = answer(json={"id": "sub_9", "status": "active"})
    another = run("subscribe_plan", [page(sub()), made], params={"price_id": "p", "if_subscribed": "add_another"})
    unpaid = run("subscribe_plan", [page(sub(status="unpaid")), made], params={"price_id": "p"})
    assert (another.done.reference, unpaid.done.reference) == ("sub_9", "sub_9")


def test_subscribe_finds_what_an_earlier_try_made_even_if_a_second_one_was_wanted():
    ours = sub("sub_8", status="incomplete", metadata={"engage_event_id": "evt-1"})
    ended = run("subscribe_plan", [page(sub(), ours)], params={"price_id": "p", "if_subscribed": "add_another"})
    assert (ended.done.reference, ended.done.note, len(ended.requests)) == ("sub_8", "", 1)


def test_a_subscription_that_waits_for_payment_is_accepted_only():
    ended = run("subscribe_plan", [page(), answer(json={"id": "sub_9", "status": "incomplete"})],
                params={"price_id": "p", "payment_behavior": "allow_incomplete"})
    assert ended.done.note == "accepted"


# -- unsubscribe_plan


def test_unsubscribe_at_period_end_marks_the_subscription():
    done = answer(json={"id": "sub_1", "status": "active", "cancel_at_period_end": True})
    ended = run("unsubscribe_plan", [page(sub()), done], params={"price_id": "price_old", "feedback": "too_expensive"})
    assert ended.lines == ["GET /v1/subscriptions", "POST /v1/subscriptions/sub_1"]
    assert flows.query(ended.requests[0]) == [("customer", "cus_1"), ("price", "price_old"), ("limit", "100")]
    assert posted(ended.requests[1]) == [("cancel_at_period_end", "true"),
                                         ("cancellation_details[feedback]", "too_expensive")]
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:cancel_at_period_end"
    assert (ended.done.reference, ended.done.note) == ("sub_1", "")


def test_unsubscribe_immediately_cancels_without_a_key_and_without_a_body():
    ended = run("unsubscribe_plan", [page(sub()), page(), answer(json={"id": "sub_1", "status": "canceled"})],
                params={"when": "immediately", "prorate": True, "feedback": "unused"})
    request = ended.requests[2]
    assert (request.method, request.path, request.body, dict(request.headers)) == (
        "DELETE", "/v1/subscriptions/sub_1", None, {})
    assert flows.query(request) == [("prorate", "true"), ("invoice_now", "false"),
                                    ("cancellation_details[feedback]", "unused"),
                                    ("cancellation_details[comment]", COMMENT)]
    assert request.effect


def test_unsubscribe_immediately_takes_only_the_plan_off_a_subscription_with_several():
    both = sub("sub_1", item("price_a", "si_a"), item("price_b", "si_b"))
    ended = run("unsubscribe_plan", [page(both), page(), answer(json={"id": "sub_1"})],
                params={"price_id": "price_b", "when": "immediately"})
    assert posted(ended.requests[2]) == [("items[0][id]", "si_b"), ("items[0][deleted]", "true"),
                                         ("proration_behavior", "none"), ("metadata[engage_removal]", OUTCOME)]
    assert ended.requests[2].headers["Idempotency-Key"] == f"{OUTCOME}:remove_item"


@pytest.mark.parametrize(("when", "looks"), [("period_end", [page(sub())]), ("immediately", [page(sub()), page()])])
def test_a_subscription_that_was_canceled_in_between_is_already_done(when, looks):
    ended = run("unsubscribe_plan", [*looks, error(404, "resource_missing")], params={"when": when})
    assert (ended.done.reference, ended.done.note) == ("sub_1", "already_done")


def test_a_404_without_that_code_is_no_success():
    ended = run("unsubscribe_plan", [page(sub()), page(), error(404, "other")], params={"when": "immediately"})
    assert (ended.reason, ended.code, ended.failure.request_id) == ("rejected", "other", "req_9")


def test_a_subscription_that_has_ended_or_will_is_already_done():
    gone = run("unsubscribe_plan", [page(), page(sub("sub_0", status="canceled"))])
    assert flows.query(gone.requests[1]) == [("customer", "cus_1"), ("status", "canceled"), ("limit", "100")]
    ending = run("unsubscribe_plan", [page(sub(cancel_at_period_end=True))])
    assert [(one.done.reference, one.done.note) for one in (gone, ending)] == [
        ("sub_0", "already_done"), ("sub_1", "already_done")]


def test_a_user_who_never_subscribed_is_rejected():
    ended = run("unsubscribe_plan", [page(), page(), page(sub())], params={"price_id": "p"})
    assert (ended.reason, ended.code) == ("rejected", "no_active_subscription")


COMMENT = f"prompt p-1, {OUTCOME}"


def test_an_immediate_cancellation_that_an_earlier_try_made_ends_no_second_subscription():
    ours = sub("sub_1", status="canceled", cancellation_details={"comment": COMMENT})
    ended = run("unsubscribe_plan", [page(sub("sub_2")), page(ours)], params={"when": "immediately"})
    assert (ended.done.reference, ended.done.note, ended.done.detail) == ("sub_1", "", {"status": "canceled"})


def test_a_subscription_that_somebody_else_canceled_hides_no_live_one():
    theirs = sub("sub_0", status="canceled", cancellation_details={"comment": "too dear"})
    ended = run("unsubscribe_plan", [page(sub("sub_2")), page(theirs), answer(json={"status": "canceled"})],
                params={"when": "immediately"})
    assert ended.lines[-1] == "DELETE /v1/subscriptions/sub_2"


def test_a_plan_that_an_earlier_try_took_off_a_subscription_is_found_by_its_mark():
    ours = sub("sub_4", item("price_a"), metadata={"engage_removal": OUTCOME})
    ended = run("unsubscribe_plan", [page(), page(), page(sub(), ours)],
                params={"price_id": "price_b", "when": "immediately"})
    assert flows.query(ended.requests[2]) == [("customer", "cus_1"), ("limit", "100")]
    assert (ended.done.reference, ended.done.note) == ("sub_4", "")


def test_a_plan_that_an_earlier_try_took_off_one_subscription_ends_no_second_one_that_has_it():
    """A DELETE has no key: without the look, the other subscription would go too."""
    ours = sub("sub_4", item("price_a"), metadata={"engage_removal": OUTCOME})
    other = sub("sub_5", item("price_b"))
    ended = run("unsubscribe_plan", [page(other), page(), page(other, ours)], doubtful=True,
                params={"price_id": "price_b", "when": "immediately"})
    assert [line.split()[0] for line in ended.lines] == ["GET"] * 3
    assert (ended.done.reference, ended.done.note) == ("sub_4", "")


def test_a_plan_that_no_earlier_try_took_off_ends_after_a_doubt_too():
    other = sub("sub_5", item("price_b"))
    ended = run("unsubscribe_plan", [page(other), page(), page(other), answer(json={"status": "canceled"})],
                doubtful=True, params={"price_id": "price_b", "when": "immediately"})
    assert ended.lines[-1].split("?")[0] == "DELETE /v1/subscriptions/sub_5"


def test_a_schedule_in_the_way_is_named_with_the_way_out():
    ended = run("unsubscribe_plan", [page(sub()), error(400, None, "It is managed by the subscription schedule `s`")])
    assert (ended.reason, ended.code) == ("rejected", "managed_by_schedule")
    assert "release the schedule" in ended.failure.message


# -- apply_coupon


def test_a_coupon_is_added_to_the_discounts_that_are_there():
    there = sub(discounts=[{"id": "di_1", "source": {"coupon": "OLD"}}, "di_2"])
    ended = run("apply_coupon", [page(there), answer(json={"id": "sub_1", "discounts": ["di_1", "di_2", "di_3"]})],
                params={"coupon_id": "WIN", "price_id": "p"})
    assert flows.query(ended.requests[0]) == [("customer", "cus_1"), ("price", "p"), ("limit", "100"),
                                              ("expand[]", "data.discounts")]
    assert posted(ended.requests[1]) == [("discounts[0][discount]", "di_1"), ("discounts[1][discount]", "di_2"),
                                         ("discounts[2][coupon]", "WIN")]
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:discount"
    assert (ended.done.reference, ended.done.detail) == ("sub_1", {"discount": "di_3"})


def test_a_promotion_code_replaces_other_discounts_where_the_binding_says_so():
    ended = run("apply_coupon", [page(sub(discounts=[{"id": "di_1"}])), answer(json={})],
                params={"promotion_code_id": "promo_1", "keep_existing": False})
    assert posted(ended.requests[1]) == [("discounts[0][promotion_code]", "promo_1")]


@pytest.mark.parametrize("discount", [
    {"id": "di_1", "source": {"coupon": "WIN", "type": "coupon"}}, {"id": "di_1", "coupon": {"id": "WIN"}}])
def test_a_coupon_that_is_there_is_already_done(discount):
    ended = run("apply_coupon", [page(sub(discounts=[discount]))], params={"coupon_id": "WIN"})
    assert (ended.done.reference, ended.done.note) == ("sub_1", "already_done")


def test_a_promotion_code_that_is_there_is_already_done():
    there = sub(discounts=[{"id": "di_1", "promotion_code": "promo_1", "source": {"coupon": "WIN"}}])
    assert run("apply_coupon", [page(there)], params={"promotion_code_id": "promo_1"}).done.note == "already_done"
    assert run("apply_coupon", [page(there), answer(json={})], params={"promotion_code_id": "promo_2"}).done.note == ""


@pytest.mark.parametrize("params", [{}, {"coupon_id": "X", "promotion_code_id": "promo_1"}])
def test_exactly_one_of_coupon_and_promotion_code_is_taken(params):
    with pytest.raises(ValidationError, match="exactly one"):
        run("apply_coupon", params=params)


@pytest.mark.parametrize("code", ["resource_missing", "coupon_expired"])
def test_a_coupon_that_stripe_refuses_is_rejected_with_its_code(code):
    refusal = error(400, code, param="discounts[0][coupon]")
    ended = run("apply_coupon", [page(sub()), refusal], params={"coupon_id": "X"})
    assert (ended.reason, ended.code) == ("rejected", code)


# -- extend_trial


def test_a_trial_is_extended_to_an_absolute_end():
    trial = sub(status="trialing", trial_end=END)
    ended = run("extend_trial", [page(trial), answer(json={"trial_end": END + 7 * 86_400})], params={"days": 7})
    assert flows.query(ended.requests[0]) == [("customer", "cus_1"), ("status", "trialing"), ("limit", "100")]
    assert posted(ended.requests[1]) == [("trial_end", str(END + 7 * 86_400)), ("proration_behavior", "none"),
                                         ("metadata[engage_trial_extension]", OUTCOME)]
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:trial_end"
    assert (ended.done.reference, ended.done.detail) == ("sub_1", {"trial_end": str(END + 7 * 86_400)})


def test_a_trial_that_this_very_binding_extended_is_not_extended_again():
    extended = sub("sub_2", status="trialing", trial_end=END, metadata={"engage_trial_extension": OUTCOME})
    ended = run("extend_trial", [page(sub(status="trialing", created=9, trial_end=1), extended)], params={"days": 7})
    assert (ended.done.reference, ended.done.detail) == ("sub_2", {"trial_end": str(END)})


def test_a_trial_that_another_event_extended_is_extended_further():
    earlier = sub(status="trialing", trial_end=END, metadata={"engage_trial_extension": "another"})
    assert len(run("extend_trial", [page(earlier), answer(json={})], params={"days": 7}).requests) == 2


def test_a_user_without_a_trial_is_rejected():
    ended = run("extend_trial", [page()], params={"days": 7})
    assert (ended.reason, ended.code) == ("rejected", "no_trial")


def test_an_end_that_stripe_refuses_is_rejected():
    ended = run("extend_trial", [page(sub(status="trialing", trial_end=END)), error(400, None, param="trial_end")],
                params={"days": 730})
    assert (ended.reason, ended.code) == ("rejected", "invalid_request_error")


# -- switch_subscription and update_subscription


def test_a_switch_replaces_the_price_and_keeps_the_quantity():
    ended = run("switch_subscription", [page(sub()), answer(json={"id": "sub_1", "status": "active"})],
                params={"price_id": "price_new", "proration_behavior": "always_invoice"})
    assert flows.query(ended.requests[0]) == [("customer", "cus_1"), ("limit", "100")]
    assert posted(ended.requests[1]) == [
        ("items[0][id]", "si_1"), ("items[0][price]", "price_new"), ("items[0][quantity]", "3"),
        ("proration_behavior", "always_invoice"), ("payment_behavior", "error_if_incomplete"), ("off_session", "true")]
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:switch"
    assert ended.done.reference == "sub_1"


@pytest.mark.parametrize("id", ["switch_subscription", "update_subscription"])
def test_a_user_on_the_new_price_is_already_done(id):
    ended = run(id, [page(sub("sub_1", item("price_new")))], params={"price_id": "price_new"})
    assert (ended.done.reference, ended.done.note) == ("sub_1", "already_done")


@pytest.mark.parametrize("id", ["switch_subscription", "update_subscription"])
def test_several_prices_without_a_name_are_ambiguous(id):
    ended = run(id, [page(sub("sub_1", item("a"), item("b")))], params={"price_id": "price_new"})
    assert (ended.reason, ended.code) == ("rejected", "ambiguous_item")


def test_a_switch_from_a_named_price_finds_the_subscription_that_has_it():
    rows = [sub("sub_1", item("x"), created=9), sub("sub_2", item("a", "si_a"), item("b", "si_b"))]
    params = {"price_id": "price_new", "from_price_id": "b"}
    ended = run("switch_subscription", [page(*rows), answer(json={})], params=params)
    assert ended.requests[1].path == "/v1/subscriptions/sub_2"
    assert posted(ended.requests[1])[0] == ("items[0][id]", "si_b")
    missing = run("switch_subscription", [page(sub())], params=params)
    assert (missing.reason, missing.code) == ("rejected", "not_on_price")
    switched = run("switch_subscription", [page(sub("sub_3", item("price_new")))], params=params)
    assert (switched.done.reference, switched.done.note) == ("sub_3", "already_done")


def schedule(*later, **current):
    phase = {"start_date": 100, "end_date": 200, "items": [{"price": "price_old", "quantity": 3}], **current}
    return answer(json={"id": "sub_sched_1", "current_phase": {"start_date": 100, "end_date": 200},
                        "phases": [{"start_date": 1, "end_date": 100, "items": []}, phase, *later]})


PRICE = answer(json={"id": "price_new", "recurring": {"interval": "month", "interval_count": 3}})
AT_END = {"price_id": "price_new", "when": "period_end"}


def test_a_switch_at_period_end_makes_a_schedule_and_plans_the_new_price():
    ended = run("switch_subscription", [page(sub()), schedule(), PRICE, answer(json={})], params=AT_END)
    assert ended.lines[1:] == ["POST /v1/subscription_schedules", "GET /v1/prices/price_new",
                               "POST /v1/subscription_schedules/sub_sched_1"]
    assert posted(ended.requests[1]) == [("from_subscription", "sub_1")]
    assert posted(ended.requests[3]) == [
        ("end_behavior", "release"), ("proration_behavior", "none"),
        ("phases[0][start_date]", "100"), ("phases[0][end_date]", "200"),
        ("phases[0][items][0][price]", "price_old"), ("phases[0][items][0][quantity]", "3"),
        ("phases[1][items][0][price]", "price_new"), ("phases[1][items][0][quantity]", "3"),
        ("phases[1][duration][interval]", "month"), ("phases[1][duration][interval_count]", "3"),
        ("phases[1][proration_behavior]", "none")]
    assert [ended.requests[at].headers["Idempotency-Key"] for at in (1, 3)] == [
        f"{OUTCOME}:schedule", f"{OUTCOME}:phases"]
    assert ended.done.reference == "sub_sched_1"


def test_a_switch_at_period_end_keeps_what_the_running_phase_has():
    items = [{"price": {"id": "price_old"}, "quantity": 3, "tax_rates": [{"id": "txr_2"}]},
             {"price": "price_extra", "quantity": None, "discounts": [{"coupon": "ITEM"}]}]
    running = schedule(items=items, discounts=[{"discount": "di_1", "coupon": "X"}], trial_end=150,
                       default_tax_rates=[{"id": "txr_1"}], collection_method="send_invoice")
    params = {**AT_END, "from_price_id": "price_old"}
    ended = run("switch_subscription", [page(sub()), running, PRICE, answer(json={})], params=params)
    sent = posted(ended.requests[3])
    for phase in ("phases[0]", "phases[1]"):
        assert (f"{phase}[discounts][0][discount]", "di_1") in sent
        assert (f"{phase}[default_tax_rates][0]", "txr_1") in sent
        assert (f"{phase}[collection_method]", "send_invoice") in sent
        assert (f"{phase}[items][0][tax_rates][0]", "txr_2") in sent
        assert (f"{phase}[items][1][price]", "price_extra") in sent
        assert (f"{phase}[items][1][discounts][0][coupon]", "ITEM") in sent
    assert ("phases[0][trial_end]", "150") in sent
    assert not [name for name, _ in sent if name in ("phases[1][trial_end]", "phases[0][items][1][quantity]")]


def test_a_switch_at_period_end_goes_on_with_a_schedule_that_is_there():
    ended = run("switch_subscription", [page(sub(schedule="sub_sched_1")), schedule(), PRICE, answer(json={})],
                params=AT_END)
    assert ended.lines[1] == "GET /v1/subscription_schedules/sub_sched_1"
    assert ended.lines[3] == "POST /v1/subscription_schedules/sub_sched_1"


def test_a_switch_that_is_planned_is_already_done():
    planned = schedule({"start_date": 200, "items": [{"price": "price_new"}]})
    ended = run("switch_subscription", [page(sub(schedule="sub_sched_1")), planned], params=AT_END)
    assert (ended.done.reference, ended.done.note) == ("sub_sched_1", "already_done")


def test_what_cannot_be_planned_is_rejected():
    once = answer(json={"id": "price_new", "recurring": None})
    one_off = run("switch_subscription", [page(sub()), schedule(), once], params=AT_END)
    idle = answer(json={"id": "sub_sched_1", "current_phase": None, "phases": []})
    no_phase = run("switch_subscription", [page(sub(schedule="s")), idle, PRICE], params=AT_END)
    assert (one_off.code, no_phase.code) == ("price_not_recurring", "no_current_phase")


def test_an_update_takes_quantity_and_payment_behaviour():
    pending = answer(json={"id": "sub_1", "status": "active", "pending_update": {"expires_at": 1}})
    ended = run("update_subscription", [page(sub()), pending], params={
        "price_id": "price_new", "quantity": 5, "payment_behavior": "pending_if_incomplete"})
    assert posted(ended.requests[1]) == [
        ("items[0][id]", "si_1"), ("items[0][price]", "price_new"), ("items[0][quantity]", "5"),
        ("proration_behavior", "create_prorations"), ("payment_behavior", "pending_if_incomplete"),
        ("off_session", "true")]
    assert ended.requests[1].headers["Idempotency-Key"] == f"{OUTCOME}:update"
    assert (ended.done.reference, ended.done.note) == ("sub_1", "accepted")


def test_an_update_of_the_quantity_alone_is_made():
    ended = run("update_subscription", [page(sub("sub_1", item("p"))), answer(json={"status": "active"})],
                params={"price_id": "p", "quantity": 4})
    assert (len(ended.requests), ended.done.note) == (2, "")


@pytest.mark.parametrize("id", ["switch_subscription", "update_subscription"])
def test_a_failed_payment_for_an_upgrade_is_rejected(id):
    declined = error(402, "card_declined", type="card_error", decline_code="expired_card")
    ended = run(id, [page(sub()), declined], params={"price_id": "price_new"})
    assert (ended.reason, ended.code) == ("rejected", "card_declined")


# -- pick lists


def options(name, *answers):
    return flows.drive(connector.options[name](connector.settings(**SETTINGS)), answers, connector.read)


def test_prices_are_offered_as_a_person_reads_them():
    pro = {"id": "price_1", "nickname": None, "unit_amount": 2050, "currency": "usd", "product": {"name": "Pro"},
           "recurring": {"interval": "month", "interval_count": 1}}
    yen = {**pro, "id": "price_2", "nickname": "Half", "unit_amount": 900, "currency": "jpy",
           "recurring": {"interval": "month", "interval_count": 6}}
    tiered = {**pro, "id": "price_3", "unit_amount": None, "product": "prod_3"}
    ended = options("prices", page(pro, more=True), page(yen, tiered))
    assert flows.query(ended.requests[0]) == [("active", "true"), ("type", "recurring"), ("limit", "100"),
                                              ("expand[]", "data.product")]
    assert ended.done == [("price_1", "Pro: 20.50 USD every month"), ("price_2", "Half: 900 JPY every 6 months"),
                          ("price_3", "prod_3: tiered price every month")]


@pytest.mark.parametrize(("amount", "currency", "shown"), [
    (5, "eur", "0.05 EUR"), (1999, "usd", "19.99 USD"), (1500, "kwd", "1.500 KWD"), (500, "krw", "500 KRW"),
    (9_007_199_254_740_993, "usd", "90071992547409.93 USD"),
])
def test_amounts_are_shown_in_units_that_people_pay_in(amount, currency, shown):
    price = {"id": "p", "nickname": "Pro", "unit_amount": amount, "currency": currency, "recurring": {}}
    assert options("prices", page(price)).done == [("p", f"Pro: {shown} every period")]


def test_only_valid_coupons_are_offered():
    rows = [{"id": "A", "name": "Stay", "percent_off": 12.5, "duration": "once", "valid": True},
            {"id": "B", "name": None, "amount_off": 500, "currency": "eur", "duration": "forever", "valid": True},
            {"id": "C", "percent_off": 10, "valid": False}]
    assert options("coupons", page(*rows)).done == [
        ("A", "Stay: 12.5 % off, once"), ("B", "B: 5.00 EUR off, forever")]


def test_promotion_codes_are_offered_by_their_code():
    ended = options("promotion_codes", page({"id": "promo_1", "code": "FALL20"}))
    assert flows.query(ended.requests[0]) == [("active", "true"), ("limit", "100")]
    assert ended.done == [("promo_1", "FALL20")]
