"""The command itself: help at once, exit codes, mistakes in plain words."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from processor import __version__
from processor.cli.main import COMMANDS

COMMAND = Path(sys.executable).parent / "prompt-actions"


def test_help_names_every_command_and_imports_none():
    code = ("import sys\nfrom processor.cli.main import main\n"
            "try: main(['--help'])\n"
            "except SystemExit: print(sorted(sys.modules))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for name in COMMANDS:
        assert f"  {name}" in out
    loaded = out.splitlines()[-1]
    assert "pydantic" not in loaded
    assert "rich" not in loaded
    assert "processor.config" not in loaded


def test_help_of_a_real_process_is_there_in_a_moment():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([COMMAND, "--help"], capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - start)
        assert done.returncode == 0
        assert done.stderr == ""
    assert min(times) < 0.3


def test_version_is_the_package_s():
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"prompt-actions, version {__version__}"


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(run):
    ran = run("conf")
    assert ran.code == 2
    assert "did you mean 'config'?" in ran.err


def test_mistakes_of_settings_are_printed_and_end_with_one(run):
    ran = run("event", "send", "--app", "a", "--user", "u", "--prompt", "p", "--interaction", "accept",
              PROMPT_ACTIONS_GRUP="x")
    assert ran.code == 1
    assert "environment PROMPT_ACTIONS_GRUP: unknown setting (did you mean 'PROMPT_ACTIONS_GROUP'?" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_of_the_table_is_there(name):
    entry = COMMANDS[name]
    if importlib.util.find_spec(entry.module) is None:
        pytest.skip(f"{entry.module} is not written yet")
    command = getattr(importlib.import_module(entry.module), entry.name)
    assert command.name == name
    assert command.help


def test_explain_stands_beside_the_other_commands_of_attributes_too(run):
    assert run("attributes", "explain", "--help").out.partition("\n\n")[2] == \
        run("explain", "--help").out.partition("\n\n")[2]
