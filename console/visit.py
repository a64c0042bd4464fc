"""One request of somebody who may make it: who it is, what was sent, and how to answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from console.faces import Faces
from console.navigation import NAVIGATION, Link
from console.options import ConsoleOptions
from console.pasts import Pasts
from console.prompts.pick_cache import Picks
from console.reads import Reads
from console.security.attempts import Attempts
from console.security.csrf import FIELD
from console.security.identity import Visitor
from console.security.refusals import NotFound
from console.security.sessions import Session, session_of
from console.tested import Tests
from processor.access import ANY_APP, Company, Permission, apps_of, company_of
from processor.config.store import COMPANY, Content, Version

NOTICE = "prompt-actions-notice"
KEY = "visit"


@dataclass(slots=True)
class Console:
    """What all requests share."""

    options: ConsoleOptions
    faces: Faces
    attempts: Attempts
    reads: Reads
    tests: Tests
    pasts: Pasts
    https: bool
    picks: Picks = field(default_factory=Picks)
    _company: tuple[Version | None, Company] = (None, Company())

    def company(self) -> Company:
        """The company as it is now; read anew only when it has changed."""
        version = self.reads.current(COMPANY)
        if version is not self._company[0]:
            self._company = version, company_of(version.content if version else None)
        return self._company[1]


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has passed the guard."""

    request: Request = field(repr=False)
    console: Console = field(repr=False)
    company: Company = field(repr=False)
    who: Visitor | None
    """None where nobody is signed in: only on routes that are open to anybody."""
    app: str = ANY_APP
    """The app that the route is about; ANY_APP where it is about the company."""
    form: FormData = field(default_factory=FormData, repr=False)

    @property
    def options(self) -> ConsoleOptions:
        """What the console stands on."""
        return self.console.options

    @property
    def session(self) -> Session:
        """The visitor's session."""
        return session_of(self.request)

    @property
    def name(self) -> str:
        """As whom things are done."""
        return self.who.name if self.who else ""

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return self.request.headers.get("HX-Request") == "true"

    @property
    def csrf(self) -> Markup:
        """The hidden field that every form carries."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, self.session.csrf)

    @property
    def path(self) -> str:
        """Where the visitor is."""
        return self.request.url.path

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps that the visitor has any right in."""
        member = self.who.member if self.who else None
        return apps_of(member, self.console.reads.names()) if member else ()

    @property
    def app_title(self) -> str:
        """The app's title; "" where the page is about none."""
        return "" if self.app == ANY_APP else self.title_of(self.app)

    @property
    def version(self) -> Version:
        """The app as it is now."""
        found = self.console.reads.current(self.app)
        if found is None or found.content is None:
            raise NotFound(f"There is no app '{self.app}'.")
        return found

    @property
    def content(self) -> Content:
        """What is written of the app now."""
        return self.version.content or {}

    def title_of(self, app: str) -> str:
        """An app's title, or its id where it has none."""
        version = self.console.reads.current(app)
        written = version.content.get("app") if version and version.content else None
        return str((written or {}).get("title") or app)

    @property
    def role_label(self) -> str:
        """The visitor's role here, for people."""
        member = self.who.member if self.who else None
        role = (member.roles.get(ANY_APP) or member.roles.get(self.app)) if member else None
        return role.label if role else "No role"

    @property
    def navigation(self) -> tuple[Link, ...]:
        """The pages that the visitor may see here."""
        return tuple(one.at(self.app) for one in NAVIGATION if self._shows(one))

    def _shows(self, link: Link) -> bool:
        of_app = link.href.startswith("/apps/")
        return (not of_app or self.app != ANY_APP) and self.may(link.permission)

    def may(self, permission: Permission | str, app: str | None = None) -> bool:
        """Whether the visitor has a permission, here or in another app."""
        place = self.app if app is None else app
        return self.who is not None and self.who.may(self.company, Permission(permission), place)

    def text(self, name: str) -> str:
        """A field of the form as text; "" where it was not sent."""
        value = self.form.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A field of the form as a whole number; 0 where it is none."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A page, from its template."""
        notice = self.request.cookies.get(NOTICE, "")
        text = self.console.faces.render(template, visit=self, notice=self.console.faces.notice(notice), **facts)
        response = HTMLResponse(text, status)
        if notice:
            response.delete_cookie(NOTICE, path="/")
        return response

    def part(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A part of a page, for htmx; notices stay for the next whole page."""
        return HTMLResponse(self.console.faces.render(template, visit=self, **facts), status)

    def to(self, path: str, notice: str = "") -> Response:
        """Go on to a page of ours, after a change."""
        response: Response = RedirectResponse(path, 303)
        if self.partial:
            response = Response(status_code=204, headers={"HX-Redirect": path})
        if notice:
            response.set_cookie(NOTICE, self.console.faces.sealed(notice), max_age=60, path="/", httponly=True,
                                samesite="lax", secure=self.console.https)
        return response


def _visit(request: Request) -> Visit:
    """The visit that the guard has made: a route without a guard cannot be answered."""
    found: Visit = getattr(request.state, KEY)
    return found


Here = Annotated[Visit, Depends(_visit)]
"""Type of the parameter by which a route asks for the visit."""
