"""The table of all routes, pages and API: which there are, and what each asks of whoever takes it."""

from __future__ import annotations

from console.operations import OPERATIONS
from console.pages import access, audit, connector, connectors, files, home, sign_in
from console.security.guard import Open
from console.table import Entry
from processor.access import Permission

SIGNING_IN = (
    Entry("GET", "/sign-in", sign_in.page, Open.ANYBODY),
    Entry("POST", "/sign-in", sign_in.by_password, Open.ANYBODY),
    Entry("GET", "/sign-in/oidc", sign_in.to_provider, Open.ANYBODY),
    Entry("GET", "/sign-in/oidc/callback", sign_in.from_provider, Open.ANYBODY),
    Entry("POST", "/sign-out", sign_in.out, Open.ANYBODY),
)
EVERYWHERE = (
    Entry("GET", "/static/{name}", files.static, Open.ANYBODY),
    Entry("GET", "/favicon.ico", files.icon, Open.ANYBODY),
    Entry("GET", "/healthy", files.healthy, Open.ANYBODY),
    Entry("POST", "/theme", home.theme, Open.ANYBODY),
    Entry("GET", "/", home.home, Open.SIGNED_IN),
)
APP = "/apps/{app}"
CONNECTOR = f"{APP}/connectors/{{connector}}"
SETTINGS = (
    Entry("GET", f"{APP}/connectors", connectors.catalogue, Permission.SEE_SETTINGS),
    Entry("GET", CONNECTOR, connector.show, Permission.SEE_SETTINGS),
    Entry("POST", CONNECTOR, connector.save, Permission.CHANGE_SETTINGS),
    Entry("POST", f"{CONNECTOR}/test", connector.test, Permission.CHANGE_SETTINGS),
    Entry("POST", f"{CONNECTOR}/clear", connector.clear, Permission.SET_SECRETS),
    Entry("POST", f"{CONNECTOR}/remove", connector.remove, Permission.CHANGE_SETTINGS),
    Entry("POST", f"{CONNECTOR}/add", connector.add, Permission.CHANGE_APPS),
)
ACCESS = (
    Entry("GET", f"{APP}/access", access.members, Permission.SEE_MEMBERS),
    Entry("POST", f"{APP}/access/members", access.save_member, Permission.CHANGE_MEMBERS),
    Entry("POST", f"{APP}/access/members/change", access.change_member, Permission.CHANGE_MEMBERS),
    Entry("GET", f"{APP}/access/tokens", access.tokens, Permission.SEE_TOKENS),
    Entry("POST", f"{APP}/access/tokens", access.make_token, Permission.CHANGE_TOKENS),
    Entry("POST", f"{APP}/access/tokens/withdraw", access.withdraw_token, Permission.CHANGE_TOKENS),
    Entry("GET", f"{APP}/audit", audit.page, Permission.SEE_AUDIT),
    Entry("GET", "/password", access.own_password, Open.SIGNED_IN),
    Entry("POST", "/password", access.save_own_password, Open.SIGNED_IN),
)

ROUTES: tuple[Entry, ...] = (*SIGNING_IN, *EVERYWHERE, *SETTINGS, *ACCESS, *OPERATIONS)
