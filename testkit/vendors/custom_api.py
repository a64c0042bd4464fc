"""A customer's own endpoint: takes anything, remembers it, checks signatures, answers as scripted."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from testkit.vendors import credentials
from testkit.vendors.exchange import JSON_HEADER, Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World

TOLERANCE = 300.0
USER_MEMBERS = ("user_id", "user", "userId", "email_address", "email")


class CustomApi(Vendor):
    """The emulated endpoint. Signatures are asked for only after `secret` was seeded."""

    name = "custom_api"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.secrets: list[bytes] = []
        self.answers: list[tuple[re.Pattern[str], Answer]] = []
        self.bearer = ""
        self.dedupe = False
        self.taken: list[dict[str, Any]] = []

    def serve(self, ask: Ask) -> Answer:
        """Check what is to be checked, then note the effect and answer."""
        if self.bearer and ask.bearer != self.bearer:
            return answer(401, {"error": "unauthorized", "message": "the bearer token is wrong or missing"})
        problem = self._signature_problem(ask) if self.secrets else ""
        if problem:
            return answer(401, {"error": "bad_signature", "message": problem})
        key = ask.headers.get("idempotency-key") or ask.headers.get("webhook-id", "")
        if self.dedupe and key:
            return self._once(ask, key)
        return self._take(ask, key)

    def _once(self, ask: Ask, key: str) -> Answer:
        digest = sha256(ask.method.encode() + ask.target.encode() + ask.body).digest()
        verdict, kept = self.keys.find(key, digest)
        if verdict == "other":
            return answer(422, {"error": "key_reused", "message": "the key was used with another request"})
        if verdict == "busy":
            return answer(409, {"error": "key_in_use", "message": "an earlier request with this key still runs"})
        if kept is not None:
            self.world.ledger.replay(self.id, key)
            return kept
        reply = self._take(ask, key)
        self.keys.keep(key, digest, reply)
        return reply

    def _take(self, ask: Ask, key: str) -> Answer:
        reply = next((one for pattern, one in self.answers if pattern.search(ask.path)), None)
        number = self.world.number()
        reply = reply or answer(200, {"id": f"call-{number}", "ok": True})
        self.taken.append({"method": ask.method, "path": ask.path, "body": ask.body.decode("utf-8", "replace")})
        if 200 <= reply.status < 300 and ask.method != "GET":
            mark = ask.headers.get("x-request-id", "")
            self.note("call.taken", _user(ask), key=key, mark=mark, method=ask.method, path=ask.path, number=number)
        return reply

    def _signature_problem(self, ask: Ask) -> str:
        """What is wrong with the Standard Webhooks signature; empty where it is right."""
        id, stamp = ask.headers.get("webhook-id", ""), ask.headers.get("webhook-timestamp", "")
        if not id or not stamp.isdigit():
            return "webhook-id or webhook-timestamp is missing"
        if abs(self.world.now() - int(stamp)) > TOLERANCE:
            return "webhook-timestamp lies too far from now"
        signed = b".".join((id.encode(), stamp.encode(), ask.body))
        given = [one.removeprefix("v1,") for one in ask.headers.get("webhook-signature", "").split()
                 if one.startswith("v1,")]
        wanted = [b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in self.secrets]
        fits = any(hmac.compare_digest(one, other) for one in given for other in wanted)
        return "" if fits else "webhook-signature does not fit the body"

    def inner_error(self, ask: Ask) -> Answer:
        """A failure that only the body tells."""
        return answer(200, {"ok": False, "error": {"code": "refused", "message": "refused by the emulator's script",
                                                   "path": ask.path}})

    def state(self) -> Mapping[str, Any]:
        """The calls that were taken."""
        return copy.deepcopy({"calls": self.taken, "signed": bool(self.secrets), "dedupe": self.dedupe})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`secret` (secret), `bearer` (token), `dedupe` (on), `answer` (path, status, body, headers)."""
        if what == "secret":
            text = str(values.get("secret", credentials.CUSTOM_WEBHOOK_SECRET))
            self.secrets.append(b64decode(text.removeprefix("whsec_")))
        elif what == "bearer":
            self.bearer = str(values.get("token", credentials.CUSTOM_API_KEY))
        elif what == "dedupe":
            self.dedupe = bool(values.get("on", True))
        elif what == "answer":
            headers = (*JSON_HEADER, *((name, str(value)) for name, value in values.get("headers", {}).items()))
            body = answer(200, values.get("body", {})).body
            reply = Answer(values.get("status", 200), body, headers)
            self.answers.insert(0, (re.compile(values.get("path", "")), reply))
        else:
            return super().seed(what, values)
        return what

    def reset(self) -> None:
        """No secret, no script, no calls."""
        super().reset()
        self._begin()


def _user(ask: Ask) -> str:
    """Whom a call concerns: a member, field or parameter that is named as users usually are."""
    given = ask.json if isinstance(ask.json, dict) else dict(ask.form or ask.query)
    return next((str(given[name]) for name in USER_MEMBERS if given.get(name)), "")
