"""Signing in at a provider: the whole flow over real HTTP, and everything that must not be believed."""

import time

import pytest
import requests
from joserfc.jwk import RSAKey

from console.security.sessions import Seal, cookie_name
from processor.access import Role
from testkit.oidc import Provider

PAGE = "/apps/shop/connectors"
MEMBER = {"email": "App_Member@example.com", "email_verified": True}


@pytest.fixture
def provider():
    with Provider() as found:
        found.claims = dict(MEMBER)
        yield found


@pytest.fixture
def stand(make_stand, provider):
    oidc = {"issuer": provider.issuer, "client_id": provider.client_id, "client_secret": provider.client_secret,
            "title": "our provider",
            "role_of": {"on-call": "read_only@shop", "bosses": "company_administrator"}}
    made = make_stand({"oidc": oidc})
    made.clock.now = time.time()
    return made


def begin(browser, next_=PAGE):
    """To the provider and back: the address that the browser comes back with."""
    begun = browser.get(f"/sign-in/oidc?next={next_}")
    assert begun.status_code == 303, begun.text
    signed = requests.get(begun.headers["location"], allow_redirects=False, timeout=5)
    assert signed.status_code == 302, signed.text
    return signed.headers["location"].removeprefix("http://console.test")


def sign_in(stand, browser=None):
    browser = browser or stand.browser()
    return browser.get(begin(browser))


def test_a_member_signs_in_at_the_provider_and_goes_on_where_it_was_asked(stand, provider):
    browser = stand.browser()
    assert "Sign in with our provider" in browser.get("/sign-in").text
    answer = sign_in(stand, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200
    assert provider.refused == []


def test_whoever_is_no_member_and_has_no_role_by_claims_stays_outside(stand, provider):
    provider.claims["email"] = "else@example.com"
    answer = sign_in(stand)
    assert answer.status_code == 403
    assert "have no role here" in answer.text


@pytest.mark.parametrize(("groups", "may_see", "may_change"), [
    (["on-call", "unknown"], True, False), ("bosses", True, True), (["unknown"], None, None), (None, None, None),
    ([7, {}], None, None)])
def test_claims_give_roles_by_the_mapping_and_nothing_else_does(stand, provider, groups, may_see, may_change):
    provider.claims = {"email": "else@example.com", "groups": groups}
    browser = stand.browser()
    answer = sign_in(stand, browser)
    assert (answer.status_code == 303) == bool(may_see)
    if may_see:
        assert browser.get(PAGE).status_code == 200
        assert (browser.get("/apps/other/connectors").status_code == 200) == may_change


@pytest.mark.parametrize("twist", [
    lambda claims: {**claims, "nonce": "another"}, lambda claims: {**claims, "aud": "another"},
    lambda claims: {**claims, "iss": "http://another"}, lambda claims: {**claims, "exp": int(time.time()) - 3600},
    lambda claims: {name: one for name, one in claims.items() if name != "nonce"},
    lambda claims: {name: one for name, one in claims.items() if name != "exp"}],
    ids=["nonce", "audience", "issuer", "over", "no nonce", "no end"])
def test_a_word_that_is_not_for_this_sign_in_is_not_believed(stand, provider, twist):
    provider.twist = twist
    answer = sign_in(stand)
    assert answer.status_code == 403
    assert "cannot be trusted" in answer.text


def test_a_word_signed_by_somebody_else_is_not_believed(stand, provider):
    provider.signs_with = RSAKey.generate_key(2048)
    assert sign_in(stand).status_code == 403


@pytest.mark.parametrize("claims", [{}, {"email": ""}, {"email": 7}, {**MEMBER, "email_verified": False}])
def test_an_address_that_the_provider_does_not_vouch_for_is_nobody(stand, provider, claims):
    provider.claims = claims
    assert sign_in(stand).status_code == 403


def test_an_answer_that_another_browser_asked_for_is_refused(stand):
    back = begin(stand.browser())
    answer = stand.browser().get(back)
    assert answer.status_code == 403
    assert "not begun here" in answer.text


def test_an_answer_is_worth_something_once(stand):
    browser = stand.browser()
    back = begin(browser)
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403


def test_what_the_provider_calls_its_refusal_is_told(stand, provider):
    provider.client_secret = "another"  # the console holds the one before
    answer = sign_in(stand)
    assert answer.status_code == 403
    assert "(invalid_grant). Try again" in answer.text


def test_a_provider_that_says_no_is_told(stand):
    browser = stand.browser()
    begin(browser)
    answer = browser.get("/sign-in/oidc/callback?error=access_denied&state=x")
    assert answer.status_code == 403
    assert "access_denied" in answer.text


def test_a_provider_that_is_away_is_told_and_passwords_still_work(make_stand):
    stand = make_stand({"oidc": {"issuer": "http://127.0.0.1:1", "client_id": "c"}})
    answer = stand.browser().get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "cannot be reached" in answer.text
    assert 'name="password"' in answer.text


def test_no_secret_of_the_flow_is_in_a_page_or_an_address(stand, provider):
    browser = stand.browser()
    begun = browser.get("/sign-in/oidc")
    verifier = Seal(["k" * 48]).read(browser.cookies[cookie_name(https=False)]).flow["verifier"]
    assert verifier not in begun.headers["location"]
    assert provider.client_secret not in begun.headers["location"]


def test_a_role_from_claims_ends_where_the_member_is_disabled(stand, provider):
    from processor.access import content_of
    from processor.access.changing import with_member
    from processor.config.store import COMPANY

    provider.claims = {**MEMBER, "groups": ["bosses"]}
    browser = stand.browser()
    sign_in(stand, browser)
    company = stand.app.state.console.company()
    gone = company.member("app_member@example.com").model_copy(update={"disabled": True})
    stand.store.apply(COMPANY, content_of(with_member(company, gone)), base=1, by="test")
    assert browser.get(PAGE).status_code == 303
    assert stand.browser(Role.READ_ONLY).get(PAGE).status_code == 200
