#include "app/stores.h"

#include <fmt/format.h>

#include "adapters/groups/sql/group_store.h"
#include "adapters/last_seen/cassandra/last_seen_store.h"
#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/sqlite/database.h"
#include "app/process.h"
#include "app/remote_stores.h"

namespace parley::app {
namespace {

/// The database of a service that keeps its rows in one of its own.
Result<std::unique_ptr<sql::Database>> open_database(const Config& config, std::string_view folder,
                                                     const sql::Schema& schema) {
  if (!config.mysql.address.empty()) {
    PARLEY_TRY(settings, mysql_settings(config));
    return mysql::Database::open(settings, schema);
  }
  PARLEY_TRY(data, data_folder(config));
  return sqlite::Database::open({.folder = data / folder}, schema);
}

}  // namespace

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
  PARLEY_TRY(db, open_database(config, "accounts", accounts::schema()));
  accounts = std::make_unique<accounts::SqlAccounts>(std::move(db));
  return {};
}

Result<std::string> ticket_key_of(accounts::SqlAccounts& accounts) {
  return accounts.secrets().get_or_make("gateway.ticket_key", gateway::TicketKey().size());
}

namespace {

/// One for all that this process keeps in Cassandra.
Result<void> open_cassandra(Process& p) {
  if (p.stores.cassandra) return {};
  PARLEY_TRY(settings, cassandra_settings(p.config));
  PARLEY_TRY(session, cassandra::Session::open(settings));
  PARLEY_TRY_VOID(cassandra::check_schema(*session));
  p.stores.cassandra = std::move(session);
  return {};
}

}  // namespace

Result<void> open_conversations(Process& p) {
  if (!p.config.many_logs()) return p.stores.open_conversations(p.config);
  PARLEY_TRY_VOID(open_cassandra(p));
  CassandraConversationStoreSettings settings;
  settings.holds = [&p](ShardId shard, Generation of) { return p.cluster->holds(shard, of); };
  settings.ask_owner = [&p](const ConversationId& id) {
    return run_on_loop(*p.loops, [&p, id] { return p.message_router->head(id); });
  };
  PARLEY_TRY(opened, CassandraConversationStore::open(p.stores.cassandra, std::move(settings)));
  p.stores.logs = std::move(opened);
  return {};
}

Result<void> open_accounts(Process& p) { return p.stores.open_accounts(p.config); }

Result<void> open_pushes(Process& p) {
  PARLEY_TRY(db, open_database(p.config, "notification", push::schema()));
  p.stores.pushes = std::make_unique<push::SqlPushSink>(std::move(db));
  return {};
}

Result<void> open_groups(Process& p) {
  PARLEY_TRY(db, open_database(p.config, "group", groups::schema()));
  p.stores.groups = std::make_unique<groups::SqlGroupStore>(std::move(db));
  return {};
}

Result<void> open_last_seen(Process& p) {
  if (!p.config.cassandra.addresses.empty()) {
    PARLEY_TRY_VOID(open_cassandra(p));
    PARLEY_TRY(opened, last_seen::CassandraLastSeenStore::open(p.stores.cassandra));
    p.stores.last_seen = std::move(opened);
    return {};
  }
  PARLEY_TRY(data, data_folder(p.config));
  PARLEY_TRY(opened, last_seen::SqliteLastSeenStore::open(data / "presence"));
  p.stores.last_seen = std::move(opened);
  return {};
}

}  // namespace parley::app
