"""One action or export as the tests of the whole catalogue run it: twice, each time with another trouble."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

DONE = "succeeded"
ACCEPTED = "succeeded accepted"
ALREADY = "succeeded already_done"
DOUBT = "failed in_doubt no_answer"

Values = Mapping[str, Any]
ROUNDS = ("lost", "busy")
"""`lost`: the vendor does it, and its answer is lost. `busy`: the vendor first says 503 and does nothing."""


class On(NamedTuple):
    """Which of the requests meets the trouble: the one that has the effect, or the only one."""

    method: str = ""
    path: str = ""
    """A regular expression."""
    contains: str = ""


class Case(NamedTuple):
    """What an action needs, and how it must end.

    Texts may hold placeholders: `{user}`, `{number}`, `{digest}` (64 hexadecimal digits); what follows `int:` becomes
    a number.
    """

    action: str
    effects: tuple[str, ...] = ()
    """What the emulator's ledger must show, each once; empty: nothing changes at the vendor."""
    params: Mapping[str, Any] = {}
    on: On | None = On()
    """None: no request is made, so that nothing can go wrong."""
    attributes: Mapping[str, Any] = {}
    form: Mapping[str, str] = {}
    context: Mapping[str, str] = {}
    seeds: tuple[tuple[str, Values], ...] = ()
    as_of: str = ""
    """The action whose user this one's is too; empty: a user of its own."""
    again: tuple[str, ...] = ()
    """What happens once more where the answer was lost, though nobody minds."""
    lost: str = DONE
    """Outcome, and note or reason with its code, in the round `lost`."""
    busy: str = DONE


def placed(value: Any, user: str, number: int) -> Any:
    """A value with its placeholders filled."""
    if isinstance(value, Mapping):
        return {name: placed(one, user, number) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [placed(one, user, number) for one in value]
    if not isinstance(value, str):
        return value
    digest = sha256(user.encode()).hexdigest()
    text = value.replace("{user}", user).replace("{number}", str(number)).replace("{digest}", f"a{digest[1:]}")
    return int(text[4:]) if text.startswith("int:") else text


def of(attributes: Values, *cases: Case, context: Mapping[str, str] | None = None) -> tuple[Case, ...]:
    """Cases of one connector that have attributes and context in common."""
    return tuple(one._replace(attributes=one.attributes or attributes, context=one.context or context or {})
                 for one in cases)
