"""Sealed secrets as programs see them: a mark in their place, which puts them back when it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from processor.config import secrets
from processor.config.keyring import SCHEME

KEPT = "(kept)"


def hidden(value: Any) -> Any:
    """The value with marks in the places of sealed secrets."""
    if isinstance(value, Mapping):
        return {name: hidden(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(one) for one in value]
    return KEPT if _is_sealed(value) else value


def restored(value: Any, now: Any) -> Any:
    """The value with each mark replaced by the sealed secret that stands in the same place now.

    A mark where there is none stays, and is then refused as a secret in clear.
    """
    if isinstance(value, Mapping):
        return {name: restored(one, now.get(name) if isinstance(now, Mapping) else None)
                for name, one in value.items()}
    if isinstance(value, list):
        known = now if isinstance(now, list) else []
        return [restored(one, known[at] if at < len(known) else None) for at, one in enumerate(value)]
    return now if value == KEPT and _is_sealed(now) else value


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and (secrets.reference(value) or "").startswith(f"{SCHEME}:")
