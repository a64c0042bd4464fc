"""Apple Push Notification service: notifications to the user's Apple devices, provider API over HTTP/2.

Reference: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID, uuid5

import orjson
from pydantic import AfterValidator, SecretStr, model_validator

from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Failure,
    Flow,
    Limits,
    Misconfigured,
    Params,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    Token,
    TokenFlow,
    Unavailable,
    all_of,
    failure,
    field,
    post,
    segment,
)
from connectors.kit.auth import private_key_problem, signed_jwt
from connectors.kit.device import NAMED_HELP, Device, DeviceEnd, check_size, custom_data, devices, to_each
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import Texts

PRODUCTION = "https://api.push.apple.com"
DEVELOPMENT = "https://api.sandbox.push.apple.com"
HOSTS = ("api.push.apple.com", "api.sandbox.push.apple.com", "api.development.push.apple.com")
TOKENS = "push_endpoints_apns"
"""Attribute that holds the user's device tokens."""
MAX_PAYLOAD = 4096
TOKEN_LIFE = 40 * 60
"""Seconds after which a provider token is renewed: Apple wants it between 20 and 60 minutes."""
NO_DEVICE = "0" * 64
"""A token that no device has, for the connection test."""
UNREGISTERED = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered", "ExpiredToken"})
WRONG_SETTINGS = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed"})
"""Refusals with status 400 that mean all calls; each 403 does."""
MEANINGS = {
    **dict.fromkeys(WRONG_SETTINGS, "the bundle id does not belong to this key"),
    "InvalidProviderToken": "the key, its id or the team id is wrong",
    "ExpiredProviderToken": "Apple finds the token too old; is this machine's clock right?",
    "BadEnvironmentKeyInToken": "the key is not meant for this environment",
    "TooManyProviderTokenUpdates": "Apple saw more than one new token in 20 minutes; do other servers use this key?",
}

_HEX = re.compile(r"([0-9a-f]{2}){8,100}")


class ApnsSettings(Settings):
    """One app at Apple, and the key that may send to it."""

    bundle_id: str = field("Bundle ID", pattern=r"^[A-Za-z0-9.-]+$", placeholder="com.example.app",
                           help="App Store Connect > the app > App Information.")
    team_id: str = field("Team ID", pattern=r"^[A-Z0-9]{10}$", help="10 characters: Apple Developer > Membership.")
    token_key: SecretStr = field(
        "Token Key (.p8)", help="Content of the key file for Apple Push Notifications: Apple Developer > Certificates,"
                                " Identifiers & Profiles > Keys. It can be downloaded once.",
    )
    token_key_id: str = field("Token Key ID", public=True, pattern=r"^[A-Z0-9]{10}$", help="10 characters.")
    environment: Literal["production", "development"] = field(
        "Environment", default="production",
        help="Development is for builds that Xcode installs; a device token belongs to one environment only.",
    )
    base_url: str = field(
        "API base URL", default="", placeholder=PRODUCTION, help="Instead of the environment's own address."
    )
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong = {"token_key": private_key_problem(self.token_key, "ES256")}
        if self.base_url:
            wrong["base_url"] = host_problem(self.base_url, HOSTS, test_hosts=self.allow_test_hosts)
        refuse({name: why for name, why in wrong.items() if why})
        return self


def provider_token(settings: ApnsSettings, now: float) -> TokenFlow:
    """A provider token, signed here: Apple is not asked, so nothing is yielded."""
    yield from ()
    claims = {"iss": settings.team_id, "iat": int(now)}
    value = signed_jwt(settings.token_key, claims, algorithm="ES256", headers={"kid": settings.token_key_id})
    return Token(value, now + TOKEN_LIFE)


def signer(settings: ApnsSettings) -> Sign:
    """The provider token, and the host of the environment."""
    usual = PRODUCTION if settings.environment == "production" else DEVELOPMENT
    base = settings.base_url.rstrip("/") or usual

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host and token."""
        held = context.token.value if context.token else ""
        lines = header_lines(request, (f"authorization: bearer {held}",))
        return Signed(request.method, address(base, request), lines, request.body)

    return sign


def reason_of(response: Response) -> str:
    """Apple's word for a refusal; "" where it gives none."""
    return str(response.member("reason") or "")


def read(_request: Request, response: Response) -> Failure | None:
    """By Apple's reason; what concerns one device only goes to the flow, which has others to send to."""
    reason = reason_of(response)
    if response.ok or response.status == 410 or reason in UNREGISTERED:
        return None
    message, told = MEANINGS.get(reason, ""), response.headers.get("apns-id", "")
    if reason in WRONG_SETTINGS or response.status == 403:
        stale = reason == "ExpiredProviderToken"
        code = reason or "http_403"
        return Misconfigured(code, message, status=response.status, request_id=told, stale_token=stale)
    if reason in ("IdleTimeout", "TooManyRequests"):  # the latter is about one device, so other calls need not wait
        return Unavailable(reason, message, status=response.status, request_id=told)
    return failure(response, reason, message or response.text[:200], request_id=told)


def check(settings: ApnsSettings) -> CheckFlow:
    """Send to a device that does not exist: only a good token gets as far as being told so."""
    yield post(f"/3/device/{NO_DEVICE}", headers=_headers(settings, "background", 0, 5), body=SILENT, step="check",
               effect=False, kept=True)
    return Account(settings.bundle_id, "live" if settings.environment == "production" else "sandbox")


connector = Connector(
    id="apns", title="Apple Push Notification service", category="push", settings=ApnsSettings, signer=signer,
    read=read, tokens={"": provider_token}, check=check, limits=Limits(concurrency=100), request_id_header="apns-id",
    help="Sends push notifications to the user's Apple devices.",
    docs="https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns",
    api_version="provider API 3, HTTP/2",
    confidence="Not tried against Apple. Whether Apple tells a repeated apns-id is not documented, so nothing relies"
               " on it. That a wrong key or bundle id is reported before an unknown device, on which the connection"
               " test relies, is not documented either. Apple serves HTTP/2 only, which the transport `requests` does"
               " not speak, and takes one team a connection: each app has connections of its own.",
)


def _short(text: str) -> str:
    if len(text.encode()) > 64 or not re.fullmatch(r"[!-~]*", text):
        raise ValueError("is at most 64 letters, digits and signs, without spaces")
    return text


def _no_member_of_ours(texts: dict[str, str]) -> dict[str, str]:
    taken = sorted({"aps", "deep_link", "image_url"}.intersection(texts))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be set here: the notification itself uses it")
    return texts


class Notification(Params):
    """What the user sees, and how long Apple tries to show it."""

    title: str = field("Title", min_length=1, help="The first line.")
    subtitle: str = field("Subtitle", default="", help="The line below the title; empty for none.")
    body: str = field("Text", min_length=1, help="What the notification says.")
    deep_link: str = field("Deep link", default="", help="The app gets it as deep_link.")
    image_url: str = field(
        "Image", default="", help="The app gets it as image_url; showing it needs a notification service extension."
    )
    sound: str = field("Sound", default="default", help="Empty: without a sound.")
    badge: int | None = field(
        "Badge", default=None, ge=0, le=2**31 - 1, help="The number on the app's icon; 0 takes it away."
    )
    silent: bool = field(
        "Silent", default=False, help="Wakes the app and shows nothing: the app gets the custom data only."
    )
    ttl_seconds: int = field("Keep trying for (seconds)", default=86_400, ge=0, help="0: Apple tries once.")
    collapse_id: Annotated[str, AfterValidator(_short)] = field(
        "Collapse id", default="", help="A later notification with the same id replaces this one on the device. Empty:"
                                        " each is replaced by its own repeat only.",
    )
    data: Annotated[Texts, AfterValidator(_no_member_of_ours)] = field(
        "Custom data", default={}, help="For the app, by name: fixed texts, or placeholders such as %first_name%; one"
                                        " that stands for nothing is left out.",
    )


def _compact(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None)}


SILENT = orjson.dumps({"aps": {"content-available": 1}})


def payload(call: Call[ApnsSettings, Notification]) -> bytes:
    """The notification as every device gets it; without escapes, which would count."""
    params = call.params
    custom = custom_data(call, params.data)
    if params.silent:
        return orjson.dumps({"aps": {"content-available": 1}, **custom})
    aps = {
        "alert": _compact({"title": params.title, "subtitle": params.subtitle, "body": params.body}),
        "sound": params.sound, "badge": params.badge, "mutable-content": 1 if params.image_url else None,
    }
    links = {"deep_link": params.deep_link, "image_url": params.image_url}
    return orjson.dumps({"aps": _compact(aps), **_compact(links), **custom})


def _headers(settings: ApnsSettings, kind: str, expires: int, priority: int, **more: str) -> dict[str, str]:
    return {"apns-topic": settings.bundle_id, "apns-push-type": kind, "apns-priority": str(priority),
            "apns-expiration": str(expires), **{name.replace("_", "-"): value for name, value in more.items()}}


@connector.action(
    "send_push", "Send push notification", params=Notification, requires=all_of(TOKENS),
    # Apple promises no recognition of repeats. The collapse id makes a repeat replace the notification on the
    # device, but the user may be alerted twice.
    repeat=Repeat.NEVER,
    help=f"To each of the user's devices: the attribute {TOKENS} holds their tokens, one or a list. {NAMED_HELP}"
         " Where an answer is lost, a person decides; sent again, the notification replaces itself on the device.",
)
def send_push(call: Call[ApnsSettings, Notification]) -> Flow:
    """One notification to each device; it is done if one of them is to get it."""
    found, body = devices(call, TOKENS, clean=str.lower), payload(call)
    check_size(body, MAX_PAYLOAD)
    return (yield from to_each(found, lambda device: _to(call, device, body), _end))


def _to(call: Call[ApnsSettings, Notification], device: Device, body: bytes) -> Request | DeviceEnd:
    """The request for one device; its ids are the same for every repeat."""
    if not _HEX.fullmatch(device.token):
        return DeviceEnd(device, "unregistered", reason="not_hexadecimal")
    params = call.params
    expires = int(call.now) + params.ttl_seconds if params.ttl_seconds else 0
    kind, priority = ("background", 5) if params.silent else ("alert", 10)
    headers = _headers(call.settings, kind, expires, priority, apns_collapse_id=params.collapse_id or call.key(),
                       apns_id=str(uuid5(UUID(call.outcome_id), device.token)))
    # Apple names no content type; it takes quickly changing connections for an attack, and refuses a second team on one
    # (https://developer.apple.com/forums/thread/702056)
    return post(f"/3/device/{segment(device.token)}", headers=headers, body=body, step=f"device_{device.name}",
                kept=True)


def _end(device: Device, response: Response) -> DeviceEnd:
    if response.ok:
        return DeviceEnd(device, "sent", response.headers.get("apns-id", ""))
    since = response.member("timestamp")
    more = {"since": _moment(since)} if isinstance(since, int) else {}
    return DeviceEnd(device, "unregistered", reason=reason_of(response) or f"http_{response.status}", more=more)


def _moment(milliseconds: int) -> str:
    """When Apple found the token to be gone: one that was registered later is good."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
