"""The server's side of the control API: JSON under `/_control/`, for tests in other processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from testkit.vendors.credentials import environment
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.faults import Fault
from testkit.vendors.front import Front, Seen
from testkit.vendors.vendor import Routes, Vendor

PREFIX = "_control"
routes: Routes[Front] = Routes()


class ControlApi:
    """Answers what `Control` asks."""

    def __init__(self, front: Front, connections: Callable[[], int]) -> None:
        self.front = front
        self._connections = connections

    def serve(self, ask: Ask) -> Answer:
        """One answer; a mistake of the caller gives 400 and says what is wrong."""
        found = routes.find(ask.method, ask.path)
        if found is None:
            return answer(404, {"error": f"no control for {ask.method} {ask.path}"})
        try:
            return found[0](self.front, ask, **found[1])
        except Refused as refused:
            return refused.reply
        except (KeyError, TypeError, ValueError) as error:
            return answer(400, {"error": str(error.args[0] if error.args else error)})

    def health(self) -> Answer:
        """Whether all is well: connections, requests, and failures of the emulators themselves."""
        front = self.front
        return answer(503 if front.problems else 200, {
            "status": "failed" if front.problems else "ok", "connections": self._connections(),
            "requests": {name: number for name, number in front.taken.items() if number}, "problems": front.problems,
        })


def _vendor(front: Front, name: str) -> Vendor:
    vendor = front.vendors.get(name)
    if vendor is None:
        raise Refused(answer(404, {"error": f"no vendor '{name}'; there are: {', '.join(sorted(front.vendors))}"}))
    return vendor


def _values(ask: Ask) -> dict[str, Any]:
    value = ask.json if ask.body else {}
    if not isinstance(value, dict):
        raise TypeError("the body must be a JSON object")
    return value


@routes.on("GET", "/")
def _about(front: Front, ask: Ask) -> Answer:
    base = ask.base_url.removesuffix(f"/{PREFIX}")
    return answer(200, {"vendors": {name: f"{base}/{name}" for name in sorted(front.vendors)},
                        "credentials": environment(base)})


@routes.on("POST", "/faults")
def _add_fault(front: Front, ask: Ask) -> Answer:
    fault = Fault(**_values(ask))
    if fault.vendor:
        _vendor(front, fault.vendor)
    return answer(201, {"number": front.faults.add(fault)})


@routes.on("GET", "/faults")
def _list_faults(front: Front, _ask: Ask) -> Answer:
    return answer(200, {"faults": front.faults.report()})


@routes.on("DELETE", "/faults")
def _clear_faults(front: Front, _ask: Ask) -> Answer:
    front.faults.clear()
    return answer(200, {})


@routes.on("DELETE", "/faults/{number}")
def _clear_fault(front: Front, _ask: Ask, number: str) -> Answer:
    front.faults.clear(int(number))
    return answer(200, {})


@routes.on("GET", "/ledger")
def _ledger(front: Front, ask: Ask) -> Answer:
    ledger, vendor = front.world.ledger, ask.value("vendor")
    effects = ledger.effects(vendor, ask.value("kind"), int(ask.value("after", "0")))
    limit = int(ask.value("limit", "10000"))
    return answer(200, {"effects": [one._asdict() for one in effects[:limit]], "more": len(effects) > limit})


@routes.on("GET", "/replays")
def _replays(front: Front, ask: Ask) -> Answer:
    return answer(200, {"replays": [one._asdict() for one in front.world.ledger.replays(ask.value("vendor"))]})


@routes.on("GET", "/counts")
def _counts(front: Front, ask: Ask) -> Answer:
    return answer(200, {"counts": front.world.ledger.counts(ask.value("vendor")), "requests": front.taken})


@routes.on("GET", "/requests")
def _requests(front: Front, ask: Ask) -> Answer:
    names = [ask.value("vendor")] if ask.value("vendor") else list(front.seen)
    found = [_shown(one) for name in names for one in front.seen[_vendor(front, name).id]]
    limit = int(ask.value("limit", "5000"))
    return answer(200, {"requests": sorted(found, key=lambda one: one["time"])[-limit:]})


def _shown(seen: Seen) -> Mapping[str, Any]:
    ask = seen.ask
    return {"number": seen.number, "vendor": seen.vendor, "method": ask.method, "path": ask.path,
            "query": ask.query_string, "headers": ask.headers, "body": ask.body.decode("latin-1"),
            "time": seen.time, "status": seen.status, "fault": seen.fault}


@routes.on("GET", "/state/{vendor}")
def _state(front: Front, _ask: Ask, vendor: str) -> Answer:
    return answer(200, _vendor(front, vendor).state())


@routes.on("POST", "/state/{vendor}/{what}")
def _seed(front: Front, ask: Ask, vendor: str, what: str) -> Answer:
    return answer(200, {"seeded": _vendor(front, vendor).seed(what, _values(ask))})


@routes.on("POST", "/commands/{vendor}/{name}")
def _command(front: Front, ask: Ask, vendor: str, name: str) -> Answer:
    return answer(200, {"result": _vendor(front, vendor).command(name, _values(ask))})


@routes.on("POST", "/clock")
def _clock(front: Front, ask: Ask) -> Answer:
    front.world.advance(float(_values(ask)["advance"]))
    return answer(200, {"now": front.world.now()})


@routes.on("POST", "/reset")
def _reset(front: Front, ask: Ask) -> Answer:
    front.reset(_values(ask).get("seed"))
    return answer(200, {})
