"""Placeholders in text: `%name%` is replaced, `%%` is one percent sign, percent-encoding stays as it is.

Parsed once; what is put in is never read again, so that nobody's input becomes a placeholder.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import quote

from connectors.kit.errors import MissingAttributes, Rejected
from connectors.kit.event import Value
from connectors.kit.http import scalar

MAX_VALUE = 65_536
"""Longest single value, in characters."""
MAX_HEADER = 8_192
"""Longest value of a header."""
RESERVED = "\ufdd0\ufdd1"
"""Code points that Unicode keeps for internal use: whoever renders may mark things with them, no value holds one."""

_TOKEN = re.compile(r"%([A-Za-z_][A-Za-z0-9_.-]*)%")
_HEX_PAIR = re.compile(r"[0-9A-Fa-f]{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_VISIBLE = re.compile(r"[ -~]*")
_CLIMBING = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\]|$)")

Lookup = Callable[[str], Value]
"""From the name of a placeholder to its value; raises KeyError where there is none."""
Put = Callable[[str, str], str]
"""Turns (name, value) into what may stand in the place: a path, a query, a header."""


class Placeholder(NamedTuple):
    """A place that is filled for each event."""

    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text with placeholders, taken apart."""

    parts: tuple[str | Placeholder, ...]

    @classmethod
    def parse(cls, text: str, known: Collection[str] | None = None) -> Template:
        """Take `text` apart; raises ValueError for a name outside `known`, and where percent signs are ambiguous."""
        if any(one in text for one in RESERVED):
            raise ValueError("holds a character that is kept for internal use (U+FDD0, U+FDD1)")
        parts: list[str | Placeholder] = []
        start = 0
        while start < len(text):
            part, start = _next(text, start, known)
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
        return cls(tuple(parts))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the placeholders, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, Placeholder)))

    @property
    def literals(self) -> tuple[str, ...]:
        """The text between the placeholders."""
        return tuple(part for part in self.parts if isinstance(part, str))

    def bound(self, fixed: Mapping[str, str]) -> Template:
        """The template with some placeholders turned into text for good; that text is not read again."""
        return Template(tuple(
            fixed.get(part.name, part) if isinstance(part, Placeholder) else part for part in self.parts
        ))

    def render(self, lookup: Lookup, put: Put | None = None) -> str:
        """The text with every placeholder filled; raises MissingAttributes or Rejected, naming the placeholder."""
        return "".join(
            part if isinstance(part, str) else _filled(part.name, lookup, put or plain) for part in self.parts
        )

    def value(self, lookup: Lookup) -> Value:
        """As `render`, but a template that is one placeholder and nothing else keeps the value's type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Placeholder):
            return _found(self.parts[0].name, lookup)
        return self.render(lookup)


def _next(text: str, start: int, known: Collection[str] | None) -> tuple[str | Placeholder, int]:
    """The part of `text` that begins at `start`, and where the next one does."""
    if text[start] != "%":
        end = text.find("%", start)
        return (text[start:], len(text)) if end < 0 else (text[start:end], end)
    if text.startswith("%%", start):
        return "%", start + 2
    token = _TOKEN.match(text, start)
    if token is None:
        return "%", start + 1
    name = token[1]
    if len(name) == 2 and _HEX_PAIR.fullmatch(name):
        return text[start:start + 3], start + 3
    _check_name(name, text[token.end():], known)
    return Placeholder(name), token.end()


def _check_name(name: str, behind: str, known: Collection[str] | None) -> None:
    if known is not None and name in known:
        return
    if _HEX_PAIR.match(name) and _HEX_PAIR.match(behind):
        raise ValueError(
            f"'%{name}%{behind[:2]}' may be a placeholder or percent-encoding: "
            f"write '%%{name}%%{behind[:2]}' for the latter"
        )
    if known is not None:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean '%{near[0]}%'?" if near else f"for the text itself write '%%{name}%%'"
        raise ValueError(f"'%{name}%' is no known placeholder: {hint}")


def _found(name: str, lookup: Lookup) -> Value:
    try:
        return lookup(name)
    except KeyError:
        raise MissingAttributes([name]) from None


def _filled(name: str, lookup: Lookup, put: Put) -> str:
    return put(name, as_text(_found(name, lookup)))


def as_text(value: Value) -> str:
    """A value as text: true and false in lower case, lists with commas."""
    return ",".join(value) if isinstance(value, list) else scalar(value)


def sound(name: str, value: Value) -> Value:
    """`value` without lone surrogates; raises Rejected where no request should carry it."""
    if isinstance(value, str):
        return _sound_text(name, value)
    if isinstance(value, list):
        _sound_text(name, ",".join(value))
        return [_sound_text(name, one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise invalid(name, "is no finite number")
    return value


def _sound_text(name: str, text: str) -> str:
    if len(text) > MAX_VALUE:
        raise invalid(name, f"is longer than {MAX_VALUE} characters")
    if not text.isascii():
        text = _SURROGATE.sub("", text)
        if any(one in text for one in RESERVED):
            raise invalid(name, "holds a character that is kept for internal use")
    return text


def invalid(name: str, why: str) -> Rejected:
    """The failure for a value that must not be sent; it names the placeholder and never repeats the value."""
    return Rejected("invalid_value", f"the value of %{name}% {why}")


def plain(_name: str, value: str) -> str:
    """For text that is encoded as a whole later on."""
    return value


def path_value(name: str, value: str) -> str:
    """For a path: percent-encoded, so that it stays within its segment."""
    if not value:
        raise invalid(name, "is empty, which would change the path")
    if _CONTROL.search(value):
        raise invalid(name, "holds a control character, which no path may")
    if _CLIMBING.search(value):
        raise invalid(name, "would climb out of its place in the path")
    return quote(value, safe="")


def query_value(_name: str, value: str) -> str:
    """For a query string: percent-encoded."""
    return quote(value, safe="")


def header_value(name: str, value: str) -> str:
    """For a header: visible ASCII on one line."""
    if not is_header_text(value):
        raise invalid(name, "holds a character that no header may (only visible ASCII and spaces may stand there)")
    if len(value) > MAX_HEADER:
        raise invalid(name, f"is longer than {MAX_HEADER} characters")
    return value


def is_header_text(text: str) -> bool:
    """Whether a text is visible ASCII on one line."""
    return bool(_VISIBLE.fullmatch(text))
