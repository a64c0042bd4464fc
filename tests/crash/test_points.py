"""Wherever a process ends or stands still, nothing is lost, nothing is done again silently, and outcomes are one each.

`make crash` tries all points; here stand those around which most becomes durable.
"""

import subprocess
import sys

import pytest

from testkit.crash import rounds, steps
from testkit.crash.point import Point, install


def wrong(findings):
    return "\n".join(str(one) for one in findings if one.wrong)


def test_every_step_is_listed_with_a_point_or_with_the_reason_why_it_needs_none():
    """Whoever adds a public method to a port or to a part of the engine decides about it here."""
    assert not steps.unlisted(), "add it to ENDED_AT, or to NEED_NONE with the reason, in testkit/crash/steps.py"
    assert not steps.stale(), "it is no more: remove it from testkit/crash/steps.py"
    assert steps.ENDED_AT.keys() & steps.NEED_NONE.keys() == set()
    assert set(rounds.TELLING) <= steps.ENDED_AT.keys()


def test_a_step_that_nobody_listed_is_told(monkeypatch):
    """The list is derived from the code: it must notice."""
    from processor.engine.runner import Runner

    monkeypatch.setattr(Runner, "brand_new", lambda _self: None, raising=False)
    assert "Runner.brand_new" in steps.unlisted()
    monkeypatch.delattr(Runner, "give_up")
    assert "Runner.give_up" in steps.stale()


@pytest.mark.parametrize(("side", "done"), [("before", [1]), ("after", [1, 2])])
def test_a_point_lies_before_or_after_its_call(monkeypatch, side, done):
    from processor.engine.runner import Runner

    class Ended(BaseException):
        pass

    def end():
        raise Ended

    seen = []
    monkeypatch.setattr(Runner, "resend", lambda _self, chain: seen.append(chain))
    install(Point("Runner.resend", 2, side), end)
    runner = Runner.__new__(Runner)
    runner.resend(1)
    with pytest.raises(Ended):
        runner.resend(2)
    assert seen == done


def test_a_point_is_read_as_it_is_written():
    assert str(Point.read("Producer.produce:40:after")) == "Producer.produce:40:after"
    with pytest.raises(ValueError, match="is no point"):
        Point.read("Nobody.knows:1:before")


def test_a_process_that_comes_to_its_point_is_killed():
    """The command line does what the trials rest on; without a broker it comes no further than to the clients."""
    code = ("import os\n"
            "from testkit.crash.point import Point, install, killed\n"
            "install(Point.read('Folder.close_all:1:before'), killed)\n"
            "from processor.state.folder import StateFolder\n"
            "StateFolder.__new__(StateFolder).close_all()\n")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9


def test_a_kill_around_what_becomes_durable_loses_and_repeats_nothing(real_broker, tmp_path):
    wanted = rounds.points(rounds.TELLING)
    in_turn = [one for number, one in enumerate(wanted) if number % 4 in (0, 3)]  # before the one, after the next
    found = rounds.run(real_broker, tmp_path, in_turn, seed=1)
    assert not wrong(found), wrong(found)


def test_a_process_that_stood_still_calls_and_commits_nothing_of_what_others_own(real_broker, tmp_path):
    places = ("Transport.start", "Sender.send", "Producer.commit_transaction", "Runner.answered")
    found = rounds.run(real_broker, tmp_path, rounds.points(places, ("before",)), seed=2, stop=True)
    assert not wrong(found), wrong(found)
