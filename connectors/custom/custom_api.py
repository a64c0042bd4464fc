"""API actions: requests to a server of the customer's choice, described in the settings.

Placeholders (`%name%`) are filled from the prompt's form, the event and the user's attributes; credentials
(`%provider.name%`) only when the request is signed, so that nothing that is logged or kept holds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Self

from pydantic import SecretStr, model_validator

from connectors.custom._api_action import ApiAction, Compiled
from connectors.custom._api_request import IN_USE, filled_request
from connectors.custom._credentials import Credentials
from connectors.kit import (
    Call,
    Connector,
    Done,
    Failure,
    Flow,
    Limits,
    Option,
    OptionsFlow,
    Params,
    Rejected,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    Unavailable,
    failure,
    field,
)
from connectors.kit.endpoint import endpoint_problem
from connectors.kit.fields import refuse
from connectors.kit.http import FORM, address, header_lines
from connectors.kit.webhook import signature_headers, signing_key

LONGEST_WAIT = 300.0
"""Longest Retry-After that a receiver is obeyed for, in seconds."""


class CustomApiSettings(Settings):
    """The saved requests of an app, and the credentials they use."""

    credentials: dict[str, SecretStr] = field(
        "Credentials", default={}, help="By name; an action reaches one as %provider.<name>% and in no other way."
    )
    api_actions: dict[str, ApiAction] = field("API actions", default={}, help="By the name that a prompt refers to.")
    allowed_hosts: tuple[str, ...] = field(
        "Hosts that may be called", default=(),
        help="Exact names, with the port where it is not 443; left empty: those of the actions.",
    )
    credential_hosts: dict[str, tuple[str, ...]] = field(
        "Hosts that a credential may be sent to", default={}, public=True,
        help="By the credential's name; a credential that is not named here goes wherever an action sends it.",
    )
    signing_secret: SecretStr | None = field(
        "Signing secret", default=None,
        help="whsec_ and Base64: requests then carry webhook-id, webhook-timestamp and webhook-signature.",
    )
    allow_private_addresses: bool = field(
        "Allow private addresses", default=False, group="testing",
        help="Lets actions call http and addresses of private networks; for tests and closed networks only.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong: dict[tuple[str, ...], str] = {
            ("api_actions", name): self._problem(one.compiled) for name, one in self.api_actions.items()
        }
        if self.signing_secret is not None:
            wrong["signing_secret",] = _key_problem(self.signing_secret)
        for name in self.credential_hosts.keys() - self.credentials.keys():
            wrong["credential_hosts", name] = "names no credential; " + _listing(self.credentials)
        refuse({place: why for place, why in wrong.items() if why})
        return self

    def _problem(self, action: Compiled) -> str:
        """Why an action must not be called; "" where it may."""
        for name in sorted(action.credentials):
            if name not in self.credentials:
                return f"uses %provider.{name}%, which is no credential; {_listing(self.credentials)}"
            hosts = self.credential_hosts.get(name)
            if hosts is not None and action.endpoint.place not in hosts:
                return f"would send the credential '{name}' to {action.endpoint.place}, where it may not go"
        found = endpoint_problem(action.endpoint, self.allowed_hosts, private=self.allow_private_addresses)
        return f"url: {found}" if found else ""


def _key_problem(secret: SecretStr) -> str:
    try:
        signing_key(secret.get_secret_value())
    except ValueError as error:
        return str(error)
    return ""


def _listing(names: Mapping[str, Any]) -> str:
    return f"there are: {', '.join(sorted(names))}" if names else "there is none yet"


def signer(settings: CustomApiSettings) -> Sign:
    """Credentials where their marks stand and, if there is a signing secret, the proof over what goes out."""
    credentials = Credentials(settings.credentials)
    key = signing_key(settings.signing_secret.get_secret_value()) if settings.signing_secret else None

    def sign(request: Request, context: SignContext) -> Signed:
        """Fill in credentials, then sign."""
        form = request.headers.get("Content-Type", "").lower().startswith(FORM)
        body = credentials.body(request.body, form=form)
        lines = [credentials.header(line) for line in header_lines(request)]
        if key:
            message = request.headers.get("X-Request-Id") or context.nonce
            lines += signature_headers(key, message, context.now, body or b"")
        return Signed(request.method, credentials.url(address("", request)), lines, body)

    return sign


def read(_request: Request, response: Response) -> Failure | None:
    """Statuses mean what they say, but for one thing: a receiver that refuses one action says nothing of the others.

    No text of the answer is repeated, since receivers like to quote the key that they refuse.
    """
    status = response.status
    if 300 <= status < 400:
        return Rejected("redirect_not_followed", "the server sends elsewhere: write the final URL", status=status)
    if status in (401, 403):
        return Rejected(f"http_{status}", "the server refuses the credentials of this action", status=status)
    found = failure(response, message=f"the server answered {status}")
    if isinstance(found, Unavailable) and found.retry_after is not None:
        found.retry_after = min(found.retry_after, LONGEST_WAIT)
    return found


def saved_actions(settings: CustomApiSettings) -> OptionsFlow:
    """The saved actions, to pick from."""
    yield from ()
    return [Option(name, f"{one.method} {one.compiled.endpoint.place}") for name, one in settings.api_actions.items()]


connector = Connector(
    "custom_api", "API actions", "custom", CustomApiSettings, signer,
    help="Calls your own server, or any other, with a request that you describe.",
    docs="https://www.standardwebhooks.com",
    read=read,
    options={"api_actions": saved_actions},
    limits=Limits(concurrency=50, timeout=15.0),
    foreign_addresses=True,
)


class ApiActionParams(Params):
    """Which saved action to call."""

    api_action: str = field("API action", options="api_actions", min_length=1,
                            help="One of the requests saved in the settings.")


def _repeat(params: ApiActionParams, settings: CustomApiSettings) -> Repeat:
    action = settings.api_actions.get(params.api_action)
    return action.repeat if action else Repeat.NEVER


ApiCall = Call[CustomApiSettings, ApiActionParams]


@connector.action(
    "call_api", "Call an API action", params=ApiActionParams, repeat=Repeat.NEVER, repeat_of=_repeat,
    help="Sends the saved request. Every placeholder that it names must have a value, or a default.",
)
def call_api(call: ApiCall) -> Flow:
    """Fill the saved request and send it; the answer succeeds as the action says."""
    action = _action(call)
    response = yield filled_request(call, action)
    if action.idempotency_header and response.status in IN_USE.difference(action.success_status):
        raise Unavailable("key_in_use", "the server is still at an earlier try under this key", status=response.status,
                          unknown=True)
    _check_success(action, response)
    return Done(_reference(action, response), detail={"status": str(response.status)})


def _action(call: ApiCall) -> ApiAction:
    name, known = call.params.api_action, call.settings.api_actions
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    hint = f"did you mean '{near[0]}'?" if near else _listing(known)
    raise Rejected("unknown_api_action", f"there is no API action '{name}'; {hint}")


def _check_success(action: ApiAction, response: Response) -> None:
    """Raise Rejected unless the answer is what the action calls a success."""
    status = response.status
    if action.success_status and status not in action.success_status:
        raise Rejected("unexpected_status", f"the server answered {status}", status=status)
    if not action.success_member:
        return
    found, wanted = _member(response, action.success_member), action.success_equals
    if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        raise Rejected("unsuccessful_answer", f"{action.success_member} of the answer is not as wanted", status=status)


def _reference(action: ApiAction, response: Response) -> str:
    if not action.reference:
        return ""
    kind, _, name = action.reference.partition(":")
    if kind == "header":
        return response.headers.get(name.strip().lower(), "")[:256]
    found = _member(response, action.reference)
    return str(found)[:256] if isinstance(found, (str, int, float)) else ""


def _member(response: Response, path: str) -> Any:
    return response.member(*(int(part) if part.isdecimal() else part for part in path.split(".")))
