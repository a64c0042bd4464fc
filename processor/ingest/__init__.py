"""The door for product apps without a Kafka client: interactions and attributes as JSON over HTTP."""
