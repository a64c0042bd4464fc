"""One `prompt-actions run` as a process of its own: started, asked how it is, ended in every way there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import orjson
from prometheus_client.parser import text_string_to_metric_families

COMMAND = (sys.executable, "-c", "from processor.cli.main import main; main()", "run")
READY_SECONDS = 40.0
END_SECONDS = 60.0
LAST_LINES = 25
_OPENER = build_opener(ProxyHandler({}))


class ProcessorError(AssertionError):
    """The processor did not do what was waited for; the text holds its last log lines."""


class Probe(NamedTuple):
    """An answer of the processor's own port."""

    status: int
    text: str


class Processor:
    """A processor with these settings (its environment); its log goes to a file."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self.log = log
        self._from = 0
        self._process: subprocess.Popen[bytes] | None = None

    # from start to end

    def start(self, command: Sequence[str] = COMMAND) -> None:
        """Start it; returns at once. A log that is there already is gone on with."""
        self._from = self.log.stat().st_size if self.log.exists() else 0
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROMPT_ACTIONS_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.log.parent,
                env=environment | self._environment)

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._there().pid

    def terminate(self) -> None:
        """SIGTERM: drain and end."""
        self._there().terminate()

    def kill(self) -> None:
        """SIGKILL: no time for anything."""
        self._there().kill()
        self._there().wait()

    def halt(self) -> None:
        """SIGSTOP: it hangs, with all its connections."""
        self._there().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on as if nothing had happened."""
        self._there().send_signal(signal.SIGCONT)

    def wait(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end; the exit code."""
        try:
            return self._there().wait(seconds)
        except subprocess.TimeoutExpired:
            raise ProcessorError(f"has not ended within {seconds:g} s\n{self.last_words()}") from None

    def end(self, seconds: float = END_SECONDS) -> None:
        """Terminate, and see that it ended well."""
        self.terminate()
        code = self.wait(seconds)
        if code:
            raise ProcessorError(f"ended with exit code {code}\n{self.last_words()}")

    def close(self) -> None:
        """Whatever it does, it is gone afterwards."""
        if self.running:
            self.resume()
            self.kill()

    def _there(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ProcessorError("was never started")
        return self._process

    # how it is

    @property
    def port(self) -> int:
        """Where it serves metrics and health; 0 before it does."""
        return next((int(line["port"]) for line in self.lines() if line.get("event") == "starting"), 0)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when /ready says yes."""
        self.until(lambda: self.port != 0 and self.get("/ready").status == 200, seconds, "ready")

    def until(self, good: Callable[[], bool], seconds: float = 30.0, what: str = "what the test waits for") -> None:
        """Return when `good` is; raises where it is not in time, or where the process ends meanwhile."""
        end = time.monotonic() + seconds
        while not good():
            if not self.running:
                raise ProcessorError(f"ended while waited for: {what}\n{self.last_words()}")
            if time.monotonic() > end:
                raise ProcessorError(f"not within {seconds:g} s: {what}\n{self.last_words()}")
            time.sleep(0.05)

    def get(self, path: str) -> Probe:
        """Ask its port; status 0 where nothing answers."""
        try:
            with _OPENER.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return Probe(answer.status, answer.read().decode())
        except HTTPError as error:
            with error:
                return Probe(error.code, error.read().decode())
        except (URLError, OSError) as error:
            return Probe(0, str(error))

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels, 0 where nothing answers; `name` without our prefix."""
        full, answer = f"prompt_actions_{name}", self.get("/metrics")
        return sum(
            sample.value for family in text_string_to_metric_families(answer.text if answer.status else "")
            for sample in family.samples
            if sample.name == full and labels.items() <= sample.labels.items())

    # what it said

    def lines(self) -> list[dict[str, Any]]:
        """Log lines since its last start; what is no JSON stands under `text`."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(self._from)
            return [_line(one) for one in file.read().split(b"\n")[:-1] if one]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Log lines of one kind since its last start."""
        return [line for line in self.lines() if line.get("event") == event]

    def times(self, event: str) -> list[float]:
        """When a kind of line was logged, by wall time, in all its lives."""
        if not self.log.exists():
            return []
        lines = [_line(raw) for raw in self.log.read_bytes().split(b"\n") if event.encode() in raw]
        return [datetime.fromisoformat(one["time"]).timestamp() for one in lines if one.get("event") == event]

    def last_words(self) -> str:
        """The end of its log, for the text of a failure."""
        return "\n".join(str(line.get("text", line)) for line in self.lines()[-LAST_LINES:])


def _line(raw: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = None
    return value if isinstance(value, dict) else {"text": raw.decode(errors="replace")}
