#pragma once
#include <memory>

#include "adapters/shared/sql/database.h"
#include "ports/push.h"

namespace parley::push {

/// The tables of the database that `SqlPushSink` is given.
const sql::Schema& schema();

/// Pushes in a database opened with `schema()`. Any thread.
class SqlPushSink final : public PushSink {
 public:
  explicit SqlPushSink(std::unique_ptr<sql::Database> db) : db_(std::move(db)) {}

  Result<void> record(const std::vector<Push>& pushes) override;
  Result<std::vector<Push>> of(UserId user) override;

 private:
  std::unique_ptr<sql::Database> db_;
};

}  // namespace parley::push
