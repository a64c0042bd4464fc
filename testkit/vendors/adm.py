"""Amazon Device Messaging: tokens by client credentials, data-only messages, consolidation while a device is away."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import orjson

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World

CLIENT_ID = "amzn1.application-oa2-client.emulator"
CLIENT_SECRET = "adm-emulator-secret"  # noqa: S105 - opens nothing but the emulator

Object = dict[str, Any]
LIFETIME = 3600
MAX_DATA = 6 * 1024
VERSION = "com.amazon.device.messaging.ADMMessage@1.0"
ACCEPTED = "com.amazon.device.messaging.ADMSendResult@1.0"
REASONS = {400: "InvalidRegistrationId", 401: "AccessTokenExpired", 413: "MessageTooLarge", 429: "MaxRateExceeded",
           500: "InternalServerError", 503: "ServiceUnavailable"}
BY_RULE = {"gone": "Unregistered", "invalid": "InvalidRegistrationId", "prompt-actions": "InvalidRegistrationId"}
"""How registration ids that begin so are refused; those that begin with `old` have been replaced."""
routes: Routes[Adm] = Routes()


def refuse(status: int, reason: str) -> Refused:
    """The exception that ends a request with Amazon's error body."""
    return Refused(answer(status, {"reason": reason}))


class Adm(Vendor):
    """The emulated service. Devices whose ids begin with `away` get their messages when they come back."""

    name = "adm"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.devices: dict[str, list[Object]] = {}
        self.tokens: dict[str, float] = {}

    def serve(self, ask: Ask) -> Answer:
        """Check the access token, except where one is asked for; every answer names its request."""
        request_id = ("X-Amzn-RequestId", f"adm-request-{self.world.number()}")
        try:
            return self._answer(ask).with_headers(request_id)
        except Refused as refused:
            return refused.reply.with_headers(request_id)

    def _answer(self, ask: Ask) -> Answer:
        found = routes.find(ask.method, ask.path)
        if found is None:
            return Answer(404)
        if ask.path != "/auth/O2/token":
            ends = self.tokens.get(ask.bearer)
            if ends is None:
                raise refuse(401, "InvalidAccessToken")
            if ends <= self.world.now():
                raise refuse(401, "AccessTokenExpired")
        return found[0](self, ask, **found[1])

    def error(self, status: int) -> Answer:
        """Amazon's error body for a status."""
        return answer(status, {"reason": REASONS.get(status, "InternalServerError")})

    def inner_error(self, ask: Ask) -> Answer:
        """Amazon hides no failure in a success: the device is gone."""
        del ask
        return answer(400, {"reason": "Unregistered"})

    def state(self) -> Mapping[str, Any]:
        """By registration id: what was delivered or waits, in order; and how many access tokens were given."""
        return copy.deepcopy({"devices": self.devices, "tokens": len(self.tokens)})

    def reset(self) -> None:
        """Nothing on any device."""
        super().reset()
        self._begin()


@routes.on("POST", "/auth/O2/token")
def token(vendor: Adm, ask: Ask) -> Answer:
    """An access token for the right credentials and scope."""
    form = dict(ask.form)
    problem = ""
    if form.get("grant_type") != "client_credentials":
        problem = "unsupported_grant_type"
    elif (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        problem = "invalid_client"
    elif form.get("scope") != "messaging:push":
        problem = "invalid_scope"
    if problem:
        raise Refused(answer(400, {"error": problem, "error_description": "refused by the emulator"}))
    made = f"Atc|emulator-{vendor.world.number()}"
    vendor.tokens[made] = vendor.world.now() + LIFETIME
    return answer(200, {"access_token": made, "expires_in": LIFETIME, "scope": "messaging:push",
                        "token_type": "bearer"})


@routes.on("POST", "/messaging/registrations/{registration}/messages")
def send(vendor: Adm, ask: Ask, registration: str) -> Answer:
    """Take a message; one that waits for the device is replaced by a later one with the same key."""
    if (ask.headers.get("x-amzn-type-version"), ask.headers.get("x-amzn-accept-type")) != (VERSION, ACCEPTED):
        raise refuse(400, "InvalidType")
    body = ask.json if isinstance(ask.json, dict) else {}
    _check(body)
    found = next((reason for start, reason in BY_RULE.items() if registration.startswith(start)), "")
    if found:
        raise refuse(400, found)
    _deliver(vendor, registration, body)
    named = registration.replace("old", "new", 1) if registration.startswith("old") else registration
    return answer(200, {"registrationID": named})


def _check(body: Object) -> None:
    data, key = body.get("data"), body.get("consolidationKey", "")
    if not isinstance(data, dict) or any(not isinstance(value, str) for value in data.values()):
        raise refuse(400, "InvalidData")
    if not isinstance(key, str) or len(key) > 64:
        raise refuse(400, "InvalidConsolidationKey")
    expires = body.get("expiresAfter", 604_800)
    if not isinstance(expires, int) or not 60 <= expires <= 2_678_400:
        raise refuse(400, "InvalidExpiration")
    if body.get("priority", "normal") not in ("normal", "high"):
        raise refuse(400, "InvalidData")
    if len(orjson.dumps(data)) > MAX_DATA:
        raise refuse(413, "MessageTooLarge")


def _deliver(vendor: Adm, registration: str, body: Object) -> None:
    held, key = vendor.devices.setdefault(registration, []), body.get("consolidationKey", "")
    waiting = next((one for one in held if key and one.get("consolidationKey") == key), None)
    if waiting is not None and registration.startswith("away"):
        held.remove(waiting)
        vendor.note("message.consolidated", registration, mark=key)
    else:
        vendor.note("message.sent", registration, mark=key)
    held.append(body)
