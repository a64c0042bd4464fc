"""Runs `prompt-actions` at a terminal of its own, with somebody at the keys: answers, Ctrl-C."""

from __future__ import annotations

import codecs
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from testkit.incident.screen import Screen

COLUMNS, ROWS = 118, 60
SECONDS = 300.0
CTRL_C = "\x03"
COMMAND = (sys.executable, "-c", "import os; os.login_tty(0); from processor.cli.main import main; main()")
"""The terminal becomes the command's own, so that a Ctrl-C there is a SIGINT, as everywhere."""
LOOKS: Mapping[str, str] = {"TERM": "xterm", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "COLUMNS": str(COLUMNS),
                            "LINES": str(ROWS)}
"""Its size too, since whoever runs tests side by side may say another one in the environment."""


class Keys(NamedTuple):
    """What is typed once the screen shows what was waited for."""

    when: Callable[[str], bool]
    keys: str


class Shown(NamedTuple):
    """What a command left on the screen, and its exit code."""

    screen: str
    code: int


class Terminal:
    """A terminal in a folder, with an environment."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PROMPT_ACTIONS_")}
        self._environment = {**own, **environment, **LOOKS}
        self._folder = folder

    def run(self, arguments: Sequence[str], keys: Sequence[Keys] = ()) -> Shown:
        """Run `prompt-actions ARGUMENTS` to its end."""
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (ROWS, COLUMNS))
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*COMMAND, *arguments], stdin=slave, stdout=slave, stderr=slave, env=self._environment, cwd=self._folder)
        os.close(slave)
        try:
            screen = _watch(master, list(keys))
            return Shown(screen, process.wait(SECONDS))
        finally:
            process.kill()
            process.wait()
            os.close(master)


def _watch(master: int, keys: list[Keys]) -> str:
    """Read until the other end is closed, typing what is due; what the screen shows then."""
    screen, decode = Screen(), codecs.getincrementaldecoder("utf-8")("replace").decode
    for part in _parts(master, screen):
        screen.feed(decode(part))
        if keys and keys[0].when(screen.text):
            os.write(master, keys.pop(0).keys.encode())
    if keys:
        raise AssertionError(f"the command ended before all was typed:\n{screen.text}")
    return screen.text


def _parts(master: int, screen: Screen) -> Iterator[bytes]:
    end = time.monotonic() + SECONDS
    with suppress(OSError):  # EIO: the command has ended
        while select.select([master], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(master, 65536)
            if not part:
                return
            yield part
        raise AssertionError(f"nothing more within {SECONDS:g} s:\n{screen.text}")
