#include "app/move_target.h"

#include <fmt/format.h>

#include "adapters/coordination/zookeeper/coordination.h"
#include "adapters/shared/mysql/database.h"
#include "app/remote_stores.h"

namespace parley::app {
namespace {

std::unexpected<Error> not_empty(const std::string& what) {
  return fail(Code::conflict,
              fmt::format("the target is not empty: {}. Nothing was changed; name another MySQL "
                          "database, Cassandra keyspace and Kafka topic, or drop these",
                          what));
}

}  // namespace

Result<MoveTarget> MoveTarget::open(const Config& config, const MoveSource& source) {
  MoveTarget out;
  PARLEY_TRY(mysql, mysql_settings(config));
  mysql.moving = true;
  mysql.connections = 2;
  mysql.answer_timeout = std::chrono::minutes(10);  // of a sum over a table
  for (const auto& part : source.databases) {
    PARLEY_TRY(db, mysql::Database::open(mysql, *part.schema));
    out.databases.push_back(std::move(db));
  }
  PARLEY_TRY(cassandra, cassandra_settings(config));
  cassandra.request_timeout = std::chrono::seconds(30);
  PARLEY_TRY(session, cassandra::Session::open(cassandra));
  out.cassandra = std::move(session);
  PARLEY_TRY(intake, CassandraIntake::open(out.cassandra));
  out.conversations = std::move(intake);
  PARLEY_TRY(last_seen, last_seen::CassandraLastSeenStore::open(out.cassandra));
  out.last_seen = std::move(last_seen);
  return out;
}

Result<void> MoveTarget::must_be_empty(const Config& config, const MoveSource& source) {
  PARLEY_TRY(found, conversations->found());
  const auto& keyspace = config.cassandra.keyspace;
  if (found.epoch == source.conversations->info().epoch)
    return fail(Code::conflict, fmt::format("this server was moved into the Cassandra keyspace {} "
                                            "before: start the processes of the cluster",
                                            keyspace));
  if (found.epoch)
    return not_empty(fmt::format("processes have used the Cassandra keyspace {}", keyspace));
  PARLEY_TRY(seen, cassandra->run("SELECT user_id FROM last_seen LIMIT 1"));
  if (!seen.empty())
    return not_empty(
        fmt::format("the table last_seen of the Cassandra keyspace {} has rows", keyspace));
  for (std::size_t i = 0; i < databases.size(); ++i)
    for (const auto& [table, ignored] : source.databases[i].tables) {
      PARLEY_TRY(sum, sql::sum_on_server(*databases[i], table));
      // last_ids is made with a row for each kind of id: 0, none yet.
      if (table.name == "last_ids") continue;
      if (sum.rows > 0)
        return not_empty(fmt::format("the table {} of the MySQL database {} has {} rows",
                                     table.name, config.mysql.database, sum.rows));
    }
  PARLEY_TRY_VOID(stream::make_topic(kafka_of(config), topic_of(config)));
  PARLEY_TRY(empty, stream::is_empty(kafka_of(config), topic_of(config)));
  if (!empty) return not_empty(fmt::format("the Kafka topic {} has records", config.kafka.topic));
  return {};
}

Result<void> MoveTarget::nobody_runs(const Config& config) {
  coordination::ZookeeperSettings settings;
  settings.addresses = config.zookeeper.addresses;
  settings.prefix = config.zookeeper.prefix;
  settings.process = "migrate";
  settings.session_timeout = config.zookeeper.session_timeout;
  settings.lease = config.zookeeper.lease;
  PARLEY_TRY(coordination, coordination::ZookeeperCoordination::open(std::move(settings)));
  for (const auto* kind : {"message", "gateway", "auth", "user"}) {
    PARLEY_TRY(members, coordination->membership().members(kind));
    if (!members.empty())
      return fail(Code::conflict,
                  fmt::format("{} runs on the target at {}: stop the cluster's processes first",
                              members.front().id, members.front().address));
  }
  return {};
}

}  // namespace parley::app
