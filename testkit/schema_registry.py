"""A schema registry of few words: it answers what the client asks, and holds what it is given."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from processor.avro.schemas import project

Source = Mapping[str, Any]
RECORDS: Mapping[str, str] = {"interactions": "PromptInteraction", "attributes": "UserAttributes",
                              "results": "ActionResult", "dead_letters": "DeadLetter"}
"""By topic: whose values the processor asks for when it starts."""
POLL = 0.05


def source(record: str, **more: Any) -> dict[str, Any]:
    """The schema of one of our records; with `more`, as somebody has it who added these fields."""
    made: dict[str, Any] = json.loads(json.dumps(dict(project().current[record].source)))
    made["fields"] += [{"name": name, "type": kind, "default": ""} for name, kind in more.items()]
    return made


class SchemaRegistry:
    """Speaks Confluent's protocol at `url`; `held` is what it knows by id, and may be changed at any time."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        self.held: dict[int, Source] = {number: source(record) for number, record in enumerate(RECORDS.values(), 1)}
        self._subjects = {f"{topics[role]}-value": number for number, role in enumerate(RECORDS, 1)}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(POLL,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and body for what is asked: `/schemas/ids/N`, `/subjects/NAME/versions[/N]`."""
        parts = path.partition("?")[0].strip("/").split("/")
        number = int(parts[2]) if parts[0] == "schemas" else self._subjects.get(parts[1], 0)
        if number not in self.held:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        if parts[0] == "subjects" and len(parts) == 3:
            return 200, [1]
        return 200, {"subject": parts[1], "version": 1, "id": number, "schema": json.dumps(self.held[number])}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = registry.answer(self.path)
                found = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        return Handler
