#pragma once
#include <memory>
#include <string>

#include "adapters/conversation_store/rocksdb/index.h"
#include "adapters/conversation_store/rocksdb/log.h"
#include "adapters/conversation_store/rocksdb/settings.h"
#include "adapters/conversation_store/rocksdb/tails.h"

namespace parley {

struct StorePaths {
  explicit StorePaths(const std::string& root)
      : folder(root),
        lock(root + "/lock"),
        reserve(root + "/reserve"),
        log(root + "/log"),
        copied_log(root + "/copied_log"),
        tables(root + "/tables"),
        flush(root + "/flush") {}
  std::string folder, lock, reserve, log, copied_log, tables, flush;
};

/// What an opened store consists of, before its threads run.
struct StoreParts {
  RocksdbConversationStoreSettings settings;
  std::shared_ptr<conversation_log::LogFiles> files;
  std::shared_ptr<void> lock;
  StoreInfo info;
  std::unique_ptr<Index> index;
  std::unique_ptr<conversation_log::Log> log;
  std::unique_ptr<Tail> tail;  // what the log holds and the tables do not
  std::uint64_t tail_bytes = 0;
  StoreState state;
};

/// Locks, opens, checks and replays, or makes, the store in a folder; raises its generation,
/// synced.
Result<StoreParts> open_store(const std::string& folder, RocksdbConversationStoreSettings settings);

/// Locks, checks and replays the store in a folder, and changes nothing there: it has no log to
/// write. `not_found`: there is no store.
Result<StoreParts> read_store(const std::string& folder, RocksdbConversationStoreSettings settings);

/// Gives a copied store a new epoch, and a log: what the copied one held goes to the tables. Before
/// that it has none, and cannot be opened.
Result<void> restore_store(const std::string& folder, RocksdbConversationStoreSettings settings);

}  // namespace parley
