"""Changes of a part of an app: applied to what is there now, refused where somebody else changed the same part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from console.forms.fields import TESTING, fields_of
from console.forms.secret_fields import FOREIGN
from console.security.refusals import Conflict, Forbidden
from console.visit import Visit
from processor.access import ANY_APP, Permission, needed
from processor.config import secrets
from processor.config.keyring import SCHEME
from processor.config.store import ConflictError, Content, Version

Path = tuple[str, ...]
"""Names on the way to the part, such as `connectors`, `stripe`."""
ATTEMPTS = 5


class Clash(Exception):
    """Somebody else changed the same part meanwhile; nothing was written."""

    def __init__(self, before: Any, theirs: Any, current: Version) -> None:
        super().__init__(f"{current.name} was changed by {current.by} meanwhile")
        self.before = before
        """What the change was made from; None where that is not known any more."""
        self.theirs = theirs
        self.current = current


def part_of(content: Content | None, path: Path) -> Any:
    """A part of a content; None where there is none."""
    found: Any = content
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def with_part(content: Content, path: Path, value: Any) -> dict[str, Any]:
    """The content with another part; None takes it out."""
    name, rest = path[0], path[1:]
    made = dict(content)
    inner = with_part(made.get(name) or {}, rest, value) if rest else value
    if inner is None:
        made.pop(name, None)
    else:
        made[name] = inner
    return made


def put(visit: Visit, path: Path, value: Any, *, base: int, note: str) -> Version:
    """Make a part of the app live, as a change of version `base`.

    Changes of other parts since then stay. Raises Clash, Forbidden, ConfigErrors, ReadOnlyError.
    """
    for attempt in range(1, ATTEMPTS + 1):
        current = _unclashed(visit, path, base)
        content = with_part(current.content or {}, path, value)
        check_rights(visit, current.content, content)
        try:
            made = visit.options.store.apply(visit.app, content, base=current.number, by=visit.name, note=note)
        except ConflictError:
            if attempt == ATTEMPTS:
                raise
            continue  # somebody was quicker: is it the same part?
        visit.console.reads.forget()
        return made
    raise AssertionError


def _unclashed(visit: Visit, path: Path, base: int) -> Version:
    store = visit.options.store
    current = store.current(visit.app)
    if current is None or current.content is None:
        raise Clash(None, None, current or visit.version)
    if current.number != base:
        old = store.version(visit.app, base)
        before, theirs = part_of(old.content if old else None, path), part_of(current.content, path)
        if old is None or before != theirs:
            raise Clash(before, theirs, current)
    return current


def put_content(visit: Visit, content: Content | None, *, base: int, note: str) -> Version:
    """Make a whole content of the app live; raises Forbidden, ConflictError, ConfigErrors, ReadOnlyError."""
    store = visit.options.store
    current = store.current(visit.app)
    check_rights(visit, current.content if current else None, content)
    made = store.apply(visit.app, content, base=base, by=visit.name, note=note)
    visit.console.reads.forget()
    return made


def make_app(visit: Visit, name: str, content: Content, note: str = "") -> Version:
    """Make an app that is not there; raises Conflict where it is, ConfigErrors, ReadOnlyError."""
    store = visit.options.store
    current = store.current(name)
    if current is not None and current.content is not None:
        raise Conflict(f"There is an app '{name}' already.")
    made = store.apply(name, content, base=current.number if current else 0, by=visit.name, note=note or "made")
    visit.console.reads.forget()
    return made


def check_rights(visit: Visit, before: Content | None, after: Content | None) -> None:
    """Raise Forbidden where a change asks for more than the visitor may."""
    if not visit.may(Permission.CHANGE_APPS, ANY_APP):
        used = (after or {}).get("connectors") or {}
        for name, entry in used.items() if isinstance(used, Mapping) else ():
            check_reach(visit, name, part_of(before, ("connectors", name)), entry)
    for one in sorted({Permission.APPLY_CONFIGURATION, *needed(before, after)}):
        if not visit.may(one):
            raise Forbidden(f"This change needs the permission '{one.value}', which your role does not have here.")


def check_reach(visit: Visit, name: str, before: Any, after: Any) -> None:
    """Raise Forbidden where a connector would reach out of its app: to secrets of the server, to hosts of no vendor.

    That is the company's to open.
    """
    if visit.may(Permission.CHANGE_APPS, ANY_APP):
        return
    old, new = (part_of(one, ("settings",)) or {} for one in (before, after))
    if not isinstance(new, Mapping):
        return  # no settings: that is told as a mistake
    taken = set(_references(new)) - set(_references(old))
    if any(not text.startswith(f"{SCHEME}:") for text in taken):
        raise Forbidden(f"{name}: {FOREIGN}.")
    known = visit.options.known.get(name)
    for one in fields_of(known.settings) if known else ():
        if one.group == TESTING and new.get(one.name) != old.get(one.name):
            raise Forbidden(f"{name}: '{one.title}' opens a way to hosts of no vendor; Company administrators set it.")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _references(one)
    elif (text := secrets.reference(value)) is not None:
        yield text
