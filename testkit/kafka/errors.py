"""The one way in which getting a broker fails."""


class NoKafka(RuntimeError):
    """No broker could be had; the text says why and how to mend it."""
