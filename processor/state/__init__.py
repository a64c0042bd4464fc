"""Local state in RocksDB: attributes, open chains and the duplicates window, one store a partition."""

from processor.state.errors import StateError, StoreBrokenError, StoreInUseError
from processor.state.folder import StateFolder
from processor.state.overlay import Sealed
from processor.state.store import PartitionStore, StoredAttributes

__all__ = [
    "PartitionStore", "Sealed", "StateError", "StateFolder", "StoreBrokenError", "StoreInUseError", "StoredAttributes",
]
