"""The front of all emulators: finds the vendor, lets faults strike, remembers what was asked."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from testkit.vendors import bench
from testkit.vendors.catalogue import vendors
from testkit.vendors.exchange import JSON_HEADER, Answer, Ask, answer
from testkit.vendors.faults import Fault, FaultBook
from testkit.vendors.vendor import Vendor, World
from testkit.vendors.wire import Manner, Reply

log = logging.getLogger(__name__)

MANNERS: Mapping[str, Manner] = {"reset": "reset", "half_body": "half", "slow_body": "slow", "silence": "silence"}
WRONG_JSON = b'{"id": "x", "object": '
NOTHING = Answer(200)


class Seen(NamedTuple):
    """One request as it was asked, and what became of it."""

    number: int
    vendor: str
    ask: Ask
    time: float
    status: int
    fault: str


class Front:
    """Serves every vendor of one server."""

    def __init__(self, *, clock: Callable[[], float] = time.time, seed: int = 0, keep: int = 5000) -> None:
        self.world = World(clock)
        self.faults = FaultBook(seed)
        self.vendors = vendors(self.world)
        self.seen: dict[str, deque[Seen]] = {name: deque(maxlen=keep) for name in self.vendors}
        self.taken: dict[str, int] = dict.fromkeys(self.vendors, 0)
        self.problems: list[str] = []

    def serve(self, ask: Ask) -> Reply:
        """One vendor's reply to a request."""
        vendor = self.vendors.get(ask.vendor)
        if vendor is None:
            names = ", ".join(sorted(self.vendors))
            return Reply(answer(404, {"error": f"no vendor is emulated at '/{ask.vendor}'; there are: {names}"}))
        self.taken[vendor.id] += 1
        fault = None if self.faults.empty else self.faults.strike(ask)
        reply = self._faulty(vendor, ask, fault) if fault else self._plain(vendor, ask)
        self._remember(vendor, ask, reply, fault)
        return reply

    def _plain(self, vendor: Vendor, ask: Ask) -> Reply:
        return Reply(self._handle(vendor, ask), delay=bench.delay(ask) if vendor.id == "bench" else 0.0)

    def _handle(self, vendor: Vendor, ask: Ask) -> Answer:
        self.world.ledger.begin()
        try:
            return vendor.handle(ask)
        except Exception as error:
            log.exception("the emulator of %s failed", vendor.id)
            self.problems.append(f"{vendor.id}: {ask.method} {ask.path}: {error!r}")
            return answer(500, {"emulator_failed": repr(error)})

    def _faulty(self, vendor: Vendor, ask: Ask, fault: Fault) -> Reply:
        true = self._handle(vendor, ask) if fault.takes else NOTHING
        if fault.takes and fault.delay:
            vendor.keys.hold(vendor.key_of(ask), fault.delay)
        reply = Reply(self._shaped(vendor, ask, fault, true), MANNERS.get(fault.kind, "send"), fault.delay, fault.gap)
        if fault.stored:
            vendor.keys.replace(vendor.key_of(ask), reply.answer)
        return reply

    def _shaped(self, vendor: Vendor, ask: Ask, fault: Fault, true: Answer) -> Answer:
        """What the fault makes of the true answer."""
        if fault.kind == "answer":
            return _scripted(vendor, fault)
        if fault.kind == "inner_error":
            return vendor.inner_error(ask)
        if fault.kind == "wrong_json":
            return Answer(200, WRONG_JSON, JSON_HEADER)
        if not fault.takes and fault.kind in ("delay", "half_body", "slow_body"):
            return _scripted(vendor, fault)
        return true

    def _remember(self, vendor: Vendor, ask: Ask, reply: Reply, fault: Fault | None) -> None:
        if vendor.id == "bench":
            return
        silent = reply.manner in ("reset", "silence")
        self.seen[vendor.id].append(Seen(
            self.taken[vendor.id], vendor.id, ask, self.world.now(), 0 if silent else reply.answer.status,
            fault.kind if fault else "",
        ))

    def reset(self, seed: int | None = None) -> None:
        """Begin anew: no effects, no faults, no state."""
        self.faults.restart(seed)
        self.world.reset()
        self.problems.clear()
        for name, vendor in self.vendors.items():
            vendor.reset()
            self.seen[name].clear()
            self.taken[name] = 0


def _scripted(vendor: Vendor, fault: Fault) -> Answer:
    """The answer that a rule asks for, in the vendor's own words where it names none."""
    reply = vendor.error(fault.status) if fault.body is None else Answer(fault.status, *_body(fault.body))
    more = dict(fault.headers)
    if fault.retry_after is not None:
        more.update(vendor.wait_headers(fault.retry_after))
    kept = [(name, value) for name, value in reply.headers if name.lower() not in {one.lower() for one in more}]
    return reply._replace(headers=(*kept, *more.items()))


def _body(body: Any) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    if isinstance(body, str):
        return body.encode(), (("Content-Type", "text/plain; charset=utf-8"),)
    return orjson.dumps(body), JSON_HEADER
