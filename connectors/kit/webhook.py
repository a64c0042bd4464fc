"""Signatures by which a receiver knows that a request is ours and fresh: the Standard Webhooks scheme.

Specification: https://www.standardwebhooks.com
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a signing key."""


def signing_key(text: str) -> bytes:
    """The key in a signing secret ("whsec_" and Base64); raises ValueError, without repeating it, where it is none."""
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"is no signing secret; write {PREFIX} and the Base64 of {SHORTEST} to {LONGEST} random bytes")
    return key


def signature_headers(key: bytes, id: str, now: float, body: bytes) -> tuple[str, str, str]:
    """The three header lines: who sends, when, and the proof over both and the body."""
    timestamp = str(int(now))
    signed = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, sha256)
    return (
        f"webhook-id: {id}", f"webhook-timestamp: {timestamp}", f"webhook-signature: v1,{b64encode(signed).decode()}"
    )
