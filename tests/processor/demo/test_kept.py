"""The demo's configuration in memory: changed in the console, audited, taken up by the processor."""

import pytest

from processor.access import Company
from processor.config import secrets
from processor.config.errors import ConfigErrors
from processor.config.vault import Access
from processor.demo.kept import StoreSource, kept_store
from processor.demo.stage import example_folder
from testkit.vendors import example


@pytest.fixture
def store(tmp_path):
    yield kept_store(example_folder(), example.environment(), {}, tmp_path, Company())
    secrets.configure([], Access(), {}, tmp_path)


def test_the_example_is_there_and_a_typed_secret_can_be_sealed(store):
    assert store.names() == ("dailynews", "streamly")
    assert secrets.keyring().seal("x", "streamly").startswith("sealed:")


def test_a_change_is_told_to_the_processor_once_and_audited(store):
    source = StoreSource(store)
    before = source.start()
    assert source.poll() is None
    content = {**store.current("streamly").content, "app": {"title": "Another"}}
    store.apply("streamly", content, base=1, by="anna", note="why")
    change = source.poll()
    assert change.configuration.apps["streamly"].title == "Another"
    assert before.apps["streamly"].title == "Streamly"
    assert source.poll() is None
    told = [one for one in store.audit.newest(50) if one["by"] == "anna"]
    assert [(one["did"], one["subject"], one["why"]) for one in told] == [("configured", "streamly@2", "why")]
    assert told[0]["after"]["changes"] == [{
        "app": "streamly", "part": "app", "name": "streamly", "kind": "changed", "what": "title", "before": "Streamly",
        "after": "Another"}]


def test_what_is_no_sound_configuration_is_refused_and_nobody_is_told(store):
    source = StoreSource(store)
    source.start()
    with pytest.raises(ConfigErrors):
        store.apply("streamly", {"app": {"titel": "x"}}, base=1, by="anna")
    assert source.poll() is None
    assert [one for one in store.audit.newest(50) if one["by"] == "anna"] == []
