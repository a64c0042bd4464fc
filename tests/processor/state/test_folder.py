"""What is opened again, what is thrown away, and what must not be touched."""

import pytest

from processor.state import PartitionStore, StateError, StateFolder, StoreBrokenError, StoredAttributes, StoreInUseError
from processor.state import store as store_module

NOW = 1_760_000_000.0
ANNA = StoredAttributes({"email_address": "anna@example.com"}, 7, 1000)


@pytest.fixture
def folder(tmp_path):
    made = StateFolder(tmp_path / "state", 8, max_age=100, clock=lambda: NOW)
    yield made
    made.close_all()


def filled(folder: StateFolder, when: float = NOW) -> PartitionStore:
    """A store with one user, closed properly."""
    store = folder.open(0)
    store.load_attributes((f"demo:u{number}", ANNA._replace(offset=number)) for number in range(3000))
    store.put_attributes("demo:anna", ANNA)
    store.commit(store.seal(), {"attributes": 8}, when)
    folder.close(0)
    return store


def read_all(store: PartitionStore) -> None:
    """Every user of a filled store."""
    for number in range(3000):
        store.attributes(f"demo:u{number}")


def test_a_sound_store_is_used_again(folder):
    filled(folder, NOW - 100)
    store = folder.open(0)
    assert (store.discarded, store.attributes("demo:anna")) == ("", ANNA)


def test_a_first_store_has_thrown_nothing_away(folder):
    assert folder.open(0).discarded == ""


def test_a_store_that_is_too_old_is_rebuilt(folder):
    # Removals older than the changelog's retention may have passed it by.
    filled(folder, NOW - 101)
    store = folder.open(0)
    assert "hours old" in store.discarded
    assert store.attributes("demo:anna") is None
    assert store.positions() == {}


def test_a_store_whose_restore_was_cut_short_is_rebuilt(folder):
    # Without a position nobody knows which removals it lacks.
    folder.open(0).load_attributes([("demo:anna", ANNA)])
    store = folder.open(0)
    assert store.discarded == "it was never filled to the end"
    assert store.attributes("demo:anna") is None


def test_a_store_of_another_format_is_rebuilt(folder, monkeypatch):
    filled(folder)
    monkeypatch.setattr("processor.state.folder.FORMAT", "2/other")
    assert folder.open(0).discarded == f"its format is {store_module.FORMAT}, and 2/other is needed"


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*", "*.sst"])
def test_a_store_that_lost_a_file_is_rebuilt(folder, pattern):
    place = filled(folder).path
    victims = list(place.glob(pattern))
    assert victims
    for victim in victims:
        victim.unlink()
    store = folder.open(0)
    assert store.attributes("demo:anna") is None
    assert store.discarded.startswith("its files are damaged")
    store.put_attributes("demo:anna", ANNA)
    store.commit(store.seal(), {}, NOW)


@pytest.mark.parametrize("pattern", ["CURRENT", "MANIFEST-*"])
def test_a_store_with_rubbish_in_a_file_is_rebuilt(folder, pattern):
    place = filled(folder).path
    for victim in place.glob(pattern):
        victim.write_bytes(b"rubbish" * 20)
    store = folder.open(0)
    assert store.discarded.startswith("its files are damaged")
    assert store.attributes("demo:anna") is None


def test_damage_that_only_a_read_finds_is_named_and_ends_with_the_next_opening(folder):
    place = filled(folder).path
    for victim in place.glob("*.sst"):
        size = victim.stat().st_size
        with victim.open("r+b") as file:
            file.write(b"\xff" * (size // 2))
    store = folder.open(0)
    if not store.discarded:
        with pytest.raises(StoreBrokenError, match="will be rebuilt at the next start"):
            read_all(store)
        store = folder.open(0)
    assert "damaged" in store.discarded
    assert store.attributes("demo:anna") is None


def test_a_store_that_another_has_open_is_left_alone(folder):
    # Deleting it would pull the ground from under a living process.
    filled(folder)
    store = folder.open(0)
    other = StateFolder(folder.path, 8, clock=lambda: NOW)
    with pytest.raises(StoreInUseError, match="open elsewhere"):
        other.open(0)
    assert store.attributes("demo:anna") == ANNA


def test_a_folder_without_rights_is_an_error_and_no_damage(folder, monkeypatch):
    place = filled(folder).path

    def refuse(*_args, **_more):
        raise Exception("IO error: While open a file for appending: x.log: Permission denied")  # noqa: TRY002

    monkeypatch.setattr("processor.state.folder.PartitionStore", refuse)
    with pytest.raises(StateError, match="Permission denied"):
        folder.open(0)
    assert (place / "CURRENT").exists()


def test_a_discarded_store_is_gone_even_while_open(folder):
    filled(folder)
    place = folder.open(0).path
    folder.discard(0)
    assert not place.exists()
    assert folder.open(0).discarded == ""


def test_opening_again_closes_what_was_open(folder):
    filled(folder)
    first = folder.open(0)
    second = folder.open(0)
    assert second.attributes("demo:anna") == ANNA
    with pytest.raises(StateError, match="is closed"):
        first.attributes("demo:anna")
