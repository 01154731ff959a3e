#include "app/stores.h"

#include <fmt/format.h>

#include "adapters/groups/sql/group_store.h"
#include "adapters/last_seen/cassandra/last_seen_store.h"
#include "adapters/last_seen/sqlite/last_seen_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/database.h"
#include "adapters/shared/mysql/reach.h"
#include "adapters/shared/rows/rows.h"
#include "adapters/shared/sqlite/database.h"
#include "adapters/stream/kafka/consumer.h"
#include "adapters/stream/kafka/publisher.h"
#include "app/process.h"
#include "app/remote_stores.h"

namespace parley::app {
namespace {

/// The database of a service that keeps its rows in one of its own.
Result<std::unique_ptr<sql::Database>> open_database(Stores& stores, const Config& config,
                                                     const std::string& folder,
                                                     const sql::Schema& schema) {
  if (!config.mysql.address.empty()) {
    PARLEY_TRY(settings, mysql_settings(config));
    return mysql::Database::open(settings, schema);
  }
  PARLEY_TRY(data, data_folder(config));
  PARLEY_TRY(db, sqlite::Database::open({.folder = data / folder}, schema));
  stores.sqlite.emplace_back(folder, db.get());
  return std::move(db);
}

/// The same, waited for, and watched from then on.
Result<std::unique_ptr<sql::Database>> open_database(Process& p, const std::string& folder,
                                                     const sql::Schema& schema) {
  PARLEY_TRY(db, p.with_mysql([&] { return open_database(p.stores, p.config, folder, schema); }));
  db->measure(p.metrics, p.config.mysql.address.empty() ? "sqlite" : "mysql",
              std::string(schema.name));
  if (!p.config.mysql.address.empty()) {
    PARLEY_TRY(settings, mysql_settings(p.config));
    p.health.watch(
        "MySQL", p.config.mysql.address,
        [reach = std::make_shared<mysql::Reach>(std::move(settings))] { return reach->ask(); });
  }
  return std::move(db);
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
  PARLEY_TRY(data, data_folder(config));
  RocksdbConversationStoreSettings settings;
  settings.flush_entries = config.store.flush_entries;
  settings.block_cache_bytes = config.store.cache_mib << 20;
  PARLEY_TRY(opened, RocksdbConversationStore::open((data / "message").string(), settings));
  conversations = std::move(opened);
  return {};
}

Result<void> Stores::open_accounts(const Config& config) {
  PARLEY_TRY(db, open_database(*this, config, "accounts", accounts::schema()));
  accounts = std::make_unique<accounts::SqlAccounts>(std::move(db));
  return {};
}

namespace {

Result<void> open_last_seen(Stores& stores, const Config& config) {
  PARLEY_TRY(data, data_folder(config));
  PARLEY_TRY(opened, last_seen::SqliteLastSeenStore::open(data / "presence"));
  stores.sqlite.emplace_back("presence", &opened->database());
  stores.last_seen = std::move(opened);
  return {};
}

}  // namespace

Result<void> Stores::open_embedded(const Config& config) {
  PARLEY_TRY_VOID(open_conversations(config));
  PARLEY_TRY_VOID(open_accounts(config));
  PARLEY_TRY(group, open_database(*this, config, "group", groups::schema()));
  groups = std::make_unique<groups::SqlGroupStore>(std::move(group));
  PARLEY_TRY(push, open_database(*this, config, "notification", push::schema()));
  pushes = std::make_unique<push::SqlPushSink>(std::move(push));
  return open_last_seen(*this, config);
}

Result<std::string> ticket_key_of(accounts::SqlAccounts& accounts) {
  return accounts.secrets().get_or_make("gateway.ticket_key", gateway::TicketKey().size());
}

std::string encode_record(const Entry& entry) {
  std::string value, encoded;
  rows::put_u64(value, entry.seq.value);
  rows::encode_entry(entry, Generation(0), encoded);
  return value + encoded;
}

namespace {

EntryPtr decode_record(std::string_view key, std::string_view value) {
  const auto id = ConversationId::parse(key);
  if (!id || value.size() < 8) return nullptr;
  return rows::decode_entry(*id, Seq(rows::get_u64(value)), value.substr(8));
}

/// With the topic made, which is waited for.
Result<stream::KafkaSettings> kafka_settings(Process& p) {
  const auto settings = kafka_of(p.config);
  const auto topic = topic_of(p.config);
  PARLEY_TRY_VOID(p.health.wait_for("Kafka", settings.brokers,
                                    [&] { return stream::make_topic(settings, topic); }));
  return settings;
}

/// One for all that this process keeps in Cassandra.
Result<void> open_cassandra(Process& p) {
  if (p.stores.cassandra) return {};
  PARLEY_TRY(settings, cassandra_settings(p.config));
  const auto& where = settings.contact_points;
  const auto open = [&]() -> Result<void> {
    PARLEY_TRY(session, cassandra::Session::open(settings));
    PARLEY_TRY_VOID(cassandra::check_schema(*session));
    p.stores.cassandra = std::move(session);
    return {};
  };
  PARLEY_TRY_VOID(p.health.wait_for("Cassandra", where, open));
  p.health.watch("Cassandra", where,
                 [session = p.stores.cassandra] { return cassandra::reach(*session); });
  return {};
}

}  // namespace

Result<void> open_conversations(Process& p) {
  if (!p.config.many_logs()) {
    PARLEY_TRY_VOID(p.stores.open_conversations(p.config));
    p.stores.timed =
        std::make_unique<TimedConversationStore>(*p.stores.conversations, p.metrics, "embedded");
    return {};
  }
  PARLEY_TRY_VOID(open_cassandra(p));
  CassandraConversationStoreSettings settings;
  settings.holds = [&p](ShardId shard, Generation of) { return p.cluster->holds(shard, of); };
  settings.ask_owner = [&p](const ConversationId& id) {
    return run_on_loop(*p.loops, [&p, id] { return p.message_router->head(id); });
  };
  PARLEY_TRY(opened, CassandraConversationStore::open(p.stores.cassandra, std::move(settings)));
  p.stores.logs = std::move(opened);
  PARLEY_TRY(kafka, kafka_settings(p));
  kafka.took = &p.metrics.store_seconds("kafka", "publish");
  PARLEY_TRY(publisher, stream::KafkaPublisher::open(kafka));
  p.health.watch("Kafka", kafka.brokers, [feed = publisher.get()] { return feed->reach(); });
  p.stores.feed = std::move(publisher);
  p.stores.timed = std::make_unique<TimedConversationStore>(*p.stores.logs, p.metrics, "cassandra");
  p.stores.published =
      std::make_unique<message::PublishingStore>(*p.stores.timed, *p.stores.feed, encode_record);
  return {};
}

Result<void> open_feed(Process& p) {
  PARLEY_TRY(kafka, kafka_settings(p));
  kafka.group = p.config.kafka.topic + "-groups";  // others may share the brokers
  PARLEY_TRY(consumer, stream::KafkaConsumer::open(kafka, {}));
  p.health.watch("Kafka", kafka.brokers, [feed = consumer.get()] { return feed->reach(); });
  p.feed_consumer = std::move(consumer);
  p.stream_feed = std::make_unique<group::StreamFeed>(*p.loops, *p.feed_consumer, decode_record);
  p.api.feed = p.stream_feed.get();
  return {};
}

Result<void> open_accounts(Process& p) {
  if (p.stores.accounts) return {};
  PARLEY_TRY(db, open_database(p, "accounts", accounts::schema()));
  p.stores.accounts = std::make_unique<accounts::SqlAccounts>(std::move(db));
  return {};
}

Result<void> open_pushes(Process& p) {
  PARLEY_TRY(db, open_database(p, "notification", push::schema()));
  p.stores.pushes = std::make_unique<push::SqlPushSink>(std::move(db));
  return {};
}

Result<void> open_groups(Process& p) {
  PARLEY_TRY(db, open_database(p, "group", groups::schema()));
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
  return open_last_seen(p.stores, p.config);
}

}  // namespace parley::app
