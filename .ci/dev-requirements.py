"""Prints what development needs beyond the package itself: the dev group and the build backend of pyproject.toml."""

# ruff: noqa: INP001 - a script

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
# hatchling asks for editables only when it builds an editable package.
wanted = [*project["dependency-groups"]["dev"], *project["build-system"]["requires"], "editables"]
sys.stdout.write("\n".join(wanted) + "\n")
