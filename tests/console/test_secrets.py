"""A scan for canaries: secrets that no page, answer, header, cookie or log may hold, whatever is asked."""

import base64
import contextlib
import io
import json

import pytest

from connectors.kit.errors import Unavailable
from console.routes import ROUTES
from console.security.guard import API
from processor.access import Role
from processor.config.store import COMPANY
from processor.log import configure
from testkit import letter_office

TYPED = "sk_test_typed_canary_55501"
HOOK = "whsec_" + base64.b64encode(b"a canary that signs webhooks ok!").decode()
TYPED_IN = {"settings": {"api_key": TYPED, "site": "!"}, "active": True, "password": TYPED, "title": "t", "base": 1}
"""What is sent to each call of the API: taken or refused, it comes back from none."""
ORDER = ("GET", "POST", "PUT", "DELETE")
IN_PATHS = {"app": "shop", "connector": "stripe", "name": "coupons", "number": "2", "prompt": "save_offer",
            "interaction": "accept", "email": "app_member@example.com", "token": "nobody"}


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


@contextlib.contextmanager
def no_vendor():
    def dial(_used):
        raise Unavailable("no_network", "there is no vendor in this test")

    yield dial


@pytest.fixture
def planted(make_stand, keyring, log, tmp_path):
    """Secrets of every kind: in the environment, sealed, typed and refused, of accounts, tokens and sessions."""
    with letter_office.opened(tmp_path) as office:
        yield plant(make_stand(letters=office.letters, dialling=no_vendor))


def plant(stand):
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
        for entry in sorted((one for one in ROUTES if "sign-" not in one.path), key=gentle_first):
            for path in paths(entry):
                asked += 1
                told = told_by(planted, role, entry, path)
                leaks += [(entry.method, path, one[:12]) for one in secrets if one in told]
    assert leaks == []
    assert asked > 200
    assert [one[:12] for one in secrets if one in log.getvalue()] == []


def gentle_first(entry):
    """Reading first; what removes an app last."""
    return ORDER.index(entry.method), -len(entry.path)


def told_by(stand, role, entry, path):
    if entry.path.startswith(API):
        body = None if entry.method == "GET" else TYPED_IN
        answer = stand.program(role).request(entry.method, path, json=body)
    elif entry.method == "GET":
        answer = stand.browser(role).get(path)
    else:
        answer = stand.browser(role).submit(path, {"base": "0", "s.api_key": TYPED, "password": TYPED})
    return answer.text + str(dict(answer.headers))


def test_answers_to_what_cannot_be_taken_repeat_nothing_of_it(planted, log):
    browser, program = planted.browser(Role.APP_ADMINISTRATOR), planted.program(Role.APP_ADMINISTRATOR)
    typed = {"s.api_key": TYPED, "csrf": TYPED}
    answers = [
        browser.get("/nowhere", headers={"Cookie": f"x={TYPED}"}), browser.post("/apps/shop/connectors/stripe", data=typed),
        browser.request("PATCH", "/apps/shop/connectors/stripe", data=typed),
        browser.submit("/apps/shop/connectors/stripe", {"s.api_key": TYPED * 200_000}),
        browser.post("/apps/shop/connectors/stripe", content=TYPED, headers={"Content-Type": "multipart/form-data"}),
        browser.submit("/sign-in", {"email": "app_member@example.com", "password": TYPED}),
        program.put("/api/v1/apps/shop/connectors/stripe", content=f'{{"settings": "{TYPED}'),
        program.put("/api/v1/apps/shop/connectors/stripe", json={"settings": [TYPED], "x": TYPED}),
        program.get("/api/v1/apps", headers={"Authorization": f"Bearer {TYPED}"}),
    ]
    assert [one.status_code for one in answers if one.status_code < 400 or one.status_code == 500] == []
    assert [one.request.url.path for one in answers if TYPED in one.text + str(dict(one.headers))] == []
    assert TYPED not in log.getvalue()


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
