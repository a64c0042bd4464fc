"""Lanes: one user's chains in the order of the topic, whatever is parked and woken between."""

from hypothesis import given
from hypothesis import strategies as st

from processor.engine.chain import Chain, Parked
from processor.engine.lanes import Lanes
from processor.engine.options import EngineOptions
from processor.engine.partition import Partition
from processor.engine.plan import Plans
from testkit.engine.store import MemoryStore
from testkit.engine.vendors import Bind, configuration, event
from testkit.engine.world import INPUTS, TOPICS, World

PARTITION = Partition(0, 1, MemoryStore(World(), 0), TOPICS, dict.fromkeys(INPUTS, 0))
PLANS = Plans(EngineOptions())
PLANS.take(configuration({
    "": [], "alpha": ["alpha.key"], "beta": ["beta.key"], "alpha beta": ["alpha.key", "beta.key"],
    "overtaking": [Bind("alpha.key", order="overtake")]}))


def plan(*connectors):
    return PLANS.apps["app"].plan(" ".join(connectors), "accept")


def chain(seq, user="ann", *left):
    return Chain(lambda *_: None, PARTITION, event(f"e{seq}", user), plan(*left), user, f"e{seq}", run=0, seq=seq,
                 tracker=None, place=0, size=0, arrived=0, origin_of=lambda: None)


def parked(seq, *connectors, user="ann", next="", waiting_for="retry"):
    return Parked(PARTITION, f"app:e{seq}", user, seq, frozenset(connectors), next=next, exports_only=False, bindings=1,
                  arrived=0, waiting_for=waiting_for, since=0.0)


def step(connector="alpha", *, overtakes=False):
    one, = plan("overtaking" if overtakes else connector).steps
    assert one.overtakes is overtakes
    return one


def end(lanes, running, user):
    """The user's running chain ends; the next one takes its place."""
    done = running.pop(user)
    if (following := lanes.leave(done)) is not None:
        running[user] = following
    return done


@given(st.lists(st.sampled_from(["ann", "bob"]), min_size=1, max_size=20), st.data())
def test_each_users_chains_run_one_at_a_time_in_order(users, data):
    lanes, running, ran = Lanes(), {}, []
    for seq, user in enumerate(users):
        one = chain(seq, user)
        if lanes.enter(one):
            assert user not in running
            running[user] = one
        while running and data.draw(st.booleans()):
            ran.append(end(lanes, running, data.draw(st.sampled_from(sorted(running)))))
    while running:
        ran.append(end(lanes, running, min(running)))
    for user in ("ann", "bob"):
        order = [one.seq for one in ran if one.user == user]
        assert order == sorted(order)
    assert len(ran) == len(users)
    assert len(lanes) == 0, "a user without chains costs nothing"


def test_a_woken_chain_goes_before_those_that_came_later():
    lanes = Lanes()
    lanes.enter(chain(5))
    lanes.enter(chain(7))
    assert lanes.enter_first(chain(3)) is False
    lanes.enter_first(chain(4))
    order = []
    one = chain(5)
    while (one := lanes.leave(one)) is not None:
        order.append(one.seq)
    assert order == [3, 4, 7]


def test_a_woken_chain_runs_at_once_where_nothing_does():
    assert Lanes().enter_first(chain(3)) is True


def test_an_earlier_parked_chain_holds_those_for_the_same_connector_only():
    lanes = Lanes()
    lanes.park(parked(3, "alpha"))
    later, earlier = chain(5), chain(2)
    lanes.enter(later)
    lane = lanes.lane("ann")
    assert lane.blocker(later, step("alpha")).seq == 3
    assert lane.blocker(later, step("beta")) is None
    assert lane.blocker(earlier, step("alpha")) is None
    assert lane.blocker(later, step("alpha", overtakes=True)) is None


def test_a_woken_chain_in_the_queue_holds_a_later_one_that_runs():
    lanes = Lanes()
    running = chain(5)
    lanes.enter(running)
    lanes.enter_first(chain(3, "ann", "alpha"))
    lanes.enter(chain(9, "ann", "alpha", "beta"))
    lane = lanes.lane("ann")
    assert lane.blocker(running, step("alpha")).seq == 3
    assert lane.blocker(running, step("beta")) is None


def test_replays_wait_for_nobody_and_hold_nobody():
    lanes = Lanes()
    lanes.park(parked(-1, "alpha"))
    lanes.park(parked(3, "beta"))
    lane = lanes.lane("ann")
    assert lane.blocker(chain(5), step("alpha")) is None
    assert lane.blocker(chain(-1), step("beta")) is None


def test_a_lane_lives_while_anything_is_in_it():
    lanes = Lanes()
    stub, one = parked(3, "alpha"), chain(5)
    lanes.park(stub)
    lanes.enter(one)
    lanes.leave(one)
    assert lanes.lane("ann") is not None
    lanes.unpark(stub)
    assert lanes.lane("ann") is None


STUBS = st.tuples(st.integers(-1, 40), st.sets(st.sampled_from(["alpha", "beta"])),
                  st.sampled_from(["alpha", "beta", ""]),
                  st.sampled_from(["order", "circuit"]))


@given(st.lists(STUBS, max_size=40, unique_by=lambda one: one[0]), st.data())
def test_however_many_are_parked_the_first_at_each_connector_holds_the_others_up(stubs, data):
    """Found by rows where they are many; here by looking through all of them."""
    lanes, there = Lanes(), []
    for seq, connectors, following, cause in stubs:
        there.append(parked(seq, *connectors, next=following, waiting_for=cause))
        lanes.park(there[-1])
        while there and data.draw(st.integers(0, 3)) == 0:
            lanes.unpark(there.pop(data.draw(st.integers(0, len(there) - 1))))
        if (lane := lanes.lane("ann")) is None:
            assert not there
            continue
        in_order = sorted(there, key=lambda one: one.seq)
        assert lane.parked == in_order
        first = {name: next((one for one in in_order if one.seq >= 0 and name in one.connectors), None)
                 for name in ("alpha", "beta", "")}
        assert lane.next_in_order() == [
            one for one in in_order if one.waiting_for == "order"
            and (first[one.next] is None or first[one.next].seq >= one.seq)]
        late = chain(100, "ann", "alpha")
        assert lane.blocker(late, step("alpha")) is first["alpha"]
