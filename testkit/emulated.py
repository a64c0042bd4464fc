"""Runs a connector's flows over real HTTP against its emulator, as an engine does that never repeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar

import requests

from connectors.kit import Connector, Done, Request, Response, Signed, Token
from connectors.kit.http import address, header_lines
from testkit import flows
from testkit.vendors import Control, VendorServer
from testkit.vendors.ledger import Effect

OUTCOMES = "0a1b2c3d-0000-4000-8000-{:012d}"
"""Outcome ids of tests, by number."""

T = TypeVar("T")


class Emulated:
    """One connector with settings that lead to its emulator, which forgets everything when this is made."""

    def __init__(
        self, server: VendorServer, connector: Connector, settings: Mapping[str, Any], *, host: str = "base_url"
    ) -> None:
        """`host` is the setting that names the vendor's host."""
        self.connector = connector
        self.settings = {**settings, host: server.url(connector.id), "allow_test_hosts": True}
        self._tokens: dict[str, Token] = {}
        self.control: Control = server.control()
        self.control.reset()

    def do(self, id: str, number: int = 1, *, params: Mapping[str, Any] | None = None, **more: Any) -> Done:
        """Run an action from its start; `number` stands for its outcome, hence for its idempotency keys."""
        return self.drive(self.connector.actions[id].run(self._call(id, number, params, more)))

    def send(self, id: str, *numbers: int, params: Mapping[str, Any] | None = None, **more: Any) -> Sequence[Any]:
        """Send one batch of an export, an item for each outcome number; how each of them ended."""
        export = self.connector.exports[id]
        items = [export.item(self._call(id, number, params, more)) for number in numbers]
        return self.drive(export.send(self.connector.settings.model_validate(self.settings), items))

    def ask(self, flow: Callable[[Any], Generator[Request, Response, T]]) -> T:
        """Run the connection test or a pick list."""
        return self.drive(flow(self.connector.settings.model_validate(self.settings)))

    @property
    def effects(self) -> Sequence[Effect]:
        """What has changed at the vendor."""
        return self.control.ledger(self.connector.id)

    @property
    def kinds(self) -> list[str]:
        """What the changes are called, in order."""
        return [one.kind for one in self.effects]

    def drive(self, flow: Generator[Request, Response, T], *, gets_token: bool = False) -> T:
        """What the flow returns; a Failure is raised. A flow that `gets_token` signs its requests itself."""
        try:
            request = next(flow)
            while True:
                response = self._answer(request, gets_token)
                failure = None if response.status in request.look_at else self.connector.read(request, response)
                if failure is not None:
                    raise failure
                request = flow.send(response)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _call(self, id: str, number: int, params: Mapping[str, Any] | None, more: Mapping[str, Any]) -> Any:
        return flows.call(self.connector, id, settings=self.settings, params=params,
                          **{"outcome_id": OUTCOMES.format(number), "event_id": f"evt-{number}", **more})

    def _answer(self, request: Request, gets_token: bool) -> Response:
        if gets_token:
            signed = Signed(request.method, address("", request), header_lines(request), request.body)
        else:
            signed = flows.sign(self.connector, self.settings, request, token=self._token(request.realm))
        headers = dict(line.split(": ", 1) for line in signed.headers)
        got = requests.request(signed.method, signed.url, headers=headers, data=signed.body, timeout=10)
        return Response(got.status_code, {name.lower(): value for name, value in got.headers.items()}, got.content)

    def _token(self, realm: str) -> Token | None:
        flow = self.connector.tokens.get(realm)
        if flow and realm not in self._tokens:
            settings = self.connector.settings.model_validate(self.settings)
            self._tokens[realm] = self.drive(flow(settings, time.time()), gets_token=True)
        return self._tokens.get(realm)
