"""A trial of zombies: a process stands still at a point until another one has done all its work, then goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from testkit.crash import in_hand
from testkit.crash.point import Point
from testkit.crash.steps import CLIENTS
from testkit.crash.trial import EVENTS, Trial, command
from testkit.kafka.broker import Broker
from testkit.processor import expected
from testkit.processor.process import Processor
from testkit.processor.site import PARTITIONS

AWAKE_SECONDS = 1.5
"""How long a woken zombie is watched; it learns of its loss within a heartbeat."""
LEFT = ("Loop.stop", "Loop.drain", "Source.forget", "Events.leave", "Checkpoints.left", "Source.stop", "Committer.stop",
        "Transport.close", "Consumer.close", "Restore.close", "Folder.close", "Folder.close_all", "Store.close",
        "Exporter.flush")
"""Steps of an orderly end, to which a process comes only when it is told to end."""


def halted(process: Processor) -> bool:
    """Whether the kernel says that the process stands still."""
    try:
        state = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "T"


class ZombieTrial(Trial):
    """As a trial, but that nobody is killed before its heir has done everything.

    A call of the zombie counts where the vendor got it after SIGCONT. What had been handed to the kernel before came
    to the vendor at once, seconds before SIGCONT, since the heir has to wait for the zombie's session to end. Where a
    thread beside the loop stops the process, the one call that libcurl was writing at that moment is no error.
    """

    _noted: Path

    def halt_at(self, point: Point) -> None:
        """One zombie, and its heir."""
        self.publish(EVENTS // 2)
        zombie = self.processor()
        self._noted = self._folder / f"in-hand-{self._life}"
        zombie.start(command(point, stop=True, noting=self._noted))
        self.wait(lambda: halted(zombie) or not zombie.running or bool(zombie.said("partition_ready")))
        self.await_letter(point, lambda: halted(zombie) or not zombie.running)
        self.publish(EVENTS - EVENTS // 2)
        self.beside.configure()
        if not self._comes_to(point, zombie):
            self.wrong.append(f"{point} was never come to\n{zombie.last_words()}")
            zombie.close()
            return
        self.befell(self._life)
        self.note_end()
        heir = self.processor("heir")
        heir.start()
        try:
            self._inherit(point, zombie, heir)
        except AssertionError as error:
            self.wrong.append(f"{point}: {error}")
            zombie.close()
            heir.close()
        self.note_end()

    def _comes_to(self, point: Point, zombie: Processor) -> bool:
        """Whether it stands still, while it works or, where the point lies there, while it ends."""
        self.wait(lambda: not zombie.running or halted(zombie) or self.all_in())
        if not halted(zombie) and point.step in LEFT:
            zombie.terminate()
        return self.wait(lambda: not zombie.running or halted(zombie), 10) and halted(zombie)

    def _inherit(self, point: Point, zombie: Processor, heir: Processor) -> None:
        heir.until(lambda: len(heir.said("partition_ready")) >= PARTITIONS, 40, "the heir has all partitions")
        heir.until(self.all_in, 60, "the heir does everything")
        heir.until(lambda: heir.metric("books_events_in_flight") == 0, 10, "nothing is in flight")
        taken, woken = len(self.results.now(0.2)), time.time()
        zombie.resume()
        end = time.monotonic() + AWAKE_SECONDS
        while zombie.running and time.monotonic() < end:
            time.sleep(0.05)
        self._judge_zombie(point, zombie, woken, taken)
        for one in (zombie, heir):
            if one.running:
                one.terminate()
        for one in (zombie, heir):
            if one.wait() not in (0, -signal.SIGTERM):  # before it handles signals, TERM ends it as it ends anybody
                raise AssertionError(f"ended with {one.wait()}\n{one.last_words()}")

    def _judge_zombie(self, point: Point, zombie: Processor, woken: float, taken: int) -> None:
        name = f"life-{self._life - 1}"
        late = [one for vendor in sorted(set(expected.VENDOR.values()))
                for one in self.vendors.requests(vendor, limit=200_000)
                if one.headers.get("user-agent") == name and one.time > woken]
        if len(late) == 1 and point.step.partition(".")[0] in CLIENTS:
            late = [one for one in late if not in_hand.noted(self._noted).endswith(f"/{one.vendor}{one.path}")]
        self.wrong += [f"{point}: the zombie called {one.vendor} {one.method} {one.path}, {one.time - woken:.3f} s "
                       "after it was woken" for one in late]
        more = len(self.results.now(0.2)) - taken
        if more:
            self.wrong.append(f"{point}: {more} results came when the zombie was awake\n{zombie.last_words()}")


def run(broker: Broker, folder: Path, seed: int, points: Sequence[Point]) -> Trial:
    """A trial with a zombie at each of these points, one after the other."""
    with ZombieTrial(broker, folder, seed, len(points)) as trial:
        for point in points:
            trial.halt_at(point)
        trial.finish()
    return trial
