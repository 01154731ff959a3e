#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <rocksdb/env.h>

#include "adapters/conversation_store/rocksdb/log_files.h"
#include "domain/conversation_id.h"

namespace parley {

struct RocksdbConversationStoreSettings {
  // The log. A file is filled with zeros once, and used again and again.
  std::size_t segment_bytes = 8 << 20;

  // What is in memory and in the log goes to the tables when it is this much,
  std::size_t flush_entries = 100'000;
  std::size_t flush_bytes = 32 << 20;  // of log
  // or when it is at least this much and nothing was committed for this long.
  std::size_t idle_flush_rows = 512;
  std::chrono::milliseconds idle_flush_after = std::chrono::seconds(5);

  // When the flush does not keep up: from `slow_at` times that much commits are slowed down, at
  // `stop_at` times they wait for it;
  double slow_at = 2.5;
  double stop_at = 4;
  // so many may wait, then `busy` is the answer.
  std::size_t waiting_entries_max = 65'536;
  std::size_t waiting_bytes_max = 64 << 20;

  // Kept free on the disk, so that what is in the log can still be flushed when the disk is full.
  std::size_t reserve_bytes = 16 << 20;

  // The tables.
  std::size_t block_cache_bytes = 8 << 20;
  int max_open_files = 256;
  int background_jobs = 2;
  // Stores up to this size are read and checked in whole at each opening; in larger ones a damaged
  // table is found when it is read. (About 1 ms a megabyte.)
  std::size_t verify_at_open_bytes = 32 << 20;

  std::uint32_t shards = kShards;

  // File systems other than this machine's, for tests; both must be the same one.
  std::shared_ptr<conversation_log::LogFiles> files;  // none: this machine's
  std::shared_ptr<rocksdb::Env> env;                  // none: this machine's
  rocksdb::Env& tables_env() const { return env ? *env : *rocksdb::Env::Default(); }
};

}  // namespace parley
