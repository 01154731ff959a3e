#include "app/remote_stores.h"

#include <fmt/format.h>
#include <fstream>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/migrate.h"

namespace parley::app {
namespace {

/// Of the settings of `section`.
template <class Section>
Result<std::string> password_of(const Section& settings, const char* section) {
  const auto& file = settings.password_file;
  if (file.empty()) return settings.password;
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line))
    return fail(Code::invalid_argument,
                fmt::format("{} ({}.password_file) cannot be read: its first line is the password",
                            file, section));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace

Result<mysql::Settings> mysql_settings(const Config& config) {
  if (config.mysql.address.empty())
    return fail(Code::invalid_argument,
                "mysql.address is not set: write address = \"HOST:PORT\" under [mysql] in the file "
                "of --config");
  PARLEY_TRY(server, parse_remote_address(config.mysql.address));
  PARLEY_TRY(password, password_of(config.mysql, "mysql"));
  mysql::Settings settings;
  settings.host = server.host;
  settings.port = server.port;
  settings.user = config.mysql.user;
  settings.password = password;
  settings.database = config.mysql.database;
  settings.connections = config.mysql.connections;
  return settings;
}

Result<cassandra::Settings> cassandra_settings(const Config& config) {
  if (config.cassandra.addresses.empty())
    return fail(Code::invalid_argument,
                "cassandra.addresses is not set: write addresses = \"HOST:PORT\" under [cassandra] "
                "in the file of --config");
  PARLEY_TRY(password, password_of(config.cassandra, "cassandra"));
  cassandra::Settings settings;
  settings.contact_points = config.cassandra.addresses;
  settings.keyspace = config.cassandra.keyspace;
  settings.local_dc = config.cassandra.local_dc;
  settings.user = config.cassandra.user;
  settings.password = password;
  return settings;
}

stream::KafkaSettings kafka_of(const Config& config) {
  stream::KafkaSettings settings;
  settings.brokers = config.kafka.addresses;
  settings.topic = config.kafka.topic;
  return settings;
}

stream::TopicSettings topic_of(const Config& config) {
  stream::TopicSettings topic;
  topic.lanes = static_cast<std::uint32_t>(config.kafka.lanes);
  topic.replicas = static_cast<std::uint32_t>(config.kafka.replication);
  return topic;
}

namespace {

Result<void> migrate_mysql(const Config& config) {
  PARLEY_TRY(settings, mysql_settings(config));
  const sql::Schema* const schemas[] = {&accounts::schema(), &groups::schema(), &push::schema()};
  PARLEY_TRY_VOID(mysql::migrate(settings, schemas, [](mysql::Migrated step) {
    fmt::print("{}: schema {}\n", step.schema, step.version);
    std::fflush(stdout);
  }));
  fmt::print("the MySQL database {} at {} is up to date\n", settings.database, settings.address());
  return {};
}

Result<void> migrate_cassandra(const Config& config) {
  PARLEY_TRY(settings, cassandra_settings(config));
  PARLEY_TRY(version, cassandra::migrate(settings, static_cast<int>(config.cassandra.replication)));
  fmt::print("the Cassandra keyspace {} at {} has schema {}\n", settings.keyspace,
             settings.contact_points, version);
  return {};
}

}  // namespace

Result<void> migrate(const Config& config) {
  if (config.mysql.address.empty() && config.cassandra.addresses.empty())
    return fail(Code::invalid_argument,
                "mysql.address and cassandra.addresses are not set: there is nothing to migrate. "
                "Write them under [mysql] and [cassandra] in the file of --config");
  if (!config.mysql.address.empty()) PARLEY_TRY_VOID(migrate_mysql(config));
  if (!config.cassandra.addresses.empty()) PARLEY_TRY_VOID(migrate_cassandra(config));
  return {};
}

}  // namespace parley::app
