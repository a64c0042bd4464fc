"""Health in the browser."""

import pytest

from console.health import Health, Reading
from console.health.processors import Processor
from console.health.watching import DrawnUp
from processor.access import Role
from processor.books.balance import Books, Difference, PartitionBooks
from processor.settings import ProcessorSettings
from processor.waiting import Group
from testkit.letters import CODEC

NOW = 1_800_000_000.0
MEMBER, COMPANY = Role.APP_MEMBER, Role.COMPANY_ADMINISTRATOR
GROUPS = [Group("shop", "stripe", "circuit", 3, int(NOW * 1000) - 60_000, "e7", int(NOW * 1000) + 5000)]


@pytest.fixture
def health():
    made = Health(ProcessorSettings(), CODEC, None)
    made.reading = Reading(NOW, {"prompt.interactions": 12}, [Processor("http://one:9464/metrics", True, True, "")])
    yield made
    made.close()


@pytest.fixture
def stand(make_stand, health, office):
    return make_stand(health=health, letters=office.letters, waiting=lambda app: GROUPS if app == "shop" else ())


def test_it_begins_with_one_sentence(stand):
    text = stand.browser(MEMBER).get("/apps/shop/health").text
    assert "Not quite well" in text
    assert "Stripe is down: 3 chains wait, the oldest for 1 min." in text
    assert "12 messages behind" in text
    assert "/apps/shop/activity/e7" in text


def test_an_app_hears_nothing_of_others_and_nothing_of_machines(stand):
    text = stand.browser(MEMBER).get("/apps/shop/health").text
    assert "http://one:9464" not in text
    assert stand.browser(MEMBER).get("/health").status_code == 403
    other = stand.browser(COMPANY).get("/apps/other/health").text
    assert "Healthy" in other
    assert "Stripe is down" not in other


def test_the_company_sees_processors_and_connectors_of_all_apps(stand):
    text = stand.browser(COMPANY).get("/health").text
    assert "http://one:9464/metrics" in text
    assert "Takes events" in text
    assert "Held back: vendor down" in text
    assert "They were not drawn up" in text


def test_books_that_do_not_balance_name_their_events(stand, health):
    lost = Difference("lost", 0, "shop", "e9", "no trace")
    health.books = DrawnUp(Books([PartitionBooks(0, units=5, finished=4, lost=1)], [lost], 1), NOW, 24)
    text = stand.browser(COMPANY).get("/health").text
    assert "In trouble" in text
    assert "/apps/shop/activity/e9" in text
    assert "1 lost" in text


def test_books_are_drawn_up_on_demand(stand, health, monkeypatch):
    monkeypatch.setattr("console.health.watching.read_books", lambda *_, **__: Books([PartitionBooks(0)], [], 0))
    health._configured = type("Configured", (), {"refresh": lambda _self: None})()
    browser = stand.browser(COMPANY)
    assert browser.submit("/health/books", {"hours": "1"}).status_code == 303
    assert health.works.all("books")[0].wait(10)
    assert "Drawn up at" in browser.get("/health").text
    assert browser.submit("/health/books", {"hours": "often"}).status_code == 422


def test_where_nothing_is_known_it_says_what_to_do(make_stand):
    assert "started without Kafka" in make_stand().browser(MEMBER).get("/apps/shop/health").text
