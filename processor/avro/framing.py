"""The two ways in which Avro bytes say by which schema they were written."""

from __future__ import annotations

from typing import Literal

from connectors.kit.errors import Undecodable

Framing = Literal["single_object", "confluent"]
"""Which of the two is written; both are read."""

SINGLE_OBJECT = b"\xc3\x01"
SINGLE_OBJECT_SIZE = 10
CONFLUENT = b"\x00"
CONFLUENT_SIZE = 5


def single_object(fingerprint: bytes) -> bytes:
    """The head of Avro's single-object encoding: C3 01 and the schema's fingerprint."""
    return SINGLE_OBJECT + fingerprint


def confluent(schema_id: int) -> bytes:
    """The head of the Confluent format: a zero byte and the registry's id, big-endian."""
    return CONFLUENT + schema_id.to_bytes(4, "big")


def head(data: bytes) -> bytes:
    """The bytes before the Avro data; raises Undecodable where they follow neither framing."""
    size = CONFLUENT_SIZE if data[:1] == CONFLUENT else SINGLE_OBJECT_SIZE
    if len(data) < size or not data.startswith((CONFLUENT, SINGLE_OBJECT)):
        raise Undecodable("unknown_framing", f"begins with {data[:10].hex(' ')}: neither 00 and a schema id of "
                          "4 bytes (Confluent) nor C3 01 and a fingerprint of 8 bytes (Avro single object)")
    return data[:size]


def schema_id(head: bytes) -> int | None:
    """The registry's id in a Confluent head; None for the head of a single object."""
    return int.from_bytes(head[1:], "big") if len(head) == CONFLUENT_SIZE else None
