"""The one way in which getting a broker fails."""


class NoKafka(RuntimeError):  # noqa: N818 - reads as what it says
    """No broker could be had; the text says why and how to mend it."""
