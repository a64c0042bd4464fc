"""Writes letters out: JSON lines and Avro with all that is in them, CSV with what lists show."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import IO, Literal

import fastavro
import orjson

from processor.avro import shapes
from processor.avro.jsonform import masked, to_json
from processor.avro.schemas import project
from processor.dead_letters.index import Entry, Index
from processor.dead_letters.selection import Selection, spoken

Form = Literal["json", "csv", "avro"]
COLUMNS = ("id", "time", "state", "app", "event", "user", "prompt", "connector", "action", "reason", "code", "message",
           "replays")
HIDDEN = "***"


def export(index: Index, wanted: Selection, form: Form, out: IO[bytes], *, hide: bool = False) -> int:
    """Write the matching letters, newest first; `hide` leaves out personal data. Returns how many."""
    write = {"json": _json, "csv": _csv, "avro": _avro}[form]
    return write(index, index.entries(wanted), out, hide)


def _json(index: Index, entries: Iterable[Entry], out: IO[bytes], hide: bool) -> int:
    count = 0
    for one in entries:
        letter = index.letter(one.key)
        if letter is not None:
            plain = masked(letter) if hide else to_json(letter)
            out.write(orjson.dumps({"id": one.id, **plain}) + b"\n")
            count += 1
    return count


def _csv(_index: Index, entries: Iterable[Entry], out: IO[bytes], hide: bool) -> int:
    lines = _Lines(out)
    table = csv.writer(lines)
    table.writerow(COLUMNS)
    count = 0
    for one in entries:
        row = {**one._asdict(), "time": spoken(one.at)}
        if hide:
            row["user"] = HIDDEN
        table.writerow([_harmless(row[name]) for name in COLUMNS])
        count += 1
    return count


class _Lines:
    """Text for a writer of bytes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """A piece of text."""
        return self._out.write(text.encode())


def _harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _avro(index: Index, entries: Iterable[Entry], out: IO[bytes], hide: bool) -> int:
    if hide:
        raise ValueError("Avro holds letters byte for byte: use json or csv to hide personal data")
    count = 0

    def records() -> Iterator[object]:
        nonlocal count
        for one in entries:
            letter = index.letter(one.key)
            if letter is not None:
                count += 1
                yield shapes.plain_letter(letter)

    fastavro.writer(out, project().current["DeadLetter"].parsed, records(), codec="deflate")
    return count
