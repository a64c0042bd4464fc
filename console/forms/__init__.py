"""Forms made from pydantic models: which fields there are, what was typed, and what is wrong with it."""
