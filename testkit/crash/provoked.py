"""Steps to which a process comes only when something befalls it, and what makes it come there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from testkit.processor.process import Processor

if TYPE_CHECKING:
    from testkit.crash.trial import Trial

STALL = 1.6
"""Seconds of standing still: longer than a third of a trial's session, and shorter than the whole."""
CUT_AFTER = 0.5


def joined(trial: Trial, process: Processor) -> None:
    """Another process comes and takes its share of the partitions; it ends with the life."""
    guest = trial.processor("guest")
    guest.start()
    trial.wait(lambda: not process.running or bool(guest.said("partition_ready")))
    trial.publish(0)
    trial.wait(lambda: not process.running or trial.all_in(), 10)
    trial.leaves(guest)


def stalled(trial: Trial, process: Processor) -> None:
    """It stands still, goes on, and must prove that its partitions are still its own."""
    trial.publish(0)
    process.halt()
    time.sleep(STALL)
    process.resume()


def cut(trial: Trial, process: Processor) -> None:
    """It is told to end twice while calls are out."""
    slow = trial.vendors.fault("delay", vendor="custom_api", delay=4.0)
    trial.publish(0)
    trial.wait(lambda: not process.running or _struck(trial, slow), 10)
    process.terminate()
    time.sleep(CUT_AFTER)
    if process.running:
        process.terminate()
    trial.wait(lambda: not process.running)
    trial.vendors.clear(slow)


def _struck(trial: Trial, number: int) -> bool:
    """Whether a fault has met a call: other faults that are in force may meet the first ones."""
    return any(one["number"] == number and one["hits"] > 0 for one in trial.vendors.faults())


PROVOKED: Mapping[str, Callable[[Trial, Processor], None]] = {
    "Consumer.incremental_unassign": joined, "Source.fresh_metadata": joined, "Producer.abort_transaction": joined,
    "Sender.release": stalled, "Sender.cut": cut, "Transport.cancel": cut,
}
