"""Exports beside the chains: items of many events in one request, an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Done
from connectors.kit.errors import Broken, Failure, InDoubt, Misconfigured, MissingAttributes, Rejected, Unavailable
from connectors.kit.event import Call
from connectors.kit.http import Response
from processor.engine.batch import Batch, Filling, are_ends, no_longer_begun
from processor.engine.masking import LIMIT
from processor.engine.runner import outcome_id, transport_failure
from processor.http.transport import TransportError
from processor.model.dead_letter import Exchange

if TYPE_CHECKING:
    from connectors.kit.export import Item
    from processor.engine.chain import Chain
    from processor.engine.counts import Counts
    from processor.engine.ledger import Ledger
    from processor.engine.options import EngineOptions
    from processor.engine.parking import Parking
    from processor.engine.partition import Partition
    from processor.engine.plan import ExportStep
    from processor.engine.sender import Sender
    from processor.engine.timers import Timers


class Exporter:
    """Fills batches by the vendor's limits and sends them; a batch that fails as a whole is tried again."""

    def __init__(
        self, sender: Sender, timers: Timers, options: EngineOptions, ledger: Ledger, metrics: Counts,
        chance: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._timers = timers
        self._options = options
        self._ledger = ledger
        self._metrics = metrics
        self._chance = chance
        self._filling: dict[tuple[ExportStep, str], Filling] = {}
        self._live: set[Batch] = set()
        self._marked: list[tuple[int, Batch]] = []
        """Batches that wait until a checkpoint of this number, or a later one, is durable."""
        self.next_checkpoint: Callable[[], int]
        """The number of the checkpoint that is begun next."""
        self.parking: Parking
        self.ended: Callable[[Chain], None]
        """Called when all export bindings of the event have outcomes."""

    def take(self, chain: Chain) -> None:
        """Make an item for each export of the event and put it with others."""
        pending = [step for step in chain.plan.exports
                   if step.id not in chain.ended and (not chain.only or step.id in chain.only)]
        chain.exports, chain.exports_waiting = len(pending), 0
        chain.begun_at = chain.begun_at or self._sender.now
        if not pending:
            self.ended(chain)
        for step in pending:
            if step.id in chain.exports_begun:
                self._end(chain, step, InDoubt("started", "it was under way when the process ended"), 1, None)
            else:
                self._make_item(chain, step)

    def _make_item(self, chain: Chain, step: ExportStep) -> None:
        event, export = chain.event, step.export
        lacking = export.requires.missing(chain.attributes)
        if lacking:
            self._end(chain, step, MissingAttributes(lacking), 0, None)
            return
        call: Call[Any, Any] = Call(
            event, chain.attributes, step.params, step.settings, now=self._sender.now,
            outcome_id=outcome_id(event.app_id, event.event_id, step.id, 0),
        )
        try:
            item = export.item(call)
        except Failure as failure:
            self._end(chain, step, failure, 0, None)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            self._end(chain, step, Broken("item", f"{type(error).__name__} while making an item"), 0, None)
        else:
            self._add(chain, step, item)

    def _add(self, chain: Chain, step: ExportStep, item: Item) -> None:
        limits = step.export.limits
        size = len(item.body) + 1
        if size > limits.item_bytes:
            self._end(chain, step, Rejected("item_too_large", f"{size} bytes, the vendor takes {limits.item_bytes}"), 0,
                      None)
            return
        key = (step, item.group)
        filling = self._filling.get(key)
        if filling is not None and filling.bytes + size > limits.bytes:
            self._send_filling(key)
            filling = None
        if filling is None:
            filling = self._filling[key] = Filling(step)
            filling.timer = self._timers.at(self._sender.now + limits.age, self._send_filling, key)
        filling.entries.append((chain, item))
        filling.bytes += size
        if len(filling.entries) >= limits.items:
            self._send_filling(key)

    def _send_filling(self, key: tuple[ExportStep, str]) -> None:
        filling = self._filling.pop(key, None)
        if filling is None:
            return
        if filling.timer is not None:
            filling.timer.cancel()
        entries = [entry for entry in filling.entries if not entry[0].gone]
        if entries:
            batch = Batch(self.answered, filling.step, entries)
            batch.attempts = max(chain.attempts for chain, _ in entries)
            batch.first_failed_at = min((chain.first_failed_at for chain, _ in entries if chain.first_failed_at),
                                        default=0.0)
            self._start(batch)

    def flush(self) -> None:
        """Send all that waits for others, whatever its age."""
        for key in list(self._filling):
            self._send_filling(key)

    def _start(self, batch: Batch) -> None:
        batch.entries = [entry for entry in batch.entries if not entry[0].gone]
        circuit = batch.step.gate.circuit
        if not batch.entries:
            return
        if not circuit.closed:
            batch.probe = circuit.admits(self._sender.now)
            if not batch.probe:
                self._wait_for_vendor(batch)
                return
        elif self.parking.backlog.sends_away(batch.step.gate):
            self._park(batch, "limit", 0.0)
            return
        self._live.add(batch)
        batch.flow, batch.effect_done, batch.marked = None, False, False
        self._step(batch, None)

    def _wait_for_vendor(self, batch: Batch) -> None:
        """Park what may still wait; what has waited for other settings as long as the grace allows has failed."""
        gate = batch.step.gate
        waiting = [entry for entry in batch.entries if not self.parking.waited_out(gate, entry[0])]
        overdue = [entry for entry in batch.entries if self.parking.waited_out(gate, entry[0])]
        for chain, _ in overdue:
            self._end(chain, batch.step, self.parking.still_refused(gate), batch.attempts, batch.exchange)
        batch.entries = waiting
        self._park(batch, "settings" if gate.paused_since else "circuit", 0.0)

    def _release_probe(self, batch: Batch) -> None:
        if batch.probe:
            batch.probe = False
            self.parking.probe_ended(batch.step.gate)

    def busy(self, partition: Partition) -> bool:
        """Whether a request is under way that holds items of this partition."""
        return any(chain.partition is partition for batch in self._live for chain, _ in batch.entries)

    def _park(self, batch: Batch, cause: str, due: float) -> None:
        """The wait is long: each event of the batch leaves memory, unless another of its exports is under way."""
        self._release_probe(batch)
        self.parking.outage(batch.step.gate, is_open=True)
        for chain, _ in batch.entries:
            if chain.gone:
                continue
            chain.attempts = max(chain.attempts, batch.attempts)
            chain.first_failed_at = chain.first_failed_at or batch.first_failed_at
            chain.exports_waiting += 1
            self._park_if_idle(chain, batch.step, cause, due)

    def _park_if_idle(self, chain: Chain, step: ExportStep, cause: str, due: float) -> None:
        if chain.exports_waiting < chain.exports:
            return
        chain.route = step.route
        stub = self.parking.park(chain, cause, due)
        if stub is None:
            chain.exports_waiting = 0
            for one in chain.remaining:
                self._end(chain, one, self.parking.does_not_fit(), chain.attempts, None)  # type: ignore[arg-type]
        elif due:
            self.parking.wake_at(stub, due)
        else:
            self.parking.wait_at(step.gate, stub)

    def _step(self, batch: Batch, answer: Response | None) -> None:
        step = batch.step
        try:
            if batch.flow is None:
                batch.flow = step.export.send(step.settings, [item for _, item in batch.entries])
            batch.request = batch.flow.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            self._finish(batch, end.value)
        except Failure as failure:
            self._failed(batch, failure)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            self._failed(batch, Broken("batch", f"{type(error).__name__} while sending a batch"))
        else:
            batch.renewed = False
            batch.fresh = batch.never and batch.request.effect and not batch.request.kept
            if batch.request.wait:
                self._timers.at(self._sender.now + batch.request.wait, self._dispatch, batch)
            else:
                self._dispatch(batch)

    def _dispatch(self, batch: Batch) -> None:
        """Send the request; what must not be repeated only once it is durable that it may be under way."""
        if batch.marked or not (batch.never and batch.request.effect):  # type: ignore[union-attr]
            self._send(batch)
            return
        batch.marked = True
        for chain, _ in batch.entries:
            chain.exports_begun = (*chain.exports_begun, batch.step.id)
            chain.partition.dirty[chain] = None
        self._marked.append((self.next_checkpoint(), batch))

    def durable(self, number: int) -> None:
        """A checkpoint committed: what it marked may go out, but for items whose partition has left."""
        if not self._marked:
            return
        due = [batch for wanted, batch in self._marked if wanted <= number]
        self._marked = [one for one in self._marked if one[0] > number]
        for batch in due:
            self._send(batch)

    def _send(self, batch: Batch) -> None:
        if any(not chain.gone for chain, _ in batch.entries):
            self._sender.send(batch)
        else:
            self._live.discard(batch)
            self._release_probe(batch)

    def _unmark(self, batch: Batch) -> None:
        """Nothing of it arrived: whoever goes on with its items may send them."""
        if batch.marked:
            batch.marked = False
            for chain, _ in batch.entries:
                no_longer_begun(chain, batch.step)
                if not chain.gone:
                    chain.partition.dirty[chain] = None

    def answered(self, batch: Batch, answer: Response | TransportError | Failure, seconds: float) -> None:
        """An answer to a batch's request."""
        request: Any = batch.request
        gate = batch.step.gate
        if isinstance(answer, Response):
            failure = None if answer.status in request.look_at else self._read(batch, answer)
            if failure is None:
                if gate.circuit.closed:
                    gate.circuit.succeeded(self._sender.now)
                else:
                    self.parking.recovered(gate)
                batch.effect_done = batch.effect_done or (batch.never and request.effect and answer.ok)
                self._step(batch, answer)
                return
            batch.exchange = Exchange(request.method, request.path, "", answer.status, answer.text[:LIMIT],
                                      int(batch.sent_at * 1000), int(seconds * 1000), request.step)
        elif isinstance(answer, TransportError):
            failure = transport_failure(answer)
        else:
            failure = answer
        self._failed(batch, failure)

    def _read(self, batch: Batch, answer: Response) -> Failure | None:
        try:
            return batch.step.route.read(batch.request, answer)  # type: ignore[arg-type]
        except Failure as failure:
            return failure
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            return Broken("reading", f"{type(error).__name__} while reading an answer")

    def _failed(self, batch: Batch, failure: Failure) -> None:
        """The whole batch failed: again later, or each item for good."""
        self._live.discard(batch)
        gate, now, retry = batch.step.gate, self._sender.now, self._options.retry
        if isinstance(failure, Misconfigured) and failure.stale_token and self._sender.renew(batch):
            self._live.add(batch)
            return
        if not isinstance(failure, (Unavailable, Misconfigured)):
            self._finish(batch, [failure] * len(batch.entries))
            return
        if batch.may_have_arrived(failure):
            gate.circuit.failed(now)
            self._finish(batch, [InDoubt(
                failure.code, f"sent, but what arrived is unknown: {failure.message}", status=failure.status,
                request_id=failure.request_id)] * len(batch.entries))
            return
        self._unmark(batch)
        batch.first_failed_at = batch.first_failed_at or now
        since = now - batch.first_failed_at
        self._metrics.retry(batch.step.connector_id, failure.code)
        if isinstance(failure, Misconfigured):
            if since >= self._options.misconfigured_grace:
                self._finish(batch, [failure] * len(batch.entries))
            else:
                gate.paused_since, gate.settings_failure = gate.paused_since or now, failure.code
                gate.circuit.open(now, self._options.misconfigured_pause)
                self._park(batch, "settings", 0.0)
            return
        if failure.throttled:
            self._release_probe(batch)
            self._rest(batch, self.parking.rest(gate, batch.sent_at, failure))
            return
        gate.circuit.failed(now)
        batch.attempts += 1
        if retry.exhausted(batch.attempts, since):
            self._finish(batch, [failure] * len(batch.entries))
        elif not gate.circuit.closed:
            self._park(batch, "circuit", 0.0)
        else:
            self._again(batch, retry.delay(max(batch.attempts, 1), self._chance(), failure.retry_after))

    def _rest(self, batch: Batch, wait: float) -> None:
        """A 429 costs no attempt; who must rest long leaves memory."""
        if batch.step.gate.stray:
            self._again(batch, wait)
        elif wait > self._options.park_after or not batch.step.gate.circuit.closed:
            self._park(batch, "limit", 0.0)
        else:
            self._timers.at(self._sender.now + wait, self._start, batch)

    def _again(self, batch: Batch, delay: float) -> None:
        due = self._sender.now + delay
        if delay > self._options.park_after:
            self._park(batch, "retry", due)
        else:
            self._timers.at(due, self._start, batch)

    def _finish(self, batch: Batch, ends: Sequence[Done | Failure]) -> None:
        self._live.discard(batch)
        self._release_probe(batch)
        if not are_ends(ends, len(batch.entries)):
            ends = [Broken("batch", "the export told of fewer items than were sent")] * len(batch.entries)
        for (chain, _), end in zip(batch.entries, ends, strict=True):
            if not chain.gone:
                chain.first_failed_at = batch.first_failed_at
                self._end(chain, batch.step, end, batch.attempts + 1, batch.exchange)

    def _end(self, chain: Chain, step: ExportStep, end: Done | Failure, attempts: int,
             exchange: Exchange | None) -> None:
        """One item ended: its outcome, and the event's end with the last one."""
        now = self._sender.now
        chain.exports -= 1
        no_longer_begun(chain, step)
        if isinstance(end, Failure):
            self._ledger.failed(chain, step, end, now, attempts=attempts, exchange=exchange, action_id=step.export_id)
            self._ledger.outcome(
                chain, step, "failed", now, reason=end.reason, code=end.code, message=end.message, status=end.status,
                request_id=end.request_id, attempts=attempts, action_id=step.export_id, keep=chain.exports > 0)
        else:
            done: Any = end  # what it holds a connector took from a vendor's answer
            self._ledger.outcome(
                chain, step, "succeeded", now, note=done.note, reference=done.reference, detail=done.detail,
                attempts=attempts, action_id=step.export_id, keep=chain.exports > 0 or chain.failures is not None)
        if chain.exports == 0:
            self.ended(chain)
        elif chain.exports_waiting:
            self._park_if_idle(chain, step, "retry", now + self._options.park_after)
