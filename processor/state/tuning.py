"""How RocksDB is set up: one block cache and one write buffer budget a process, small stores, cheap misses."""

from __future__ import annotations

from typing import Any

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, WriteBufferManager

MEBIBYTE = 1 << 20
BLOOM_BITS = 10.0
WRITE_BUFFERS = {
    "attributes": 4 * MEBIBYTE, "chains": 2 * MEBIBYTE, "finished": 2 * MEBIBYTE, "parked": 2 * MEBIBYTE,
}
"""Most that one column family of a store holds in memory before it writes a file."""
SMALL_BUFFER = MEBIBYTE // 2
ARENA_BLOCK = 32 << 10
"""Many stores are open at once, most of them nearly empty: memory is taken in small pieces."""
MOST_WAL = 16 * MEBIBYTE
"""Bounds what is read again when a store is opened after a crash."""
OPEN_FILES = 48


class Tuning:
    """Memory that all stores of a process share, and the options that refer to it."""

    def __init__(self, cache_mb: int) -> None:
        self.cache = Cache.new_hyper_clock_cache(cache_mb * MEBIBYTE, 0)
        # Write buffers are charged to the cache, so that both together stay within it.
        self.buffers = WriteBufferManager.new_write_buffer_manager_with_cache(
            cache_mb * MEBIBYTE // 2, False, self.cache
        )
        self._table = self._table_options()

    def database(self) -> Any:
        """Options of a store as a whole, and of its default column family."""
        options = self.family("meta")
        options.create_if_missing(True)
        options.create_missing_column_families(True)
        options.set_write_buffer_manager(self.buffers)
        options.set_max_total_wal_size(MOST_WAL)
        options.set_max_open_files(OPEN_FILES)
        options.set_keep_log_file_num(2)
        options.set_max_log_file_size(MEBIBYTE)
        options.set_stats_dump_period_sec(0)
        return options

    def family(self, kind: str) -> Any:
        """Options of a column family: `meta`, `attributes`, `chains`, `parked` or `finished`."""
        options = Options(raw_mode=True)
        options.set_block_based_table_factory(self._table)
        options.set_write_buffer_size(WRITE_BUFFERS.get(kind, SMALL_BUFFER))
        options.set_arena_block_size(ARENA_BLOCK)
        options.set_compression_type(DBCompressionType.lz4())
        if kind == "finished":
            _for_misses(options)
        return options

    def _table_options(self) -> Any:
        """Files with a bloom filter, index and filter inside the shared cache."""
        table = BlockBasedOptions()
        table.set_block_cache(self.cache)
        table.set_bloom_filter(BLOOM_BITS, False)
        table.set_cache_index_and_filter_blocks(True)
        table.set_pin_l0_filter_and_index_blocks_in_cache(True)
        return table


def _for_misses(options: Any) -> None:
    """Nearly every look-up finds nothing: few files and a bloom filter before each, in memory too."""
    options.set_compression_type(DBCompressionType.none())
    options.set_level_zero_file_num_compaction_trigger(2)
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_memtable_whole_key_filtering(True)
