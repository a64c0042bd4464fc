"""The real engine and loop between fake ports, on a clock that the test turns: no Kafka, no HTTP, no disk."""
