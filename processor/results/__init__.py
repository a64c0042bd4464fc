"""What came of events: outcomes read from the results topic, for people and scripts."""

from processor.results.reading import Reader
from processor.results.wanted import Wanted

__all__ = ["Reader", "Wanted"]
