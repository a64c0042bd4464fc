"""Parallel Consumer, a Java library, as a candidate: how it is run, and why it cannot be where it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "parallel_consumer"
FLAGS = ("-Xmx512m", "-XX:+UseParallelGC")
"""What showed to be best here: G1 with 1 GB costs it a fifth more CPU and half as much memory again."""
PARALLEL, PARALLEL_CORE = "Parallel Consumer", "Parallel Consumer, core, 16 threads"


def command(*, client: str = "vertx", concurrency: int = 2000, linger_ms: int = 5) -> list[str]:
    """The program that reads its task from the environment.

    The defaults are what showed to be best for many keys: more is taken on than there are connections, since what
    waits for the broker's word on its result counts too. With few keys each event waits for that word on the one
    before it, so nothing may linger.
    """
    return ["java", *FLAGS, "-cp", f"{BUILT / 'classes'}:{BUILT / 'libs'}/*", "bench.ParallelConsumer",
            client, str(ROOT / "schemas" / "avro"), str(concurrency), str(linger_ms)]


def versions() -> dict[str, str]:
    """Of the libraries that were built with."""
    jars = sorted(one.stem for one in (BUILT / "libs").glob("*.jar"))
    return {name: jar.removeprefix(f"{name}-") for name in ("parallel-consumer-core", "vertx-core", "kafka-clients")
            for jar in jars if jar.startswith(f"{name}-")}


def not_built() -> str:
    """`make bench` builds it; where that cannot be done, it is left out."""
    if not (BUILT / ".set-up").exists():
        return "could not be built, which needs Maven and a JDK of 17 or later (see build/parallel_consumer.log)"
    return "" if shutil.which("java") else "no java in PATH"
