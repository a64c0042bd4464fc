"""On what was measured: the machine and the versions of everything that takes part."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import confluent_kafka
import pycurl

from benchmarks import parallel
from testkit.kafka.jars import KAFKA_VERSION

PACKAGES = ("prompt-actions", "confluent-kafka", "fastavro", "orjson", "pycurl", "rocksdict")
PEERS = {".venv-quix": ("quixstreams",), ".venv-faust": ("faust-streaming", "aiokafka", "aiohttp")}


def machine() -> Mapping[str, str]:
    """For the head of the table."""
    return {
        "processor": _cpu(), "cores": str(os.cpu_count()), "memory": f"{_memory_gb():.0f} GB",
        "system": f"{platform.system()} {platform.release()}", "python": platform.python_version(),
    }


def versions(root: Path) -> Mapping[str, str]:
    """By name."""
    found = {name: version(name) for name in PACKAGES}
    found["librdkafka"] = confluent_kafka.libversion()[0]
    found["libcurl"] = pycurl.version_info()[1]
    found["kafka"] = KAFKA_VERSION
    found["nginx"] = _said("nginx", "-v").rpartition("/")[2]
    found["commit"] = _said("git", "-C", str(root), "rev-parse", "--short", "HEAD")
    found["requests"] = _installed("requests")
    for environment, names in PEERS.items():
        for name in names:
            command = f"import importlib.metadata as m; print(m.version({name!r}))"
            found[name] = _said(str(root / environment / "bin" / "python"), "-c", command)
    if built := parallel.versions():
        found |= {**built, "java": _said("java", "--version").partition("\n")[0]}
    return {name: one for name, one in found.items() if one}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return "" if done.returncode else (done.stdout or done.stderr).strip()


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
