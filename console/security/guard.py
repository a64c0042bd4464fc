"""Stands before every route: who it is, whether they may, and whether it was truly they who asked."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from fastapi import Request
from starlette.datastructures import FormData

from console.security import csrf
from console.security.identity import Visitor, of_browser, of_token
from console.security.paths import local
from console.security.refusals import Forbidden, NotFound, SignInFirst, Unauthorised
from console.visit import KEY, Console, Visit
from processor.access import ANY_APP, Company, Permission


class Open(Enum):
    """What routes ask for that ask for no permission."""

    ANYBODY = "anybody"
    """Signing in, static files, health."""
    SIGNED_IN = "signed in"
    """What concerns nobody but the visitor."""


Rule = Permission | Open
API = "/api/"


def guard(rule: Rule) -> Callable[[Request], object]:
    """The dependency of a route that lets only those pass whom `rule` lets."""

    async def check(request: Request) -> None:
        """Let the request pass with a visit, or raise why not."""
        console: Console = request.app.state.console
        company = console.company()
        visit = Visit(request, console, company, _who(request, console, company), _app(request), await _form(request))
        _judge(visit, rule)
        if not _is_api(request) and request.method not in csrf.SAFE:
            why = csrf.forgery(request, visit.form, console.options.settings.base_url)
            if why:
                raise Forbidden(f"This change was not made: {why}. Load the page again and repeat it.")
        setattr(request.state, KEY, visit)

    return check


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(API)


async def _form(request: Request) -> FormData:
    kind = request.headers.get("content-type", "")
    if request.method in csrf.SAFE or not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return FormData()
    return await request.form(max_files=1, max_fields=2000, max_part_size=1 << 20)


def _who(request: Request, console: Console, company: Company) -> Visitor | None:
    """Pages know browsers, the API knows tokens; neither takes the other's."""
    if _is_api(request):
        return of_token(request, company, console.options.clock())
    return of_browser(request, company, console.options.settings)


def _app(request: Request) -> str:
    return str(request.path_params.get("app", ANY_APP))


def _judge(visit: Visit, rule: Rule) -> None:
    if rule is Open.ANYBODY:
        return
    if visit.who is None:
        raise _unknown(visit.request)
    if isinstance(rule, Permission) and not visit.may(rule):
        raise Forbidden(f"This needs the permission '{rule.value}', which your role does not have"
                        f"{f' in {visit.app}' if visit.app != ANY_APP else ''}. A Company administrator can give it.")
    if visit.app != ANY_APP and visit.app not in visit.console.reads.names():
        raise NotFound(f"There is no app '{visit.app}'.")


def _unknown(request: Request) -> Exception:
    if _is_api(request):
        return Unauthorised("Send a token: Authorization: Bearer <token>. A Company administrator makes them.")
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return SignInFirst(local(path) if request.method in csrf.SAFE else "/")
