"""The account of one event: what was done, what it waits for and why, when it goes on, what a person can do."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from processor.waiting.place import RUNNING, UNKNOWN, Waiting

if TYPE_CHECKING:
    from processor.model.chain import ChainRecord
    from processor.model.outcome import Receipt


class Words(NamedTuple):
    """How a cause is told; the braces are filled in."""

    why: str
    goes_on: str
    you_can: str


CAUSES: Mapping[str, Words] = {
    "retry": Words(
        "The last try of {binding} failed: {connector} did not answer, or said that it is unavailable. "
        "Failed tries so far: {attempts}, the first at {first}.",
        "It tries again {next}.",
        "Nothing at first. If it goes on, look at the status page of {connector}. When tries and time are used up it "
        "becomes a dead letter, which can be replayed."),
    "limit": Words(
        "{connector} said that too many requests came (429) and told us to wait long, or it takes calls more slowly "
        "than they come. This costs no attempt.",
        "It goes on {next}, the oldest first.",
        "If this happens often, lower limits.rate of {connector} in the app's connectors.yaml, or ask the vendor for "
        "more."),
    "circuit": Words(
        "{connector} is down for app {app}: too many calls failed, so none is made but a probe now and then. This "
        "costs no attempt.",
        "The next probe is made {next}; once one succeeds, all chains go on, the oldest first.",
        "Look at the status page of {connector}. Nothing needs to be done here."),
    "settings": Words(
        "{connector} refuses the credentials or settings of app {app} (401 or 403).",
        "It goes on at once when the settings change, and is tried {next} in any case.",
        "Mend the credentials or the permissions. After the grace (misconfigured_grace, 24 h) it becomes a dead "
        "letter, which can be replayed."),
    "attributes": Words(
        "What {binding} needs to know of the user is not synced{missing}.",
        "It goes on as soon as it is; {next} it becomes a dead letter that names what is missing.",
        "Sync it: prompt-actions attributes set, or your own publisher. Later, replay the dead letter."),
    "order": Words(
        "An earlier chain of the same user has still to call {connector}{behind}; this one keeps its place behind it.",
        "It goes on right after that one.",
        "See what the earlier one waits for. A binding with `order: overtake` does not wait for others."),
    RUNNING: Words(
        "It waits for nothing: a process is at it, at {binding}, or takes it up again after a crash.",
        "It goes on now.",
        "If it stays so for minutes, see whether the processors are up: /ready, prompt-actions doctor."),
}


class Account(NamedTuple):
    """One open chain, for a person."""

    waiting: Waiting
    record: ChainRecord
    behind: Sequence[str] = ()
    """Earlier open chains of the same user, where it waits for its turn."""

    @property
    def done(self) -> Sequence[Receipt]:
        """What has ended."""
        return self.record.receipts

    @property
    def says(self) -> list[str]:
        """Why, when it goes on, and what a person can do: a sentence or two each."""
        words = CAUSES.get(self.waiting.cause, CAUSES[RUNNING])
        filled = [text.format_map(self._facts) for text in words]
        started = self.record.started
        if started is not None:
            filled.insert(1, f"The call '{started.step}', which must not be repeated, was begun at "
                             f"{spoken(started.at)}, and its answer is not recorded yet.")
        return filled

    @property
    def _facts(self) -> dict[str, object]:
        one, record = self.waiting, self.record
        missing = f": {', '.join(one.missing)}" if one.missing else ""
        behind = f" ({', '.join(self.behind)})" if self.behind else ""
        return {
            "app": one.app_id, "attempts": record.attempts, "missing": missing, "behind": behind,
            "connector": "the vendor" if one.connector == UNKNOWN else one.connector,
            "binding": "the next binding" if one.binding == UNKNOWN else f"binding {one.binding}",
            "first": spoken(record.first_failed_at) if record.first_failed_at else "an unknown time",
            "next": f"at {spoken(one.next_at)}" if one.next_at else "as soon as there is room",
        }


def spoken(moment: int) -> str:
    """Milliseconds since 1970 for a person, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment / 1000))


def account(waiting: Waiting, record: ChainRecord, earlier: Sequence[tuple[str, ChainRecord]] = ()) -> Account:
    """The account of a chain; `earlier` are other open chains in its partition, by ident."""
    behind = [ident for ident, other in earlier
              if other.app_id == record.app_id and other.user_id == record.user_id and other.run == 0
              and other.origin.offset < record.origin.offset and ident != waiting.ident]
    return Account(waiting, record, behind if waiting.cause == "order" else ())
