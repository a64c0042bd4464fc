"""What all tests share: a broker, started when the first test asks for it, and topics of one's own."""

import os
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import processor
from processor.compiled import engine
from testkit.kafka.broker import Broker, open_broker
from testkit.kafka.errors import NoKafka
from testkit.kafka.fresh import FreshTopics

REQUIRE_VARIABLE = "TESTKIT_REQUIRE_BROKER"
COMPILED_VARIABLE = "TESTKIT_COMPILED"
VENDOR_PACKAGES = "TESTKIT_VENDOR_PACKAGES"
SERVING = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(COMPILED_VARIABLE) == "1" and engine() != "compiled":
        pytest.exit(f"{COMPILED_VARIABLE}=1, but the engine that is found is interpreted: {processor.__path__}", 1)
    if VENDOR_PACKAGES in os.environ:  # at the end: our own versions go first
        sys.path.append(os.environ[VENDOR_PACKAGES])
    config.addinivalue_line("markers", "mock_cannot(what): with `real_broker`, what it is that the mock cannot serve")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the broker is marked, so that `-m 'not broker'` is the quick half."""
    for item in items:
        if "broker" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.broker)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tests that wait run side by side in several processes, each with a broker of its own: tell which."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["broker"] = session.config.stash.get(SERVING, "")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    served = getattr(node, "workeroutput", {}).get("broker", "")
    if served:
        node.config.stash[SERVING] = "; ".join(filter(None, [node.config.stash.get(SERVING, ""), served]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(f"broker: {config.stash.get(SERVING, 'none, since no test asked for one')}")


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The best broker that can be had here; shared by all tests of the session."""
    try:
        with open_broker() as found:
            pytestconfig.stash[SERVING] = str(found)
            if not found.real and os.environ.get(REQUIRE_VARIABLE) == "1":
                pytest.fail(f"{REQUIRE_VARIABLE}=1, but only {found}", pytrace=False)
            yield found
    except NoKafka as error:
        pytestconfig.stash[SERVING] = f"none: {error}"
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def real_broker(broker: Broker, request: pytest.FixtureRequest) -> Broker:
    """Kafka itself; skips by name and reason where only the mock is there."""
    if not broker.real:
        mark = request.node.get_closest_marker("mock_cannot")
        what = mark.args[0] if mark else "what this test needs"
        pytest.skip(f"librdkafka's mock cannot serve {what}")
    return broker


@pytest.fixture
def local_kafka(real_broker: Broker) -> Broker:
    """A broker whose process a test may stop, kill and halt; skips where it belongs to somebody else."""
    if real_broker.local is None:
        pytest.skip(f"the broker ({real_broker.kind}) is not ours to stop")
    return real_broker


@pytest.fixture
def topics(broker: Broker) -> Iterator[FreshTopics]:
    """Makes topics whose names no other test has."""
    made = FreshTopics(broker, f"test-{uuid.uuid4().hex[:12]}")
    yield made
    made.remove()
