#pragma once
#include <memory>

#include "adapters/accounts/sqlite/accounts.h"
#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "adapters/groups/sqlite/group_store.h"
#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "adapters/push/sqlite/push_sink.h"
#include "app/config.h"

namespace parley::app {

/// The embedded stores of a data folder, each under its own lock.
struct Stores {
  std::unique_ptr<RocksdbConversationStore> conversations;
  std::unique_ptr<accounts::SqliteAccounts> accounts;
  std::unique_ptr<push::SqlitePushSink> pushes;
  std::unique_ptr<groups::SqliteGroupStore> groups;
  std::unique_ptr<last_seen::SqliteLastSeenStore> last_seen;

  /// Makes the folder if there is none. Errors are one sentence for the person who starts the
  /// server.
  static Result<Stores> open(const Config& config);
};

}  // namespace parley::app
