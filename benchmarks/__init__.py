"""The processor against what the bare libraries allow, and against the usual ways: `make bench` runs it."""
