"""Zuora: OAuth, accounts with subscriptions, orders with keys and numbers, and the older calls."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing

CLIENT_ID = "00000000-aaaa-bbbb-cccc-emulator0001"
CLIENT_SECRET = "zuora-emulator-secret"  # noqa: S105 - opens nothing but the emulator
PLANS = {"prp_basic": "Basic monthly", "prp_premium": "Premium monthly", "prp_annual": "Premium annual"}
LIFETIME = 3598.0

Row = dict[str, Any]
routes: Routes[Zuora] = Routes()


def failed(code: str, message: str, status: int = 200) -> Answer:
    """Zuora's failure, which mostly comes with status 200; `code` is resource and category."""
    body = {"success": False, "processId": "EMULATED00000001", "requestId": "emulated-request",
            "reasons": [{"code": int(code), "message": message}]}
    return answer(status, body)


def refuse(code: str, message: str, status: int = 200) -> Refused:
    """The exception that ends a request with it."""
    return Refused(failed(code, message, status))


class Zuora(Vendor):
    """The emulated tenant."""

    name = "zuora"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.tokens: dict[str, float] = {}
        self.accounts: dict[str, list[Row]] = {}
        self.orders: dict[str, Row] = {}

    def serve(self, ask: Ask) -> Answer:
        """Tokens for everybody with credentials, the rest for those with a token."""
        if ask.path == "/oauth/token":
            return self._token(ask)
        if self.tokens.get(ask.bearer, 0.0) <= self.world.now():
            raise refuse("90000011", "Authentication error", 401)
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise refuse("50000040", f"no such operation: {ask.method} {ask.path}", 404)
        key = self.key_of(ask)
        if ask.method != "POST" or not key:
            return found[0](self, ask, **found[1])
        return self._once(ask, key, lambda: found[0](self, ask, **found[1]))

    def _token(self, ask: Ask) -> Answer:
        form = dict(ask.form)
        named = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if named != ("client_credentials", CLIENT_ID, CLIENT_SECRET):
            return answer(401, {"success": False, "reasons": [{"code": 90000011, "message": "Invalid client"}]})
        token = f"zuora-token-{self.world.number():08d}"
        self.tokens[token] = self.world.now() + LIFETIME
        return answer(200, {"access_token": token, "token_type": "bearer", "expires_in": int(LIFETIME),
                            "scope": "entity.emulated", "jti": token})

    def _once(self, ask: Ask, key: str, do: Any) -> Answer:
        """Keep the first answer under its key, failures too."""
        digest = sha256(ask.path.encode() + b"\0" + ask.body).digest()
        verdict, kept = self.keys.find(key, digest)
        if verdict == "other":
            raise refuse("50000020", "the idempotency key was used with another request", 422)
        if verdict == "busy":
            raise refuse("50000050", "a request with this idempotency key is in progress", 409)
        if kept is not None:
            self.world.ledger.replay(self.id, key)
            return kept
        try:
            reply: Answer = do()
        except Refused as refused:
            reply = refused.reply
        self.keys.keep(key, digest, reply)
        return reply

    def account(self, number: str) -> list[Row]:
        """Its subscriptions; every account exists, but for those whose number begins with `missing`."""
        if is_missing(number.removeprefix("A-")):
            raise refuse("50600040", f"Cannot find entity by key: '{number}'.")
        if number not in self.accounts:
            self.accounts[number] = [self.subscription(f"S-{number}", ["prp_basic"])]
        return self.accounts[number]

    def subscription(self, number: str, plans: list[str], **more: Any) -> Row:
        """A subscription as the list shows it."""
        held = [self.rate_plan(one) for one in plans]
        return {"id": f"sub{self.world.number():08d}", "subscriptionNumber": number, "status": "Active",
                "termType": "TERMED", "autoRenew": True, "termStartDate": "2026-01-01", "termEndDate": "2099-01-01",
                "contractEffectiveDate": "2026-01-01", "subscriptionEndDate": "2099-01-01", "ratePlans": held, **more}

    def rate_plan(self, plan: str) -> Row:
        """A rate plan of a subscription."""
        if plan not in PLANS:
            raise refuse("53100040", f"no product rate plan '{plan}'")
        return {"id": f"rp{self.world.number():08d}", "productRatePlanId": plan, "ratePlanName": PLANS[plan],
                "subscriptionRatePlanNumber": f"SRP-{self.world.number():08d}", "lastChangeType": "Add"}

    def day(self) -> str:
        """The emulators' date."""
        return datetime.fromtimestamp(self.world.now(), UTC).date().isoformat()

    def error(self, status: int) -> Answer:
        """Zuora's error body for a status."""
        return failed("50000061" if status >= 500 else "50000020", "refused by the emulator's script", status)

    def inner_error(self, ask: Ask) -> Answer:  # noqa: ARG002 - the same for all
        """Somebody else holds the lock."""
        return failed("58730050", "Lock competition: another process is working on this account")

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """Zuora names no Retry-After."""
        return {"RateLimit-Limit": "50000", "RateLimit-Remaining": "0", "RateLimit-Reset": str(max(0, round(seconds)))}

    def state(self) -> Mapping[str, Any]:
        """Subscriptions by account, orders by number."""
        return copy.deepcopy({"accounts": self.accounts, "orders": self.orders})

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`subscription` (account, number, plans, and any members); the newest stands first."""
        if what != "subscription":
            return super().seed(what, values)
        more = dict(values)
        account, number = more.pop("account"), more.pop("number")
        self.accounts.setdefault(account, []).insert(0, self.subscription(number, more.pop("plans", ["prp_basic"]),
                                                                          **more))
        return number

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`expire_tokens`: none is good any more."""
        if name != "expire_tokens":
            return super().command(name, values)
        number = len(self.tokens)
        self.tokens.clear()
        return number

    def reset(self) -> None:
        """Back to what exists by rule."""
        super().reset()
        self._begin()


@routes.on("GET", "/v1/catalog/products")
def catalogue(_vendor: Zuora, _ask: Ask) -> Answer:
    """One product with all rate plans."""
    plans = [{"id": id, "name": name, "status": "Active", "productRatePlanNumber": f"PRP-{id}"}
             for id, name in PLANS.items()]
    return answer(200, {"success": True, "products": [
        {"id": "p1", "sku": "SKU-1", "name": "Magazine", "productRatePlans": plans}]})


@routes.on("GET", "/v1/subscriptions/accounts/{number}")
def listed(vendor: Zuora, _ask: Ask, number: str) -> Answer:
    """The latest version of each subscription."""
    return answer(200, {"success": True, "subscriptions": vendor.account(number)})


@routes.on("GET", "/v1/orders/{number}")
def read_order(vendor: Zuora, _ask: Ask, number: str) -> Answer:
    """An order by its number."""
    if number not in vendor.orders:
        raise refuse("50400040", f"Cannot find order '{number}'.")
    return answer(200, {"success": True, "order": vendor.orders[number]})


@routes.on("POST", "/v1/orders")
def make_order(vendor: Zuora, ask: Ask) -> Answer:
    """Do the actions of an order, all or none."""
    given = _object(ask)
    account, number = str(given.get("existingAccountNumber", "")), str(given.get("orderNumber") or "")
    if not given.get("orderDate"):
        raise refuse("58730022", "orderDate is required")
    if number in vendor.orders:
        raise refuse("58730030", f"The order number '{number}' is in use.")
    number = number or f"O-{vendor.world.number():08d}"
    rows = vendor.account(account)
    touched = [_act(vendor, ask, rows, part.get("subscriptionNumber"), action, account, number)
               for part in given.get("subscriptions") or [] for action in part.get("orderActions") or []]
    made = {"orderNumber": number, "existingAccountNumber": account, "status": "Completed",
            "subscriptions": [{"subscriptionNumber": row["subscriptionNumber"], "status": row["status"]}
                              for row in touched]}
    vendor.orders[number] = made
    return answer(200, {"success": True, "accountNumber": account, "invoiceNumbers": [], **made})


def _act(vendor: Zuora, ask: Ask, rows: list[Row], subscription: Any, action: Row, account: str, number: str) -> Row:
    """Do one action of an order."""
    kind = str(action.get("type"))
    if kind == "CreateSubscription":
        want = action.get("createSubscription") or {}
        plans = [one.get("productRatePlanId") for one in want.get("subscribeToRatePlans") or []]
        term = ((want.get("terms") or {}).get("initialTerm") or {}).get("termType", "TERMED")
        row = _create(vendor, rows, plans, term)
    else:
        row = _row(rows, str(subscription))
        _CHANGES[kind](vendor, row, action)
        rows.remove(row)
        rows.insert(0, row)
    row["orderNumber"] = number
    vendor.note(_KINDS[kind], account, key=vendor.key_of(ask), mark=number, subscription=row["subscriptionNumber"])
    return row


def _create(vendor: Zuora, rows: list[Row], plans: list[Any], term: str) -> Row:
    number = f"A-S{vendor.world.number():08d}"
    row = vendor.subscription(number, [str(one) for one in plans], termType=term)
    rows.insert(0, row)
    return row


def _row(rows: list[Row], number: str) -> Row:
    found = next((row for row in rows if row["subscriptionNumber"] == number), None)
    if found is None:
        raise refuse("53100040", f"no subscription '{number}'")
    return found


def _in_state(row: Row, state: str) -> None:
    if row["status"] != state:
        raise refuse("53100030", f"Only {state.lower()} subscriptions allow this; it is {row['status']}.")


def _add(vendor: Zuora, row: Row, action: Row) -> None:
    _in_state(row, "Active")
    row["ratePlans"].append(vendor.rate_plan(str(action["addProduct"].get("productRatePlanId"))))


def _remove(_vendor: Zuora, row: Row, action: Row) -> None:
    _in_state(row, "Active")
    held = next((one for one in row["ratePlans"] if one["id"] == action["removeProduct"].get("ratePlanId")), None)
    if held is None or held["lastChangeType"] == "Remove":
        raise refuse("53100040", "no such rate plan in the subscription")
    held["lastChangeType"] = "Remove"


def _cancel(vendor: Zuora, row: Row, action: Row) -> None:
    _in_state(row, "Active")
    if action["cancelSubscription"].get("cancellationPolicy") == "EndOfCurrentTerm" and row["termType"] == "EVERGREEN":
        raise refuse("53100030", "An evergreen subscription has no current term.")
    row.update(status="Cancelled", cancelledDate=vendor.day())


def _suspend(_vendor: Zuora, row: Row, _action: Row) -> None:
    _in_state(row, "Active")
    row["status"] = "Suspended"


def _resume(_vendor: Zuora, row: Row, _action: Row) -> None:
    _in_state(row, "Suspended")
    row["status"] = "Active"


def _renewal(_vendor: Zuora, row: Row, action: Row) -> None:
    _in_state(row, "Active")
    row["autoRenew"] = action["termsAndConditions"].get("autoRenew")


_CHANGES = {"AddProduct": _add, "RemoveProduct": _remove, "CancelSubscription": _cancel, "Suspend": _suspend,
            "Resume": _resume, "TermsAndConditions": _renewal}
_KINDS = {"AddProduct": "plan.added", "RemoveProduct": "plan.removed", "CancelSubscription": "subscription.cancelled",
          "Suspend": "subscription.suspended", "Resume": "subscription.resumed",
          "TermsAndConditions": "subscription.renewal_changed", "CreateSubscription": "subscription.created"}


@routes.on("POST", "/v1/subscriptions")
def subscribe(vendor: Zuora, ask: Ask) -> Answer:
    """The older way to make a subscription."""
    given = _object(ask)
    for name in ("accountKey", "contractEffectiveDate", "renewalTerm", "subscribeToRatePlans", "termType"):
        if name not in given:
            raise refuse("53100022", f"'{name}' is required")
    plans = [one.get("productRatePlanId") for one in given["subscribeToRatePlans"]]
    row = _create(vendor, vendor.account(str(given["accountKey"])), plans, given["termType"])
    return _noted(vendor, ask, row, str(given["accountKey"]), "CreateSubscription")


@routes.on("PUT", "/v1/subscriptions/{number}")
def update(vendor: Zuora, ask: Ask, number: str) -> Answer:
    """The older way to add and remove rate plans and to set auto-renewal; a repeat adds once more."""
    given, (account, row) = _object(ask), _owned(vendor, number)
    reply = answer(200, {"success": True})
    for part, kind, member in (("add", "AddProduct", "addProduct"), ("remove", "RemoveProduct", "removeProduct")):
        for one in given.get(part) or []:
            _CHANGES[kind](vendor, row, {member: one})
            reply = _noted(vendor, ask, row, account, kind)
    if "autoRenew" in given:
        _renewal(vendor, row, {"termsAndConditions": given})
        reply = _noted(vendor, ask, row, account, "TermsAndConditions")
    return reply


@routes.on("PUT", "/v1/subscriptions/{number}/{verb}")
def change(vendor: Zuora, ask: Ask, number: str, verb: str) -> Answer:
    """The older cancel, suspend and resume."""
    kind = {"cancel": "CancelSubscription", "suspend": "Suspend", "resume": "Resume"}.get(verb)
    if kind is None:
        raise refuse("50000040", f"no such operation: {verb}", 404)
    account, row = _owned(vendor, number)
    _CHANGES[kind](vendor, row, {"cancelSubscription": _object(ask)})
    return _noted(vendor, ask, row, account, kind)


def _owned(vendor: Zuora, number: str) -> tuple[str, Row]:
    for account, rows in vendor.accounts.items():
        for row in rows:
            if row["subscriptionNumber"] == number:
                return account, row
    raise refuse("53100040", f"no subscription '{number}'")


def _noted(vendor: Zuora, ask: Ask, row: Row, account: str, kind: str) -> Answer:
    row["id"] = f"sub{vendor.world.number():08d}"
    vendor.note(_KINDS[kind], account, key=vendor.key_of(ask) if ask.method == "POST" else "",
                subscription=row["subscriptionNumber"], version=row["id"])
    return answer(200, {"success": True, "subscriptionId": row["id"], "subscriptionNumber": row["subscriptionNumber"]})


def _object(ask: Ask) -> Row:
    if not isinstance(ask.json, dict):
        raise refuse("50000090", "the body is no JSON object", 400)
    return ask.json
