from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.config import documents
from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.file_store import FileStore
from processor.config.writing import files_of, put, text_of, write
from testkit.vendors import example

CONFIG = Path(__file__).parents[3] / "config"
AWKWARD = [
    "true", "no", "on", "~", "null", "1e5",
    "0o17", "017", "0x1F", "12:30", "2026-01-01", "=", "<<", "1_000", ".5", "5.",
    "", " x ", "# x", "a: b", "- a", "a\nb", "a\n\n b\n", "\t", "é ✓ 𝄞", "\x85", "a\u2028b", "\ufeff", "%x", "@x",
    "{a}",
    "[a]", "*a", "&a", "!a", "'", '"', "|", ">", "?", "+1", "-0", "1e+5", ".inf", ".nan", "0b1", "12e03",
]
scalars = (st.none() | st.booleans() | st.integers(-2**63, 2**63) | st.floats(allow_nan=False, allow_infinity=False)
           | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])) | st.sampled_from(AWKWARD))
keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=9) | st.sampled_from(AWKWARD)
values = st.recursive(scalars, lambda one: st.lists(one, max_size=3) | st.dictionaries(keys, one, max_size=3),
                      max_leaves=8)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_written_is_read_as_the_same_data(data):
    document, errors = documents.parse(text_of(data), "x.yaml")
    assert errors == []
    assert (document.data or {}) == data


@pytest.mark.parametrize("text", AWKWARD)
def test_texts_that_look_like_something_else_stay_texts(text):
    document, errors = documents.parse(text_of({"a": text, text: ["x", text]}), "x.yaml")
    assert errors == []
    assert document.data == ({"a": text, text: ["x", text]})


def test_an_exported_app_is_sound_and_has_the_same_version(tmp_path):
    compiler = Compiler(example.environment(), CONFIG)
    store, before = FileStore(compiler), FileStore(compiler).configuration()
    for name in store.names():
        write(tmp_path, name, store.current(name).content)
    after = FileStore(Compiler(example.environment(), tmp_path)).configuration()
    assert {name: app.version for name, app in after.apps.items()} == {
        name: app.version for name, app in before.apps.items()}
    assert after == before


def test_nothing_that_is_there_is_overwritten(tmp_path):
    write(tmp_path, "kiosk", {"app": {"title": "Kiosk"}})
    with pytest.raises(FileExistsError, match="is there already"):
        write(tmp_path, "kiosk", {})
    assert files_of({})["app.yaml"] == ""
    assert FileStore(Compiler({}, tmp_path)).configuration().apps["kiosk"].title == "Kiosk"


def test_an_app_without_anything_is_written_as_one(tmp_path):
    write(tmp_path, "kiosk", {})
    try:
        assert FileStore(Compiler({}, tmp_path)).configuration().apps["kiosk"].prompts == {}
    except ConfigErrors as error:
        pytest.fail(str(error))


def test_who_may_read_a_file_stays_when_it_is_written_anew(tmp_path):
    path = tmp_path / "prompts.yaml"
    path.write_text("old")
    path.chmod(0o640)
    put(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [path]
