"""What comes in: messages to events, attribute changes and replays; what cannot be read is a dead letter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from connectors.kit.errors import Undecodable
from processor.engine import room
from processor.engine.events import origin_of
from processor.model.chain import identity
from processor.model.letter_headers import PREFIX
from processor.model.replay import Replay, replay_of

if TYPE_CHECKING:
    from connectors.kit.event import Event
    from processor.engine.counts import Counts
    from processor.engine.events import Events
    from processor.engine.ledger import Ledger
    from processor.engine.offsets import OffsetTracker
    from processor.engine.options import EngineOptions
    from processor.engine.parking import Parking
    from processor.engine.partition import Partition
    from processor.engine.plan import AppPlans, Plans
    from processor.engine.sender import Sender
    from processor.model.dead_letter import Origin

FORGET: Final = f"{PREFIX}forget"
"""Header of a null among the attributes: not only they, but all that waits of the user is to be forgotten."""
HELD_LIMIT: Final = 1000
"""Interactions of one partition that may wait for its attributes before the partition is paused."""


BEHIND: Final = 0.5
"""Seconds that an interaction waits for attributes that are there and do not come: a transaction is open."""


class Intake:
    """Sorts messages by topic and brings them into the engine."""

    def __init__(
        self, events: Events, parking: Parking, ledger: Ledger, sender: Sender, plans: Plans, options: EngineOptions,
        metrics: Counts, codec: Any, stored: Callable[[Mapping[str, Any], int, int], Any],
        partition_of: Callable[[bytes, int], int],
    ) -> None:
        self._events = events
        self._parking = parking
        self._ledger = ledger
        self._sender = sender
        self._plans = plans
        self._options = options
        self._metrics = metrics
        self._codec = codec
        self._stored = stored
        self._partition_of = partition_of
        self._most_attributes = min(options.room(options.topics.attributes_changelog), options.max_value_bytes)

    def interaction(self, partition: Partition, message: Any) -> None:
        """A prompt interaction: held until the attributes have passed its time, then admitted."""
        if partition.held or not self._attributes_passed(partition, message) or not _promised(partition, message):
            partition.held.append((self._sender.now + self._options.join_grace, message))
        else:
            self._admit(partition, message)

    def _attributes_passed(self, partition: Partition, message: Any) -> bool:
        since = partition.behind_since
        if partition.caught_up and (not since or self._sender.now - since > BEHIND):
            return True
        timestamp: int = message.timestamp()[1]
        return timestamp <= partition.attributes_time

    def release_held(self, partition: Partition, room: int) -> int:
        """Admit what the attributes have passed, or what has waited long enough; returns how many."""
        held, count = partition.held, 0
        while held and count < room:
            deadline, message = held[0]
            if not self._attributes_passed(partition, message) and self._sender.now < deadline:
                break
            if not _promised(partition, message):
                break
            held.popleft()
            self._admit(partition, message)
            count += 1
        return count

    def _admit(self, partition: Partition, message: Any) -> None:
        value = message.value()
        try:
            event, app = self._event(value)
        except Undecodable as failure:
            if failure.code != "wrong_record" or not self._resent(partition, message):
                self._undecodable(partition, message, failure)
                partition.interactions.skip(message.offset())
            return
        user = f"{event.app_id}:{event.user_id}"
        if self._misplaced(partition, message, user):
            partition.interactions.skip(message.offset())
            return
        plan = app.plan(event.prompt_id, event.interaction)
        self._events.admit(partition, event, plan, user, message, len(value) + 600)

    def _event(self, value: bytes | None) -> tuple[Event, AppPlans]:
        self._check_size(value)
        event: Event = self._codec.event(value)
        if len(event.event_id) + len(event.user_id) + len(event.prompt_id) > room.IDS:
            raise Undecodable("too_long", f"ids of event, user and prompt have more than {room.IDS} characters")
        app = self._plans.apps.get(event.app_id)
        if app is None:
            raise Undecodable("unknown_app", f"no app '{event.app_id}' is configured")
        ahead = event.time / 1000 - self._sender.now
        if ahead > self._options.future_tolerance or event.time <= 0:
            raise Undecodable("bad_time", f"the event's time, {event.time} ms, is {ahead:.0f} s ahead of the clock")
        return event, app

    def _check_size(self, value: bytes | None) -> None:
        if value is not None and len(value) > self._options.max_value_bytes:
            raise Undecodable("too_large", f"{len(value)} bytes; at most {self._options.max_value_bytes} are taken")

    def _misplaced(self, partition: Partition, message: Any, user: str) -> bool:
        """A record outside its user's partition is forwarded to it: the join would find nothing here."""
        key = user.encode()
        right = self._partition_of(key, self._options.partitions)
        if right == partition.number:
            return False
        headers = list(message.headers() or ())
        record = (message.topic(), key, message.value(), right, headers)
        self._metrics.misplaced(message.topic())
        if room.size_of(record) > self._options.room(message.topic()):
            self._undecodable(partition, message, Undecodable("too_large", "too large to be sent on to its partition"))
        else:
            partition.outbox.append(record if headers else record[:4])
        return True

    def _undecodable(self, partition: Partition, message: Any, failure: Undecodable) -> None:
        """A letter for what cannot be read; after a crash the message may come again, its letter does not."""
        origin = origin_of(message)
        ident = identity("", f"{origin.topic}:{origin.partition}:{origin.offset}")
        if partition.store.seen(ident):
            return
        partition.store.finish(ident)
        partition.ended_ids.append(ident)
        self._ledger.undecodable(partition, origin, failure, self._sender.now)

    def attributes(self, partition: Partition, message: Any) -> None:
        """A change of a user's attributes: merged, replaced or erased."""
        partition.caught_up = False
        partition.attributes_time = message.timestamp()[1]
        partition.attributes_end = message.offset() + 1
        partition.attributes.skip(message.offset())
        if message.value() is None and message.key():
            self._erase(partition, message, message.key())
            return
        try:
            change = self._change(message.value())
        except Undecodable as failure:
            self._undecodable(partition, message, failure)
            return
        user = f"{change.app_id}:{change.user_id}"
        if not self._misplaced(partition, message, user):
            self._merge(partition, message, user, change)

    def _change(self, value: bytes | None) -> Any:
        self._check_size(value)
        change = self._codec.attributes(value)
        if change.app_id not in self._plans.apps:
            raise Undecodable("unknown_app", f"no app '{change.app_id}' is configured")
        return change

    def _erase(self, partition: Partition, message: Any, key: bytes) -> None:
        user = key.decode("utf-8", "replace")
        if not self._misplaced(partition, message, user):
            partition.store.put_attributes(user, None)
            partition.changed_users[user] = None
            if any(name == FORGET for name, _ in message.headers() or ()):
                self._events.forget(partition, user)

    def _merge(self, partition: Partition, message: Any, user: str, change: Any) -> None:
        before = partition.store.attributes(user)
        if before is not None and before.offset >= message.offset() and before.time >= message.timestamp()[1]:
            # It came again after a crash: it was merged, but what it set off may not have ended.
            self._set_off(partition, user, message, change, set(change.attributes))
            return
        if change.mode != "merge":
            before = None
        merged = dict(before.attributes) if before is not None else {}
        changed = {name for name, value in change.attributes.items() if merged.get(name) != value}
        for name, value in change.attributes.items():
            if value is None:
                merged.pop(name, None)
            else:
                merged[name] = value
        stored = self._stored(merged, message.offset(), message.timestamp()[1])
        if room.may_exceed(merged, self._most_attributes) and self._refused(partition, message, user, stored):
            return
        partition.store.put_attributes(user, stored)
        partition.changed_users[user] = None
        self._set_off(partition, user, message, change, changed)

    def _set_off(self, partition: Partition, user: str, message: Any, change: Any, changed: set[str]) -> None:
        """Wake who waits for the change, and export it."""
        if partition.shelf.filed or user in partition.waiting_attributes:
            self._parking.attributes_arrived(partition, user)
        plans = self._plans.apps[change.app_id]
        if plans.syncs and changed and plans.syncs_wanted(changed):
            self._events.admit_sync(partition, plans.sync_plan, user, message, change)

    def _refused(self, partition: Partition, message: Any, user: str, stored: Any) -> bool:
        """Whether the user's attributes would be too large with this change; if so those before it stay."""
        size = len(self._codec.encode_attributes_state(stored)) + len(user.encode()) + room.OVERHEAD
        if size <= self._most_attributes:
            return False
        self._undecodable(partition, message, Undecodable(
            "attributes_too_large", f"the user's attributes would take {size} bytes with this change, and at most "
            f"{self._most_attributes} are kept; those before it stay"))
        return True

    def replay(self, partition: Partition, message: Any) -> None:
        """A replay that a person asked for."""
        partition.replays.skip(message.offset())
        try:
            replay = self._codec.replay(message.value())
            event, app = self._event(replay.origin.value)
        except Undecodable as failure:
            self._undecodable(partition, message, failure)
            return
        self._replay(partition, event, app, replay, message, partition.replays)

    def _replay(
        self, partition: Partition, event: Event, app: AppPlans, replay: Replay, message: Any, tracker: OffsetTracker
    ) -> None:
        user = f"{event.app_id}:{event.user_id}"
        if not self._misplaced(partition, message, user):
            plan = app.plan(event.prompt_id, event.interaction)
            self._events.admit_replay(partition, event, plan, user, replay, message, tracker)

    def _resent(self, partition: Partition, message: Any) -> bool:
        """A dead letter that any tool sent to the interactions is a replay of it; False where it is none."""
        try:
            letter = self._codec.dead_letter(message.value())
            if letter.reason == "undecodable" and letter.state == "open" and letter.origin.value is not None:
                self._admit(partition, Resent(message, letter.origin))
                return True
            event, app = self._event(letter.origin.value)
        except Undecodable:
            return False
        partition.interactions.skip(message.offset())
        if letter.state != "open" or not letter.remaining:
            self._metrics.duplicate()  # it was replayed or closed before this copy was made
        elif any(one.reason == "in_doubt" for one in letter.failures):
            self._ledger.held(partition, letter)
        else:
            replay = replay_of(letter, f"sent again to {message.topic()}", message.timestamp()[1])
            self._replay(partition, event, app, replay, message, partition.interactions)
        return True


def _promised(partition: Partition, message: Any) -> bool:
    """Whether it is durable that the event may be begun; else that is asked for."""
    reach, offset, arrived = partition.reach, message.offset(), message.timestamp()[1]
    if offset < reach.below and arrived <= reach.until:
        reach.newest = arrived
        return True
    reach.ask(offset, arrived)
    return False


class Resent:
    """The message that a dead letter was made of, in the place where the letter was sent again."""

    __slots__ = ("_message", "_origin")

    def __init__(self, message: Any, origin: Origin) -> None:
        self._message = message
        self._origin = origin

    def value(self) -> bytes | None:
        """The original bytes."""
        return self._origin.value

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The original headers."""
        return list(self._origin.headers)

    def __getattr__(self, name: str) -> Any:
        """Everything else is as the message has it."""
        return getattr(self._message, name)
