"""Ten times the events, the same memory: a real process over real Kafka."""

import time
from pathlib import Path

import pytest

from testkit.processor import apps
from testkit.processor.apps import call, event, one_app

pytestmark = [pytest.mark.broker, pytest.mark.trouble]

FEW, MANY = 20_000, 200_000
USERS = 5_000
CHUNK = 2_000
AHEAD = 10_000
"""Events that are published before those before them have ended."""
MEBIBYTE = 1 << 20
MARGIN = 24 * MEBIBYTE
"""What allocators keep, and what RocksDB has not given back yet."""


def resident(processor):
    """Resident mebibytes now, without the pages of mapped files that the kernel may drop at any time."""
    status = Path(f"/proc/{processor.pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


@pytest.fixture
def running(site, vendors):
    """One event in five calls a vendor, the others instruct the app: as many as this then take minutes."""
    files = one_app(vendors.url)
    files["alpha/connectors"]["apple_app_store"] = apps.apple(vendors.url)
    instruct = {"action": "apple_app_store.request_purchase", "params": {"product_id": "premium"}}
    files["alpha/prompts"] = {"offer": {"accept": [call()], "dismiss": [instruct]}}
    site.configure(files)
    for first in range(0, USERS, 1000):
        site.sync("alpha", {f"u{number}": {"email_address": f"u{number}@example.com", "plan": "premium"}
                            for number in range(first, first + 1000)})
    return site.started()


def push(site, processor, first, last):
    """Publish events, never far ahead of the processor; returns the largest resident size meanwhile."""
    most = 0.0
    for number in range(first, last, CHUNK):
        now = int(time.time() * 1000)
        site.publish(*(event(one, f"u{one % USERS}", "offer", "accept" if one % 5 == 0 else "dismiss", time=now)
                       for one in range(number, number + CHUNK)))
        ended = number + CHUNK - AHEAD if number + CHUNK < last else last
        processor.until(lambda wanted=ended: processor.metric("books_events_finished") >= wanted, 120, f"{ended} ended")
        most = max(most, resident(processor))
    return most


def test_ten_times_the_events_take_no_more_memory(site, vendors, running, record_property):
    push(site, running, 0, FEW)
    few = resident(running)
    began = time.monotonic()
    most = push(site, running, FEW, MANY)
    many = resident(running)
    told = (f"after {FEW:,} events {few:.0f} MiB, after {MANY:,} {many:.0f} MiB, at most {most:.0f} MiB; "
            f"{(MANY - FEW) / (time.monotonic() - began):.0f} events/s")
    print(told)  # noqa: T201
    record_property("memory", told)
    assert many < few + MARGIN / MEBIBYTE
    assert most < few + 2 * MARGIN / MEBIBYTE
    assert running.metric("books_events_finished") == MANY
