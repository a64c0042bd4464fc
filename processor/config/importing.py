"""Takes a table of bindings into apps: into their files, or into contents for a store; all of them or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from processor.config import bindings_csv, files
from processor.config.bindings_csv import Table
from processor.config.compiling import Parts, compiled
from processor.config.content import Compiler, file_of, parts_of
from processor.config.documents import Document, of_data
from processor.config.errors import ConfigError, ConfigErrors
from processor.config.reading import Reading
from processor.config.store import Content
from processor.config.writing import put, text_of

IMPORTED = Path("prompts", "imported.yaml")
"""Of an app's folder: what a table brought; a later table changes what it names."""
HEAD = "# Made by `prompt-actions config import`; a later import changes the interactions that it names.\n"


def tables_of(text: str, file: str, compiler: Compiler) -> dict[str, Table]:
    """The table by app; raises ConfigErrors where lines are wrong in themselves."""
    tables, errors = bindings_csv.read(text, file, compiler.reading().catalogue)
    if errors:
        raise ConfigErrors(errors)
    return tables


def contents_with(tables: Mapping[str, Table], file: str, contents: Mapping[str, Content], compiler: Compiler
                  ) -> dict[str, Content]:
    """The apps' contents with the tables in them; raises ConfigErrors with the lines of what is wrong."""
    reading, made = compiler.reading(), dict[str, Content]()
    for name, table in tables.items():
        content = contents.get(name)
        if content is None:
            reading.errors.append(_no_app(name, table, file))
            continue
        prompts = _prompts(content)
        found = bindings_csv.document(table, file, prompts)
        parts = parts_of(name, content, reading.errors)
        kept = of_data({one: value for one, value in prompts.items() if one not in found.data},
                       file_of(name, "prompts"))
        compiled(name, Parts(parts.app, parts.connectors, (kept, found)), reading)
        made[name] = {**content, "prompts": {**prompts, **found.data}}
    reading.check()
    return made


def write_into_files(tables: Mapping[str, Table], file: str, compiler: Compiler) -> list[Path]:
    """Write the tables into the folder's files; raises ConfigErrors, and then no file is touched."""
    reading, texts = compiler.reading(), dict[Path, str]()
    folders = {one.name: one for one in files.app_folders(compiler.folder, reading)}
    for name, table in tables.items():
        if name not in folders:
            reading.errors.append(_no_app(name, table, file))
            continue
        path = folders[name] / IMPORTED
        merged = _into_folder(name, folders[name], table, file, reading)
        texts[path] = HEAD + text_of(merged)
    reading.check()
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        put(path, text)
    return list(texts)


def _into_folder(name: str, folder: Path, table: Table, file: str, reading: Reading) -> dict[str, Any]:
    parts = files.parts(folder, reading)
    own = str(folder / IMPORTED)
    earlier = next((one.data for one in parts.prompts if one.file == own and isinstance(one.data, dict)), {})
    found = bindings_csv.document(table, file, earlier)
    kept = [_without(one, found.data) if one.file == own else one for one in parts.prompts]
    compiled(name, parts._replace(prompts=(*kept, found)), reading)
    return {**earlier, **found.data}


def _without(document: Document, names: Mapping[str, Any]) -> Document:
    """The document of an earlier import without what the table names anew."""
    data = document.data if isinstance(document.data, dict) else {}
    return document._replace(data={name: one for name, one in data.items() if name not in names})


def _prompts(content: Content) -> dict[str, Any]:
    found = content.get("prompts")
    return dict(found) if isinstance(found, Mapping) else {}


def _no_app(name: str, table: Table, file: str) -> ConfigError:
    return ConfigError(file, min(table.lines.values()), 1, "app", f"there is no app '{name}'",
                       "add it with its connectors first")


def text_from(path: Path) -> str:
    """A table's text; raises ConfigErrors where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no UTF-8 text"
        raise ConfigErrors([ConfigError(str(path), 0, 0, "", f"cannot be read: {why}")]) from None
