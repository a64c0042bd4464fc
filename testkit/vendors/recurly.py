"""Recurly: accounts, subscriptions, coupons, usage; idempotency keys that are kept for an hour.

By rule, every account has a subscription `s-<code>` to the plan `silver`; accounts whose code begins with `free` have
none, with `trial`, `paused`, `canceled` one in that state, with `missing` do not exist; where `broke` stands in the
code, the card does not pay.
"""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.recurly_calls import calls
from testkit.vendors.recurly_state import RecurlyState, error, refuse
from testkit.vendors.vendor import Vendor, World

API_KEY = "recurly-emulator-key"
VERSION = "application/vnd.recurly.v2021-02-25"
MAX_KEY = 255
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Recurly(Vendor):
    """The emulated Recurly site."""

    name = "recurly"
    keys_live = 3600.0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books = RecurlyState(world)

    def handle(self, ask: Ask) -> Answer:
        """As every vendor, with Recurly's headers."""
        reset = str(int(self.world.now()) + 60)
        return super().handle(ask).with_headers(
            ("X-Request-Id", f"req-{self.world.number():08d}"), ("X-RateLimit-Limit", "400"),
            ("X-RateLimit-Remaining", "399"), ("X-RateLimit-Reset", reset))

    def serve(self, ask: Ask) -> Answer:
        """Check key and version, then answer as before where the idempotency key is known."""
        if ask.basic != (API_KEY, ""):
            raise refuse(401, "The API key is invalid.")
        if ask.headers.get("accept", "").removesuffix("+json") != VERSION:
            raise refuse(406, "That accept header isn't in the format we use to specify an API version.")
        if ask.method in CHANGES and ask.content_type != "application/json":
            raise refuse(400, "The content type must be application/json.", "invalid_content_type")
        key = self.key_of(ask)
        return self._keyed(ask, key) if key else self._answered(ask)

    def _keyed(self, ask: Ask, key: str) -> Answer:
        if len(ask.headers["idempotency-key"]) > MAX_KEY:
            raise refuse(400, "Idempotency keys may be at most 255 characters long.")
        verdict, kept = self.keys.find(key, b"")
        if verdict == "busy":
            return error(409, "A request with this key is in flight.", "simultaneous_request").with_headers(
                ("Recurly-Should-Retry", "true"), ("Retry-After", "1"))
        if kept is not None:
            self.world.ledger.replay(self.id, ask.headers["idempotency-key"])
            return kept.with_headers(("Idempotency-Prior", "true"))
        reply = self._answered(ask)
        self.keys.keep(key, b"", reply)
        return reply

    def _answered(self, ask: Ask) -> Answer:
        found = calls.find(ask.method, ask.path)
        if found is None:
            return error(404, f"No such endpoint: {ask.method} {ask.path}")
        try:
            return found[0](self.books, ask, **found[1])
        except Refused as refused:
            return refused.reply

    def key_of(self, ask: Ask) -> str:
        """Keys belong to a method and a path."""
        key = ask.headers.get("idempotency-key", "")
        return f"{ask.method} {ask.path} {key}" if key and ask.method in CHANGES else ""

    def error(self, status: int) -> Answer:
        """Recurly's error body; 409 is a request in flight."""
        reply = error(status)
        return reply.with_headers(("Recurly-Should-Retry", "true")) if status == 409 else reply

    def inner_error(self, ask: Ask) -> Answer:
        """Recurly has no failures inside a success; this one shows what a client makes of a strange answer."""
        return answer(200, [{"error": "refused by the emulator's script", "path": ask.path}])

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """The moment at which the limit ends, and how long that is."""
        return {"X-RateLimit-Reset": str(int(self.world.now() + seconds)), "Retry-After": str(max(0, round(seconds)))}

    def state(self) -> Mapping[str, Any]:
        """All objects."""
        return self.books.shown()

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription`: `id`, `account` (its code), `plan` and any members."""
        if what != "subscription":
            return super().seed(what, values)
        members = dict(values)
        id, code, plan = members.pop("id"), members.pop("account"), members.pop("plan", "silver")
        self.books.account(f"code-{code}")
        return self.books.add(id, code, plan, **members)["id"]

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self.books.reset()
