"""Bytes an event takes in each topic and on disk, for docs/operating.md: `python -m testkit.sizes`.

Records are counted as they are handed to Kafka: key and value, without compression and without the ten bytes or so
that Kafka puts around each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.kit import Repeat
from processor.model.attributes import AttributesState
from processor.model.chain import ChainRecord
from processor.model.dead_letter import Origin
from processor.state.folder import StateFolder
from testkit.engine.harness import NOW, Harness
from testkit.engine.vendors import configuration, event, vendor
from testkit.engine.world import CODEC, TOPICS

EVENTS = 200
ID = "5b0e0a3c-6d0f-4a53-9c39-{:012d}"
FORM = {"reason": "too expensive", "comment": "I will be back in summer"}
IDS_A_CHECKPOINT = 100


def attributes(user: int) -> dict[str, str]:
    """Twenty attributes with values that compression does not make small."""
    return {f"attribute_{number}": blake2b(f"{user}/{number}".encode(), digest_size=12).hexdigest()
            for number in range(20)}


def in_topics(*chain: str, exports: Sequence[str] = (), answer: int = 200, events: int = EVENTS) -> dict[str, float]:
    """Bytes an event in each topic, for a chain of actions that all succeed, or that the vendor refuses."""
    made = [vendor(name, export_repeat=Repeat.NEVER) for name in exports]
    process = Harness(configuration({"p": list(chain)}, exports=exports, connectors=made))
    for number in range(events):
        process.accept(ID.format(number), f"user-{number:08d}0", form=FORM)
        while process.calls:
            process.answer(process.calls[0].line, answer)
            process.advance(0.11)
    process.settle(5.0)
    sizes: dict[str, float] = {}
    for one in process.world.records:
        sizes[one.topic] = sizes.get(one.topic, 0.0) + (len(one.key) + len(one.value or b"")) / events
    return sizes


def on_disk(folder: Path, entries: int = 50_000) -> dict[str, float]:
    """Bytes in RocksDB of an ended event, of a parked chain, and of a user's attributes, after a flush."""
    state = StateFolder(folder)
    found: dict[str, float] = {}
    for number, kind in enumerate(("ended event", "parked chain", "user")):
        store = state.open(number)
        for first in range(0, entries, IDS_A_CHECKPOINT):
            for one in range(first, first + IDS_A_CHECKPOINT):
                if kind == "ended event":
                    store.finish(blake2b(one.to_bytes(8, "big"), digest_size=16).digest())
                elif kind == "user":
                    store.put_attributes(f"app:user-{one:09d}", AttributesState(attributes(one), one, one))
                else:
                    store.put_chain(f"app:{ID.format(one)}", parked(one))
            store.commit(store.seal(), {}, NOW)
        state.close(number)
        found[kind] = sum(file.stat().st_size for file in store.path.glob("*.sst")) / entries
    return found


def parked(number: int) -> bytes:
    """The record of a chain that waits for its first call."""
    one = event(ID.format(number), f"user-{number:09d}", time=NOW, form=FORM)
    origin = Origin(TOPICS.interactions, 0, number, int(NOW * 1000), f"app:{one.user_id}".encode(),
                    CODEC.encode_event(one))
    return CODEC.encode_chain(ChainRecord(
        "app", one.user_id, one.event_id, 0, "parked", "circuit", int(NOW * 1000), origin, "v1", attributes(number),
        1, 1,
        (), (), 0, 0, 0, None))


CASES: Mapping[str, Callable[[], dict[str, float]]] = {
    "one action": lambda: in_topics("alpha.key"),
    "one action that must not be repeated": lambda: in_topics("alpha.never"),
    "three actions": lambda: in_topics("alpha.key", "beta.key", "gamma.key"),
    "one action, refused": lambda: in_topics("alpha.key", answer=400),
    "an export that must not be repeated": lambda: in_topics(exports=("mix",)),
}


def lines() -> Iterator[str]:
    """The figures, a line each."""
    yield f"an interaction: {len(CODEC.encode_event(event(ID.format(1), 'user-000000010', time=NOW, form=FORM)))}"
    for name, measure in CASES.items():
        yield f"{name}: " + ", ".join(f"{topic} {size:.0f}" for topic, size in sorted(measure().items()))
    yield f"a parked chain's record: {len(parked(1))}"
    yield f"a user's attributes: {len(CODEC.encode_attributes_state(AttributesState(attributes(1), 1, 1)))}"
    with TemporaryDirectory() as folder:
        for name, size in on_disk(Path(folder)).items():
            yield f"on disk, {name}: {size:.0f}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
