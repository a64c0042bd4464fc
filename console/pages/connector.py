"""A connector's page: what it does, its settings, a test of them, where it is bound, and its history."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from connectors.kit.connector import Connector
from console import editing
from console.connector_facts import bound_at, history_of, needs_of, secret_states, sharing
from console.draft import LIMIT_FIELDS, LIMITS, SETTINGS, Draft, checked, drafted, locked_fields
from console.forms.fields import fields_of, groups_of
from console.forms.secret_fields import without
from console.forms.typed import shown
from console.pages.asked import connector_of, kept_of
from console.security.refusals import NotFound
from console.standing import standing
from console.tested import Tested
from console.visit import Here, Visit
from console.words import CATEGORIES, STATES
from processor.access import Permission
from processor.config.content_changes import changes
from processor.config.errors import ConfigErrors
from processor.control.checking import Checked, check

NEEDED = "Not cleared, since it is needed. Enter another one in its place and save, or remove the connector."


def show(visit: Here, connector: str) -> Response:
    """The page with what is kept."""
    one = connector_of(visit, connector)
    kept = kept_of(visit, one)
    texts = {SETTINGS + name: text for name, text in shown(fields_of(one.settings), kept.get("settings") or {}).items()}
    texts |= {LIMITS + name: text for name, text in shown(LIMIT_FIELDS, kept.get("limits") or {}).items()}
    return _page(visit, Draft(one, dict(kept), visit.version.number, texts, {}))


def save(visit: Here, connector: str) -> Response:
    """Put live what was typed; where anything is wrong, nothing is changed and all that was typed stays."""
    one = connector_of(visit, connector)
    draft = drafted(visit, one, kept_of(visit, one))
    if not draft.is_sound:
        return _page(visit, draft, 422)
    try:
        editing.put(visit, ("connectors", one.id), draft.entry, base=draft.base, note=f"{one.title}: settings")
    except ConfigErrors as found:
        return _page(visit, draft.with_errors(found.errors), 422)
    except editing.Clash as clash:
        return _clashed(visit, draft, clash)
    word = "active" if draft.entry["active"] else "inactive"
    return visit.to(_path(visit, one), f"Saved. {one.title} is {word}; every processor takes it within a second.")


def clear(visit: Here, connector: str) -> Response:
    """Take one secret away, and nothing else."""
    one = connector_of(visit, connector)
    kept, place = kept_of(visit, one), visit.text("clear").removeprefix(SETTINGS)
    draft = drafted(visit, one, kept)
    entry = {**kept, "settings": without(kept.get("settings") or {}, place)}
    try:
        editing.put(visit, ("connectors", one.id), entry, base=draft.base, note=f"{one.title}: cleared {place}")
    except ConfigErrors as found:
        told = draft.with_errors(found.errors)
        return _page(visit, told._replace(others=(*told.others, NEEDED)), 422)
    except editing.Clash as clash:
        return _clashed(visit, draft, clash)
    return visit.to(_path(visit, one), f"Cleared: {place}.")


def test(visit: Here, connector: str) -> Response:
    """Test the connection with what was typed, saved or not; of secrets left blank, with those that are kept."""
    one = connector_of(visit, connector)
    draft, made = checked(visit, drafted(visit, one, kept_of(visit, one)))
    if made is None:
        found = Checked(visit.app, one.id, "untested", message="Some settings are wrong, so nothing was asked.")
    else:
        with visit.options.dialling() as dial:
            found = check(visit.app, made, dial)
        visit.console.tests.put(visit.app, one.id, draft.entry, Tested(found, visit.options.clock(), visit.name))
    if visit.partial:
        return visit.part("connector_tested.html", found=found, wrong=draft.wrong, others=draft.others,
                          fields={SETTINGS + field.name: field for field in fields_of(one.settings)})
    return _page(visit, draft, 200 if made else 422, found)


def remove(visit: Here, connector: str) -> Response:
    """Take the connector out of the app, with its settings."""
    one = connector_of(visit, connector)
    draft = drafted(visit, one, kept_of(visit, one))
    try:
        editing.put(visit, ("connectors", one.id), None, base=draft.base, note=f"{one.title}: removed")
    except ConfigErrors as found:
        return _page(visit, draft.with_errors(found.errors), 422)
    except editing.Clash as clash:
        return _clashed(visit, draft, clash)
    return visit.to(f"/apps/{visit.app}/connectors", f"{one.title} is removed from this app.")


def add(visit: Here, connector: str) -> Response:
    """Give the app an add-on."""
    one = connector_of(visit, connector)
    if not one.addon:
        raise NotFound(f"{one.title} is no add-on: every app has it.")
    version = visit.version
    app = dict((version.content or {}).get("app") or {})
    app["addons"] = sorted({*app.get("addons", ()), one.id})
    editing.put(visit, ("app",), app, base=version.number, note=f"add-on {one.title}")
    return visit.to(_path(visit, one), f"{one.title} is now part of {visit.app_title}.")


def _path(visit: Visit, connector: Connector) -> str:
    return f"/apps/{visit.app}/connectors/{connector.id}"


def _clashed(visit: Visit, draft: Draft, clash: editing.Clash) -> Response:
    """Show what the other one changed, with everything typed still there; saving again is then on purpose."""
    theirs = clash.theirs or {}
    rows = changes(clash.before or {}, theirs), changes(theirs, draft.entry)
    fresh = draft._replace(base=clash.current.number)
    return _page(visit, fresh, 409, clash=clash, theirs=rows[0], mine=rows[1])


def _page(visit: Visit, draft: Draft, status: int = 200, tested: Checked | None = None, **more: Any) -> Response:
    one = draft.connector
    kept = kept_of(visit, one)
    fields = fields_of(one.settings)
    past, complete = visit.console.pasts.of(visit.app)
    secrets = secret_states(visit, past, one, fields)
    facts: dict[str, Any] = {
        "connector": one, "category": CATEGORIES[one.category], "draft": draft, "groups": groups_of(fields),
        "limit_fields": LIMIT_FIELDS, "secrets": secrets, "is_new": not kept,
        "standing": standing(one, visit.content, visit.options.waiting(visit.app)), "states": STATES,
        "needs": needs_of(one, kept, sharing(visit)), "bound": bound_at(visit.content, one.id), "complete": complete,
        "history": history_of(past, one.id, complete=complete),
        "tested": tested, "last": visit.console.tests.of(visit.app, one.id, kept),
        "clash": None, "theirs": (), "mine": (),
        "may_change": visit.may(Permission.CHANGE_SETTINGS) and not visit.options.store.read_only,
        "can_seal": bool(visit.options.keyring().ids), "path": _path(visit, one),
        "locked": locked_fields(visit, one),
    }
    return visit.page("connector.html", status, **{**facts, **more})
