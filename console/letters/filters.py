"""The filters of dead letters, as they stand in addresses and forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from processor.dead_letters.selection import STATES, Selection, moment

ID_DIGITS = frozenset("0123456789abcdef")
MOST_IDS = 500
"""Letters that can be chosen one by one."""


class Mistake(NamedTuple):
    """A filter that cannot be taken."""

    field: str
    text: str


class Filters(BaseModel):
    """Which letters; the same words as those of the command `dead-letters list`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    app: str = Field("", description="Of this app.")
    connector: str = Field("", description="Of this connector: stripe.")
    action: str = Field("", description="Of this action: apply_coupon, or stripe.apply_coupon.")
    reason: str = Field("", description="rejected, misconfigured, missing_attributes, unavailable, in_doubt,"
                                        " undecodable, broken.")
    code: str = Field("", description="With this code of the vendor, or of ours.")
    prompt: str = Field("", description="Of this prompt.")
    interaction: str = Field("", description="Of this interaction: accept.")
    user: str = Field("", description="Of this user.")
    event: str = Field("", description="Of this event.")
    since: str = Field("", description="That failed since then: 2h for so long ago, or a date and time.")
    until: str = Field("", description="That failed before then.")
    text: str = Field("", description="With this text in what the failures say.")
    state: str = Field("open", description="Letters that stand so: open, replayed, succeeded, closed, all.")
    ids: tuple[str, ...] = Field((), max_length=MOST_IDS, description="With one of these ids.")
    after: str = Field("", description="Behind this letter or this place in the list: what the page before says.")

    def selection(self, app: str, now: float) -> tuple[Selection, list[Mistake]]:
        """What is meant within an app ("" for all), and what cannot be taken."""
        mistakes: list[Mistake] = []
        since, until = (time_of(name, getattr(self, name), now, mistakes) for name in ("since", "until"))
        if self.state not in (*STATES, "all"):
            mistakes.append(Mistake("state", f"'{self.state}' is none of {', '.join((*STATES, 'all'))}"))
        if any(not one or len(one) > 15 or set(one) - ID_DIGITS for one in self.ids):
            mistakes.append(Mistake("ids", "an id has up to 15 of the digits 0 to 9 and a to f"))
        names = {name: getattr(self, name).strip() for name in Selection._fields
                 if name not in ("app", "since", "until", "states", "ids")}
        states = () if self.state == "all" else (self.state,)
        found = Selection(app or self.app.strip(), **names, since=since, until=until, states=states, ids=self.ids)
        return found, mistakes

    def address(self, **changes: Any) -> str:
        """The filters as the query of an address, others in the place of some."""
        given = {**self.model_dump(), **changes}
        wanted = {name: value for name, value in given.items() if value and (name, value) != ("state", "open")}
        return urlencode(wanted, doseq=True)

    @property
    def carried(self) -> Mapping[str, str]:
        """What a form takes with it of the page that it stands on."""
        return {name: value for name, value in self.model_dump(exclude={"ids", "after"}).items() if value}

    @property
    def narrowed(self) -> Mapping[str, str]:
        """What was asked for, beside the state."""
        return {name: value for name, value in self.model_dump(exclude={"state", "ids", "after"}).items() if value}


def filters_of(selection: Selection) -> Filters:
    """The filters of a selection, as near as they can be told; for forms that begin with an earlier one."""
    plain = selection._asdict()
    states, ids = plain.pop("states"), plain.pop("ids")
    times = {name: _iso(plain.pop(name)) for name in ("since", "until")}
    return Filters(**plain, **times, state=states[0] if len(states) == 1 else "all", ids=tuple(ids))


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat() if milliseconds else ""


def time_of(name: str, text: str, now: float, mistakes: list[Mistake]) -> int:
    """What a filter of times means, in milliseconds since 1970; what cannot be taken is noted."""
    try:
        return moment(text.strip(), now) if text.strip() else 0
    except (ValueError, OverflowError) as error:
        mistakes.append(Mistake(name, str(error)))
        return 0
