"""Changes are taken once they have settled; a bad one never replaces what runs."""

import os
import time

import pytest

from processor.config.errors import ConfigErrors
from processor.config.watch import SETTLED, Watcher


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watcher(folder, clock):
    made = Watcher(folder.root, folder.environ, known=folder.known, clock=clock)
    made.start()
    return made


def settled(watcher, clock):
    """What the watcher says once nothing has changed for a while."""
    assert watcher.poll() is None
    clock.now += SETTLED + 0.01
    return watcher.poll()


def test_without_a_change_there_is_nothing_to_tell(watcher, clock):
    assert settled(watcher, clock) is None
    assert settled(watcher, clock) is None


def test_a_good_change_is_told_once(folder, watcher, clock):
    folder.change("prompts.yaml", "STAY20", "STAY30")
    change = settled(watcher, clock)
    chain = change.configuration.apps["kiosk"].chain("save_offer", "accept")
    assert (chain[0].params.coupon_id, change.errors) == ("STAY30", ())
    assert settled(watcher, clock) is None


def test_a_bad_change_brings_its_mistakes_and_no_configuration_and_is_told_once(folder, watcher, clock):
    folder.change("prompts.yaml", "shop.cancel", "shop.cancle")
    change = settled(watcher, clock)
    assert change.configuration is None
    assert "shop.cancle" in change.errors[0].message
    assert settled(watcher, clock) is None


def test_mending_a_bad_change_is_told_even_where_it_was_simply_undone(folder, watcher, clock):
    folder.change("prompts.yaml", "shop.cancel", "shop.cancle")
    assert settled(watcher, clock).errors
    folder.change("prompts.yaml", "shop.cancle", "shop.cancel")
    assert settled(watcher, clock).configuration is not None


def test_a_file_that_is_still_being_written_is_not_taken(folder, watcher, clock):
    whole = (folder.app / "prompts.yaml").read_text().replace("STAY20", "STAY30")
    for end in range(100, len(whole), 100):
        (folder.app / "prompts.yaml").write_text(whole[:end])
        assert watcher.poll() is None
        clock.now += SETTLED / 2
        assert watcher.poll() is None
    (folder.app / "prompts.yaml").write_text(whole)
    assert settled(watcher, clock).configuration is not None


def test_a_touched_file_with_the_same_content_is_no_change(folder, watcher, clock):
    os.utime(folder.app / "app.yaml", (1, 1))
    assert settled(watcher, clock) is None


def test_new_and_removed_files_and_apps_are_changes(folder, watcher, clock):
    folder.write("prompts/more.yaml", "win_back: {title: x}")
    assert "win_back" in settled(watcher, clock).configuration.apps["kiosk"].prompts
    (folder.app / "prompts" / "more.yaml").unlink()
    assert "win_back" not in settled(watcher, clock).configuration.apps["kiosk"].prompts
    (folder.root / "apps" / "stand").mkdir()
    (folder.root / "apps" / "stand" / "app.yaml").write_text("title: Stand")
    assert set(settled(watcher, clock).configuration.apps) == {"kiosk", "stand"}


def test_a_file_replaced_by_renaming_is_a_change_even_at_the_same_size_and_time(folder, watcher, clock):
    path = folder.app / "prompts.yaml"
    before = path.stat()
    other = folder.root / "other"
    other.write_text(path.read_text().replace("STAY20", "STAY30"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(path)
    assert settled(watcher, clock).configuration is not None


def test_editors_files_are_ignored(folder, watcher, clock):
    folder.write(".prompts.yaml.swp", "x")
    folder.write("prompts.yaml~", "x")
    assert settled(watcher, clock) is None


def test_a_changed_secret_file_is_a_change_with_the_new_value_and_the_same_version(folder, clock):
    key = folder.root / "key"
    key.write_text("old-key")
    folder.change("connectors.yaml", "env:SHOP_KEY", "file:key")
    watcher = Watcher(folder.root, folder.environ, known=folder.known, clock=clock)
    first = watcher.start()
    key.write_text("newer-key")
    second = settled(watcher, clock).configuration
    assert second.apps["kiosk"].connectors["shop"].settings.api_key.get_secret_value() == "newer-key"
    assert second.version == first.version


def test_a_folder_that_vanishes_is_a_bad_change(folder, watcher, clock):
    (folder.root / "apps").rename(folder.root / "gone")
    assert settled(watcher, clock).configuration is None
    (folder.root / "gone").rename(folder.root / "apps")
    assert settled(watcher, clock).configuration is not None


def test_the_first_reading_raises_its_mistakes(folder, clock):
    folder.change("app.yaml", "title:", "titel:")
    with pytest.raises(ConfigErrors):
        Watcher(folder.root, folder.environ, known=folder.known, clock=clock).start()


def test_a_poll_of_two_hundred_files_takes_a_moment_only(folder, clock):
    for number in range(200):
        folder.write(f"prompts/p{number}.yaml", f"p{number}: {{title: x}}")
    watcher = Watcher(folder.root, folder.environ, known=folder.known, clock=clock)
    times = []
    for _ in range(20):
        start = time.process_time()
        watcher.poll()
        times.append(time.process_time() - start)
    assert min(times) < 0.004  # 0.5 ms were measured; other processes share the machine
