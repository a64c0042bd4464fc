"""Prints what the named jobs need beyond the package itself, as pyproject.toml says: `build`, `dev`, `vendor`."""

# ruff: noqa: INP001 - a script

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
wanted = {
    # hatchling asks for editables only when it builds an editable package; the image compiles the hot path.
    "build": [*project["build-system"]["requires"], "editables", "mypy", "setuptools"],
    "vendor": project["dependency-groups"]["vendor"],
    "dev": project["dependency-groups"]["dev"],
}
sys.stdout.write("\n".join(one for job in sys.argv[1:] for one in wanted[job]) + "\n")
