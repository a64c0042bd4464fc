"""The processor: Kafka in, vendors' APIs in between, Kafka out."""

__version__ = "0.1.0"
