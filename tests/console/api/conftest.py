"""The office of dead letters without a broker."""

import pytest

from testkit import letter_office


@pytest.fixture
def office(tmp_path):
    """Three letters of `shop`, one of `other`, and one of a message that could not be read."""
    with letter_office.opened(tmp_path) as made:
        yield made
