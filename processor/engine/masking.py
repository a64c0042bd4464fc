"""Masks personal data in what is kept of an exchange with a vendor."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote_plus

MASK = "***"
LIMIT = 2048
"""Characters of a body that are kept."""

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+(?:@|%40)[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_LONG_NUMBER = re.compile(r"(?<![\w-])\+?\d[\d ().-]{7,}\d(?![\w-])")


def masked(text: str, personal: Iterable[object]) -> str:
    """`text`, cut to the limit, without e-mail addresses, phone-like numbers and the given personal values."""
    text = _EMAIL.sub(MASK, text[: LIMIT * 2])
    for value in personal:
        word = str(value)
        if len(word) > 2:
            text = text.replace(word, MASK).replace(quote_plus(word), MASK)
    return _LONG_NUMBER.sub(MASK, text)[:LIMIT]
