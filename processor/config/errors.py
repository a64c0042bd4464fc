"""What is wrong in a configuration: file, line, field, what is allowed, and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class ConfigError(NamedTuple):
    """One mistake, with the place where it is mended."""

    file: str
    line: int
    """From 1; 0 where the whole file or an environment variable is meant."""
    column: int
    field: str
    """Path of the field inside the file, such as `save_offer.accept[0].params.coupon_id`."""
    message: str
    hint: str = ""

    @property
    def said(self) -> str:
        """The mistake without its place."""
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __str__(self) -> str:
        """One line, as compilers print it."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f"{place} {self.field}" if self.field else place
        return f"{where}: {self.said}"


class ConfigErrors(Exception):
    """All mistakes of one reading."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


class SecretError(ValueError):
    """A reference that leads to no value; the message names the reference, never a value."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The hint for a wrong name: the closest valid one, then all there are (where they are few)."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    parts = [f"did you mean '{close[0]}'?"] if close else []
    if names and (len(names) <= 16 or not close):
        parts.append("allowed: " + ", ".join(names))
    return " ".join(parts)


def field_path(path: Iterable[str | int]) -> str:
    """A path as a person writes it: dots for names, brackets for places in a list."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
