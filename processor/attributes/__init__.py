"""Attributes of users by hand: files of many rows brought in, and what is known of one user."""

from processor.attributes.importing import Import, Stopped, Summary
from processor.attributes.known import attributes_of
from processor.attributes.rows import Layout, Row, RowsError

__all__ = ["Import", "Layout", "Row", "RowsError", "Stopped", "Summary", "attributes_of"]
