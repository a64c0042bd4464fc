"""The Kafka rim: consumer thread, checkpoint thread, administration."""
