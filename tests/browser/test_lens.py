"""The lens finds what it is there to find: each rule meets a page that breaks it."""

import pytest

from testkit.browser.lens import Lens

GOOD = """<!doctype html><html lang="en"><head><title>A page</title><style>:focus-visible {outline: 3px solid}</style>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>A page</h1><button>One</button> <button>Two</button>%s</main></body></html>"""

TRAP = """<a id="trap" href="/">In</a> <a href="/">Out</a>
<script>trap.onkeydown = (event) => event.preventDefault()</script>"""


@pytest.fixture
def found(visitor):
    """What the lens finds in a page with this in it."""

    def look(more):
        page = visitor("http://console.test")
        page.route("**/*", lambda route: route.fulfill(body=GOOD % more, content_type="text/html"))
        page.goto("/page")
        lens = Lens(page)
        lens.look("page")
        return lens.findings

    return look


def test_a_good_page_passes(found):
    assert found("") == []


@pytest.mark.parametrize(("broken", "said"), [
    ("<div style='width: 30rem'>wide</div>", "page, light, 360: is wider than the window"),
    ("<img src='data:,'>", "axe image-alt"),
    ("<p style='color: #aaa; background: #fff'>pale</p>", "axe color-contrast"),
    ("<button style='outline: none'>Three</button>", "does not show its focus: <button style"),
    (TRAP, "not reached by keyboard: <a href"),
    (f"<!-- {'x' * 160_000} -->", "weighs 160"),
])
def test_each_rule_finds_what_breaks_it(found, broken, said):
    assert said in "\n".join(found(broken))
