"""A night's incident, walked through at a terminal: a test runs it, and `python -m testkit.incident` records it."""
