#include "tests/support/server/cluster_names.h"

#include <atomic>
#include <fmt/format.h>
#include <stdexcept>

#include "adapters/coordination/zookeeper/handle.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/mysql/connection.h"
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
  // Sessions and leases that a busy machine does not lose: `end_sessions` spares a restart the wait
  // for the first, but none takes a shard before the lease of its dead owner is over.
  return fmt::format(
      "[redis]\naddress = \"{}\"\ndatabase = {}\n"
      "[mysql]\naddress = \"{}\"\nuser = \"root\"\ndatabase = \"{}\"\n"
      "[cassandra]\naddresses = \"{}\"\nkeyspace = \"{}\"\nreplication = 1\n"
      "[kafka]\naddresses = \"{}\"\ntopic = \"{}\"\nlanes = 4\nreplication = 1\n"
      "[zookeeper]\naddresses = \"{}\"\nprefix = \"/{}\"\nsession_timeout_ms = 20000\n"
      "lease_ms = 2000\n",
      test::backend("redis"), redis_database_, test::backend("mysql"), name_,
      test::backend("cassandra"), name_, test::backend("kafka"), name_, test::backend("zookeeper"),
      name_);
}

void ClusterNames::end_sessions() const {
  auto zookeeper = coordination::Handle::open(
      test::backend("zookeeper"), 20s,
      {.connected = [] {}, .expired = [] {}, .changed = [](const std::string&) {}});
  if (!zookeeper) throw std::runtime_error(zookeeper.error().message);
  for (const std::string folder : {"/sessions", "/members/message"}) {
    const auto path = "/" + name_ + folder;
    std::vector<std::string> nodes;
    const auto listed = (*zookeeper)->children(path, nodes, false);
    if (listed == Zk::no_node) continue;  // it has not run yet
    if (listed != Zk::ok)
      throw std::runtime_error(coordination::zk_error(listed, "reading " + path).message);
    for (const auto& node : nodes)
      if (const auto gone = (*zookeeper)->remove(path + "/" + node);
          gone != Zk::ok && gone != Zk::no_node)
        throw std::runtime_error(coordination::zk_error(gone, "ending a session").message);
  }
}

}  // namespace parley::testing
