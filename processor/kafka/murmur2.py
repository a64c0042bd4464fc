"""Which partition a key lies in, as Java's producer and librdkafka's `murmur2_random` compute it.

Every record's partition is checked against its key, so this is on the way of each event: librdkafka's own function
is called where it can be loaded, the same in Python stands in where not.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF

PartitionOf = Callable[[bytes, int], int]


def pure_partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, computed in Python."""
    return (murmur2(key) & _POSITIVE) % partitions


def murmur2(key: bytes) -> int:
    """The 32-bit hash of a key, without a sign."""
    whole = len(key) & ~3
    state = _SEED ^ len(key)
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at:at + 4], "little") * _M & _MASK
        word = (word ^ (word >> 24)) * _M & _MASK
        state = (state * _M & _MASK) ^ word
    if whole < len(key):
        state = (state ^ int.from_bytes(key[whole:], "little")) * _M & _MASK
    state = (state ^ (state >> 13)) * _M & _MASK
    return state ^ (state >> 15)


def native_partition_of() -> PartitionOf | None:
    """The same function of the librdkafka that confluent-kafka carries; None where it cannot be reached."""
    library = _librdkafka()
    hashed = getattr(library, "rd_kafka_msg_partitioner_murmur2", None)
    if hashed is None:
        return None
    hashed.restype = ctypes.c_int32
    hashed.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32,
                       ctypes.c_void_p, ctypes.c_void_p)

    def call(key: bytes, partitions: int) -> int:
        return hashed(None, key, len(key), partitions, None, None)  # type: ignore[no-any-return]

    return call


def _librdkafka() -> ctypes.PyDLL | None:
    """The library as the wheel brings it; `PyDLL`, since giving up the lock costs more than the hash."""
    for path in _candidates():
        try:
            return ctypes.PyDLL(str(path))
        except OSError:
            continue
    return None


def _candidates() -> list[Path]:
    package = find_spec("confluent_kafka")
    if package is None or package.origin is None:
        return []
    beside = Path(package.origin).parent.parent / "confluent_kafka.libs"
    return sorted(beside.glob("librdkafka*.so*"))


def _best() -> PartitionOf:
    return native_partition_of() or pure_partition_of


partition_of: PartitionOf = _best()
"""The partition of a key among so many: `partition_of(key, partitions)`."""
