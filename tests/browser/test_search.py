"""A search through many dead letters goes on by itself in the browser, and by a link without JavaScript."""

import contextlib
import threading

import pytest

from console.configured import Configured
from console.letters import Letters, Standing
from console.options import ConsoleOptions, NoAudit
from console.security import passwords
from console.serving import address_of, listening, server
from processor.access import Company, Member, Role, content_of
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from processor.config.store import COMPANY
from processor.dead_letters.index import Change
from processor.settings import ProcessorSettings
from testkit.browser.lens import Lens
from testkit.letters import CODEC, NOON, failed_binding, key_of, letter_of

EMAIL, PASSWORD = "olga@example.com", "correct horse battery"
COUNT, FITTING = 300, (7, 150, 151)


def letter(number):
    text = "needle" if number in FITTING else "hay"
    return letter_of(f"e{number}", failed_binding(message=f"{text} {number}"), app="shop", at=NOON + number)


@contextlib.contextmanager
def served(options):
    """Where the console answers."""
    found = server(options)
    with listening(options.settings) as place:
        thread = threading.Thread(target=found.run, args=([place],))
        thread.start()
        try:
            yield address_of(place)
        finally:
            found.should_exit = True
            thread.join(30)


@pytest.fixture
def console(tmp_path, monkeypatch):
    """Three hundred letters, of which a page looks at forty."""
    monkeypatch.setattr("processor.dead_letters.looking.STRETCH", 40)
    monkeypatch.setattr("processor.dead_letters.index.BROAD", 1)
    monkeypatch.setattr("console.letters.office.LOOK_SECONDS", 0.0)
    settings = ProcessorSettings(console={"state_folder": tmp_path, "session_keys": ["k" * 40], "port": 0})
    member = Member(email=EMAIL, roles={"*": Role.COMPANY_ADMINISTRATOR})
    company = content_of(Company(members=(member,), accounts=(
        {"email": EMAIL, "password": passwords.hashed(PASSWORD)},)))
    store = MemoryStore(Compiler({}), {COMPANY: company, "shop": {"app": {"title": "Shop"}}})
    letters = Letters(settings, CODEC, Configured(store))
    with letters.desk() as desk:
        desk.index.apply([Change(0, at, key_of(one), CODEC.encode_dead_letter(one))
                          for at, one in enumerate(map(letter, range(COUNT)))], {0: COUNT})
        desk.index.built()
    letters.standing = Standing(filled=True)
    options = ConsoleOptions(store, contextlib.nullcontext, settings.console, audit=NoAudit(), letters=letters)
    with served(options) as address:
        yield address
    letters.close()


@pytest.fixture
def arrive(console, visitor):
    """A page of the search, signed in."""
    def arrived(*, javascript):
        page = visitor(console, javascript=javascript)
        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto("/apps/shop/dead-letters?text=needle")
        return page
    return arrived


def found(page):
    return page.locator("tbody .mono").all_inner_texts()


def test_the_page_looks_further_back_by_itself_until_all_was_looked_at(arrive, pictures):
    page = arrive(javascript=True)
    page.get_by_text(f"That is all: {COUNT} letters were looked at.").wait_for()
    assert found(page) == ["e151", "e150", "e7"]
    assert page.locator("tbody input[name=ids]").count() == len(FITTING)
    lens = Lens(page, pictures)
    lens.look("search")
    assert lens.findings == []


def test_without_javascript_a_link_looks_further_back(arrive):
    page, seen, links = arrive(javascript=False), [], 0
    while True:
        seen += found(page)
        link = page.get_by_role("link", name="Look further back")
        if not link.count():
            break
        link.click()
        links += 1
    assert seen == ["e151", "e150", "e7"]
    assert links > COUNT // 40 - 2
