"""The books as an operator checks them: drawn up from the durable records alone, not from what a process counted."""

from processor.books.balance import Books, Difference, PartitionBooks
from processor.books.reading import read_books

__all__ = ["Books", "Difference", "PartitionBooks", "read_books"]
