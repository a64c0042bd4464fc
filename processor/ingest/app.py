"""The HTTP side: a request is known, read, published, and answered when Kafka has acknowledged it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast
from uuid import uuid4

import orjson
import structlog
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from processor.ingest.counts import Counts
from processor.ingest.keys import Holder, Keys
from processor.ingest.openapi import LONGEST_KEY, document
from processor.ingest.outbox import FullError, NotTakenError
from processor.ingest.problems import Refusal
from processor.ingest.rates import Rates
from processor.ingest.reading import Kind, Read, Reader, Record
from processor.settings import IngestSettings

PATHS: tuple[Kind, ...] = ("interactions", "attributes", "track", "identify", "batch")
JSON = "application/json"
AGAIN = "send it again with the same event ids: what has arrived meanwhile runs once"

log = structlog.get_logger()


class Out(Protocol):
    """Where records go."""

    @property
    def trouble(self) -> str:
        """Why nothing can be sent now."""

    @property
    def broken(self) -> bool:
        """Whether only a new process helps."""

    @property
    def outstanding(self) -> int:
        """How many wait for Kafka's word."""

    async def send(self, records: Sequence[Record]) -> None:
        """Return when all are acknowledged; raises FullError or NotTakenError."""


class Door(NamedTuple):
    """What requests are judged with."""

    settings: IngestSettings
    keys: Keys
    rates: Rates
    reader: Reader
    out: Out
    counts: Counts


def create_app(door: Door, lifespan: Any = None) -> Starlette:
    """The ASGI application."""
    routes = [Route(f"/v1/{kind}", _endpoint(door, kind), methods=["POST"]) for kind in PATHS]
    described = Response(orjson.dumps(document(door.settings)), media_type=JSON)

    async def openapi(_request: Request) -> Response:
        return described

    async def live(_request: Request) -> Response:
        return _probe(door.out.trouble if door.out.broken else "")

    async def ready(_request: Request) -> Response:
        return _probe(door.out.trouble)

    async def metrics(request: Request) -> Response:
        door.counts.ingest_outstanding.set(door.out.outstanding)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(door.counts.registry), headers={"Content-Type": content_type})

    more = {"/openapi.json": openapi, "/live": live, "/ready": ready, "/metrics": metrics}
    routes += [Route(path, endpoint) for path, endpoint in more.items()]
    refused = cast("Any", {HTTPException: _not_here})
    return Starlette(routes=routes, exception_handlers=refused, lifespan=lifespan)


def _endpoint(door: Door, kind: Kind) -> Callable[[Request], Awaitable[Response]]:
    path = f"/v1/{kind}"

    async def answer(request: Request) -> Response:
        begun = time.perf_counter()
        try:
            read = await _published(door, kind, request)
        except ClientDisconnect:
            door.counts.ingest_requests.add(path, "gone")
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001 - whatever it is, one request ends and the others go on
            refusal = error if isinstance(error, Refusal) else _broken(error)
            door.counts.ingest_requests.add(path, str(refusal.status))
            return refusal.response()
        door.counts.ingest_requests.add(path, "202")
        door.counts.ingest_seconds.observe(time.perf_counter() - begun)
        for topic in {one.topic for one in read.records}:
            door.counts.ingest_records.add(topic, by=sum(one.topic == topic for one in read.records))
        return Response(orjson.dumps(_told(read)), 202, media_type=JSON)

    return answer


def _told(read: Read) -> dict[str, Any]:
    told: dict[str, Any] = {"accepted": len(read.records)}
    if read.event_ids:
        told["event_ids"] = read.event_ids
    if read.ignored:
        told["ignored"] = read.ignored
    return told


async def _published(door: Door, kind: Kind, request: Request) -> Read:
    holder = _holder(door, request)
    _check_form(request)
    body = await _body(request, int(door.settings.max_body))
    read = door.reader.read(kind, body, holder, _idempotency_key(request))
    door.rates.took(holder.name, len(read.records))
    if read.records:
        await _sent(door.out, read.records)
    return read


def _holder(door: Door, request: Request) -> Holder:
    holder = door.keys.holder(request.headers.get("authorization", ""))
    if holder is None:
        raise Refusal(401, "no_key", "Send a key of the app: `Authorization: Bearer <key>`. The settings name it under"
                      " ingest.keys, or it is a token with the scope `publish`.",
                      headers={"WWW-Authenticate": 'Bearer realm="prompt-actions"'})
    wait = door.rates.wait(holder.name)
    if wait:
        raise Refusal(429, "too_many", f"This key sends more than {door.settings.rate:g} records a second: wait"
                      f" {wait} s, or send several records in one request.", retry_after=wait)
    return holder


def _check_form(request: Request) -> None:
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        raise Refusal(415, "no_json", f"Send JSON, and say so: `Content-Type: {JSON}`.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refusal(415, "packed", "Send the body as it is, without Content-Encoding.")


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "").strip().strip('"')
    if len(key) > LONGEST_KEY:
        raise Refusal(400, "long_key", f"Idempotency-Key has {len(key)} characters; at most {LONGEST_KEY} are taken.")
    return key


async def _body(request: Request, most: int) -> bytes:
    said = request.headers.get("content-length", "")
    large = Refusal(413, "too_large", f"The body has more than {most} bytes: send fewer records at once.",
                    headers={"Connection": "close"})
    if said.isdecimal() and int(said[:20]) > most:
        raise large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise large
        parts.append(part)
    return b"".join(parts)


async def _sent(out: Out, records: Sequence[Record]) -> None:
    try:
        await out.send(records)
    except FullError as error:
        raise Refusal(503, "busy", f"Nothing was taken: {error}. Send it again.", retry_after=1) from None
    except NotTakenError as error:
        if error.too_large:
            raise Refusal(413, "too_large", "A record is larger than Kafka's topic takes.") from None
        log.warning("not acknowledged", why=str(error), records=len(records))
        raise Refusal(503, "not_acknowledged", f"Kafka has not acknowledged ({error}); {AGAIN}.",
                      retry_after=2) from None


def _probe(trouble: str) -> Response:
    return PlainTextResponse(f"{trouble or 'ok'}\n", 503 if trouble else 200)


async def _not_here(request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "POST")
        detail = f"{request.method} is not for this path; it takes {allowed}."
        return Refusal(405, "other_method", detail, headers=error.headers).response()
    if error.status_code == 404:
        detail = f"There is nothing at this path; there are {', '.join(f'/v1/{one}' for one in PATHS)}."
        return Refusal(404, "not_here", detail).response()
    return Refusal(error.status_code, "refused", str(error.detail), headers=error.headers).response()


def _broken(error: Exception) -> Refusal:
    """Our own mistake: told by a short id that stands in the log."""
    name = uuid4().hex[:8]
    log.error("broken", id=name, kind=type(error).__name__, exc_info=error)
    return Refusal(500, "broken", f"This is our mistake, {name} in the log; {AGAIN}.")
