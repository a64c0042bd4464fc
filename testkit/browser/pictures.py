"""Pictures for the documentation: a page wide and light beside the same narrow and dark, in few colours, small."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image

COLOURS = 28
"""Of each view."""
TALLEST = 820
GAP = 24
DOCUMENTED = frozenset({
    "sign-in", "actions", "connector", "connector-test-fails", "connector-paused", "prompts", "prompt-not-saved",
    "add-action", "action-form", "activity", "event", "event-replayed", "dead-letters", "dead-letter", "replay-plan",
    "replay", "health-paused", "members", "tokens", "audit", "api"})
"""What the documentation shows."""


class Album(NamedTuple):
    """Where pictures are kept, and which."""

    folder: Path
    wanted: Collection[str] | None = DOCUMENTED
    """None for all."""

    def wants(self, name: str) -> bool:
        """Whether a picture of this page is kept."""
        return self.wanted is None or name in self.wanted

    def keep(self, name: str, *shots: bytes) -> None:
        """Write screenshots beside each other, made small."""
        self.folder.mkdir(parents=True, exist_ok=True)
        views = [_view(shot) for shot in shots]
        width = sum(one.width for one in views) + GAP * (len(views) - 1)
        sheet = Image.new("RGB", (width, max(one.height for one in views)), "white")
        left = 0
        for one in views:
            sheet.paste(one, (left, 0))
            left += one.width + GAP
        _few(sheet, 2 * COLOURS + 1).save(self.folder / f"{name}.png", "PNG", optimize=True)


def _view(shot: bytes) -> Image.Image:
    with Image.open(BytesIO(shot)) as picture:
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, TALLEST)))
        return _few(cut, COLOURS).convert("RGB")


def _few(picture: Image.Image, colours: int) -> Image.Image:
    return picture.quantize(colours, method=Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)
