"""What differs between two contents, part by part, for people: secrets are told as such, never their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from processor.config import secrets
from processor.config.keyring import SCHEME

SECRET, ANOTHER = "a secret", "another secret"
NEVER = ("password", "digest")
"""Members of the company that are no references and are told as little."""


class Change(NamedTuple):
    """One difference."""

    what: str
    before: str
    after: str


def changes(before: Any, after: Any, path: str = "") -> list[Change]:
    """All differences, in the order of the newer content."""
    return list(_changes(before, after, path))


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    if before == after:
        return
    old, new = _parts(before), _parts(after)
    if (old is None and new is None) or (old or new) is None:
        yield Change(path or "all", *_told(before, after, path))
        return
    for name in dict.fromkeys([*(new or {}), *(old or {})]):
        yield from _changes((old or {}).get(name), (new or {}).get(name), f"{path}.{name}" if path else name)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """The parts of a value by name; lists by the identities of their members, else by their places."""
    if isinstance(value, Mapping):
        return value or None
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return {_identity(one, at): one for at, one in enumerate(value)}
    return None


def _identity(one: Mapping[str, Any], at: int) -> str:
    known = next((str(one[name]) for name in ("email", "id") if one.get(name)), "")
    return known or f"{at + 1} {one.get('action', '')}".strip()


def _told(before: Any, after: Any, path: str) -> tuple[str, str]:
    if path.rpartition(".")[2] in NEVER or _is_sealed(before) or _is_sealed(after):
        old = SECRET if _is_sealed(before) or path.rpartition(".")[2] in NEVER else said(before)
        new = ANOTHER if before else SECRET
        return (old if before else ""), ((new if _is_sealed(after) or old == SECRET else said(after)) if after else "")
    return said(before), said(after)


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and (secrets.reference(value) or "").startswith(f"{SCHEME}:")


def said(value: Any) -> str:
    """A value for people."""
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {said(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(said, value))
    return SECRET if _is_sealed(value) else str(value)
