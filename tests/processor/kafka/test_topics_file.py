"""The file that describes the topics is read whole, and its mistakes are named with their place."""

import pytest

from processor.config.errors import ConfigErrors
from processor.config.files import load
from processor.kafka.topics import USER_ROLES
from processor.kafka.topics_file import FILE, read_topics, topics_path
from processor.settings import TopicSettings
from testkit.vendors.example import environment

NAMES = dict(TopicSettings())
WEEK = "604800000"

SMALL = """
partitions: 2
topics:
  interactions:
    partitions: users
    settings: {retention.ms: 7d, max.message.bytes: 10}
  config:
    partitions: 1
"""


def written(tmp_path, text):
    path = tmp_path / FILE
    path.write_text(text)
    return path


def test_the_example_describes_every_topic_of_the_processor(pytestconfig):
    specs = read_topics(pytestconfig.rootpath / "config" / FILE, NAMES)
    assert {spec.role: spec.name for spec in specs} == NAMES
    assert all(spec.why for spec in specs)


def test_in_the_example_all_topics_of_users_have_the_same_number(pytestconfig):
    specs = read_topics(pytestconfig.rootpath / "config" / FILE, NAMES)
    assert {spec.role for spec in specs if spec.of_users} == set(USER_ROLES)
    assert len({spec.partitions for spec in specs if spec.of_users}) == 1


def test_in_the_example_deletions_stay_a_week_on_what_stores_are_rebuilt_from(pytestconfig):
    """A local store younger than half of that is trusted; it must not have missed a deletion."""
    specs = {spec.role: spec.settings for spec in read_topics(pytestconfig.rootpath / "config" / FILE, NAMES)}
    assert specs["attributes_changelog"]["delete.retention.ms"] == WEEK
    assert specs["chains"]["delete.retention.ms"] == WEEK
    assert specs["chains"]["cleanup.policy"] == "compact", "an open chain is never deleted by age"


def test_in_the_example_ids_of_ended_events_outlive_every_duplicates_window(pytestconfig):
    config = pytestconfig.rootpath / "config"
    specs = {spec.role: spec.settings for spec in read_topics(config / FILE, NAMES)}
    windows = [app.duplicates_window for app in load(config, environment()).apps.values()]
    assert int(specs["finished"]["retention.ms"]) / 1000 >= max(windows) * 1.25


def test_times_with_units_become_milliseconds_and_names_come_from_the_settings(tmp_path):
    names = {"interactions": "renamed", "config": "cfg"}
    interactions, config = read_topics(written(tmp_path, SMALL), names)
    assert interactions.name == "renamed"
    assert interactions.settings == {"retention.ms": WEEK, "max.message.bytes": "10"}
    assert (interactions.partitions, config.partitions) == (2, 1)


@pytest.mark.parametrize(("wrong", "line", "told"), [
    (SMALL.replace("7d", "7 weaks"), 6, "no length of time"),
    (SMALL.replace("interactions:", "interaction:"), 4, "did you mean 'interactions'?"),
    (SMALL.replace("partitions: users", "partitions: 9"), 5, "write 'users'"),
    (SMALL.replace("partitions: 1", "partitions: users"), 8, "write a number"),
    (SMALL.replace("partitions: 2", "partition: 2"), 2, "partitions"),
])
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(tmp_path, wrong, line, told):
    with pytest.raises(ConfigErrors) as caught:
        read_topics(written(tmp_path, wrong), {"interactions": "in", "config": "cfg"})
    assert any(error.line == line and told in str(error) for error in caught.value.errors), str(caught.value)


def test_a_topic_that_the_file_leaves_out_is_a_mistake(tmp_path):
    with pytest.raises(ConfigErrors, match="'chains' is missing"):
        read_topics(written(tmp_path, SMALL), {"interactions": "in", "config": "cfg", "chains": "ch"})


def test_the_users_file_stands_before_the_one_of_the_package(tmp_path):
    assert topics_path(tmp_path).exists(), "without a file of their own a user gets the package's"
    own = written(tmp_path, SMALL)
    assert topics_path(tmp_path) == own
