"""Rows of a file of attributes, one at a time: CSV with a header, or one JSON object a line; each checked."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Literal, NamedTuple

import orjson

from processor.avro.jsonform import JsonFormError, attributes_from_json
from processor.model.attributes import UserAttributes

Format = Literal["csv", "jsonl"]
USER = "user_id"
SOURCE = "import"
LONGEST = 1 << 20
"""Bytes of one row."""
MEMBERS = frozenset({USER, "attributes", "mode", "time"})
JSON_MARK = ":="
"""Behind a column's name: its cells are JSON, as in `attributes set`."""


class RowsError(Exception):
    """The file as a whole cannot be read; the text says why."""


class Row(NamedTuple):
    """One row of the file."""

    line: int
    """The line that it begins on, from 1."""
    end: int
    """Offset of the byte behind it."""
    text: bytes
    change: UserAttributes | None
    reason: str = ""
    """Why it is rejected."""


class Layout(NamedTuple):
    """How rows are to be read, and what holds for all of them."""

    app_id: str
    form: Format
    mode: str = "merge"
    time: int = 0
    """Milliseconds since 1970, for rows without a time of their own."""


class _Piece(NamedTuple):
    """The bytes of one row."""

    line: int
    end: int
    text: bytes
    too_long: bool = False


def rows(file: BinaryIO, layout: Layout, start: int = 0, line: int = 1) -> Iterator[Row]:
    """All rows from the byte `start`, which begins the line numbered `line`; `file` stands at its beginning."""
    if layout.form == "jsonl":
        if start:
            file.seek(start)
        for piece in _pieces(file, start, line, quoted=False):
            if piece.text.strip():
                yield _checked(piece, layout, _json_members)
        return
    header = next(_pieces(file, 0, 1, quoted=True), None)
    columns = _columns(header)
    if start:
        file.seek(start)
    at, number = (start, line) if start else (header.end, 1 + header.text.count(b"\n")) if header else (0, 1)
    for piece in _pieces(file, at, number, quoted=True):
        if piece.text.strip():
            yield _checked(piece, layout, lambda text: _csv_members(text, columns))


def _pieces(file: BinaryIO, at: int, line: int, *, quoted: bool) -> Iterator[_Piece]:
    """The file row by row; where `quoted`, a line break inside quotation marks belongs to its row."""
    while text := file.readline(LONGEST + 1):
        begun, lines = at, 1
        while quoted and text.count(b'"') % 2 and len(text) <= LONGEST:
            more = file.readline(LONGEST + 1)
            if not more:
                break
            text += more
            lines += 1
        at = begun + len(text)
        too_long = len(text) > LONGEST
        if too_long and not text.endswith(b"\n"):
            at += _skip_line(file)
        yield _Piece(line, at, text, too_long)
        line += lines


def _skip_line(file: BinaryIO) -> int:
    """Pass over the rest of a line that is too long to be kept; returns its length."""
    skipped = 0
    while rest := file.readline(LONGEST):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped


def _columns(header: _Piece | None) -> Sequence[str]:
    names = [] if header is None else [one.strip() for one in _cells(header.text.removeprefix(b"\xef\xbb\xbf"))]
    if USER not in names:
        raise RowsError(f"the first line must name the columns, one of them {USER}")
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise RowsError(f"the column '{twice}' is there twice")
    if not all(name.removesuffix(JSON_MARK) for name in names):
        raise RowsError("a column has no name")
    return names


def _cells(text: bytes) -> list[str]:
    return next(csv.reader([text.decode().rstrip("\r\n")], strict=True), [])


def _checked(piece: _Piece, layout: Layout, members: Any) -> Row:
    """The row with its change of attributes, or with the reason why it is none."""
    if piece.too_long:
        return Row(piece.line, piece.end, piece.text[:200] + b"\n", None, f"is longer than {LONGEST} bytes")
    try:
        found = {"mode": layout.mode, "time": layout.time, **members(piece.text)}
        change = attributes_from_json({**found, "app_id": layout.app_id, "source": SOURCE})
    except UnicodeDecodeError:
        reason = "is no UTF-8 text"
    except orjson.JSONDecodeError as error:
        reason = f"is no JSON: {error}"
    except JsonFormError as error:
        reason = " | ".join(map(str, error.problems))
    except (csv.Error, ValueError) as error:
        reason = str(error)
    else:
        return Row(piece.line, piece.end, piece.text, change)
    return Row(piece.line, piece.end, piece.text, None, reason)


def _json_members(text: bytes) -> dict[str, Any]:
    found = orjson.loads(text)
    if not isinstance(found, dict):
        raise ValueError('is no object: {"user_id": ..., "attributes": {...}}')  # noqa: TRY004 - one kind of mistake
    unknown = [name for name in found if name not in MEMBERS]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is no member; allowed: {', '.join(sorted(MEMBERS))}")
    return found


def _csv_members(text: bytes, columns: Sequence[str]) -> dict[str, Any]:
    """Empty cells change nothing."""
    cells = _cells(text)
    if len(cells) != len(columns):
        raise ValueError(f"has {len(cells)} cells; there are {len(columns)} columns")
    given = dict(zip(columns, cells, strict=True))
    user = given.pop(USER)
    return {USER: user, "attributes": {
        name.removesuffix(JSON_MARK): _value(name, cell) for name, cell in given.items() if cell != ""}}


def _value(column: str, cell: str) -> Any:
    if not column.endswith(JSON_MARK):
        return cell
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError:
        raise ValueError(f"{column.removesuffix(JSON_MARK)}: is no JSON, which the column's name asks for") from None
