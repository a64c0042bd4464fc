"""Signing in at a Keycloak, as a browser does: what the tests' own provider agrees to, a real one does too."""

import html
import os
import re
import time
from urllib.parse import urljoin

import pytest
import requests

from testkit import keycloak

pytestmark = pytest.mark.vendor
PAGE = "/apps/shop/connectors"
SECRET, PASSWORD = "client-secret-1", "right horse"
CONSOLE = "http://console.test"


def user(name, verified=True, groups=()):
    return {"username": name, "email": f"{name}@example.com", "emailVerified": verified, "enabled": True,
            "firstName": name, "lastName": "Smith", "groups": list(groups),
            "credentials": [{"type": "password", "value": PASSWORD}]}


GROUPS = {"name": "groups", "protocol": "openid-connect", "protocolMapper": "oidc-group-membership-mapper",
          "config": {"claim.name": "groups", "full.path": "false", "id.token.claim": "true"}}
CLIENT = {"protocol": "openid-connect", "secret": SECRET, "standardFlowEnabled": True,
          "redirectUris": [f"{CONSOLE}/sign-in/oidc/callback"], "attributes": {"pkce.code.challenge.method": "S256"},
          "protocolMappers": [GROUPS]}
REALM = {
    "realm": keycloak.REALM, "enabled": True, "groups": [{"name": "on-call"}, {"name": "cooks"}],
    "users": [user("ann", groups=["/cooks", "/on-call"]), user("cook", groups=["/cooks"]),
              user("app_member"), user("app_administrator", verified=False)],
    "clients": [{**CLIENT, "clientId": "console"}, {**CLIENT, "clientId": "asks", "consentRequired": True}],
}


@pytest.fixture(scope="module")
def issuer():
    if "TESTKIT_VENDOR_PACKAGES" not in os.environ:
        pytest.skip("run by `make test-vendors`: Keycloak may have to be fetched")
    try:
        with keycloak.running(REALM) as found:
            yield found
    except keycloak.NoKeycloak as why:
        pytest.skip(f"Keycloak cannot be had: {why}")


@pytest.fixture
def make(make_stand, issuer):
    def made(**options):
        oidc = {"issuer": issuer, "client_id": "console", "client_secret": SECRET,
                "role_of": {"on-call": "read_only@shop"}, **options}
        stand = make_stand({"oidc": oidc})
        stand.clock.now = time.time()
        return stand

    return made


class Outside(requests.Session):
    """The browser's part at the provider; it holds loopback for safe, as browsers do."""

    def request(self, method, url, **options):
        answer = super().request(method, url, allow_redirects=False, timeout=30, **options)
        for cookie in self.cookies:
            cookie.secure = False
        return answer

    def get(self, url):
        return self.request("GET", url)


@pytest.fixture
def outside():
    with Outside() as session:
        yield session


def follow(outside, answer):
    """Along the provider's own pages, to one that asks something or to the address at the console."""
    while answer.is_redirect and not answer.headers["location"].startswith(CONSOLE):
        answer = outside.get(urljoin(answer.url, answer.headers["location"]))
    return answer


def begin(browser, outside):
    """To the provider's page that asks for a password."""
    begun = browser.get(f"/sign-in/oidc?next={PAGE}")
    assert begun.status_code == 303, begun.text
    return follow(outside, outside.get(begun.headers["location"]))


def fill(outside, page, **fields):
    """Send the form of the provider's page."""
    assert page.status_code == 200, page.text
    found = re.search(r'<form[^>]*\saction="([^"]+)"', page.text)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return follow(outside, outside.post(urljoin(page.url, html.unescape(found[1])), data={**hidden, **fields}))


def back(browser, answer):
    """What the console says to the browser that comes back."""
    assert answer.is_redirect, answer.text
    return browser.get(answer.headers["location"].removeprefix(CONSOLE))


def sign_in(browser, outside, name):
    return back(browser, fill(outside, begin(browser, outside), username=name, password=PASSWORD))


@pytest.mark.parametrize(("role", "elsewhere"), [("read_only@shop", 403), ("company_administrator", 200)])
def test_a_group_at_the_provider_gives_its_role_here(make, outside, role, elsewhere):
    browser = make(role_of={"on-call": role}).browser()
    answer = sign_in(browser, outside, "ann")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert browser.get(PAGE).status_code == 200
    assert browser.get("/apps/other/connectors").status_code == elsewhere


def test_a_member_is_known_by_the_address_that_the_provider_verified(make, outside):
    browser = make().browser()
    assert sign_in(browser, outside, "app_member").status_code == 303
    assert browser.get(PAGE).status_code == 200


def test_a_member_whose_address_is_not_verified_stays_outside(make, outside):
    browser = make().browser()
    answer = sign_in(browser, outside, "app_administrator")
    assert answer.status_code == 403
    assert "no verified e-mail address" in answer.text
    assert browser.get(PAGE).status_code == 303


def test_groups_without_a_role_are_told_so(make, outside):
    answer = sign_in(make().browser(), outside, "cook")
    assert answer.status_code == 403
    assert "cook@example.com, but have no role here" in answer.text


def test_a_wrong_password_stays_at_the_provider_and_the_right_one_goes_on(make, outside):
    browser = make().browser()
    again = fill(outside, begin(browser, outside), username="ann", password="wrong")
    assert "Invalid username or password" in again.text
    assert browser.get(PAGE).status_code == 303
    assert back(browser, fill(outside, again, username="ann", password=PASSWORD)).headers["location"] == PAGE


def test_whoever_does_not_consent_reads_so_and_may_try_again(make, outside):
    browser = make(client_id="asks").browser()

    def asked():
        return fill(outside, begin(browser, outside), username="ann", password=PASSWORD)

    answer = back(browser, fill(outside, asked(), cancel="No"))
    assert answer.status_code == 403
    assert "The provider did not sign you in: access_denied. Try again." in answer.text
    assert browser.get(PAGE).status_code == 303
    assert back(browser, fill(outside, asked(), accept="Yes")).headers["location"] == PAGE


def test_a_wrong_secret_of_the_client_ends_in_a_page_that_says_so(make, outside):
    answer = sign_in(make(client_secret="wrong").browser(), outside, "ann")
    assert answer.status_code == 403
    assert "The provider did not take the sign-in (unauthorized_client)" in answer.text


def test_a_code_is_worth_nothing_to_whoever_did_not_begin(make, outside):
    browser = make().browser()
    answer = fill(outside, begin(browser, outside), username="ann", password=PASSWORD)
    code = re.search(r"code=([^&]+)", answer.headers["location"])[1]
    other = make().browser()
    state = re.search(r"state=([^&]+)", other.get("/sign-in/oidc").headers["location"])[1]
    refused = other.get(f"/sign-in/oidc/callback?code={code}&state={state}")
    assert refused.status_code == 403
    assert "did not take the sign-in (invalid_grant)" in refused.text
