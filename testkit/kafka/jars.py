"""Apache Kafka's jars from Maven: fetched once, kept in the user's cache folder."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testkit.kafka.errors import NoKafka

KAFKA_VERSION = "4.1.0"
OLDEST_JAVA = 17
FETCH_SECONDS = 300.0

_POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>prompt-actions</groupId>
  <artifactId>local-kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


def cache_folder() -> Path:
    """Where jars are kept: `TESTKIT_CACHE`, or `prompt-actions` in the user's cache folder."""
    given = os.environ.get("TESTKIT_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "prompt-actions"


def java() -> str:
    """The Java that Kafka can run on; `NoKafka` with what to install where there is none."""
    found = shutil.which("java")
    if found is None:
        raise NoKafka(f"Apache Kafka needs Java {OLDEST_JAVA} or later and `java` was not found in PATH. "
                      "On Debian: apt-get install openjdk-17-jre-headless")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = java_version(said.stderr + said.stdout)
    if version < OLDEST_JAVA:
        raise NoKafka(f"Apache Kafka {KAFKA_VERSION} needs Java {OLDEST_JAVA} or later, {found} is Java {version}. "
                      "On Debian: apt-get install openjdk-17-jre-headless")
    return found


def java_version(said: str) -> int:
    """The major version in what `java -version` printed; 0 where none is found."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found.group(1)) if found else 0


def kafka_jars(version: str = KAFKA_VERSION) -> Path:
    """The folder that holds Kafka's jars, fetched with Maven when it is not there yet."""
    folder = cache_folder() / f"kafka-{version}"
    if not _complete(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent / f".kafka-{version}.lock"):
            if not _complete(folder):
                _fetch(folder, version)
    return folder


def _complete(folder: Path) -> bool:
    """Folders appear by a rename, so one that exists is whole."""
    return any(folder.glob("kafka_2.13-*.jar"))


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two test runs that start together fetch once."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path, version: str) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise NoKafka(f"Kafka's jars are not in {folder} and `mvn` was not found in PATH to fetch them. "
                      "On Debian: apt-get install maven")
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name)
        (work / "pom.xml").write_text(_POM.format(version=version))
        _run_maven(mvn, work)
        shutil.rmtree(folder, ignore_errors=True)
        (work / "libs").rename(folder)


def _run_maven(mvn: str, work: Path) -> None:
    command = [mvn, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={work / 'libs'}"]
    try:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True,  # noqa: S603
                              check=False, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise NoKafka(f"Maven did not fetch Kafka's jars within {FETCH_SECONDS:.0f} s; is the network there?") from None
    if done.returncode != 0 or not (work / "libs").is_dir():
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise NoKafka(f"Maven could not fetch Kafka's jars (exit code {done.returncode}):\n{last}")
