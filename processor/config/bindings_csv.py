"""Bindings as a table: one a line, chains in the order of the lines; mistakes name the line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from connectors.kit.connector import Connector
from processor.config.documents import Document, Mark, PathOf, of_data, paths
from processor.config.errors import ConfigError, nearest
from processor.config.store import Content

SETTINGS = ("id", "on_error", "max_age", "in_doubt", "order")
"""Of a binding, beside its action and parameters."""
NEEDED = ("app", "prompt", "interaction", "action")
COLUMNS = ("app", "prompt", "title", "interaction", "connector", "action", *SETTINGS, "params")
PARAM = "param:"
"""Begins the name of a column that holds one parameter."""
Row = Mapping[str, str]


class Table(NamedTuple):
    """The bindings of one app, with the lines that they come from."""

    prompts: dict[str, Any]
    """As in `prompts.yaml`."""
    lines: dict[PathOf, int]
    """By path inside the prompts."""


def read(text: str, file: str, known: Mapping[str, Connector]) -> tuple[dict[str, Table], list[ConfigError]]:
    """The bindings by app, and what is wrong with the form of lines."""
    errors: list[ConfigError] = []
    tables: dict[str, Table] = {}
    for line, row in _rows(text, file, errors):
        wrong = _wrong(row, known)
        if wrong:
            errors.extend(ConfigError(file, line, 1, column, message) for column, message in wrong)
        else:
            _add(tables.setdefault(row["app"], Table({}, {})), row, line, known)
    return tables, errors


def document(table: Table, file: str, existing: Mapping[str, Any]) -> Document:
    """The prompts of an app with the table's bindings in the place of those that it had, as a document of the table.

    A prompt's other interactions and its title stay, where the table does not name them.
    """
    merged = {name: {**(existing.get(name) or {}), **prompt} for name, prompt in table.prompts.items()}
    made = of_data(merged, file)
    marks = dict(made.values) | {path: Mark(line, 1) for path, line in table.lines.items()}
    return made._replace(values=marks, keys=marks)


def write(contents: Mapping[str, Content]) -> str:
    """The bindings of apps as such a table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for app, content in contents.items():
        writer.writerows(_told(app, content.get("prompts") or {}))
    return out.getvalue()


def _told(app: str, prompts: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for name, prompt in prompts.items():
        for interaction, chain in (prompt or {}).items():
            for binding in chain if isinstance(chain, list) else ():
                connector, _, action = str(binding["action"]).partition(".")
                params = binding.get("params")
                yield {
                    "app": app, "prompt": name, "title": prompt.get("title", ""), "interaction": interaction,
                    "connector": connector, "action": action,
                    **{one: str(binding[one]) for one in SETTINGS if one in binding},
                    "params": json.dumps(params, ensure_ascii=False) if params is not None else "",
                }


# lines


def _rows(text: str, file: str, errors: list[ConfigError]) -> Iterator[tuple[int, Row]]:
    head, _, _ = text.lstrip("\ufeff").partition("\n")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    try:
        names = [one.strip() for one in next(reader, [])]
        if not _head_is_good(names, file, errors):
            return
        line = reader.line_num + 1
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, dict(zip(names, map(str.strip, cells), strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        errors.append(ConfigError(file, reader.line_num, 1, "", f"no valid CSV: {error}"))


def _head_is_good(names: list[str], file: str, errors: list[ConfigError]) -> bool:
    before = len(errors)
    errors.extend(ConfigError(file, 1, 1, one, f"unknown column '{one}'", nearest(one, [*COLUMNS, PARAM + "NAME"]))
                  for one in names if one not in COLUMNS and not one.startswith(PARAM))
    errors.extend(ConfigError(file, 1, 1, one, f"the column '{one}' is missing") for one in NEEDED if one not in names)
    errors.extend(ConfigError(file, 1, 1, one, f"the column '{one}' comes twice")
                  for one in dict.fromkeys(names) if names.count(one) > 1)
    return len(errors) == before


def _wrong(row: Row, known: Mapping[str, Connector]) -> list[tuple[str, str]]:
    """What is wrong in one line, by column; what its values mean is checked later, with the whole app."""
    found = [(one, "is empty") for one in NEEDED if not row.get(one)]
    if row.get("action") and not row.get("connector") and "." not in row["action"]:
        hint = f"write <connector>.<action>, or fill the column connector ({nearest(row['action'], known)})"
        found.append(("action", f"'{row['action']}' names no connector; {hint}"))
    try:
        if row.get("params") and not isinstance(json.loads(row["params"]), dict):
            found.append(("params", 'must be a JSON object, such as {"coupon_id": "STAY20"}'))
    except json.JSONDecodeError as error:
        found.append(("params", f"is no JSON: {error}"))
    return found


def _add(table: Table, row: Row, line: int, known: Mapping[str, Connector]) -> None:
    name, interaction = row["prompt"], row["interaction"]
    prompt = table.prompts.setdefault(name, {})
    if row.get("title"):
        prompt["title"] = row["title"]
    chain = prompt.setdefault(interaction, [])
    binding = _binding(row, known)
    for path in ((name,), (name, "title"), (name, interaction)):
        table.lines.setdefault(path, line)
    table.lines.update(dict.fromkeys(paths(binding, (name, interaction, len(chain))), line))
    chain.append(binding)


def _binding(row: Row, known: Mapping[str, Connector]) -> dict[str, Any]:
    action = f"{row['connector']}.{row['action']}" if row.get("connector") else row["action"]
    params: dict[str, Any] = json.loads(row["params"]) if row.get("params") else {}
    params |= {one.removeprefix(PARAM): _value(action, one.removeprefix(PARAM), cell, known)
               for one, cell in row.items() if one.startswith(PARAM) and cell}
    made: dict[str, Any] = {"action": action}
    if params or row.get("params"):
        made["params"] = params
    return made | {one: row[one] for one in SETTINGS if row.get(one)}


def _value(action: str, param: str, cell: str, known: Mapping[str, Connector]) -> Any:
    """A cell as the parameter's type wants it; what does not fit stays a text, and is reported as one."""
    connector, _, name = action.partition(".")
    found = known[connector].actions.get(name) if connector in known else None
    field = found.params.model_fields.get(param) if found else None
    kinds = str(field.annotation) if field else ""
    try:
        if "bool" in kinds and cell.lower() in ("true", "false"):
            return cell.lower() == "true"
        if "str" not in kinds and ("int" in kinds or "float" in kinds):
            return float(cell) if "float" in kinds and not cell.lstrip("-").isdigit() else int(cell)
    except ValueError:
        pass
    return cell
