#include "tests/support/server/cluster_names.h"

#include <atomic>
#include <fmt/format.h>
#include <stdexcept>

#include "adapters/coordination/zookeeper/handle.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/connection.h"
#include "adapters/shared/slots/slots.h"
#include "domain/conversation_id.h"
#include "tests/support/backends/backends.h"
#include "tests/support/mysql/database.h"

namespace parley::testing {
namespace {

using namespace std::chrono_literals;
using coordination::Zk;

// 0 is where other tests are; a Redis has 16. Users of an earlier cluster do not come back.
int next_redis_database() {
  static std::atomic<int> count = 0;
  return 1 + count++ % 15;
}

}  // namespace

ClusterNames::ClusterNames()
    : name_(test::unique_name("cluster")), redis_database_(next_redis_database()) {}

ClusterNames::~ClusterNames() {
  try {
    auto mysql = test::shared_mysql();
    mysql.database = name_;
    test::run_on_mysql(mysql, "DROP DATABASE IF EXISTS " + mysql::quoted(name_));
  } catch (const std::exception& e) {
    fmt::print(stderr, "the database {} stays: {}\n", name_, e.what());
  }
  cassandra::Settings outside;
  outside.contact_points = test::backend("cassandra");
  outside.open_timeout = 30s;
  cassandra::Options patient;
  patient.timeout = 60s;
  auto session = cassandra::Session::open(outside);
  Result<void> dropped;
  if (!session)
    dropped = std::unexpected(session.error());
  else if (auto run =
               (*session)->run(fmt::format("DROP KEYSPACE IF EXISTS \"{}\"", name_), patient);
           !run)
    dropped = std::unexpected(run.error());
  if (!dropped) fmt::print(stderr, "the keyspace {} stays: {}\n", name_, dropped.error().message);
}

std::string ClusterNames::settings() const {
  // Sessions and leases that a busy machine does not lose: `clear_dead` spares restarts the wait.
  return fmt::format(
      "[redis]\naddress = \"{}\"\ndatabase = {}\n"
      "[mysql]\naddress = \"{}\"\nuser = \"root\"\ndatabase = \"{}\"\n"
      "[cassandra]\naddresses = \"{}\"\nkeyspace = \"{}\"\nreplication = 1\n"
      "[kafka]\naddresses = \"{}\"\ntopic = \"{}\"\nlanes = 4\nreplication = 1\n"
      "[zookeeper]\naddresses = \"{}\"\nprefix = \"/{}\"\nsession_timeout_ms = 30000\n"
      "lease_ms = 10000\n",
      test::backend("redis"), redis_database_, test::backend("mysql"), name_,
      test::backend("cassandra"), name_, test::backend("kafka"), name_, test::backend("zookeeper"),
      name_);
}

void ClusterNames::clear_dead() const {
  auto opened = coordination::Handle::open(
      test::backend("zookeeper"), 60s,
      {.connected = [] {}, .expired = [] {}, .changed = [](const std::string&) {}});
  if (!opened) throw std::runtime_error(opened.error().message);
  auto& zookeeper = **opened;
  const auto check = [](Zk result, const std::string& path) {
    if (result != Zk::ok && result != Zk::no_node)  // what is not there needs no clearing
      throw std::runtime_error(coordination::zk_error(result, "changing " + path).message);
  };
  const auto shards = "/" + name_ + "/shards";
  coordination::Handle::Value table;
  const auto found = zookeeper.get(shards, table, false);
  check(found, shards);
  if (found == Zk::no_node) return;  // nothing has run yet
  slots::Slots slots(kShards, {});
  if (auto read = slots.assign(table.data); !read) throw std::runtime_error(read.error().message);
  for (std::uint32_t i = 0; i < kShards; ++i) {
    const auto holder = slots.at(i).session;
    slots.give({&i, 1}, holder);
  }
  check(zookeeper.set(shards, slots.text(), table.version), shards);
  for (const std::string folder : {"/sessions", "/members/message", "/members/gateway"}) {
    const auto path = "/" + name_ + folder;
    std::vector<std::string> nodes;
    check(zookeeper.children(path, nodes, false), path);
    for (const auto& node : nodes) check(zookeeper.remove(path + "/" + node), path);
  }
}

}  // namespace parley::testing
