"""Who a user is to a vendor: address and name, from attributes or from what was typed into the prompt."""

from __future__ import annotations

import re
from typing import Any

from connectors.kit.errors import MissingAttributes, Rejected
from connectors.kit.event import Call

EMAIL = "email_address"
"""Attribute that holds the user's e-mail address."""

_ADDRESS = re.compile(
    r"(?=.{3,254}\Z)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*(?<!.{65})"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]",
    re.IGNORECASE,
)


def typed_address(call: Call[Any, Any], name: str = "email") -> str:
    """The address in the form input `name`; raises Rejected where it is none, without repeating it."""
    text = call.form(name)
    if not text:
        raise MissingAttributes([f"form.{name}"], f"the form input '{name}' is empty")
    if not is_address(text):
        raise Rejected("invalid_address", f"what was typed into the form input '{name}' is no e-mail address")
    return text


def known_or_typed_address(call: Call[Any, Any], name: str = "email") -> str:
    """The synced address and, only where there is none, the typed one."""
    known = call.attribute(EMAIL)
    if known or call.form(name):
        return known or typed_address(call, name)
    raise MissingAttributes((EMAIL, f"form.{name}"))


def is_address(text: str) -> bool:
    """Whether `text` is one e-mail address that mail vendors take: no display name, no comment, a real domain."""
    return bool(_ADDRESS.fullmatch(text))


def full_name(call: Call[Any, Any]) -> str:
    """The attribute `name`, else first and last name; "" where none is synced."""
    parts = (call.attribute("first_name"), call.attribute("last_name"))
    return call.attribute("name") or " ".join(one for one in parts if one)


YES = frozenset({"true", "1", "yes", "granted", "consented", "opted_in"})


def agreed(call: Call[Any, Any], name: str) -> bool | None:
    """Whether the user agreed, by an attribute that says so; None where it is absent. What is no clear yes is a no."""
    text = call.attribute(name).strip().lower() if name else ""
    return text in YES if text else None
