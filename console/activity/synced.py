"""Which attributes users have: a sample of those whose attributes were synced last, names only, in memory."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from connectors.kit.action import Requires
from connectors.kit.errors import Undecodable
from console.activity.chains import KeyedRecord
from processor.avro.codec import Codec

USERS = 10_000
"""Of an app."""
READ_BACK = 20_000
"""Records that are read of what was there before the console was started."""
ALL_USERS = 50_000
TAKEN = 500
"""Records of a batch that are read once the sample is full: the newest."""


class Share(NamedTuple):
    """For how many users of the sample an action has what it needs."""

    having: int
    users: int

    @property
    def is_none(self) -> bool:
        """Whether it lacks something for each of them."""
        return self.having == 0

    @property
    def said(self) -> str:
        """The share in words."""
        if not self.users:
            return "no user's attributes were synced of late"
        last = f"the last {self.users:,} users" if self.users > 1 else "the one user"
        whose = f"{last} whose attributes were synced"
        return f"there for none of {whose}" if self.is_none else f"there for {self.having:,} of {whose}"


class _Users:
    """One app's part of the sample."""

    def __init__(self) -> None:
        self.names: OrderedDict[str, frozenset[str]] = OrderedDict()
        """By user, the attributes that have a value; the one synced last comes last."""
        self.alike: Counter[frozenset[str]] = Counter()

    def put(self, user: str, names: frozenset[str]) -> None:
        self.drop(user)
        self.names[user] = names
        self.alike[names] += 1

    def drop(self, user: str) -> None:
        known = self.names.pop(user, None)
        if known is not None:
            self.alike[known] -= 1
            if not self.alike[known]:
                del self.alike[known]

    def drop_oldest(self) -> None:
        self.drop(next(iter(self.names)))


class Synced:
    """Written by one thread, asked by many."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._apps: dict[str, _Users] = {}
        self._count = 0
        self._lock = threading.Lock()

    def take(self, records: Sequence[KeyedRecord]) -> None:
        """Note what was synced, in the order of the topic; without a value the user is forgotten."""
        is_full = self._count >= USERS
        for one in records[-TAKEN:] if is_full else records:
            app, _, user = one.key.decode("utf-8", "replace").partition(":")
            try:
                names = None if one.data is None else self._names(one.data)
            except Undecodable:
                continue
            with self._lock:
                self._put(app, user, names)

    def _names(self, data: bytes) -> frozenset[str]:
        return frozenset(name for name, value in self._codec.attributes_state(data).attributes.items()
                         if value not in (None, ""))

    def _put(self, app: str, user: str, names: frozenset[str] | None) -> None:
        users = self._apps.setdefault(app, _Users())
        self._count -= len(users.names)
        if names is None:
            users.drop(user)
        else:
            users.put(user, names)
        if len(users.names) > USERS:
            users.drop_oldest()
        self._count += len(users.names)
        if self._count > ALL_USERS:
            max(self._apps.values(), key=lambda one: len(one.names)).drop_oldest()
            self._count -= 1

    def share(self, app: str, requires: Requires) -> Share | None:
        """For how many users all is there that must be synced; None where nothing must be, or a form can bring it."""
        if requires.asks_form or not (requires.any_of or requires.all_of):
            return None
        with self._lock:
            found = self._apps.get(app)
            alike = [*found.alike.items()] if found else []
        return Share(sum(count for names, count in alike if not requires.missing(dict.fromkeys(names, True))),
                     sum(count for _, count in alike))
