"""What the emulated Recurly site holds; accounts, subscriptions and coupons exist by rule, on demand."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import World, is_missing

DAY = 86400
Object = dict[str, Any]

PLANS: Mapping[str, float] = {"silver": 10.0, "gold": 20.0, "platinum": 40.0}
COUPONS: Mapping[str, Object] = {
    "SAVE20": {}, "TENOFF": {"discount": {"type": "fixed"}}, "ONCE": {"max_redemptions": 1},
    "FORSUB": {"redemption_resource": "subscription"}, "EXPIRED": {"state": "expired"},
    "BULK": {"coupon_type": "bulk"},
}
STATUSES = {
    400: "bad_request", 401: "unauthorized", 403: "invalid_permissions", 404: "not_found", 406: "invalid_api_version",
    422: "validation", 429: "rate_limited", 500: "internal_server_error", 503: "service_not_available",
}


def error(status: int, message: str = "", type: str = "", **more: Any) -> Answer:
    """Recurly's error body."""
    type = type or STATUSES.get(status, "internal_server_error")
    return answer(status, {"error": {"type": type, "message": message or f"The emulator says {type}.", **more}})


def refuse(status: int, message: str = "", type: str = "", **more: Any) -> Refused:
    """The exception that ends a request with Recurly's error body."""
    return Refused(error(status, message, type, **more))


def declined() -> Refused:
    """A card that does not pay."""
    return refuse(422, "The transaction was declined.", "transaction", transaction_error={
        "object": "transaction_error", "category": "soft", "code": "insufficient_funds",
        "message": "Your card has insufficient funds."})


class RecurlyState:
    """All objects, by id."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reset()

    def reset(self) -> None:
        """Begin anew with what exists by rule."""
        self.accounts: dict[str, Object] = {}
        self.subscriptions: dict[str, Object] = {}
        self.redemptions: dict[str, Object] = {}
        self.usage: dict[str, list[Object]] = {}
        self.coupons = {code: coupon(code) for code in COUPONS}

    def now(self) -> float:
        """Seconds since 1970."""
        return self.world.now()

    def id(self, prefix: str) -> str:
        """A new id."""
        return f"{prefix}{self.world.number():08d}"

    def stamp(self, seconds: float = 0.0) -> str:
        """A moment from now, as Recurly writes it."""
        return datetime.fromtimestamp(int(self.now() + seconds), UTC).isoformat().replace("+00:00", "Z")

    def account(self, segment: str) -> str:
        """The code behind a path segment; refuses an account that does not exist."""
        code = segment.removeprefix("code-")
        if not segment.startswith("code-") or is_missing(code):
            raise refuse(404, f"Couldn't find Account with id = {segment}")
        if code not in self.accounts:
            self.accounts[code] = {"id": f"a-{code}", "object": "account", "code": code, "state": "active"}
            if not code.startswith("free"):
                self.add(f"s-{code}", code, "silver", **self._by_rule(code))
        return code

    def _by_rule(self, code: str) -> Object:
        if code.startswith("trial"):
            return {"trial_started_at": self.stamp(-7 * DAY), "trial_ends_at": self.stamp(7 * DAY)}
        if code.startswith("paused"):
            return {"state": "paused", "paused_at": self.stamp(-DAY), "remaining_pause_cycles": 1}
        if code.startswith("canceled"):
            return {"state": "canceled", "canceled_at": self.stamp(-DAY), "expires_at": self.stamp(20 * DAY)}
        return {}

    def add(self, id: str, code: str, plan: str, *, started: float = -30 * DAY, **more: Any) -> Object:
        """A subscription of an account."""
        made = {
            "id": id, "object": "subscription", "uuid": f"uuid-{id}", "account": {"code": code}, "plan": a_plan(plan),
            "state": "active", "currency": "USD", "unit_amount": PLANS.get(plan, 10.0), "quantity": 1,
            "add_ons": [{"object": "subscription_add_on", "add_on": {"code": "gb", "add_on_type": "usage"}}],
            "pending_change": None, "trial_started_at": None, "trial_ends_at": None, "paused_at": None,
            "remaining_pause_cycles": None, "canceled_at": None, "expires_at": None,
            "created_at": self.stamp(started), "updated_at": self.stamp(started), "activated_at": self.stamp(started),
            "current_period_ends_at": self.stamp(20 * DAY), **more,
        }
        self.subscriptions[id] = made
        return made

    def of(self, code: str) -> list[Object]:
        """An account's subscriptions as they are now."""
        return [self.as_now(one) for one in self.subscriptions.values() if one["account"]["code"] == code]

    def subscription(self, id: str) -> Object:
        """A subscription as it is now; refuses an id that names none."""
        if id not in self.subscriptions:
            raise refuse(404, f"Couldn't find Subscription with id = {id}")
        return self.as_now(self.subscriptions[id])

    def as_now(self, one: Object) -> Object:
        """Let what was planned happen where its time has come."""
        now = self.stamp()
        if one["state"] == "canceled" and one["expires_at"] <= now:
            one["state"] = "expired"
        if one["state"] == "active" and one["remaining_pause_cycles"] and one["current_period_ends_at"] <= now:
            one["state"] = "paused"
        return one

    def coupon(self, id: str) -> Object | None:
        """The coupon with an id; any exists whose code does not begin with `missing`."""
        code = id.removeprefix("code-").removeprefix("c-")
        if not id.startswith(("c-", "code-")) or is_missing(code.lower()):
            return None
        found = self.coupons.setdefault(code, coupon(code))
        used = sum(one["coupon"]["code"] == code for one in self.redemptions.values())
        if found.get("max_redemptions") and used >= found["max_redemptions"]:
            found["state"] = "maxed_out"
        return found

    def pays(self, one: Object) -> None:
        """Refuse a charge to an account whose code has `broke` in it."""
        if "broke" in one["account"]["code"]:
            raise declined()

    def shown(self) -> Object:
        """Everything, as JSON."""
        return copy.deepcopy({
            "accounts": self.accounts, "subscriptions": self.subscriptions, "redemptions": self.redemptions,
            "usage": self.usage, "coupons": self.coupons,
        })


def a_plan(code: str) -> Object:
    """A plan as others refer to it."""
    return {"id": f"p-{code}", "object": "plan", "code": code, "name": code.title()}


def coupon(code: str) -> Object:
    """A coupon as Recurly shows it."""
    return {"id": f"c-{code}", "object": "coupon", "code": code, "name": code.title(), "state": "redeemable",
            "coupon_type": "single_code", "redemption_resource": "account", "discount": {"type": "percent"},
            **COUPONS.get(code, {})}


def page(rows: Sequence[Object], ask: Ask) -> Answer:
    """One page of a list."""
    limit, start = int(ask.value("limit", "20")), int(ask.value("cursor", "0"))
    if not 1 <= limit <= 200:
        raise refuse(400, "limit must be between 1 and 200")
    more = start + limit < len(rows)
    following = f"{ask.path}?cursor={start + limit}&limit={limit}" if more else None
    return answer(200, {"object": "list", "has_more": more, "next": following, "data": rows[start:start + limit]})
