"""The command, run inside the test; and a broker inside the test process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from processor.cli.main import main
from testkit.kafka.mock import MockKafka


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs `prompt-actions` in an empty folder, with `environ` as its whole environment of settings."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, input: str | None = None, **environ: str) -> Ran:
        result = CliRunner().invoke(main, list(arguments), input=input, env=environ)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return command


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Addresses of a broker."""
    with MockKafka() as mock:
        yield mock.bootstrap_servers
