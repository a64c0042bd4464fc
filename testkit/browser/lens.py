"""Looks at pages as people do: light and dark, wide and narrow, by keyboard; what is wrong is found, not guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import resources
from itertools import product
from typing import Any, Literal

from playwright.sync_api import Page

from testkit.browser.pictures import Album

Colour = Literal["light", "dark"]
WIDE, NARROW = 1280, 360
COLOURS: tuple[Colour, ...] = ("light", "dark")
HEIGHT = 900
SHOWN: Collection[tuple[Colour, int]] = (("light", WIDE), ("dark", NARROW))
"""Both colours and both widths, in two views."""
MOST_BYTES = 150_000
"""Of a page with all that it loads."""
EXTRA_TABS = 25
"""Regions that scroll take the focus too, and are no controls."""

_OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("main *, header *, nav *")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > wide + 1)
    .slice(0, 4).map((one) => one.outerHTML.slice(0, 120));
}"""
_WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((one) => ["navigation", "link", "script", "img", "css", "other"].includes(one.initiatorType))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
_CONTROLS = """() => {
  const all = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const found = [...document.querySelectorAll(all)].filter((one) => !one.disabled && one.tabIndex >= 0
    && one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}));
  found.forEach((one, at) => { one.dataset.control = at; });
  const first = document.querySelector(".skip") || found[0];
  first.focus();
  return found.map((one) => one.outerHTML.slice(0, 110));
}"""
_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return [Number(one.dataset?.control ?? -1), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
}"""
_CALM = "() => { document.activeElement?.blur(); window.scrollTo(0, 0); }"
_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                                                "best-practice"]}}


class Lens:
    """Looks at one page after the other, and keeps pictures where a folder is given."""

    def __init__(self, page: Page, album: Album | None = None) -> None:
        self.page = page
        self.seen: list[str] = []
        """Names of what was looked at."""
        self.findings: list[str] = []
        """What is wrong, in words."""
        self._album = album
        self._axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    def look(self, name: str) -> None:
        """Hold the page that is open to all rules; findings are added."""
        self.seen.append(name)
        shots = []
        for colour, width in product(COLOURS, (WIDE, NARROW)):
            self._dress(colour, width)
            if self._album is not None and self._album.wants(name) and (colour, width) in SHOWN:
                self.page.evaluate(_CALM)
                shots.append(self.page.screenshot(full_page=True))
            self.findings += [f"{name}, {colour}, {width}: {one}" for one in self._wrong(colour, width)]
        if self._album is not None and shots:
            self._album.keep(name, *shots)
        self._dress("light", WIDE)

    def _dress(self, colour: Colour, width: int) -> None:
        self.page.emulate_media(color_scheme=colour, reduced_motion="reduce")
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def _wrong(self, colour: Colour, width: int) -> Iterator[str]:
        for one in self.page.evaluate(_OVERFLOW):
            yield f"is wider than the window: {one}"
        if (colour, width) in SHOWN:
            yield from self._accessibility()
        if (colour, width) == ("light", WIDE):
            yield from self._keyboard()
            yield from self._weight()

    def _accessibility(self) -> Iterator[str]:
        self.page.evaluate(_CALM)
        self.page.evaluate(self._axe)
        found: dict[str, Any] = self.page.evaluate("(rules) => axe.run(document, rules)", _RULES)
        for one in found["violations"]:
            places = "; ".join(node["html"][:160] for node in one["nodes"][:3])
            yield f"axe {one['id']}: {one['help']}: {places}"

    def _keyboard(self) -> Iterator[str]:
        """Every control is reached by Tab, and each shows that it has the focus."""
        controls: list[str] = self.page.evaluate(_CONTROLS)
        missed, dim = set(range(len(controls))), set()
        for _ in range(len(controls) + EXTRA_TABS):
            self.page.keyboard.press("Tab")
            at, is_shown = self.page.evaluate(_FOCUS)
            if at >= 0 and not is_shown:
                dim.add(at)
            missed.discard(at)
            if not missed:
                break
        yield from (f"not reached by keyboard: {controls[at]}" for at in sorted(missed))
        yield from (f"does not show its focus: {controls[at]}" for at in sorted(dim))

    def _weight(self) -> Iterator[str]:
        weight = int(self.page.evaluate(_WEIGHT))
        if weight > MOST_BYTES:
            yield f"weighs {weight} bytes"
