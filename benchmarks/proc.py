"""What Linux says of processes: their CPU, that of librdkafka's threads in them, their memory, what else was busy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
LIBRDKAFKA = "rdk:"
"""How the names of librdkafka's threads begin: those that talk to brokers, and the one that leads them."""


class Memory(NamedTuple):
    """Of a process, now, in MB."""

    resident: float
    own: float
    """Of it what belongs to no file: neither code nor what the store has mapped."""


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def librdkafka_seconds(pid: int) -> float:
    """Of it what librdkafka's threads took; a thread that has ended is not counted any more."""
    with suppress(OSError):
        return sum(map(_thread_seconds, Path(f"/proc/{pid}/task").iterdir()))
    return 0.0


def _thread_seconds(thread: Path) -> float:
    with suppress(OSError):  # it may end at any moment
        if (thread / "comm").read_text().startswith(LIBRDKAFKA):
            return int((thread / "schedstat").read_text().split()[0]) / 1e9
    return 0.0


def machine_seconds() -> float:
    """Busy time of all cores."""
    fields = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def peak_rss_mb(pid: int) -> float:
    """The most memory that a process ever had."""
    return _status(pid, "VmHWM")


def memory(pid: int) -> Memory:
    """The memory that a process has now."""
    return Memory(_status(pid, "VmRSS"), _status(pid, "RssAnon"))


def _status(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0.0)


def bytes_of(files: Iterable[Path]) -> int:
    """Of files that may just be going."""
    total = 0
    for one in files:
        with suppress(OSError):
            total += one.stat().st_size
    return total
