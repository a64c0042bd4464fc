"""The page of settings: every one with its variable, default and meaning, made from the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ByteSize
from pydantic.fields import FieldInfo

from processor.config import durations
from processor.config.own import group_of
from processor.settings import DELIMITER, PREFIX, ProcessorSettings

BEGIN, END = "<!-- settings: begin -->", "<!-- settings: end -->"
"""Between these lines of the page stands what `table` makes."""


class Row(NamedTuple):
    """One setting."""

    name: str
    variable: str
    default: str
    meaning: str


def rows(model: type[BaseModel] = ProcessorSettings, path: tuple[str, ...] = ()) -> Iterator[Row]:
    """All settings, groups opened."""
    for name, field in model.model_fields.items():
        here = (*path, name)
        group = group_of(model, name)
        if group is not None:
            yield from rows(group, here)
        else:
            yield Row(".".join(here), PREFIX + DELIMITER.join(here).upper(), _default(field), _meaning(field))


def table() -> str:
    """The settings as a table in Markdown."""
    head = ["| setting | default | meaning |", "|---|---|---|"]
    lines = [f"| `{row.name}` | {row.default} | {row.meaning} |" for row in rows()]
    return "\n".join(head + lines)


def renewed(page: str) -> str:
    """The page with the table of today between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _meaning(field: FieldInfo) -> str:
    text = field.description or ""
    if get_origin(field.annotation) is Literal:
        text = f"{' or '.join(f'`{one}`' for one in get_args(field.annotation))}. {text}"
    return text.replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default_factory is not None:
        return "see right"
    value = field.default
    if value in (None, "") or (isinstance(value, (Mapping, tuple)) and not value):
        return "none"
    return f"`{_spoken(value, field)}`"


def _spoken(value: Any, field: FieldInfo) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, ByteSize):
        return value.human_readable().replace(".0", "")
    if isinstance(value, float) and "BeforeValidator" in str(field.metadata):
        return durations.spoken(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def main(path: Path) -> None:
    """Write today's table into the page at `path`."""
    path.write_text(renewed(path.read_text("utf-8")), "utf-8")
