"""Processes of a group share a vendor's rate limit, without another server between them."""

import time
from collections import Counter

import pytest

from testkit.processor import apps

RATE = 20
EVENTS = 300


@pytest.fixture
def sharing(site, topics, vendors):
    """The site with the topic of demands, and an app whose vendor takes 20 calls a second."""
    files = apps.one_app(vendors.url)
    files["alpha/connectors"]["custom_api"]["limits"] = {"rate": RATE, "concurrency": 50, "timeout": "5s"}
    site.configure(files)
    config = {"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
    name = topics("demand", partitions=1, config=config)
    return lambda instance: site.started(instance, topics__demand=name)


def test_two_processes_stay_within_a_limit_together_and_both_make_progress(site, sharing, vendors):
    first, second = sharing("first"), sharing("second")
    now = int(time.time() * 1000)
    site.publish(*(apps.event(number, f"user{number}", time=now) for number in range(EVENTS)))
    with site.results() as results:
        results.at_least(EVENTS, 60)
    shares = [one.metric("outcomes_total", outcome="succeeded") for one in (first, second)]
    first.end()
    second.end()
    assert sum(shares) == EVENTS
    assert min(shares) > EVENTS / 10
    times = sorted(one.time for one in vendors.requests("custom_api", limit=10_000))
    assert len(times) == EVENTS
    # While each learns of the other, a floor of both may come on top; afterwards the limit holds in every second.
    settled = [one for one in times if one > times[0] + 3]
    seconds = Counter(int(one - settled[0]) for one in settled)
    assert max(seconds.values()) <= RATE * 1.25, seconds
    assert len(settled) / (settled[-1] - settled[0]) <= RATE * 1.05
    assert EVENTS / (times[-1] - times[0]) > RATE * 0.6
