"""Fake transport, committer and source: they record what the engine does and do what the test says."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from connectors.kit.http import Response, Signed
from processor.engine.checkpoint import Checkpoint, CheckpointEnd
from processor.engine.ports import Batch, Control
from processor.http.transport import Completion, TransportError
from testkit.engine.world import World


@dataclass(eq=False)
class Sent:
    """One call that the engine began."""

    signed: Signed
    ticket: Any
    at: float
    timeout: float
    fresh: bool
    lane: Hashable
    durable: int
    """How many records were durable when it was sent."""

    @property
    def path(self) -> str:
        """The path below the connector's address."""
        return "/" + self.signed.url.split("/", 3)[3]

    @property
    def host(self) -> str:
        """The connector's address."""
        return self.signed.url.split("/", 3)[2]

    @property
    def line(self) -> str:
        """Method, connector and path: `POST alpha/key/e1`."""
        return f"{self.signed.method} {self.host.partition('.')[0]}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """Headers by name."""
        return dict(line.split(": ", 1) for line in self.signed.headers)


class CallInFlightError(AssertionError):
    """A ticket was used for two calls at once."""


class FakeTransport:
    """Keeps calls until the test answers them."""

    def __init__(self, clock: Callable[[], float], world: World) -> None:
        self._clock = clock
        self._world = world
        self.open: list[Sent] = []
        self.sent: list[Sent] = []
        self.cut: list[Sent] = []
        self._done: list[Completion] = []

    def start(
        self, signed: Signed, ticket: Any, *, timeout: float, public_only: bool = False, max_bytes: int = 1 << 20,
        fresh: bool = False, lane: Hashable = None,
    ) -> None:
        """Begin a call."""
        del public_only, max_bytes
        if any(one.ticket is ticket for one in self.open):
            raise CallInFlightError(f"{signed.url} has a ticket that is in flight")
        call = Sent(signed, ticket, self._clock(), timeout, fresh, lane, len(self._world.records))
        self.open.append(call)
        self.sent.append(call)

    def answer(
        self, call: Sent, answer: int | Response | TransportError, json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """End a call; the engine hears of it in its next turn."""
        if isinstance(answer, int):
            answer = Response(answer, headers, b"" if json is None else orjson.dumps(json))
        self.open.remove(call)
        self._done.append(Completion(call.ticket, answer, self._clock() - call.at))

    def watch(self, fd: int) -> None:
        """Nothing wakes it: it never waits."""

    def wait(self, seconds: float) -> Sequence[Completion]:
        """What the test answered."""
        del seconds
        done, self._done = self._done, []
        return done

    def cancel(self, ticket: Any) -> None:
        """Cut a call; it ends without a completion."""
        self.cut += [one for one in self.open if one.ticket is ticket]
        self.open = [one for one in self.open if one.ticket is not ticket]
        self._done = [one for one in self._done if one.ticket is not ticket]

    @property
    def in_flight(self) -> int:
        """Calls begun and not ended."""
        return len(self.open)

    def close(self) -> None:
        """Cut everything."""
        self.open.clear()


class CheckpointUnderWayError(AssertionError):
    """A second checkpoint was begun before the first had ended."""


class FakeCommitter:
    """Commits at once, or when the test says how a checkpoint ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.automatic = True
        self.under_way: Checkpoint | None = None
        self.seen: list[Checkpoint] = []
        self._ends: list[CheckpointEnd] = []

    def heard(self) -> None:
        """Nothing wakes the loop."""

    def submit(self, checkpoint: Checkpoint) -> None:
        """Begin."""
        if self.under_way is not None:
            raise CheckpointUnderWayError(f"checkpoint {checkpoint.number}")
        self.under_way = checkpoint
        self.seen.append(checkpoint)
        if self.automatic:
            self.finish()

    def finish(
        self, result: Literal["committed", "aborted", "lost"] = "committed", *, happened: bool = False
    ) -> None:
        """End the checkpoint under way; a lost one may have `happened` all the same."""
        checkpoint = self.under_way
        if checkpoint is None:
            raise CheckpointUnderWayError("none is under way")
        self.under_way = None
        positions = self._world.commit(checkpoint) if result == "committed" or happened else {}
        self._ends.append(CheckpointEnd(checkpoint.number, result, "" if result == "committed" else "as the test said",
                                        positions, 0.01))

    def ends(self) -> list[CheckpointEnd]:
        """Checkpoints that ended since the last call."""
        found, self._ends = self._ends, []
        return found


@dataclass
class FakeSource:
    """The consumer thread: batches and controls that the test puts in, and what the loop asked for."""

    batches: deque[Batch] = field(default_factory=deque)
    controls: deque[Control] = field(default_factory=deque)
    resumed: set[tuple[str, int]] = field(default_factory=set)
    forgotten: list[int] = field(default_factory=list)
    metadata_wanted: int = 0
    taken_batches: int = 0

    def heard(self) -> None:
        """Nothing wakes the loop."""

    def taken(self) -> None:
        """The loop took a batch."""
        self.taken_batches += 1

    def pause(self, topic: str, partition: int) -> None:
        """Stop fetching."""
        self.resumed.discard((topic, partition))

    def resume(self, topic: str, partition: int) -> None:
        """Fetch."""
        self.resumed.add((topic, partition))

    def fresh_metadata(self) -> None:
        """Note that the loop wants the group's metadata."""
        self.metadata_wanted += 1

    def forget(self, partition: int) -> None:
        """Note that a partition's store may be closed."""
        self.forgotten.append(partition)
