"""Ends, or halts, a real processor exactly between two steps of a chain's life, and checks what comes of it."""
