"""Credentials of API actions: marks in what is logged and kept, values in what goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

import orjson
from pydantic import SecretStr

from connectors.custom._api_action import CLOSE, OPEN
from connectors.kit import Misconfigured
from connectors.kit.template import is_header_text


class Credentials:
    """Puts credentials in the place of their marks, encoded for where they stand."""

    def __init__(self, secrets: Mapping[str, SecretStr]) -> None:
        self._values = {name: value.get_secret_value() for name, value in secrets.items()}
        mark = f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}"
        self._raw = re.compile(mark)
        self._quoted = re.compile(f"{quote(OPEN)}([A-Za-z0-9_.-]*){quote(CLOSE)}")

    def url(self, text: str) -> str:
        """A URL with its credentials percent-encoded."""
        return self._quoted.sub(lambda found: quote(self._value(found[1]), safe=""), text)

    def header(self, line: str) -> str:
        """A header line with its credentials as they are."""
        return self._raw.sub(lambda found: self._header_value(found[1]), line) if OPEN in line else line

    def body(self, body: bytes | None, *, form: bool) -> bytes | None:
        """A body with its credentials escaped as form or JSON wants it."""
        if not body:
            return body
        if form:
            return self._quoted.sub(lambda found: quote_plus(self._value(found[1])), body.decode()).encode()
        return self._raw.sub(lambda found: _json_text(self._value(found[1])), body.decode()).encode()

    def _value(self, name: str) -> str:
        if name not in self._values:
            raise Misconfigured("unknown_credential", f"there is no credential '{name}'")
        return self._values[name]

    def _header_value(self, name: str) -> str:
        value = self._value(name)
        if not is_header_text(value):
            raise Misconfigured("bad_credential", f"the credential '{name}' holds a character that no header may")
        return value


def _json_text(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return orjson.dumps(text).decode()[1:-1]
