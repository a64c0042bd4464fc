"""A bug of ours ends one request with a number that the log knows, and tells nothing else."""

from __future__ import annotations

import secrets
import traceback

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.refused import told

DEPTH = 6
"""Places of the code that are logged; what the error says is not, since it may quote what was sent."""
_log = structlog.get_logger("console")


class Mishaps:
    """Stands inside the headers and outside everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http":
                raise
            number = secrets.token_hex(4)
            _log.error("a bug of the console", id=number, error=type(error).__name__, path=scope["path"],
                       at=_places(error))
            if not begun:
                text = f"This is a bug of ours, not of yours. Its number in the console's log is {number}."
                answer = told(Request(scope), 500, "Something went wrong", text)
                await answer(scope, receive, send)


def _places(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-DEPTH:]
    return [f"{one.filename.rpartition('/')[2]}:{one.lineno} {one.name}" for one in frames]
