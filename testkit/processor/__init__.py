"""The real processor as its own process, and what it wrote, for tests of whole configurations."""
