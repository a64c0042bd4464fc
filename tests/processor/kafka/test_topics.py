"""A plan names every difference, and refuses what would lose users."""

from processor.kafka.topics import TopicSpec, TopicState, plan, said

SPECS = (
    TopicSpec("interactions", "in", 4, {"retention.ms": "604800000"}),
    TopicSpec("chains", "chains", 4, {"cleanup.policy": "compact"}),
    TopicSpec("config", "config", 1, {"cleanup.policy": "compact"}),
)
RIGHT = {
    "in": TopicState(4, {"retention.ms": "604800000"}),
    "chains": TopicState(4, {"cleanup.policy": "compact"}),
    "config": TopicState(1, {"cleanup.policy": "compact"}),
}


def kinds(changes):
    return [(one.kind, one.topic) for one in changes]


def test_an_empty_cluster_gets_every_topic():
    assert kinds(plan(SPECS, {})) == [("create", "in"), ("create", "chains"), ("create", "config")]


def test_nothing_is_planned_where_all_is_as_it_should_be():
    assert plan(SPECS, RIGHT) == ()


def test_a_setting_that_differs_is_set_and_both_values_are_told():
    changed = {**RIGHT, "in": TopicState(4, {"retention.ms": "86400000"})}
    (change,) = plan(SPECS, changed)
    assert (change.kind, change.settings) == ("alter", {"retention.ms": "604800000"})
    assert change.says == "set retention.ms to 1w (is 1d)"


def test_the_order_of_a_list_and_the_spelling_of_a_number_do_not_matter():
    """A broker answers in its own spelling; altering at every run would hide real differences."""
    spec = (TopicSpec("config", "c", 1, {"cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.10"}),)
    there = {"c": TopicState(1, {"cleanup.policy": "delete,compact", "min.cleanable.dirty.ratio": "0.1"})}
    assert plan(spec, there) == ()


def test_topics_of_users_with_different_numbers_are_a_problem_each_and_say_the_others():
    uneven = {**RIGHT, "chains": TopicState(6, {"cleanup.policy": "compact"})}
    found = plan(SPECS, uneven)
    assert kinds(found) == [("problem", "in"), ("problem", "chains")]
    assert "chains 6" in found[0].says


def test_another_number_than_the_files_is_never_changed_by_itself():
    """More partitions would move users away from their attributes and open chains."""
    eight = {**RIGHT, "in": TopicState(8, RIGHT["in"].settings), "chains": TopicState(8, RIGHT["chains"].settings)}
    found = plan(SPECS, eight)
    assert kinds(found) == [("problem", "in"), ("problem", "chains")]
    assert "partitions: 8" in found[0].says


def test_topics_that_no_user_lies_in_may_have_any_number():
    assert plan(SPECS, {**RIGHT, "config": TopicState(3, {"cleanup.policy": "compact"})}) == ()


def test_times_are_told_with_their_unit_and_the_rest_as_it_is():
    assert (said("retention.ms", "3600000"), said("retention.ms", "-1"), said("a.bytes", "3600000")) == (
        "1h", "-1", "3600000")
