"""A prompt's page: its *Actions* panel, one column an interaction, and every step of changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from console import editing
from console.connector_facts import sharing
from console.forms.fields import fields_of
from console.prompts import binding_form, chains, draft
from console.prompts.binding_form import BindingForm
from console.prompts.cards import columns, reasons
from console.prompts.chains import Place
from console.prompts.checking import Judged, judged
from console.prompts.draft import Draft, interaction_of, place_of
from console.prompts.offers import offers
from console.prompts.page import page, path_of
from console.security.refusals import Invalid, NotFound
from console.standing import standing
from console.visit import Here, Visit
from console.words import INTERACTIONS, STATES, needed
from processor.config.content_changes import changes
from processor.config.errors import ConfigErrors
from processor.config.store import ReadOnlyError


def show(visit: Here, prompt: str) -> Response:
    """The prompt as it is."""
    return _panel(visit, draft.opened(visit, prompt))


def change(visit: Here, prompt: str) -> Response:
    """One step: the form carries the draft and says in `do` what is to be done with it."""
    if visit.options.store.read_only:
        raise ReadOnlyError("configuration is files")
    now = draft.sent(visit, prompt)
    verb, *parts = visit.text("do").split(":")
    step = STEPS.get(verb)
    if step is None:
        return _panel(visit, now)
    count, take = step
    if len(parts) != count:
        raise Invalid(draft.LOST)
    return take(visit, now, *parts)


# steps within the draft


def _choose(visit: Visit, now: Draft, name: str) -> Response:
    interaction = interaction_of(name)
    return page(visit, now, "prompt_add.html", interaction=interaction, offers=offers(visit))


def _fill(visit: Visit, now: Draft, name: str, action: str) -> Response:
    return _form(visit, now, interaction_of(name), "new", binding_form.opened(visit, {"action": action}))


def _edit(visit: Visit, now: Draft, name: str, at: str) -> Response:
    place = place_of(now, name, at)
    found = chains.chain_of(now.now, place.interaction)[place.at]
    return _form(visit, now, place.interaction, at, binding_form.opened(visit, found))


def _put(visit: Visit, now: Draft, name: str, at: str, action: str) -> Response:
    """Take the filled form into the draft, at its place or at the end of the chain."""
    interaction = interaction_of(name)
    form = binding_form.sent(visit, action)
    if not form.is_sound:
        return _form(visit, now, interaction, at, form, 422)
    if at == "new":
        chain = chains.inserted(chains.chain_of(now.now, interaction), form.binding)
        raw = chains.with_chain(now.now, interaction, chain)
    else:
        raw = chains.replaced(now.now, place_of(now, interaction, at), form.binding)
    return _panel(visit, now.after(raw, f"{form.action.title}: {'added' if at == 'new' else 'changed'}"))


def _up(visit: Visit, now: Draft, name: str, at: str) -> Response:
    place = place_of(now, name, at)
    return _moved(visit, now, place, place._replace(at=max(0, place.at - 1)))


def _down(visit: Visit, now: Draft, name: str, at: str) -> Response:
    place = place_of(now, name, at)
    return _moved(visit, now, place, place._replace(at=place.at + 1))


def _move(visit: Visit, now: Draft, name: str, at: str, to: str, number: str) -> Response:
    """To any place, of this interaction or another: what dragging does."""
    if not (number.isascii() and number.isdigit() and len(number) < 5):
        raise Invalid(draft.LOST)
    return _moved(visit, now, place_of(now, name, at), Place(interaction_of(to), int(number)))


def _moved(visit: Visit, now: Draft, source: Place, target: Place) -> Response:
    return _panel(visit, now.after(chains.moved(now.now, source, target), "Moved"))


def _copy(visit: Visit, now: Draft, name: str, at: str, to: str) -> Response:
    raw = chains.copied(now.now, place_of(now, name, at), interaction_of(to))
    return _panel(visit, now.after(raw, f"Copied to {INTERACTIONS[to]}"))


def _remove(visit: Visit, now: Draft, name: str, at: str) -> Response:
    place = place_of(now, name, at)
    chain = chains.without(chains.chain_of(now.now, place.interaction), place.at)
    return _panel(visit, now.after(chains.with_chain(now.now, place.interaction, chain), "Removed"))


def _undo(visit: Visit, now: Draft) -> Response:
    return _panel(visit, now._replace(raw=now.earlier, earlier=None, done="") if now.done else now)


def _delete(visit: Visit, now: Draft) -> Response:
    return _panel(visit, now.after(None, "The prompt is taken away when you save"))


def _restore(visit: Visit, now: Draft, number: str) -> Response:
    """The prompt as an earlier version had it, as a draft."""
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    version = visit.options.store.version(visit.app, wanted)
    old = editing.part_of(version.content if version else None, ("prompts", now.prompt))
    if not isinstance(old, Mapping):
        raise NotFound(f"Version {wanted} of this prompt is not kept.")
    return _panel(visit, now.after(chains.tidy(old), f"Brought back from version {wanted}"))


# saving


def _save(visit: Visit, now: Draft) -> Response:
    """Put the draft live; where anything is wrong or changed by somebody else, nothing is."""
    raw = None if now.raw is None else chains.tidy(now.raw)
    note = f"prompt {now.prompt}: {'removed' if raw is None else visit.text('note').strip()[:200] or 'actions'}"
    try:
        made = editing.put(visit, ("prompts", now.prompt), raw, base=now.base, note=note)
    except ConfigErrors as found:
        return _panel(visit, now, 422, refused=[str(one) for one in found.errors])
    except editing.Clash as clash:
        return _clashed(visit, now, clash)
    if raw is None:
        return visit.to(f"/apps/{visit.app}/prompts", f"{now.prompt} is removed. Its events set nothing off any more.")
    return visit.to(path_of(visit, now.prompt), f"Saved as version {made.number}; every processor takes it within a"
                                                " second. History has what was there before.")


def _clashed(visit: Visit, now: Draft, clash: editing.Clash) -> Response:
    """Show what the other one changed; the draft stays, and saving it again is then on purpose."""
    theirs = clash.theirs or {}
    fresh = now._replace(base=clash.current.number, live=clash.theirs)
    return _panel(visit, fresh, 409, clash=clash, theirs=changes(clash.before or {}, theirs))


STEPS: Mapping[str, tuple[int, Callable[..., Response]]] = {
    "add": (1, _choose), "fill": (2, _fill), "edit": (2, _edit), "put": (3, _put), "up": (2, _up), "down": (2, _down),
    "move": (4, _move), "copy": (3, _copy), "remove": (2, _remove), "undo": (0, _undo), "delete": (0, _delete),
    "restore": (1, _restore), "save": (0, _save),
}
"""By the first word of `do`: how many words follow, and what is done."""


# pages


def _form(visit: Visit, now: Draft, interaction: str, at: str, form: BindingForm, status: int = 200) -> Response:
    now_standing = standing(form.connector, visit.content, visit.options.waiting(visit.app))
    return page(
        visit, now, "prompt_binding.html", status, interaction=interaction, at=at, form=form,
        cannot=reasons(now_standing), state=now_standing.state, states=STATES, safety=binding_form.SAFETY,
        needs=needed(form.action.requires), share=sharing(visit)(form.action.requires),
        param_fields=fields_of(form.action.params),
        rules=binding_form.FIELDS[:2], more=binding_form.MORE,
        picks=f"/apps/{visit.app}/connectors/{form.connector.id}/picks")


def _panel(visit: Visit, now: Draft, status: int = 200, **more: Any) -> Response:
    found = judged(visit, now) if now.is_changed else Judged()
    facts: dict[str, Any] = {
        "columns": columns(visit, now.prompt, now.now, found), "judged": found, "clash": None, "theirs": (),
        "refused": (), "waiting": sum(one.chains for one in visit.options.waiting(visit.app)) if now.is_changed else 0,
    }
    return page(visit, now, "prompt_panel.html", status, **{**facts, **more})
