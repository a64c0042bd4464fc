"""Replays letters: planned first, then asked of their users' owners at a rate, stopped and gone on with at will."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from processor.audit.record import Actor
from processor.avro.codec import Codec
from processor.config.model import Configuration
from processor.dead_letters.audit import of_letter, of_run
from processor.dead_letters.following import Follower
from processor.dead_letters.index import Index, letter_id
from processor.dead_letters.judging import Judge, Options, Verdict
from processor.dead_letters.publishing import Publisher
from processor.dead_letters.runs import Item, Plan, Run, Runs, Sum
from processor.dead_letters.selection import Selection
from processor.model.dead_letter import DeadLetter
from processor.model.letter_headers import PREFIX, own_headers
from processor.model.outcome import Receipt
from processor.model.replay import Replay, replay_of
from processor.settings import TopicSettings

BATCH = 1000
MOST_AT_ONCE = 100
LOOK_EVERY = 1.0
LOOKED = 100
"""Letters of a plan between two words about its progress."""
Progress = Callable[[Counter[str]], None]
Stop = Callable[[], bool]


def _unseen(_looked_at: int) -> None:
    """Progress of a plan that nobody looks at."""


class Replayer:
    """Plans and makes runs of replays."""

    def __init__(
        self, index: Index, follower: Follower, codec: Codec, configuration: Configuration, topics: TopicSettings,
    ) -> None:
        self.runs = Runs(index)
        self._index = index
        self._follower = follower
        self._codec = codec
        self._configuration = configuration
        self._topics = topics

    # planning

    def plan(
        self, run: str, selection: Selection, options: Options, by: str, rate: float, edited: bytes | None = None,
        progress: Callable[[int], None] = _unseen,
    ) -> Plan:
        """What would happen; the run is kept under its id until it is made or forgotten."""
        self.runs.begin(run, selection, options, by)
        judge, total = self._judge(options), Sum()
        batch: list[Item] = []
        for number, (key, letter) in enumerate(self._oldest_first(selection)):
            verdict = judge.judge(letter, time.time())
            if edited is not None and letter.state == "open":
                verdict = Verdict("", again=True)
            if total.add(letter.app_id, verdict):
                batch.append(Item(number, key, letter.replays + 1, edited))
            if number % LOOKED == 0:
                progress(number)
            if len(batch) >= BATCH:
                self.runs.add(run, batch)
                batch.clear()
        self.runs.add(run, batch)
        return total.plan(run, self._seconds(total, rate))

    def _oldest_first(self, selection: Selection) -> Iterator[tuple[bytes, DeadLetter]]:
        """Letters in the order in which they failed: what waits longest goes first."""
        for key in self._index.keys(selection):
            letter = self._index.letter(key)
            if letter is not None:
                yield key, letter

    def _judge(self, options: Options) -> Judge:
        return Judge(self._configuration, options, self._codec, self._topics)

    def _seconds(self, total: Sum, rate: float) -> float:
        longest = (total.chains + total.published) / rate
        for (app, connector), count in total.calls.items():
            used = self._configuration.apps[app].connectors.get(connector)
            if used is not None and used.limits.rate:
                longest = max(longest, count / used.limits.rate)
        return longest

    # making

    def make(self, run: Run, publisher: Publisher, who: Actor, rate: float, stop: Stop, progress: Progress) -> bool:
        """Send the letters that wait, at most `rate` a second; False where it was stopped before the last one."""
        self.runs.set_state(run.id, "running")
        sending = _Sending(self, run, self._judge(run.options), publisher, who)
        step, due, looked = max(1, min(MOST_AT_ONCE, int(rate / 4))), time.monotonic(), 0.0
        while items := self.runs.waiting(run.id, step):
            if time.monotonic() - looked >= LOOK_EVERY:
                self.look(run.id)
                looked = time.monotonic()
            progress(self.runs.counts(run.id))
            due = max(due, time.monotonic() - LOOK_EVERY)
            if stop() or not _pause(due, stop):
                self._tell_state(run, publisher, who, "interrupted")
                return False
            self.runs.mark(run.id, sending.send(items))
            due += len(items) / rate
        self._tell_state(run, publisher, who, "sent")
        return True

    def await_ends(self, run: Run, seconds: float, stop: Stop, progress: Progress) -> Counter[str]:
        """Wait for the ends of what was sent, as long as some come within `seconds`; how the letters stand."""
        moved = time.monotonic()
        while True:
            moved = time.monotonic() if self.look(run.id) else moved
            counts = self.runs.counts(run.id)
            progress(counts)
            if not counts["sent"] or stop() or time.monotonic() - moved > seconds:
                break
            _pause(time.monotonic() + LOOK_EVERY / 2, stop)
        if not counts["sent"] and not counts["planned"]:
            self.runs.set_state(run.id, "done")
        return counts

    def look(self, run: str) -> int:
        """Take what has ended since; returns how many."""
        self._follower.follow()
        return self.runs.settle(run)

    def _tell_state(self, run: Run, publisher: Publisher, who: Actor, state: str) -> None:
        self.runs.set_state(run.id, state)
        with publisher.together():
            publisher.audit(of_run(who, f"run {state}", run.id, run.selection.said(), {"state": run.state},
                                   {"state": state, **self.runs.counts(run.id)}))

    def letter(self, key: bytes) -> tuple[int, DeadLetter] | None:
        """A letter as it stands now, and its partition."""
        found = self._index.letter(key)
        return None if found is None else (self._index.partition(key), found)

    @property
    def codec(self) -> Codec:
        """Of the records."""
        return self._codec

    @property
    def topics(self) -> TopicSettings:
        """Where they go."""
        return self._topics


class _Sending:
    """Sends letters of one run."""

    def __init__(self, replayer: Replayer, run: Run, judge: Judge, publisher: Publisher, who: Actor) -> None:
        self._replayer = replayer
        self._run = run
        self._judge = judge
        self._publisher = publisher
        self._who = who

    def send(self, items: list[Item]) -> dict[int, str]:
        """Send some, all together; returns what became of each."""
        with self._publisher.together():
            return {item.number: self._one(item) for item in items}

    def _one(self, item: Item) -> str:
        found = self._replayer.letter(item.key)
        if found is None:
            return "gone"
        partition, letter = found
        if letter.replays >= item.replay:
            return "sent"  # by this run, before it was cut off; or by another one meanwhile
        if item.edited is not None:
            return self._publish_again(item, partition, letter, item.edited)
        verdict = self._judge.judge(letter, time.time())
        if verdict.refused:
            return "skipped"
        if verdict.again:
            return self._publish_again(item, partition, letter, letter.origin.value)
        self._publisher.replay(self._replay(letter, item, verdict))
        note = f"replay {item.replay} asked for by {self._who.name} in run {self._run.id}"
        self._supersede(item, partition, letter, letter._replace(state="replayed", replays=item.replay, note=note),
                        "replayed")
        return "sent"

    def _replay(self, letter: DeadLetter, item: Item, verdict: Verdict) -> Replay:
        options, wanted = self._run.options, [one.binding_id for one in verdict.reruns]
        made = replay_of(letter, self._who.name, int(time.time() * 1000))
        # what was skipped behind a failure, and shall stay so, is passed over as if it had ended
        passed = [Receipt(one, "skipped") for one in letter.remaining if one not in wanted] \
            if options.only_failed else []
        return made._replace(
            run=item.replay, only=[*wanted, *(one.binding_id for one in passed)], receipts=[*made.receipts, *passed],
            attributes_as_they_were=options.as_they_were,
            attributes=letter.attributes if options.as_they_were else {})

    def _publish_again(self, item: Item, partition: int, letter: DeadLetter, value: bytes | None) -> str:
        """A message that could not be read goes where it stood, and lives its own life from there."""
        topic, codec = letter.origin.topic, self._replayer.codec
        event = codec.attributes(value) if topic == self._replayer.topics.attributes else codec.event(value)
        headers = [*own_headers(letter.origin.headers), (f"{PREFIX}letter", letter_id(item.key).encode())]
        self._publisher.message(topic, f"{event.app_id}:{event.user_id}".encode(), value, headers)
        changed = "as edited" if item.edited is not None else "as it was"
        note = f"published again to {topic}, {changed}, by {self._who.name} in run {self._run.id}"
        self._supersede(item, partition, letter, letter._replace(
            state="succeeded", replays=item.replay, note=note), "published again")
        return "sent"

    def _supersede(self, item: Item, partition: int, letter: DeadLetter, after: DeadLetter, did: str) -> None:
        self._publisher.supersede(item.key, partition, after)
        self._publisher.audit(of_letter(self._who, did, item.key, letter, after, f"run {self._run.id}"))


def _pause(until: float, stop: Stop) -> bool:
    """Wait; False where it was stopped."""
    while (left := until - time.monotonic()) > 0:
        if stop():
            return False
        time.sleep(min(left, 0.1))
    return True
