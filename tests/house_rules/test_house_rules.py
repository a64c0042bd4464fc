"""The rules of the house that can be measured: sizes, docstrings, names, and what no file may name."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connectors", "console", "processor", "testkit")

LONGEST_FUNCTION = 50
LONGEST_FILE = 400
LONGEST_CONNECTOR = 350
HIDDEN = {".venv", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__", "state"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

# Written in parts, so that this file does not name what it forbids.
MACHINE_PATHS = re.compile(r"(?<![\w.~}])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "fa" + "rm"]) + r")/")
REGISTRIES = re.compile("|".join(re.escape(".".join(parts)) for parts in [
    ("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"), ("crates", "io"),
    ("proxy", "golang", "org"), ("repo", "maven", "apache", "org"), ("repo1", "maven", "org"), ("deb", "debian", "org"),
]))


class Function(NamedTuple):
    lines: int
    name: str


def tracked() -> list[Path]:
    """Files under version control; all files where this is no checkout."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not HIDDEN & set(path.relative_to(ROOT).parts)]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(length(node), f"{name_of(path)}:{node.lineno} {node.name}")


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring left out."""
    first = node.body[0]
    text = first.value if isinstance(first, ast.Expr) else None
    is_docstring = isinstance(text, ast.Constant) and isinstance(text.value, str)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def allowed_lines(path: Path) -> int:
    parts = path.relative_to(ROOT).parts
    is_connector = parts[0] == "connectors" and len(parts) == 3 and parts[1] != "kit"
    return LONGEST_CONNECTOR if is_connector else LONGEST_FILE


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [f"{name_of(path)}:{number}: {line.strip()[:100]}"
            for path in tracked()
            for number, line in enumerate(text_of(path).splitlines(), 1) if pattern.search(line)]


def test_there_is_something_to_measure():
    """A rule that looks at no file holds always."""
    assert len(sources()) > 20


def test_no_function_is_longer_than_a_screen(say_at_the_end):
    found = sorted((one for path in sources() for one in functions(path)), reverse=True)
    say_at_the_end("longest functions: " + ", ".join(f"{one.lines} {one.name}" for one in found[:5]))
    assert [str(one) for one in found if one.lines > LONGEST_FUNCTION] == []


def test_no_file_is_too_long_to_read():
    too_long = {name_of(path): line_count(path) for path in sources() if line_count(path) > allowed_lines(path)}
    assert too_long == {}


def test_every_module_says_what_it_is_for():
    silent = [name_of(path) for path in sources()
              if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


def test_modules_are_named_by_a_noun_of_the_product():
    assert [name_of(path) for path in sources() if path.stem in VAGUE_NAMES] == []


def test_no_file_names_a_folder_of_somebodys_machine():
    assert lines_with(MACHINE_PATHS) == []


def test_no_file_names_the_host_of_a_package_registry():
    """Whoever installs from a mirror keeps doing so."""
    assert lines_with(REGISTRIES) == []


@pytest.mark.parametrize(("source", "lines"), [
    ('def f():\n    """Doc.\n\n    More.\n    """\n    return 1\n', 2),
    ("def f():\n    return 1\n", 2),
    ('def f(a,\n      b):\n    """Doc."""\n    return (a,\n            b)\n', 4),
])
def test_a_functions_length_leaves_out_its_docstring(source, lines):
    assert length(ast.parse(source).body[0]) == lines


@pytest.mark.parametrize(("line", "found"), [
    ("COPY a /wo" + "rk/x", True), ("see net/wo" + "rk/x", False), ("cd /ro" + "ot/x", True), ("a/ro" + "ot/b", False),
])
def test_a_path_of_a_machine_is_told_from_a_part_of_another(line, found):
    assert bool(MACHINE_PATHS.search(line)) is found
