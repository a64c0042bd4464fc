"""The API, by tokens: the same things as the pages, as JSON."""
