#pragma once
#include "adapters/shared/sqlite/database.h"
#include "ports/push.h"

namespace parley::push {

/// pushes.db, opened. Any thread.
class SqlitePushSink final : public PushSink {
 public:
  /// Errors are one sentence for the person who starts the server (see sqlite::Database::open).
  static Result<std::unique_ptr<SqlitePushSink>> open(std::filesystem::path folder);
  static Result<std::unique_ptr<SqlitePushSink>> open(sqlite::Settings settings);

  Result<void> record(const std::vector<Push>& pushes) override;
  Result<std::vector<Push>> of(UserId user) override;

 private:
  explicit SqlitePushSink(std::unique_ptr<sqlite::Database> db) : db_(std::move(db)) {}

  std::unique_ptr<sqlite::Database> db_;
};

}  // namespace parley::push
