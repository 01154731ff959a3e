#pragma once
#include "adapters/conversation_store/rocksdb/scan.h"
#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "adapters/shared/sql/copy.h"
#include "app/config.h"

namespace parley::app {

/// The data folder of a stopped server with embedded stores, under its locks.
struct MoveSource {
  /// A service's SQLite database, and what its tables came to when it was opened.
  struct Part {
    const sql::Schema* schema;
    std::unique_ptr<sql::Database> db;
    std::vector<std::pair<sql::Table, sql::TableSum>> tables;
  };

  static Result<MoveSource> open(const Config& config);

  std::unique_ptr<RocksdbScan> conversations;
  std::vector<Part> databases;  // accounts, groups, pushes
  std::unique_ptr<last_seen::SqliteLastSeenStore> last_seen;
  std::string version;  // another one after any change
};

}  // namespace parley::app
