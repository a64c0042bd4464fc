"""Vendors without depth: credentials, required members, repeated keys and a ledger, from one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from testkit.vendors import credentials
from testkit.vendors.exchange import Answer, Ask, answer
from testkit.vendors.vendor import Vendor, World

Where = str
"""`header:name`, `query:name`, or `body:path.to.member` (of the item, where a request holds several)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a vendor: what it needs, what it does, what it answers."""

    method: str
    path: str
    """A regular expression of the whole path below the vendor's prefix."""
    kind: str = ""
    """What the ledger calls the effect; empty: a read. `{type}` takes a member of the item."""
    items: str = ""
    """The member that lists the items; empty: the body itself is the one item."""
    required: tuple[str, ...] = ()
    """Members that an item must have; `a|b`: one of them."""
    silent: bool = False
    """An item that lacks a required member is dropped without a word, as some vendors do."""
    user: tuple[Where, ...] = ()
    """Where the user stands; the first that is there."""
    key: Where = ""
    """Where the vendor looks for the key by which it tells repeats."""
    status: int = 200
    answer: Any = None
    """The JSON of the answer; None: `{"id": <a new one>}`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One vendor of the table."""

    name: str
    operations: tuple[Operation, ...]
    authorized: Callable[[Ask], bool]
    reported: bool = True
    """False where wrong credentials are answered like right ones and simply do nothing."""
    refusal: tuple[int, Any] = (401, {"error": "unauthorized"})
    max_bytes: int = 1 << 20
    max_items: int = 1000
    failure: Callable[[int, str], Any] = lambda status, message: {"error": message, "status": status}
    """The vendor's error body."""
    keys_live: float = 86400.0


class Generic(Vendor):
    """Emulates one row of the table."""

    def __init__(self, world: World, row: Row) -> None:
        super().__init__(world, row.name)
        self.row = row
        self._done: dict[str, float] = {}
        self._patterns = [(re.compile(one.path), one) for one in row.operations]

    def serve(self, ask: Ask) -> Answer:
        """Check credentials and size, then do each item once."""
        operation = next((one for pattern, one in self._patterns
                          if one.method == ask.method and pattern.fullmatch(ask.path)), None)
        allowed = self.row.authorized(ask)
        if not allowed and self.row.reported:
            return answer(*self.row.refusal)
        if operation is None:
            return self._failed(404, f"no such endpoint: {ask.method} {ask.path}")
        if ask.method == "GET" or not operation.kind:
            return self._ok(operation)
        return self._write(ask, operation, allowed=allowed)

    def _write(self, ask: Ask, operation: Operation, *, allowed: bool) -> Answer:
        items = _items(ask, operation)
        if items is None:
            return self._failed(400, "the body cannot be read")
        if len(ask.content) > self.row.max_bytes:
            return self._failed(400, f"the body has more than {self.row.max_bytes} bytes")
        if len(items) > self.row.max_items:
            return self._failed(400, f"a request holds at most {self.row.max_items} items")
        for item in items:
            lacking = _lacking(item, operation)
            if lacking and not operation.silent:
                return self._failed(400, f"{lacking} is missing")
            if not lacking and allowed:
                self._do(ask, operation, item)
        return self._ok(operation)

    def _do(self, ask: Ask, operation: Operation, item: Mapping[str, Any]) -> None:
        user = next((value for where in operation.user if (value := _value(ask, item, where))), "")
        key = _value(ask, item, operation.key) if operation.key else ""
        if key and self._done.get(key, 0.0) > self.world.now():
            self.world.ledger.replay(self.id, key, user)
            return
        if key:
            self._done[key] = self.world.now() + self.row.keys_live
        kind = operation.kind.replace("{type}", str(item.get("type", "")))
        in_header = operation.key.startswith("header:")
        self.note(kind, user, key=key if in_header else "", mark="" if in_header else key, path=ask.path)

    def _ok(self, operation: Operation) -> Answer:
        value = {"id": f"{self.id}-{self.world.number()}"} if operation.answer is None else operation.answer
        return answer(operation.status, value)

    def _failed(self, status: int, message: str) -> Answer:
        return answer(status, self.row.failure(status, message))

    def error(self, status: int) -> Answer:
        """The row's error body."""
        return self._failed(status, "refused by the emulator's script")

    def state(self) -> Mapping[str, Any]:
        """How many keys are remembered."""
        return {"keys": len(self._done)}

    def reset(self) -> None:
        """Forget the keys."""
        super().reset()
        self._done.clear()


def _items(ask: Ask, operation: Operation) -> Sequence[Mapping[str, Any]] | None:
    whole = dict(ask.form) if ask.content_type == "application/x-www-form-urlencoded" else ask.json
    if not isinstance(whole, dict):
        return None
    found = whole.get(operation.items) if operation.items else [whole]
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


def _lacking(item: Mapping[str, Any], operation: Operation) -> str:
    for choice in operation.required:
        if not any(_member(item, name) for name in choice.split("|")):
            return choice
    return ""


def _member(item: Any, path: str) -> Any:
    for part in path.split("."):
        item = item.get(part) if isinstance(item, dict) else None
    return item


def _value(ask: Ask, item: Mapping[str, Any], where: Where) -> str:
    place, _, name = where.partition(":")
    if place == "header":
        return ask.headers.get(name.lower(), "")
    value = ask.value(name) if place == "query" else _member(item, name)
    return "" if value in (None, "") else str(value)


def basic(user: str, password: str) -> Callable[[Ask], bool]:
    """Basic credentials."""
    return lambda ask: ask.basic == (user, password)


def bearer(token: str) -> Callable[[Ask], bool]:
    """A bearer token."""
    return lambda ask: ask.bearer == token


def header(name: str, value: str) -> Callable[[Ask], bool]:
    """A header of the vendor's own."""
    return lambda ask: ask.headers.get(name.lower()) == value


def query(name: str, value: str) -> Callable[[Ask], bool]:
    """A query parameter."""
    return lambda ask: ask.value(name) == value


def _segment() -> Iterator[Operation]:
    one = Operation("POST", "/v1/(track|identify|group|page|screen|alias)", "message.taken",
                    required=("userId|anonymousId",), silent=True, user=("body:userId", "body:anonymousId"),
                    key="body:messageId", answer={"success": True})
    yield Operation("POST", "/v1/(batch|import)", "{type}.taken", items="batch", silent=True, user=one.user,
                    required=("type", "userId|anonymousId"), key=one.key, answer={"success": True})
    yield one


GENERIC: tuple[Row, ...] = (
    Row("segment", tuple(_segment()), basic(credentials.SEGMENT_WRITE_KEY, ""), reported=False, max_bytes=500_000,
        max_items=2500),
)
"""The table. A vendor of a new connector that needs no depth gets a row here."""
