"""The walk as a page: what differs from one recording to the next is made alike, long lines are folded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from textwrap import wrap

from processor.settings import TopicSettings
from testkit.incident.scene import APP
from testkit.incident.walk import Step

NIGHT = datetime(2027, 1, 12, 3, 0, tzinfo=UTC)
"""When it is told to have happened."""
WIDTH, WORDS = 118, 120
FULL, SHORT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), re.compile(r"(?<![\d-])\d\d-\d\d \d\d:\d\d(?!:)")
ID = re.compile(r"(?<![\w-])[0-9a-f]{8,}(?![\w-])")
KNOWN_BY = 8
"""First digits by which an id is the same, however many of them are shown."""
HEAD = """# A night's incident: found, mended, replayed

<!-- Recorded by `python -m testkit.incident --record docs/operating/replay.md`; not to be changed by hand. -->

A coupon was deleted at Stripe, the app does not sync an attribute any more, and a producer was released with a schema
that nobody registered: {letters} dead letters of three reasons. What each command does, and can do otherwise, is told
in [dead letters](../replay.md); what to do about which alert in [operating](../operating.md).

Everything below was recorded as it ran, at a terminal, against a real Kafka and emulated vendors. Moments, ids and
topics' names are put in the place of the recording's own, long lines are folded, of progress bars the last state is
shown, and an exit code is named where it is not 0. `tests/integration/test_incident.py` walks the same way, and holds
each screen to what is said beside it.

App `{app}` has bound three actions to `accept` of the prompt `stay`: `note` calls the customer's own endpoint,
`coupon` gives a coupon at Stripe, and `thank` is a call that must not be repeated. `plan` calls the customer with the
user's attribute `account`; `survey` calls with an answer.
"""


class Alike:
    """Puts the same moments, ids and names in the place of those that every recording has its own of."""

    def __init__(self, began: datetime, topics: Mapping[str, str]) -> None:
        self._began = began.replace(second=0, microsecond=0)
        usual = TopicSettings()
        self._names = {name: getattr(usual, role) for role, name in topics.items()}
        self._ids: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """The text as any recording of the same walk would have it."""
        for name, usual in self._names.items():
            text = text.replace(name, usual)
        text = FULL.sub(lambda found: self._moment(found[0], "%Y-%m-%d %H:%M:%SZ"), text)
        text = SHORT.sub(lambda found: self._moment(found[0], "%m-%d %H:%M"), text)
        return ID.sub(lambda found: self._id(found[0]), text)

    def _moment(self, text: str, form: str) -> str:
        found = datetime.strptime(text, form).replace(tzinfo=UTC)
        year = found.year if "%Y" in form else self._began.year
        return (NIGHT + (found.replace(year=year) - self._began)).strftime(form)

    def _id(self, text: str) -> str:
        known = text[:KNOWN_BY]
        digits = self._ids.setdefault(known, blake2b(str(len(self._ids)).encode()).hexdigest())
        return digits[:len(text)]


def page(steps: Sequence[Step], letters: int, alike: Alike) -> str:
    """The page."""
    return "\n".join([HEAD.format(letters=f"{letters:,}", app=APP), *(_step(one, alike) for one in steps)])


def _step(step: Step, alike: Alike) -> str:
    words = "" if not step.words else "\n".join(
        line if line.startswith("|") else "\n".join(wrap(line, WORDS)) for line in step.words.splitlines()) + "\n"
    if not step.typed:
        return words
    shown = [f"$ prompt-actions {alike(step.typed)}", *alike(step.screen).splitlines(),
             *([f"[exit {step.code}]"] if step.code else [])]
    folded = [part for line in shown for part in _folded(line)]
    return "\n".join([*([words] if words else []), "```console", *folded, "```", ""])


def _folded(line: str) -> list[str]:
    """A line in parts that fit on a page; those behind the first stand further in."""
    inner = " " * (len(line) - len(line.lstrip()) + 2)
    return wrap(line, WIDTH, subsequent_indent=inner, break_on_hyphens=False, drop_whitespace=True,
                replace_whitespace=False) if len(line) > WIDTH else [line]


def outline(text: str) -> list[str]:
    """What two recordings share, however many letters they have: words and commands, without numbers and screens."""
    found, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside or line.startswith("$ "):
            found.append(re.sub(r"[\d,]*\d", "0", ID.sub("0", line)))
    return " ".join(found).split()
