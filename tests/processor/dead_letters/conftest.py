"""An index of letters, without Kafka."""

import pytest

from processor.dead_letters.index import Change, Index
from testkit.letters import CODEC, key_of


class Filled:
    """An index, and the topic that it follows."""

    def __init__(self, index):
        self.index = index
        self.offset = 0

    def put(self, *letters):
        """Records of the topic, in order."""
        self.write(*((key_of(one), CODEC.encode_dead_letter(one)) for one in letters))

    def write(self, *records):
        changes = [Change(0, self.offset + number, *one) for number, one in enumerate(records)]
        self.offset += len(changes)
        self.index.apply(changes, {0: self.offset})


@pytest.fixture
def filled(tmp_path):
    with Index(tmp_path, CODEC) as index:
        yield Filled(index)
