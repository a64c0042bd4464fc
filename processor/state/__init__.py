"""The disk rim: one RocksDB a partition."""
