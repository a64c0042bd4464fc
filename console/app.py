"""Puts the console together: routes from their table, and what stands around all of them."""

from __future__ import annotations

import secrets

import structlog
from fastapi import FastAPI
from starlette.middleware import Middleware

from console import refused, table
from console.faces import Faces
from console.options import ConsoleOptions
from console.pasts import Pasts
from console.reads import Reads
from console.routes import ROUTES
from console.security.attempts import Attempts
from console.security.body_limit import BodyLimit
from console.security.headers import SecurityHeaders
from console.security.mishaps import Mishaps
from console.security.sessions import Lifetimes, Seal, Sessions
from console.tested import Tests
from console.visit import Console
from processor import __version__

ABOUT = ("All that the console can do, for programs. Send a token in the header `Authorization: Bearer <token>`; its"
         " scopes, and the rights of the member that it belongs to, decide what it may do.")


def create_app(options: ConsoleOptions) -> FastAPI:
    """The console as an ASGI application."""
    https = options.settings.base_url.startswith("https://")
    keys = [one.get_secret_value() for one in options.settings.session_keys] or [_key_of_this_process()]
    app = FastAPI(
        title="prompt-actions", version=__version__, description=ABOUT, openapi_url=None, docs_url=None,
        redoc_url=None, redirect_slashes=False, middleware=_around(options, keys, https=https),
    )
    app.state.console = Console(options, Faces(keys[0]), Attempts(options.clock),
                                Reads(options.store, options.freshness), Tests(),
                                Pasts(options.store), https)
    table.install(app, ROUTES)
    refused.install(app)
    return app


def _around(options: ConsoleOptions, keys: list[str], *, https: bool) -> list[Middleware]:
    """From the outside in."""
    settings = options.settings
    lifetimes = Lifetimes(settings.idle, settings.lifetime)
    return [
        Middleware(SecurityHeaders, https=https),
        Middleware(Mishaps),
        Middleware(BodyLimit, limit=settings.max_body_bytes),
        Middleware(Sessions, seal=Seal(keys), lifetimes=lifetimes, https=https, clock=options.clock),
    ]


def _key_of_this_process() -> str:
    structlog.get_logger("console").warning(
        "sessions end with this process: no console.session_keys in the settings")
    return secrets.token_urlsafe(48)
