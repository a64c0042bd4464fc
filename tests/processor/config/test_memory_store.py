import pytest

from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore
from testkit.store_contract import ENVIRON, KIOSK, StoreContract


@pytest.fixture
def store():
    return MemoryStore(Compiler(ENVIRON))


class TestMemoryStore(StoreContract):
    pass


def test_it_can_begin_with_apps():
    store = MemoryStore(Compiler(ENVIRON), {"kiosk": KIOSK}, clock=lambda: 12.5)
    found = store.current("kiosk")
    assert (found.number, found.at, found.by) == (1, 12_500, "test")
