"""Prints deploy/emulators.env: what lets the example configuration run against the vendor emulators of compose."""

# ruff: noqa: INP001 - a script

import json
import sys
from pathlib import Path

import yaml

from testkit.vendors import example

VENDORS = "http://vendors:8081"
HEAD = """\
# The example configuration against the emulators: their credentials, which open nothing else, and their addresses.
# For your own vendors write a file like this with your own secrets and without the overrides, and name it in .env:
#   ENV_FILE=my.env
# Written by `make deploy/emulators.env`.
"""


def line(name: str, value: str) -> str:
    """One line that compose reads: as it is in single quotes, with its line breaks written out in double ones."""
    return f"{name}='{value}'\n" if "\n" not in value else f'{name}="{_escaped(value)}"\n'


def _escaped(value: str) -> str:
    return value.strip().replace("\n", "\\n")


def text(apps: Path) -> str:
    """The file."""
    files = {app.parent.name.upper(): app.read_text(encoding="utf-8") for app in sorted(apps.glob("*/connectors.yaml"))}
    secrets = {name: value for name, value in example.environment().items()
               if any(f"env:{name}" in file for file in files.values())}
    used = {name for file in files.values() for name in yaml.safe_load(file)}
    overrides = {f"PROMPT_ACTIONS_OVERRIDES__{name.upper()}": json.dumps(values)
                 for name, values in sorted(example.overrides(VENDORS).items()) if name in used}
    return HEAD + "".join(line(name, value) for name, value in {**secrets, **overrides}.items())


sys.stdout.write(text(Path("config/apps")))
