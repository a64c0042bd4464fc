"""The table of all routes, pages and API: which there are, and what each asks of whoever takes it."""

from __future__ import annotations

from console.api import about
from console.api import access as api_access
from console.api import configuration as api
from console.api import connectors as api_connectors
from console.api import prompts as api_prompts
from console.operations import OPERATIONS
from console.pages import (
    access,
    apps,
    audit,
    connector,
    connectors,
    export,
    files,
    home,
    picks,
    prompt,
    prompt_history,
    prompt_try,
    prompts,
    sign_in,
)
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
    Entry("GET", "/apps", apps.page, Open.SIGNED_IN),
    Entry("POST", "/apps", apps.make, Permission.CHANGE_APPS),
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
    Entry("GET", f"{CONNECTOR}/exports/{{export}}", export.show, Permission.SEE_SETTINGS),
    Entry("POST", f"{CONNECTOR}/exports/{{export}}", export.save, Permission.CHANGE_SETTINGS),
    Entry("POST", f"{CONNECTOR}/add", connector.add, Permission.CHANGE_APPS),
)
PROMPTS = (
    Entry("GET", f"{APP}/prompts", prompts.listed, Permission.SEE_BINDINGS),
    Entry("POST", f"{APP}/prompts", prompts.make, Permission.CHANGE_BINDINGS),
    Entry("GET", f"{APP}/prompts/{{prompt:path}}", prompt.show, Permission.SEE_BINDINGS),
    Entry("POST", f"{APP}/prompts/{{prompt:path}}", prompt.change, Permission.CHANGE_BINDINGS),
    Entry("GET", f"{APP}/try/{{prompt:path}}", prompt_try.show, Permission.CHANGE_BINDINGS),
    Entry("POST", f"{APP}/try/{{prompt:path}}", prompt_try.run, Permission.CHANGE_BINDINGS),
    Entry("GET", f"{APP}/prompt-history/{{prompt:path}}", prompt_history.show, Permission.SEE_BINDINGS),
    Entry("GET", f"{CONNECTOR}/picks/{{name}}", picks.part, Permission.CHANGE_BINDINGS),
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

API = "/api/v1"
V1 = f"{API}/apps/{{app}}"
ONE = f"{V1}/connectors/{{connector}}"
PROGRAMS = (
    Entry("GET", f"{API}/openapi.json", about.openapi, Open.ANYBODY, "This description"),
    Entry("GET", "/api", about.page, Open.SIGNED_IN),
    Entry("GET", f"{API}/apps", api.apps, Open.SIGNED_IN, "The apps that the token reaches"),
    Entry("POST", f"{API}/apps", api.make, Permission.CHANGE_APPS, "Make an app", 201),
    Entry("GET", f"{V1}/configuration", api.show, Permission.SEE_SETTINGS, "An app's configuration"),
    Entry("PUT", f"{V1}/configuration", api.apply, Permission.APPLY_CONFIGURATION, "Put a configuration live"),
    Entry("DELETE", V1, api.remove, Permission.CHANGE_APPS, "Remove an app"),
    Entry("POST", f"{V1}/configuration/plan", api.plan, Permission.SEE_SETTINGS, "What would change"),
    Entry("GET", f"{V1}/history", api.history, Permission.SEE_SETTINGS, "Versions, newest first"),
    Entry("GET", f"{V1}/history/{{number}}", api.past, Permission.SEE_SETTINGS, "An earlier version"),
    Entry("POST", f"{V1}/rollback", api.roll_back, Permission.ROLL_BACK_CONFIGURATION, "An earlier version again"),
    Entry("GET", f"{V1}/connectors", api_connectors.listed, Permission.SEE_SETTINGS, "Connectors and their states"),
    Entry("GET", ONE, api_connectors.show, Permission.SEE_SETTINGS, "A connector's settings, without secrets"),
    Entry("PUT", ONE, api_connectors.change, Permission.CHANGE_SETTINGS, "Change a connector"),
    Entry("DELETE", ONE, api_connectors.remove, Permission.CHANGE_SETTINGS, "Take a connector out of the app"),
    Entry("POST", f"{ONE}/test", api_connectors.test, Permission.CHANGE_SETTINGS, "Test the connection"),
    Entry("GET", f"{ONE}/schema", api_connectors.schema, Permission.SEE_SETTINGS, "JSON Schema of the settings"),
    Entry("GET", f"{ONE}/options/{{name}}", api_connectors.pick, Permission.CHANGE_BINDINGS, "What there is to pick"),
    Entry("GET", f"{V1}/prompts", api_prompts.listed, Permission.SEE_BINDINGS, "Prompts and what they set off"),
    Entry("GET", f"{V1}/prompts/{{prompt:path}}", api_prompts.show, Permission.SEE_BINDINGS, "A prompt"),
    Entry("PUT", f"{V1}/prompts/{{prompt:path}}", api_prompts.change, Permission.CHANGE_BINDINGS, "Change a prompt"),
    Entry("DELETE", f"{V1}/prompts/{{prompt:path}}", api_prompts.remove, Permission.CHANGE_BINDINGS,
          "Remove a prompt"),
    Entry("POST", f"{V1}/explain", api_prompts.explain, Permission.CHANGE_BINDINGS, "What would run for a user"),
    Entry("GET", f"{V1}/members", api_access.members, Permission.SEE_MEMBERS, "Members"),
    Entry("PUT", f"{V1}/members/{{email}}", api_access.change_member, Permission.CHANGE_MEMBERS, "A member's role"),
    Entry("DELETE", f"{V1}/members/{{email}}", api_access.remove_member, Permission.CHANGE_MEMBERS, "Remove a member",
          204),
    Entry("GET", f"{V1}/tokens", api_access.tokens, Permission.SEE_TOKENS, "Tokens"),
    Entry("POST", f"{V1}/tokens", api_access.make_token, Permission.CHANGE_TOKENS, "Make a token", 201),
    Entry("DELETE", f"{V1}/tokens/{{token}}", api_access.withdraw_token, Permission.CHANGE_TOKENS, "Withdraw a token",
          204),
    Entry("GET", f"{V1}/audit", api_access.audit, Permission.SEE_AUDIT, "The audit"),
)

ROUTES: tuple[Entry, ...] = (*SIGNING_IN, *EVERYWHERE, *SETTINGS, *PROMPTS, *ACCESS, *PROGRAMS, *OPERATIONS)
