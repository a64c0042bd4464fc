"""What a process is to its group: which protocol, which assignor, and whether it keeps its place over a restart."""

import pytest

from processor.kafka.clients import consumer_properties
from processor.settings import ProcessorSettings


def properties(**settings):
    return consumer_properties(ProcessorSettings(instance="blue-1", **settings))


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_static_membership_gives_the_instance_a_place_of_its_own_and_without_it_there_is_none(protocol):
    assert properties(group_protocol=protocol, static_membership=True)["group.instance.id"] == "blue-1"
    assert "group.instance.id" not in properties(group_protocol=protocol)


@pytest.mark.parametrize(("protocol", "name"), [
    ("consumer", "group.remote.assignor"), ("classic", "partition.assignment.strategy")])
def test_under_either_protocol_partition_p_of_all_inputs_goes_to_one_member(protocol, name):
    found = properties(group_protocol=protocol)
    assert (found["group.protocol"], found[name]) == (protocol, "range")
