"""The store against plain dictionaries, through checkpoints, restarts and crashes."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from processor.state import StateFolder, StoredAttributes

HOUR = 3600
BUCKET = 6 * HOUR
START = 1_760_000_000
USERS = ("demo:anna", "demo:änne")
KEYS = st.sampled_from(USERS)
ENDED = tuple(number.to_bytes(16, "big") for number in range(3))
IDS = st.sampled_from(ENDED)
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() \
    | st.lists(st.text(), max_size=3)
STORED = st.builds(StoredAttributes, st.dictionaries(st.text(max_size=5), VALUES, max_size=4),
                   st.integers(0, 2**40), st.integers(0, 2**42))
CHAINS = st.binary(max_size=40)
TOPICS = st.dictionaries(st.sampled_from(["attributes", "chains"]), st.integers(0, 2**60), max_size=2)


class Written:
    """What was written between two seals, as dictionaries."""

    def __init__(self):
        self.attributes, self.chains, self.finished = {}, {}, set()


class StoreMachine(RuleBasedStateMachine):
    """Random writes, seals, commits, expiries, restarts and crashes."""

    @initialize()
    def begin(self):
        self.root = Path(tempfile.mkdtemp())
        self.now = START
        self.fresh, self.sealed = Written(), []
        self.disk_attributes, self.disk_chains, self.disk_finished, self.disk_positions = {}, {}, {}, {}
        self.committed = False
        self.runs = 0
        self.open()

    def open(self):
        self.folder = StateFolder(self.root / str(self.runs), 8, bucket_seconds=BUCKET, clock=lambda: self.now)
        self.store = self.folder.open(0)

    def layers(self):
        return [*(written for _, written in self.sealed), self.fresh]

    @rule(key=KEYS, value=st.none() | STORED)
    def put_attributes(self, key, value):
        self.store.put_attributes(key, value)
        self.fresh.attributes[key] = value

    @rule(key=KEYS, value=st.none() | CHAINS)
    def put_chain(self, key, value):
        self.store.put_chain(key, value)
        self.fresh.chains[key] = value

    @rule(id16=IDS)
    def finish(self, id16):
        self.store.finish(id16)
        self.fresh.finished.add(id16)

    @rule()
    def seal(self):
        self.sealed.append((self.store.seal(), self.fresh))
        self.fresh = Written()

    @precondition(lambda self: self.sealed)
    @rule(positions=TOPICS, later=st.integers(0, 10 * HOUR))
    def commit(self, positions, later):
        self.now += later
        sealed, written = self.sealed.pop(0)
        self.store.commit(sealed, positions, self.now)
        self.disk_attributes.update(written.attributes)
        self.disk_chains.update(written.chains)
        for id16 in written.finished:
            self.disk_finished.setdefault(id16, set()).add(self.now // BUCKET)
        self.disk_positions.update(positions)
        self.committed = True

    @rule(hours=st.integers(0, 30))
    def expire(self, hours):
        before = self.now - hours * HOUR
        self.store.expire(before)
        for buckets in self.disk_finished.values():
            buckets -= {bucket for bucket in buckets if (bucket + 1) * BUCKET <= before}

    @precondition(lambda self: self.committed)
    @rule(killed=st.booleans())
    def restart(self, killed):
        old = self.folder
        if killed:
            self.copy_as_killed()
        old.close_all()
        self.open()
        self.fresh, self.sealed = Written(), []
        assert self.store.discarded == ""

    def copy_as_killed(self):
        """What a killed process leaves: its files as they are, nothing flushed, nothing closed."""
        before = self.root / str(self.runs)
        self.runs += 1
        # A copy takes longer than a kill: files must not come and go meanwhile.
        self.store._scrubber.wait()
        self.store._database.cancel_all_background(True)
        shutil.copytree(before, self.root / str(self.runs))

    @invariant()
    def everything_reads_as_written(self):
        attributes, chains = dict(self.disk_attributes), dict(self.disk_chains)
        finished = {id16 for id16, buckets in self.disk_finished.items() if buckets}
        for layer in self.layers():
            attributes.update(layer.attributes)
            chains.update(layer.chains)
            finished |= layer.finished
        for key in USERS:
            assert self.store.attributes(key) == attributes.get(key)
            assert self.store.chain(key) == chains.get(key)
        assert sorted(self.store.chains()) == sorted((k, v) for k, v in chains.items() if v is not None)
        assert {id16 for id16 in ENDED if self.store.seen(id16)} == finished
        assert self.store.positions() == self.disk_positions
        assert self.store.sizes()["pending"] == len(
            {("a", k) for one in self.layers() for k in one.attributes}
            | {("c", k) for one in self.layers() for k in one.chains}
            | {("f", k) for one in self.layers() for k in one.finished})

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.close_all()
            shutil.rmtree(self.root)


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=80, stateful_step_count=40, deadline=None,
                              suppress_health_check=[HealthCheck.too_slow])
