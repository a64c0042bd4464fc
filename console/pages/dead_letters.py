"""Dead letters: found by filters, counted, understood, closed; replays of them are `console.pages.replays`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import Query
from pydantic import Field, ValidationError
from starlette.responses import Response

from console.faces import plural
from console.letters import Filters, Letters
from console.letters.detail import detail_of, reveal
from console.letters.words import REASONS, STATES
from console.pages.letter_scope import app_of, at_desk, base_of, closing_of, entry_of, letters_of, user_shown
from console.security.refusals import Invalid
from console.visit import Here, Visit
from console.words import INTERACTIONS
from processor.access import Permission
from processor.dead_letters import Desk, Entry, Group, Selection

PAGE = 50
TOP = 8
"""Lines of the counts beside the list."""
SHORT_WAIT = 0.4
"""Seconds for which a change waits for its end, before the page tells of its progress."""


class Going(Filters):
    """The filters, and how far the search has come that this page goes on with."""

    shown: int = Field(0, ge=0, le=PAGE)
    looked: int = Field(0, ge=0, lt=10**9)


Asked = Annotated[Going, Query()]


class Count(NamedTuple):
    """How many letters share something, and the filter for it."""

    title: str
    letters: int
    address: str


class Counts(NamedTuple):
    """How many letters fit."""

    total: int = 0
    is_whole: bool = True
    """Else there are at least so many: counting all would take too long."""
    by_reason: Sequence[Count] = ()
    by_action: Sequence[Count] = ()

    @property
    def said(self) -> str:
        """The total in words."""
        return f"{'' if self.is_whole else 'at least '}{plural(self.total, 'letter')}"


class Found(NamedTuple):
    """A page of the list, or as much of it as was found in time."""

    entries: Sequence[Entry] = ()
    older: str = ""
    """The address of the page behind a full one."""
    further: str = ""
    """The address under which the search goes on that ran out of its time."""
    rest: str = ""
    """The same, for what is added to this page."""
    looked: int = 0
    """Letters looked at so far, where the page is not full."""
    back_to: int = 0
    trouble: str = ""


def listed(visit: Here, asked: Asked) -> Response:
    """The list, newest first, of what fits the filters in its address; the rest of a page, where htmx asks for it."""
    if visit.options.letters is None:
        return visit.page("dead_letters_unknown.html")
    filters = Filters(**asked.model_dump(exclude={"shown", "looked"}))
    selection, mistakes = filters.selection(app_of(visit), visit.options.clock())
    wrong = {one.field: one.text for one in mistakes}
    with at_desk(visit) as desk:
        found = Found() if wrong else _found(letters_of(visit), desk, asked, filters, selection)
        if visit.partial and not wrong:
            return visit.part("dead_letters_rows.html", found=found, **_facts(visit, filters))
        counts = Counts() if wrong or found.trouble else _counts(letters_of(visit), desk, filters, selection)
    return visit.page(
        "dead_letters.html", 422 if wrong else 200, wrong=wrong, found=found, counts=counts,
        standing=letters_of(visit).standing, interactions=INTERACTIONS, **_facts(visit, filters))


def _facts(visit: Visit, filters: Filters) -> dict[str, Any]:
    """What rows need, on the page and behind it."""
    return {
        "filters": filters, "base": base_of(visit), "of_app": app_of(visit), "reasons": REASONS, "states": STATES,
        "user_shown": lambda user: user_shown(visit, user), "may_replay": visit.may(Permission.REPLAY),
        "may_close": visit.may(Permission.CLOSE_DEAD_LETTERS)}


def _found(letters: Letters, desk: Desk, asked: Going, filters: Filters, selection: Selection) -> Found:
    try:
        found = letters.look(desk, selection, max(1, PAGE - asked.shown), filters.after)
    except ValueError:
        return Found(trouble="This page of the list is not there any more.")
    on, shown, looked = filters.address(after=found.next), asked.shown + len(found.entries), asked.looked + found.looked
    if not found.next:
        return Found(found.entries, looked=looked, back_to=found.back_to)
    if shown >= PAGE:
        return Found(found.entries, on)
    further = f"{on}&looked={looked}"
    return Found(found.entries, "", further, f"{further}&shown={shown}", looked, found.back_to)


def _counts(letters: Letters, desk: Desk, filters: Filters, selection: Selection) -> Counts:
    tally = letters.tally(desk, selection)
    return Counts(sum(one.letters for one in tally.groups), tally.whole, _by_reason(tally.groups, filters),
                  _by_action(tally.groups, filters))


def _by_reason(groups: Iterable[Group], filters: Filters) -> list[Count]:
    counts: Counter[str] = Counter()
    for one in groups:
        counts[one.reason] += one.letters
    return [Count(REASONS.get(reason, reason), count, filters.address(reason=reason, after=""))
            for reason, count in counts.most_common(TOP)]


def _by_action(groups: Iterable[Group], filters: Filters) -> list[Count]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in groups:
        counts[one.connector, one.action] += one.letters
    return [Count(f"{connector}.{action}" if connector else "not read", count,
                  filters.address(connector=connector, action=action, after=""))
            for (connector, action), count in counts.most_common(TOP)]


def show(visit: Here, letter: str) -> Response:
    """One letter, its payload masked."""
    with at_desk(visit) as desk:
        return _letter(visit, desk, entry_of(visit, desk, letter), revealed=False)


def unmask(visit: Here, letter: str) -> Response:
    """The same with its payload as it is; the look is audited first."""
    with at_desk(visit) as desk:
        entry = entry_of(visit, desk, letter)
        visit.options.audit.write(reveal(visit.name, entry, visit.options.clock()))
        return _letter(visit, desk, entry, revealed=True)


def _letter(visit: Visit, desk: Desk, entry: Entry, *, revealed: bool) -> Response:
    detail = detail_of(desk, entry, revealed=revealed)
    return visit.page(
        "dead_letter.html", detail=detail, base=base_of(visit), revealed=revealed, states=STATES, reasons=REASONS,
        interactions=INTERACTIONS, may_reveal=visit.may(Permission.REVEAL_PAYLOADS),
        user=user_shown(visit, entry.user), may_replay=visit.may(Permission.REPLAY),
        may_close=visit.may(Permission.CLOSE_DEAD_LETTERS), edit_wrong="", edit_text=detail.draft)


# closing


def chosen(visit: Visit) -> tuple[Filters, Selection]:
    """Which letters a form means: those ticked, or all of its filter; raises Invalid."""
    given = {name: visit.text(name) for name in Filters.model_fields if name != "ids" and name in visit.form}
    ids = [one for one in visit.form.getlist("ids") if isinstance(one, str)]
    if visit.text("which") != "all" and not ids:
        raise Invalid("No letter was ticked. Go back, tick some, or choose all that fit.")
    try:
        filters = Filters(**({"state": "all"} if visit.text("which") != "all" and "state" not in given else {}),
                          **given, ids=tuple(ids) if visit.text("which") != "all" else ())
    except ValidationError as error:
        raise Invalid(str(error.errors()[0]["msg"])) from None
    selection, mistakes = filters.selection(app_of(visit), visit.options.clock())
    if mistakes:
        raise Invalid("; ".join(f"{one.field}: {one.text}" for one in mistakes))
    return filters, selection


def close(visit: Here) -> Response:
    """Ask for a reason, then close the letters that the form names."""
    filters, selection = chosen(visit)
    reason = visit.text("because").strip()
    if not reason or visit.text("confirm") != "yes":
        with at_desk(visit) as desk:
            count = _counts(letters_of(visit), desk, filters, selection)
        asked = visit.text("confirm") == "yes"
        return visit.page("dead_letters_close.html", 422 if asked else 200, filters=filters, count=count,
                          said=selection.said(), base=base_of(visit), which=visit.text("which"),
                          wrong="Say why: it stays with the letters and in the audit." if asked else "")
    work = letters_of(visit).close_letters(visit.name, app_of(visit), selection, reason)
    work.wait(SHORT_WAIT)
    return visit.to(f"{base_of(visit)}/closings/{work.id}")


def closing(visit: Here, work: str) -> Response:
    """How far the closing of letters is."""
    found = closing_of(visit, work)
    if visit.partial:
        part = visit.part("closing_part.html", work=found, base=base_of(visit))
        if not found.under_way:
            part.headers["HX-Refresh"] = "true"
        return part
    return visit.page("closing.html", work=found, base=base_of(visit))


def stop_closing(visit: Here, work: str) -> Response:
    """Stop between two steps; what was closed stays closed."""
    found = closing_of(visit, work)
    found.stop()
    found.wait(SHORT_WAIT)
    return visit.to(f"{base_of(visit)}/closings/{work}")
