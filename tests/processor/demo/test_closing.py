"""The end of the demo: what it tells to try next can be typed as it stands."""

import sys
from pathlib import Path

import pytest

from processor.demo import closing


@pytest.mark.parametrize(("path", "told"), [(str(Path(sys.executable).parent), False), ("", True)])
def test_a_shell_that_lacks_the_command_is_told_how_to_get_it(path, told, monkeypatch):
    monkeypatch.setenv("PATH", path)
    first = list(closing._next())[1].split()
    assert (first[0] == ".") == told
    if told:
        assert Path(first[1]).resolve() == Path(sys.prefix, "bin", "activate").resolve()
        assert Path(first[1]).exists()
