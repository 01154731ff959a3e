#include "app/stores.h"

#include <fmt/format.h>

#include "app/process.h"

namespace parley::app {

Result<std::filesystem::path> data_folder(const Config& config) {
  const auto data = std::filesystem::absolute(config.server.data);
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error)
    return fail(Code::invalid_argument,
                fmt::format("the data folder {} cannot be made: {}: give another by --data",
                            data.string(), error.message()));
  return data;
}

Result<void> Stores::open_conversations(const Config& config) {
  if (conversations) return {};
  PARLEY_TRY(data, data_folder(config));
  RocksdbConversationStoreSettings settings;
  settings.flush_entries = config.store.flush_entries;
  settings.block_cache_bytes = config.store.cache_mib << 20;
  PARLEY_TRY(opened, RocksdbConversationStore::open((data / "message").string(), settings));
  conversations = std::move(opened);
  return {};
}

Result<void> Stores::open_accounts(const Config& config) {
  if (accounts) return {};
  PARLEY_TRY(data, data_folder(config));
  PARLEY_TRY(opened, accounts::SqliteAccounts::open(data / "accounts"));
  accounts = std::move(opened);
  return {};
}

Result<std::string> ticket_key_of(accounts::SqliteAccounts& accounts) {
  return accounts.secrets().get_or_make("gateway.ticket_key", gateway::TicketKey().size());
}

Result<void> open_conversations(Process& p) { return p.stores.open_conversations(p.config); }

Result<void> open_accounts(Process& p) { return p.stores.open_accounts(p.config); }

Result<void> open_pushes(Process& p) {
  PARLEY_TRY(data, data_folder(p.config));
  PARLEY_TRY(opened, push::SqlitePushSink::open(data / "notification"));
  p.stores.pushes = std::move(opened);
  return {};
}

Result<void> open_groups(Process& p) {
  PARLEY_TRY(data, data_folder(p.config));
  PARLEY_TRY(opened, groups::SqliteGroupStore::open(data / "group"));
  p.stores.groups = std::move(opened);
  return {};
}

Result<void> open_last_seen(Process& p) {
  PARLEY_TRY(data, data_folder(p.config));
  PARLEY_TRY(opened, last_seen::SqliteLastSeenStore::open(data / "presence"));
  p.stores.last_seen = std::move(opened);
  return {};
}

}  // namespace parley::app
