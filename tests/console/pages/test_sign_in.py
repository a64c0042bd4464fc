"""Signing in with a password and by a proxy: what lets in, what does not, and how often it may be tried."""

import pytest

from console.security.sessions import Seal, cookie_name
from processor.access import Role, content_of
from processor.access.changing import with_member, with_password
from processor.config.store import COMPANY

ADMIN = "company_administrator@example.com"
GOOD = "correct horse battery"
PAGE = "/apps/shop/connectors"


def try_in(stand, email=ADMIN, password=GOOD, browser=None, next_="/", **headers):
    browser = browser or stand.browser()
    browser.get("/sign-in")
    token = Seal(["k" * 48]).read(browser.cookies[cookie_name(https=False)]).csrf
    return browser.post("/sign-in", data={"csrf": token, "email": email, "password": password, "next": next_},
                        headers=headers)


def company(stand):
    return stand.app.state.console.company()


def apply(stand, made):
    version = stand.store.current(COMPANY)
    stand.store.apply(COMPANY, content_of(made), base=version.number, by="test")


def test_the_right_password_lets_in_and_goes_on_where_it_was_asked(stand):
    browser = stand.browser()
    answer = try_in(stand, browser=browser, next_=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200


def test_the_token_of_forms_is_another_one_after_signing_in(stand):
    browser = stand.browser()
    browser.get("/sign-in")
    before = Seal(["k" * 48]).read(browser.cookies[cookie_name(https=False)]).csrf
    try_in(stand, browser=browser)
    assert Seal(["k" * 48]).read(browser.cookies[cookie_name(https=False)]).csrf != before


def test_nobody_is_sent_elsewhere_after_signing_in(stand):
    assert try_in(stand, next_="//evil.example/x").headers["location"] == "/"


@pytest.mark.parametrize(("email", "password"), [
    (ADMIN, "wrong"), (ADMIN, ""), ("nobody@example.com", GOOD), ("app_member@example.com", GOOD), ("", "")])
def test_a_wrong_password_and_an_unknown_account_are_told_alike(stand, email, password):
    answer = try_in(stand, email, password)
    assert answer.status_code == 403
    assert "do not fit together" in answer.text
    assert GOOD not in answer.text


def test_an_account_is_tried_so_often_and_no_more_and_its_owner_waits_a_while(stand):
    tried = [try_in(stand, password="wrong").status_code for _ in range(9)]
    assert tried == [403] * 8 + [429]
    assert try_in(stand).status_code == 429, "also with the right password: it may have been guessed"
    stand.clock.now += 901
    assert try_in(stand).status_code == 303


def test_an_address_is_tried_so_often_whatever_accounts_it_names(stand):
    tried = [try_in(stand, f"a{one}@example.com", "wrong").status_code for one in range(41)]
    assert tried == [403] * 40 + [429]


def test_a_success_takes_back_the_failures_of_its_account(stand):
    for _ in range(3):
        assert [try_in(stand, password="wrong").status_code for _ in range(7)] == [403] * 7
        assert try_in(stand).status_code == 303


def test_an_address_that_a_stranger_claims_does_not_count(stand):
    tried = [try_in(stand, f"a{one}@example.com", "wrong", **{"X-Forwarded-For": f"10.0.0.{one}"}).status_code
             for one in range(41)]
    assert tried[-1] == 429


def test_a_changed_password_and_a_disabled_member_end_the_session(stand):
    browser = stand.browser()
    try_in(stand, browser=browser)
    assert browser.get(PAGE).status_code == 200
    apply(stand, with_password(company(stand), ADMIN, "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$YWJj", 1))
    assert browser.get(PAGE).status_code == 303

    member = stand.browser(Role.APP_MEMBER)
    assert member.get(PAGE).status_code == 200
    known = company(stand).member("app_member@example.com")
    apply(stand, with_member(company(stand), known.model_copy(update={"disabled": True})))
    assert member.get(PAGE).status_code == 303


def test_signing_out_ends_the_session(stand):
    browser = stand.browser(Role.READ_ONLY)
    assert browser.submit("/sign-out").headers["location"] == "/sign-in"
    assert browser.get(PAGE).status_code == 303


def test_passwords_can_be_switched_off(make_stand):
    stand = make_stand({"local_accounts": False})
    browser = stand.browser()
    assert 'name="password"' not in browser.get("/sign-in").text
    assert try_in(stand).status_code == 404


def test_where_nobody_is_a_member_the_page_says_how_the_first_one_is_made(make_stand):
    stand = make_stand(contents={COMPANY: {}})
    assert "prompt-actions console user add" in stand.browser().get("/sign-in").text


# by a proxy


def proxied(make_stand, addresses):
    return make_stand({"proxy": {"header": "X-Forwarded-Email", "addresses": addresses}})


@pytest.mark.parametrize(("addresses", "expected"), [
    (["10.0.0.0/8"], 200), (["10.1.2.3"], 200), (["192.0.2.0/24"], 303)])
def test_a_proxy_s_header_is_believed_from_the_named_addresses_only(make_stand, monkeypatch, addresses, expected):
    stand = proxied(make_stand, addresses)
    monkeypatch.setattr("console.security.identity._peer", lambda _request: "10.1.2.3")
    headers = {"X-Forwarded-Email": "Read_Only@example.com"}
    assert stand.browser().get(PAGE, headers=headers).status_code == expected


def test_a_proxy_s_visitor_who_is_no_member_is_nobody(make_stand, monkeypatch):
    stand = proxied(make_stand, ["10.0.0.0/8"])
    monkeypatch.setattr("console.security.identity._peer", lambda _request: "10.1.2.3")
    assert stand.browser().get(PAGE, headers={"X-Forwarded-Email": "else@example.com"}).status_code == 303


def test_behind_a_trusted_proxy_the_visitor_s_own_address_is_counted(make_stand, monkeypatch):
    stand = make_stand({"proxy": {"addresses": ["10.0.0.0/8"]}})
    monkeypatch.setattr("console.security.identity._peer", lambda _request: "10.1.2.3")
    tried = [try_in(stand, f"a{one}@example.com", "wrong", **{"X-Forwarded-For": f"192.0.2.{one}, 10.9.9.9"}
                    ).status_code for one in range(41)]
    assert set(tried) == {403}
