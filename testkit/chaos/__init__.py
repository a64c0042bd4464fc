"""A seeded storm over real processors: kills, stops, joins, broker and vendors in trouble; and its judgement."""
