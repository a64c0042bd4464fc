"""Who visits, what they may do, and what browsers are told so that nobody else does it in their name."""
