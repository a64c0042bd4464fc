"""The console over real Kafka: a letter appears, is replayed from its page, and its result appears in Activity."""

import re
import time
from contextlib import ExitStack

import pytest
import yaml
from starlette.testclient import TestClient

from console.app import create_app
from console.options import NoAudit
from console.security.sessions import Seal, Session, cookie_name
from console.serving import over
from processor.access import Company, Role, content_of
from processor.config.file_store import FileStore
from processor.config.own import load_settings
from processor.config.source import compiler_of
from testkit.processor import apps
from testkit.processor.apps import call, event, stripe

KEY, CSRF, EMAIL = "k" * 40, "token-of-this-session", "olga@example.com"
COMPANY = Company(members=[{"email": EMAIL, "roles": {"*": Role.COMPANY_ADMINISTRATOR}}])
LETTERS, ACTIVITY, REPLAYS = "/apps/alpha/dead-letters", "/apps/alpha/activity", "/apps/alpha/replays"


@pytest.fixture
def site(site, topics, vendors):
    topics.make("audit", partitions=1)
    site.topics["audit"] = f"{topics.prefix}.audit"
    site.configure({
        "alpha/app": {"title": "Alpha"},
        "alpha/connectors": {"custom_api": apps.custom_api(vendors.url), "stripe": stripe(vendors.url)},
        "alpha/prompts": {"offer": {"accept": [
            call(id="before"), {"action": "stripe.apply_coupon", "params": {"coupon_id": "missing20"}}]}},
    })
    return site


@pytest.fixture
def browser(site):
    """A signed-in administrator before a console that follows the site."""
    environ = site.environment("console", console__session_keys=[KEY])
    settings = load_settings(environ, None)
    (site.folder / "config" / "company.yaml").write_text(yaml.safe_dump(dict(content_of(COMPANY))))
    store = FileStore(compiler_of(settings, environ))
    with ExitStack() as stack:
        options = over(settings, store, stack, audit=NoAudit())
        client = TestClient(create_app(options), "http://console.test", follow_redirects=True)
        now = time.time()
        session = Session(user=EMAIL, how="oidc", began=now, seen=now, csrf=CSRF)
        client.cookies.set(cookie_name(https=False), Seal([KEY]).write(session))
        yield client


def until(browser, path, fits, seconds=60):
    """The page, once it shows what is waited for."""
    end = time.monotonic() + seconds
    while True:
        text = browser.get(path).text
        if fits(text):
            return text
        assert time.monotonic() < end, text
        time.sleep(0.1)


def test_a_letter_appears_is_replayed_from_its_page_and_its_result_appears(site, browser, vendors):
    site.started()
    site.sync("alpha", {"anna": {"email_address": "anna@example.com"}})
    site.publish(event(1, "anna", "offer", time=int(time.time() * 1000)))
    listed = until(browser, LETTERS, lambda text: "resource_missing" in text)
    letter = re.search(rf'href="({LETTERS}/\w{{15}})"', listed)[1]
    page = browser.get(letter).text
    assert "No such coupon" in page
    assert "would run" in page
    event_path = re.search(rf'href="({ACTIVITY}/[^"]+)"', page)[1]
    failed = until(browser, event_path, lambda text: "Failed" in text)
    assert "stripe.apply_coupon" in failed
    assert letter in failed, "the event's page leads to its letter"

    vendors.seed("stripe", "coupon", id="missing20")  # mended
    plan = browser.post(REPLAYS, data={"csrf": CSRF, "ids": letter.rpartition("/")[2], "state": "all"})
    assert "<strong>1 letter</strong> would be replayed" in plan.text
    run = str(plan.url.path)
    browser.post(f"{run}/start", data={"csrf": CSRF, "rate": "50"})
    report = until(browser, run, lambda text: "Done" in text)
    assert "1 succeeded" in report
    replayed = until(browser, event_path, lambda text: "The chain, replay 1" in text)
    assert "Succeeded" in replayed
    assert until(browser, LETTERS, lambda text: "No open dead letters" in text)
    assert "Succeeded" in browser.get(letter).text
    assert len(vendors.ledger("stripe", "subscription.discount_added")) == 1
    assert len(vendors.ledger("custom_api")) == 1, "what had succeeded is not done again"

    health = until(browser, "/health", lambda text: "0 messages behind" in text)
    assert "Healthy" in health


def test_letters_are_closed_from_the_page_with_who_and_why(site, browser):
    site.started()
    site.sync("alpha", {"anna": {"email_address": "anna@example.com"}})
    site.publish(*(event(n, "anna", "offer", time=int(time.time() * 1000)) for n in range(3)))
    until(browser, LETTERS, lambda text: "3 letters" in text)
    form = {"csrf": CSRF, "which": "all", "state": "open", "confirm": "yes", "because": "the offer is over"}
    page = browser.post(f"{LETTERS}/close", data=form)
    until(browser, str(page.url.path), lambda text: "3 letters closed" in text)
    listed = until(browser, f"{LETTERS}?state=closed", lambda text: "3 letters" in text)
    letter = re.search(rf'href="({LETTERS}/\w{{15}})"', listed)[1]
    assert f"closed by {EMAIL}: the offer is over" in browser.get(letter).text
