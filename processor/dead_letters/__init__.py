"""Dead letters: reading, replaying, closing."""
