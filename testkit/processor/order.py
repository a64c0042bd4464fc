"""The judge of order: whether vendors heard of each user's events in the order in which these were published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from connectors.kit.event import Event
from processor.engine.runner import outcome_id
from testkit.processor.doubts import Blow
from testkit.processor.expected import CHAINS, DONE, ONLY_ONCE, REJECTED, Calls, Load, Want, verdict
from testkit.vendors.client import SeenRequest


class _Call(NamedTuple):
    """A call of a binding, and the place of its event in the load."""

    place: int
    event: Event
    want: Want
    request: SeenRequest

    @property
    def process(self) -> str:
        """Who called, by the name that it sends."""
        return _process(self.request)


def _process(request: SeenRequest) -> str:
    return request.headers.get("user-agent", "")


def disorder(load: Load, seen: Calls, *, killed: bool = False, blows: Sequence[Blow] = ()) -> list[str]:
    """Where calls of one user to one vendor came in another order than the user's events.

    After a kill, what was not durable comes again: there, the first call of each binding counts, among all processes
    and among those of each; and a binding may be late for the reason that `_refused_before` looks for. `blows` tell
    of processes that lost what they had in memory and went on under the same name.
    """
    calls = _in_order(load, seen)
    if not killed:
        return [_late(one, ahead) for one, ahead in _overtaken(calls)]
    by_process: dict[str, list[_Call]] = {}
    for one in calls:
        by_process.setdefault(one.process, []).append(one)
    views = map(_firsts, [calls, *by_process.values()])
    found = [_late(one, inexcusable) for view in views for one, ahead in _overtaken(view)
             if (inexcusable := [other for other in ahead if not _refused_before(seen, one, other, blows)])]
    return list(dict.fromkeys(found))


def _in_order(load: Load, seen: Calls) -> list[_Call]:
    found = [_Call(place, event, want, request) for place, event in enumerate(load.events)
             for want in CHAINS[event.app_id, event.prompt_id, event.interaction]
             for request in seen.by_outcome.get(outcome_id(event.app_id, event.event_id, want.id, 0), ())]
    return sorted(found, key=lambda one: (one.request.number, one.request.vendor))


def _firsts(calls: Iterable[_Call]) -> list[_Call]:
    firsts: dict[tuple[int, str], _Call] = {}
    for one in calls:
        firsts.setdefault((one.place, one.want.id), one)
    return list(firsts.values())


def _overtaken(calls: Iterable[_Call]) -> Iterator[tuple[_Call, list[_Call]]]:
    """Calls that came behind such of later events of their user at their vendor."""
    before: dict[tuple[str, str, str], list[_Call]] = {}
    for one in calls:
        lane = before.setdefault((one.request.vendor, one.event.app_id, one.event.user_id), [])
        ahead = [other for other in lane if other.place > one.place]
        if ahead:
            yield one, ahead
        lane.append(one)


def _late(one: _Call, ahead: Sequence[_Call]) -> str:
    last = max(ahead, key=lambda other: other.place)
    return (f"{one.request.vendor}: event {one.place} of {one.event.app_id}:{one.event.user_id} was called by "
            f"{one.process} after {last.place} by {last.process}")


def _refused_before(seen: Calls, late: _Call, ahead: _Call, blows: Sequence[Blow]) -> bool:
    """Whether the chain had stopped before the late binding, for the process that called the later event.

    That it was refused was not durable when another process took over, asked again, and was told otherwise. Behind a
    call that must not be repeated nothing is excused: it is sent when all that was before it is durable.
    """
    event, process, moment = late.event, ahead.process, ahead.request.time
    chain = CHAINS[event.app_id, event.prompt_id, event.interaction]
    for want in chain[:chain.index(late.want)]:
        tries = seen.by_outcome.get(outcome_id(event.app_id, event.event_id, want.id, 0), ())
        told = [verdict(want, one) for one in tries if _process(one) == process and one.time < moment]
        again = [verdict(want, one) for one in tries
                 if moment < one.time < late.request.time and _knows_nothing(one, ahead, blows)]
        if want.stop and told and told[-1] == REJECTED and DONE in again:
            return ahead.want.kind not in ONLY_ONCE
    return False


def _knows_nothing(one: SeenRequest, ahead: _Call, blows: Sequence[Blow]) -> bool:
    """Whether it is the call of a process that has not what the one that called `ahead` had in memory then."""
    return _process(one) != ahead.process or any(
        blow.name == ahead.process and ahead.request.time < blow.until and blow.at < one.time for blow in blows)
