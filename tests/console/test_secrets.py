"""A scan for canaries: secrets that no page, answer, header, cookie or log may hold, whatever is asked."""

import base64
import io
import json

import pytest

from console.routes import ROUTES
from console.security.guard import API
from processor.access import Role
from processor.config.store import COMPANY
from processor.log import configure

TYPED = "sk_test_typed_canary_55501"
HOOK = "whsec_" + base64.b64encode(b"a canary that signs webhooks ok!").decode()
IN_PATHS = {"app": "shop", "connector": "stripe", "name": "coupons", "number": "2", "prompt": "save_offer",
            "interaction": "accept", "email": "app_member@example.com"}


def paths(entry):
    found = "/".join(IN_PATHS.get(one.strip("{}").split(":")[0], "x") if one.startswith("{") else one
                     for one in entry.path.split("/"))
    if "{connector}" in entry.path:
        return [found, found.replace("stripe", "custom_api"), found.replace("stripe", "recurly")]
    return [found]


@pytest.fixture
def log():
    stream = io.StringIO()
    configure("json", "debug", stream)
    yield stream
    configure()


@pytest.fixture
def planted(make_stand, keyring, log):
    """Secrets of every kind: in the environment, sealed, typed and refused, of accounts, tokens and sessions."""
    stand = make_stand()
    browser = stand.browser(Role.COMPANY_ADMINISTRATOR)
    browser.submit("/apps/shop/connectors/custom_api", {
        "base": "1", "s.credentials+name": "one", "s.credentials+value": TYPED, "s.signing_secret": HOOK})
    browser.submit("/apps/shop/connectors/stripe", {"base": "2", "active": "yes", "s.api_key": TYPED})
    assert stand.store.current("shop").number == 3, "the canaries are where they belong"
    browser.submit("/apps/shop/connectors/recurly", {"base": "3", "active": "yes", "s.api_key": TYPED, "s.site": "!"})
    return stand


def canaries(stand):
    company, shop = (json.dumps(stand.store.current(name).content) for name in (COMPANY, "shop"))
    sealed = [part for part in shop.replace('"', " ").split() if part.startswith("sealed:")]
    hashes = [part for part in company.replace('"', " ").split() if part.startswith(("$argon2", "sha256:"))]
    assert sealed
    assert hashes
    return [TYPED, HOOK, "sk_test_canary_8d1f0c77e2", "zendesk_canary_key_77", "k" * 48, "correct horse battery",
            *sealed, *hashes]


def test_no_secret_leaves_the_console_in_any_answer_or_log(planted, log):
    secrets = canaries(planted)
    leaks = []
    asked = 0
    for role in (Role.COMPANY_ADMINISTRATOR, Role.APP_ADMINISTRATOR):
        for entry in [one for one in ROUTES if one.method in ("GET", "POST") and "sign-" not in one.path]:
            for path in paths(entry):
                api = entry.path.startswith(API)
                client = planted.program(role) if api else planted.browser(role)
                answer = (client.get(path) if entry.method == "GET" else client.post(path, json={}) if api
                          else client.submit(path, {"base": "0", "s.api_key": TYPED, "password": TYPED}))
                asked += 1
                told = answer.text + str(dict(answer.headers))
                leaks += [(entry.method, path, one[:12]) for one in secrets if one in told]
    assert leaks == []
    assert asked > 100
    assert [one[:12] for one in secrets if one in log.getvalue()] == []


def test_a_bug_of_ours_shows_no_secret_and_no_trace(planted, log, monkeypatch):
    def broken(*_given):
        raise RuntimeError(f"something with {TYPED}")

    monkeypatch.setattr("console.pages.connector.needs_of", broken)
    answer = planted.browser(Role.APP_ADMINISTRATOR).get("/apps/shop/connectors/stripe")
    assert answer.status_code == 500
    assert "Its number in the console" in answer.text
    assert '"error": "RuntimeError"' in log.getvalue()
    assert TYPED not in answer.text + log.getvalue()
    assert "Traceback" not in answer.text
    assert "x-content-type-options" in answer.headers
