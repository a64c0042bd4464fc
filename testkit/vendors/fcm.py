"""Firebase Cloud Messaging: tokens for signed assertions, messages judged strictly, one notification a tag."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors import google_account
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

Object = dict[str, Any]
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
LIFETIME = 3600
MAX_PAYLOAD = 4096
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
            429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
CODES = {429: "QUOTA_EXCEEDED", 500: "INTERNAL", 503: "UNAVAILABLE"}
BY_RULE = {"gone": (404, "UNREGISTERED"), "other": (403, "SENDER_ID_MISMATCH"),
           "nokey": (401, "THIRD_PARTY_AUTH_ERROR")}
"""How tokens that begin so are answered; those that begin with `invalid` are malformed, all others are good."""
MEMBERS = frozenset({"token", "topic", "condition", "fid", "notification", "data", "android", "apns", "webpush",
                     "fcmOptions", "name"})
TARGETS = ("token", "topic", "condition", "fid")
routes: Routes[Fcm] = Routes()


def refuse(status: int, code: str, message: str, *details: Object) -> Refused:
    """The exception that ends a request with Google's error body and FCM's code."""
    told = [{"@type": FCM_ERROR, "errorCode": code}, *details] if code else list(details)
    return Refused(answer(status, {"error": {
        "code": status, "message": message, "status": STATUSES.get(status, "UNKNOWN"), "details": told}}))


def invalid(field: str, message: str) -> Refused:
    """The refusal of a member of the request."""
    return refuse(400, "INVALID_ARGUMENT", message, {
        "@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": message}]})


class Fcm(Vendor):
    """The emulated project."""

    name = "fcm"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.devices: dict[str, dict[str, Object]] = {}
        self.tokens: dict[str, float] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the access token, except where one is asked for."""
        found = routes.find(ask.method, ask.path)
        if found is None:
            return Answer(404)
        if ask.path != "/token" and self.tokens.get(ask.bearer, 0.0) <= self.world.now():
            raise refuse(401, "", "Request had invalid authentication credentials.")
        return found[0](self, ask, **found[1])

    def error(self, status: int) -> Answer:
        """Google's error body for a status."""
        return refuse(status, CODES.get(status, ""), "refused by the emulator's script").reply

    def inner_error(self, ask: Ask) -> Answer:
        """Google hides no failure in a success: the device is gone."""
        del ask
        return refuse(404, "UNREGISTERED", "Requested entity was not found.").reply

    def state(self) -> Mapping[str, Any]:
        """By registration token: what lies on the device, by tag; and how many access tokens were given."""
        return copy.deepcopy({"devices": self.devices, "tokens": len(self.tokens)})

    def reset(self) -> None:
        """Nothing on any device."""
        super().reset()
        self._begin()


@routes.on("POST", "/token")
def token(vendor: Fcm, ask: Ask) -> Answer:
    """An access token for a good assertion."""
    problem = google_account.assertion_problem(dict(ask.form), SCOPE, vendor.world.now())
    if problem:
        raise Refused(answer(400, {"error": problem, "error_description": "refused by the emulator"}))
    made = f"ya29.emulator-{vendor.world.number()}"
    vendor.tokens[made] = vendor.world.now() + LIFETIME
    return answer(200, {"access_token": made, "expires_in": LIFETIME, "token_type": "Bearer"})


@routes.on("POST", "/v1/projects/{project}/messages:send")
def send(vendor: Fcm, ask: Ask, project: str) -> Answer:
    """Take a message; on the device it replaces the one with the same tag."""
    if project != google_account.PROJECT:
        raise refuse(403, "", f"Permission 'cloudmessaging.messages.create' denied on resource 'projects/{project}'")
    body = ask.json if isinstance(ask.json, dict) else {}
    message = body.get("message")
    if not isinstance(message, dict):
        raise invalid("message", "Message is required")
    _check(message)
    if body.get("validateOnly") or body.get("validate_only"):
        return answer(200, {"name": f"projects/{project}/messages/fake_message_id"})
    if "token" in message:
        _check_device(message["token"])
    name = f"projects/{project}/messages/0:{vendor.world.number():016d}"
    _deliver(vendor, message, name)
    return answer(200, {"name": name})


def _check(message: Object) -> None:
    unknown = sorted(message.keys() - MEMBERS)
    if unknown:
        raise invalid("message", f"Invalid JSON payload received. Unknown name \"{unknown[0]}\" at 'message'")
    if len([one for one in TARGETS if message.get(one)]) != 1:
        raise invalid("message", "Recipient of the message is not set, or there are several")
    data, notification = message.get("data", {}), message.get("notification", {})
    if any(not isinstance(value, str) for value in data.values()):
        raise invalid("message.data", "Values of data are strings")
    if any(name in ("from", "message_type") or name.startswith(("google", "gcm")) for name in data):
        raise invalid("message.data", "Invalid data payload key")
    size = sum(len(f"{name}{value}".encode()) for name, value in [*data.items(), *notification.items()])
    if size > MAX_PAYLOAD:
        raise refuse(400, "INVALID_ARGUMENT", "Message is too big")


def _check_device(token: str) -> None:
    if token.startswith("invalid"):
        raise refuse(400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token")
    found = next((refusal for start, refusal in BY_RULE.items() if token.startswith(start)), None)
    if found:
        raise refuse(*found, "Requested entity was not found." if found[0] == 404 else found[1])


def _deliver(vendor: Fcm, message: Object, name: str) -> None:
    """Data is handed to the app each time; what is shown replaces what has the same tag."""
    target = next(message[one] for one in TARGETS if message.get(one))
    held = vendor.devices.setdefault(target, {})
    tag = message.get("android", {}).get("notification", {}).get("tag", "")
    kind = "notification.sent" if message.get("notification") else "data.sent"
    if tag and tag in held:
        kind = "notification.replaced"
    held[tag or name] = message
    vendor.note(kind, target, mark=tag, name=name)
