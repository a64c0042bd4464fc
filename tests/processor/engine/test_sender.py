"""In which order flights that wait at a gate go out."""

from connectors.kit import Limits
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration


def test_a_chain_that_has_begun_is_brought_to_its_end_before_another_begins():
    """Each chain that is open at a checkpoint costs a record of it."""
    process = Harness(configuration({"p": ["alpha.key", "alpha.key"]}, limits=Limits(concurrency=1)))
    for number, user in enumerate(("ann0", "bob0", "cid0")):
        process.accept(f"e{number}", user)
    for _ in range(5):
        process.answer()
    assert process.sent == [f"POST alpha/key/e{number}" for number in (0, 0, 1, 1, 2, 2)]
