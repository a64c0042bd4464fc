"""What one configuration has that another has not: for people who are about to put it live. No secret value is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from processor.config.durations import spoken
from processor.config.model import App, AppConnector, Binding, Chain, Configuration, ExportBinding, Prompt

SECRET = "a secret"  # noqa: S105 - a word for people
DIFFERENT = "another value"


class Change(NamedTuple):
    """One difference, as a person would say it."""

    app: str
    part: str
    """`app`, `connector`, `prompt` or `export`."""
    name: str
    """Of the connector, prompt (with its interaction) or export."""
    kind: str
    """`added`, `removed` or `changed`."""
    what: str = ""
    """The setting, action or parameter."""
    before: str = ""
    after: str = ""


def difference(before: Configuration, after: Configuration) -> list[Change]:
    """All that changes from one configuration to another, app by app."""
    found: list[Change] = []
    for name in _names(before.apps, after.apps):
        old, new = before.apps.get(name), after.apps.get(name)
        if old is None or new is None:
            app = old or new
            found.append(Change(name, "app", name, "added" if new else "removed", app.title if app else ""))
        if new is not None or old is not None:
            found.extend(_app(name, old or _empty(new), new or _empty(old)))
    return found


def _empty(like: App | None) -> App:
    """The app without anything in it, so that all of a new one is new."""
    title, window = (like.title, like.duplicates_window) if like else ("", 0.0)
    return App(like.id if like else "", title, like.addons if like else frozenset(), "", {}, {}, (), window)


def _names(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*before, *after]))


def _app(name: str, old: App, new: App) -> Iterator[Change]:
    facts = (("title", old.title, new.title), ("addons", _listed(old.addons), _listed(new.addons)),
             ("duplicates_window", spoken(old.duplicates_window), spoken(new.duplicates_window)))
    yield from (Change(name, "app", name, "changed", what, a, b) for what, a, b in facts if a != b)
    for one in _names(old.connectors, new.connectors):
        yield from _connector(name, one, old.connectors.get(one), new.connectors.get(one))
    for one in _names(old.prompts, new.prompts):
        yield from _prompt(name, one, old.prompts.get(one), new.prompts.get(one))
    yield from _exports(name, {one.id: one for one in old.exports}, {one.id: one for one in new.exports})


# connectors


def _connector(app: str, name: str, old: AppConnector | None, new: AppConnector | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(app, "connector", name, "added" if new else "removed")
        return
    if old.active != new.active:
        yield Change(app, "connector", name, "changed", "active", _said(old.active), _said(new.active))
    for what, a, b in _members(old.settings, new.settings):
        yield Change(app, "connector", name, "changed", what, a, b)
    for what in ("rate", "concurrency", "timeout"):
        a, b = getattr(old.limits, what), getattr(new.limits, what)
        if a != b:
            yield Change(app, "connector", name, "changed", f"limits.{what}", f"{a:g}", f"{b:g}")


def _members(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """What differs between two models or mappings, part by part: place, value before, value after."""
    if isinstance(old, (BaseModel, Mapping)) and isinstance(new, type(old)):
        a, b = dict(old), dict(new)
        for name in _names(a, b):
            yield from _members(a.get(name), b.get(name), f"{path}.{name}" if path else str(name))
    elif old != new:
        secret = _has_secret(old) or _has_secret(new)
        yield (path, SECRET if secret and old else _said(old), DIFFERENT if secret and new else _said(new))


def _has_secret(value: Any) -> bool:
    if isinstance(value, SecretStr):
        return True
    if isinstance(value, BaseModel):
        return _has_secret(dict(value))
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return any(_has_secret(one) for one in parts)


def _said(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (set, frozenset)):
        return _listed(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    return str(dict(value)) if isinstance(value, (BaseModel, Mapping)) else str(value)


def _listed(values: Iterable[str] | None) -> str:
    return "all" if values is None else ", ".join(sorted(values))


# prompts


def _prompt(app: str, name: str, old: Prompt | None, new: Prompt | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(app, "prompt", name, "added" if new else "removed", (new or old).title)  # type: ignore[union-attr]
    elif old.title != new.title:
        yield Change(app, "prompt", name, "changed", "title", old.title, new.title)
    before, after = (old.chains if old else {}), (new.chains if new else {})
    for interaction in _names(before, after):
        yield from _chain(app, f"{name}.{interaction}", before.get(interaction, ()), after.get(interaction, ()))


def _chain(app: str, name: str, old: Chain, new: Chain) -> Iterator[Change]:
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    for identity in _names(before, after):
        a, b = before.get(identity), after.get(identity)
        if a is None or b is None:
            yield Change(app, "prompt", name, "added" if b else "removed", _named(b or a))  # type: ignore[arg-type]
        else:
            yield from (Change(app, "prompt", name, "changed", f"{identity}: {what}", was, now)
                        for what, was, now in _binding(a, b))
    kept = [one for one in before if one in after]
    moved = [one for one in after if one in before]
    if kept != moved:
        yield Change(app, "prompt", name, "changed", "order", ", ".join(kept), ", ".join(moved))


def _named(binding: Binding) -> str:
    action = f"{binding.connector.id}.{binding.action.id}"
    return action if binding.id == action else f"{binding.id} ({action})"


def _binding(old: Binding, new: Binding) -> Iterator[tuple[str, str, str]]:
    if (old.connector.id, old.action.id) != (new.connector.id, new.action.id):
        yield ("action", f"{old.connector.id}.{old.action.id}", f"{new.connector.id}.{new.action.id}")
    yield from _members(dict(old.params), dict(new.params))
    for what in ("on_error", "max_age", "in_doubt", "order"):
        a, b = getattr(old, what), getattr(new, what)
        if a != b:
            yield (what, _spoken(a), _spoken(b))


def _spoken(value: Any) -> str:
    return spoken(value) if isinstance(value, float) else _said(value)


def _exports(app: str, old: Mapping[str, ExportBinding], new: Mapping[str, ExportBinding]) -> Iterator[Change]:
    for name in _names(old, new):
        a, b = old.get(name), new.get(name)
        if a is None or b is None:
            yield Change(app, "export", name, "added" if b else "removed")
            continue
        for what, was, now in _members(dict(a.params), dict(b.params), "params"):
            yield Change(app, "export", name, "changed", what, was, now)
        for what in ("interactions", "prompts"):
            if getattr(a, what) != getattr(b, what):
                yield Change(app, "export", name, "changed", what, _listed(getattr(a, what)), _listed(getattr(b, what)))
