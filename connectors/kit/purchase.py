"""In-app purchases: what a device reported about one, and what stands for it where its token must not."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from connectors.kit.connector import Option
from connectors.kit.errors import MissingAttributes
from connectors.kit.event import Call

NAME_LENGTH = 16


class Known(NamedTuple):
    """A fact about the user or the event, and where it was found."""

    name: str
    value: str


def known(call: Call[Any, Any], *names: str) -> Known:
    """The first of the named facts, of the event (`context.`) or of the user; raises MissingAttributes."""
    found = perhaps_known(call, *names)
    if found is None:
        raise MissingAttributes(names)
    return found


def perhaps_known(call: Call[Any, Any], *names: str) -> Known | None:
    """As `known`, but None where no fact is there."""
    for name in names:
        key = name.removeprefix("context.")
        value = call.attribute(name) if key == name else call.event.context.get(key, "")
        if value.strip():
            return Known(name, value.strip())
    return None


def purchase_name(token: str) -> str:
    """The short stable digest that stands for a purchase token in outcomes."""
    return sha256(token.encode()).hexdigest()[:NAME_LENGTH]


def offered(products: Sequence[str]) -> list[Option]:
    """The pick list of a store that has no list to ask for: the products that the settings name."""
    return [Option(one, one) for one in products]


def told(**facts: object) -> dict[str, str]:
    """Facts worth keeping in the outcome; those that are absent are left out, true and false in lower case."""
    words = {True: "true", False: "false"}
    return {name: words[value] if isinstance(value, bool) else str(value)
            for name, value in facts.items() if value not in (None, "")}
