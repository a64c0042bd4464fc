"""Who is measured: each candidate as processes that are started with a task and ended by SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import parallel
from benchmarks.parallel import PARALLEL
from benchmarks.place import Place
from benchmarks.task import Task
from benchmarks.workload import APP, PARTITIONS, PROMPT, USERS
from testkit.processor.site import Site

ROOT = Path(__file__).parent.parent
COMPILED = ROOT / "build" / "compiled"
PEERS = Path(__file__).parent / "peers"


class Running:
    """The processes of one candidate in one run."""

    def __init__(self, processes: list[Any], group: str, results: str, close: Callable[[], None]) -> None:
        self._processes = processes
        self.group = group
        self.results = results
        self._close = close

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        return [one.pid for one in self._processes]

    def end(self) -> None:
        """SIGTERM, and whatever is needed after that."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for one in self._processes:
            try:
                one.wait(60)
            except Exception:  # noqa: BLE001 - whatever it is, it must not stay
                os.kill(one.pid, signal.SIGKILL)
                one.wait(10)
        self._close()


class Wanted(NamedTuple):
    """What a case asks of a candidate."""

    vendor: str
    interactions: str
    in_flight: int
    steps: int = 1
    items: int = 1
    pull: str = ""
    """Of a second connector, the vendor; "" for none."""
    users: int = USERS
    partitions: int = PARTITIONS


class Candidate(NamedTuple):
    """One row of the tables."""

    name: str
    start: Callable[[Place, Wanted], Running]
    share: float
    """Of a case's events that it gets; the slow ones would take hours otherwise."""
    why_not: Callable[[], str] = lambda: ""
    """Why it cannot run here; "" where it can."""
    processes: int = 1


# the processor


def processor(processes: int = 1, *, action: str = "send", compiled: bool = True,
              **settings: Any) -> Callable[[Place, Wanted], Running]:
    """`prompt-actions run` as it is shipped: in the image, the hot path is compiled."""

    def start(place: Place, wanted: Wanted) -> Running:
        site = site_of(place, wanted, action=action, compiled=compiled, topics__interactions=wanted.interactions,
                       topics__attributes=place.attributes(wanted.users, wanted.partitions), **settings)
        made = [site.processor(f"p{number}") for number in range(processes)]
        for one in made:
            one.start()
        return Running(made, site.group, site.topics["results"], site.close)

    return start


def site_of(place: Place, wanted: Wanted, *, action: str = "send", compiled: bool = True, **settings: Any) -> Site:
    """Topics, folder and configuration of processors that are not started yet."""
    topics = place.topics()
    folder = place.folder / topics.prefix
    folder.mkdir()
    site = Site(topics, folder, partitions=wanted.partitions, log__success_sample=0.01,
                environ=_python_path(place.plugin, compiled=compiled), **settings)
    site.configure(configuration(place, wanted, action))
    return site


def _python_path(plugin: Path, *, compiled: bool) -> Mapping[str, str]:
    if not compiled:
        return {"PYTHONPATH": str(plugin)}
    return {"PYTHONPATH": f"{plugin}:{COMPILED}", "PYTHONSAFEPATH": "1"}


def not_compiled() -> str:
    """`make compiled` compiles the hot path; what was not is never measured under its name."""
    return "" if (COMPILED / ".compiled").exists() else "not compiled: make compiled, which needs a C compiler"


def configuration(place: Place, wanted: Wanted, action: str = "send") -> Mapping[str, Any]:
    """The app's files; `action` is what the prompt's binding does."""
    urls = place.vendors.urls
    limits = {"concurrency": wanted.in_flight}
    bench: dict[str, Any] = {"settings": {"url": urls[wanted.vendor]}, "limits": limits}
    if wanted.items > 1:
        bench["exports"] = {"export": {}}
    made: dict[str, Any] = {"bench": bench}
    binding = {"action": f"bench.{action}"}
    prompts: dict[str, Any] = {PROMPT: {"accept": [binding] * wanted.steps}} if wanted.items == 1 else {}
    if wanted.pull:
        made["bench_down"] = {"settings": {"url": urls[wanted.pull]}, "limits": limits}
        prompts["down"] = {"accept": [{"action": "bench_down.send"}]}
    return {f"{APP}/app": {"title": "Bench"}, f"{APP}/connectors": made, f"{APP}/prompts": prompts}


# everybody else


def script(command: list[str], processes: int = 1) -> Callable[[Place, Wanted], Running]:
    """A program that reads its task from the environment."""

    def start(place: Place, wanted: Wanted) -> Running:
        topics = place.topics()
        results = topics("results", partitions=wanted.partitions)
        attributes = place.attributes(wanted.users, wanted.partitions)
        task = Task(place.servers, topics.prefix, wanted.interactions, attributes, results,
                    place.vendors.urls[wanted.vendor], wanted.in_flight, wanted.steps, wanted.items, wanted.users)
        folder = place.folder / topics.prefix
        folder.mkdir()
        log = (folder / "log").open("ab")
        environment = os.environ | task.environment() | {"PYTHONPATH": str(ROOT), "BENCH_FOLDER": str(folder)}
        made = [subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
                for _ in range(processes)]
        return Running(made, task.group, results, log.close)

    return start


def _python(environment: str) -> str:
    return str(ROOT / environment / "bin" / "python")


def _lacks(environment: str) -> Callable[[], str]:
    """`make bench` makes the environments of the peers; where it cannot, they are left out."""
    return lambda: "" if Path(_python(environment)).exists() else f"{environment} could not be made (see its log)"


CEILING, EXACTLY, AT_LEAST = "ceiling", "processor, exactly_once", "processor, at_least_once"
INTERPRETED = "processor, exactly_once, interpreted"
MARKED = "processor, exactly_once, calls that must not be repeated"
CEILING_2, EXACTLY_2 = "ceiling, 2 processes", "processor, exactly_once, 2 processes"
THREADS, QUIX, FAUST = "requests in 64 threads", "Quix Streams", "Faust with aiohttp"

LONG = 3.75
"""Times a case's events for two processes, which have to be at work together for a while; and for a JIT to be warm."""
_CEILING = [sys.executable, "-m", "benchmarks.ceiling"]
CANDIDATES: Mapping[str, Candidate] = {one.name: one for one in (
    Candidate(CEILING, script(_CEILING), 1.0),
    Candidate(EXACTLY, processor(), 1.0, not_compiled),
    Candidate(INTERPRETED, processor(compiled=False), 1.0),
    Candidate(AT_LEAST, processor(delivery="at_least_once"), 1.0, not_compiled),
    Candidate(MARKED, processor(action="once"), 0.5, not_compiled),
    Candidate(CEILING_2, script(_CEILING, 2), LONG, processes=2),
    Candidate(EXACTLY_2, processor(2), LONG, not_compiled, 2),
    Candidate(THREADS, script([sys.executable, str(PEERS / "threads.py")]), 0.06),
    Candidate(QUIX, script([_python(".venv-quix"), str(PEERS / "quix.py")]), 0.06, _lacks(".venv-quix")),
    Candidate(FAUST, script([_python(".venv-faust"), str(PEERS / "faust_agent.py"), "worker", "-l", "warn",
                             "--without-web"]), 0.06, _lacks(".venv-faust")),
    Candidate(PARALLEL, script(parallel.command()), LONG, parallel.not_built),
)}
