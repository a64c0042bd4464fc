"""Compile the hot path: `python -m compiling FOLDER`, where FOLDER holds our packages, and no libraries beside them.

mypyc translates what the type checker has understood; the sources stay beside what was compiled, and stand in for it on
a machine of another kind. Why, and what it changes: docs/decisions/14-the-hot-path-is-compiled.md.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
from mypyc.build import mypycify
from setuptools import setup

HOT = (
    "connectors/kit/http.py", "processor/avro/codec.py", "processor/avro/flat_reader.py", "processor/avro/writer.py",
    "processor/engine/*.py", "processor/http/answer.py", "processor/http/awake.py", "processor/http/curl*.py",
    "processor/http/wire.py", "processor/report.py", "processor/state/overlay.py",
)
"""Modules that are worth it; pydantic's models, connectors and what is seldom run are not."""
CONFIG = Path(__file__).parents[1] / "pyproject.toml"


def modules(folder: Path) -> list[str]:
    """Paths of the modules to compile, relative to the folder."""
    found = sorted(one for pattern in HOT for one in folder.glob(pattern))
    return [str(one.relative_to(folder)) for one in found if one.name != "__init__.py"]


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Compile within the folder; ends with 1 where that fails."""
    config = str(CONFIG.resolve())
    os.chdir(folder)
    extensions = mypycify(["--config-file", config, "--cache-dir", os.devnull, *modules(Path.cwd())],
                          opt_level="3", debug_level="0")
    setup(name="processor", packages=[], py_modules=[], ext_modules=extensions,
          script_args=["--quiet", "build_ext", "--inplace", "--build-temp", "build/temp"])
    shutil.rmtree("build")


if __name__ == "__main__":
    main()
