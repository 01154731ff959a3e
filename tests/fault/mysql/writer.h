#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>

#include "adapters/accounts/sql/accounts.h"
#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "adapters/shared/mysql/settings.h"

namespace parley::test {

/// The schemas of all MySQL stores.
const std::vector<const sql::Schema*>& mysql_schemas();

/// What one process has open.
struct MysqlStores {
  explicit MysqlStores(const mysql::Settings& settings);
  std::unique_ptr<accounts::SqlAccounts> accounts;
  std::unique_ptr<groups::SqlGroupStore> groups;
  std::unique_ptr<push::SqlPushSink> pushes;
};

/// Somebody who makes accounts, refreshes a token, changes a group and records pushes, each again
/// until a success is the answer; and knows what was acknowledged.
class Writer {
 public:
  Writer(MysqlStores& stores, std::uint64_t number, const std::atomic<bool>& stop)
      : stores_(stores), number_(number), stop_(stop) {}

  void run();
  /// That all of it is there, once; as GoogleTest failures. After `run` has ended.
  void verify(MysqlStores& stores) const;

  std::atomic<std::uint64_t> rounds = 0;       // that were acknowledged whole
  std::atomic<std::uint64_t> unavailable = 0;  // answers
  std::map<Code, int> unexpected;              // other failures

 private:
  Account account(std::uint64_t round) const;
  void retry(const std::function<Result<void>()>& call);

  MysqlStores& stores_;
  const std::uint64_t number_;
  const std::atomic<bool>& stop_;
};

}  // namespace parley::test
