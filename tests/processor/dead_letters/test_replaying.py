"""What a plan says of its duration: the slowest of the rate that was asked for and the vendors' limits."""

import pytest

from connectors.kit.connector import Limits
from processor.dead_letters.judging import Options
from processor.dead_letters.replaying import Replayer
from processor.dead_letters.selection import Selection
from processor.settings import TopicSettings
from testkit.engine.vendors import configuration
from testkit.letters import CODEC, failed_binding, letter_of

LETTERS = 12


@pytest.mark.parametrize(("limit", "rate", "seconds"), [
    (0.0, 4.0, 3.0),  # the vendor names no limit
    (6.0, 4.0, 3.0),
    (2.0, 4.0, 6.0),  # the vendor is slower than what was asked for
])
def test_it_takes_as_long_as_the_rate_or_the_vendors_limit_lets_it(filled, limit, rate, seconds):
    filled.put(*(letter_of(f"e{number}", failed_binding("alpha", "key"), app="app", user=f"u{number}", prompt="p",
                           remaining=("alpha.key",)) for number in range(LETTERS)))
    configured = configuration({"p": ["alpha.key"]}, limits=Limits(rate=limit))
    replayer = Replayer(filled.index, None, CODEC, configured, TopicSettings())
    plan = replayer.plan("r1", Selection(), Options(), "olga", rate)
    assert plan.letters == LETTERS
    assert plan.seconds == pytest.approx(seconds)
