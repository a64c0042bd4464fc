"""Answers as they come off the wire: header lines are read only when somebody asks for a header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.kit.http import Response


class WireResponse(Response):
    """A response that keeps its header lines and reads them on first use."""

    __slots__ = ("_lines",)

    def __init__(self, status: int, lines: Sequence[bytes], body: bytes) -> None:
        super().__init__(status, None, body)
        self._lines = lines

    def read_headers(self) -> Mapping[str, str]:
        """Headers by lower-case name; a repeated one is joined by commas."""
        return read_headers(self._lines)


def read_headers(lines: Sequence[bytes]) -> Mapping[str, str]:
    """The headers of the last answer in `lines`: interim answers before it and trailers behind it are left out."""
    found: dict[str, str] = {}
    for line in _last_answer(lines):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            continue
        key, text = name.strip().lower(), value.strip()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _last_answer(lines: Sequence[bytes]) -> Sequence[bytes]:
    starts = [place for place, line in enumerate(lines) if line.startswith(b"HTTP/")]
    own = lines[starts[-1] + 1 :] if starts else lines
    ends = [place for place, line in enumerate(own) if line in (b"\r\n", b"\n")]
    return own[: ends[0]] if ends else own
