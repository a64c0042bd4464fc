"""The page shows a whole connector with its tests: both run here as they stand there."""

import inspect
import re
import sys
import types
from pathlib import Path

import pytest

from connectors import kit
from connectors.kit import Connector, Repeat
from connectors.kit.http import build

PAGE = (Path(__file__).parents[2] / "docs" / "writing-a-connector.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAME = "connectors.custom.acme_points"


@pytest.fixture
def page_module(monkeypatch):
    """The connector of the page, importable under the name that the page gives it."""
    module = types.ModuleType(NAME)
    exec(compile(BLOCKS[0], "writing-a-connector.md", "exec"), vars(module))  # noqa: S102 - the page is ours
    monkeypatch.setitem(sys.modules, NAME, module)
    return module


def cases(function):
    """The argument sets of a parametrised test; one empty one where it has no parameters."""
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            return [dict(zip(mark.args[0], values, strict=True)) for values in mark.args[1]]
    return [{}]


def test_the_page_holds_a_connector_and_its_tests():
    assert len(BLOCKS) == 5, "the connector, its tests, and what its emulator needs"
    assert f"{NAME.replace('.', '/')}.py" in PAGE


def test_the_connector_of_the_page_is_one(page_module):
    assert isinstance(page_module.connector, Connector)
    assert page_module.connector.id == NAME.rpartition(".")[2]


def test_the_tests_of_the_page_pass(page_module):
    space = {}
    exec(compile(BLOCKS[1], "writing-a-connector.md", "exec"), space)  # noqa: S102 - the page is ours
    tests = [one for name, one in space.items() if name.startswith("test_")]
    assert len(tests) == 5
    for one in tests:
        for values in cases(one):
            one(**values)


def test_the_check_and_the_pick_list_of_the_page_work(page_module):
    from testkit.flows import answer, drive

    settings = page_module.connector.settings(api_key="k")
    assert drive(page_module.check(settings), [answer(json={"name": "Shop"})]).done.name == "Shop"
    listed = answer(json={"programmes": [{"id": "gold", "title": "Gold"}]})
    assert drive(page_module.programmes(settings), [listed]).done == [("gold", "Gold")]


def words(heading):
    """First cells of the table under a heading, without the marks around them."""
    part = PAGE.split(f"\n## {heading}")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`(=]+)", part, re.MULTILINE)


def test_every_keyword_and_failure_that_the_page_names_exists():
    named = words("What an action may yield")
    keywords = [one for one in named if one[0].islower()]
    failures = [one for one in named if one[0].isupper()]
    bodies_and_names = {"method", "path", "form", "json", "body", "content_type", "headers"}
    assert set(keywords) == set(inspect.signature(build).parameters) - bodies_and_names
    assert all(issubclass(getattr(kit, one), kit.Failure) for one in failures)
    assert len(failures) == 5


def test_every_kind_of_repeat_is_explained():
    assert re.findall(r"^\| `Repeat\.(\w+)`", PAGE, re.MULTILINE) == [one.name for one in Repeat]
