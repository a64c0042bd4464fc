"""Of which app a page of letters is, what its visitor may see of users, and what is said where nothing is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from console.letters import Busy, Letters
from console.security.refusals import Conflict, NotFound, Refusal
from console.visit import Visit
from processor.access import ANY_APP, Permission
from processor.dead_letters import Desk, DeskError, Entry
from processor.kafka.reader import LogError

HIDDEN = "***"


class Unreachable(Refusal):
    """Kafka does not answer."""

    status = 503
    title = "Kafka cannot be reached"


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


@contextmanager
def at_desk(visit: Visit) -> Iterator[Desk]:
    """The desk for this request; what it cannot do is told."""
    with told(), letters_of(visit).desk(visit.name) as desk:
        yield desk


@contextmanager
def told() -> Iterator[None]:
    """Problems of the desk as answers."""
    try:
        yield
    except (DeskError, Busy) as error:
        raise Conflict(str(error)) from None
    except LogError as error:
        raise Unreachable(f"{error}. Nothing was changed; try again.") from None


def entry_of(visit: Visit, desk: Desk, name: str) -> Entry:
    """The letter that an address names, where it is one of the app; raises NotFound."""
    try:
        found = desk.find(name)
    except (DeskError, ValueError):
        raise NotFound(f"There is no letter '{name}' here. It may be forgotten, or too old to be kept.") from None
    if app_of(visit) not in ("", found.app):
        raise NotFound(f"There is no letter '{name}' in this app.")
    return found


def user_shown(visit: Visit, user: str) -> str:
    """A user's id, for those who may see it."""
    return user if visit.may(Permission.REVEAL_PAYLOADS) or not user else HIDDEN
