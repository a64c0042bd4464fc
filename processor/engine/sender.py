"""Sends flights: waits at the gate, gets the token, signs, starts the call, hands the answer back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.errors import Broken, Failure
from connectors.kit.http import Response, SignContext
from processor.engine.tokens import Tokens
from processor.http.transport import TransportError

if TYPE_CHECKING:
    from connectors.kit.http import Request, Signed, Token
    from processor.engine.counts import Counts
    from processor.engine.flight import Flight, Route
    from processor.engine.gate import Gate
    from processor.engine.options import EngineOptions
    from processor.engine.timers import Timers
    from processor.http.transport import Completion, Transport

ENOUGH: Final = 64
"""Flights that wait for a place, so that none stays free until more was read."""
SOON: Final = 0.25
"""Seconds for which at most nothing is read because enough waits."""
Answer = Response | TransportError | Failure


def _stays(flight: Flight) -> bool:
    """Whether the request is not to go out any more: its partition has left, or leaves and nothing was changed yet."""
    home = flight.home
    return flight.gone or (home is not None and home.leaving and not flight.effect_done)


class Sender:
    """Between flows and transport; `now` is the loop's clock in seconds since 1970, turned by `turn`."""

    def __init__(
        self, transport: Transport, timers: Timers, options: EngineOptions, metrics: Counts, nonce: Callable[[], str]
    ) -> None:
        self._transport = transport
        self._timers = timers
        self._options = options
        self._metrics = metrics
        self._nonce = nonce
        self._waiting: dict[Gate, None] = {}
        """Gates at which somebody waits, and some at which nobody does any more."""
        self._enough_since = 0.0
        self._held: list[Flight] = []
        self._held_gates: list[Gate] = []
        """Whose queues were to go on while nothing might go out."""
        self._tokens = Tokens(self)
        self.begin: Callable[[Any], None]
        """Called with a flight that waited without a request, once it has a place."""
        self.now = 0.0
        self.holding = False
        """True after a stall: nothing goes out until a checkpoint has proven that the partitions are still ours."""
        self.clock: Callable[[], float] = lambda: self.now
        """The loop's clock, to notice that the process stood still in the middle of a turn."""

    def turn(self, now: float) -> None:
        """Set the clock for this turn of the loop."""
        self.now = now

    def send(self, flight: Flight) -> None:
        """Send `flight.request` over `flight.route`, as soon as the gate lets it."""
        gate = flight.route.gate  # type: ignore[union-attr]
        if _stays(flight):
            return
        if flight.turn is gate:
            flight.turn = None
            self._start(flight)
            return
        if self._must_queue(gate, flight):
            self._queue(gate, flight)
            return
        wait = gate.wait(self.now)
        if wait:
            self._queue(gate, flight)
            self._wake_later(gate, wait)
            return
        self._start(flight)

    def must_queue(self, flight: Flight) -> bool:
        """Whether what would be sent first has to wait for a place; if so it waits, and is begun when it has one.

        So that it is small while it waits: no flow, no request, no attributes.
        """
        gate: Gate = flight.route.gate  # type: ignore[union-attr]
        if flight.turn is gate or not self._must_queue(gate, flight):
            return False
        flight.request = None
        self._queue(gate, flight)
        return True

    def _must_queue(self, gate: Gate, flight: Flight) -> bool:
        """Whether nothing is free, or others were there before; live traffic passes replays."""
        return bool(gate.queue or gate.busy >= gate.concurrency or self.holding or (flight.run and gate.replays))

    def release(self) -> None:
        """Send what was held back during a stall."""
        self.holding = False
        held, self._held = self._held, []
        for flight in held:
            if flight.request is None:
                gate: Gate = flight.route.gate  # type: ignore[union-attr]
                gate.enqueue(flight)
                self._next(gate)
            else:
                self.send(flight)
        gates, self._held_gates = self._held_gates, []
        for gate in gates:
            self._next(gate)

    def _queue(self, gate: Gate, flight: Flight) -> None:
        if self.holding:
            self._held.append(flight)
            return
        self._waiting[gate] = None
        self._metrics.wait(gate.connector_id, "limit")
        if flight.sent_at:
            gate.queue.appendleft(flight)  # what has begun is brought to its end before anything else begins
        else:
            gate.enqueue(flight)

    def has_enough(self) -> bool:
        """Whether enough waits to go on with, and all of it will have begun in a moment.

        Then nothing more need be read: who stands behind it in the log is kept waiting for that moment only. Where
        one vendor is slower than that, or what was parked for it comes in between, more is read, for the sake of the
        others.
        """
        enough = self._all_begins_soon()
        if not enough:
            self._enough_since = self.now
        return enough and self.now - self._enough_since < SOON

    def _all_begins_soon(self) -> bool:
        count = 0
        for gate in list(self._waiting):
            length = gate.queued
            if not length:
                del self._waiting[gate]
            elif gate.waiting or length > gate.pace(self.now) * SOON:
                return False
            count += length
        return count >= ENOUGH

    def look_again(self, gate: Gate) -> None:
        """The gate's share is another one: what waits there may go on."""
        if gate.queued:
            self._next(gate)

    def _wake_later(self, gate: Gate, wait: float) -> None:
        if wait != float("inf") and not gate.rate_timer:
            gate.rate_timer = True
            self._timers.at(self.now + wait, self._wake, gate)

    def _wake(self, gate: Gate) -> None:
        gate.rate_timer = False
        self._next(gate)

    def _next(self, gate: Gate) -> None:
        if self.holding:
            self._held_gates.append(gate)
            return
        while queue := gate.queue or gate.replays:
            if _stays(queue[0]):
                queue.popleft()
                continue
            wait = gate.wait(self.now)
            if wait:
                self._wake_later(gate, wait)
                return
            flight = queue.popleft()
            if flight.request is None:
                self._begin(gate, flight)
            else:
                self._start(flight)

    def _begin(self, gate: Gate, flight: Flight) -> None:
        """Its turn has come; where nothing is to be sent at this gate after all, its place is free again."""
        flight.turn = gate
        self.begin(flight)
        if flight.leaves_turn():
            gate.give_back()

    def _start(self, flight: Flight) -> None:
        """A place at the gate is taken: sign and go, or get the token first."""
        route: Route = flight.route  # type: ignore[assignment]
        request: Request = flight.request  # type: ignore[assignment]
        if self.clock() - self.now > self._options.stall:
            self.holding = True  # the next turn of the loop asks for the proof
            route.gate.busy -= 1
            self._held.append(flight)
            return
        token: Token | None = None
        if route.tokens and request.realm in route.tokens:
            token = self._tokens.get(route, request.realm, flight)
            if token is None:
                route.gate.busy -= 1
                return
            flight.token = token
        try:
            signed = self.sign(route, request, token)
        except Failure as failure:
            self._give_back(flight, failure)
            return
        except Exception as error:  # noqa: BLE001  a connector's bug must not end the process
            self._give_back(flight, Broken("signing", f"{type(error).__name__} while signing"))
            return
        self.start(flight, signed)

    def start(self, flight: Flight, signed: Signed) -> None:
        """Hand a signed request to the transport; its place at the gate is taken already."""
        route: Route = flight.route  # type: ignore[assignment]
        request: Request = flight.request  # type: ignore[assignment]
        flight.sent_at, flight.out = self.now, True
        if flight.home is not None:
            flight.home.calls += 1
        self._transport.start(
            signed, flight, timeout=request.timeout or route.timeout, public_only=route.public_only,
            max_bytes=self._options.max_response_bytes, fresh=flight.fresh, lane=route if request.kept else None,
        )

    def sign(self, route: Route, request: Request, token: Token | None = None) -> Signed:
        """The request as it goes out; raises the connector's failures."""
        return route.sign(request, SignContext(self.now, token, self._nonce()))

    def _give_back(self, flight: Flight, failure: Failure) -> None:
        """The call never went out: hand the failure over on the next turn, so that no stack grows."""
        gate = flight.route.gate  # type: ignore[union-attr]
        gate.busy -= 1
        self.fail_later(flight, failure)

    def fail_later(self, flight: Flight, failure: Failure) -> None:
        """Hand a failure to a flight that has no place at the gate, on the next turn."""
        self._timers.at(self.now, self._deliver_failure, (flight, failure))

    def _deliver_failure(self, pair: tuple[Flight, Failure]) -> None:
        flight, failure = pair
        if not flight.gone:
            flight.deliver(flight, failure, 0.0)  # type: ignore[arg-type]

    def completed(self, completion: Completion) -> None:
        """An answer came: free the place, judge the vendor's health, hand it to the flight."""
        flight: Flight = completion.ticket
        answer = completion.answer
        gate: Gate = flight.route.gate  # type: ignore[union-attr]
        gate.busy -= 1
        flight.out = False
        if flight.home is not None:
            flight.home.calls -= 1
        if type(answer) is TransportError:
            self._metrics.call(gate.connector_id, 0, completion.seconds)
        else:
            status = answer.status  # type: ignore[union-attr]
            self._metrics.call(gate.connector_id, status, completion.seconds)
            if status == 429:
                gate.throttled(flight.sent_at, self.now)
            else:
                gate.answered(self.now)
        if not flight.gone:
            flight.deliver(flight, answer, completion.seconds)
        if gate.queue or gate.replays:
            self._next(gate)

    def cut(self, flight: Flight) -> None:
        """Give up a call in flight: nobody will hear of its end."""
        gate: Gate = flight.route.gate  # type: ignore[union-attr]
        self._transport.cancel(flight)
        gate.busy -= 1
        flight.out = False
        if flight.home is not None:
            flight.home.calls -= 1
        self._next(gate)

    def renew(self, flight: Flight) -> bool:
        """Whether a 401 is worth one more try with a new token; if so it is under way."""
        if flight.renewed or flight.token is None:
            return False
        flight.renewed = True
        self._tokens.forget(flight)
        self.send(flight)
        return True
