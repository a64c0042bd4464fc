"""A copy of an event that has ended: known within its app's window, a new event behind it."""

from dataclasses import replace

import pytest

from processor.config.model import configuration_of
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration, event

HOUR = 3600.0


def harness(**windows):
    """An app for each keyword, with a window of so many hours."""
    apps = {}
    for name, hours in windows.items():
        made = configuration({"p": ["alpha.key"]}, app_id=name)
        apps[name] = replace(made.apps[name], duplicates_window=hours * HOUR)
    return Harness(configuration_of(apps))


def publish(process, app="app", at=None):
    process.world.publish(event("e1", time=process.clock.now, app_id=app), at or process.clock.now)
    process.feed()
    process.settle()


@pytest.mark.parametrize(("hours", "runs"), [(0.5, 1), (11.99, 1), (12.01, 2), (30, 2)])
def test_a_copy_within_the_window_runs_once_and_one_behind_it_again(hours, runs):
    process = harness(app=12)
    publish(process)
    process.advance(hours * HOUR)
    publish(process)
    assert len(process.outcomes("e1")) == runs
    assert process.metrics.duplicates.value() == 2 - runs


def test_each_app_has_a_window_of_its_own():
    process = harness(short=1, long=48)
    for app in ("short", "long"):
        publish(process, app)
    process.advance(24 * HOUR)
    for app in ("short", "long"):
        publish(process, app)
    assert len([one for one in process.world.results() if one.app_id == "short"]) == 2
    assert len([one for one in process.world.results() if one.app_id == "long"]) == 1


def test_a_copy_that_was_read_late_counts_from_when_it_came():
    process = harness(app=12)
    publish(process)
    came = process.clock.now + HOUR
    process.advance(40 * HOUR)
    publish(process, at=came)
    assert len(process.outcomes("e1")) == 1


def test_the_window_begins_anew_with_a_copy_that_ran():
    process = harness(app=12)
    publish(process)
    process.advance(13 * HOUR)
    publish(process)
    process.advance(11 * HOUR)
    after = process.crash()
    publish(after)
    assert len(after.outcomes("e1")) == 2
