import pytest
from pydantic import ValidationError

from connectors.billing.piano import connector
from connectors.kit import Option, Repeat
from testkit import flows
from testkit.flows import NOW, answer

SETTINGS = {"api_token": "secret", "aid": "App1"}
BY_ID = {"piano_subscription_id": "RC1", "piano_uid": "U 1"}
BY_USER = {"piano_uid": "U 1"}
API = "/api/v3/publisher"
READ, LIST = f"GET {API}/subscription/get", f"GET {API}/subscription/list"
STATUS = f"POST {API}/term/change/getSubscriptionUpgradeStatus"
REQUIRED = {"resubscribe": {}, "upgrade_subscription": {"from_term_id": "T1", "to_term_id": "T2"},
            "cancel_subscription": {}, "move_next_bill_date": {"days": 7}}
ME = [("aid", "App1"), ("subscription_id", "RC1")]


def good(**members):
    return answer(json={"code": 0, "ts": 1, **members})


YES = good(data=True)


def bad(code=7, message="no", **more):
    return answer(json={"code": code, "ts": 1, "message": message, **more})


def sub(id="RC1", renews=True, term="T1", start=0, **more):
    return {"subscription_id": id, "auto_renew": renews, "term": {"term_id": term}, "start_date": int(NOW) - 9 + start,
            "next_bill_date": int(NOW) + 1000, **more}


def one(id="RC1", renews=True, resumable=False, **more):
    return good(subscription={**sub(id, renews, **more), "will_auto_renew": renews, "can_be_resumed": resumable,
                              "is_active": True})


def listed(*rows):
    return good(limit=100, offset=0, total=len(rows), count=len(rows), subscriptions=list(rows))


def state(to="T2", **more):
    return good(data={"from_term_id": "T1", "to_term_id": to, "status": 1, **more})


def run(id, answers=(), *, params=None, attributes=None, **more):
    made = flows.call(connector, id, settings=SETTINGS, params={**REQUIRED[id], **(params or {})},
                      attributes=BY_ID if attributes is None else attributes, **more)
    return flows.run(connector, id, made, answers)


def ended(run):
    return run.done.reference, run.done.note


# -- settings, signing, check, pick list


def test_the_token_goes_into_a_header_and_nowhere_else():
    signed = flows.sign(connector, SETTINGS, run("cancel_subscription", [one(), YES]).requests[1])
    assert signed.url == "https://api.piano.io/api/v3/publisher/subscription/cancel"
    assert flows.header(signed, "api_token") == "secret"
    assert flows.header(signed, "accept") == "application/json"
    assert flows.header(signed, "content-type") == "application/x-www-form-urlencoded"
    assert b"secret" not in signed.body


@pytest.mark.parametrize(("region", "host"), [
    ("us", "api"), ("eu", "api-eu"), ("au", "api-au"), ("ap", "api-ap"), ("sandbox", "sandbox"),
])
def test_each_region_has_its_host(region, host):
    assert connector.settings(**SETTINGS, region=region).address == f"https://{host}.piano.io"


@pytest.mark.parametrize("wrong", [
    {"api_token": ""}, {"aid": ""}, {"region": "mars"}, {"other": 1}, {"base_url": "https://piano.example"},
    {"base_url": "http://127.0.0.1:9"}, {"base_url": "https://api.piano.io/api/v3"},
])
def test_settings_that_cannot_be_right_are_refused(wrong):
    with pytest.raises(ValidationError):
        connector.settings(**{**SETTINGS, **wrong})


@pytest.mark.parametrize(("region", "mode"), [("eu", "live"), ("sandbox", "sandbox")])
def test_the_connection_test_counts_subscriptions(region, mode):
    tested = flows.drive(connector.check(connector.settings(**SETTINGS, region=region)), [good(data=3)], connector.read)
    assert (tested.lines, flows.query(tested.requests[0])) == ([f"GET {API}/subscription/count"], [("aid", "App1")])
    assert (tested.requests[0].body, tested.done) == (None, ("Piano App1", mode))


def test_terms_are_listed_page_by_page():
    full = good(terms=[{"term_id": f"T{number}", "name": "N"} for number in range(100)])
    flow = connector.options["terms"](connector.settings(**SETTINGS))
    got = flows.drive(flow, [full, good(terms=[{"term_id": "L", "name": None}])], connector.read)
    assert got.lines == [f"GET {API}/term/list"] * 2
    assert flows.query(got.requests[1]) == [("aid", "App1"), ("offset", "100"), ("limit", "100")]
    assert (got.done[0], got.done[-1]) == (Option("T0", "N (T0)"), Option("L", "L (L)"))


# -- answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (bad(7, "no"), "rejected", "piano_7"), (answer(json={"ts": 1, "data": True}), "rejected", "no_code"),
    (bad(2, "Invalid API token"), "misconfigured", "piano_2"), (bad(2, "Access denied"), "misconfigured", "piano_2"),
    (answer(401, {"code": 2}), "misconfigured", "piano_2"), (answer(403), "misconfigured", "http_403"),
    (answer(400, {"code": 1}), "rejected", "piano_1"), (answer(404), "rejected", "http_404"),
    (answer(429), "unavailable", "http_429"),
    *[(answer(status), "unavailable", f"http_{status}") for status in (500, 502, 503, 504)],
    (answer(200, body=b"<html>"), "unavailable", "unreadable_answer"),
])
def test_each_refusal_is_read_by_who_must_act(refusal, reason, code):
    got = run("cancel_subscription", [one(), refusal])
    assert (got.reason, got.code) == (reason, code)


@pytest.mark.parametrize("more", [
    {"validation_errors": {"days": "too many"}}, {"error_code_list": {"days": "too many"}},
    {"error_code_list": ["days: too many"]},
])
def test_a_failure_says_what_is_wrong_with_each_parameter(more):
    assert run("cancel_subscription", [one(), bad(1, "invalid", **more)]).failure.message == "invalid; days: too many"


@pytest.mark.parametrize(("refusal", "unknown"), [
    (answer(500), True), (answer(503), False), (answer(200, body=b"{"), True), (answer(429), False),
])
def test_what_may_have_been_done_is_told_from_what_surely_was_not(refusal, unknown):
    assert run("cancel_subscription", [one(), refusal]).failure.unknown is unknown


def test_the_request_is_named_for_the_vendors_support():
    refusal = answer(200, {"code": 7, "message": "no"}, headers={"X-Request-Id": "req-1"})
    assert run("cancel_subscription", [one(), refusal]).failure.request_id == "req-1"


# -- look-ups


@pytest.mark.parametrize("id", REQUIRED)
def test_a_user_without_any_id_is_named_before_any_request(id):
    got = run(id, attributes={})
    names = ("piano_uid",) if id == "upgrade_subscription" else ("piano_subscription_id", "piano_uid")
    assert (got.requests, got.failure.names) == ((), names)


def test_a_change_of_term_needs_the_user_too():
    assert run("upgrade_subscription", attributes={"piano_subscription_id": "RC1"}).failure.names == ("piano_uid",)


@pytest.mark.parametrize("id", REQUIRED)
def test_a_user_without_subscriptions_is_said(id):
    got = run(id, [listed()], attributes=BY_USER)
    assert (got.lines, got.code) == ([LIST], "no_subscription")
    assert flows.query(got.requests[0]) == [("aid", "App1"), ("uid", "U 1"), ("offset", "0"), ("limit", "100")]


@pytest.mark.parametrize("id", REQUIRED)
def test_a_synced_subscription_is_read_by_its_id(id):
    got = run(id, [bad(2004, "Subscription not found")])
    assert (got.lines, flows.query(got.requests[0]), got.code) == ([READ], ME, "piano_2004")


# -- resubscribing


def test_what_was_cancelled_renews_again():
    got = run("resubscribe", [one(renews=False, resumable=True), YES])
    assert got.lines == [READ, f"POST {API}/subscription/resume"]
    assert (flows.form(got.requests[1]), ended(got)) == (ME, ("RC1", ""))


def test_of_a_users_list_those_that_do_not_renew_are_read_whole():
    rows = [sub("RC1", renews=False), sub("RC2", start=5), sub("RC3", renews=False, end_date=int(NOW) - 5)]
    got = run("resubscribe", [listed(*rows), one(renews=False, resumable=True), YES], attributes=BY_USER)
    assert (got.lines, flows.query(got.requests[1])) == ([LIST, READ, f"POST {API}/subscription/resume"], ME)


@pytest.mark.parametrize("answers", [
    [one()], [good(subscription={**sub(renews=False), "will_auto_renew": True, "can_be_resumed": True})],
])
def test_what_renews_needs_nothing(answers):
    assert ended(run("resubscribe", answers)) == ("RC1", "already_done")


def test_a_user_whose_only_running_subscription_renews_needs_nothing():
    rows = [sub("RC2"), sub("RC1", renews=False)]
    got = run("resubscribe", [listed(*rows), one(renews=False)], attributes=BY_USER)
    assert ended(got) == ("RC2", "already_done")


def test_what_cannot_be_resumed_is_said():
    assert run("resubscribe", [one(renews=False)]).code == "cannot_be_resumed"


def test_of_several_that_could_be_resumed_none_is():
    rows = [sub("RC1", renews=False), sub("RC2", renews=False)]
    answers = [listed(*rows), *(one(row["subscription_id"], renews=False, resumable=True) for row in rows)]
    assert run("resubscribe", answers, attributes=BY_USER).code == "several_subscriptions"


# -- changing terms


def test_a_change_of_term_is_looked_for_asked_for_and_reported():
    got = run("upgrade_subscription", [one(), bad(3102, "none"), YES, YES, state(change_date="1800000500")])
    assert got.lines == [READ, STATUS, f"POST {API}/term/change/can", f"POST {API}/term/change/do", STATUS]
    status = [("aid", "App1"), ("uid", "U 1"), ("subscription_id", "RC1")]
    assert [flows.form(request) for request in got.requests[1:]] == [
        status, [("subscription_id", "RC1")],
        [("aid", "App1"), ("uid", "U 1"), ("subscription_from", "RC1"), ("term_to", "T2"), ("billing_timing", "0"),
         ("immediate_access", "true"), ("prorate_access", "false")], status]
    assert [request.effect for request in got.requests] == [False, False, False, True, False]
    assert (ended(got), got.done.detail) == (("RC1", "accepted"), {
        "to_term_id": "T2", "change_date": "1800000500", "status": "1"})


def test_every_choice_of_a_change_is_sent():
    params = {"to_term_period_id": "P9", "billing_timing": "2", "immediate_access": False, "prorate_access": True}
    got = run("upgrade_subscription", [one(), bad(), YES, YES, answer(404)], params=params)
    assert flows.form(got.requests[3])[3:] == [
        ("term_to", "T2"), ("term_to_period_id", "P9"), ("billing_timing", "2"), ("immediate_access", "false"),
        ("prorate_access", "true")]
    assert (ended(got), got.done.detail) == (("RC1", "accepted"), {})


def test_a_user_on_the_new_term_needs_nothing():
    assert ended(run("upgrade_subscription", [one(term="T2")])) == ("RC1", "already_done")


@pytest.mark.parametrize("rows", [[sub(term="T3")], [sub(end_date=int(NOW) - 5)]])
def test_a_user_on_another_term_is_said(rows):
    assert run("upgrade_subscription", [listed(*rows)], attributes=BY_USER).code == "wrong_term"


@pytest.mark.parametrize("date", [None, "1800000500", "2027-01-16", "when it suits"])
def test_a_change_that_is_under_way_is_not_asked_for_again(date):
    got = run("upgrade_subscription", [one(), state(change_date=date)])
    assert (got.lines, ended(got)) == ([READ, STATUS], ("RC1", "accepted"))


@pytest.mark.parametrize("before", [state(to="T3"), state(change_date="1700000000"), state(error_message="card")])
def test_another_or_an_old_or_a_failed_change_does_not_hinder(before):
    assert len(run("upgrade_subscription", [one(), before, YES, YES, state()]).requests) == 5


def test_a_change_that_piano_will_not_take_is_said():
    assert run("upgrade_subscription", [one(), bad(), good(data=False)]).code == "cannot_change_term"


def test_a_change_that_failed_at_once_is_a_failure():
    got = run("upgrade_subscription", [one(), bad(), YES, YES, state(error_message="card declined")])
    assert (got.code, got.failure.message) == ("change_failed", "card declined")


# -- the end, and the date of the bill


@pytest.mark.parametrize("refund", [True, False])
def test_a_cancellation_says_whether_money_goes_back(refund):
    got = run("cancel_subscription", [one(), YES], params={"refund_last_payment": refund})
    assert got.lines == [READ, f"POST {API}/subscription/cancel"]
    assert flows.form(got.requests[1]) == [*ME, ("refund_last_payment", str(refund).lower())]
    assert ended(got) == ("RC1", "")


def test_what_does_not_renew_is_left():
    assert ended(run("cancel_subscription", [one(renews=False)])) == ("RC1", "already_done")


def test_of_several_that_renew_none_is_cancelled():
    got = run("cancel_subscription", [listed(sub("RC1"), sub("RC2"))], attributes=BY_USER)
    assert (len(got.requests), got.code) == (1, "several_subscriptions")


def test_the_next_bill_moves_by_days_in_seconds():
    got = run("move_next_bill_date", [listed(sub("RC0"), sub(start=5)), YES], attributes=BY_USER)
    day = str(int(NOW) + 1000 + 7 * 86_400)
    assert got.lines == [LIST, f"POST {API}/subscription/update"]
    assert flows.form(got.requests[1]) == [*ME, ("next_bill_date", day)]
    assert (ended(got), got.done.detail) == (("RC1", ""), {"next_bill_date": day})


@pytest.mark.parametrize("row", [sub(next_bill_date=None), sub(renews=False)])
def test_without_a_next_bill_nothing_moves(row):
    assert run("move_next_bill_date", [listed(row)], attributes=BY_USER).code == "nothing_to_move"


def test_only_a_moved_date_cannot_be_told_from_one_that_was_moved_before():
    never = [one.id for one in connector.actions.values() if one.repeat is Repeat.NEVER]
    assert (never, list(connector.actions)) == (["move_next_bill_date"], list(REQUIRED))
