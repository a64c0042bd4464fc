"""Parallel Consumer, a Java library, as a candidate: how it is run, and why it cannot be where it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "parallel_consumer"
FLAGS = ("-Xmx512m", "-XX:+UseParallelGC")
"""What showed to be best here: G1 costs it a fifth more CPU and half as much memory again."""
PARALLEL, PARALLEL_CORE = "Parallel Consumer", "Parallel Consumer, core, 16 threads"
VERTX, CORE = ("vertx", 1000), ("core", 16)
"""Its client, and how much it may do at once: what suits it best, and what its authors measured, its default."""


def command(how: tuple[str, int]) -> list[str]:
    """The program that reads its task from the environment."""
    client, concurrency = how
    return ["java", *FLAGS, "-cp", f"{BUILT / 'classes'}:{BUILT / 'libs'}/*", "bench.ParallelConsumer",
            client, str(ROOT / "schemas" / "avro"), str(concurrency)]


def not_built() -> str:
    """`make bench` builds it; where that cannot be done, it is left out."""
    if not (BUILT / ".set-up").exists():
        return "could not be built, which needs Maven and a JDK of 17 or later (see build/parallel_consumer.log)"
    return "" if shutil.which("java") else "no java in PATH"
