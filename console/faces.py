"""How pages look: templates, static files under names that change with them, and short notices."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from itsdangerous import BadSignature, URLSafeTimedSerializer
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
         ".txt": "text/plain; charset=utf-8"}
NOTICE_SECONDS = 60


class Static(NamedTuple):
    """A file that browsers keep."""

    body: bytes
    kind: str
    digest: str


@cache
def statics() -> Mapping[str, Static]:
    """All static files by name, read once."""
    found: dict[str, Static] = {}
    for path in sorted((FOLDER / "static").iterdir()):
        body = path.read_bytes()
        found[path.name] = Static(body, TYPES[path.suffix], sha256(body).hexdigest()[:12])
    return found


class Faces:
    """Renders templates."""

    def __init__(self, key: str) -> None:
        self._notices = URLSafeTimedSerializer(key, salt="prompt-actions.notice")
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )
        self._environment.globals.update(static=_address)
        self._environment.filters.update(moment=moment, duration=duration, span=span, day=day, plural=plural,
                                         capitalize_first=capitalize_first, breakable=breakable)

    def render(self, template: str, **facts: Any) -> str:
        """A page as text."""
        return self._environment.get_template(template).render(**facts)

    def sealed(self, notice: str) -> str:
        """A notice for the next page, as a cookie that only we can write."""
        return self._notices.dumps(notice)

    def notice(self, text: str) -> str:
        """The notice in a cookie; "" where there is none of ours."""
        try:
            return str(self._notices.loads(text, max_age=NOTICE_SECONDS)) if text else ""
        except BadSignature:
            return ""


def _address(name: str) -> str:
    return f"/static/{name}?v={statics()[name].digest}"


def moment(milliseconds: float | None) -> str:
    """A time in UTC, as an element that tells the local time on hover; "" for none."""
    if not milliseconds:
        return ""
    at = time.gmtime(milliseconds / 1000)
    exact, shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", at), time.strftime("%Y-%m-%d %H:%M:%S", at)
    return Markup('<time datetime="{}">{} UTC</time>').format(exact, shown)


def day(milliseconds: float | None) -> str:
    """A date in UTC, with the time on hover."""
    if not milliseconds:
        return ""
    at = time.gmtime(milliseconds / 1000)
    exact = time.strftime("%Y-%m-%dT%H:%M:%SZ", at)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact, exact[:-1].replace("T", " "), time.strftime("%Y-%m-%d", at))


def capitalize_first(text: str) -> str:
    """A sentence that begins as sentences do; the rest of it stays as it is."""
    return text[:1].upper() + text[1:]


def breakable(name: str) -> Markup:
    """A long name of parts, that may be broken behind each of them."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])", name))


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    left = max(0, int(seconds + 0.5))
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if parts:
            return " ".join((*parts, f"{count} {unit}" if count else "")).strip()
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "less than a second"


def span(milliseconds: float) -> str:
    """A short time as it was measured, a long one in its two largest units."""
    if milliseconds < 1000:
        return f"{max(0, round(milliseconds))} ms"
    return f"{milliseconds / 1000:.1f} s" if milliseconds < 10_000 else duration(milliseconds / 1000)


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
