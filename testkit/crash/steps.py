"""The steps between which a process can be made to end, found in the code, and those that the tests end it at.

A step is a public method of a port or of a part of the engine (`Runner.advance`), or a call of a Kafka client that the
processor makes (`Producer.commit_transaction`). Whatever is found must stand in `ENDED_AT` or, with a reason, in
`NEED_NONE`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

CLASSES: Mapping[str, str] = {
    "Transport": "processor.http.curl:CurlTransport",
    "Committer": "processor.kafka.checkpointer:CheckpointThread",
    "Source": "processor.kafka.consumer:ConsumerThread",
    "Restore": "processor.kafka.restore:Restore",
    "Folder": "processor.state.folder:StateFolder",
    "Store": "processor.state.store:PartitionStore",
    "Intake": "processor.engine.intake:Intake",
    "Events": "processor.engine.events:Events",
    "Runner": "processor.engine.runner:Runner",
    "Parking": "processor.engine.parking:Parking",
    "Takeover": "processor.engine.takeover:Takeover",
    "Exporter": "processor.engine.exporter:Exporter",
    "Ledger": "processor.engine.ledger:Ledger",
    "Checkpoints": "processor.engine.checkpoint:Checkpoints",
    "Sender": "processor.engine.sender:Sender",
    "Loop": "processor.engine.loop:Loop",
}
"""What the steps are called by, and where their classes stand."""
CLIENTS: Mapping[str, str] = {
    "Producer": "processor.kafka.checkpointer:Producer",
    "Consumer": "processor.kafka.consumer:Consumer",
}
"""Clients of the library in C, by the name under which a module of ours has them."""

ENDED_AT: Mapping[str, int] = {
    # consumed
    "Source.taken": 1, "Intake.interaction": 5, "Intake.attributes": 3, "Events.admit": 6,
    # planned and run
    "Events.run_ready": 40, "Runner.advance": 8, "Runner.start": 5, "Parking.must_wait": 6, "Parking.circuit_holds": 6,
    "Exporter.take": 4, "Exporter.flush": 1,
    # sent and answered
    "Sender.send": 4, "Sender.sign": 3, "Sender.start": 5, "Transport.start": 3, "Transport.wait": 60,
    "Sender.completed": 4, "Runner.answered": 4, "Exporter.answered": 1,
    # tried again, parked, woken
    "Runner.fail": 1, "Runner.resend": 1, "Runner.give_up": 1, "Parking.retry": 1, "Parking.throttled": 1,
    "Parking.missing": 1, "Parking.park": 1, "Parking.wake_at": 1, "Parking.wake": 1, "Parking.chain_ended": 1,
    "Parking.release_probe": 4,
    # refused, changed, back
    "Parking.refused": 1, "Parking.waited_out": 1, "Parking.settings_changed": 2, "Sender.renew": 1,
    "Parking.recovered": 1, "Parking.probe_ended": 1,
    # asked again, synced
    "Intake.replay": 1, "Events.admit_replay": 1, "Events.admit_sync": 2,
    # written down
    "Ledger.outcome": 9, "Ledger.failed": 1, "Ledger.event_ended": 5, "Ledger.undecodable": 1,
    "Store.put_attributes": 3, "Store.put_chain": 2, "Store.finish": 4,
    # made durable
    "Exporter.durable": 4, "Checkpoints.begin": 3, "Committer.submit": 4, "Store.seal": 5,
    "Producer.begin_transaction": 4,
    "Producer.produce": 40, "Producer.send_offsets_to_transaction": 4, "Producer.commit_transaction": 4,
    "Committer.ends": 80, "Checkpoints.ended": 4, "Store.commit": 5,
    # taken over
    "Committer.prepare": 1, "Producer.init_transactions": 1, "Consumer.subscribe": 1, "Consumer.committed": 1,
    "Consumer.incremental_assign": 1, "Consumer.pause": 1, "Consumer.resume": 2, "Consumer.poll": 12,
    "Consumer.consume": 2, "Consumer.consumer_group_metadata": 1, "Source.resume": 3, "Restore.begin": 2,
    "Restore.step": 1, "Folder.open": 2, "Store.set_topic_ids": 1, "Store.set_positions": 2, "Store.load_chains": 1,
    "Store.load_finished": 1, "Store.load_attributes": 1, "Takeover.step": 2, "Loop.begin": 1, "Loop.turn": 60,
    # shared, stalled, cut short: see provoked.py
    "Consumer.incremental_unassign": 1, "Source.fresh_metadata": 1, "Producer.abort_transaction": 1,
    "Sender.release": 1, "Sender.cut": 1, "Transport.cancel": 1,
    # left
    "Loop.stop": 1, "Loop.drain": 1, "Source.forget": 2, "Events.leave": 2, "Checkpoints.left": 1, "Source.stop": 1,
    "Committer.stop": 1, "Transport.close": 1, "Consumer.close": 1, "Restore.close": 1, "Folder.close": 5,
    "Folder.close_all": 1, "Store.close": 2,
}
"""The steps that the tests end a process at, before and after them; the number says at which call."""

_ASKS = "only asks, and changes nothing"
_BODY = "runs as long as its thread; what it does are steps themselves"
_WAKES = "reads an eventfd empty"
_PLAIN = "only without transactions, where outcomes may be seen twice; tests/integration/test_delivery.py"
_MEMORY = "moves something in memory, between the same two steps of I/O as its caller, which is a step"
_FULL = "needs more in flight than there is room for; tests of the engine fill it"
_LARGE = "needs a record that its topic does not accept; ends the binding as Runner.give_up does, which is a step"

NEED_NONE: Mapping[str, str] = {
    **dict.fromkeys(("Restore.has", "Store.attributes", "Store.chain", "Store.chains", "Store.seen", "Store.ended_at",
                     "Store.positions",
                     "Store.topic_ids", "Store.written", "Store.format", "Store.sizes", "Exporter.busy",
                     "Checkpoints.due", "Consumer.get_watermark_offsets", "Consumer.list_topics", "Restore.remaining",
                     "Loop.longest_turn", "Sender.has_enough"),
                    _ASKS),
    **dict.fromkeys(("Committer.run", "Source.run", "Loop.run"), _BODY),
    **dict.fromkeys(("Committer.heard", "Source.heard"), _WAKES),
    **dict.fromkeys(("Source.commit", "Consumer.commit", "Producer.flush", "Producer.purge"), _PLAIN),
    **dict.fromkeys(("Sender.turn", "Sender.look_again", "Sender.fail_later", "Parking.wait_at", "Parking.outage",
                     "Parking.rest", "Parking.attributes_arrived",
                     "Parking.let_go", "Events.from_record", "Events.forget", "Intake.release_held",
                     "Parking.wake_postponed",
                     "Sender.must_queue"), _MEMORY),
    **dict.fromkeys(("Source.pause", "Producer.poll"), _FULL),
    **dict.fromkeys(("Parking.too_large", "Parking.does_not_fit"), _LARGE),
    "Takeover.drop": _MEMORY,
    "Restore.drop": "needs a rebalance in the middle of a restore; the storm (`make chaos`) meets it",
    "Parking.still_refused": "names a failure, and changes nothing",
    "Ledger.held": "writes one more letter of an event that ended; as Ledger.failed does, which is a step",
    "Transport.watch": "adds a descriptor to wait for, before there is any event",
    "Folder.discard": "is called by no process that runs",
    "Store.expire": "is called every ten minutes; drops ids that are older than the window",
    "Consumer.assign": "only by the classic protocol; incremental_assign is the same moment",
    "Consumer.unassign": "only by the classic protocol",
}
"""The steps that are left out, each with its reason."""


def found() -> frozenset[str]:
    """All steps that there are."""
    own = {f"{name}.{method}" for name, place in CLASSES.items() for method in _public(_at(place))}
    return frozenset(own | {step for name, place in CLIENTS.items() for step in _called(name, place)})


def unlisted() -> frozenset[str]:
    """Steps that nobody has thought about."""
    return found() - ENDED_AT.keys() - NEED_NONE.keys()


def stale() -> frozenset[str]:
    """Steps that are listed, and are no more."""
    return frozenset((ENDED_AT.keys() | NEED_NONE.keys()) - found())


def _at(place: str) -> type:
    module, _, name = place.partition(":")
    found_class: type = getattr(importlib.import_module(module), name)
    return found_class


def _public(owner: type) -> Iterator[str]:
    return (name for name, value in vars(owner).items() if inspect.isfunction(value) and not name.startswith("_"))


def _called(name: str, place: str) -> Iterator[str]:
    """Methods that a module calls of its client, which it keeps as `_producer`, or has as `producer`."""
    module = importlib.import_module(place.partition(":")[0])
    wanted = {name.lower(), f"_{name.lower()}"}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Attribute) and _name(node.value) in wanted:
            yield f"{name}.{node.attr}"


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
