"""Pictures for the documentation: cut where they grow long, with few colours, so that they stay small."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image

COLOURS = 40
MOST = 2.2
"""Height in widths; a narrow page may be this long twice."""
NARROW = 600


def keep(png: bytes, path: Path, width: int) -> None:
    """Write a screenshot, made small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(png)) as picture:
        longest = int(width * (MOST * 2 if width < NARROW else 1))
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, longest)))
        few = cut.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
        few.save(path, "PNG", optimize=True)
