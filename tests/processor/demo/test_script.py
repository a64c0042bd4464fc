"""People and script: the same for the same seed, and nothing that the example configuration does not know."""

from random import Random

import pytest

from connectors.kit.event import CHAIN_INTERACTIONS
from processor.config.files import load
from processor.demo import trouble
from processor.demo.people import DAILYNEWS, STREAMLY, crowd
from processor.demo.script import RUSH, SCENES, Writer, rush, stream
from processor.demo.stage import example_folder
from testkit.vendors import example


@pytest.fixture(scope="module")
def configuration():
    return load(example_folder(), example.environment(), example.overrides("http://127.0.0.1:1"))


def writer(seed=1):
    return Writer(Random(seed), 1_000_000.0, "run")


def test_the_same_seed_makes_the_same_people_and_events():
    first, second = (crowd(Random(5), 60) for _ in range(2))
    assert first == second
    assert list(stream(writer(), Random(2), first, 5, 20)) == list(stream(writer(), Random(2), second, 5, 20))
    assert crowd(Random(6), 60) != first


def test_not_everything_is_known_about_everybody():
    people = crowd(Random(5), 120)
    assert {one.app_id for one in people} == {STREAMLY, DAILYNEWS}
    assert any("stripe_id" not in one.attributes for one in people)
    assert all("email_address" in one.attributes for one in people)


def test_every_scene_is_a_prompt_of_the_example_and_all_interactions_occur(configuration):
    for app, scenes in SCENES.items():
        for scene in scenes:
            known = configuration.apps[app].prompts[scene.prompt].chains
            assert scene.interaction == "impression" or scene.interaction in known, scene
    seen = {scene.interaction for scenes in SCENES.values() for scene in scenes}
    assert seen == {*CHAIN_INTERACTIONS, "impression"}


def test_no_user_does_the_same_twice_while_others_are_left():
    cues = list(stream(writer(), Random(3), crowd(Random(5), 120), 15, 12))
    done = [(one.event.user_id, one.event.prompt_id, one.event.interaction) for one in cues]
    assert len(done) > 100
    assert len(set(done)) == len(done)


def test_what_a_vendor_cannot_tell_apart_is_never_done_twice_however_long_it_goes_on():
    maker, people = writer(), crowd(Random(5), 4)
    drawn = [maker.choose(people) for _ in range(500)]
    once = [(person.user_id, scene) for person, scene in drawn if scene.once]
    assert len(drawn) > len({(person.user_id, scene) for person, scene in drawn}), "all was done that there is"
    assert len(once) == len(set(once))


def test_the_script_shows_each_role_once_a_duplicate_and_something_unreadable():
    cues = list(trouble.script(writer(), 15))
    ids = [cue.event.event_id for cue in cues if cue.event]
    assert {cue.event.user_id for cue in cues if cue.event} == {role.name for role in trouble.ROLES}
    assert len(ids) == len(set(ids)) + 1
    assert [cue.kind for cue in cues].count("garbage") == 1
    assert max(cue.at for cue in cues) < 15


def test_the_rush_is_large_enough_to_open_a_circuit():
    cues = list(rush(writer(), crowd(Random(5), 120), 15))
    assert len(cues) == RUSH
    assert max(cue.at for cue in cues) - min(cue.at for cue in cues) < trouble.OUTAGE_SECONDS / 2


class FakeControl:
    def __init__(self):
        self.calls = []

    def fault(self, **rule):
        self.calls.append(("fault", rule["vendor"]))
        return 7

    def clear(self, number):
        self.calls.append(("clear", number))


def test_an_outage_begins_and_ends_once():
    control = FakeControl()
    outage = trouble.Outage(control, 10)
    told = [outage.turn(at) for at in (0.0, 2.3, 3.0, 5.5, 6.0, 9.0)]
    assert [bool(one) for one in told] == [False, True, False, True, False, False]
    assert control.calls == [("fault", trouble.DOWN), ("clear", 7)]


def test_an_outage_that_is_cut_short_leaves_the_vendor_up():
    control = FakeControl()
    outage = trouble.Outage(control, 10)
    outage.turn(2.3)
    outage.end()
    assert outage.end() == ""
    assert control.calls == [("fault", trouble.DOWN), ("clear", 7)]
