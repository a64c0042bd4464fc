"""Connectors: what the world outside looks like. Pure: no I/O, nothing of the processor."""
