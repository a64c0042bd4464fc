"""References lead to secrets, or to an error that names the reference and never a value."""

from pathlib import Path

import pytest

from processor.config import secrets
from processor.config.secrets import SecretError, reference, resolve


def test_env_takes_the_variable():
    assert resolve("env:A", {"A": "x"}).get_secret_value() == "x"


@pytest.mark.parametrize(("content", "value"), [
    ("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), (" x ", " x "),
    ("-----\na\n-----\n", "-----\na\n-----"),
])
def test_file_loses_one_newline_at_its_end_and_nothing_else(tmp_path, content, value):
    (tmp_path / "s").write_bytes(content.encode())
    assert resolve("file:s", {}, tmp_path).get_secret_value() == value
    assert resolve(f"file:{tmp_path}/s", {}, Path("/nowhere")).get_secret_value() == value


@pytest.mark.parametrize(("text", "why"), [
    ("env:A", "A is not set"), ("env:EMPTY", "EMPTY is empty"), ("file:none", "cannot be read: No such file"),
    ("file:void", "is empty"), ("file:bytes", "no UTF-8"), ("box:x", "not a reference"),
    ("hunter22", "not a reference"),
])
def test_what_leads_nowhere_says_why(tmp_path, text, why):
    (tmp_path / "void").write_text("")
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(SecretError, match=why) as caught:
        resolve(text, {"EMPTY": ""}, tmp_path)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(("value", "found"), [
    ("env:A", "env:A"), ({"env": "A"}, "env:A"), ({"file": "a/b"}, "file:a/b"), ("env:", None), ("A", None),
    ("https://x", None), ({"env": "A", "x": "y"}, None), ({"env": 1}, None), (5, None), (None, None),
])
def test_only_known_schemes_are_references(value, found):
    assert reference(value) == found


def test_a_secret_does_not_show_in_its_repr():
    assert "hunter22" not in repr(resolve("env:A", {"A": "hunter22"}))


def test_further_schemes_can_be_put_in(monkeypatch):
    monkeypatch.setitem(secrets.RESOLVERS, "box", lambda name, _environ, _folder, _app: f"from {name}")
    assert reference("box:a") == "box:a"
    assert resolve("box:a", {}).get_secret_value() == "from a"
