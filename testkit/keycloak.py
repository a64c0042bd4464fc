"""Keycloak, a provider of OpenID Connect that companies run: fetched with Maven, started on loopback for tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from testkit.kafka.jars import OLDEST_JAVA, cache_folder, java_version

VERSION = "26.7.3"
FETCH_SECONDS = 300.0
START_SECONDS = 180.0
REALM = "company"
_ENVIRON = {"JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m", "JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1"}


class NoKeycloak(Exception):
    """It cannot be had here; the message says why."""


@contextmanager
def running(realm: Mapping[str, Any]) -> Iterator[str]:
    """The issuer of the given realm, which must be called as REALM is, while the block lasts; raises NoKeycloak."""
    home, port = _home(), _free_port()
    _write(home / "data" / "import" / f"{REALM}-realm.json", json.dumps(realm))
    process = subprocess.Popen(  # noqa: S603 - fetched below
        ["/bin/bash", str(home / "bin" / "kc.sh"), "start", "--optimized", "--import-realm", "--http-enabled=true",
         "--http-host=127.0.0.1", f"--http-port={port}", "--hostname-strict=false"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **_ENVIRON}, start_new_session=True,
    )
    try:
        yield _ready(f"http://127.0.0.1:{port}/realms/{REALM}", process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it keeps nothing that would need an orderly end
        process.wait(timeout=10)


def _write(path: Path, text: str) -> None:
    """Whole or not at all: another run of tests may read it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


def _ready(issuer: str, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).status_code == 200:
                return issuer
        time.sleep(0.2)
    raise NoKeycloak(f"it did not answer within {START_SECONDS:g} s (exit code {process.poll()})")


def _home() -> Path:
    """The folder that it was made ready in before, else a new one."""
    _check_java()
    home = cache_folder() / f"keycloak-{VERSION}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as name:
            made = _fetch(Path(name))
            with suppress(OSError):  # another run of tests was quicker
                made.rename(home)
    return home


def _check_java() -> None:
    java = shutil.which("java")
    if java is None:
        raise NoKeycloak("`java` is not in PATH; on Debian: apt-get install openjdk-17-jre-headless")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = java_version(said.stderr + said.stdout)
    if found < OLDEST_JAVA:
        raise NoKeycloak(f"it needs Java {OLDEST_JAVA} or later, {java} is Java {found}")


def _fetch(work: Path) -> Path:
    """Unpack it and settle what it settles once, so that it starts in seconds."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise NoKeycloak("`mvn` is not in PATH to fetch it; on Debian: apt-get install maven")
    _run([mvn, "-q", "-B", "dependency:unpack", f"-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip",
          f"-DoutputDirectory={work}"], work)
    home = work / f"keycloak-{VERSION}"
    _run(["/bin/bash", str(home / "bin" / "kc.sh"), "build", "--db=dev-mem"], work)
    return home


def _run(command: list[str], work: Path) -> None:
    told = " ".join(command[:4])
    try:
        subprocess.run(command, cwd=work, check=True, capture_output=True, text=True,  # noqa: S603
                       timeout=FETCH_SECONDS, env={**os.environ, **_ENVIRON})
    except subprocess.CalledProcessError as error:
        last = (error.stdout + error.stderr).strip().splitlines()[-1:] or [""]
        raise NoKeycloak(f"{told} failed: {last[0]}") from None
    except subprocess.TimeoutExpired:
        raise NoKeycloak(f"{told} took more than {FETCH_SECONDS:g} s") from None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
