"""Masks personal data in what is kept of an exchange with a vendor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from pydantic import BaseModel, SecretStr

MASK: Final = "***"
LIMIT: Final = 2048
"""Characters of a body that are kept."""
IDENTIFYING: Final = 16
"""Characters from which on a part of a value (a device token in a list of them) says who somebody is."""

_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+(?:@|%40)[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_LONG_NUMBER: Final = re.compile(r"(?<![\w-])\+?\d[\d ().-]{7,}\d(?![\w-])")


def masked(text: str, personal: Iterable[object]) -> str:
    """`text`, cut to the limit, without e-mail addresses, phone-like numbers and the given personal values."""
    text = _EMAIL.sub(MASK, text[: LIMIT * 2])
    for value in personal:
        for word in _forms(str(value)):
            text = text.replace(word, MASK)
    return _LONG_NUMBER.sub(MASK, text)[:LIMIT]


def _forms(value: str) -> Iterator[str]:
    """How a value can stand in a request: as it is, in form encoding, its long parts alone and in lower case."""
    if len(value) > 2:
        yield value
        yield quote_plus(value)
    for part in _BETWEEN.split(value):
        if len(part) >= IDENTIFYING:
            yield from (part, quote_plus(part), part.lower())


def secrets_of(settings: BaseModel) -> tuple[str, ...]:
    """All secret values of a connector's settings: a vendor that echoes one must not bring it into a dead letter."""
    return tuple(_secrets(settings))


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets(dict(value))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _secrets(one)
