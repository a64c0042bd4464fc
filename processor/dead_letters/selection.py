"""Which letters are meant: the filters that every command of dead letters shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from processor.config import durations

STATES = ("open", "replayed", "succeeded", "closed")
"""How a letter can stand: waiting for somebody, on its way again, brought to its end by a replay, given up."""

_NAMES = {"states": "state", "ids": "id"}


class Selection(NamedTuple):
    """What letters must match; "" and 0 match all. Times are milliseconds since 1970, of the failure."""

    app: str = ""
    connector: str = ""
    action: str = ""
    """With or without its connector in front: `stripe.apply_coupon`, `apply_coupon`."""
    reason: str = ""
    code: str = ""
    """The vendor's, or a short one of ours."""
    prompt: str = ""
    interaction: str = ""
    user: str = ""
    event: str = ""
    since: int = 0
    until: int = 0
    text: str = ""
    """Stands anywhere in what the failures say, without regard to case."""
    states: Sequence[str] = ()
    ids: Sequence[str] = ()
    """Ids of letters, whole or their first digits."""

    @property
    def timeless(self) -> Selection:
        """The same without its times, which `2h ago` makes others at each call."""
        return self._replace(since=0, until=0)

    def said(self) -> str:
        """The selection in words."""
        parts = [f"{_NAMES.get(name, name)} {_spoken(name, value)}" for name, value in self._asdict().items() if value]
        return ", ".join(parts) or "all letters"


class Facets(NamedTuple):
    """What a filter looks for in one failure of a letter."""

    app: str
    prompt: str
    interaction: str
    connector: str
    action: str
    reason: str
    code: str


FACETS = Facets._fields


def moment(text: str, now: float) -> int:
    """Milliseconds since 1970 of a point in time: ISO 8601 (UTC where it names no zone), or `2h`, so long ago."""
    try:
        return int((now - durations.seconds(text)) * 1000)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no point in time: write 2026-11-24, 2026-11-24T03:10, or 2h for so long "
                         "ago") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def spoken(milliseconds: int) -> str:
    """A point in time as a person reads it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if milliseconds else "-"


class Place(NamedTuple):
    """A place between letters, newest first: behind the letter that failed then and has this number."""

    at: int
    hash: int

    def __str__(self) -> str:
        return f"{self.at}_{self.hash:0{ID_DIGITS}x}"


def place_of(text: str) -> Place | None:
    """The place that a text names; None where it is none, but perhaps an id."""
    at, sign, number = text.partition("_")
    if not sign:
        return None
    if not (at.isascii() and at.isdigit() and len(at) < ID_DIGITS):
        raise ValueError(f"'{text}' is no place in the list of letters")
    return Place(int(at), id_range(number)[0])


def facets_asked(wanted: Selection) -> tuple[str, list[Any]]:
    """Conditions of SQL over the facets of letters; "" where nothing is asked of them."""
    facets = _facets(wanted)
    return " AND ".join(f"{name} = ?" for name in facets), [*facets.values()]


def kinds(wanted: Selection) -> tuple[str, list[Any]]:
    """The part of the conditions that what failed, and where, must meet; "" where nothing is asked."""
    facets = _facets(wanted)
    names = " AND ".join(f"{name} = ?" for name in facets)
    found = f"kind IN (SELECT kind FROM facets WHERE {names})" if facets else ""  # noqa: S608 - our own names
    return found, [*facets.values()]


def _each(wanted: Selection) -> tuple[str, list[Any]]:
    """The same, asked of one letter and its kind."""
    found = [(f"kinds.{name} = ?", [value]) for name in ("app", "prompt") if (value := getattr(wanted, name))]
    asked, values = facets_asked(wanted._replace(app="", prompt=""))
    if asked:
        found.append((f"EXISTS (SELECT 1 FROM facets WHERE facets.kind = letters.kind AND {asked})", values))  # noqa: S608
    return " AND ".join(text for text, _ in found), [value for _, given in found for value in given]


def conditions(wanted: Selection, *, walking: bool = False) -> tuple[str, list[Any]]:
    """The selection as conditions of SQL over the index's letters, and their values.

    Where letters are walked through in the order of time, beside their kinds, each is asked by itself and no other
    index is used.
    """
    first, values = _each(wanted) if walking else kinds(wanted)
    found = [first] if first else []
    plain = "+" if walking else ""
    for condition, value in (
        (f"{plain}user = ?", wanted.user), (f"{plain}event = ?", wanted.event), ("at >= ?", wanted.since),
        ("at < ?", wanted.until), ("instr(lower(message), ?)", wanted.text.lower()),
    ):
        if value:
            found.append(condition)
            values.append(value)
    if wanted.states:
        found.append(f"state IN ({', '.join('?' * len(wanted.states))})")
        values += wanted.states
    if wanted.ids:
        asked, bounds = ids_asked(wanted)
        found.append(asked.replace("hash", f"{plain}hash"))
        values += bounds
    return " AND ".join(found) or "1", values


def ids_asked(wanted: Selection) -> tuple[str, list[Any]]:
    """The part of the conditions that asks for ids."""
    ranges = [id_range(one) for one in wanted.ids]
    return ("(" + " OR ".join(["hash BETWEEN ? AND ?"] * len(ranges)) + ")",
            [bound for one in ranges for bound in one])


def _facets(wanted: Selection) -> dict[str, str]:
    connector, action = wanted.connector, wanted.action
    if "." in action:
        connector, action = action.split(".", 1)
    asked = Facets(wanted.app, wanted.prompt, wanted.interaction, connector, action, wanted.reason, wanted.code)
    return {name: value for name, value in asked._asdict().items() if value}


ID_DIGITS = 15
"""Length of a letter's id: 60 bits, so that a million letters have a million ids."""


def id_range(text: str) -> tuple[int, int]:
    """The letters whose id begins so; raises ValueError where that is no id."""
    if not 0 < len(text) <= ID_DIGITS:
        raise ValueError(f"'{text}' is no id of a letter")
    left = ID_DIGITS - len(text)
    first = int(text, 16) << (4 * left)
    return first, first + (1 << (4 * left)) - 1


def _spoken(name: str, value: Any) -> str:
    if name in ("since", "until"):
        return spoken(value)
    return value if isinstance(value, str) else ", ".join(value)
