"""The judgement of a load: the model, the order of calls, and the vendors' ledgers together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from processor.engine.runner import outcome_id
from processor.model.outcome import ActionResult
from testkit.processor.doubts import Blow
from testkit.processor.expected import HARMLESS, Key, Load, Model, calls, differences
from testkit.processor.order import disorder
from testkit.vendors.client import Control
from testkit.vendors.ledger import silent_repeats


def wrongs(load: Load, vendors: Control, results: Sequence[ActionResult], *, killed: bool = False,
           besides: Collection[str] = (), blows: Sequence[Blow] = ()) -> list[str]:
    """All that is wrong with what came out: outcomes, calls and their order, effects that happened twice.

    Calls with a mark of `besides` are no part of the load.
    """
    seen = calls(vendors)
    seen = seen._replace(by_outcome={mark: of for mark, of in seen.by_outcome.items() if mark not in besides})
    ended = {(one.app_id, one.event_id, one.binding_id): (one.outcome, one.reason) for one in results}
    predicted = Model(load, seen, killed=killed, ended=ended).predict()
    repeats = [f"{group[0].vendor} {group[0].kind} happened {len(group)} times: {group[0]}"
               for group in silent_repeats(vendors.ledger()) if group[0].kind not in HARMLESS]
    return [*differences(predicted, results), *disorder(load, seen, killed=killed, blows=blows), *repeats]


def called_after(vendors: Control, finished: Iterable[Key], moment: float) -> list[Key]:
    """Bindings of these that a vendor was called for after a moment."""
    seen = calls(vendors).by_outcome
    return [key for key in finished if any(one.time > moment for one in seen.get(outcome_id(*key, 0), ()))]
