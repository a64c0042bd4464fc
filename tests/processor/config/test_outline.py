"""What changes when versions do, and costs nothing: the outline of a store."""

import os

from processor.config.content import Compiler
from processor.config.file_store import FileStore
from processor.config.memory_store import MemoryStore


def test_a_store_in_memory_tells_its_versions_without_their_contents():
    store = MemoryStore(Compiler({}))
    store.apply("shop", {"app": {"title": "One"}}, base=0, by="anna")
    store.apply("shop", None, base=1, by="ben")
    assert [(one.number, one.by, one.content, bool(one.digest)) for one in store.outline("shop")] == [
        (2, "ben", None, False), (1, "anna", None, True)]
    assert store.outline("shop", 1) == store.outline("shop")[:1]
    assert store.outline("else") == ()


def test_a_folder_has_another_outline_when_a_file_of_it_is_written(tmp_path):
    app = tmp_path / "apps" / "shop"
    app.mkdir(parents=True)
    (app / "app.yaml").write_text("title: One\n")
    store = FileStore(Compiler({}, tmp_path))
    before = store.outline("shop")
    assert store.outline("shop") == before
    (app / "app.yaml").write_text("title: Two\n")
    os.utime(app / "app.yaml", ns=(1, 1))
    assert store.outline("shop") != before
    assert store.outline("else") == ()
