"""Runs flows of connectors against canned answers: no network, no engine, every request kept for the test."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import orjson

from connectors.kit import (
    Call,
    Connector,
    Event,
    Failure,
    Params,
    Request,
    Response,
    SignContext,
    Signed,
    Token,
    Value,
    read_status,
)
from connectors.kit.connector import Read

NOW = 1_800_000_000.0
"""The moment at which every call of a test runs: 15 January 2027, 08:00 UTC."""
OUTCOME = "0a1b2c3d-0000-4000-8000-000000000001"
"""The outcome id of every call of a test, hence the stem of its idempotency keys."""

Pairs = list[tuple[str, str]]
T = TypeVar("T")


class Run(NamedTuple):
    """What a flow did: its requests in order, and either what it returned or the failure that ended it."""

    requests: tuple[Request, ...]
    done: Any = None
    failure: Failure | None = None

    @property
    def lines(self) -> list[str]:
        """Each request as "METHOD path", without its query."""
        return [f"{one.method} {one.path}" for one in self.requests]

    @property
    def reason(self) -> str:
        """The reason of the failure; "" where the flow succeeded."""
        return self.failure.reason if self.failure else ""

    @property
    def code(self) -> str:
        """The code of the failure; "" where the flow succeeded."""
        return self.failure.code if self.failure else ""


def answer(
    status: int = 200, json: Any = None, *, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Response:
    """A canned answer; header names are turned into lower case, as a transport does."""
    lowered = {name.lower(): value for name, value in (headers or {}).items()}
    return Response(status, lowered, orjson.dumps(json) if json is not None else body)


def event(**fields: Any) -> Event:
    """An accepted prompt of the user `u-1`; `fields` replace what a test is about."""
    defaults: dict[str, Any] = {
        "event_id": "evt-1", "app_id": "app", "user_id": "u-1", "prompt_id": "p-1", "interaction": "accept",
        "time": int(NOW * 1000) - 1000, "prompt_name": "Stay with us",
    }
    return Event(**{**defaults, **fields})


def call(
    connector: Connector,
    id: str,
    *,
    settings: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Value] | None = None,
    form: Mapping[str, str] | None = None,
    now: float = NOW,
    outcome_id: str = OUTCOME,
    doubtful: bool = False,
    **event_fields: Any,
) -> Call[Any, Any]:
    """The call of an action or export `id`; settings and params go through their models, as configuration does."""
    if form is not None:
        event_fields["form"] = form
    return Call(
        event(**event_fields), attributes or {}, _params(connector, id).model_validate(params or {}),
        connector.settings.model_validate(settings), now=now, outcome_id=outcome_id, doubtful=doubtful,
    )


def _params(connector: Connector, id: str) -> type[Params]:
    return connector.actions[id].params if id in connector.actions else connector.exports[id].params


def run(connector: Connector, id: str, call: Call[Any, Any], answers: Sequence[Response] = ()) -> Run:
    """Run an action as the engine does: check what it requires, then drive its flow with `answers`."""
    action = connector.actions[id]
    try:
        action.check_present(call.attributes, call.event.form)
    except Failure as lacking:
        return Run((), failure=lacking)
    return drive(action.run(call), answers, connector.read)


def drive(flow: Generator[Request, Response, T], answers: Sequence[Response] = (), read: Read = read_status) -> Run:
    """Drive any flow (check, options, tokens, the sending of an export) to its end; each answer must be used."""
    requests: list[Request] = []
    left = list(answers)
    try:
        request = next(flow)
        while True:
            requests.append(request)
            request = flow.send(_read(read, request, _next(requests, left)))
    except StopIteration as end:
        ended = Run(tuple(requests), done=end.value)
    except Failure as failure:
        ended = Run(tuple(requests), failure=failure)
    finally:
        flow.close()
    if left:
        raise AssertionError(f"{len(left)} answers were not used; the requests were {ended.lines}")
    return ended


def _next(requests: Sequence[Request], left: list[Response]) -> Response:
    if not left:
        last = requests[-1]
        raise AssertionError(f"no answer is left for request {len(requests)}: {last.method} {last.path}")
    return left.pop(0)


def _read(read: Read, request: Request, response: Response) -> Response:
    """The answer as the flow gets it; a failure goes past the flow, which cannot catch it."""
    found = None if response.status in request.look_at else read(request, response)
    if found is not None:
        raise found
    return response


def query(request: Request) -> Pairs:
    """The query as ordered pairs."""
    return [(name, value) for name, value in request.query]


def form(request: Request) -> Pairs:
    """The form-encoded body as ordered pairs; empty values are kept."""
    return parse_qsl((request.body or b"").decode(), keep_blank_values=True, strict_parsing=bool(request.body))


def json(request: Request) -> Any:
    """The body as JSON; None where there is none."""
    return orjson.loads(request.body) if request.body else None


def sign(
    connector: Connector, settings: Mapping[str, Any], request: Request,
    *, now: float = NOW, token: Token | None = None, nonce: str = "nonce-1",
) -> Signed:
    """The request as it goes out, signed with the connector's own signer."""
    signer = connector.signer(connector.settings.model_validate(settings))
    return signer(request, SignContext(now, token, nonce))


def header(signed: Signed, name: str) -> str | None:
    """The value of a header line of a signed request; None where it is not sent."""
    for line in signed.headers:
        key, _, value = line.partition(":")
        if key.strip().lower() == name.lower():
            return value.strip()
    return None
