#include "app/stores.h"

#include <filesystem>
#include <fmt/format.h>

namespace parley::app {

Result<Stores> Stores::open(const Config& config) {
  const auto data = std::filesystem::absolute(config.server.data);
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error)
    return fail(Code::invalid_argument,
                fmt::format("the data folder {} cannot be made: {}: give another by --data",
                            data.string(), error.message()));
  Stores stores;
  RocksdbConversationStoreSettings settings;
  settings.flush_entries = config.store.flush_entries;
  settings.block_cache_bytes = config.store.cache_mib << 20;
  PARLEY_TRY(conversations, RocksdbConversationStore::open((data / "message").string(), settings));
  stores.conversations = std::move(conversations);
  PARLEY_TRY(people, accounts::SqliteAccounts::open(data / "accounts"));
  stores.accounts = std::move(people);
  PARLEY_TRY(pushes, push::SqlitePushSink::open(data / "notification"));
  stores.pushes = std::move(pushes);
  PARLEY_TRY(groups, groups::SqliteGroupStore::open(data / "group"));
  stores.groups = std::move(groups);
  PARLEY_TRY(last_seen, last_seen::SqliteLastSeenStore::open(data / "presence"));
  stores.last_seen = std::move(last_seen);
  return stores;
}

}  // namespace parley::app
