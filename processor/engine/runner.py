"""Runs chains: one binding after another, each a flow whose requests are sent and answers judged."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.action import Done
from connectors.kit.errors import Broken, Failure, InDoubt, Misconfigured, MissingAttributes, Rejected, Unavailable
from connectors.kit.event import Call
from connectors.kit.http import Request, Response
from processor.engine.masking import masked
from processor.http.transport import TransportError
from processor.model.chain import Started
from processor.model.dead_letter import Exchange

if TYPE_CHECKING:
    from processor.engine.chain import Chain
    from processor.engine.counts import Counts
    from processor.engine.ledger import Ledger
    from processor.engine.options import EngineOptions
    from processor.engine.parking import Parking
    from processor.engine.plan import Step
    from processor.engine.sender import Sender
    from processor.engine.timers import Timers

INSTANTLY: Final = 0.0


def outcome_id(app_id: str, event_id: str, binding_id: str, generation: int) -> str:
    """The UUID (by form) from which idempotency keys are made: the same while an outcome is unknown."""
    text = f"{app_id}\0{event_id}\0{binding_id}\0{generation}"
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def transport_failure(error: TransportError) -> Failure:
    """A call without an answer, as a failure; an address that may not be called will never do."""
    if error.phase == "blocked":
        return Rejected("blocked_address", error.message)
    code = f"timeout_{error.phase}" if error.timed_out else f"no_{error.phase}"
    return Unavailable(code, error.message, unknown=error.unknown)


class Runner:
    """The life of a chain between its turn and its end."""

    def __init__(
        self, sender: Sender, timers: Timers, options: EngineOptions, ledger: Ledger, metrics: Counts,
        chance: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._timers = timers
        self._options = options
        self._retry = options.retry
        self._ledger = ledger
        self._metrics = metrics
        self._chance = chance
        self.parking: Parking
        self.ended: Callable[[Chain], None]
        """Called when all bindings of the chain proper have outcomes."""

    def advance(self, chain: Chain) -> None:
        """Begin the next binding that has no outcome, or end the chain."""
        steps = chain.plan.steps
        count = len(steps)
        while chain.position < count:
            step = steps[chain.position]
            if chain.ended and step.id in chain.ended:
                chain.stopped = chain.stopped or (step.stops and chain.ended[step.id].outcome == "failed")
                chain.position += 1
            elif chain.only and step.id not in chain.only:
                chain.position += 1
            elif chain.stopped:
                self._ledger.outcome(chain, step, "skipped", self._sender.now, keep=True)
                self._leave_binding(chain)
            elif step.max_age_ms and self._sender.now * 1000 - chain.event.time > step.max_age_ms:
                self._ledger.outcome(chain, step, "expired", self._sender.now, attempts=chain.attempts, keep=True)
                self._leave_binding(chain)
            elif chain.partition.leaving:
                return  # what has ended is in the receipts; the next owner goes on from there
            else:
                self._begin(chain, step)
                return
        self.ended(chain)

    def _begin(self, chain: Chain, step: Step) -> None:
        """Check what the binding needs, then start its flow."""
        chain.step = step
        chain.route = step.route
        if chain.started is not None and self._settle_started(chain, step):
            return
        if chain.begun_since and self._forgotten(chain, step):
            return
        if self.parking.must_wait(chain, step):
            return
        if not step.never and self._sender.must_queue(chain):
            return
        lacking = step.lacking(chain.attributes, chain.event.form)
        if lacking:
            self.parking.missing(chain, step, lacking)
            return
        self.start(chain, step)

    def _settle_started(self, chain: Chain, step: Step) -> bool:
        """A crash cut a marked call: nobody knows whether it happened."""
        started, chain.started = chain.started, None
        if started is None or started.binding_id != step.id or not step.never:
            if started is not None and started.binding_id == step.id:
                chain.begun_before(started.at)
            return False
        self.fail(chain, step, InDoubt(
            "started", f"the call '{started.step}' was under way when the process ended; look at the vendor"))
        return True

    def _forgotten(self, chain: Chain, step: Step) -> bool:
        """A process that crashed may have called, so long ago that the vendor would not recognise a repeat."""
        if not step.expires or self._sender.now - chain.begun_since / 1000 < step.keeps_keys:
            return False
        self.give_up(chain, step, InDoubt(
            "key_expired", "a process that crashed may have called, and the vendor no longer keeps the key of that"))
        return True

    def start(self, chain: Chain, step: Step) -> None:
        """Begin the binding's flow from its first request."""
        sender, event = self._sender, chain.event
        if not chain.begun_at:
            chain.begun_at = sender.now
        if chain.generations:
            chain.generation = chain.generations.get(step.id, 0)
        call = Call(
            event, chain.attributes, step.params, step.settings, now=sender.now,
            # a replay's earlier run may have reached the vendor, and so may a process that crashed
            doubtful=chain.doubtful or chain.run > 0 or chain.begun_since > 0,
            outcome_id=outcome_id(event.app_id, event.event_id, step.id, chain.generation),
        )
        chain.effect_done = False
        try:
            chain.flow = flow = step.run(call)
            request = next(flow)
        except StopIteration as end:
            self._returned(chain, step, end.value)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            self._raised(chain, step, error)
        else:
            self._send(chain, step, request)

    def _send(self, chain: Chain, step: Step, request: Request) -> None:
        if not isinstance(request, Request):
            self.give_up(chain, step, Broken("no_request", f"{step.connector_id}.{step.action_id} yielded no request"))
            return
        chain.request = request
        chain.renewed = False
        if chain.partition.leaving and not chain.effect_done:
            return
        if request.wait:
            chain.timer = self._timers.at(self._sender.now + request.wait, self._send_waited, chain)
        else:
            self._dispatch(chain, step, request)

    def _send_waited(self, chain: Chain) -> None:
        """The flow asked for a pause before this request (a job that takes its time)."""
        chain.timer = None
        self._dispatch(chain, chain.step, chain.request)  # type: ignore[arg-type]

    def _dispatch(self, chain: Chain, step: Step, request: Request) -> None:
        # a crash says of what was parked by nothing else that it had been begun: see reach.py for the others
        unknown = chain.tracker is None and chain.started is None and (step.expires or step.looks)
        if request.effect and (step.never or unknown):
            self._mark(chain, step, request)
        else:
            chain.fresh = False
            self._sender.send(chain)

    def _mark(self, chain: Chain, step: Step, request: Request) -> None:
        """What must not be repeated, or not blindly or for ever, goes out only after its *started* is durable."""
        digest = blake2b(request.body or b"", digest_size=16, key=request.path.encode()[:64]).digest()
        chain.started = Started(step.id, request.step, digest, int(self._sender.now * 1000))
        chain.fresh = step.never and not request.kept
        partition = chain.partition
        partition.dirty[chain] = None
        partition.marks.append(chain)

    def answered(self, chain: Chain, answer: Response | TransportError | Failure, seconds: float) -> None:
        """An answer to the chain's request: judge it, then go on, try again, or give up."""
        step: Step = chain.step  # type: ignore[assignment]
        request: Request = chain.request  # type: ignore[assignment]
        if type(answer) is Response or isinstance(answer, Response):
            failure = None if answer.status in request.look_at else self._read(step, request, answer)
            if failure is None:
                if not step.gate.circuit.closed or step.gate.paused_since:
                    self.parking.recovered(step.gate)
                else:
                    step.gate.circuit.succeeded(self._sender.now)
                if request.effect:
                    chain.effect_done = True
                self._resume(chain, step, answer)
                return
        elif isinstance(answer, TransportError):
            failure = transport_failure(answer)
        else:
            failure = answer
        chain.exchange = self._exchange(chain, request, answer, seconds)
        if not chain.effect_done and not getattr(failure, "unknown", False):
            if chain.started is not None:
                chain.partition.dirty[chain] = None
            chain.started = None  # the answer says that nothing happened: a later try is no repeat
        self.fail(chain, step, failure)

    def _read(self, step: Step, request: Request, answer: Response) -> Failure | None:
        try:
            return step.route.read(request, answer)
        except Failure as failure:
            return failure
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            return self._broken(error, step)

    def _resume(self, chain: Chain, step: Step, answer: Response) -> None:
        try:
            request = chain.flow.send(answer)  # type: ignore[union-attr]
        except StopIteration as end:
            self._returned(chain, step, end.value)
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            chain.exchange = self._exchange(chain, chain.request, answer, INSTANTLY)  # type: ignore[arg-type]
            self._raised(chain, step, error)
        else:
            self._send(chain, step, request)

    def _raised(self, chain: Chain, step: Step, error: Exception) -> None:
        """The flow ended by raising: another try can only begin it anew."""
        chain.flow = None
        chain.doubtful = chain.doubtful or chain.effect_done
        failure = error if isinstance(error, Failure) else self._broken(error, step)
        if isinstance(failure, Unavailable) and chain.effect_done and step.never:
            failure = InDoubt(failure.code, f"something was changed already, then: {failure.message}",
                              status=failure.status, request_id=failure.request_id)
        self.fail(chain, step, failure)

    def _returned(self, chain: Chain, step: Step, done: Any) -> None:
        if isinstance(done, Done):
            self._succeed(chain, step, done)
        else:
            self.give_up(chain, step, Broken(
                "no_done", f"{step.connector_id}.{step.action_id} returned {type(done).__name__}, no Done"))

    def _succeed(self, chain: Chain, step: Step, done: Any) -> None:
        """`done` is a Done; what it holds a connector took from a vendor's answer, of whatever type."""
        self._ledger.outcome(
            chain, step, "succeeded", self._sender.now, note=done.note, reference=done.reference,
            detail=done.detail, attempts=chain.attempts + 1, keep=self._goes_on(chain),
        )
        self._leave_binding(chain)
        self.advance(chain)

    def _leave_binding(self, chain: Chain) -> None:
        """The binding has its outcome; a circuit whose probe it was to be would else stay open for ever."""
        self.parking.release_probe(chain)
        chain.next_binding()

    def _goes_on(self, chain: Chain) -> bool:
        """Whether a receipt will be needed: other bindings follow, or a dead letter will name it."""
        return chain.position + 1 < len(chain.plan.steps) or chain.failures is not None or chain.run > 0

    def fail(self, chain: Chain, step: Step, failure: Failure) -> None:
        """A try of the binding failed: decide by who must act."""
        if isinstance(failure, Unavailable):
            self._unavailable(chain, step, failure)
        elif isinstance(failure, Misconfigured):
            self._misconfigured(chain, step, failure)
        elif isinstance(failure, MissingAttributes) and not chain.effect_done:
            self.parking.missing(chain, step, failure.names, failure)
        else:
            chain.attempts += 1
            self.give_up(chain, step, failure)

    def _unavailable(self, chain: Chain, step: Step, failure: Unavailable) -> None:
        gate, now = step.gate, self._sender.now
        effect = chain.request is not None and chain.request.effect
        if failure.throttled:
            self.parking.throttled(chain, step, failure)
            return
        was_open = not gate.circuit.closed
        opened = gate.circuit.failed(now)
        if failure.unknown and effect:
            if step.never:
                chain.attempts += 1
                self.parking.outage(gate, opened or was_open)
                self.give_up(chain, step, InDoubt(
                    failure.code, f"sent, but the answer is unknown: {failure.message}", status=failure.status,
                    request_id=failure.request_id))
                return
            chain.doubtful = True
            chain.first_failed_at = chain.first_failed_at or now
        if opened or was_open:
            self.parking.outage(gate, True)
            if self.parking.circuit_holds(chain, step):
                return
        chain.attempts += 1
        chain.first_failed_at = chain.first_failed_at or now
        if chain.partition.leaving:
            chain.partition.dirty[chain] = None
        self._metrics.retry(step.connector_id, failure.code)
        if self._key_expired(chain, step, now):
            self.give_up(chain, step, InDoubt(
                failure.code, "the vendor no longer keeps the idempotency key of the first try"))
        elif self._retry.exhausted(chain.attempts, now - chain.first_failed_at):
            self.give_up(chain, step, failure)
        else:
            self.parking.retry(chain, step, self._retry.delay(chain.attempts, self._chance(), failure.retry_after))

    def _key_expired(self, chain: Chain, step: Step, now: float) -> bool:
        if not step.expires or not (chain.doubtful or chain.begun_since):
            return False
        first = chain.first_failed_at or now
        return now - min(first, chain.begun_since / 1000 or first) >= step.keeps_keys

    def _misconfigured(self, chain: Chain, step: Step, failure: Misconfigured) -> None:
        now = self._sender.now
        if failure.stale_token and chain.request is not None and self._sender.renew(chain):
            return
        chain.first_failed_at = chain.first_failed_at or now
        if now - chain.first_failed_at >= self._options.misconfigured_grace or (chain.effect_done and step.never):
            self.give_up(chain, step, failure)
        else:
            self.parking.refused(chain, step, failure)

    def resend(self, chain: Chain) -> None:
        """A short wait is over: the same request again, or the flow from its start where it looks first."""
        chain.timer = None
        step: Step = chain.step  # type: ignore[assignment]
        if step.max_age_ms and self._sender.now * 1000 - chain.event.time > step.max_age_ms and not chain.effect_done:
            self._stop_flow(chain)
            chain.flow = None
            self.advance(chain)
            return
        if not chain.effect_done and self.parking.must_wait(chain, step):
            return
        if chain.flow is None or (step.looks and chain.doubtful):
            self._stop_flow(chain)
            self.start(chain, step)
            return
        self._send(chain, step, chain.request)  # type: ignore[arg-type]

    def give_up(self, chain: Chain, step: Step, failure: Failure) -> None:
        """The binding failed for good."""
        self._stop_flow(chain)
        now, attempts = self._sender.now, max(chain.attempts, 1)
        self._ledger.failed(chain, step, failure, now, attempts=attempts, exchange=chain.exchange)
        self._ledger.outcome(
            chain, step, "failed", now, reason=failure.reason, code=failure.code, message=failure.message,
            status=failure.status, request_id=failure.request_id, attempts=attempts, keep=self._goes_on(chain),
        )
        if step.stops:
            chain.stopped = True
        self._leave_binding(chain)
        self.advance(chain)

    def _stop_flow(self, chain: Chain) -> None:
        chain.drop_flow()

    def _broken(self, error: Exception, step: Step) -> Broken:
        name = repr((type(error).__name__, step.connector_id, step.action_id))
        short = blake2b(name.encode(), digest_size=4).hexdigest()
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_name}:{place.tb_lineno}" if place else "?"
        return Broken(short, f"{type(error).__name__} in {step.connector_id}.{step.action_id} ({where})")

    def _exchange(self, chain: Chain, request: Request, answer: Any, seconds: float) -> Exchange:
        known = chain.attributes.values()
        personal = [value for value in known if isinstance(value, str)]
        personal.extend(one for value in known if isinstance(value, list) for one in value)
        personal.extend(chain.event.form.values())
        personal.extend(chain.event.context.values())  # tokens of purchases, keys of carts
        personal.append(chain.event.user_id)
        personal.extend(chain.step.route.secrets)  # type: ignore[union-attr]
        is_answer = isinstance(answer, Response)
        return Exchange(
            request.method, masked(request.path, personal),
            masked((request.body or b"").decode("utf-8", "replace"), personal),
            answer.status if is_answer else 0, masked(answer.text, personal) if is_answer else "",
            int(chain.sent_at * 1000), int(seconds * 1000), request.step,
        )
