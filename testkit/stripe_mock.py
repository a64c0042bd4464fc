"""Stripe's own mock server, built from its Go module: it holds requests against Stripe's published specification."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.kafka.jars import cache_folder

MODULE = "github.com/stripe/stripe-mock"
VERSION = "v0.203.0"
"""It knows API 2026-08-26, the release before the one that our requests name."""
BUILD_SECONDS = 300.0
START_SECONDS = 20.0


class NoStripeMock(Exception):
    """It cannot be had here; the message says why."""


@contextmanager
def running() -> Iterator[str]:
    """The server's address while the block lasts; raises NoStripeMock."""
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - built below, or the developer's own
        [str(_program()), "-http-addr", f"127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _program() -> Path:
    """The one in PATH, else the one that was built before, else a new one."""
    found = shutil.which("stripe-mock")
    if found:
        return Path(found)
    place = cache_folder() / f"stripe-mock-{VERSION}"
    program = place / "stripe-mock"
    if not program.is_file():
        _build(place)
    return program


def _build(place: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoStripeMock("neither stripe-mock nor go is in PATH; on Debian: apt-get install golang")
    try:
        subprocess.run([go, "install", f"{MODULE}@{VERSION}"], check=True, capture_output=True, text=True,  # noqa: S603
                       timeout=BUILD_SECONDS, env={**os.environ, "GOBIN": str(place)})
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:] or [""]
        raise NoStripeMock(f"go install {MODULE}@{VERSION} failed: {last[0]}") from None
    except subprocess.TimeoutExpired:
        raise NoStripeMock(f"go install {MODULE}@{VERSION} took more than {BUILD_SECONDS:g} s") from None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NoStripeMock(f"it did not listen within {START_SECONDS:g} s (exit code {process.poll()})")
