"""Earlier versions' connectors: unpacked once, newest first, without a page waiting for all of them."""

import threading
import time

from console.pasts import Pasts
from processor.config.content import Compiler
from processor.config.memory_store import MemoryStore


class Counting(MemoryStore):
    """Counts what is unpacked."""

    unpacked = 0

    def __init__(self, compiler):
        super().__init__(compiler)
        self.page = threading.get_ident()
        self.behind = threading.Event()
        self.behind.set()

    def version(self, name, number):
        assert threading.get_ident() == self.page or self.behind.wait(20)
        self.unpacked += 1
        return super().version(name, number)


def store_of(versions):
    store = Counting(Compiler({"K": "sk_test_1"}))
    for number in range(versions):
        connectors = {"stripe": {"settings": {"api_key": "env:K"}, "limits": {"rate": number // 2 + 1}}}
        store.apply("shop", {"app": {"title": f"t{number}"}, "connectors": connectors}, base=number, by="anna")
    return store


def test_all_versions_are_told_newest_first_and_each_unpacked_once():
    store = store_of(4)
    pasts = Pasts(store)
    found, complete = pasts.of("shop")
    assert complete
    assert [one.connectors["stripe"]["limits"]["rate"] for one in found] == [2, 2, 1, 1]
    assert found[0].connectors is found[1].connectors, "what does not differ is remembered once"
    pasts.of("shop")
    assert store.unpacked == 4
    store.apply("shop", {"connectors": {}}, base=4, by="ben")
    assert pasts.of("shop")[0][0].version.by == "ben"
    assert store.unpacked == 5


def test_a_page_waits_for_a_little_and_the_rest_comes_behind_it():
    moments = iter([0.0, 0.0, *([1.0] * 100)])
    store = store_of(6)
    store.behind.clear()
    pasts = Pasts(store, clock=lambda: next(moments, 0.0))
    found, complete = pasts.of("shop")
    assert not complete
    assert len(found) == 1
    store.behind.set()
    end = time.monotonic() + 20
    while not complete and time.monotonic() < end:
        time.sleep(0.01)
        found, complete = pasts.of("shop")
    assert len(found) == 6


def test_an_app_that_is_not_there_has_no_past():
    assert Pasts(store_of(1)).of("nothing") == ([], True)
