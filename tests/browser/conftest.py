"""Debian's Chromium, driven by Playwright; skipped by name and reason where there is none."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from processor.config.keyring import new_key
from processor.config.own import load_settings
from processor.config.source import opened_store
from testkit.browser.lens import Lens
from testkit.browser.pictures import DOCUMENTED, Album
from testkit.browser.play import APP, CONTENT, MEMBERS, PASSWORD, Play
from testkit.browser.served import ServedConsole
from testkit.processor.site import Site
from testkit.vendors import credentials
from testkit.vendors.server import VendorServer

CHROMIUM = "TESTKIT_CHROMIUM"
REQUIRE = "TESTKIT_REQUIRE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome")
COMPACT = {"cleanup.policy": "compact", "max.message.bytes": "4194304"}
QUICK = {"join_grace": 2, "retry__base": 0.05, "retry__cap": 0.5, "retry__park_after": 0.4, "drain": 5,
         "http__timeout": 5, "misconfigured_pause": 20, "checkpoint__interval": 0.05}
LANGUAGE, ZONE = "en-GB", "Europe/Berlin"


def pytest_addoption(parser):
    parser.addoption("--pictures", default=None, help="a folder that gets pictures for the documentation")
    parser.addoption("--every-picture", action="store_true", help="... and of all other pages too")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.mock_cannot("transactions and groups of whole processors"))


@pytest.fixture(scope="session")
def chromium():
    """The browser's path."""
    found = os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        told = f"no Chromium here: apt-get install chromium, or name one in {CHROMIUM}"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(told, pytrace=False)
        pytest.skip(told)
    return found


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser):
    """Opens a browser of somebody's own; `javascript=False` without."""
    contexts = []

    def opened(base_url, *, javascript=True):
        context = browser.new_context(base_url=base_url, java_script_enabled=javascript, locale=LANGUAGE,
                                      timezone_id=ZONE)
        context.set_default_timeout(30_000)
        contexts.append(context)
        return context.new_page()

    yield opened
    for one in contexts:
        one.close()


@pytest.fixture
def pictures(pytestconfig):
    """Where pictures are kept; None where nobody asked for them."""
    folder = pytestconfig.getoption("--pictures", default=None)
    every = pytestconfig.getoption("--every-picture", default=False)
    return Album(Path(folder).resolve(), None if every else DOCUMENTED) if folder else None


@pytest.fixture(scope="session")
def vendor_server():
    with VendorServer(own_process=True, keep=10_000) as server:
        yield server


@pytest.fixture
def vendors(vendor_server):
    """The emulators, as new."""
    control = vendor_server.control()
    control.reset(seed=1)
    return control


@pytest.fixture
def site(real_broker, topics, tmp_path, vendors, vendor_server):
    """Topics, configuration in a topic, a key that seals secrets, and vendors that are emulated."""
    url = vendor_server.base_url
    overrides = {name: {"base_url": f"{url}/{name}", "allow_test_hosts": "true"} for name in ("stripe", "zendesk")}
    made = Site(topics, tmp_path, environ={**credentials.environment(url), "SEAL": new_key()[1]},
                config_source="topic", secrets__keys=["env:SEAL"], overrides=overrides, **QUICK)
    made.topics |= topics.make("config", partitions=1, config=COMPACT)
    made.topics |= topics.make("audit", partitions=1)
    (tmp_path / "config").mkdir()
    yield made
    made.close()


@pytest.fixture
def store(site):
    """The configuration: an app that has Zendesk, and no prompt yet."""
    environ = site.environment("desk")
    with opened_store(load_settings(environ, None), environ) as found:
        found.apply(APP, CONTENT, base=0, by="setup", note="the app")
        yield found


@pytest.fixture
def processor(site, store):
    return site.started()


@pytest.fixture
def console(site, processor):
    """The console as its own process, with a member for each role, beside a processor; its address."""
    environ = site.environment("console", console__session_keys=["k" * 40],
                               console__metrics_urls=[f"http://127.0.0.1:{processor.port}/metrics"])
    served = ServedConsole(environ, site.folder / "console.log")
    served.member("carl@example.com", PASSWORD, "company_administrator")
    for name, role in MEMBERS.items():
        served.member(f"{name}@example.com", PASSWORD, role, APP)
    yield served.start()
    served.close()


@pytest.fixture
def make_play(site, processor, vendors, store, console, visitor, pictures):
    """A play with a browser of its own; `javascript=False` without."""

    def made(**options):
        page = visitor(console, **options)
        return Play(site, processor, vendors, page, Lens(page, pictures), store, pictures)

    return made
