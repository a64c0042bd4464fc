"""What a story is told with: people, a prompt, an app that has Zendesk; pages, and what goes in over Kafka."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from playwright.sync_api import Page

from connectors.kit.event import Event
from processor.config.store import Store
from testkit.browser.lens import Lens
from testkit.browser.pictures import Album
from testkit.processor.process import Processor
from testkit.processor.site import Site
from testkit.vendors import credentials
from testkit.vendors.client import Control

APP, TITLE, PROMPT = "streaming", "Streaming", "stay_offer"
HOME = f"/apps/{APP}"
PASSWORD = "a long walk to the sea"  # noqa: S105 - of people who are made up
MEMBERS: Mapping[str, str] = {"ada": "app_administrator", "max": "app_member", "rita": "read_only"}
CONTENT: Mapping[str, Any] = {
    "app": {"title": TITLE}, "prompts": {}, "connectors": {"zendesk": {"settings": {
        "domain": "streaming.zendesk.com", "username": credentials.ZENDESK_USERNAME,
        "api_key": "env:ZENDESK_API_KEY"}},
        "mixpanel": {"active": False, "settings": {
            "service_account_username": credentials.MIXPANEL_USERNAME, "service_account_password":
            "env:MIXPANEL_PASSWORD", "project_token": credentials.MIXPANEL_PROJECT_TOKEN,
            "project_id": credentials.MIXPANEL_PROJECT_ID}, "exports": {"export_prompt_event": {}}}}}
SECONDS = 30.0
"""Within these, what happens elsewhere must be seen."""


class Play(NamedTuple):
    """Who and what takes part."""

    site: Site
    processor: Processor
    vendors: Control
    page: Page
    lens: Lens
    store: Store
    album: Album | None = None

    def sign_in(self, name: str) -> None:
        """As a member, by address and password."""
        self.page.goto("/")
        self.page.get_by_label("E-mail address").fill(f"{name}@example.com")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, path: str) -> None:
        """Open a page of the app."""
        self.page.goto(f"{HOME}{path}")

    def sync(self, *users: str) -> None:
        """Tell the users' addresses."""
        self.site.sync(APP, {user: {"email_address": f"{user}@example.com"} for user in users})

    def answers(self, interaction: str, *users: str, first: int) -> None:
        """Users answer the prompt; their events are numbered from `first`."""
        now = int(time.time() * 1000)
        self.site.publish(*(Event(f"evt-{first + at}", APP, user, PROMPT, interaction, now)
                            for at, user in enumerate(users)))

    def taken(self, versions: int) -> None:
        """Wait until the processor has taken so many versions since it began: it may be a second behind."""
        self.processor.until(lambda: self.processor.metric("config_reloads_total", result="taken") >= versions, SECONDS,
                             f"{versions} versions taken")

    @property
    def version(self) -> int:
        """How many versions of the app were saved."""
        found = self.store.current(APP)
        return found.number if found else 0

    def until(self, path: str, text: str) -> None:
        """Load a page until it says this: what another process does takes its time."""
        end = time.monotonic() + SECONDS
        while True:
            self.go(path)
            if self.page.get_by_text(text).first.is_visible():
                return
            if time.monotonic() > end:
                raise AssertionError(f"{path} never said {text!r}: {self.page.locator('main').inner_text()}")
            self.page.wait_for_timeout(200)

    @property
    def discounts(self) -> Mapping[str, int]:
        """How often each customer got the coupon."""
        found = [one.user for one in self.vendors.ledger("stripe", "subscription.discount_added")]
        return {user: found.count(user) for user in sorted(set(found))}
