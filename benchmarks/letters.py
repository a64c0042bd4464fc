"""A million dead letters through Kafka into the index: `python -m benchmarks.letters`; figures for docs/replay.md."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import click

from benchmarks.place import publisher, put
from processor.avro.codec import Codec
from processor.config.own import load_settings
from processor.dead_letters import Actor, Desk, Selection
from testkit.kafka.broker import open_broker
from testkit.kafka.fresh import FreshTopics
from testkit.letters import failed_binding, key_of, letter_of
from testkit.processor.site import Site

T = TypeVar("T")
CONNECTORS = {"stripe": ("apply_coupon", "unsubscribe_plan"), "zendesk": ("create_ticket",), "braze": ("track_event",)}
REASONS = {"rejected": ("resource_missing", "not_found"), "missing_attributes": ("missing_attributes",),
           "unavailable": ("503", "timeout"), "misconfigured": ("401",)}
FILTERS: dict[str, Selection] = {
    "none": Selection(),
    "open, one app": Selection(app="app3", states=("open",)),
    "one connector": Selection(connector="zendesk"),
    "one action": Selection(action="stripe.apply_coupon"),
    "one reason": Selection(reason="misconfigured"),
    "one code of one app": Selection(app="app1", code="timeout"),
    "one user": Selection(user="u4711"),
    "one event": Selection(event="e77777"),
    "text that few have": Selection(text="number 123456"),
    "text that nobody has": Selection(text="nowhere"),
    "an hour of a day": Selection(since=1_700_000_000_000, until=1_700_003_600_000),
    "a reason of an app since then": Selection(app="app2", reason="rejected", since=1_700_040_000_000),
}


def fill(site: Site, count: int) -> float:
    """Put so many letters on the topic; seconds."""
    codec, chance, begun = Codec(), random.Random(7), time.perf_counter()
    producer = publisher(site.servers)
    for number in range(count):
        connector, reason = chance.choice(list(CONNECTORS)), chance.choice(list(REASONS))
        failure = failed_binding(connector, chance.choice(CONNECTORS[connector]), reason=reason,
                                 code=chance.choice(REASONS[reason]), message=f"the vendor said no, number {number}")
        one = letter_of(f"e{number}", failure, app=f"app{number % 7}", user=f"u{number % 50_000}",
                        prompt=f"prompt{number % 100}", at=1_700_000_000_000 + number * 86)
        put(producer, site.topics["dead_letters"], key_of(one), codec.encode_dead_letter(one))
    producer.flush(120)
    return time.perf_counter() - begun


def timed(do: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    begun = time.perf_counter()
    found = do()
    return time.perf_counter() - begun, found


def memory() -> int:
    """The most that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def index() -> None:
    """In a process of its own, so that its memory is its own: follow the topic, then ask for pages."""
    with Desk(load_settings(os.environ, None), Codec(), Actor("bench", "here"), None) as desk:
        print(f"memory before: {memory()} MiB", flush=True)
        seconds, count = timed(desk.follow)
        disk = sum(one.stat().st_size for one in desk.index.path.parent.rglob("*") if one.is_file()) >> 20
        print(f"index: {count:,} records in {seconds:.0f} s, {count / seconds:,.0f}/s, {disk} MiB on disk, most memory"
              f" {memory()} MiB", flush=True)
        for name, wanted in FILTERS.items():
            seconds, page = timed(partial(desk.list, wanted, limit=50))
            counting, total = timed(partial(desk.index.count, wanted))
            print(f"  {name}: page of {len(page)} in {seconds * 1000:.0f} ms, counted {total:,} in"
                  f" {counting * 1000:.0f} ms", flush=True)
        print(f"  stats: {timed(lambda: desk.stats(Selection()))[0] * 1000:.0f} ms; nothing new:"
              f" {timed(desk.follow)[0] * 1000:.0f} ms; most memory {memory()} MiB")


@click.command(help=__doc__)
@click.option("--letters", default=1_000_000, show_default=True)
@click.option("--index", "only_index", is_flag=True, hidden=True)
def main(letters: int, only_index: bool) -> None:
    """Fill the topic, then index it."""
    if only_index:
        index()
        return
    with open_broker() as broker, tempfile.TemporaryDirectory() as folder:
        site = Site(FreshTopics(broker, f"letters-{uuid4().hex[:6]}"), Path(folder))
        print(f"made and published {letters:,} in {fill(site, letters):.0f} s", flush=True)
        subprocess.run([sys.executable, "-m", "benchmarks.letters", "--index"], check=True,
                       env=os.environ | site.environment("desk"))
        site.close()


if __name__ == "__main__":
    main()
