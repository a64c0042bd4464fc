"""Of which app a page of letters is, what its visitor may see of users, and what is said where nothing is known."""

from __future__ import annotations

from contextlib import AbstractContextManager

from console.letters import Letters, Work
from console.letters.run_view import RunView, view
from console.security.refusals import NotFound
from console.visit import Visit
from processor.access import ANY_APP, Permission
from processor.dead_letters import Desk, DeskError, Entry

HIDDEN = "***"


def app_of(visit: Visit) -> str:
    """The app that is looked at; "" for all of them together."""
    return "" if visit.app == ANY_APP else visit.app


def base_of(visit: Visit) -> str:
    """What stands before the paths of its pages."""
    return f"/apps/{visit.app}" if app_of(visit) else ""


def letters_of(visit: Visit) -> Letters:
    """The office; raises NotFound where the console has none."""
    found = visit.options.letters
    if found is None:
        raise NotFound("This console knows no dead letters: it was started without Kafka.")
    return found


def at_desk(visit: Visit) -> AbstractContextManager[Desk]:
    """The desk for this request."""
    return letters_of(visit).desk(visit.name)


def entry_of(visit: Visit, desk: Desk, name: str) -> Entry:
    """The letter that an address names, where it is one of the app; raises NotFound."""
    try:
        found = desk.find(name)
    except (DeskError, ValueError):
        raise NotFound(f"There is no letter '{name}' here. It may be forgotten, or too old to be kept.") from None
    if app_of(visit) not in ("", found.app):
        raise NotFound(f"There is no letter '{name}' in this app.")
    return found


def run_of(visit: Visit, desk: Desk, name: str) -> RunView:
    """The run of replays that an address names, where it is one of the app; raises NotFound."""
    try:
        found = view(letters_of(visit), desk, name)
    except DeskError:
        raise NotFound(f"There is no run '{name}' in this console; plans are forgotten when it is started anew."
                       ) from None
    app = found.selection.app if found.selection is not None else found.work.app if found.work else ""
    if app_of(visit) not in ("", app):
        raise NotFound(f"There is no run '{name}' in this app.")
    return found


def closing_of(visit: Visit, name: str) -> Work:
    """The closing of letters that an address names, where it is one of the app; raises NotFound."""
    found = letters_of(visit).works.of(name)
    if found is None or found.kind != "close" or app_of(visit) not in ("", found.app):
        raise NotFound("There is no such closing: it is over, and the console was started anew since. The audit tells"
                       " what was closed.")
    return found


def user_shown(visit: Visit, user: str) -> str:
    """A user's id, for those who may see it."""
    return user if visit.may(Permission.REVEAL_PAYLOADS) or not user else HIDDEN
