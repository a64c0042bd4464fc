"""Apple's push service: provider tokens verified, one notification a collapse id and device; HTTP/1.1 will do here."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from testkit.vendors.credentials import derived_key
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

BUNDLE_ID = "com.example.app"
TEAM_ID = "EMUTEAM001"
KEY_ID = "EMUPUSH001"
KEY = derived_key("push notification key")

Object = dict[str, Any]
MAX_PAYLOAD = 4096
MAX_AGE = 3600
REASONS = {400: "BadDeviceToken", 403: "InvalidProviderToken", 404: "BadPath", 405: "MethodNotAllowed",
           410: "Unregistered", 413: "PayloadTooLarge", 429: "TooManyRequests", 500: "InternalServerError",
           503: "ServiceUnavailable"}
BY_RULE = {"dead": (410, "Unregistered"), "bad0": (400, "BadDeviceToken"), "0000": (400, "BadDeviceToken"),
           "fade": (400, "DeviceTokenNotForTopic"), "f100d": (429, "TooManyRequests")}
"""How tokens that begin so are answered; all other hexadecimal ones belong to a device."""
TYPES = frozenset({"alert", "background", "voip", "complication", "fileprovider", "mdm", "liveactivity", "location"})
routes: Routes[Apns] = Routes()


def token_key() -> str:
    """The token key as the .p8 text that Apple gives out."""
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def refuse(status: int, reason: str, **more: Any) -> Refused:
    """The exception that ends a request with Apple's error body."""
    return Refused(answer(status, {"reason": reason, **more}))


class Apns(Vendor):
    """The emulated service."""

    name = "apns"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.devices: dict[str, dict[str, Object]] = {}
        self.gone: dict[str, int] = {}
        self.tokens: set[str] = set()

    def serve(self, ask: Ask) -> Answer:
        """Verify the provider token, then find what is asked."""
        self._check_token(ask)
        found = routes.find(ask.method, ask.path)
        if found is None:
            wrong_method = bool(routes.methods(ask.path))
            raise refuse(405, "MethodNotAllowed") if wrong_method else refuse(404, "BadPath")
        return found[0](self, ask, **found[1])

    def _check_token(self, ask: Ask) -> None:
        if not ask.bearer:
            raise refuse(403, "MissingProviderToken")
        try:
            head = jwt.get_unverified_header(ask.bearer)
            claims = jwt.decode(ask.bearer, KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False})
        except jwt.InvalidTokenError:
            raise refuse(403, "InvalidProviderToken") from None
        if (head.get("kid"), claims.get("iss")) != (KEY_ID, TEAM_ID):
            raise refuse(403, "InvalidProviderToken")
        if self.world.now() - claims.get("iat", 0) > MAX_AGE:
            raise refuse(403, "ExpiredProviderToken")
        self.tokens.add(ask.bearer)

    def error(self, status: int) -> Answer:
        """Apple's error body for a status."""
        more = {"timestamp": int(self.world.now() * 1000)} if status == 410 else {}
        return answer(status, {"reason": REASONS.get(status, "InternalServerError"), **more})

    def inner_error(self, ask: Ask) -> Answer:
        """Apple hides no failure in a success: the device is gone."""
        del ask
        return self.error(410)

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """Apple does not say how long to wait."""
        del seconds
        return {}

    def state(self) -> Mapping[str, Any]:
        """By device token: what lies on the device, by collapse id; and how many provider tokens were seen."""
        return copy.deepcopy({"devices": self.devices, "gone": self.gone, "tokens": len(self.tokens)})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`gone` (token): the app was taken off this device a minute ago."""
        if what != "gone":
            return super().seed(what, values)
        self.gone[str(values["token"])] = int((self.world.now() - 60) * 1000)
        return values["token"]

    def reset(self) -> None:
        """Nothing on any device."""
        super().reset()
        self._begin()


@routes.on("POST", "/3/device/{token}")
def send(vendor: Apns, ask: Ask, token: str) -> Answer:
    """Take a notification; on the device it replaces the one with the same collapse id."""
    headers = ask.headers
    apns_id = headers.get("apns-id", "") or str(UUID(int=vendor.world.number()))
    _check_headers(headers, apns_id)
    _check_device(vendor, token)
    _check_payload(ask)
    held = vendor.devices.setdefault(token, {})
    collapse = headers.get("apns-collapse-id", "") or apns_id
    kind = "notification.replaced" if collapse in held else "notification.sent"
    held[collapse] = {"apns_id": apns_id, "type": headers.get("apns-push-type", "alert"), "payload": ask.json,
                      "priority": headers.get("apns-priority", "10"), "expiration": headers.get("apns-expiration", "")}
    vendor.note(kind, token, mark=apns_id, collapse_id=collapse)
    return Answer(200, b"", (("apns-id", apns_id),))


def _check_headers(headers: Mapping[str, str], apns_id: str) -> None:
    kind, priority = headers.get("apns-push-type", ""), headers.get("apns-priority", "10")
    try:
        UUID(apns_id)
    except ValueError:
        raise refuse(400, "BadMessageId") from None
    if "apns-topic" not in headers:
        raise refuse(400, "MissingTopic")
    if headers["apns-topic"] != BUNDLE_ID:
        raise refuse(400, "TopicDisallowed")
    if kind not in TYPES:
        raise refuse(400, "InvalidPushType")
    if priority not in ("1", "5", "10") or (kind == "background" and priority != "5"):
        raise refuse(400, "BadPriority")
    if not headers.get("apns-expiration", "0").isdigit():
        raise refuse(400, "BadExpirationDate")
    if len(headers.get("apns-collapse-id", "")) > 64:
        raise refuse(400, "BadCollapseId")


def _check_device(vendor: Apns, token: str) -> None:
    if token in vendor.gone:
        raise refuse(410, "Unregistered", timestamp=vendor.gone[token])
    if not re.fullmatch(r"([0-9a-fA-F]{2})+", token):
        raise refuse(400, "BadDeviceToken")
    found = next((refusal for start, refusal in BY_RULE.items() if token.startswith(start)), None)
    if found and found[0] == 410:
        raise Refused(vendor.error(410))
    if found:
        raise refuse(*found)


def _check_payload(ask: Ask) -> None:
    if not ask.body:
        raise refuse(400, "PayloadEmpty")
    if len(ask.body) > MAX_PAYLOAD:
        raise refuse(413, "PayloadTooLarge")
    if not isinstance(ask.json, dict) or not isinstance(ask.json.get("aps"), dict):
        raise refuse(400, "PayloadEmpty")
