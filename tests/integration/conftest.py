"""A real broker, emulated vendors in a process of their own, and places where real processors run."""

from collections.abc import Iterator

import pytest

from testkit.processor.site import Site
from testkit.vendors import credentials
from testkit.vendors.client import Control
from testkit.vendors.server import VendorServer

QUICK = {
    "join_grace": 2, "retry__base": 0.05, "retry__cap": 0.5, "retry__park_after": 0.4, "drain": 5,
    "http__timeout": 5, "checkpoint__interval": 0.05,
}
"""Settings under which nothing takes as long as it would in earnest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.broker)
            item.add_marker(pytest.mark.mock_cannot("transactions and groups of whole processors"))


@pytest.fixture(scope="session")
def vendor_server() -> Iterator[VendorServer]:
    with VendorServer(own_process=True, keep=200_000) as server:
        yield server


@pytest.fixture
def vendors(vendor_server: VendorServer) -> Control:
    """The emulators, as new."""
    control = vendor_server.control()
    control.reset(seed=1)
    return control


@pytest.fixture
def site(real_broker, topics, tmp_path, vendors, vendor_server) -> Iterator[Site]:
    """A place for processors, with the emulators' credentials in their environment."""
    made = Site(topics, tmp_path, environ=dict(credentials.environment(vendor_server.base_url)), **QUICK)
    yield made
    made.close()
