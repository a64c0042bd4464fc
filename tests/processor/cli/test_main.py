"""The command itself: help at once, exit codes, mistakes in plain words."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from processor import __version__
from processor.cli.main import COMMANDS

COMMAND = Path(sys.executable).parent / "prompt-actions"


HEAVY = ("pydantic", "rich", "yaml", "requests", "pycurl", "confluent_kafka", "fastavro", "rocksdict", "structlog",
         "prometheus_client", "fastapi", "processor.config", "processor.settings", "connectors", "console")


@pytest.fixture(scope="module")
def help_loaded():
    """What a real process says and has imported at the end of its help; the site's start hooks are left out."""
    code = ("import runpy, sys\nbefore = set(sys.modules)\n"
            f"sys.argv = [{str(COMMAND)!r}, '--help']\n"
            "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
            "except SystemExit as end: print('ended with', end.code)\n"
            "print(*sorted(set(sys.modules) - before))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    *said, loaded = done.stdout.splitlines()
    return "\n".join(said), frozenset(loaded.split())


def test_help_names_every_command_and_ends_well(help_loaded):
    for name in COMMANDS:
        assert f"  {name}" in help_loaded[0]
    assert help_loaded[0].endswith("ended with 0")


def test_help_imports_no_command_and_nothing_heavy_so_it_is_there_in_a_moment(help_loaded):
    loaded = help_loaded[1]
    assert "processor.cli.main" in loaded
    assert loaded.isdisjoint(entry.module for entry in COMMANDS.values())
    assert loaded.isdisjoint(HEAVY)
    assert all(importlib.util.find_spec(name) for name in HEAVY), "a name that is no module guards nothing"


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
