"""Dead letters for many visitors at once: one index that is followed in the background, and long work with progress."""

from console.letters.filters import Filters
from console.letters.office import Letters, Standing
from console.letters.work import Busy, Work, Works

__all__ = ["Busy", "Filters", "Letters", "Standing", "Work", "Works"]
