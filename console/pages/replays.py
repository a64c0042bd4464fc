"""Replays of dead letters: planned, confirmed, followed, stopped, gone on with, reported."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from console.letters import Work
from console.letters.detail import detail_of
from console.letters.filters import filters_of
from console.letters.run_view import STATES, give_up, lines
from console.letters.words import REASONS, with_buttons
from console.letters.words import STATES as LETTER_STATES
from console.pages.dead_letters import SHORT_WAIT, chosen
from console.pages.letter_scope import app_of, at_desk, base_of, entry_of, letters_of, run_of, user_shown
from console.security.refusals import Conflict, Invalid
from console.visit import Here, Visit
from console.words import INTERACTIONS
from processor.access import Permission
from processor.avro.jsonform import JsonFormError, event_from_json
from processor.dead_letters import Options, Selection

RATE = 50.0
RATES = (0.1, 1000.0)


def listed(visit: Here) -> Response:
    """The runs that were made from this console, newest first."""
    if visit.options.letters is None:
        return visit.page("dead_letters_unknown.html")
    with at_desk(visit) as desk:
        found = lines(letters_of(visit), desk, app_of(visit))
    return visit.page("replays.html", lines=found, states=STATES, base=base_of(visit))


def plan(visit: Here) -> Response:
    """Plan a replay of the letters that the form names; nothing happens yet."""
    _, selection = chosen(visit)
    return _planned(visit, selection, options_of(visit), rate_of(visit))


def _planned(visit: Visit, selection: Selection, options: Options, rate: float, edited: bytes | None = None
             ) -> Response:
    selection = _wider(selection, options)
    with at_desk(visit) as desk:
        other = desk.unfinished(selection)
    if other is not None:
        return visit.to(f"{base_of(visit)}/replays/{other.id}", "This run of the same filter is not finished: go on"
                                                                " with it, or give it up.")
    work = letters_of(visit).plan(visit.name, app_of(visit), selection, options, rate, edited)
    work.wait(SHORT_WAIT)
    return visit.to(f"{base_of(visit)}/replays/{work.id}?rate={rate:g}")


def _wider(selection: Selection, options: Options) -> Selection:
    """Whoever replays by force means what stands otherwise too, as with the command."""
    return selection._replace(states=()) if options.force and selection.states == ("open",) else selection


def options_of(visit: Visit) -> Options:
    """What the form says of how to replay."""
    return Options(*(visit.text(name) == "yes" for name in Options._fields))


def rate_of(visit: Visit) -> float:
    """Letters a second, as typed; raises Invalid."""
    text = visit.text("rate").strip().replace(",", ".")
    try:
        rate = float(text) if text else RATE
    except ValueError:
        rate = 0.0
    if not RATES[0] <= rate <= RATES[1]:
        raise Invalid(f"Letters a second: '{text}' is no number from {RATES[0]:g} to {RATES[1]:g}.")
    return rate


def edit(visit: Here, letter: str) -> Response:
    """Plan to publish a mended message in the place of one that could not be read."""
    text = visit.text("message")
    with at_desk(visit) as desk:
        entry = entry_of(visit, desk, letter)
        if entry.reason != "undecodable" or entry.state != "open":
            raise Conflict("Only an open letter of a message that could not be read can be edited.")
        try:
            edited = desk.encode_event(event_from_json(orjson.loads(text)))
        except (orjson.JSONDecodeError, JsonFormError) as error:
            detail = detail_of(desk, entry, revealed=True)
            return visit.page(
                "dead_letter.html", 422, detail=detail, base=base_of(visit), revealed=True, states=LETTER_STATES,
                reasons=REASONS, interactions=INTERACTIONS, may_reveal=True, user=user_shown(visit, entry.user),
                may_replay=True, may_close=visit.may(Permission.CLOSE_DEAD_LETTERS),
                edit_wrong=f"That is no interaction: {error}", edit_text=text)
    return _planned(visit, Selection(ids=(entry.id,), states=("open",), app=app_of(visit)), Options(), RATE, edited)


# one run


def show(visit: Here, run: str, rate: float = RATE) -> Response:
    """A plan to be confirmed, or a run with its progress, or its report."""
    with at_desk(visit) as desk:
        found = run_of(visit, desk, run)
    facts: dict[str, Any] = {
        "run": found, "state": STATES[found.state], "base": base_of(visit), "rate": rate,
        "path": f"{base_of(visit)}/replays/{run}", "filters": filters_of(found.selection) if found.selection else None,
        "may_replay": visit.may(Permission.REPLAY), "with_buttons": with_buttons,
    }
    if visit.partial:
        part = visit.part("replay_progress.html", **facts)
        if not found.under_way:
            part.headers["HX-Refresh"] = "true"
        return part
    return visit.page("replay.html", **facts)


def start(visit: Here, run: str) -> Response:
    """Make a planned run, or go on with one that was stopped."""
    rate = rate_of(visit)
    with at_desk(visit) as desk:
        found = run_of(visit, desk, run)
    if not found.can_go_on or found.selection is None:
        raise Conflict("This run cannot be made now: it is under way, over, or has no letters. Load its page again.")
    work = letters_of(visit).replay(visit.name, app_of(visit), run, found.selection.said(), rate)
    work.wait(SHORT_WAIT)
    return visit.to(f"{base_of(visit)}/replays/{run}?rate={rate:g}")


def stop(visit: Here, run: str) -> Response:
    """Stop between two steps; the run can be gone on with."""
    with at_desk(visit) as desk:
        work: Work | None = run_of(visit, desk, run).work
    if work is not None:
        work.stop()
        work.wait(SHORT_WAIT)
    return visit.to(f"{base_of(visit)}/replays/{run}")


def abandon(visit: Here, run: str) -> Response:
    """Forget a plan, or give a run up: what was not sent stays as it is."""
    with at_desk(visit) as desk:
        was_plan = give_up(desk, run_of(visit, desk, run))
    if was_plan:
        return visit.to(f"{base_of(visit)}/dead-letters", "The plan is forgotten; nothing was replayed.")
    return visit.to(f"{base_of(visit)}/replays/{run}", "Given up: letters that were not sent stay as they are.")
