"""The control API from Python: script faults, read the ledger, see requests, seed state; from any process."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import orjson

from testkit.vendors.faults import Fault, Kind
from testkit.vendors.ledger import Effect, Replay

PAGE = 10_000
_OPENER = build_opener(ProxyHandler({}))


class SeenRequest(NamedTuple):
    """A request as an emulator got it."""

    number: int
    """Counts the requests of its vendor from 1."""
    vendor: str
    method: str
    path: str
    """Below the vendor's prefix."""
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    time: float
    status: int
    """What was answered; 0 where nothing was."""
    fault: str
    """The kind of the fault that struck, or empty."""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


class ControlError(RuntimeError):
    """The control API refused, or did not answer."""


class Control:
    """Talks to the emulators at `url` (scheme, host and port, no path)."""

    def __init__(self, url: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout

    def fault(self, kind: Kind = "answer", **rule: Any) -> int:
        """Put a rule into force, with the fields of `Fault`; returns its number."""
        fault = Fault(kind=kind, **rule)
        return int(self._call("POST", "/faults", asdict(fault))["number"])

    def faults(self) -> Sequence[Mapping[str, Any]]:
        """The rules in force with how many requests each `seen` and `hits`."""
        return list(self._call("GET", "/faults")["faults"])

    def clear(self, number: int | None = None) -> None:
        """End one rule, or all of them."""
        self._call("DELETE", "/faults" if number is None else f"/faults/{number}")

    def ledger(self, vendor: str = "", kind: str = "") -> list[Effect]:
        """Effects in the order in which they happened."""
        found: list[Effect] = []
        while True:
            after = found[-1].sequence if found else 0
            page = self._call("GET", "/ledger", vendor=vendor, kind=kind, after=after, limit=PAGE)
            found.extend(Effect(**one) for one in page["effects"])
            if not page["more"]:
                return found

    def replays(self, vendor: str = "") -> list[Replay]:
        """Repeats that vendors recognised."""
        return [Replay(**one) for one in self._call("GET", "/replays", vendor=vendor)["replays"]]

    def counts(self, vendor: str = "") -> Mapping[str, int]:
        """Effects by kind, and `(replayed)`: what a load test asks instead of the whole ledger."""
        return dict(self._call("GET", "/counts", vendor=vendor)["counts"])

    def taken(self) -> Mapping[str, int]:
        """How many requests each vendor got."""
        return dict(self._call("GET", "/counts")["requests"])

    def requests(self, vendor: str = "", limit: int = 5000) -> list[SeenRequest]:
        """The last requests, oldest first, as many as the server keeps."""
        found = self._call("GET", "/requests", vendor=vendor, limit=limit)["requests"]
        return [SeenRequest(**{**one, "body": one["body"].encode("latin-1")}) for one in found]

    def state(self, vendor: str) -> dict[str, Any]:
        """What a vendor holds."""
        return dict(self._call("GET", f"/state/{vendor}"))

    def seed(self, vendor: str, what: str, **values: Any) -> Any:
        """Put something into a vendor's state; docs/test-kit.md lists what each takes."""
        return self._call("POST", f"/state/{vendor}/{what}", values)["seeded"]

    def command(self, vendor: str, name: str, **values: Any) -> Any:
        """Let something happen at a vendor: `expire_tokens`, for one."""
        return self._call("POST", f"/commands/{vendor}/{name}", values)["result"]

    def advance(self, seconds: float) -> None:
        """Let the emulators' clock jump: tokens and idempotency keys age."""
        self._call("POST", "/clock", {"advance": seconds})

    def reset(self, seed: int | None = None) -> None:
        """Begin anew: no effects, faults, requests, or state; `seed` is where chance begins."""
        self._call("POST", "/reset", {} if seed is None else {"seed": seed})

    def about(self) -> Mapping[str, Any]:
        """Addresses and credentials of all vendors."""
        return dict(self._call("GET", "/"))

    def wait_ready(self, seconds: float = 10.0) -> None:
        """Return when the server answers; raises ControlError when it does not in time."""
        end = time.monotonic() + seconds
        while True:
            try:
                self.about()
            except ControlError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        url = f"{self.url}/_control{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else orjson.dumps(body)
        request = Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - its own server
        try:
            with _OPENER.open(request, timeout=self._timeout) as response:
                return orjson.loads(response.read())
        except HTTPError as error:
            with error:
                raise ControlError(f"{method} {path}: {error.read().decode('utf-8', 'replace')}") from None
        except (URLError, OSError) as error:
            raise ControlError(f"no emulators answer at {self.url}: {error}") from None
