"""The HTTP rim: transports that keep many calls in flight."""
