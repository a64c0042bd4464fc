"""An export of a connector in an app: on or off, of which interactions and prompts, with its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from connectors.kit.connector import Connector
from connectors.kit.event import EXPORT_INTERACTIONS
from connectors.kit.export import Export
from console import editing
from console.forms.fields import fields_of
from console.forms.typed import shown, typed
from console.pages.asked import connector_of
from console.security.refusals import NotFound
from console.visit import Here, Visit
from console.words import INTERACTIONS, needed
from processor.access import Permission
from processor.config.content_changes import changes
from processor.config.errors import ConfigError, ConfigErrors

PREFIX = "p."


class Draft(NamedTuple):
    """The export as it would be kept, and what is wrong with it."""

    entry: dict[str, Any] | None
    """None where it is off."""
    base: int
    texts: Mapping[str, str]
    wrong: Mapping[str, str]
    others: tuple[str, ...] = ()


def show(visit: Here, connector: str, export: str) -> Response:
    """The export as it is kept."""
    one, what = _named(visit, connector, export)
    kept = _kept(visit, one, what)
    texts = shown(fields_of(what.params), (kept or {}).get("params") or {})
    return _page(visit, one, what, Draft(kept, visit.version.number, texts, {}))


def save(visit: Here, connector: str, export: str) -> Response:
    """Put the export live, or take it away."""
    one, what = _named(visit, connector, export)
    if editing.part_of(visit.content, ("connectors", one.id)) is None:
        raise NotFound(f"{one.title} is not set up in this app: set it up first.")
    draft = _drafted(visit, what)
    if draft.wrong:
        return _page(visit, one, what, draft, 422)
    try:
        editing.put(visit, ("connectors", one.id, "exports", what.id), draft.entry, base=draft.base,
                    note=f"{one.title}: export {what.id}")
    except ConfigErrors as found:
        return _page(visit, one, what, _with_errors(draft, f"{one.id}.exports.{what.id}", found.errors), 422)
    except editing.Clash as clash:
        rows = changes(clash.before or {}, clash.theirs or {})
        return _page(visit, one, what, draft._replace(base=clash.current.number), 409, clash=clash, theirs=rows)
    return visit.to(f"/apps/{visit.app}/connectors/{one.id}/exports/{what.id}",
                    f"Saved. {what.title} is {'on' if draft.entry is not None else 'off'}.")


def _drafted(visit: Visit, what: Export) -> Draft:
    read = typed(fields_of(what.params), visit.form, PREFIX)
    entry: dict[str, Any] = {"params": read.values} if read.values else {}
    chosen = [str(each) for each in visit.form.getlist("interaction")]
    if what.trigger == "interaction" and chosen and set(chosen) != set(EXPORT_INTERACTIONS):
        entry["interactions"] = chosen
    prompts = visit.text("prompts").split()
    if prompts:
        entry["prompts"] = prompts
    return Draft(entry if visit.form.get("on") else None, visit.number("base"), read.texts, read.wrong)


def _with_errors(draft: Draft, place: str, errors: Iterable[ConfigError]) -> Draft:
    wrong, others = dict(draft.wrong), []
    for one in errors:
        inside = one.field.removeprefix(f"{place}.params.").split(".")[0].split("[")[0]
        if one.field.startswith(f"{place}.params.") and inside in draft.texts:
            wrong.setdefault(inside, one.said)
        else:
            others.append(f"{one.field}: {one.said}" if one.field else one.said)
    return draft._replace(wrong=wrong, others=tuple(others))


def _named(visit: Visit, connector: str, export: str) -> tuple[Connector, Export]:
    one = connector_of(visit, connector)
    found = one.exports.get(export)
    if found is None:
        raise NotFound(f"{one.title} has no export '{export}'; there are: {', '.join(one.exports) or 'none'}.")
    return one, found


def _kept(visit: Visit, one: Connector, what: Export) -> dict[str, Any] | None:
    exports = editing.part_of(visit.content, ("connectors", one.id, "exports"))
    if not isinstance(exports, Mapping) or what.id not in exports:
        return None
    return dict(exports[what.id] or {})


def _page(visit: Visit, one: Connector, what: Export, draft: Draft, status: int = 200, **more: Any) -> Response:
    facts = {
        "connector": one, "export": what, "draft": draft, "fields": fields_of(what.params), "prefix": PREFIX,
        "interactions": [(name, INTERACTIONS.get(name, name)) for name in EXPORT_INTERACTIONS],
        "chosen": (draft.entry or {}).get("interactions") or list(EXPORT_INTERACTIONS),
        "prompts": (draft.entry or {}).get("prompts") or (), "clash": None, "theirs": (),
        "needs": needed(what.requires),
        "may_change": visit.may(Permission.CHANGE_SETTINGS) and not visit.options.store.read_only,
        "path": f"/apps/{visit.app}/connectors/{one.id}",
    }
    return visit.page("export.html", status, **{**facts, **more})
