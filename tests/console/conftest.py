"""A console over a store in memory, with one member for each role; as browsers and programs see it."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from console.app import create_app
from console.options import ConsoleOptions, NoAudit
from console.pasts import Pasts
from console.reads import Reads
from console.security import passwords
from console.security.sessions import Seal, Session, cookie_name
from console.visit import Console
from processor.access import Company, Role, company_errors, content_of, mint
from processor.access.roles import Permission
from processor.config import secrets
from processor.config.content import Compiler
from processor.config.keyring import Keyring, new_key
from processor.config.memory_store import MemoryStore
from processor.config.store import COMPANY
from processor.config.vault import Access
from processor.settings import ConsoleSettings

KEY = "k" * 48
NOW = 1_800_000_000.0
CANARY = "sk_test_canary_8d1f0c77e2"
"""A secret that no page, answer or log may hold."""
PASSWORD = "correct horse battery"
TOKEN_BYTES = {role: bytes([at + 1]) * 32 for at, role in enumerate(Role)}
HOST = "http://console.test"


def address(role: Role) -> str:
    return f"{role.value}@example.com"


def company() -> dict[str, Any]:
    """A member for each role, in all apps or in `shop`; one of them with a password; a token for each."""
    members = [{"email": address(role), "roles": {("*" if role is Role.COMPANY_ADMINISTRATOR else "shop"): role.value}}
               for role in Role]
    tokens = [mint(TOKEN_BYTES[role], Permission, ["*"], now=0, member=address(role), title=role.value).token
              for role in Role]
    made = Company(members=members, tokens=tokens, accounts=[
        {"email": address(Role.COMPANY_ADMINISTRATOR), "password": hashed()}])
    return dict(content_of(made))


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """argon2 is slow by design; here it is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
        patch.setattr(passwords, "_hasher", lambda: cheap)
        passwords._nobody.cache_clear()
        yield
    passwords._nobody.cache_clear()


def hashed() -> str:
    found = getattr(hashed, "made", None)
    if found is None:
        found = hashed.made = passwords.hashed(PASSWORD)  # once: argon2 is slow by design
    return found


SHOP = {
    "app": {"title": "Shop"},
    "connectors": {
        "stripe": {"settings": {"api_key": "env:STRIPE_KEY"}},
        "zendesk": {"active": False, "settings": {
            "domain": "shop.zendesk.com", "username": "agent@example.com", "api_key": "env:ZENDESK_KEY"}},
    },
    "prompts": {"save_offer": {"title": "Stay", "accept": [
        {"action": "stripe.apply_coupon", "params": {"coupon_id": "SAVE20"}}]}},
}
OTHER = {"app": {"title": "Other"}, "connectors": {}, "prompts": {}}
ENVIRON = {"STRIPE_KEY": CANARY, "ZENDESK_KEY": "zendesk_canary_key_77"}


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def no_dialling() -> contextlib.AbstractContextManager[Any]:
    raise AssertionError("this test calls no vendor")


def store_of(clock: Clock, contents: Mapping[str, Any] | None = None) -> MemoryStore:
    compiler = Compiler(ENVIRON, company=company_errors)
    return MemoryStore(compiler, {COMPANY: company(), "shop": SHOP, "other": OTHER, **(contents or {})}, clock=clock)


class Stand(NamedTuple):
    """A console and what it stands on."""

    app: Any
    store: MemoryStore
    clock: Clock
    audit: NoAudit

    def begin_anew(self) -> None:
        """Everything as it was at first; quicker than another console."""
        console = self.app.state.console
        console.options = dataclasses.replace(console.options, store=store_of(self.clock))
        console.reads = Reads(console.options.store, 0.0)
        console.pasts = Pasts(console.options.store)

    def browser(self, role: Role | None = None, **session: Any) -> "Browser":
        """Somebody's browser; signed in where a role is given."""
        browser = Browser(self.app)
        if role is not None:
            browser.sign_in(Session(user=address(role), how="oidc", **session), self.clock())
        return browser

    def program(self, role: Role) -> TestClient:
        """A program with a token of the role's member."""
        text = mint(TOKEN_BYTES[role], Permission, ["*"], now=0).text
        return TestClient(self.app, HOST, headers={"Authorization": f"Bearer {text}"}, follow_redirects=False)


class Browser(TestClient):
    """Sends the token of its forms with each change, as our pages do."""

    csrf = "token-of-this-session"

    def __init__(self, app: Any) -> None:
        super().__init__(app, HOST, follow_redirects=False)

    def sign_in(self, session: Session, now: float) -> None:
        """As after a good sign-in."""
        kept = session._replace(began=now, seen=now, csrf=self.csrf)
        self.cookies.set(cookie_name(https=False), Seal([KEY]).write(kept))

    def submit(self, path: str, form: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Send a form of ours."""
        return self.post(path, data={"csrf": self.csrf, **(form or {})}, **options)


@pytest.fixture
def make_stand() -> Callable[..., Stand]:
    """Makes a console; `settings` and further options as given."""

    def make(settings: Mapping[str, Any] | None = None, contents: Mapping[str, Any] | None = None,
             **options: Any) -> Stand:
        clock, audit = Clock(), NoAudit()
        store = options.pop("store", None) or store_of(clock, contents)
        console = ConsoleSettings(**{"session_keys": [KEY], **(settings or {})})
        given = {"dialling": no_dialling, "audit": audit, "clock": clock, "freshness": 0.0, **options}
        app = create_app(ConsoleOptions(store, settings=console, **given))
        assert isinstance(app.state.console, Console)
        return Stand(app, store, clock, audit)

    return make


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    """A key that seals what is typed into secret fields, and opens it where apps are compiled."""
    _, text = new_key(lambda count: b"k" * count)
    secrets.configure(["env:SEAL"], Access(), {"SEAL": text}, Path())
    yield secrets.keyring()
    secrets.configure([], Access(), {}, Path())


@pytest.fixture
def stand(make_stand: Callable[..., Stand]) -> Iterator[Stand]:
    """A console with two apps and one member for each role."""
    return make_stand()
