"""Whether each `in_doubt` has a reason: a fault that struck its call, or an end of the process that was at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from processor.engine.runner import outcome_id
from processor.model.outcome import ActionResult
from testkit.processor.expected import BROKEN
from testkit.vendors.client import SeenRequest

REACH = 20.0
"""Seconds from a call's arrival within which its end is durable, a broker that was away included."""
LATE = 15.0
"""Seconds by which a call may come to a busy vendor after the process that sent it was killed."""
AFTERWARDS = 120.0
"""Seconds after a blow within which what it left in doubt was told by an heir."""
A_BLOW = 10
"""How many calls a blow may leave marked and not sent: what lies between a mark's commit and the same turn's calls."""


class Blow(NamedTuple):
    """What befell a process, by wall time; one that goes on afterwards was only halted."""

    name: str
    """As vendors know the process."""
    at: float
    until: float


class Doubts(NamedTuple):
    """How many outcomes were in doubt, and why."""

    by_fault: int
    by_blow: int
    never_sent: int
    unexplained: Sequence[str]


def explain(ended: Iterable[ActionResult], seen: Mapping[str, Sequence[SeenRequest]], blows: Sequence[Blow]) -> Doubts:
    """Find the reason of each; where there is none, or more than blows can have caused, it is told."""
    by_name: dict[str, list[Blow]] = {}
    for blow in blows:
        by_name.setdefault(blow.name, []).append(blow)
    by_fault = by_blow = never_sent = 0
    wrong = []
    for one in ended:
        if one.reason != "in_doubt":
            continue
        requests = seen.get(outcome_id(one.app_id, one.event_id, one.binding_id, one.run), ())
        if any(request.fault in BROKEN for request in requests):
            by_fault += 1
        elif not requests:
            never_sent += 1
            wrong += _unsent(one, blows)
        elif _struck(requests[-1], by_name):
            by_blow += 1
        else:
            last = requests[-1]
            near = [f"{blow.at - last.time:+.1f} s" for blow in by_name.get(_sender(last), ())]
            wrong.append(f"{one.event_id} {one.binding_id} is in doubt ({one.code}), although nothing befell "
                         f"{_sender(last)} when its call was answered {last.status}; blows to it: {near}")
    most = A_BLOW * len(blows)
    if never_sent > most:
        wrong.append(f"{never_sent} calls in doubt were never sent; {len(blows)} blows explain {most} at most")
    return Doubts(by_fault, by_blow, never_sent, wrong)


def _unsent(one: ActionResult, blows: Sequence[Blow]) -> list[str]:
    told = one.finished_at / 1000
    if any(blow.at <= told <= blow.until + AFTERWARDS for blow in blows):
        return []
    return [f"{one.event_id} {one.binding_id} is in doubt ({one.code}), was never sent, and nothing befell anybody"]


def _struck(request: SeenRequest, blows: Mapping[str, Sequence[Blow]]) -> bool:
    return any(blow.at <= request.time + REACH and blow.until + LATE >= request.time
               for blow in blows.get(_sender(request), ()))


def _sender(request: SeenRequest) -> str:
    return str(request.headers.get("user-agent", ""))
