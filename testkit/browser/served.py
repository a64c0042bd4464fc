"""`prompt-actions console` as a process of its own, and what is done beside it on the command line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import requests

from testkit.processor.process import COMMAND, Processor, ProcessorError

SAYS = re.compile(r"The console: (http://\S+)")
START_SECONDS = 60.0
COMMAND_SECONDS = 60.0


class ServedConsole:
    """The console with these settings (its environment); its log goes to a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._process = Processor(environment, log)
        self.log = log

    def member(self, email: str, password: str, role: str, app: str = "*") -> None:
        """Make a member, as the first one is made: on the command line."""
        asked = (*COMMAND[:-1], "console", "user", "add", "--email", email, "--role", role, "--app", app)
        done = subprocess.run(  # noqa: S603 - our own command
            asked, input=f"{password}\n", env={**os.environ, **self._environment}, cwd=self.log.parent, text=True,
            capture_output=True, check=False, timeout=COMMAND_SECONDS)
        if done.returncode:
            raise ProcessorError(done.stderr)

    def start(self) -> str:
        """Start it; its address, once it answers."""
        self._process.start((*COMMAND[:-1], "console", "--port", "0"))
        self._process.until(self._answers, START_SECONDS, "the console answers")
        return self.address

    @property
    def address(self) -> str:
        """Where it says that it is; "" before."""
        found = SAYS.search(self.log.read_text()) if self.log.exists() else None
        return found[1] if found else ""

    def _answers(self) -> bool:
        try:
            return bool(self.address) and requests.get(f"{self.address}/healthy", timeout=5).ok
        except requests.RequestException:
            return False

    def close(self) -> None:
        """Whatever it does, it is gone afterwards."""
        self._process.close()
